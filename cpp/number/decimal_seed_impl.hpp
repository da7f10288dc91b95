// The double logarithm under the decimal library's ln. One unit of it changes the 34-digit result
// in about one of a thousand cases, so its rounding is fixed here, operation by operation.
#pragma once

#include "decimal_library.hpp"

#include <cmath>

namespace allora::library {

namespace {

// Through `volatile`, so that no compiler fuses the product with a following sum.
ALLORA_HD double product(double x, double y) {
    volatile double result = x * y;
    return result;
}

constexpr double l1 = 6.666666666666735130e-01;
constexpr double l2 = 3.999999999940941908e-01;
constexpr double l3 = 2.857142874366239149e-01;
constexpr double l4 = 2.222219843214978396e-01;
constexpr double l5 = 1.818357216161805012e-01;
constexpr double l6 = 1.531383769920937332e-01;
constexpr double l7 = 1.479819860511658591e-01;
constexpr double ln2_high = 6.93147180369123816490e-01;
constexpr double ln2_low = 1.90821492927058770002e-10;
constexpr double half_root_of_2 = 0.70710678118654752440;

} // namespace

ALLORA_APART double seed_log(double x) {
    int k = 0;
    double f1 = std::frexp(x, &k);
    if (f1 < half_root_of_2) {
        f1 *= 2.0;
        k -= 1;
    }
    const double f = f1 - 1.0;
    const double exponent = k;
    const double s = f / (2.0 + f);
    const double s2 = product(s, s);
    const double s4 = product(s2, s2);
    const double t1 = product(s2, l1 + product(s4, l3 + product(s4, l5 + product(s4, l7))));
    const double t2 = product(s4, l2 + product(s4, l4 + product(s4, l6)));
    const double r = t1 + t2;
    const double h = product(product(0.5, f), f);
    return product(exponent, ln2_high) -
           ((h - (product(s, h + r) + product(exponent, ln2_low))) - f);
}

ALLORA_APART double seed_log10(double x) {
    constexpr double per_ln2 = 1.442695040888963407359924681001892137;
    constexpr double log10_of_2 = 0.30102999566398119521373889472449302677;
    int k = 0;
    const double f = std::frexp(x, &k);
    const double log2 = f == 0.5 ? static_cast<double>(k - 1) : product(seed_log(f), per_ln2) + k;
    return product(log2, log10_of_2);
}

} // namespace allora::library

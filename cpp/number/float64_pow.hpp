// pow on IEEE binary64: x^y = e^(y ln |x|), the logarithm and the product in pairs of float64, the
// sign and the special cases by selection.
#pragma once

#include "float64_log.hpp"

namespace allora::float64 {

// Above 2^52 every float64 is integral; below it, adding 2^52 rounds to an integer.
ALLORA_INLINE Mask mask_if_integral(double x) {
    const double magnitude = absolute(x);
    const double rounded = (magnitude + two_to_52) - two_to_52;
    return ~mask_if_smaller(x, two_to_52) | mask_if_equal(bits_of(rounded), bits_of(magnitude));
}

// |x|^y for positive finite x and |y| <= 2^64.
ALLORA_INLINE double pow_magnitude(double x, double y) {
    const SplitExponent split = split_exponent(x);
    const Pair fraction = log_pair(split.m);
    const Pair sum = two_sum_ordered(split.k * ln_2_high, fraction.high);
    const Pair logarithm = two_sum_ordered(sum.high, sum.low + (fraction.low + split.k * ln_2_low));
    const Pair product = two_product(y, logarithm.high);
    const Pair exponent = two_sum_ordered(product.high, product.low + y * logarithm.low);
    // Where the clamp acts, the low part means nothing and may be large.
    const double low = select(mask_if_smaller(exponent.high, exp_limit), exponent.low, 0.0);
    return exp_pair(clamp(exponent.high, exp_limit), low);
}

// pow: error <= 0.63 ulp (0.79 for a subnormal result).
// Every x and y. The special cases of IEEE 754-2019, 9.2.1, in this order of precedence:
//   pow(x, +-0) = 1 and pow(+1, y) = 1, for NaN too; otherwise NaN if x or y is NaN.
//   pow(-1, +-inf) = 1.
//   pow(x, +inf) = +inf for |x| > 1, +0 for |x| < 1;  pow(x, -inf) the reverse.
//   pow(+-0, y < 0) = +inf, pow(+-0, y > 0) = +0;  with the sign of x if y is an odd integer.
//   pow(+inf, y < 0) = +0, pow(+inf, y > 0) = +inf; pow(-inf, y) the same, negative for odd y.
//   pow(x < 0, y) = NaN for finite x and finite y that is not integral.
ALLORA_INLINE double pow(double x, double y) {
    const double base = absolute(x);
    // |ln x| >= 2^-53 for x != 1: from 2^64 on, the result is 0 or infinite whatever y is.
    double result = pow_magnitude(base, clamp(y, 0x1p64));

    const Mask zero = mask_if_zero(x);
    const Mask infinite = mask_if_equal(bits_of(base), infinity_bits);
    const Mask to_zero = zero ^ mask_if_negative(y);
    result = select(zero | infinite, select(to_zero, 0.0, infinity()), result);
    result = select(mask_if_equal(bits_of(base), bits_of(1.0)), 1.0, result);

    const Mask integral = mask_if_integral(y);
    const Mask odd = integral & ~mask_if_integral(0.5 * y);
    const Mask negative = mask_if_negative(x);
    result = select(negative & odd, -result, result);
    const Mask root_of_negative = negative & ~zero & ~infinite & ~integral;
    const Mask undefined = root_of_negative | mask_if_nan(x) | mask_if_nan(y);
    result = select(undefined, canonical_nan(), result);
    return select(mask_if_zero(y) | mask_if_equal(bits_of(x), bits_of(1.0)), 1.0, result);
}

} // namespace allora::float64

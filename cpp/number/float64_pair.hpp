// A number of the formulas made of two float64, about 100 bits: for formulas in which differences
// cost float64 its digits. Operands and the result are float64; what lies between is rounded once.
//
// Made of IEEE operations alone, like all of float64.hpp: the same bits on every processor. The
// errors stated are relative, and the largest seen; tests/number/test_float64_pair.py looks.
#pragma once

#include "decimal_functions.hpp"
#include "float64.hpp"
#include "real.hpp"

#include <cmath>
#include <cstdint>

namespace allora {

struct Float64Pair {
    float64::Pair value = {0.0, 0.0};

    Float64Pair() = default;
    explicit Float64Pair(double x) : value{x, 0.0} {}
    explicit Float64Pair(float64::Pair pair) : value(pair) {}

    // The nearest float64: the high part, as both parts never overlap.
    double rounded() const { return value.high; }
};

namespace float64 {

// An infinity or NaN has no second part: the error of an overflow would turn it into NaN.
inline Float64Pair settled(double plain, Pair exact) {
    return std::isfinite(plain) ? Float64Pair(exact) : Float64Pair(plain);
}

inline Pair add_pairs(Pair a, Pair b) {
    const Pair high = two_sum(a.high, b.high);
    const Pair low = two_sum(a.low, b.low);
    const Pair sum = two_sum_ordered(high.high, high.low + low.high);
    return two_sum_ordered(sum.high, sum.low + low.low);
}

} // namespace float64

inline Float64Pair operator-(const Float64Pair& x) {
    return Float64Pair(float64::Pair{-x.value.high, -x.value.low});
}
// sum: relative error <= 2^-104.
inline Float64Pair operator+(const Float64Pair& x, const Float64Pair& y) {
    return float64::settled(x.value.high + y.value.high, float64::add_pairs(x.value, y.value));
}
inline Float64Pair operator-(const Float64Pair& x, const Float64Pair& y) {
    return x + -y;
}
// product: relative error <= 2^-103.
inline Float64Pair operator*(const Float64Pair& x, const Float64Pair& y) {
    return float64::settled(x.value.high * y.value.high, float64::multiply(x.value, y.value));
}
// quotient: relative error <= 2^-103.
inline Float64Pair operator/(const Float64Pair& x, const Float64Pair& y) {
    const double plain = x.value.high / y.value.high;
    // x / infinity is 0: the remainder of that quotient would be 0 * infinity.
    const bool exact = std::isfinite(y.value.high);
    return exact ? float64::settled(plain, float64::divide(x.value, y.value)) : Float64Pair(plain);
}

inline int compare(const Float64Pair& x, const Float64Pair& y) {
    if (x.value.high != y.value.high) {
        return x.value.high < y.value.high ? -1 : 1;
    }
    return x.value.low < y.value.low ? -1 : static_cast<int>(x.value.low > y.value.low);
}
inline bool operator<(const Float64Pair& x, const Float64Pair& y) {
    return compare(x, y) < 0;
}
inline bool operator<=(const Float64Pair& x, const Float64Pair& y) {
    return compare(x, y) <= 0;
}
inline bool operator>(const Float64Pair& x, const Float64Pair& y) {
    return compare(x, y) > 0;
}

template <>
struct Number<Float64Pair> {
    static Float64Pair from_int(std::int64_t value) {
        return Float64Pair(static_cast<double>(value));
    }
    static Float64Pair constant(std::int64_t coefficient, int exponent) {
        Float64Pair power(1.0);
        for (int i = 0; i < (exponent < 0 ? -exponent : exponent); ++i) {
            power = power * Float64Pair(10.0);
        }
        const Float64Pair value = from_int(coefficient);
        return exponent < 0 ? value / power : value * power;
    }
    static bool is_zero(const Float64Pair& x) { return x.value.high == 0.0; }
    static Cause fault(const Float64Pair& x) {
        if (std::isfinite(x.value.high)) {
            return Cause::none;
        }
        return std::isinf(x.value.high) ? Cause::range : Cause::nan;
    }
};

// In index order.
template <>
class Sum<Float64Pair> {
public:
    void add(const Float64Pair& term) { total_ = total_ + term; }
    Float64Pair value() const { return total_; }

private:
    Float64Pair total_;
};

inline Float64Pair abs(const Float64Pair& x) {
    return x.value.high < 0.0 ? -x : x;
}

namespace float64 {

// x 2^k for integral k between -2044 and 2046.
inline Pair scaled(Pair x, double k) {
    const Bits k_bits = bits_of(k + rounding_shift);
    return {scale(x.high, k_bits), scale(x.low, k_bits)};
}

// e^x = 2^k (1 + tail).
struct PairExponential {
    double k;
    Pair tail;
};

inline constexpr Pair sixth = {0x1.5555555555555p-3, 0x1.5555555555555p-57};
inline constexpr double halvings = 0x1p-6;

// With r = (x - k ln 2) / 64, |r| < 0.0055: e^r - 1 by its series, of which the terms from r^5/5!
// on need no second part, then six times e^2r - 1 = (e^r - 1)(e^r - 1 + 2). |x| <= 746.
inline PairExponential exponential_of(Pair x) {
    const double k = (x.high * inverse_ln_2 + rounding_shift) - rounding_shift;
    const Pair near = add_pairs(x, two_sum(-k * ln_2_high, 0.0));
    const Pair product = two_product(-k, ln_2_low);
    const Pair whole = add_pairs(near, product);
    const Pair r = {whole.high * halvings, whole.low * halvings};
    double rest = 1.0 / 362880.0;
    rest = rest * r.high + 1.0 / 40320.0;
    rest = rest * r.high + 1.0 / 5040.0;
    rest = rest * r.high + 1.0 / 720.0;
    rest = rest * r.high + 1.0 / 120.0;
    Pair sum = add_pairs({0.25 * sixth.high, 0.25 * sixth.low}, {rest * r.high, 0.0});
    sum = add_pairs(sixth, multiply(sum, r));
    sum = add_pairs({0.5, 0.0}, multiply(sum, r));
    sum = add_pairs({1.0, 0.0}, multiply(sum, r));
    Pair tail = multiply(sum, r);
    for (int doubling = 0; doubling < 6; ++doubling) {
        tail = multiply(tail, add_pairs(tail, {2.0, 0.0}));
    }
    return {k, tail};
}

} // namespace float64

// exp: relative error <= 2^-89 for a result of at least 2^-960.
inline Float64Pair exp(DecimalFunctions, const Float64Pair& x) {
    if (!(float64::absolute(x.value.high) < float64::exp_limit)) {
        return Float64Pair(float64::exp(x.value.high));
    }
    const float64::PairExponential power = float64::exponential_of(x.value);
    const float64::Pair whole = float64::add_pairs(power.tail, {1.0, 0.0});
    const float64::Pair result = float64::scaled(whole, power.k);
    return float64::settled(result.high, result);
}

// expm1: relative error <= 2^-88.
inline Float64Pair expm1(DecimalFunctions, const Float64Pair& x) {
    if (!(float64::absolute(x.value.high) < float64::exp_limit)) {
        return Float64Pair(float64::expm1(x.value.high));
    }
    const float64::PairExponential power = float64::exponential_of(x.value);
    const float64::Pair step = float64::scaled({1.0, 0.0}, power.k);
    const float64::Pair tail = float64::scaled(power.tail, power.k);
    if (!std::isfinite(step.high + tail.high)) {
        return Float64Pair(step.high + tail.high);
    }
    return Float64Pair(float64::add_pairs(float64::add_pairs(step, {-1.0, 0.0}), tail));
}

// log1p for |x| < 1/2: one step from y = log1p(x) in float64, with d = (1 + x) e^-y - 1 free of
// cancellation and below 2^-50: ln(1 + x) = y + d - d^2/2 + ...
inline Float64Pair log1p_near_zero(DecimalFunctions functions, const Float64Pair& x) {
    const Float64Pair y(float64::log1p(x.value.high));
    const Float64Pair inverse = expm1(functions, -y);
    const Float64Pair d = (x + inverse) + x * inverse;
    return y + (d - d * d * Float64Pair(0.5));
}

// ln: relative error <= 2^-88.
inline Float64Pair ln(DecimalFunctions functions, const Float64Pair& x) {
    if (!(x.value.high > 0.0 && std::isfinite(x.value.high))) {
        return Float64Pair(float64::log(x.value.high));
    }
    const float64::SplitExponent split = float64::split_exponent(x.value.high);
    const float64::Pair m = float64::scaled(x.value, -split.k);
    const Float64Pair logarithm = log1p_near_zero(functions, Float64Pair(m) - Float64Pair(1.0));
    const float64::Pair low = float64::two_product(split.k, float64::ln_2_low);
    return (Float64Pair(split.k * float64::ln_2_high) + Float64Pair(low)) + logarithm;
}

// log1p: relative error <= 2^-88.
inline Float64Pair log1p(DecimalFunctions functions, const Float64Pair& x) {
    return float64::absolute(x.value.high) < 0.25 ? log1p_near_zero(functions, x)
                                                  : ln(functions, x + Float64Pair(1.0));
}

// pow: relative error <= 2^-88 (1 + |y ln x|). For x > 0.
inline Float64Pair pow(DecimalFunctions functions, const Float64Pair& x, const Float64Pair& y) {
    return exp(functions, y * ln(functions, x));
}

// sqrt: relative error <= 2^-103. One step of Newton from the float64 root.
inline Float64Pair sqrt(const Float64Pair& x) {
    const double root = float64::sqrt(x.value.high);
    if (!(root > 0.0 && std::isfinite(root))) {
        return Float64Pair(root);
    }
    const Float64Pair rest = x - Float64Pair(float64::two_product(root, root));
    return Float64Pair(float64::two_sum_ordered(root, rest.value.high / (2.0 * root)));
}

} // namespace allora

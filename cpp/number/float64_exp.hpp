// exp, expm1 and tanh on IEEE binary64: no table, no branch, the same bits on every processor.
//
// e^x = 2^k e^r, with k the integer nearest to x / ln 2 and |r| <= ln 2 / 2, and
// e^r = 1 + r + tail(r), tail(r) = r^2/2 + r^3 P(r). Constants: tests/number/float64_constants.py.
#pragma once

#include "float64_bits.hpp"

namespace allora::float64 {

inline constexpr double inverse_ln_2 = 0x1.71547652b82fep+0;
// k * high is exact for |k| < 2^12; high + low is ln 2 to 2^-95.
inline constexpr double ln_2_high = 0x1.62e42fefa3000p-1;
inline constexpr double ln_2_low = 0x1.3de6af278ece6p-42;

inline constexpr double exp_coefficient_0 = 0x1.5555555555556p-3;
inline constexpr double exp_coefficient_1 = 0x1.5555555555555p-5;
inline constexpr double exp_coefficient_2 = 0x1.11111111109b5p-7;
inline constexpr double exp_coefficient_3 = 0x1.6c16c16c167e2p-10;
inline constexpr double exp_coefficient_4 = 0x1.a01a01a7c2f2cp-13;
inline constexpr double exp_coefficient_5 = 0x1.a01a01a47a5abp-16;
inline constexpr double exp_coefficient_6 = 0x1.71de0db2eb873p-19;
inline constexpr double exp_coefficient_7 = 0x1.27e4e1f71bcbbp-22;
inline constexpr double exp_coefficient_8 = 0x1.af389eea54156p-26;
inline constexpr double exp_coefficient_9 = 0x1.1f66d957d0ef0p-29;

// x = k ln 2 + r + correction. Adding 1.5 * 2^52 rounds to an integer and leaves it in the low
// bits: no conversion to an integer type, whose result out of range would differ between
// processors. The offset 2046 makes the low 12 bits of k_bits twice the exponent bias plus k.
struct ReducedExponent {
    double k;
    Bits k_bits;
    double r;
    double correction;
};

inline constexpr double rounding_shift = 0x1.8p52 + 2046.0;

ALLORA_INLINE ReducedExponent reduce_exponent(double x, double x_low) {
    const double shifted = x * inverse_ln_2 + rounding_shift;
    const double k = shifted - rounding_shift;
    const double high = x - k * ln_2_high;
    const double low = k * ln_2_low - x_low;
    const double r = high - low;
    return {k, bits_of(shifted), r, (high - r) - low};
}

// 2^k y in two factors, of which either is a normal number for -2044 <= k <= 2046: the product
// overflows to infinity and underflows gradually, with one rounding.
ALLORA_INLINE double scale(double y, Bits k_bits) {
    const double first = from_bits((k_bits >> 1) << 52);
    const double second = from_bits(((k_bits + 1) >> 1) << 52);
    return (y * first) * second;
}

// e^r - 1 - r. Even and odd powers apart, which halves the chain of dependent operations.
ALLORA_INLINE double exponential_tail(double r) {
    const double z = r * r;
    double even = exp_coefficient_8;
    even = even * z + exp_coefficient_6;
    even = even * z + exp_coefficient_4;
    even = even * z + exp_coefficient_2;
    even = even * z + exp_coefficient_0;
    double odd = exp_coefficient_9;
    odd = odd * z + exp_coefficient_7;
    odd = odd * z + exp_coefficient_5;
    odd = odd * z + exp_coefficient_3;
    odd = odd * z + exp_coefficient_1;
    return 0.5 * z + (z * r) * (odd * r + even);
}

// At +-746, e^x has reached 0 or infinity.
inline constexpr double exp_limit = 746.0;

// e^(x + x_low) for |x| <= 746 and |x_low| <= ulp(x).
ALLORA_INLINE double exp_pair(double x, double x_low) {
    const ReducedExponent reduced = reduce_exponent(x, x_low);
    const Pair sum = two_sum_ordered(1.0, reduced.r);
    // e^(r + c) = e^r + e^r c, and 1 + r is near enough to e^r here.
    const double tail = exponential_tail(reduced.r) + reduced.correction * sum.high;
    return scale(sum.high + (sum.low + tail), reduced.k_bits);
}

// exp: error <= 0.63 ulp (0.78 for a subnormal result).
// Every x. exp(-inf) = 0, exp(+inf) = +inf.
ALLORA_INLINE double exp(double x) {
    return select(mask_if_nan(x), canonical_nan(), exp_pair(clamp(x, exp_limit), 0.0));
}

// exp where 2^k is a normal number: the same bits in fewer steps, for |x| <= 700. NaN becomes
// anything.
inline constexpr double near_limit = 700.0;

ALLORA_INLINE double exp_near(double x) {
    const ReducedExponent reduced = reduce_exponent(x, 0.0);
    const Pair sum = two_sum_ordered(1.0, reduced.r);
    const double tail = exponential_tail(reduced.r) + reduced.correction * sum.high;
    const Bits power = (reduced.k_bits << 52) - (Bits{1023} << 52);
    return (sum.high + (sum.low + tail)) * from_bits(power);
}

// (e^x - 1) 2^-k, which has no cancellation: (1 - 2^-k) + r + tail, for |x| <= 746.
ALLORA_INLINE Pair scaled_expm1(const ReducedExponent& reduced) {
    // Beyond 2^+-64 the smaller of e^r and 2^-k is no longer seen.
    const double k = clamp(reduced.k, 64.0);
    const Bits negated = bits_of((rounding_shift - 1023.0) - k);
    const double inverse_power = from_bits(negated << 52);
    const Pair start = two_sum(1.0, -inverse_power);
    const Pair sum = two_sum(start.high, reduced.r);
    const double tail = exponential_tail(reduced.r) + reduced.correction * (1.0 + reduced.r);
    return {sum.high, sum.low + (start.low + tail)};
}

// expm1: error <= 0.91 ulp.
// Every x. expm1(-inf) = -1, expm1(+inf) = +inf, expm1(-0) = -0.
ALLORA_INLINE double expm1(double x) {
    const double limit = select(mask_if_negative(x), 40.0, exp_limit);
    const ReducedExponent reduced = reduce_exponent(clamp(x, limit), 0.0);
    const Pair scaled = scaled_expm1(reduced);
    const double result = scale(scaled.high + scaled.low, reduced.k_bits);
    const double small_or_result = select(mask_if_smaller(x, 0x1p-54), x, result);
    return select(mask_if_nan(x), canonical_nan(), small_or_result);
}

// tanh: error <= 0.76 ulp.
// Every x, as (e^2x - 1) / (e^2x + 1) on |x|. tanh(+-inf) = +-1, tanh(-0) = -0.
ALLORA_INLINE double tanh(double x) {
    const double magnitude = absolute(x);
    const ReducedExponent reduced = reduce_exponent(2.0 * clamp(magnitude, 20.0), 0.0);
    const Pair scaled = scaled_expm1(reduced);
    const Pair numerator =
        two_sum_ordered(scale(scaled.high, reduced.k_bits), scale(scaled.low, reduced.k_bits));
    const Pair sum = two_sum(2.0, numerator.high);
    const Pair denominator = two_sum_ordered(sum.high, sum.low + numerator.low);
    const Pair quotient = divide(numerator, denominator);
    const double result = with_sign_of(quotient.high, x);
    const double small_or_result = select(mask_if_smaller(x, 0x1p-28), x, result);
    return select(mask_if_nan(x), canonical_nan(), small_or_result);
}

} // namespace allora::float64

// log, log1p, log2 and log10 on IEEE binary64: no table, no branch, the same bits on every
// processor.
//
// x = 2^k m with sqrt(1/2) <= m < sqrt(2), f = m - 1, s = f / (2 + f), z = s^2:
// ln x = k ln 2 + 2 atanh(s), 2 atanh(s) = 2s + s R(z) = f - (f^2/2 - s (f^2/2 + R(z))).
// Constants: tests/number/float64_constants.py.
#pragma once

#include "float64_exp.hpp"

namespace allora::float64 {

inline constexpr double half_root_2 = 0x1.6a09e667f3bcdp-1;

inline constexpr double log_coefficient_0 = 0x1.5555555555558p-1;
inline constexpr double log_coefficient_1 = 0x1.99999999952e2p-2;
inline constexpr double log_coefficient_2 = 0x1.2492492df14bcp-2;
inline constexpr double log_coefficient_3 = 0x1.c71c62e57c3c4p-3;
inline constexpr double log_coefficient_4 = 0x1.7462b4ac441afp-3;
inline constexpr double log_coefficient_5 = 0x1.39fe604146b74p-3;
inline constexpr double log_coefficient_6 = 0x1.2b584c6b42d60p-3;

// R(z) = z (2/3 + z (2/5 + z P(z))); the first two in pairs, P in float64.
inline constexpr double two_thirds_high = 0x1.5555555555555p-1;
inline constexpr double two_thirds_low = 0x1.5555555555555p-55;
inline constexpr double two_fifths_high = 0x1.999999999999ap-2;
inline constexpr double two_fifths_low = -0x1.999999999999ap-56;
inline constexpr double log_pair_coefficient_0 = 0x1.2492492492492p-2;
inline constexpr double log_pair_coefficient_1 = 0x1.c71c71c71c822p-3;
inline constexpr double log_pair_coefficient_2 = 0x1.745d1745a3f61p-3;
inline constexpr double log_pair_coefficient_3 = 0x1.3b13b16b45453p-3;
inline constexpr double log_pair_coefficient_4 = 0x1.1110f807e2544p-3;
inline constexpr double log_pair_coefficient_5 = 0x1.e1eff9a0de443p-4;
inline constexpr double log_pair_coefficient_6 = 0x1.acf86235ecd5fp-4;
inline constexpr double log_pair_coefficient_7 = 0x1.b2df9dc688403p-4;

inline constexpr double inverse_ln_2_pair_high = 0x1.71547652b82fep+0;
inline constexpr double inverse_ln_2_pair_low = 0x1.777d0ffda0d24p-56;
inline constexpr double inverse_ln_10_high = 0x1.bcb7b1526e50ep-2;
inline constexpr double inverse_ln_10_low = 0x1.95355baaafad3p-57;
inline constexpr double log10_2_high = 0x1.34413509f6000p-2;
inline constexpr double log10_2_low = 0x1.9fef311f12b36p-42;

struct SplitExponent {
    double k;
    double m;
};

// For positive finite x. Subnormal numbers are brought into range first; the exponent becomes a
// float64 by way of the bits of 2^52 + k, again without a conversion between types.
ALLORA_INLINE SplitExponent split_exponent(double x) {
    const double enlarged = x * 0x1p54;
    const Mask subnormal = mask_if_smaller(x, smallest_normal);
    const Bits half_root = bits_of(half_root_2);
    const Bits shifted = bits_of(select(subnormal, enlarged, x)) + (bits_of(1.0) - half_root);
    const double biased = from_bits((shifted >> 52) | bits_of(two_to_52));
    const double bias = select(subnormal, two_to_52 + 1077.0, two_to_52 + 1023.0);
    return {biased - bias, from_bits((shifted & significand_bits) + half_root)};
}

// k ln 2 + ln m + extra, where extra is small beside m.
ALLORA_INLINE double log_sum(SplitExponent x, double extra) {
    const double f = x.m - 1.0;
    // f^2/2 in two parts, the high one exact: its rounding would be the largest error of all.
    const double f_high = from_bits(bits_of(f) & ~low_half);
    const double square_high = 0.5 * f_high * f_high;
    const double square_low = 0.5 * (f - f_high) * (f + f_high);
    const double s = f / (2.0 + f);
    const double z = s * s;
    const double w = z * z;
    double odd = log_coefficient_5;
    odd = odd * w + log_coefficient_3;
    odd = odd * w + log_coefficient_1;
    double even = log_coefficient_6;
    even = even * w + log_coefficient_4;
    even = even * w + log_coefficient_2;
    even = even * w + log_coefficient_0;
    const double series = z * (odd * z + even);
    const double tail = s * ((square_high + square_low) + series) + (x.k * ln_2_low + extra);
    const Pair difference = two_sum_ordered(f, -square_high);
    const Pair start = two_sum_ordered(x.k * ln_2_high, difference.high);
    return start.high + (start.low + (difference.low + (tail - square_low)));
}

// The values of a logarithm at 0, below 0, at infinity and at NaN.
ALLORA_INLINE double log_edges(double x, double result) {
    const Mask zero = mask_if_zero(x);
    const double at_infinity = select(mask_if_less(magnitude_bits(x), infinity_bits), result, x);
    const double at_zero = select(zero, -infinity(), at_infinity);
    const Mask undefined = mask_if_nan(x) | (mask_if_negative(x) & ~zero);
    return select(undefined, canonical_nan(), at_zero);
}

// log: error <= 0.74 ulp.
// Every x >= 0. log(+-0) = -inf, log(x < 0) = NaN, log(+inf) = +inf.
ALLORA_INLINE double log(double x) {
    return log_edges(x, log_sum(split_exponent(x), 0.0));
}

// log1p: error <= 0.74 ulp.
// Every x >= -1, as ln(u + c) = ln u + c / u, which holds to the last bit, where u + c = 1 + x
// exactly and |c| <= ulp(u) / 2.
// log1p(-1) = -inf, log1p(x < -1) = NaN, log1p(+inf) = +inf, log1p(-0) = -0.
ALLORA_INLINE double log1p(double x) {
    const Pair sum = two_sum(1.0, x);
    const double result = log_sum(split_exponent(sum.high), sum.low / sum.high);
    const double small_or_result = select(mask_if_smaller(x, 0x1p-53), x, result);
    return log_edges(sum.high, small_or_result);
}

// ln m to about 2^-70 of itself.
ALLORA_INLINE Pair log_pair(double m) {
    const double f = m - 1.0;
    const Pair s = divide({f, 0.0}, two_sum(m, 1.0));
    const Pair z = multiply(s, s);
    double p = log_pair_coefficient_7;
    p = p * z.high + log_pair_coefficient_6;
    p = p * z.high + log_pair_coefficient_5;
    p = p * z.high + log_pair_coefficient_4;
    p = p * z.high + log_pair_coefficient_3;
    p = p * z.high + log_pair_coefficient_2;
    p = p * z.high + log_pair_coefficient_1;
    p = p * z.high + log_pair_coefficient_0;
    const Pair fifths = two_sum_ordered(two_fifths_high, z.high * p);
    const Pair inner = multiply(z, {fifths.high, fifths.low + two_fifths_low});
    const Pair thirds = two_sum_ordered(two_thirds_high, inner.high);
    const Pair outer = multiply(z, {thirds.high, thirds.low + (inner.low + two_thirds_low)});
    const Pair series = multiply(s, outer);
    const Pair sum = two_sum_ordered(2.0 * s.high, series.high);
    return two_sum_ordered(sum.high, sum.low + (series.low + 2.0 * s.low));
}

// k unit + ln m factor as a pair; unit_high * k is exact.
ALLORA_INLINE Pair log_in_unit(SplitExponent x, Pair unit, Pair factor) {
    const Pair fraction = multiply(log_pair(x.m), factor);
    const Pair sum = two_sum_ordered(x.k * unit.high, fraction.high);
    return two_sum_ordered(sum.high, sum.low + (fraction.low + x.k * unit.low));
}

// log2: error <= 0.501 ulp.
// Every x >= 0. log2(2^k) = k exactly; edges as log.
ALLORA_INLINE double log2(double x) {
    const Pair factor = {inverse_ln_2_pair_high, inverse_ln_2_pair_low};
    return log_edges(x, log_in_unit(split_exponent(x), {1.0, 0.0}, factor).high);
}

// log10: error <= 0.501 ulp.
// Every x >= 0. log10(10^k) = k exactly for every power of ten that a float64 holds; edges as log.
ALLORA_INLINE double log10(double x) {
    const Pair factor = {inverse_ln_10_high, inverse_ln_10_low};
    const Pair unit = {log10_2_high, log10_2_low};
    return log_edges(x, log_in_unit(split_exponent(x), unit, factor).high);
}

} // namespace allora::float64

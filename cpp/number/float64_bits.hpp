// Bit moves, selection and error-free sums and products: the floor under float64_*.hpp.
//
// The same bits everywhere need three things of the build: IEEE binary64 with round to nearest and
// gradual underflow, no contraction of a * b + c (g++ and clang: -ffp-contract=off, nvcc:
// --fmad=false), and no -ffast-math. Of NaN there is one: its sign and payload differ between
// processors, so every function ends by replacing it.
#pragma once

#include "host_device.hpp"

#if !defined(__CUDACC_RTC__)
#include <cfloat>
#include <cstring>
#endif

#if defined(__FAST_MATH__)
#error "float64 functions need IEEE arithmetic: build without -ffast-math"
#endif
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0
#error "float64 functions need arithmetic without excess precision"
#endif
#if defined(__clang__) && !defined(__CUDACC__)
#pragma clang fp contract(off)
#endif

namespace allora::float64 {

using Bits = unsigned long long;
static_assert(sizeof(Bits) == 8 && sizeof(double) == 8);

ALLORA_INLINE Bits bits_of(double x) {
#if defined(__CUDA_ARCH__)
    return static_cast<Bits>(__double_as_longlong(x));
#else
    Bits bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
#endif
}

ALLORA_INLINE double from_bits(Bits bits) {
#if defined(__CUDA_ARCH__)
    return __longlong_as_double(static_cast<long long>(bits));
#else
    double x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
#endif
}

inline constexpr Bits sign_bit = 0x8000000000000000u;
inline constexpr Bits significand_bits = 0x000fffffffffffffu;
inline constexpr Bits infinity_bits = 0x7ff0000000000000u;
inline constexpr Bits canonical_nan_bits = 0x7ff8000000000000u;
// Cleared, it leaves 26 bits of the significand, whose products are exact.
inline constexpr Bits low_half = 0x7ffffff;
inline constexpr double two_to_52 = 0x1p52;
inline constexpr double smallest_normal = 0x1p-1022;

ALLORA_INLINE double infinity() {
    return from_bits(infinity_bits);
}
ALLORA_INLINE double canonical_nan() {
    return from_bits(canonical_nan_bits);
}
ALLORA_INLINE Bits magnitude_bits(double x) {
    return bits_of(x) & ~sign_bit;
}
ALLORA_INLINE double absolute(double x) {
    return from_bits(magnitude_bits(x));
}

ALLORA_INLINE double with_sign_of(double magnitude, double sign) {
    return from_bits(bits_of(magnitude) | (bits_of(sign) & sign_bit));
}

// Conditions are all-ones or all-zeros, made by integer arithmetic: among the numbers of one sign,
// the order of the bits is the order of the values. Measured reason: of comparisons of float64 and
// conditional expressions g++ 12 makes no vector code for SSE2, and none anywhere once it has moved
// an operation that may raise a floating-point flag into one arm of a branch.
using Mask = Bits;

ALLORA_INLINE Mask mask_if_top_bit(Bits bits) {
    return Bits{0} - (bits >> 63);
}

// a < b, both below 2^63.
ALLORA_INLINE Mask mask_if_less(Bits a, Bits b) {
    return mask_if_top_bit(a - b);
}

ALLORA_INLINE Mask mask_if_equal(Bits a, Bits b) {
    const Bits difference = a ^ b;
    return ~mask_if_top_bit(difference | (Bits{0} - difference));
}

ALLORA_INLINE Mask mask_if_negative(double x) {
    return mask_if_top_bit(bits_of(x));
}
ALLORA_INLINE Mask mask_if_zero(double x) {
    return mask_if_equal(magnitude_bits(x), 0);
}
ALLORA_INLINE Mask mask_if_nan(double x) {
    return mask_if_less(infinity_bits, magnitude_bits(x));
}
ALLORA_INLINE Mask mask_if_smaller(double x, double limit) {
    return mask_if_less(magnitude_bits(x), bits_of(limit));
}

ALLORA_INLINE double select(Mask mask, double yes, double no) {
    return from_bits((bits_of(yes) & mask) | (bits_of(no) & ~mask));
}

// x, but not beyond +-limit; NaN becomes +-limit.
ALLORA_INLINE double clamp(double x, double limit) {
    return with_sign_of(select(mask_if_smaller(x, limit), absolute(x), limit), x);
}

// The unevaluated sum high + low.
struct Pair {
    double high;
    double low;
};

// a + b exactly, in any order of magnitude (Knuth).
ALLORA_INLINE Pair two_sum(double a, double b) {
    const double sum = a + b;
    const double b_part = sum - a;
    return {sum, (a - (sum - b_part)) + (b - b_part)};
}

// a + b exactly, for |a| >= |b| or a = 0 (Dekker).
ALLORA_INLINE Pair two_sum_ordered(double a, double b) {
    const double sum = a + b;
    return {sum, b - (sum - a)};
}

// a * b to 2^-104 of itself, without a fused operation. Cutting 27 bits off instead of rounding
// them (Dekker) costs the last bit of low * low only, and cannot overflow.
ALLORA_INLINE Pair two_product(double a, double b) {
    const double a_high = from_bits(bits_of(a) & ~low_half);
    const double b_high = from_bits(bits_of(b) & ~low_half);
    const double a_low = a - a_high;
    const double b_low = b - b_high;
    const double product = a * b;
    const double error = ((a_high * b_high - product) + a_high * b_low) + a_low * b_high;
    return {product, error + a_low * b_low};
}

// a * b to about 2^-102.
ALLORA_INLINE Pair multiply(Pair a, Pair b) {
    const Pair product = two_product(a.high, b.high);
    const double cross = a.high * b.low + a.low * b.high;
    return two_sum_ordered(product.high, product.low + cross);
}

// a / b to about 2^-102; the remainder a - q b is the difference of two nearly equal products.
ALLORA_INLINE Pair divide(Pair a, Pair b) {
    const double quotient = a.high / b.high;
    const Pair product = two_product(quotient, b.high);
    const double remainder = ((a.high - product.high) - product.low) + (a.low - quotient * b.low);
    return two_sum_ordered(quotient, remainder / b.high);
}

} // namespace allora::float64

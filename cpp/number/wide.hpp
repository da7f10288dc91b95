// Fixed-width unsigned integers below the decimals: 128-bit coefficients, 256-bit products and the
// powers of ten that scale and cut them. Every table is computed by the compiler from its
// definition, so there is no generated file to keep in step.
#pragma once

#include "host_device.hpp"
#include "wide_int.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace allora {

template <int Limbs>
struct Wide {
    std::uint64_t limb[Limbs];
};

template <int Limbs>
ALLORA_HD constexpr int bit_length(const Wide<Limbs>& x) {
    for (int i = Limbs - 1; i >= 0; --i) {
        if (x.limb[i] != 0) {
            return 64 * i + 64 - std::countl_zero(x.limb[i]);
        }
    }
    return 0;
}

template <int Limbs>
ALLORA_HD constexpr int compare(const Wide<Limbs>& x, const Wide<Limbs>& y) {
    for (int i = Limbs - 1; i >= 0; --i) {
        if (x.limb[i] != y.limb[i]) {
            return x.limb[i] < y.limb[i] ? -1 : 1;
        }
    }
    return 0;
}

// Returns the carry out of the top limb.
template <int Limbs>
ALLORA_HD constexpr std::uint64_t add_to(Wide<Limbs>& x, const Wide<Limbs>& y) {
    std::uint64_t carry = 0;
    for (int i = 0; i < Limbs; ++i) {
        const u128 sum = static_cast<u128>(x.limb[i]) + y.limb[i] + carry;
        x.limb[i] = static_cast<std::uint64_t>(sum);
        carry = static_cast<std::uint64_t>(sum >> 64);
    }
    return carry;
}

template <int Limbs>
ALLORA_HD constexpr std::uint64_t subtract_from(Wide<Limbs>& x, const Wide<Limbs>& y) {
    std::uint64_t borrow = 0;
    for (int i = 0; i < Limbs; ++i) {
        const u128 difference = static_cast<u128>(x.limb[i]) - y.limb[i] - borrow;
        x.limb[i] = static_cast<std::uint64_t>(difference);
        borrow = static_cast<std::uint64_t>(difference >> 64) & 1;
    }
    return borrow;
}

// Keeps the low limbs; the caller knows that nothing is lost, or wants the residue.
template <int Limbs, int LimbsX, int LimbsY>
ALLORA_HD constexpr Wide<Limbs> multiply_low(const Wide<LimbsX>& x, const Wide<LimbsY>& y) {
    Wide<Limbs> product{};
    for (int i = 0; i < LimbsX && i < Limbs; ++i) {
        std::uint64_t carry = 0;
        for (int j = 0; j < LimbsY && i + j < Limbs; ++j) {
            const u128 step =
                static_cast<u128>(x.limb[i]) * y.limb[j] + product.limb[i + j] + carry;
            product.limb[i + j] = static_cast<std::uint64_t>(step);
            carry = static_cast<std::uint64_t>(step >> 64);
        }
        if (i + LimbsY < Limbs) {
            product.limb[i + LimbsY] = carry;
        }
    }
    return product;
}

template <int Limbs>
ALLORA_HD constexpr Wide<Limbs> shift_right(const Wide<Limbs>& x, int bits) {
    Wide<Limbs> shifted{};
    const int limbs = bits / 64;
    const int rest = bits % 64;
    for (int i = 0; i + limbs < Limbs; ++i) {
        shifted.limb[i] = x.limb[i + limbs] >> rest;
        if (rest != 0 && i + limbs + 1 < Limbs) {
            shifted.limb[i] |= x.limb[i + limbs + 1] << (64 - rest);
        }
    }
    return shifted;
}

ALLORA_HD constexpr Wide<2> wide2(u128 x) {
    return {{static_cast<std::uint64_t>(x), static_cast<std::uint64_t>(x >> 64)}};
}

template <int Limbs>
ALLORA_HD constexpr u128 low128(const Wide<Limbs>& x) {
    return (static_cast<u128>(x.limb[1]) << 64) | x.limb[0];
}

// 10^77 is the largest power below 2^256.
inline constexpr int largest_power = 77;

constexpr std::array<Wide<4>, largest_power + 1> make_powers() {
    std::array<Wide<4>, largest_power + 1> powers{};
    powers[0] = {{1, 0, 0, 0}};
    for (int n = 1; n <= largest_power; ++n) {
        powers[n] = multiply_low<4>(powers[n - 1], Wide<1>{{10}});
    }
    return powers;
}

inline constexpr auto powers_of_ten = make_powers();

// An entry that is chosen at run time: a device reads its own copy of the table.
#if defined(__CUDA_ARCH__)
#define ALLORA_ENTRY(table, at)                                                                    \
    static constexpr auto copy = (table);                                                          \
    return copy[static_cast<std::size_t>(at)]
#else
#define ALLORA_ENTRY(table, at) return (table)[static_cast<std::size_t>(at)]
#endif

ALLORA_INLINE const Wide<4>& ten_to(int n) {
    ALLORA_ENTRY(powers_of_ten, n);
}

constexpr std::array<u128, 39> make_short_powers() {
    std::array<u128, 39> powers{};
    for (int n = 0; n < 39; ++n) {
        powers[n] = low128(powers_of_ten[n]);
    }
    return powers;
}

inline constexpr auto short_powers = make_short_powers();

ALLORA_INLINE const u128& short_ten_to(int n) {
    ALLORA_ENTRY(short_powers, n);
}

// floor(bits * log10 2) for every length up to 256 bits: 1233/4096 is just below log10 2.
ALLORA_HD constexpr int digits_below(int bits) {
    return (bits * 1233) >> 12;
}

ALLORA_INLINE int bit_length(u128 x) {
    const auto high = static_cast<std::uint64_t>(x >> 64);
    return high != 0 ? 128 - std::countl_zero(high)
                     : 64 - std::countl_zero(static_cast<std::uint64_t>(x));
}

ALLORA_INLINE int digit_count(u128 x) {
    const int least = digits_below(bit_length(x));
    return least + static_cast<int>(x >= short_ten_to(least)) + static_cast<int>(x == 0);
}

ALLORA_INLINE int digit_count(const Wide<4>& x) {
    const int least = digits_below(bit_length(x));
    if (least == 0) {
        return 1;
    }
    return least + static_cast<int>(compare(x, ten_to(least)) >= 0);
}

// Division by 10^k as a multiplication: for P < 10^(36+k) the top 128 bits of P times `multiplier`,
// shifted, give floor(P / 10^k) or one less. `shift_in` drops the low bits of P, which weigh
// less than 2^-7 quotient units, and the multiplier is short by less than 2^-7 units in turn.
struct Reciprocal {
    u128 multiplier;
    int shift_in;
    int shift_out;
};

inline constexpr int largest_cut = 43;

constexpr Reciprocal make_reciprocal(int k) {
    const Wide<5> divisor = multiply_low<5>(powers_of_ten[k], Wide<1>{{1}});
    const int bits = bit_length(divisor);
    const int numerator_bits = 127 + bits;
    Wide<5> remainder{};
    u128 quotient = 0;
    for (int bit = numerator_bits; bit >= 0; --bit) {
        remainder = multiply_low<5>(remainder, Wide<1>{{2}});
        remainder.limb[0] |= bit == numerator_bits ? 1 : 0;
        quotient <<= 1;
        if (compare(remainder, divisor) >= 0) {
            subtract_from(remainder, divisor);
            quotient |= 1;
        }
    }
    const int bound_bits = 36 + k > largest_power ? 256 : bit_length(powers_of_ten[36 + k]);
    const int shift_in = bound_bits > 128 ? bound_bits - 128 : 0;
    return {quotient, shift_in, numerator_bits - shift_in - 128};
}

constexpr std::array<Reciprocal, largest_cut + 1> make_reciprocals() {
    std::array<Reciprocal, largest_cut + 1> table{};
    for (int k = 1; k <= largest_cut; ++k) {
        table[k] = make_reciprocal(k);
    }
    return table;
}

inline constexpr auto reciprocals = make_reciprocals();

ALLORA_INLINE const Reciprocal& reciprocal_of(int k) {
    ALLORA_ENTRY(reciprocals, k);
}

ALLORA_INLINE u128 multiply_high(u128 x, u128 y) {
    const auto x0 = static_cast<std::uint64_t>(x);
    const auto x1 = static_cast<std::uint64_t>(x >> 64);
    const auto y0 = static_cast<std::uint64_t>(y);
    const auto y1 = static_cast<std::uint64_t>(y >> 64);
    const u128 low = static_cast<u128>(x0) * y0;
    const u128 middle = static_cast<u128>(x1) * y0 + static_cast<std::uint64_t>(low >> 64);
    const u128 cross = static_cast<u128>(x0) * y1 + static_cast<std::uint64_t>(middle);
    return static_cast<u128>(x1) * y1 + static_cast<std::uint64_t>(middle >> 64) +
           static_cast<std::uint64_t>(cross >> 64);
}

ALLORA_INLINE Wide<4> multiply(u128 x, u128 y) {
    const auto x0 = static_cast<std::uint64_t>(x);
    const auto x1 = static_cast<std::uint64_t>(x >> 64);
    const auto y0 = static_cast<std::uint64_t>(y);
    const auto y1 = static_cast<std::uint64_t>(y >> 64);
    const u128 low = static_cast<u128>(x0) * y0;
    const u128 middle = static_cast<u128>(x1) * y0 + static_cast<std::uint64_t>(low >> 64);
    const u128 cross = static_cast<u128>(x0) * y1 + static_cast<std::uint64_t>(middle);
    const u128 high = static_cast<u128>(x1) * y1 + static_cast<std::uint64_t>(middle >> 64) +
                      static_cast<std::uint64_t>(cross >> 64);
    return {{static_cast<std::uint64_t>(low), static_cast<std::uint64_t>(cross),
             static_cast<std::uint64_t>(high), static_cast<std::uint64_t>(high >> 64)}};
}

// The 128 bits of x from `shift` on, for shift <= 128. Chosen limb by limb: an index that is only
// known at run time would send x through memory.
ALLORA_INLINE u128 bits_from(const Wide<4>& x, int shift) {
    const int limb = shift / 64;
    const int rest = shift % 64;
    const std::uint64_t first = limb == 0 ? x.limb[0] : limb == 1 ? x.limb[1] : x.limb[2];
    const std::uint64_t second = limb == 0 ? x.limb[1] : limb == 1 ? x.limb[2] : x.limb[3];
    const std::uint64_t third = limb == 0 ? x.limb[2] : limb == 1 ? x.limb[3] : 0;
    // Left shifts in two steps, because a shift by 64 has no meaning.
    const std::uint64_t low = (first >> rest) | ((second << 1) << (63 - rest));
    const std::uint64_t high = (second >> rest) | ((third << 1) << (63 - rest));
    return (static_cast<u128>(high) << 64) | low;
}

// P / 10^k in units of 2^-shift_out: the true value lies in [estimate, estimate + 3). One unit is
// the cut of the product below, one the bits dropped from P, one the bits missing in the
// multiplier.
ALLORA_INLINE u128 estimate_quotient(const Wide<4>& product, const Reciprocal& reciprocal) {
    return multiply_high(bits_from(product, reciprocal.shift_in), reciprocal.multiplier);
}

struct Cut {
    u128 quotient;
    Wide<4> remainder;
};

// P / 10^k for 1 <= k <= largest_cut and P < min(10^(36+k), 10^77).
ALLORA_INLINE Cut cut_digits(const Wide<4>& product, int k) {
    const Reciprocal& reciprocal = reciprocal_of(k);
    u128 quotient = estimate_quotient(product, reciprocal) >> reciprocal.shift_out;
    Wide<4> remainder = product;
    subtract_from(remainder, multiply_low<4>(ten_to(k), wide2(quotient)));
    if (compare(remainder, ten_to(k)) >= 0) {
        subtract_from(remainder, ten_to(k));
        quotient += 1;
    }
    return {quotient, remainder};
}

// What the estimate cannot decide, a few cases in a hundred: kept out of line, so that the code
// that runs stays small.
ALLORA_RARE u128 cut_floor_exact(const Wide<4>& product, int k) {
    return cut_digits(product, k).quotient;
}

ALLORA_RARE u128 cut_half_even_exact(const Wide<4>& product, int k) {
    const Cut cut = cut_digits(product, k);
    Wide<4> twice = cut.remainder;
    add_to(twice, cut.remainder);
    const int order = compare(twice, ten_to(k));
    const bool up = order > 0 || (order == 0 && (cut.quotient & 1) != 0);
    return cut.quotient + static_cast<u128>(up);
}

// floor(P / 10^k) in the same range. Mostly the estimate decides, and the remainder is never made.
ALLORA_INLINE u128 cut_floor(const Wide<4>& product, int k) {
    const Reciprocal& reciprocal = reciprocal_of(k);
    const u128 estimate = estimate_quotient(product, reciprocal);
    const u128 quotient = estimate >> reciprocal.shift_out;
    if (((estimate + 2) >> reciprocal.shift_out) == quotient) {
        return quotient;
    }
    return cut_floor_exact(product, k);
}

// P / 10^k rounded half-even, in the same range. A true value past the next integer is less than
// three units past it and rounds to it as well; a tie is within the doubt, so the remainder
// decides.
ALLORA_INLINE u128 cut_half_even(const Wide<4>& product, int k) {
    const Reciprocal& reciprocal = reciprocal_of(k);
    const u128 estimate = estimate_quotient(product, reciprocal);
    const u128 quotient = estimate >> reciprocal.shift_out;
    const auto half = std::uint64_t{1} << (reciprocal.shift_out - 1);
    const std::uint64_t fraction = static_cast<std::uint64_t>(estimate) & (2 * half - 1);
    // Nothing predicts which half it is, so that only the doubt is a branch.
    if (half - fraction <= 2) {
        return cut_half_even_exact(product, k);
    }
    return quotient + static_cast<u128>(fraction > half);
}

// One 32-bit digit of the quotient of a three-digit window by a normalised divisor of two; the
// window keeps the remainder (Knuth, algorithm D).
ALLORA_INLINE std::uint64_t divide_half(std::uint64_t& window, std::uint64_t next,
                                        std::uint64_t divisor) {
    const std::uint64_t high = divisor >> 32;
    const std::uint64_t low = divisor & 0xffff'ffffULL;
    std::uint64_t digit = window / high;
    std::uint64_t rest = window % high;
    while ((rest >> 32) == 0 && ((digit >> 32) != 0 || digit * low > ((rest << 32) | next))) {
        digit -= 1;
        rest += high;
    }
    window = ((window << 32) | next) - digit * divisor;
    return digit;
}

// Where no instruction divides 128 bits: a compiler's own way through approximations is not for a
// device. The quotient fits 64 bits.
ALLORA_INLINE std::uint64_t divide_by_halves(u128 head, std::uint64_t divisor,
                                             std::uint64_t& remainder) {
    const int shift = std::countl_zero(divisor);
    const u128 scaled = head << shift;
    auto window = static_cast<std::uint64_t>(scaled >> 64);
    const auto low = static_cast<std::uint64_t>(scaled);
    const std::uint64_t normal = divisor << shift;
    const std::uint64_t first = divide_half(window, low >> 32, normal);
    const std::uint64_t second = divide_half(window, low & 0xffff'ffffULL, normal);
    remainder = window >> shift;
    return (first << 32) | second;
}

ALLORA_INLINE std::uint64_t divide_128_by_64(u128 head, std::uint64_t divisor,
                                             std::uint64_t& remainder) {
#if defined(__x86_64__) && !defined(__CUDA_ARCH__)
    // The compiler would call a library routine here, which costs more than the whole division.
    std::uint64_t quotient = 0;
    __asm__("divq %[divisor]"
            : "=a"(quotient), "=d"(remainder)
            : [divisor] "r"(divisor), "a"(static_cast<std::uint64_t>(head)),
              "d"(static_cast<std::uint64_t>(head >> 64))
            : "cc");
    return quotient;
#else
    return divide_by_halves(head, divisor, remainder);
#endif
}

// One limb of the quotient of a three-limb window by a normalised two-limb divisor (Knuth,
// algorithm D, step D3): the window keeps the remainder.
ALLORA_INLINE std::uint64_t divide_step(std::uint64_t* window, std::uint64_t high,
                                        std::uint64_t low) {
    const u128 head = (static_cast<u128>(window[2]) << 64) | window[1];
    u128 guess = ~static_cast<std::uint64_t>(0);
    u128 rest = 0;
    if (window[2] >= high) {
        rest = head - guess * high;
    } else {
        std::uint64_t remainder = 0;
        guess = divide_128_by_64(head, high, remainder);
        rest = remainder;
    }
    while ((rest >> 64) == 0 && guess * low > ((rest << 64) | window[0])) {
        guess -= 1;
        rest += high;
    }
    const auto digit = static_cast<std::uint64_t>(guess);
    const u128 part_low = guess * low;
    const u128 part_high = guess * high + static_cast<std::uint64_t>(part_low >> 64);
    const u128 kept = ((static_cast<u128>(window[1]) << 64) | window[0]) -
                      ((part_high << 64) | static_cast<std::uint64_t>(part_low));
    window[0] = static_cast<std::uint64_t>(kept);
    window[1] = static_cast<std::uint64_t>(kept >> 64);
    window[2] = 0;
    return digit;
}

// floor(dividend / divisor) where the quotient is known to fit 128 bits.
ALLORA_INLINE u128 divide_to_128(const Wide<4>& dividend, u128 divisor, u128& remainder) {
    const int shift = 128 - bit_length(divisor);
    const u128 normal = divisor << shift;
    const auto high = static_cast<std::uint64_t>(normal >> 64);
    const auto low = static_cast<std::uint64_t>(normal);
    // The quotient is below 2^128, so the shifted dividend still fits four limbs.
    const u128 bottom = low128(dividend);
    const u128 top = (static_cast<u128>(dividend.limb[3]) << 64) | dividend.limb[2];
    const u128 scaled_bottom = bottom << shift;
    const u128 scaled_top = (top << shift) | ((bottom >> 1) >> (127 - shift));
    std::uint64_t window[4] = {
        static_cast<std::uint64_t>(scaled_bottom), static_cast<std::uint64_t>(scaled_bottom >> 64),
        static_cast<std::uint64_t>(scaled_top), static_cast<std::uint64_t>(scaled_top >> 64)};
    const u128 first = divide_step(window + 1, high, low);
    const std::uint64_t second = divide_step(window, high, low);
    remainder = ((static_cast<u128>(window[1]) << 64) | window[0]) >> shift;
    return (first << 64) | second;
}

} // namespace allora

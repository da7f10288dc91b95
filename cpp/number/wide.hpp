// Fixed-width unsigned integers below the decimals: 128-bit coefficients, 256-bit products and the
// powers of ten that scale and cut them. Every table is computed by the compiler from its
// definition, so there is no generated file to keep in step.
#pragma once

#include "host_device.hpp"
#include "wide_int.hpp"

#include <array>
#include <bit>
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

constexpr std::array<u128, 39> make_short_powers() {
    std::array<u128, 39> powers{};
    for (int n = 0; n < 39; ++n) {
        powers[n] = low128(powers_of_ten[n]);
    }
    return powers;
}

inline constexpr auto short_powers = make_short_powers();

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
    return least + static_cast<int>(x >= short_powers[least]) + static_cast<int>(x == 0);
}

ALLORA_INLINE int digit_count(const Wide<4>& x) {
    const int least = digits_below(bit_length(x));
    if (least == 0) {
        return 1;
    }
    return least + static_cast<int>(compare(x, powers_of_ten[least]) >= 0);
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

struct Cut {
    u128 quotient;
    Wide<4> remainder;
};

// P / 10^k for 1 <= k <= largest_cut and P < min(10^(36+k), 10^77).
ALLORA_INLINE Cut cut_digits(const Wide<4>& product, int k) {
    const Reciprocal& reciprocal = reciprocals[k];
    const Wide<4> top = shift_right(product, reciprocal.shift_in);
    u128 quotient = multiply_high(low128(top), reciprocal.multiplier) >> reciprocal.shift_out;
    Wide<4> remainder = product;
    subtract_from(remainder, multiply_low<4>(powers_of_ten[k], wide2(quotient)));
    if (compare(remainder, powers_of_ten[k]) >= 0) {
        subtract_from(remainder, powers_of_ten[k]);
        quotient += 1;
    }
    return {quotient, remainder};
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
    remainder = static_cast<std::uint64_t>(head % divisor);
    return static_cast<std::uint64_t>(head / divisor);
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

// floor(dividend / divisor) where the quotient is known to fit 128 bits. The remainder replaces
// the dividend.
ALLORA_INLINE u128 divide_to_128(Wide<4>& dividend, u128 divisor) {
    const int shift = 128 - bit_length(divisor);
    const u128 normal = divisor << shift;
    const auto high = static_cast<std::uint64_t>(normal >> 64);
    const auto low = static_cast<std::uint64_t>(normal);
    // The quotient is below 2^128, so the shifted dividend still fits four limbs.
    Wide<4> scaled{};
    const int limbs = shift / 64;
    const int bits = shift % 64;
    for (int i = 3; i >= limbs; --i) {
        scaled.limb[i] = dividend.limb[i - limbs] << bits;
        if (bits != 0 && i - limbs >= 1) {
            scaled.limb[i] |= dividend.limb[i - limbs - 1] >> (64 - bits);
        }
    }
    const u128 first = divide_step(scaled.limb + 1, high, low);
    const std::uint64_t second = divide_step(scaled.limb, high, low);
    dividend = shift_right(scaled, shift);
    return (first << 64) | second;
}

} // namespace allora

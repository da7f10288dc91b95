// Doubles of decimals and decimals of doubles under the library's logarithm: by texts on the host,
// by integers on a device, which has no texts.
#pragma once

#include "arena.hpp"
#include "big_decimal.hpp"
#include "host_device.hpp"

#include <bit>
#include <cmath>
#include <cstdint>

namespace allora::library {

// Nearest double; zero below, infinity above the doubles' range.
double nearest_by_text(const BigDecimal& x);
// The decimal of fewest digits whose nearest double is the value.
BigDecimal shortest_by_text(double value);

inline constexpr int double_bits = 53;

// 2^e for normal doubles.
ALLORA_HD inline double power_of_two(std::int64_t e) {
    if (e < -1022 || e > 1023) {
        leave();
    }
    return std::bit_cast<double>(static_cast<std::uint64_t>(e + 1023) << 52);
}

// Of a positive number in the middle of the doubles' range.
ALLORA_HD inline double nearest_by_integers(const BigDecimal& x) {
    const auto places = static_cast<std::size_t>(distance_of(x.exponent));
    const Natural dividend = x.exponent > 0 ? mul_pow10(x.coefficient, places) : x.coefficient;
    const Natural divisor = x.exponent < 0 ? power_of_ten(places) : Natural::from_u64(1);
    // Two bits and a remainder beside the double's own decide how it rounds.
    const std::int64_t shift = double_bits + 2 - static_cast<std::int64_t>(dividend.bit_length()) +
                               static_cast<std::int64_t>(divisor.bit_length());
    const auto bits = static_cast<std::size_t>(distance_of(shift));
    const NaturalQuotient cut = shift > 0 ? divmod(shift_left(dividend, bits), divisor)
                                          : divmod(dividend, shift_left(divisor, bits));
    std::uint64_t quotient = cut.quotient.low_u64();
    const int surplus = 64 - std::countl_zero(quotient) - double_bits;
    const std::uint64_t unit = std::uint64_t{1} << surplus;
    const std::uint64_t rest = quotient & (unit - 1);
    quotient >>= surplus;
    const bool above = rest > unit / 2 || (rest == unit / 2 && !cut.remainder.is_zero());
    const bool tie = rest == unit / 2 && cut.remainder.is_zero();
    quotient += static_cast<std::uint64_t>(above || (tie && (quotient & 1) != 0));
    return static_cast<double>(quotient) * power_of_two(surplus - shift);
}

ALLORA_HD inline double nearest_double(const BigDecimal& x) {
#if !defined(__CUDA_ARCH__)
    if (!one_at_a_time()) {
        return nearest_by_text(x);
    }
#endif
    if (!x.is_finite() || x.is_negative()) {
        leave();
    }
    return x.is_zero() ? 0.0 : nearest_by_integers(x);
}

// The value, exactly.
ALLORA_HD inline BigDecimal exact_decimal(double value) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    const std::uint64_t fraction = bits & 0xf'ffff'ffff'ffffULL;
    const auto exponent = static_cast<std::int64_t>((bits >> 52) & 0x7ff) - 1075;
    // The neighbours of a power of two lie at unequal distances.
    if (fraction == 0 || exponent < -300 || exponent > 300) {
        leave();
    }
    const Natural digits = Natural::from_u64(fraction | (std::uint64_t{1} << 52));
    const bool negative = (bits >> 63) != 0;
    const auto distance = static_cast<std::size_t>(distance_of(exponent));
    if (exponent >= 0) {
        return BigDecimal::from_parts(negative, shift_left(digits, distance), 0);
    }
    // m / 2^d = m 5^d / 10^d, and 5^d = 10^d / 2^d.
    return BigDecimal::from_parts(negative,
                                  mul(digits, shift_right(power_of_ten(distance), distance)),
                                  static_cast<std::int32_t>(exponent));
}

ALLORA_HD inline BigDecimal shortest_by_integers(double value) {
    if (value == 0.0) {
        return BigDecimal::from_int(0);
    }
    const BigDecimal exact = exact_decimal(value);
    BigDecimal shortest = round({17, Rounding::half_even}, exact);
    for (std::size_t digits = 16; digits > 0; --digits) {
        BigDecimal shorter = round({digits, Rounding::half_even}, exact);
        if (nearest_by_integers(abs(shorter)) != (value < 0.0 ? -value : value)) {
            break;
        }
        shortest = shorter;
    }
    return shortest;
}

ALLORA_HD inline BigDecimal shortest_decimal(double value) {
#if !defined(__CUDA_ARCH__)
    if (!one_at_a_time()) {
        return shortest_by_text(value);
    }
#endif
    return shortest_by_integers(value);
}

} // namespace allora::library

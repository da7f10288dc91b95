// Amounts of coins.
#pragma once

#include "integer_conversion.hpp"

#include <utility>

namespace allora {

namespace {

// More digits than this never fit 256 bits, so no long power is built to find out.
constexpr std::int64_t most_coin_digits = 78;
constexpr std::size_t most_coin_bits = 256;

ALLORA_HD std::int64_t digits_at_unit(const BigDecimal& x) {
    return static_cast<std::int64_t>(x.coefficient.digit_count()) + x.exponent;
}

} // namespace

ALLORA_APART IntegerResult<CoinAmount> to_coin_amount(const BigDecimal& x) {
    if (!x.is_finite()) {
        return {{}, x.fault()};
    }
    if (!x.is_zero() && digits_at_unit(x) > most_coin_digits) {
        return {{}, Cause::overflow};
    }
    Natural magnitude;
    if (x.exponent >= 0) {
        magnitude = mul_pow10(x.coefficient, static_cast<std::size_t>(x.exponent));
    } else if (digits_at_unit(x) > 0) {
        magnitude = div_pow10(x.coefficient,
                              static_cast<std::size_t>(-static_cast<std::int64_t>(x.exponent)))
                        .quotient;
    }
    if (magnitude.bit_length() > most_coin_bits) {
        return {{}, Cause::overflow};
    }
    const bool negative = x.negative && !magnitude.is_zero();
    return {{std::move(magnitude), negative}, Cause::none};
}

} // namespace allora

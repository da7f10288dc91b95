// The 36-digit work values inside exp and ln: coefficients of at most 38 digits in 128 bits, every
// step followed by H_36 (half-even). What leaves 256 bits on the way is decided by BigDecimal.
#pragma once

#include "big_decimal.hpp"
#include "decimal.hpp"
#include "wide.hpp"

#include <cstdint>

namespace allora::work {

inline constexpr int precision = 36;

struct Work {
    u128 coefficient;
    std::int32_t exponent;
    bool negative;
};

ALLORA_INLINE bool is_work(const Decimal& x) {
    return fast::is_short(x);
}

ALLORA_INLINE Work from_decimal(const Decimal& x) {
    return {low128(x.coefficient), x.exponent, x.negative != 0};
}

// |x| < 10^5 stays clear of the program's own bounds, 1e5 * ln 10.
ALLORA_INLINE bool exp_in_range(const Decimal& x) {
    return x.exponent + digit_count(x.coefficient) <= 5;
}

// H_p of an exact 256-bit coefficient.
ALLORA_INLINE Work round_half_even(const Wide<4>& coefficient, std::int32_t exponent, bool negative,
                                   int digits) {
    const int surplus = digit_count(coefficient) - digits;
    if (surplus <= 0) {
        return {low128(coefficient), exponent, negative};
    }
    const Cut cut = cut_digits(coefficient, surplus);
    Wide<4> twice = cut.remainder;
    add_to(twice, cut.remainder);
    const int half = allora::compare(twice, powers_of_ten[surplus]);
    u128 rounded = cut.quotient;
    exponent += surplus;
    if (half > 0 || (half == 0 && (rounded & 1) != 0)) {
        rounded += 1;
        if (rounded == short_powers[digits]) {
            rounded = short_powers[digits - 1];
            exponent += 1;
        }
    }
    return {rounded, exponent, negative};
}

Work add_slow(const Work& x, const Work& y);
Work quo_slow(const Work& x, const Work& y);

ALLORA_INLINE Wide<4> widened(u128 x) {
    return {{static_cast<std::uint64_t>(x), static_cast<std::uint64_t>(x >> 64), 0, 0}};
}

ALLORA_INLINE Work add36(const Work& x, const Work& y) {
    const Work& high = x.exponent >= y.exponent ? x : y;
    const Work& low = x.exponent >= y.exponent ? y : x;
    const int gap = high.exponent - low.exponent;
    // cut_digits holds up to 43 surplus digits.
    if (gap > 38 || digit_count(high.coefficient) + gap > 76) {
        return add_slow(x, y);
    }
    Wide<4> first = multiply(high.coefficient, short_powers[gap]);
    Wide<4> second = widened(low.coefficient);
    if (high.negative == low.negative) {
        add_to(first, second);
        return round_half_even(first, low.exponent, high.negative, precision);
    }
    const int order = allora::compare(first, second);
    if (order == 0) {
        return {0, low.exponent, false};
    }
    if (order > 0) {
        subtract_from(first, second);
        return round_half_even(first, low.exponent, high.negative, precision);
    }
    subtract_from(second, first);
    return round_half_even(second, low.exponent, low.negative, precision);
}

ALLORA_INLINE Work negated(const Work& x) {
    return {x.coefficient, x.exponent, !x.negative};
}

ALLORA_INLINE Work sub36(const Work& x, const Work& y) {
    return add36(x, negated(y));
}

ALLORA_INLINE Work mul36(const Work& x, const Work& y) {
    return round_half_even(multiply(x.coefficient, y.coefficient), x.exponent + y.exponent,
                           x.negative != y.negative, precision);
}

// A 36-digit quotient, half-even; a carry to 10^36 is not renormalised.
ALLORA_INLINE Work quo36(const Work& x, const Work& y) {
    fast::Quotient quotient{};
    if (x.coefficient == 0 || y.coefficient == 0 ||
        !fast::divide(x.coefficient, y.coefficient, precision, quotient)) {
        return quo_slow(x, y);
    }
    Wide<4> twice = quotient.remainder;
    add_to(twice, quotient.remainder);
    const int half = allora::compare(twice, widened(y.coefficient));
    const bool up = half > 0 || (half == 0 && (quotient.coefficient & 1) != 0);
    return {quotient.coefficient + static_cast<u128>(up), x.exponent - y.exponent - quotient.places,
            x.negative != y.negative};
}

// Half-even, for |x| < 10^18; the program's own uses 128-bit division, which costs more than a cut.
ALLORA_INLINE std::int64_t round_to_integer(const Work& x) {
    const int places = -x.exponent;
    if (places <= 0 || places > largest_cut) {
        return allora::round_to_integer<Work>(x);
    }
    const Cut cut = cut_digits(widened(x.coefficient), places);
    Wide<4> twice = cut.remainder;
    add_to(twice, cut.remainder);
    const int half = allora::compare(twice, powers_of_ten[places]);
    auto magnitude = static_cast<std::int64_t>(cut.quotient);
    magnitude += static_cast<std::int64_t>(half > 0 || (half == 0 && (magnitude & 1) != 0));
    return x.negative ? -magnitude : magnitude;
}

ALLORA_INLINE Decimal round34(const Work& x) {
    const Work rounded = round_half_even(widened(x.coefficient), x.exponent, x.negative, 34);
    return fast::make(rounded.coefficient, rounded.exponent, rounded.negative);
}

} // namespace allora::work

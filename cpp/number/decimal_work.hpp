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
    const u128 rounded = cut_half_even(coefficient, surplus);
    if (rounded == short_ten_to(digits)) {
        return {short_ten_to(digits - 1), exponent + surplus + 1, negative};
    }
    return {rounded, exponent + surplus, negative};
}

ALLORA_APART Work add_slow(const Work& x, const Work& y);
ALLORA_APART Work quo_slow(const Work& x, const Work& y);

ALLORA_INLINE Wide<4> widened(u128 x) {
    return {{static_cast<std::uint64_t>(x), static_cast<std::uint64_t>(x >> 64), 0, 0}};
}

// high * 10^gap + low, or their difference; three limbs hold everything.
ALLORA_INLINE Work add36_near(const Work& high, const Work& low, int gap) {
    const std::uint64_t power = ten_to(gap).limb[0];
    const u128 first = static_cast<u128>(static_cast<std::uint64_t>(high.coefficient)) * power;
    const u128 second = (high.coefficient >> 64) * power + static_cast<std::uint64_t>(first >> 64);
    Wide<4> sum{{static_cast<std::uint64_t>(first), static_cast<std::uint64_t>(second),
                 static_cast<std::uint64_t>(second >> 64), 0}};
    if (high.negative == low.negative) {
        add_to(sum, widened(low.coefficient));
        return round_half_even(sum, low.exponent, high.negative, precision);
    }
    if (subtract_from(sum, widened(low.coefficient)) != 0) {
        Wide<4> opposite{};
        subtract_from(opposite, sum);
        return round_half_even(opposite, low.exponent, low.negative, precision);
    }
    const bool zero = (sum.limb[0] | sum.limb[1] | sum.limb[2]) == 0;
    return round_half_even(sum, low.exponent, high.negative && !zero, precision);
}

ALLORA_INLINE Work add36(const Work& x, const Work& y) {
    // Part by part: a choice between two addresses would force both through memory.
    const bool first_is_high = x.exponent >= y.exponent;
    const Work high{first_is_high ? x.coefficient : y.coefficient,
                    first_is_high ? x.exponent : y.exponent,
                    first_is_high ? x.negative : y.negative};
    const Work low{first_is_high ? y.coefficient : x.coefficient,
                   first_is_high ? y.exponent : x.exponent,
                   first_is_high ? y.negative : x.negative};
    const int gap = high.exponent - low.exponent;
    if (gap <= 19) {
        return add36_near(high, low, gap);
    }
    // Below a hundredth of the last of 36 digits nothing shows but the digits that fill up.
    const int digits = digit_count(high.coefficient);
    const int spare = precision - digits;
    if (high.coefficient != 0 && spare >= 0 &&
        low.exponent + digit_count(low.coefficient) + 2 <= high.exponent - spare) {
        return {high.coefficient * short_ten_to(spare), high.exponent - spare, high.negative};
    }
    // cut_digits holds up to 43 surplus digits.
    if (digits + gap > 76) {
        return add_slow(x, y);
    }
    // A short coefficient such as 1 or 2 may stand further away than one table entry reaches.
    const int beyond = gap > 38 ? gap - 38 : 0;
    Wide<4> first = multiply(high.coefficient * short_ten_to(beyond), short_ten_to(gap - beyond));
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
    const u128 rest = y.coefficient - quotient.remainder;
    const bool tie = quotient.remainder == rest;
    const bool up = quotient.remainder > rest || (tie && (quotient.coefficient & 1) != 0);
    return {quotient.coefficient + static_cast<u128>(up), x.exponent - y.exponent - quotient.places,
            x.negative != y.negative};
}

// Half-even, for |x| < 10^18.
ALLORA_INLINE std::int64_t round_to_integer(const Work& x) {
    const int places = -x.exponent;
    if (places > largest_cut) {
        return 0;
    }
    if (places <= 0) {
        const auto magnitude = static_cast<std::int64_t>(x.coefficient * short_ten_to(x.exponent));
        return x.negative ? -magnitude : magnitude;
    }
    const auto magnitude = static_cast<std::int64_t>(cut_half_even(widened(x.coefficient), places));
    return x.negative ? -magnitude : magnitude;
}

ALLORA_INLINE Decimal round34(const Work& x) {
    const int surplus = digit_count(x.coefficient) - 34;
    if (surplus <= 0) {
        return fast::make(x.coefficient, x.exponent, x.negative);
    }
    const u128 rounded = cut_half_even(widened(x.coefficient), surplus);
    const bool carry = rounded == short_ten_to(34);
    return fast::make(carry ? short_ten_to(33) : rounded,
                      x.exponent + surplus + static_cast<int>(carry), x.negative);
}

} // namespace allora::work

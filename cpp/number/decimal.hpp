// The chain's decimal in a fixed-width, trivially copyable form: the value is
// (-1)^negative * coefficient * 10^exponent, and the exponent is part of the value's written form.
// Operands of up to 38 digits take the paths in this file; everything else goes through BigDecimal
// and comes back, so no digit is ever lost: what does not fit says so (`Cause::does_not_fit`).
// Equations: decimal arithmetic of allora-chain, math/dec.go.
#pragma once

#include "big_decimal.hpp"
#include "cause.hpp"
#include "decimal_functions.hpp"
#include "form.hpp"
#include "host_device.hpp"
#include "real.hpp"
#include "wide.hpp"

#include <cstdint>
#include <type_traits>

namespace allora {

struct Decimal {
    Wide<4> coefficient;
    std::int32_t exponent;
    std::uint8_t negative;
    Form form;
    Cause cause;

    ALLORA_APART static Decimal from_int(std::int64_t value);
    ALLORA_APART static Decimal missing();
    ALLORA_APART static Decimal faulted(Cause cause);

    ALLORA_HD bool is_missing() const { return form == Form::missing; }
    ALLORA_HD bool is_finite() const { return form == Form::finite; }
    ALLORA_HD bool is_zero() const {
        return is_finite() && (coefficient.limb[0] | coefficient.limb[1] | coefficient.limb[2] |
                               coefficient.limb[3]) == 0;
    }
    ALLORA_HD bool is_negative() const { return is_finite() && negative != 0 && !is_zero(); }
    ALLORA_APART Cause fault() const;
};

static_assert(sizeof(Decimal) == 40 && std::is_trivially_copyable_v<Decimal>);

ALLORA_APART BigDecimal to_big(const Decimal& x);
ALLORA_APART Decimal from_big(const BigDecimal& x);

namespace slow {
ALLORA_APART Decimal add(const Decimal& x, const Decimal& y);
ALLORA_APART Decimal sub(const Decimal& x, const Decimal& y);
ALLORA_APART Decimal mul(const Decimal& x, const Decimal& y);
ALLORA_APART Decimal quo(const Decimal& x, const Decimal& y);
ALLORA_APART Decimal neg(const Decimal& x);
ALLORA_APART Decimal abs(const Decimal& x);
ALLORA_APART int compare(const Decimal& x, const Decimal& y);
} // namespace slow

namespace fast {

inline constexpr int precision = 34;
// Far from the limit of 100000 no result of one operation can pass it.
inline constexpr int safe_exponent = 90000;

ALLORA_INLINE bool safe(std::int32_t exponent) {
    return static_cast<std::uint32_t>(exponent + safe_exponent) <= 2U * safe_exponent;
}

// Finite, at most two limbs, exponents far from the limits.
ALLORA_INLINE bool is_short(const Decimal& x) {
    return (static_cast<std::uint64_t>(x.form) | x.coefficient.limb[2] | x.coefficient.limb[3]) ==
               0 &&
           safe(x.exponent);
}

ALLORA_INLINE Decimal make(const Wide<4>& coefficient, std::int32_t exponent, bool negative) {
    return {coefficient, exponent, static_cast<std::uint8_t>(negative), Form::finite, Cause::none};
}

ALLORA_INLINE Decimal make(u128 coefficient, std::int32_t exponent, bool negative) {
    return make(Wide<4>{{static_cast<std::uint64_t>(coefficient),
                         static_cast<std::uint64_t>(coefficient >> 64), 0, 0}},
                exponent, negative);
}

// D_34: toward zero.
ALLORA_INLINE Decimal truncate(const Wide<4>& coefficient, std::int32_t exponent, bool negative) {
    const int surplus = digit_count(coefficient) - precision;
    if (surplus <= 0) {
        return make(coefficient, exponent, negative);
    }
    return make(cut_floor(coefficient, surplus), exponent + surplus, negative);
}

// Scales a coefficient by 10^places where the product stays within 256 bits; false where it may
// not.
ALLORA_INLINE bool scale(Wide<4>& coefficient, int places) {
    if (places == 0) {
        return true;
    }
    if (places > largest_power || bit_length(coefficient) + bit_length(ten_to(places)) > 255) {
        return false;
    }
    if (places <= 19 && (coefficient.limb[2] | coefficient.limb[3]) == 0) {
        const std::uint64_t power = ten_to(places).limb[0];
        const u128 low = static_cast<u128>(coefficient.limb[0]) * power;
        const u128 high =
            static_cast<u128>(coefficient.limb[1]) * power + static_cast<std::uint64_t>(low >> 64);
        coefficient = {{static_cast<std::uint64_t>(low), static_cast<std::uint64_t>(high),
                        static_cast<std::uint64_t>(high >> 64), 0}};
        return true;
    }
    coefficient = multiply_low<4>(coefficient, ten_to(places));
    return true;
}

// x + y for two limbs each and exponents at most 19 apart: three limbs hold everything. Which
// operand is shifted is chosen without a branch, for nothing predicts it.
ALLORA_INLINE Decimal add_short(const Decimal& x, const Decimal& y, bool flip) {
    const int gap = x.exponent - y.exponent;
    const Decimal& high = gap >= 0 ? x : y;
    const Decimal& low = gap >= 0 ? y : x;
    const bool negative_high = (high.negative != 0) != (flip && gap < 0);
    const bool negative_low = (low.negative != 0) != (flip && gap >= 0);
    const std::uint64_t power = ten_to(gap >= 0 ? gap : -gap).limb[0];
    const u128 first = static_cast<u128>(high.coefficient.limb[0]) * power;
    const u128 second = static_cast<u128>(high.coefficient.limb[1]) * power +
                        static_cast<std::uint64_t>(first >> 64);
    Wide<4> sum{{static_cast<std::uint64_t>(first), static_cast<std::uint64_t>(second),
                 static_cast<std::uint64_t>(second >> 64), 0}};
    if (negative_high == negative_low) {
        add_to(sum, low.coefficient);
        return make(sum, low.exponent, negative_high);
    }
    if (subtract_from(sum, low.coefficient) != 0) {
        Wide<4> opposite{};
        subtract_from(opposite, sum);
        return make(opposite, low.exponent, negative_low);
    }
    const bool zero = (sum.limb[0] | sum.limb[1] | sum.limb[2]) == 0;
    return make(sum, low.exponent, negative_high && !zero);
}

// Exact sum with the smaller exponent; `flip` turns it into a difference.
ALLORA_INLINE bool add(const Decimal& x, const Decimal& y, bool flip, Decimal& result) {
    if (is_short(x) && is_short(y) &&
        static_cast<std::uint32_t>(x.exponent - y.exponent + 19) <= 38U) {
        result = add_short(x, y, flip);
        return true;
    }
    if ((static_cast<int>(x.form) | static_cast<int>(y.form)) != 0 || !safe(x.exponent) ||
        !safe(y.exponent)) {
        return false;
    }
    Wide<4> first = x.coefficient;
    Wide<4> second = y.coefficient;
    const int gap = x.exponent - y.exponent;
    if (gap > 0 ? !scale(first, gap) : !scale(second, -gap)) {
        return false;
    }
    const std::int32_t exponent = gap > 0 ? y.exponent : x.exponent;
    const bool negative_x = x.negative != 0;
    const bool negative_y = (y.negative != 0) != flip;
    if (negative_x == negative_y) {
        if (add_to(first, second) != 0) {
            return false;
        }
        result = make(first, exponent, negative_x);
        return true;
    }
    const int order = compare(first, second);
    if (order == 0) {
        result = make(Wide<4>{}, exponent, false);
    } else if (order > 0) {
        subtract_from(first, second);
        result = make(first, exponent, negative_x);
    } else {
        subtract_from(second, first);
        result = make(second, exponent, negative_y);
    }
    return true;
}

ALLORA_INLINE bool mul(const Decimal& x, const Decimal& y, Decimal& result) {
    if (!is_short(x) || !is_short(y)) {
        return false;
    }
    const Wide<4> product = multiply(low128(x.coefficient), low128(y.coefficient));
    const int surplus = digit_count(product) - precision;
    const bool negative = x.negative != y.negative;
    const std::int32_t exponent = x.exponent + y.exponent;
    if (surplus > largest_cut) {
        return false;
    }
    result = surplus <= 0 ? make(product, exponent, negative)
                          : make(cut_floor(product, surplus), exponent + surplus, negative);
    return safe(exponent);
}

// floor(dividend * 10^places / divisor) with 10^(digits-1) <= quotient < 10^digits; the remainder
// tells an exact quotient and, against the scaled divisor, which half it lies in.
struct Quotient {
    u128 coefficient;
    std::int32_t places;
    u128 remainder;
};

ALLORA_INLINE bool divide(u128 dividend, u128 divisor, int digits, Quotient& result) {
    const int digits_dividend = digit_count(dividend);
    const int digits_divisor = digit_count(divisor);
    int places = digits - 1 + digits_divisor - digits_dividend;
    const int gap = digits_divisor - digits_dividend;
    const Wide<4> left = gap > 0 ? multiply(dividend, short_ten_to(gap))
                                 : Wide<4>{{static_cast<std::uint64_t>(dividend),
                                            static_cast<std::uint64_t>(dividend >> 64), 0, 0}};
    const Wide<4> right = gap < 0 ? multiply(divisor, short_ten_to(-gap))
                                  : Wide<4>{{static_cast<std::uint64_t>(divisor),
                                             static_cast<std::uint64_t>(divisor >> 64), 0, 0}};
    if (compare(left, right) < 0) {
        places += 1;
    }
    if (places < 0) {
        return false;
    }
    const Wide<4> scaled = places <= 38 ? multiply(dividend, short_ten_to(places))
                                        : multiply_low<4>(ten_to(places), wide2(dividend));
    result.coefficient = divide_to_128(scaled, divisor, result.remainder);
    result.places = places;
    return true;
}

ALLORA_INLINE bool quo(const Decimal& x, const Decimal& y, Decimal& result) {
    if (!is_short(x) || !is_short(y)) {
        return false;
    }
    const u128 dividend = low128(x.coefficient);
    const u128 divisor = low128(y.coefficient);
    Quotient quotient{};
    if (dividend == 0 || divisor == 0 || !divide(dividend, divisor, precision, quotient)) {
        return false;
    }
    const std::int32_t exponent = x.exponent - y.exponent;
    result = make(quotient.coefficient, exponent - quotient.places, x.negative != y.negative);
    return safe(exponent);
}

ALLORA_INLINE bool compare(const Decimal& x, const Decimal& y, int& order) {
    if ((static_cast<int>(x.form) | static_cast<int>(y.form)) != 0) {
        return false;
    }
    const bool zero_x = x.is_zero();
    const bool zero_y = y.is_zero();
    const int sign_x = zero_x ? 0 : (x.negative != 0 ? -1 : 1);
    const int sign_y = zero_y ? 0 : (y.negative != 0 ? -1 : 1);
    if (sign_x != sign_y || zero_x) {
        order = sign_x < sign_y ? -1 : static_cast<int>(sign_x > sign_y);
        return true;
    }
    if (x.exponent == y.exponent) {
        order = sign_x * allora::compare(x.coefficient, y.coefficient);
        return true;
    }
    const int high_x = x.exponent + digit_count(x.coefficient);
    const int high_y = y.exponent + digit_count(y.coefficient);
    if (high_x != high_y) {
        order = high_x < high_y ? -sign_x : sign_x;
        return true;
    }
    // Equal magnitude: aligned, neither has more digits than the longer one, which fits.
    const int gap = x.exponent - y.exponent;
    const Wide<4> left = gap > 0 ? multiply_low<4>(x.coefficient, ten_to(gap)) : x.coefficient;
    const Wide<4> right = gap < 0 ? multiply_low<4>(y.coefficient, ten_to(-gap)) : y.coefficient;
    order = sign_x * allora::compare(left, right);
    return true;
}

} // namespace fast

// One result that is returned in place: a choice between two would be copied, and a copy right
// after the parts were written waits for the store buffer.
ALLORA_OPERATION Decimal operator+(const Decimal& x, const Decimal& y) {
    Decimal result;
    if (!fast::add(x, y, false, result)) {
        result = slow::add(x, y);
    }
    return result;
}

ALLORA_OPERATION Decimal operator-(const Decimal& x, const Decimal& y) {
    Decimal result;
    if (!fast::add(x, y, true, result)) {
        result = slow::sub(x, y);
    }
    return result;
}

ALLORA_OPERATION Decimal operator*(const Decimal& x, const Decimal& y) {
    Decimal result;
    if (!fast::mul(x, y, result)) {
        result = slow::mul(x, y);
    }
    return result;
}

ALLORA_OPERATION Decimal operator/(const Decimal& x, const Decimal& y) {
    Decimal result;
    if (!fast::quo(x, y, result)) {
        result = slow::quo(x, y);
    }
    return result;
}

ALLORA_OPERATION Decimal operator-(const Decimal& x) {
    if (!fast::is_short(x)) {
        return slow::neg(x);
    }
    return fast::truncate(x.coefficient, x.exponent, x.negative == 0 && !x.is_zero());
}

ALLORA_OPERATION Decimal abs(const Decimal& x) {
    if (!x.is_finite()) {
        return slow::abs(x);
    }
    Decimal result = x;
    result.negative = 0;
    return result;
}

ALLORA_OPERATION int compare(const Decimal& x, const Decimal& y) {
    int order = 0;
    return fast::compare(x, y, order) ? order : slow::compare(x, y);
}

ALLORA_HD inline bool operator==(const Decimal& x, const Decimal& y) {
    return compare(x, y) == 0;
}
ALLORA_HD inline bool operator!=(const Decimal& x, const Decimal& y) {
    return compare(x, y) != 0;
}
ALLORA_HD inline bool operator<(const Decimal& x, const Decimal& y) {
    return compare(x, y) < 0;
}
ALLORA_HD inline bool operator<=(const Decimal& x, const Decimal& y) {
    return compare(x, y) <= 0;
}
ALLORA_HD inline bool operator>(const Decimal& x, const Decimal& y) {
    return compare(x, y) > 0;
}
ALLORA_HD inline bool operator>=(const Decimal& x, const Decimal& y) {
    return compare(x, y) >= 0;
}

ALLORA_APART Decimal sqrt(const Decimal& x);
ALLORA_APART Decimal exp(DecimalFunctions functions, const Decimal& x);
ALLORA_APART Decimal ln(DecimalFunctions functions, const Decimal& x);
ALLORA_APART Decimal log10(DecimalFunctions functions, const Decimal& x);
ALLORA_APART Decimal pow(DecimalFunctions functions, const Decimal& x, const Decimal& y);

} // namespace allora

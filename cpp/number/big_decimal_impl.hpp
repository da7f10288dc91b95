// Sums, products and quotients of decimals of any length, and the rounding under them.
#pragma once

#include "big_decimal.hpp"

#include <utility>

namespace allora {

namespace {

ALLORA_HD bool within(std::int64_t exponent) {
    return exponent <= exponent_limit && exponent >= -exponent_limit;
}

// A limb holds less than 20 digits: far from the limits nobody needs the exact count.
ALLORA_HD bool surely_within(const Natural& coefficient, std::int64_t exponent) {
    return distance_of(exponent) + 20 * static_cast<std::int64_t>(coefficient.size()) <
           exponent_limit;
}

ALLORA_HD bool within_limits(const Natural& coefficient, std::int64_t exponent) {
    return surely_within(coefficient, exponent) ||
           (within(exponent) &&
            within(exponent + static_cast<std::int64_t>(coefficient.digit_count()) - 1));
}

ALLORA_HD BigDecimal limited(bool negative, Natural coefficient, std::int64_t exponent) {
    if (!within_limits(coefficient, exponent)) {
        return BigDecimal::faulted(Cause::range);
    }
    return BigDecimal::from_parts(negative, std::move(coefficient),
                                  static_cast<std::int32_t>(exponent));
}

ALLORA_HD bool adds_one(Rounding rounding, bool odd, int half) {
    switch (rounding) {
    case Rounding::half_even:
        return half > 0 || (half == 0 && odd);
    case Rounding::half_up:
        return half >= 0;
    case Rounding::down:
        break;
    }
    return false;
}

// x + y, or x - y where `flip`.
ALLORA_HD BigDecimal add_signed(const BigDecimal& x, const BigDecimal& y, bool flip) {
    if (const Cause cause = operand_fault(x, y); cause != Cause::none) {
        return BigDecimal::faulted(cause);
    }
    const bool negative_y = y.negative != flip;
    if (x.is_infinite() || y.is_infinite()) {
        if (x.is_infinite() && y.is_infinite() && x.negative != negative_y) {
            return BigDecimal::faulted(Cause::invalid);
        }
        return BigDecimal::infinity(x.is_infinite() ? x.negative : negative_y);
    }
    const std::int64_t gap = static_cast<std::int64_t>(x.exponent) - y.exponent;
    if (!within(gap)) {
        return BigDecimal::faulted(Cause::range);
    }
    Natural scaled;
    if (gap != 0) {
        scaled = mul_pow10(gap > 0 ? x.coefficient : y.coefficient,
                           static_cast<std::size_t>(distance_of(gap)));
    }
    const Natural& left = gap > 0 ? scaled : x.coefficient;
    const Natural& right = gap < 0 ? scaled : y.coefficient;
    const std::int32_t exponent = gap > 0 ? y.exponent : x.exponent;
    if (x.negative == negative_y) {
        return limited(x.negative, add(left, right), exponent);
    }
    const int order = compare(left, right);
    if (order == 0) {
        return limited(false, {}, exponent);
    }
    return order > 0 ? limited(x.negative, sub(left, right), exponent)
                     : limited(negative_y, sub(right, left), exponent);
}

// A quotient before rounding: coefficient * divisor + remainder = dividend, all aligned.
struct Division {
    Natural coefficient;
    Natural remainder;
    Natural divisor;
    std::int64_t places;
};

ALLORA_HD Division divide(const Natural& dividend, const Natural& divisor, std::size_t digits) {
    const std::int64_t gap = static_cast<std::int64_t>(divisor.digit_count()) -
                             static_cast<std::int64_t>(dividend.digit_count());
    const auto distance = static_cast<std::size_t>(distance_of(gap));
    // Brought to equal digit counts, the dividend needs one more digit where it is the smaller.
    const int order = gap >= 0 ? compare(mul_pow10(dividend, distance), divisor)
                               : compare(dividend, mul_pow10(divisor, distance));
    const std::int64_t places = static_cast<std::int64_t>(digits) - 1 + gap + (order < 0 ? 1 : 0);
    Natural right = places < 0 ? mul_pow10(divisor, static_cast<std::size_t>(-places)) : divisor;
    NaturalQuotient step = divmod(
        places > 0 ? mul_pow10(dividend, static_cast<std::size_t>(places)) : dividend, right);
    return {std::move(step.quotient), std::move(step.remainder), std::move(right), places};
}

ALLORA_HD BigDecimal quo_infinite(const Context& context, const BigDecimal& x,
                                  const BigDecimal& y) {
    if (x.is_infinite() && y.is_infinite()) {
        return BigDecimal::faulted(Cause::invalid);
    }
    const bool negative = x.negative != y.negative;
    if (x.is_infinite()) {
        return BigDecimal::infinity(negative);
    }
    // The smallest exponent a context can write; it makes most later additions fail.
    const auto smallest = static_cast<std::int32_t>(
        -exponent_limit - static_cast<std::int64_t>(context.precision) + 1);
    return BigDecimal::from_parts(negative, {}, smallest);
}

ALLORA_HD BigDecimal quo_with_remainder(const Context& context, const BigDecimal& x,
                                        const BigDecimal& y, bool& exact) {
    exact = true;
    if (const Cause cause = operand_fault(x, y); cause != Cause::none) {
        return BigDecimal::faulted(cause);
    }
    if (x.is_infinite() || y.is_infinite()) {
        return quo_infinite(context, x, y);
    }
    if (y.is_zero()) {
        return BigDecimal::faulted(x.is_zero() ? Cause::div_undefined : Cause::div_zero);
    }
    const bool negative = x.negative != y.negative;
    const std::int64_t shift = static_cast<std::int64_t>(x.exponent) - y.exponent;
    if (!within(shift)) {
        return BigDecimal::faulted(Cause::range);
    }
    if (x.is_zero()) {
        return limited(negative, {}, shift);
    }
    Division step = divide(x.coefficient, y.coefficient, context.precision);
    exact = step.remainder.is_zero();
    if (!exact && context.rounding != Rounding::down &&
        adds_one(context.rounding, step.coefficient.is_odd(),
                 compare_with_half(step.remainder, step.divisor))) {
        step.coefficient = add(step.coefficient, Natural::from_u64(1));
    }
    return limited(negative, std::move(step.coefficient), shift - step.places);
}

} // namespace

ALLORA_APART Cause operand_fault(const BigDecimal& x) {
    return x.is_finite() || x.is_infinite() ? Cause::none : x.fault();
}

ALLORA_APART Cause operand_fault(const BigDecimal& x, const BigDecimal& y) {
    const Cause first = operand_fault(x);
    return first != Cause::none ? first : operand_fault(y);
}

ALLORA_APART BigDecimal add(const BigDecimal& x, const BigDecimal& y) {
    return add_signed(x, y, false);
}

ALLORA_APART BigDecimal sub(const BigDecimal& x, const BigDecimal& y) {
    return add_signed(x, y, true);
}

ALLORA_APART BigDecimal round(const Context& context, const BigDecimal& x) {
    if (!x.is_finite()) {
        return x.is_infinite() ? x : BigDecimal::faulted(x.fault());
    }
    const std::size_t digits = x.coefficient.digit_count();
    if (!within(x.exponent) ||
        !within(static_cast<std::int64_t>(x.exponent) + static_cast<std::int64_t>(digits) - 1)) {
        return BigDecimal::faulted(Cause::range);
    }
    if (digits <= context.precision) {
        return x;
    }
    const std::size_t dropped = digits - context.precision;
    std::int64_t exponent = x.exponent + static_cast<std::int64_t>(dropped);
    NaturalQuotient cut = div_pow10(x.coefficient, dropped);
    if (context.rounding != Rounding::down && !cut.remainder.is_zero() &&
        adds_one(context.rounding, cut.quotient.is_odd(),
                 compare_with_half(cut.remainder, power_of_ten(dropped)))) {
        cut.quotient = add(cut.quotient, Natural::from_u64(1));
        if (cut.quotient.digit_count() > context.precision) {
            cut.quotient = div_small(cut.quotient, 10).quotient;
            exponent += 1;
        }
    }
    return limited(x.negative, std::move(cut.quotient), exponent);
}

ALLORA_APART BigDecimal add(const Context& context, const BigDecimal& x, const BigDecimal& y) {
    return round(context, add(x, y));
}

ALLORA_APART BigDecimal sub(const Context& context, const BigDecimal& x, const BigDecimal& y) {
    return round(context, sub(x, y));
}

ALLORA_APART BigDecimal mul(const Context& context, const BigDecimal& x, const BigDecimal& y) {
    if (const Cause cause = operand_fault(x, y); cause != Cause::none) {
        return BigDecimal::faulted(cause);
    }
    const bool negative = x.negative != y.negative;
    if (x.is_infinite() || y.is_infinite()) {
        return x.is_zero() || y.is_zero() ? BigDecimal::faulted(Cause::invalid)
                                          : BigDecimal::infinity(negative);
    }
    return round(context, BigDecimal::from_parts(negative, mul(x.coefficient, y.coefficient),
                                                 x.exponent + y.exponent));
}

ALLORA_APART BigDecimal quo(const Context& context, const BigDecimal& x, const BigDecimal& y) {
    bool exact = true;
    return quo_with_remainder(context, x, y, exact);
}

ALLORA_APART BigDecimal mul(const BigDecimal& x, const BigDecimal& y) {
    return mul(decimal128(), x, y);
}

ALLORA_APART BigDecimal mul_exact(const BigDecimal& x, const BigDecimal& y) {
    BigDecimal product = mul(x, y);
    const bool finite = x.is_finite() && y.is_finite() && product.is_finite();
    if (finite && product.exponent != x.exponent + y.exponent) {
        return BigDecimal::faulted(Cause::rounded);
    }
    return product;
}

ALLORA_APART BigDecimal quo(const BigDecimal& x, const BigDecimal& y) {
    return quo(decimal128(), x, y);
}

ALLORA_APART BigDecimal quo_exact(const BigDecimal& x, const BigDecimal& y) {
    bool exact = true;
    BigDecimal quotient = quo_with_remainder(decimal128(), x, y, exact);
    return quotient.is_finite() && !exact ? BigDecimal::faulted(Cause::rounded) : quotient;
}

} // namespace allora

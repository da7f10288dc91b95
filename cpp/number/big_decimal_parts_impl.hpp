// Construction, signs, order, integer parts and digits of decimals of any length.
#pragma once

#include "big_decimal.hpp"

#include <algorithm>
#include <utility>

namespace allora {

namespace {

// -1, 0, 1; what is not a number hides a zero.
ALLORA_HD int sign(const BigDecimal& x) {
    if (!x.is_infinite() && (!x.is_finite() || x.is_zero())) {
        return 0;
    }
    return x.negative ? -1 : 1;
}

// The order of |x| and |y|, both finite and not zero.
ALLORA_HD int compare_magnitudes(const BigDecimal& x, const BigDecimal& y) {
    if (x.exponent == y.exponent) {
        return compare(x.coefficient, y.coefficient);
    }
    const std::int64_t high_x = x.exponent + static_cast<std::int64_t>(x.coefficient.digit_count());
    const std::int64_t high_y = y.exponent + static_cast<std::int64_t>(y.coefficient.digit_count());
    if (high_x != high_y) {
        return high_x < high_y ? -1 : 1;
    }
    const std::int64_t gap = static_cast<std::int64_t>(x.exponent) - y.exponent;
    const auto places = static_cast<std::size_t>(distance_of(gap));
    return gap > 0 ? compare(mul_pow10(x.coefficient, places), y.coefficient)
                   : compare(x.coefficient, mul_pow10(y.coefficient, places));
}

// The integer quotient and the remainder of two finite numbers, aligned to the smaller exponent.
struct AlignedDivision {
    NaturalQuotient parts;
    std::int32_t exponent;
    Cause cause;
};

ALLORA_HD AlignedDivision divide_aligned(const BigDecimal& x, const BigDecimal& y) {
    const std::int64_t gap = static_cast<std::int64_t>(x.exponent) - y.exponent;
    const std::int32_t exponent = std::min(x.exponent, y.exponent);
    if (distance_of(gap) > exponent_limit) {
        return {{}, exponent, Cause::range};
    }
    const auto places = static_cast<std::size_t>(distance_of(gap));
    NaturalQuotient parts = gap > 0 ? divmod(mul_pow10(x.coefficient, places), y.coefficient)
                                    : divmod(x.coefficient, mul_pow10(y.coefficient, places));
    const bool fits = parts.quotient.digit_count() <= decimal128().precision;
    return {std::move(parts), exponent, fits ? Cause::none : Cause::div_impossible};
}

} // namespace

ALLORA_APART BigDecimal BigDecimal::from_int(std::int64_t value) {
    const bool negative = value < 0;
    const auto magnitude =
        negative ? ~static_cast<std::uint64_t>(value) + 1 : static_cast<std::uint64_t>(value);
    return from_parts(negative, Natural::from_u64(magnitude), 0);
}

ALLORA_APART BigDecimal BigDecimal::from_parts(bool negative, Natural coefficient,
                                               std::int32_t exponent) {
    BigDecimal result;
    result.coefficient = std::move(coefficient);
    result.exponent = exponent;
    result.negative = negative;
    return result;
}

ALLORA_APART BigDecimal BigDecimal::missing() {
    BigDecimal result;
    result.form = Form::missing;
    return result;
}

ALLORA_APART BigDecimal BigDecimal::not_a_number() {
    BigDecimal result;
    result.form = Form::nan;
    return result;
}

ALLORA_APART BigDecimal BigDecimal::infinity(bool negative) {
    BigDecimal result;
    result.form = Form::infinite;
    result.negative = negative;
    return result;
}

ALLORA_APART BigDecimal BigDecimal::faulted(Cause cause) {
    BigDecimal result;
    result.form = Form::fault;
    result.cause = cause;
    return result;
}

ALLORA_APART Cause BigDecimal::fault() const {
    switch (form) {
    case Form::finite:
        return Cause::none;
    case Form::missing:
        return Cause::missing_value;
    case Form::nan:
        return Cause::nan;
    case Form::infinite:
        return Cause::infinite_arg;
    case Form::wide:
        return Cause::does_not_fit;
    case Form::fault:
        break;
    }
    return cause;
}

ALLORA_APART int compare(const BigDecimal& x, const BigDecimal& y) {
    const int sign_x = sign(x);
    const int sign_y = sign(y);
    if (sign_x != sign_y || sign_x == 0) {
        return sign_x < sign_y ? -1 : static_cast<int>(sign_x > sign_y);
    }
    if (x.is_infinite() || y.is_infinite()) {
        return sign_x * (static_cast<int>(x.is_infinite()) - static_cast<int>(y.is_infinite()));
    }
    return sign_x * compare_magnitudes(x, y);
}

ALLORA_APART BigDecimal max(const BigDecimal& x, const BigDecimal& y) {
    if (const Cause cause = operand_fault(x, y); cause != Cause::none) {
        return BigDecimal::faulted(cause);
    }
    return compare(x, y) > 0 ? x : y;
}

ALLORA_APART BigDecimal min(const BigDecimal& x, const BigDecimal& y) {
    if (const Cause cause = operand_fault(x, y); cause != Cause::none) {
        return BigDecimal::faulted(cause);
    }
    return compare(x, y) < 0 ? x : y;
}

ALLORA_APART BigDecimal abs(const BigDecimal& x) {
    if (const Cause cause = operand_fault(x); cause != Cause::none) {
        return BigDecimal::faulted(cause);
    }
    BigDecimal result = x;
    result.negative = false;
    return result;
}

ALLORA_APART BigDecimal neg(const BigDecimal& x) {
    if (const Cause cause = operand_fault(x); cause != Cause::none) {
        return BigDecimal::faulted(cause);
    }
    BigDecimal flipped = x;
    flipped.negative = !x.negative && !x.is_zero();
    return round(decimal128(), flipped);
}

ALLORA_APART Split split(const BigDecimal& x) {
    if (!x.is_finite()) {
        const BigDecimal fault = BigDecimal::faulted(x.fault());
        return {fault, fault};
    }
    if (x.exponent > 0) {
        return {x, BigDecimal::from_parts(x.negative, {}, 0)};
    }
    const auto places = static_cast<std::size_t>(-static_cast<std::int64_t>(x.exponent));
    if (places > x.coefficient.digit_count()) {
        return {BigDecimal::from_parts(x.negative, {}, 0), x};
    }
    NaturalQuotient parts = div_pow10(x.coefficient, places);
    return {BigDecimal::from_parts(x.negative, std::move(parts.quotient), 0),
            BigDecimal::from_parts(x.negative, std::move(parts.remainder), x.exponent)};
}

ALLORA_APART BigDecimal floor(const BigDecimal& x) {
    if (x.is_infinite()) {
        return x;
    }
    Split parts = split(x);
    return parts.fraction.is_negative() ? sub(decimal128(), parts.integer, BigDecimal::from_int(1))
                                        : std::move(parts.integer);
}

ALLORA_APART BigDecimal ceil(const BigDecimal& x) {
    if (x.is_infinite()) {
        return x;
    }
    Split parts = split(x);
    return parts.fraction.is_positive() ? add(decimal128(), parts.integer, BigDecimal::from_int(1))
                                        : std::move(parts.integer);
}

ALLORA_APART BigDecimal quo_integer(const BigDecimal& x, const BigDecimal& y) {
    if (const Cause cause = operand_fault(x, y); cause != Cause::none) {
        return BigDecimal::faulted(cause);
    }
    const bool negative = x.negative != y.negative;
    if (x.is_infinite()) {
        return y.is_infinite() ? BigDecimal::faulted(Cause::invalid)
                               : BigDecimal::infinity(negative);
    }
    if (y.is_infinite()) {
        return BigDecimal::from_parts(negative, {}, 0);
    }
    if (y.is_zero()) {
        return BigDecimal::faulted(x.is_zero() ? Cause::div_undefined : Cause::div_zero);
    }
    AlignedDivision division = divide_aligned(x, y);
    return division.cause != Cause::none
               ? BigDecimal::faulted(division.cause)
               : BigDecimal::from_parts(negative, std::move(division.parts.quotient), 0);
}

ALLORA_APART BigDecimal rem(const BigDecimal& x, const BigDecimal& y) {
    if (const Cause cause = operand_fault(x, y); cause != Cause::none) {
        return BigDecimal::faulted(cause);
    }
    if (x.is_infinite()) {
        return BigDecimal::faulted(Cause::invalid);
    }
    if (y.is_infinite()) {
        return x;
    }
    if (y.is_zero()) {
        return BigDecimal::faulted(x.is_zero() ? Cause::div_undefined : Cause::invalid);
    }
    AlignedDivision division = divide_aligned(x, y);
    return division.cause != Cause::none
               ? BigDecimal::faulted(division.cause)
               : round(decimal128(),
                       BigDecimal::from_parts(x.negative, std::move(division.parts.remainder),
                                              division.exponent));
}

ALLORA_APART Reduced reduce(const BigDecimal& x) {
    if (!x.is_finite()) {
        return {x.is_infinite() ? x : BigDecimal::faulted(x.fault()), 0};
    }
    if (x.is_zero()) {
        return {BigDecimal::from_int(0), 0};
    }
    BigDecimal value = x;
    std::int64_t removed = 0;
    SmallQuotient step = div_small(value.coefficient, 10);
    while (step.remainder == 0) {
        value.coefficient = std::move(step.quotient);
        ++removed;
        step = div_small(value.coefficient, 10);
    }
    value.exponent += static_cast<std::int32_t>(removed);
    return {value, removed};
}

ALLORA_APART std::int64_t num_decimal_places(const BigDecimal& x) {
    return x.exponent >= 0 ? 0 : -static_cast<std::int64_t>(x.exponent);
}

ALLORA_APART BigDecimal truncate_places(const BigDecimal& x, std::int64_t places) {
    if (places < 0) {
        return BigDecimal::faulted(Cause::negative_places);
    }
    if (!x.is_finite()) {
        return BigDecimal::faulted(x.fault());
    }
    const std::int64_t surplus = num_decimal_places(x) - places;
    if (surplus <= 0) {
        return x;
    }
    return BigDecimal::from_parts(
        x.negative, div_pow10(x.coefficient, static_cast<std::size_t>(surplus)).quotient,
        static_cast<std::int32_t>(-places));
}

} // namespace allora

// The chain's decimal without a limit on digits: (-1)^negative * coefficient * 10^exponent. The
// exponent is part of the written form, so every operation fixes the form of its result.
// Source: allora-chain, math/dec.go, and the decimal library below it.
#pragma once

#include "cause.hpp"
#include "form.hpp"
#include "host_device.hpp"
#include "natural.hpp"
#include "real.hpp"

#include <cstdint>

namespace allora {

struct BigDecimal {
    Natural coefficient;
    std::int32_t exponent = 0;
    bool negative = false;
    Form form = Form::finite;
    Cause cause = Cause::none;

    ALLORA_APART static BigDecimal from_int(std::int64_t value);
    ALLORA_APART static BigDecimal from_parts(bool negative, Natural coefficient,
                                              std::int32_t exponent);
    ALLORA_APART static BigDecimal missing();
    ALLORA_APART static BigDecimal not_a_number();
    ALLORA_APART static BigDecimal infinity(bool negative);
    ALLORA_APART static BigDecimal faulted(Cause cause);

    ALLORA_HD bool is_missing() const { return form == Form::missing; }
    ALLORA_HD bool is_finite() const { return form == Form::finite; }
    ALLORA_HD bool is_infinite() const { return form == Form::infinite; }
    ALLORA_HD bool is_zero() const { return is_finite() && coefficient.is_zero(); }
    ALLORA_HD bool is_negative() const {
        return negative && (is_infinite() || (is_finite() && !is_zero()));
    }
    ALLORA_HD bool is_positive() const {
        return !negative && (is_infinite() || (is_finite() && !is_zero()));
    }
    // Cause::none for a finite number only.
    ALLORA_APART Cause fault() const;
};

enum class Rounding : std::uint8_t { down, half_even, half_up };

struct Context {
    std::size_t precision;
    Rounding rounding;
};

// |exponent| and |adjusted exponent| of every result.
inline constexpr std::int64_t exponent_limit = 100'000;

ALLORA_INLINE std::int64_t distance_of(std::int64_t gap) {
    return gap < 0 ? -gap : gap;
}

// Constants that are taken by reference are functions: a device has no variables of the host's.
ALLORA_INLINE constexpr Context decimal128() {
    return {34, Rounding::down};
}

struct Split {
    BigDecimal integer;
    BigDecimal fraction;
};

struct Reduced {
    BigDecimal value;
    std::int64_t zeros_removed;
};

// The first operand's fault, then the second's; Cause::none lets finite and infinite numbers pass.
ALLORA_APART Cause operand_fault(const BigDecimal& x);
ALLORA_APART Cause operand_fault(const BigDecimal& x, const BigDecimal& y);

// Exact, whatever the length.
ALLORA_APART BigDecimal add(const BigDecimal& x, const BigDecimal& y);
ALLORA_APART BigDecimal sub(const BigDecimal& x, const BigDecimal& y);

// 34 digits, toward zero.
ALLORA_APART BigDecimal mul(const BigDecimal& x, const BigDecimal& y);
ALLORA_APART BigDecimal mul_exact(const BigDecimal& x, const BigDecimal& y);
ALLORA_APART BigDecimal quo(const BigDecimal& x, const BigDecimal& y);
ALLORA_APART BigDecimal quo_exact(const BigDecimal& x, const BigDecimal& y);
ALLORA_APART BigDecimal quo_integer(const BigDecimal& x, const BigDecimal& y);
ALLORA_APART BigDecimal rem(const BigDecimal& x, const BigDecimal& y);
ALLORA_APART BigDecimal neg(const BigDecimal& x);
ALLORA_APART BigDecimal floor(const BigDecimal& x);
ALLORA_APART BigDecimal ceil(const BigDecimal& x);

ALLORA_APART BigDecimal abs(const BigDecimal& x);
ALLORA_APART BigDecimal max(const BigDecimal& x, const BigDecimal& y);
ALLORA_APART BigDecimal min(const BigDecimal& x, const BigDecimal& y);
// By value: -1, 0, 1. What is not a number compares as the zero it hides.
ALLORA_APART int compare(const BigDecimal& x, const BigDecimal& y);

ALLORA_APART Split split(const BigDecimal& x);
ALLORA_APART Reduced reduce(const BigDecimal& x);
ALLORA_APART std::int64_t num_decimal_places(const BigDecimal& x);
ALLORA_APART BigDecimal truncate_places(const BigDecimal& x, std::int64_t places);

// The same at any precision. A quotient has exactly `precision` digits, or one more where rounding
// up carried: the library does not renormalise that one.
ALLORA_APART BigDecimal round(const Context& context, const BigDecimal& x);
ALLORA_APART BigDecimal add(const Context& context, const BigDecimal& x, const BigDecimal& y);
ALLORA_APART BigDecimal sub(const Context& context, const BigDecimal& x, const BigDecimal& y);
ALLORA_APART BigDecimal mul(const Context& context, const BigDecimal& x, const BigDecimal& y);
ALLORA_APART BigDecimal quo(const Context& context, const BigDecimal& x, const BigDecimal& y);

ALLORA_HD inline BigDecimal operator+(const BigDecimal& x, const BigDecimal& y) {
    return add(x, y);
}
ALLORA_HD inline BigDecimal operator-(const BigDecimal& x, const BigDecimal& y) {
    return sub(x, y);
}
ALLORA_HD inline BigDecimal operator*(const BigDecimal& x, const BigDecimal& y) {
    return mul(x, y);
}
ALLORA_HD inline BigDecimal operator/(const BigDecimal& x, const BigDecimal& y) {
    return quo(x, y);
}
ALLORA_HD inline BigDecimal operator-(const BigDecimal& x) {
    return neg(x);
}
ALLORA_HD inline bool operator==(const BigDecimal& x, const BigDecimal& y) {
    return compare(x, y) == 0;
}
ALLORA_HD inline bool operator!=(const BigDecimal& x, const BigDecimal& y) {
    return compare(x, y) != 0;
}
ALLORA_HD inline bool operator<(const BigDecimal& x, const BigDecimal& y) {
    return compare(x, y) < 0;
}
ALLORA_HD inline bool operator<=(const BigDecimal& x, const BigDecimal& y) {
    return compare(x, y) <= 0;
}
ALLORA_HD inline bool operator>(const BigDecimal& x, const BigDecimal& y) {
    return compare(x, y) > 0;
}
ALLORA_HD inline bool operator>=(const BigDecimal& x, const BigDecimal& y) {
    return compare(x, y) >= 0;
}

template <>
struct Number<BigDecimal> {
    static constexpr bool exact_sums = true;

    ALLORA_HD static BigDecimal from_int(std::int64_t value) { return BigDecimal::from_int(value); }
    ALLORA_HD static BigDecimal constant(std::int64_t coefficient, int exponent) {
        BigDecimal value = BigDecimal::from_int(coefficient);
        value.exponent = exponent;
        return value;
    }
    ALLORA_HD static BigDecimal missing() { return BigDecimal::missing(); }
    ALLORA_HD static BigDecimal faulted(Cause cause) { return BigDecimal::faulted(cause); }
    ALLORA_HD static bool is_missing(const BigDecimal& x) { return x.is_missing(); }
    ALLORA_HD static bool is_zero(const BigDecimal& x) { return x.is_zero(); }
    ALLORA_HD static Cause fault(const BigDecimal& x) { return x.fault(); }
};

} // namespace allora

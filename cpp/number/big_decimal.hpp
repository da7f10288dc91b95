// The chain's decimal without a limit on digits: (-1)^negative * coefficient * 10^exponent. The
// exponent is part of the written form, so every operation fixes the form of its result.
// Source: allora-chain, math/dec.go, and the decimal library below it.
#pragma once

#include "cause.hpp"
#include "form.hpp"
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

    static BigDecimal from_int(std::int64_t value);
    static BigDecimal from_parts(bool negative, Natural coefficient, std::int32_t exponent);
    static BigDecimal missing();
    static BigDecimal not_a_number();
    static BigDecimal infinity(bool negative);
    static BigDecimal faulted(Cause cause);

    bool is_missing() const { return form == Form::missing; }
    bool is_finite() const { return form == Form::finite; }
    bool is_infinite() const { return form == Form::infinite; }
    bool is_zero() const { return is_finite() && coefficient.is_zero(); }
    bool is_negative() const { return negative && (is_infinite() || (is_finite() && !is_zero())); }
    bool is_positive() const { return !negative && (is_infinite() || (is_finite() && !is_zero())); }
    // Cause::none for a finite number only.
    Cause fault() const;
};

enum class Rounding : std::uint8_t { down, half_even, half_up };

struct Context {
    std::size_t precision;
    Rounding rounding;
};

// |exponent| and |adjusted exponent| of every result.
inline constexpr std::int64_t exponent_limit = 100'000;

inline constexpr Context decimal128{34, Rounding::down};

struct Split {
    BigDecimal integer;
    BigDecimal fraction;
};

struct Reduced {
    BigDecimal value;
    std::int64_t zeros_removed;
};

// The first operand's fault, then the second's; Cause::none lets finite and infinite numbers pass.
Cause operand_fault(const BigDecimal& x);
Cause operand_fault(const BigDecimal& x, const BigDecimal& y);

// Exact, whatever the length.
BigDecimal add(const BigDecimal& x, const BigDecimal& y);
BigDecimal sub(const BigDecimal& x, const BigDecimal& y);

// 34 digits, toward zero.
BigDecimal mul(const BigDecimal& x, const BigDecimal& y);
BigDecimal mul_exact(const BigDecimal& x, const BigDecimal& y);
BigDecimal quo(const BigDecimal& x, const BigDecimal& y);
BigDecimal quo_exact(const BigDecimal& x, const BigDecimal& y);
BigDecimal quo_integer(const BigDecimal& x, const BigDecimal& y);
BigDecimal rem(const BigDecimal& x, const BigDecimal& y);
BigDecimal neg(const BigDecimal& x);
BigDecimal floor(const BigDecimal& x);
BigDecimal ceil(const BigDecimal& x);

BigDecimal abs(const BigDecimal& x);
BigDecimal max(const BigDecimal& x, const BigDecimal& y);
BigDecimal min(const BigDecimal& x, const BigDecimal& y);
// By value: -1, 0, 1. What is not a number compares as the zero it hides.
int compare(const BigDecimal& x, const BigDecimal& y);

Split split(const BigDecimal& x);
Reduced reduce(const BigDecimal& x);
std::int64_t num_decimal_places(const BigDecimal& x);
BigDecimal truncate_places(const BigDecimal& x, std::int64_t places);

// The same at any precision. A quotient has exactly `precision` digits, or one more where rounding
// up carried: the library does not renormalise that one.
BigDecimal round(const Context& context, const BigDecimal& x);
BigDecimal add(const Context& context, const BigDecimal& x, const BigDecimal& y);
BigDecimal sub(const Context& context, const BigDecimal& x, const BigDecimal& y);
BigDecimal mul(const Context& context, const BigDecimal& x, const BigDecimal& y);
BigDecimal quo(const Context& context, const BigDecimal& x, const BigDecimal& y);

inline BigDecimal operator+(const BigDecimal& x, const BigDecimal& y) {
    return add(x, y);
}
inline BigDecimal operator-(const BigDecimal& x, const BigDecimal& y) {
    return sub(x, y);
}
inline BigDecimal operator*(const BigDecimal& x, const BigDecimal& y) {
    return mul(x, y);
}
inline BigDecimal operator/(const BigDecimal& x, const BigDecimal& y) {
    return quo(x, y);
}
inline BigDecimal operator-(const BigDecimal& x) {
    return neg(x);
}
inline bool operator==(const BigDecimal& x, const BigDecimal& y) {
    return compare(x, y) == 0;
}
inline bool operator!=(const BigDecimal& x, const BigDecimal& y) {
    return compare(x, y) != 0;
}
inline bool operator<(const BigDecimal& x, const BigDecimal& y) {
    return compare(x, y) < 0;
}
inline bool operator<=(const BigDecimal& x, const BigDecimal& y) {
    return compare(x, y) <= 0;
}
inline bool operator>(const BigDecimal& x, const BigDecimal& y) {
    return compare(x, y) > 0;
}
inline bool operator>=(const BigDecimal& x, const BigDecimal& y) {
    return compare(x, y) >= 0;
}

template <>
struct Number<BigDecimal> {
    static constexpr bool exact_sums = true;

    static BigDecimal from_int(std::int64_t value) { return BigDecimal::from_int(value); }
    static BigDecimal constant(std::int64_t coefficient, int exponent) {
        BigDecimal value = BigDecimal::from_int(coefficient);
        value.exponent = exponent;
        return value;
    }
    static BigDecimal missing() { return BigDecimal::missing(); }
    static BigDecimal faulted(Cause cause) { return BigDecimal::faulted(cause); }
    static bool is_missing(const BigDecimal& x) { return x.is_missing(); }
    static bool is_zero(const BigDecimal& x) { return x.is_zero(); }
    static Cause fault(const BigDecimal& x) { return x.fault(); }
};

} // namespace allora

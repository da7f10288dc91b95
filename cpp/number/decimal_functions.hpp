// Square root, exponential, logarithms and power of decimals of any length, under both rules.
#pragma once

#include "big_decimal.hpp"
#include "decimal_programs.hpp"

#include <cstdint>

namespace allora {

// library: up to v0.11, the decimal library's own functions; programs: from v0.12 on.
enum class DecimalFunctions : std::uint8_t { library, programs };

ALLORA_INLINE constexpr Context work_context() {
    return {36, Rounding::half_even};
}
ALLORA_INLINE constexpr Context final_context() {
    return {34, Rounding::half_even};
}

ALLORA_HD inline BigDecimal add36(const BigDecimal& x, const BigDecimal& y) {
    return add(work_context(), x, y);
}
ALLORA_HD inline BigDecimal sub36(const BigDecimal& x, const BigDecimal& y) {
    return sub(work_context(), x, y);
}
ALLORA_HD inline BigDecimal mul36(const BigDecimal& x, const BigDecimal& y) {
    return mul(work_context(), x, y);
}
ALLORA_HD inline BigDecimal quo36(const BigDecimal& x, const BigDecimal& y) {
    return quo(work_context(), x, y);
}

template <>
struct WorkNumber<BigDecimal> {
    ALLORA_HD static BigDecimal from_parts(const DecimalParts& parts) {
        return BigDecimal::from_parts(parts.negative, Natural::from_u128(parts.coefficient),
                                      parts.exponent);
    }
    ALLORA_HD static bool is_zero(const BigDecimal& x) { return x.is_zero(); }
    ALLORA_HD static int digits(const BigDecimal& x) {
        return static_cast<int>(x.coefficient.digit_count());
    }
};

ALLORA_APART std::int64_t round_to_integer(const BigDecimal& x);

// exp36 for every argument: 0 below -10^5 ln 10, an infinity (no fault) above 10^5 ln 10.
ALLORA_APART BigDecimal exp36_anywhere(const BigDecimal& x);

// Half-even to 34 digits, by Newton steps that do not always reach the correctly rounded root.
// Fault: invalid below zero.
ALLORA_APART BigDecimal sqrt(const BigDecimal& x);

ALLORA_APART BigDecimal exp(DecimalFunctions functions, const BigDecimal& x);
ALLORA_APART BigDecimal ln(DecimalFunctions functions, const BigDecimal& x);
ALLORA_APART BigDecimal log10(DecimalFunctions functions, const BigDecimal& x);
ALLORA_APART BigDecimal pow(DecimalFunctions functions, const BigDecimal& x, const BigDecimal& y);
// Under the library rules only; the protocol does not use it.
BigDecimal exp10(const BigDecimal& x);

// x^k by squaring, every product rounded in the context; the first fault ends it.
ALLORA_APART BigDecimal integer_power(const Context& context, const BigDecimal& x,
                                      const Natural& k);

// 10 + max(34, digits of x) digits, half away from zero: the precision inside pow.
ALLORA_APART Context pow_context(const BigDecimal& x);

} // namespace allora

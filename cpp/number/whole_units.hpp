// Amounts of coins: toward zero, at most 256 bits.
// Source: allora-chain, math/dec.go.
#pragma once

#include "decimal_real.hpp"
#include "float64_real.hpp"
#include "integer_conversion.hpp"

#include <cmath>

namespace allora {

ALLORA_HD inline BigDecimal whole_units(const BigDecimal& x) {
    if (const Cause cause = Number<BigDecimal>::fault(x); cause != Cause::none) {
        return BigDecimal::faulted(cause);
    }
    const IntegerResult<CoinAmount> amount = to_coin_amount(x);
    return amount.cause == Cause::none
               ? BigDecimal::from_parts(amount.value.negative, amount.value.magnitude, 0)
               : BigDecimal::faulted(amount.cause);
}

ALLORA_HD inline Decimal whole_units(const Decimal& x) {
    return from_big(whole_units(to_big(x)));
}

// The bound is that of the coins, not of the double.
ALLORA_HD inline double whole_units(double x) {
    return std::trunc(x);
}

} // namespace allora

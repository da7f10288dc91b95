// Decimals to integers and to the chain's fixed-point numbers, and back.
// Source: allora-chain, math/dec.go.
#pragma once

#include "big_decimal.hpp"

#include <cstdint>

namespace allora {

template <class Integer>
struct IntegerResult {
    Integer value;
    Cause cause;
};

// An amount of coins: a sign and at most 256 bits.
struct CoinAmount {
    Natural magnitude;
    bool negative;
};

// Faults: fractional, int64_overflow.
IntegerResult<std::int64_t> to_int64(const BigDecimal& x);
// Faults: non_integral, overflow (too large or negative).
IntegerResult<std::uint64_t> to_uint64(const BigDecimal& x);
// Toward zero. Fault: overflow above 256 bits.
ALLORA_APART IntegerResult<CoinAmount> to_coin_amount(const BigDecimal& x);
// Exponent -18. What has more places is cut since v0.17 (`cuts`), and before that is the fault
// rounded.
BigDecimal to_fixed_point(const BigDecimal& x, bool cuts);

BigDecimal from_uint64(std::uint64_t value);
// units * 10^-18
BigDecimal from_fixed_point(bool negative, const Natural& units);

} // namespace allora

// Exponential, logarithms and power up to v0.11: the decimal library's own functions, with the
// rounding of every step. Source: allora-chain v0.6, math/dec.go, and the library below it.
#pragma once

#include "big_decimal.hpp"

namespace allora::library {

// Faults: overflow above, underflow below about 23 times the precision (at least 23000).
ALLORA_APART BigDecimal exp(std::size_t precision, const BigDecimal& x);
// Of zero: minus infinity, no fault. Fault: invalid below zero.
ALLORA_APART BigDecimal ln(const Context& context, const BigDecimal& x);
ALLORA_APART BigDecimal log10(const BigDecimal& x);
// Faults: invalid for 0^0 and for a negative base with a fraction in the exponent.
ALLORA_APART BigDecimal pow(const BigDecimal& x, const BigDecimal& y);

// ln 10, half up to the next power of two of digits that holds `precision`.
ALLORA_APART BigDecimal ln10(std::size_t precision);

// The logarithm in doubles that seeds ln and sizes the series of exp: the classic fdlibm form
// without fused operations, whatever the compiler's flags. A system's log differs from it.
ALLORA_APART double seed_log(double x);
ALLORA_APART double seed_log10(double x);

} // namespace allora::library

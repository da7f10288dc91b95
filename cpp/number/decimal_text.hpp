// Decimals as text: what the chain accepts, shows and stores. Source: allora-chain, math/dec.go,
// and the text format of the decimal library below it.
#pragma once

#include "big_decimal.hpp"

#include <string>
#include <string_view>

namespace allora {

// Any digit count, nothing is rounded; empty text is 0. Faults: `infinite` for an infinity, `parse`
// for everything else that is no number or lies outside the exponent limits. The library's own
// `nan`, which would spread silently, and a minus sign directly after a leading point, which would
// leave a negative coefficient, are refused with `parse`.
BigDecimal parse(std::string_view text);

// The text of a stored value: as `parse`, and `NaN` is the chain's own NaN.
BigDecimal parse_stored(std::string_view text);

// JSON, events, queries: no exponent, so the form of a number with positive exponent is lost.
// `NaN`; empty for what is missing or a fault.
std::string to_plain(const BigDecimal& x);

// Protobuf and state: lossless.
std::string to_stored(const BigDecimal& x);

} // namespace allora

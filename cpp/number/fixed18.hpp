// The mint's numbers: fixed point with 18 decimal places, kept as whole units of 10^-18, and the
// integers they meet. A product is rounded half to even at the 18th place; a quotient is first cut
// to 36 places and then rounded the same way, so what was cut off cannot break a tie.
// Source: the Cosmos SDK's LegacyDec (cosmossdk.io/math v1.3.0) and its Int.
#pragma once

#include "big_decimal.hpp"
#include "cause.hpp"
#include "natural.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace allora {

// An amount of coins with its sign; at most 256 bits, else the fault `overflow`.
struct Integer {
    Natural magnitude;
    bool negative = false;
    Cause cause = Cause::none;

    static Integer from_int(std::int64_t value);
    // Digits after an optional minus sign. Fault: parse.
    static Integer from_text(std::string_view text);
    static Integer faulted(Cause cause);

    bool is_zero() const { return magnitude.is_zero(); }
    std::string to_text() const;
};

// By value; faults compare as the zero they hide.
int compare(const Integer& x, const Integer& y);
Integer add(const Integer& x, const Integer& y);
Integer sub(const Integer& x, const Integer& y);
// x * factor / divisor, cut toward zero.
Integer scale(const Integer& x, std::uint64_t factor, std::uint64_t divisor);

// Magnitudes stay below 2^256, else the fault `overflow`.
struct Fixed18 {
    Natural units;
    bool negative = false;
    Cause cause = Cause::none;

    static Fixed18 from_integer(const Integer& value);
    // More than 18 places are cut, or the fault `rounded`.
    static Fixed18 from_decimal(const BigDecimal& value, bool cuts);
    static Fixed18 faulted(Cause cause);

    // With its 18 places.
    BigDecimal to_decimal() const;
    // The integer part.
    Integer truncated() const;
};

int compare(const Fixed18& x, const Fixed18& y);
// Exact product with an integer.
Fixed18 mul(const Fixed18& x, const Integer& factor);

Fixed18 operator+(const Fixed18& x, const Fixed18& y);
Fixed18 operator-(const Fixed18& x, const Fixed18& y);
Fixed18 operator*(const Fixed18& x, const Fixed18& y);
// Fault: div_zero.
Fixed18 operator/(const Fixed18& x, const Fixed18& y);

} // namespace allora

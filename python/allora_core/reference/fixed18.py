"""The mint's numbers: fixed point with 18 decimal places, kept as whole units of 10^-18.

A product is rounded half to even at the 18th place. A quotient is first cut to 36 places and then
rounded the same way, so what was cut off cannot break a tie. Magnitudes stay below 2^256.

Source: the Cosmos SDK's ``LegacyDec``; allora-chain v0.6 uses cosmossdk.io/math v1.3.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from allora_core.reference.number import UNBOUNDED, NumberError
from allora_core.reference.number_text import decimal_places, truncate

__all__ = ["Fixed18", "cut_quotient", "whole"]

_PLACES = 18
_ONE: int = 10**_PLACES
_BITS = 256


def whole(value: int) -> int:
    """Return an integer amount if it has at most 256 bits."""
    if value.bit_length() > _BITS:
        raise NumberError("overflow")
    return value


@dataclass(frozen=True, slots=True, order=True)
class Fixed18:
    """A number of ``units`` * 10^-18."""

    units: int

    def __post_init__(self) -> None:
        """Refuse what the type cannot hold."""
        if abs(self.units) >= 2**_BITS * _ONE:
            raise NumberError("overflow")

    @classmethod
    def from_int(cls, value: int) -> Fixed18:
        """Return an integer as it is."""
        return cls(whole(value) * _ONE)

    @classmethod
    def from_decimal(cls, value: Decimal, cuts: bool = False) -> Fixed18:
        """Return a decimal; more than 18 places are cut, or the fault ``rounded``."""
        if not value.is_finite():
            raise NumberError("nan" if value.is_nan() else "infinite")
        if not cuts and decimal_places(value) > _PLACES:
            raise NumberError("rounded")
        if value.adjusted() > _BITS:
            raise NumberError("overflow")
        return cls(int(truncate(value, _PLACES).scaleb(_PLACES, UNBOUNDED)))

    def to_decimal(self) -> Decimal:
        """Return the number with its 18 places."""
        return Decimal(self.units).scaleb(-_PLACES, UNBOUNDED)

    def __add__(self, other: Fixed18) -> Fixed18:
        """Return the exact sum."""
        return Fixed18(self.units + other.units)

    def __sub__(self, other: Fixed18) -> Fixed18:
        """Return the exact difference."""
        return Fixed18(self.units - other.units)

    def __mul__(self, other: Fixed18) -> Fixed18:
        """Return the product, rounded half to even."""
        return Fixed18(_rounded(self.units * other.units))

    def __truediv__(self, other: Fixed18) -> Fixed18:
        """Return the quotient, cut to 36 places and rounded half to even."""
        if other.units == 0:
            raise NumberError("div_zero")
        return Fixed18(_rounded(cut_quotient(self.units * _ONE * _ONE, other.units)))

    def times(self, factor: int) -> Fixed18:
        """Return the exact product with an integer."""
        return Fixed18(self.units * factor)

    def truncated(self) -> int:
        """Return the integer part."""
        return whole(cut_quotient(self.units, _ONE))


def cut_quotient(dividend: int, divisor: int) -> int:
    """Return the quotient toward zero."""
    magnitude = abs(dividend) // abs(divisor)
    return -magnitude if (dividend < 0) != (divisor < 0) else magnitude


def _rounded(units: int) -> int:
    """Cut 18 places, half to even."""
    kept, rest = divmod(abs(units), _ONE)
    if 2 * rest > _ONE or (2 * rest == _ONE and kept % 2):
        kept += 1
    return -kept if units < 0 else kept

"""Decimal numbers as text and as integers: how the network reads, prints and stores them.

Plain text (events, queries) prints all digits without an exponent and so loses the form of numbers
whose exponent is positive. Stored text (state) is scientific and lossless.

Sources: allora-chain v0.6 and later, ``math/dec.go``; decimal, sections 4, 5 and 12.
"""

from __future__ import annotations

import re
from decimal import ROUND_DOWN, Decimal

from allora_core.reference.number import (
    UNBOUNDED,
    NumberError,
    exponent,
    reduce,
    refuse_nan,
    split,
    within_limits,
)

__all__ = [
    "bounded",
    "bounded_cap",
    "decimal_places",
    "parse",
    "plain_text",
    "stored_text",
    "to_int64",
    "to_integer_amount",
    "to_uint64",
    "truncate",
]

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_SIGN_AFTER_POINT = re.compile(r"[+-]?\.\+(\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_INFINITE = re.compile(r"[+-]?inf(?:inity)?", re.ASCII | re.IGNORECASE)
_EXPONENT = re.compile(r"e([+-]?\d+)$", re.ASCII | re.IGNORECASE)

_LOWEST = Decimal("1E-40")
_HIGHEST = Decimal("1E+40")


def parse(text: str) -> Decimal:
    """Read a number; its digits and exponent become its written form, of any length.

    Raises:
        NumberError: ``parse`` if the text is not a number or beyond the limits (the texts ``nan``
            and ``.-5`` are refused as well), ``infinite`` if it is an infinity.
    """
    if text == "":
        return Decimal(0)
    if _INFINITE.fullmatch(text):
        raise NumberError("infinite")
    written = text
    if quirk := _SIGN_AFTER_POINT.fullmatch(text):
        # The network counts the sign as a decimal place: ".+5" is 0.05.
        sign = "-" if text.startswith("-") else ""
        written = f"{sign}.0{quirk.group(1)}{quirk.group(2) or ''}"
    if not _NUMBER.fullmatch(written):
        raise NumberError("parse")
    power = _EXPONENT.search(written)
    if power and (len(power.group(1)) > 4000 or not -(2**31) <= int(power.group(1)) < 2**31):
        raise NumberError("parse")
    try:
        return within_limits(Decimal(written))
    except NumberError:
        raise NumberError("parse") from None


def plain_text(x: Decimal) -> str:
    """Print sign, digits and point, without exponent; a zero prints all its places."""
    if not x.is_finite():
        return "NaN" if x.is_nan() else str(x)
    if x or (power := exponent(x)) <= 0:
        return format(x, "f")
    return ("-" if x.is_signed() else "") + "0" * (power + 1)


def stored_text(x: Decimal) -> str:
    """Print scientific text as state holds it; reading it back gives the same form."""
    if x.is_finite() and not x and -2000 <= exponent(x) < 0:
        return plain_text(x)
    return str(x)


def decimal_places(x: Decimal) -> int:
    """Return max(0, -E)."""
    return max(0, -exponent(x))


def truncate(x: Decimal, places: int) -> Decimal:
    """Keep that many places of the plain text, if it has a point and as many (v0.17)."""
    refuse_nan(x)
    if places < 0:
        raise NumberError("negative_places")
    if decimal_places(x) < places or decimal_places(x) == 0:
        return x
    return x.quantize(Decimal((0, (1,), -places)), ROUND_DOWN, UNBOUNDED)


def to_int64(x: Decimal) -> int:
    """Return x as a signed 64-bit integer; ``fractional`` or ``int64_overflow`` if it is none."""
    refuse_nan(x)
    whole, fraction = split(x)
    if fraction:
        raise NumberError("fractional")
    value = int(whole)
    if not -(2**63) <= value < 2**63:
        raise NumberError("int64_overflow")
    return value


def to_uint64(x: Decimal) -> int:
    """Return x as an unsigned 64-bit integer; ``non_integral`` or ``overflow`` if it is none."""
    refuse_nan(x)
    reduced, _ = reduce(x)
    if exponent(reduced) < 0:
        raise NumberError("non_integral")
    value = int(reduced)
    if not 0 <= value < 2**64:
        raise NumberError("overflow")
    return value


def to_integer_amount(x: Decimal) -> int:
    """Truncate to whole base units of a coin; more than 256 bits: ``overflow``."""
    refuse_nan(x)
    value = int(x)
    if value.bit_length() > 256:
        raise NumberError("overflow")
    return value


def bounded(x: Decimal) -> Decimal:
    """Return x if it may be submitted since v0.17: 0 or 1e-40 <= |x| <= 1e40."""
    if not x.is_finite() or (x and not _LOWEST <= x.copy_abs() <= _HIGHEST):
        raise NumberError("out_of_range")
    return x


def bounded_cap(x: Decimal) -> Decimal:
    """Move a nonzero magnitude into [1e-40, 1e40], keeping the sign; 0 stays."""
    if not x.is_finite():
        raise NumberError("out_of_range")
    magnitude = x.copy_abs()
    if x and magnitude < _LOWEST:
        return _LOWEST.copy_sign(x)
    if magnitude > _HIGHEST:
        return _HIGHEST.copy_sign(x)
    return x

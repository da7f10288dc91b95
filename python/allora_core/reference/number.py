"""The network's decimal arithmetic on :class:`decimal.Decimal`: the basic operations.

A number is (sign, coefficient, exponent), with a coefficient of any length. Sums are exact;
products and quotients keep 34 digits and truncate; a quotient always has all 34 digits. The written
form (trailing zeros) of every result is fixed, because it is stored and hashed.

``Decimal("NaN")`` stands for the network's missing number; every operation refuses it. Infinities
appear only where the network's exponential silently yields one.

Sources: allora-chain v0.6 and later, ``math/dec.go``; decimal, sections 1 to 6.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import (
    MAX_EMAX,
    MAX_PREC,
    MIN_EMIN,
    ROUND_DOWN,
    ROUND_HALF_EVEN,
    Clamped,
    Context,
    Decimal,
    DecimalException,
    InvalidOperation,
    Overflow,
    Rounded,
    Subnormal,
)
from functools import lru_cache
from typing import cast

__all__ = [
    "DIGITS",
    "LIMIT",
    "Arithmetic",
    "NumberError",
    "absolute",
    "add",
    "ceiling",
    "compare",
    "digit_count",
    "exponent",
    "floor",
    "maximum",
    "minimum",
    "multiply",
    "multiply_exact",
    "negate",
    "quotient",
    "quotient_exact",
    "quotient_integer",
    "reduce",
    "remainder",
    "same_form",
    "split",
    "square_root",
    "subtract",
    "total",
]

DIGITS = 34
LIMIT = 100_000

ZERO = Decimal(0)
ONE = Decimal(1)
TWO = Decimal(2)

# Numbers whose magnitude stays within +-40,000 and whose exact result needs at most 9,000 digits
# cannot meet a limit of the network. The first context says so by not raising; whatever it refuses
# is computed without bounds by the second one and then held against the limits.
_NEAR = 40_000
_EXACT = Context(
    prec=9_000,
    Emin=-_NEAR,
    Emax=_NEAR,
    rounding=ROUND_DOWN,
    traps=[Clamped, InvalidOperation, Overflow, Rounded, Subnormal],
)
UNBOUNDED = Context(
    prec=MAX_PREC, Emin=MIN_EMIN, Emax=MAX_EMAX, rounding=ROUND_DOWN, traps=[InvalidOperation]
)


class NumberError(ArithmeticError):
    """An operation has no result on the network; ``cause`` is the short code of the reason."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


def exponent(x: Decimal) -> int:
    """Return the exponent E of a finite number's written form."""
    return cast(int, x.as_tuple().exponent)


def digit_count(x: Decimal) -> int:
    """Return nd(C), the digits of the coefficient; a zero has one."""
    return len(x.as_tuple().digits)


def same_form(x: Decimal, y: Decimal) -> bool:
    """Tell whether two numbers are written alike: sign, digits and exponent."""
    return x.as_tuple() == y.as_tuple()


def refuse_nan(*operands: Decimal) -> None:
    """Fail as every operation of the network does when an operand is its missing number."""
    for operand in operands:
        if operand.is_nan():
            raise NumberError("nan")


def within_limits(x: Decimal) -> Decimal:
    """Return x if exponent and magnitude are at most 100,000, as after every operation."""
    if x.is_finite() and not (-LIMIT <= x.adjusted() <= LIMIT and -LIMIT <= exponent(x) <= LIMIT):
        raise NumberError("range")
    return x


@lru_cache(maxsize=4096)
def _zero_at(power: int) -> Decimal:
    """Return 0 written with the exponent ``power``: adding it pads, exactly."""
    return Decimal((0, (0,), power))


class Arithmetic:
    """Operations that round to a precision: D_p (down), H_p (half-even) or U_p (half up).

    ``p`` digits and the mode are those of one of the network's contexts (decimal, section 1).
    Operands must be numbers or infinities, not missing.
    """

    def __init__(self, precision: int, rounding: str) -> None:
        self.precision = precision
        self._near = Context(
            prec=precision, Emin=MIN_EMIN, Emax=MAX_EMAX, rounding=rounding, traps=[]
        )

    def round(self, x: Decimal) -> Decimal:
        """Round to the precision; shorter numbers and zeros keep their form."""
        return self._near.plus(x) if x else x

    def multiply(self, x: Decimal, y: Decimal) -> Decimal:
        """Return the rounded product; the limits hold before and after rounding."""
        try:
            return self.round(_EXACT.multiply(x, y))
        except DecimalException:
            if (x.is_infinite() and not y) or (y.is_infinite() and not x):
                raise NumberError("invalid") from None
            return within_limits(self.round(within_limits(UNBOUNDED.multiply(x, y))))

    def add(self, x: Decimal, y: Decimal) -> Decimal:
        """Return the rounded sum."""
        return self.round(exact_sum(x, y))

    def subtract(self, x: Decimal, y: Decimal) -> Decimal:
        """Return the rounded difference."""
        return self.round(exact_sum(x, y.copy_negate()))

    def divide(self, x: Decimal, y: Decimal) -> Decimal:
        """Return the rounded quotient of x and y != 0 with all p digits, also where it ends."""
        if y.is_infinite():
            # The library's tiniest zero: it makes most later additions fail with `range`.
            return Decimal((0, (0,), -LIMIT - self.precision + 1))
        if not x:
            sign = int(x.is_signed() != y.is_signed())
            return within_limits(Decimal((sign, (0,), exponent(x) - exponent(y))))
        result = self._near.divide(x, y)
        power = result.adjusted() - self.precision + 1
        if power < -LIMIT or result.adjusted() > LIMIT:
            raise NumberError("range")
        return UNBOUNDED.add(result, _zero_at(power))

    def power(self, x: Decimal, n: int) -> Decimal:
        """Return x^n for n >= 0 by squaring, every product rounded (decimal, section 9 step 2)."""
        result, square = ONE, x
        while n > 0:
            if n % 2:
                result = self.multiply(result, square)
            n //= 2
            if n > 0:
                square = self.multiply(square, square)
        return result


DEC128 = Arithmetic(DIGITS, ROUND_DOWN)


def exact_sum(x: Decimal, y: Decimal) -> Decimal:
    """Return x + y without rounding; exponent min(Ex, Ey), a zero sum is +0 unless both are -0."""
    try:
        if x.adjusted() < _NEAR and y.adjusted() < _NEAR:
            return _EXACT.add(x, y)
    except DecimalException:
        pass
    if x.is_infinite() or y.is_infinite():
        return UNBOUNDED.add(x, y)
    if abs(exponent(x) - exponent(y)) > LIMIT:
        raise NumberError("range")
    return within_limits(UNBOUNDED.add(x, y))


def add(x: Decimal, y: Decimal) -> Decimal:
    """Return x + y, exactly."""
    refuse_nan(x, y)
    return exact_sum(x, y)


def subtract(x: Decimal, y: Decimal) -> Decimal:
    """Return x - y, exactly."""
    refuse_nan(x, y)
    return exact_sum(x, y.copy_negate())


def multiply(x: Decimal, y: Decimal) -> Decimal:
    """Return D_34(x * y)."""
    refuse_nan(x, y)
    return DEC128.multiply(x, y)


def multiply_exact(x: Decimal, y: Decimal) -> Decimal:
    """Return x * y, or fail with ``rounded`` if it is longer than 34 digits."""
    refuse_nan(x, y)
    product = within_limits(UNBOUNDED.multiply(x, y))
    if digit_count(product) > DIGITS:
        raise NumberError("rounded")
    return product


def quotient(x: Decimal, y: Decimal) -> Decimal:
    """Return x / y truncated to exactly 34 digits, also where the quotient ends earlier."""
    refuse_nan(x, y)
    _refuse_zero_divisor(x, y)
    return DEC128.divide(x, y)


def quotient_exact(x: Decimal, y: Decimal) -> Decimal:
    """Return x / y with 34 digits, or fail with ``rounded`` if a remainder is left."""
    result = quotient(x, y)
    if UNBOUNDED.multiply(result, y) != x:
        raise NumberError("rounded")
    return result


def quotient_integer(x: Decimal, y: Decimal) -> Decimal:
    """Return the integer part of x / y, exponent 0."""
    refuse_nan(x, y)
    _refuse_zero_divisor(x, y)
    whole, _ = _divide_whole(x, y)
    return whole


def remainder(x: Decimal, y: Decimal) -> Decimal:
    """Return D_34 of what the integer quotient leaves, with the sign of x."""
    refuse_nan(x, y)
    if not y:
        raise NumberError("invalid" if x else "div_undefined")
    _, rest = _divide_whole(x, y)
    return within_limits(DEC128.round(rest))


def _refuse_zero_divisor(x: Decimal, y: Decimal) -> None:
    if not y:
        raise NumberError("div_zero" if x else "div_undefined")


def _divide_whole(x: Decimal, y: Decimal) -> tuple[Decimal, Decimal]:
    """Divide the coefficients as integers, both brought to the smaller exponent."""
    power = min(exponent(x), exponent(y))
    if max(exponent(x), exponent(y)) - power > LIMIT:
        raise NumberError("range")
    dividend = int(x.copy_abs().scaleb(-power, UNBOUNDED))
    divisor = int(y.copy_abs().scaleb(-power, UNBOUNDED))
    whole, rest = divmod(dividend, divisor)
    if whole >= 10**DIGITS:
        raise NumberError("div_impossible")
    quotient_sign = x.is_signed() != y.is_signed()
    result = Decimal(whole)
    left = Decimal(rest).scaleb(power, UNBOUNDED)
    return (
        result.copy_negate() if quotient_sign else result,
        left.copy_negate() if x.is_signed() else left,
    )


def compare(x: Decimal, y: Decimal) -> int:
    """Compare by value: -1, 0 or 1. A missing number compares as the zero it hides."""
    left = ZERO if x.is_nan() else x
    right = ZERO if y.is_nan() else y
    return (left > right) - (left < right)


def maximum(x: Decimal, y: Decimal) -> Decimal:
    """Return the larger; of equal values the second in its form."""
    refuse_nan(x, y)
    return x if x > y else y


def minimum(x: Decimal, y: Decimal) -> Decimal:
    """Return the smaller; of equal values the second in its form."""
    refuse_nan(x, y)
    return x if x < y else y


def negate(x: Decimal) -> Decimal:
    """Return D_34(-x); a zero becomes +0. Truncation here is part of the protocol."""
    refuse_nan(x)
    return DEC128.round(x.copy_negate()) if x else x.copy_abs()


def absolute(x: Decimal) -> Decimal:
    """Return x without its sign, not rounded."""
    refuse_nan(x)
    return x.copy_abs()


def split(x: Decimal) -> tuple[Decimal, Decimal]:
    """Return integer part and fraction, both with the sign of x."""
    whole = x.to_integral_value(ROUND_DOWN)
    return whole, UNBOUNDED.subtract(x, whole)


def floor(x: Decimal) -> Decimal:
    """Return the largest integer not above x; rounded to 34 digits if x has a fraction."""
    refuse_nan(x)
    whole, fraction = split(x)
    return DEC128.subtract(whole, ONE) if fraction < 0 else whole


def ceiling(x: Decimal) -> Decimal:
    """Return the smallest integer not below x; rounded to 34 digits if x has a fraction."""
    refuse_nan(x)
    whole, fraction = split(x)
    return DEC128.add(whole, ONE) if fraction > 0 else whole


def reduce(x: Decimal) -> tuple[Decimal, int]:
    """Return x without trailing zeros and how many there were; any zero becomes 0."""
    refuse_nan(x)
    if not x:
        return ZERO, 0
    result = x.normalize(UNBOUNDED)
    return result, exponent(result) - exponent(x)


def total(values: Iterable[Decimal]) -> Decimal:
    """Return the exact sum, starting from 0 with exponent 0; the order does not matter."""
    result = ZERO
    for value in values:
        result = add(result, value)
    return result


def square_root(x: Decimal) -> Decimal:
    """Return the network's square root: a Newton scheme, then H_34.

    With w = max(35, nd(C)) and x = f * 10^e, f in [0.1, 1): g starts from a line through f, then
    g = H_p(0.5 * H_p(f / g + g)) at p = 4, 6, 10, ... w + 5 digits (decimal, section 6).
    """
    refuse_nan(x)
    if x < 0:
        raise NumberError("invalid")
    if not x:
        return Decimal((int(x.is_signed()), (0,), int(exponent(x) / 2)))
    length = digit_count(x)
    start = half_even(max(35, length))
    power = x.adjusted() + 1
    f = x.scaleb(-power, UNBOUNDED)
    if power % 2 == 0:
        g = start.add(start.multiply(Decimal("0.819"), f), Decimal("0.259"))
    else:
        f = f.scaleb(-1, UNBOUNDED)
        power += 1
        g = start.add(start.multiply(Decimal("2.59"), f), Decimal("0.0819"))
    precision, last = 3, start.precision + 5
    while precision != last:
        precision = min(2 * precision - 2, last)
        step = half_even(precision)
        g = step.multiply(Decimal("0.5"), step.add(step.divide(f, g), g))
    return within_limits(half_even(DIGITS).round(g.scaleb(power // 2, UNBOUNDED)))


@lru_cache(maxsize=256)
def half_even(precision: int) -> Arithmetic:
    """Return the arithmetic H_p."""
    return Arithmetic(precision, ROUND_HALF_EVEN)

"""Exponential, logarithms and power of v0.12 and later: fixed programs at 36 digits.

They are straight-line programs, not correctly rounded functions; copying their steps is what gives
the network's digits. In the equations every operation is followed by H_36.

Sources: allora-chain, ``math/exp.go``, ``math/log.go``, ``math/pow.go``; decimal, sections 7 to 9.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

from allora_core.reference.number import (
    DEC128,
    DIGITS,
    ONE,
    TWO,
    UNBOUNDED,
    ZERO,
    Arithmetic,
    NumberError,
    digit_count,
    half_even,
    refuse_nan,
    split,
    within_limits,
)

__all__ = ["exp", "exp36", "exponential_table", "ln", "ln36", "log10", "power"]

_CALC = Arithmetic(36, ROUND_HALF_EVEN)

_LN10 = Decimal("2.302585092994045684017991454684364207")
_K = Decimal("130.288344570975548295338675674981525")
_HI = Decimal("0.007675283643313485613393")
_LO = Decimal("3.048489478806920036716287625765868E-25")
_P2 = Decimal("0.166666666666666666666666666666666667")
_P4 = Decimal("-0.00277777777777777777777777777777777778")
_P6 = Decimal("0.0000661375661375661375661375661375661376")
_P8 = Decimal("-0.00000165343915343915343915343915343915344")
_X_MAX = Decimal("230258.509299404568401799145468436421")
_X_MIN = Decimal("-230258.509299404568401799145468436421")
_INVERSE_LN10 = Decimal("0.434294481903251827651128918916605082")
_NINE = Decimal(9)
_THREE = Decimal(3)


@lru_cache(maxsize=1)
def exponential_table() -> tuple[Decimal, ...]:
    """Return T[i] = H_36(10^q), q = i/300 as a 36-digit half-even quotient, i = 0..299."""
    # 60 digits leave no doubt about the 36th: the library's power is far more accurate than that.
    exact = Context(prec=60, rounding=ROUND_HALF_EVEN)
    steps = (_CALC.divide(Decimal(i), Decimal(300)) for i in range(1, 300))
    return (ONE, *(_CALC.round(exact.power(Decimal(10), step)) for step in steps))


@lru_cache(maxsize=1 << 17)
def _exp36(digits: str) -> Decimal:
    return _exp36_program(Decimal(digits))


def exp36(x: Decimal) -> Decimal:
    """Return e^x with up to 36 digits; 0 far below, infinity far above.

    With t = x * 300/ln 10 rounded to an integer, t = 300a + b and c = x - t * (ln 10)/300:
    e^x = 10^a * T[b] * (1 + c + c*r/(2 - r)),
    r = c - c^2 * (P2 + c^2 * (P4 + c^2 * (P6 + c^2 * P8))).
    """
    # The written form of the argument is part of the key: equal values in other forms may differ.
    return _exp36(str(x))


def _exp36_program(x: Decimal) -> Decimal:
    if not x:
        return ONE
    if x < _X_MIN:
        return ZERO
    if x > _X_MAX:
        return Decimal("Infinity")
    multiply, add, subtract = _CALC.multiply, _CALC.add, _CALC.subtract
    steps = int(multiply(x, _K).to_integral_value(ROUND_HALF_EVEN))
    t = Decimal(steps)
    a, b = divmod(steps, 300)
    c = subtract(subtract(x, multiply(t, _HI)), multiply(t, _LO))
    c2 = multiply(c, c)
    series = add(_P6, multiply(c2, _P8))
    series = add(_P4, multiply(c2, series))
    series = add(_P2, multiply(c2, series))
    r = subtract(c, multiply(c2, series))
    base = exponential_table()[b]
    u = multiply(base, c)
    y = _CALC.divide(multiply(u, r), subtract(TWO, r))
    y = add(y, u)
    y = add(y, base)
    return y.scaleb(a, UNBOUNDED)


def exp(x: Decimal) -> Decimal:
    """Return H_34(exp36(x))."""
    refuse_nan(x)
    return within_limits(half_even(DIGITS).round(exp36(x)))


def ln36(x: Decimal) -> Decimal:
    """Return ln x with up to 36 digits, x > 0.

    With x = A * 10^B, 1 <= A < 10: l = 3 - 9/(A + 2), then three times
    l = l - 2 * ((e^l - A) / (e^l + A)); the result is l + B * ln 10. Near 1 the error is absolute.
    """
    if x == ONE:
        return ZERO
    shift = x.adjusted()
    scaled = x.scaleb(-shift, UNBOUNDED)
    multiply, add, subtract, divide = _CALC.multiply, _CALC.add, _CALC.subtract, _CALC.divide
    tens = multiply(Decimal(shift), _LN10)
    result = subtract(_THREE, divide(_NINE, add(scaled, TWO)))
    for _ in range(3):
        e = exp36(result)
        change = divide(subtract(e, scaled), add(e, scaled))
        result = subtract(result, multiply(TWO, change))
    return add(result, tens)


def ln(x: Decimal) -> Decimal:
    """Return H_34(ln36(x)); ``domain`` for x <= 0."""
    _require_positive(x)
    return within_limits(half_even(DIGITS).round(ln36(x)))


def log10(x: Decimal) -> Decimal:
    """Return H_34(H_36(ln36(x) / ln 10)); ``domain`` for x <= 0."""
    _require_positive(x)
    return within_limits(half_even(DIGITS).round(_CALC.multiply(ln36(x), _INVERSE_LN10)))


def _require_positive(x: Decimal) -> None:
    refuse_nan(x)
    if x.is_infinite():
        raise NumberError("infinite_arg")
    if x <= 0:
        raise NumberError("domain")


def power(x: Decimal, y: Decimal) -> Decimal:
    """Return D_34(x^y), x >= 0.

    With y = I + f and p = 10 + max(34, nd(x)): x^|I| by squaring with U_p, times
    exp36(U_p(ln36(x) * f)). The sign of I is dropped: for y <= -1 the result is wrong as
    mathematics and right as consensus.
    """
    refuse_nan(x, y)
    if x.is_infinite() or y.is_infinite():
        raise NumberError("infinite_arg")
    if x < 0:
        raise NumberError("domain")
    if not x:
        return ZERO
    if not y:
        return ONE
    if y == ONE:
        return x
    steps = Arithmetic(10 + max(DIGITS, digit_count(x)), ROUND_HALF_UP)
    whole, fraction = split(y)
    if whole.adjusted() >= DIGITS:
        raise NumberError("invalid")
    z = steps.power(x, abs(int(whole)))
    if not fraction:
        return within_limits(DEC128.round(z))
    v = exp36(steps.multiply(ln36(x), fraction))
    return within_limits(DEC128.round(steps.multiply(z, v)))

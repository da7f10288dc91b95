"""Exponential, logarithms and power of v0.6 to v0.11: those of the chain's decimal library.

Their digits depend on the steps, on one IEEE double in the exponential (how many terms) and on a
double logarithm that seeds Ln. That double must come from the classic fdlibm form without fused
multiply-add: a system's ``log`` differs from it in 7.6 % of arguments.

Sources: allora-chain v0.6, ``math/dec.go``; cockroachdb/apd v3.2.1, ``context.go``; decimal,
section 10.
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, ROUND_UP, Context, Decimal
from functools import lru_cache

from allora_core.reference.number import (
    DEC128,
    DIGITS,
    ONE,
    UNBOUNDED,
    ZERO,
    Arithmetic,
    NumberError,
    digit_count,
    exponent,
    half_even,
    refuse_nan,
    split,
    within_limits,
)

__all__ = ["double_log", "double_log10", "exp", "exp10", "ln", "log10", "power"]

_TEN = Decimal(10)
_SERIES_BOUND = Decimal("0.1")
_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
_L1 = 6.666666666666735130e-01
_L2 = 3.999999999940941908e-01
_L3 = 2.857142874366239149e-01
_L4 = 2.222219843214978396e-01
_L5 = 1.818357216161805012e-01
_L6 = 1.531383769920937332e-01
_L7 = 1.479819860511658591e-01


def double_log(z: float) -> float:
    """Return the natural logarithm of a positive finite double in the classic fdlibm form.

    z = f1 * 2^k with sqrt(2)/2 <= f1 < sqrt(2), f = f1 - 1, s = f/(2 + f):
    log z = k*ln2_high - ((f^2/2 - (s*(f^2/2 + R) + k*ln2_low)) - f), R a polynomial in s^2.
    """
    f1, k = math.frexp(z)
    if f1 < math.sqrt(2) / 2:
        f1 *= 2
        k -= 1
    f = f1 - 1
    s = f / (2 + f)
    s2 = s * s
    s4 = s2 * s2
    t1 = s2 * (_L1 + s4 * (_L3 + s4 * (_L5 + s4 * _L7)))
    t2 = s4 * (_L2 + s4 * (_L4 + s4 * _L6))
    r = t1 + t2
    h = 0.5 * f * f
    return k * _LN2_HIGH - ((h - (s * (h + r) + k * _LN2_LOW)) - f)


def double_log10(v: float) -> float:
    """Return log10 of a positive double: log2(v) * (ln 2 / ln 10), as the reference build does."""
    fraction, k = math.frexp(v)
    log2 = float(k - 1) if fraction == 0.5 else k + double_log(fraction) * (1 / math.log(2))
    return log2 * (math.log(2) / math.log(10))


@lru_cache(maxsize=1 << 16)
def _exp_at(digits: str, precision: int) -> Decimal:
    return _exp_program(Decimal(digits), precision)


def exp_at(x: Decimal, precision: int) -> Decimal:
    """Return e^x at a context precision, rounded half-even.

    The argument is divided by a power of ten 10^t, a Taylor sum taken in Horner form and the result
    raised to 10^t. ``overflow`` or ``underflow`` where |x| > 23 * precision (23,000 at most).
    """
    return _exp_at(str(x), precision)


def _exp_program(x: Decimal, precision: int) -> Decimal:
    if not x:
        return ONE
    magnitude = float(x.copy_abs())
    inner = precision
    if inner < magnitude / 23 < 1000:
        inner = math.ceil(magnitude / 23)
    if x.copy_abs() > 23 * inner:
        raise NumberError("overflow" if x > 0 else "underflow")
    if x.copy_abs() <= Decimal((0, (9,), -inner - 1)):
        return ONE
    t = max(0, x.adjusted() + 1)
    r = half_even(inner).divide(x, Decimal((0, (1,), t)))
    p = inner + t + 2
    terms = math.ceil((1.435 * p - 1.182) / double_log10(p / float(r.copy_abs())))
    if terms > 1000:
        raise NumberError("invalid")
    steps = half_even(p)
    s = ONE
    for i in range(terms - 1, 0, -1):
        s = steps.add(steps.multiply(steps.divide(r, Decimal(i)), s), ONE)
    return half_even(precision).round(steps.power(s, 10**t))


def exp(x: Decimal) -> Decimal:
    """Return e^x with 34 digits, half-even although the context says down."""
    refuse_nan(x)
    return within_limits(exp_at(x, DIGITS))


@lru_cache(maxsize=16)
def _ln10(digits: int) -> Decimal:
    exact = Context(prec=digits + 20).ln(_TEN)
    return Arithmetic(digits, ROUND_HALF_UP).round(exact)


@lru_cache(maxsize=16)
def _inverse_ln10(digits: int) -> Decimal:
    exact = Context(prec=digits + 20)
    return Arithmetic(digits, ROUND_HALF_UP).round(exact.divide(ONE, exact.ln(_TEN)))


def _unrounded_ln(x: Decimal, precision: int) -> Decimal:
    """Return ln x for x > 0 at precision + 2 digits, before its last rounding."""
    p = precision + 2
    steps = half_even(p)
    d = steps.subtract(x, ONE)
    if d.copy_abs() <= _SERIES_BOUND:
        return _ln_series(d, steps)
    shift = x.adjusted() + 1
    z = x.scaleb(-shift, UNBOUNDED)
    stored = 1 << (p - 1).bit_length()
    adjustment = steps.multiply(Decimal(shift), _ln10(stored))
    d = steps.subtract(z, ONE)
    if d.copy_abs() <= _SERIES_BOUND:
        return steps.add(_ln_series(d, steps), adjustment)
    return steps.add(_ln_iteration(z, precision, steps), adjustment)


def _ln_series(d: Decimal, steps: Arithmetic) -> Decimal:
    """Sum ln(1 + d) = 2 * (q + q^3/3 + q^5/5 + ...), q = d/(d + 2)."""
    q = steps.divide(d, steps.add(d, Decimal(2)))
    m = steps.add(q, q)
    result = m
    bound = Decimal((0, (1,), -steps.precision))
    n = 1
    while True:
        m = steps.multiply(steps.multiply(m, q), q)
        h = steps.divide(m, Decimal(2 * n + 1))
        result = steps.add(result, h)
        if h.copy_abs() <= bound:
            return result
        n += 1


def _ln_iteration(z: Decimal, precision: int, steps: Arithmetic) -> Decimal:
    """Solve e^l = z by Halley's rule l = l - 2(e - z)/(e + z), from the double logarithm."""
    result = Decimal(repr(double_log(float(z))))
    previous = ZERO
    for _ in range(10 + precision + 1):
        e = exp_at(result, steps.precision)
        numerator = steps.subtract(e, z)
        change = steps.divide(steps.add(numerator, numerator), steps.add(e, z))
        result = steps.subtract(result, change)
        moved = steps.subtract(result, previous)
        bound = Decimal((0, (1,), result.adjusted() + 1 - precision - 1))
        if not moved or moved.copy_abs() <= bound:
            return result
        previous = result
    raise NumberError("invalid")


def _ln_special(x: Decimal) -> Decimal | None:
    """Return ln x where no arithmetic is needed."""
    refuse_nan(x)
    if x < 0:
        raise NumberError("invalid")
    if x.is_infinite():
        return x
    if not x:
        return Decimal("-Infinity")
    if x == ONE:
        return ZERO
    return None


def ln(x: Decimal) -> Decimal:
    """Return D_34(ln x); minus infinity for 0, without a fault."""
    special = _ln_special(x)
    if special is not None:
        return special
    return within_limits(DEC128.round(_unrounded_ln(x, DIGITS)))


def log10(x: Decimal) -> Decimal:
    """Return H_34(H_36(ln x) / ln 10), ln at precision 36."""
    special = _ln_special(x)
    if special is not None:
        return special
    logarithm = half_even(DIGITS + 2).round(_unrounded_ln(x, DIGITS + 2))
    return half_even(DIGITS).multiply(logarithm, _inverse_ln10(64))


def power(x: Decimal, y: Decimal) -> Decimal:
    """Return D_34(x^y).

    With y = I + f and p = 10 + max(34, nd(x)): x^I by squaring with U_p (I < 0: U_p(1/x^|I|)),
    times e^U_p(ln|x| * f), at precision p.
    """
    refuse_nan(x, y)
    whole, fraction = split(y)
    if not x:
        return _power_of_zero(x, y)
    if not y:
        return ONE
    if x < 0 and fraction:
        raise NumberError("invalid")
    p = 10 + max(DIGITS, digit_count(x))
    steps = Arithmetic(p, ROUND_HALF_UP)
    z = steps.power(x, abs(int(whole)))
    if whole < 0:
        z = steps.divide(ONE, z)
    if not fraction:
        return within_limits(DEC128.round(z))
    logarithm = ZERO if x == ONE else steps.round(_unrounded_ln(x.copy_abs(), p))
    v = exp_at(steps.multiply(logarithm, fraction), p)
    return within_limits(DEC128.round(steps.multiply(z, v)))


def _power_of_zero(x: Decimal, y: Decimal) -> Decimal:
    if not y:
        raise NumberError("invalid")
    odd = exponent(y) <= 0 and y == y.to_integral_value(ROUND_UP) and int(y) % 2 == 1
    sign = int(x.is_signed() and odd)
    return Decimal((sign, (0,), 0)) if y > 0 else Decimal("Infinity").copy_sign(Decimal(-sign))


def exp10(x: Decimal) -> Decimal:
    """Return 10^x (v0.6 only)."""
    return power(_TEN, x)

"""The potential phi of the whitepaper, its gradient, and the ratio of two gradients.

Sources: allora-chain v0.6, ``math/utils.go``; later, ``math/exp.go`` and its test; decimal,
sections 9 and 11; synthesis, section 3.
"""

from __future__ import annotations

from decimal import Decimal

from allora_core.reference.functions import exp, ln
from allora_core.reference.functions_programs import exp36
from allora_core.reference.number import (
    DIGITS,
    ONE,
    add,
    half_even,
    multiply,
    negate,
    quotient,
    refuse_nan,
    subtract,
    within_limits,
)
from allora_core.reference.rules import Rules

__all__ = ["exp1_div_exp1", "gradient", "phi"]


def gradient(p: Decimal, c: Decimal, x: Decimal, rules: Rules) -> Decimal:
    """Return phi'_p(x) = p / (1 + e^(p*(c - x)))."""
    refuse_nan(p, c, x)
    return quotient(p, add(ONE, exp(multiply(p, subtract(c, x)), rules)))


def phi(p: Decimal, c: Decimal, x: Decimal, rules: Rules) -> Decimal:
    """Return phi_p(x) = ln(1 + e^(p*(x - c)))."""
    refuse_nan(p, c, x)
    return ln(add(ONE, exp(multiply(p, subtract(x, c)), rules)), rules)


def exp1_div_exp1(a: Decimal, b: Decimal, rules: Rules) -> Decimal:
    """Return (e^a + 1)/(e^b + 1) in the one of four forms that cannot overflow.

    ====== ====== =========================================
    a      b      form
    ====== ====== =========================================
    <= 0   <= 0   (e^a + 1) / (e^b + 1)
    > 0    <= 0   e^a * (e^-a + 1) / (e^b + 1)
    <= 0   > 0    e^-b * (e^a + 1) / (e^-b + 1)
    > 0    > 0    e^(a-b) * (e^-a + 1) / (e^-b + 1)
    ====== ====== =========================================

    How it rounds is the rule ``weight_rounding``: the sources show the forms, not the steps.
    """
    refuse_nan(a, b)
    top = a if a <= 0 else negate(a)
    bottom = b if b <= 0 else negate(b)
    if a <= 0 and b <= 0:
        factor = None
    elif b <= 0:
        factor = a
    elif a <= 0:
        factor = bottom
    else:
        factor = subtract(a, b)
    if rules.weight_rounding == "once":
        return _rounded_once(factor, top, bottom)
    numerator = add(exp(top, rules), ONE)
    if factor is not None:
        numerator = multiply(exp(factor, rules), numerator)
    return quotient(numerator, add(exp(bottom, rules), ONE))


def _rounded_once(factor: Decimal | None, top: Decimal, bottom: Decimal) -> Decimal:
    """Keep 36 digits, half-even, in every step; round the weight to 34 at the end."""
    calc = half_even(DIGITS + 2)
    numerator = calc.add(exp36(top), ONE)
    if factor is not None:
        numerator = calc.multiply(exp36(factor), numerator)
    result = calc.divide(numerator, calc.add(exp36(bottom), ONE))
    return within_limits(half_even(DIGITS).round(result))

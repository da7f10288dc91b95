"""Exponential, logarithms and power under the rule ``decimal_functions``."""

from __future__ import annotations

from decimal import Decimal

from allora_core.reference import functions_library, functions_programs
from allora_core.reference.rules import Rules

__all__ = ["exp", "ln", "log10", "power"]


def exp(x: Decimal, rules: Rules) -> Decimal:
    """Return e^x with 34 digits."""
    if rules.decimal_functions == "programs":
        return functions_programs.exp(x)
    return functions_library.exp(x)


def ln(x: Decimal, rules: Rules) -> Decimal:
    """Return the natural logarithm with 34 digits."""
    if rules.decimal_functions == "programs":
        return functions_programs.ln(x)
    return functions_library.ln(x)


def log10(x: Decimal, rules: Rules) -> Decimal:
    """Return the decimal logarithm with 34 digits."""
    if rules.decimal_functions == "programs":
        return functions_programs.log10(x)
    return functions_library.log10(x)


def power(x: Decimal, y: Decimal, rules: Rules) -> Decimal:
    """Return x^y with 34 digits."""
    if rules.decimal_functions == "programs":
        return functions_programs.power(x, y)
    return functions_library.power(x, y)

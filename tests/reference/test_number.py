"""Every recorded decimal operation through the reference: value, written form and error code."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal, localcontext
from pathlib import Path
from typing import Any

import pytest

from allora_core.recorded import DecimalOperation, read_decimal_operations
from allora_core.reference import (
    curves,
    functions,
    functions_library,
    functions_programs,
    number,
    statistics,
)
from allora_core.reference import number_text as text
from allora_core.reference.number import NumberError
from allora_core.reference.rules import Rules, rules_at

VECTORS = Path(__file__).parents[1] / "vectors" / "decimal_ops.jsonl"
OPERATIONS: dict[str, list[DecimalOperation]] = {}
for recorded in read_decimal_operations(VECTORS):
    OPERATIONS.setdefault(recorded.operation, []).append(recorded)

Stored = str | list[str] | list[Any]


def given(argument: str) -> Decimal:
    return Decimal("NaN") if argument == "NaN" else text.parse(argument)


def many(arguments: list[str]) -> list[Decimal]:
    return [given(argument) for argument in arguments]


def stored(value: Decimal | int | list[Decimal]) -> Stored:
    if isinstance(value, list):
        return [text.stored_text(item) for item in value]
    return text.stored_text(value) if isinstance(value, Decimal) else str(value)


PLAIN: dict[str, Callable[..., Decimal | int]] = {
    "abs": number.absolute,
    "add": number.add,
    "blocksperweek": statistics.blocks_per_week,
    "boundedcap": text.bounded_cap,
    "ceil": number.ceiling,
    "cmp": number.compare,
    "exp10": functions_library.exp10,
    "floor": number.floor,
    "int64": text.to_int64,
    "max": number.maximum,
    "min": number.minimum,
    "mul": number.multiply,
    "mulexact": number.multiply_exact,
    "neg": number.negate,
    "numdecimalplaces": text.decimal_places,
    "quo": number.quotient,
    "quoexact": number.quotient_exact,
    "quointeger": number.quotient_integer,
    "rem": number.remainder,
    "sdkinttrim": text.to_integer_amount,
    "sqrt": number.square_root,
    "sub": number.subtract,
    "uint64": text.to_uint64,
}
BY_RULES: dict[str, Callable[..., Decimal]] = {
    "exp": functions.exp,
    "gradient": curves.gradient,
    "ln": functions.ln,
    "log10": functions.log10,
    "phi": curves.phi,
    "pow": functions.power,
}
OVER_LISTS: dict[str, Callable[..., Decimal | list[Decimal]]] = {
    "cumsum": statistics.cumulative_sum,
    "lininterp": statistics.linear_interpolation,
    "mad": lambda values: list(statistics.median_absolute_deviation(values)),
    "median": statistics.median,
    "stddev": statistics.standard_deviation,
    "sum": number.total,
    "wpercentile": statistics.weighted_percentile,
}


def computed(recorded: DecimalOperation) -> Stored:
    """Run one recorded operation; the result as the file writes it."""
    rules = rules_at(recorded.version)
    operation, arguments = recorded.operation, recorded.arguments
    if operation in PLAIN:
        return stored(PLAIN[operation](*many(arguments)))
    if operation in BY_RULES:
        return stored(BY_RULES[operation](*many(arguments), rules))
    if operation in OVER_LISTS:
        return stored(OVER_LISTS[operation](*(many(part) for part in arguments)))
    return special(operation, arguments, rules)


def special(operation: str, arguments: list[Any], rules: Rules) -> Stored:
    def power(x: Decimal, y: Decimal) -> Decimal:
        return functions.power(x, y, rules)

    match operation:
        case "parse":
            return stored(text.parse(arguments[0]))
        case "string":
            return text.plain_text(given(arguments[0]))
        case "reduce":
            reduced, zeros = number.reduce(given(arguments[0]))
            return [text.stored_text(reduced), str(zeros)]
        case "truncate":
            return stored(text.truncate(given(arguments[0]), int(arguments[1])))
        case "boundedcheck":
            text.bounded(given(arguments[0]))
            return "ok"
        case "calcema":
            return stored(statistics.ema(*many(arguments[:3]), arguments[3] == "true"))
        case "ncalcema":
            return stored(statistics.ema_after(*many(arguments), power))
        case "smoothedalpha":
            return stored(statistics.smoothed_alpha(*many(arguments), power))
        case "quantile":
            return stored(statistics.quantile(many(arguments[0]), given(arguments[1])))
        case "sorteddesc":
            weights = {key: given(value) for key, value in arguments[0].items()}
            return statistics.sorted_descending(weights)
        case "exptable":
            return stored(list(functions_programs.exponential_table()))
    raise AssertionError(f"unknown operation {operation}")


def test_all_lines_are_read() -> None:
    assert sum(len(recorded) for recorded in OPERATIONS.values()) == 5033


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_operation_in_value_form_and_error(operation: str) -> None:
    wrong: list[str] = []
    for recorded in OPERATIONS[operation]:
        try:
            outcome: Stored = computed(recorded)
            expected = recorded.result
        except NumberError as fault:
            outcome = f"error {fault.cause}"
            expected = f"error {recorded.error}"
        if outcome != expected:
            wrong.append(f"line {recorded.line}: expected {expected}, got {outcome}")
    assert not wrong, "\n".join(wrong[:5])


@pytest.mark.parametrize("written", ["nan", "NaN", "sNaN1", ".-5", "٣", "1e", "e5", ".", "+"])
def test_parse_refuses(written: str) -> None:
    with pytest.raises(NumberError, match="parse"):
        text.parse(written)


def test_results_do_not_depend_on_the_callers_decimal_context() -> None:
    x, y = Decimal("1.23456789012345678901234567890123456789"), Decimal("7E-3")

    def results() -> list[str]:
        functions_library._exp_at.cache_clear()
        functions_programs._exp36.cache_clear()
        values = [operation(x, y) for operation in (number.add, number.multiply, number.quotient)]
        values += [number.negate(x), number.square_root(x), number.floor(x)]
        for rules in (rules_at("v0.6"), rules_at("v0.17")):
            values += [functions.exp(x, rules), functions.ln(x, rules)]
            values += [functions.log10(y, rules), functions.power(x, y, rules)]
        return [str(value) for value in values]

    expected = results()
    with localcontext(Context(prec=3, Emax=9, Emin=-9)):
        assert results() == expected


@pytest.mark.parametrize("version", ["v0.6", "v0.17"])
def test_limits(version: str) -> None:
    rules = rules_at(version)
    tiny, huge = Decimal("1E-100000"), Decimal("1E+100000")
    for operation in (
        lambda: number.add(huge, Decimal("1E-1")),
        lambda: number.multiply(huge, Decimal(10)),
        lambda: number.multiply(tiny, Decimal("0.1")),
        lambda: number.quotient(tiny, Decimal(3)),
        lambda: number.add(Decimal("0E+60000"), Decimal("1E-60000")),
        lambda: functions.power(Decimal(10), Decimal(200000), rules),
    ):
        with pytest.raises(NumberError, match="range"):
            operation()
    assert number.add(huge, Decimal(1)) > huge


@pytest.mark.parametrize("zero", ["0", "-0.00"])
def test_zero_times_a_silent_infinity(zero: str) -> None:
    infinity = functions.ln(Decimal(0), rules_at("v0.6"))
    for pair in ((Decimal(zero), infinity), (infinity, Decimal(zero))):
        with pytest.raises(NumberError, match="invalid"):
            number.multiply(*pair)

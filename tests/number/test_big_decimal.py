"""Arbitrary-length decimals against the recorded cases of the chain and against two authorities.

The recorded cases (value, written form, error code) come from the chain's own arithmetic. The
properties compare with Python's ``decimal`` and ``int``, which agree with the chain on every basic
operation except the padding of exact quotients.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from decimal import (
    MAX_EMAX,
    MAX_PREC,
    MIN_EMIN,
    ROUND_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    Context,
    Decimal,
    Inexact,
)
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).parents[2]
NUMBER = ROOT / "cpp" / "number"
SOURCES = (
    "natural",
    "natural_division",
    "big_decimal",
    "big_decimal_parts",
    "decimal_text",
    "decimal_functions",
    "decimal_library",
    "decimal_seed",
    "decimal_tables",
    "integer_conversion",
    "decimal_operation",
)
FLAGS = ("-std=c++20", "-O1", "-ffp-contract=off", "-Wall", "-Wextra", "-Wpedantic", "-Werror")
VECTORS = ROOT / "tests" / "vectors" / "decimal_ops.jsonl"

EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)
DOWN_34 = Context(prec=34, rounding=ROUND_DOWN, Emax=MAX_EMAX, Emin=MIN_EMIN)
ROUNDINGS = {"down": ROUND_DOWN, "half_even": ROUND_HALF_EVEN, "half_up": ROUND_HALF_UP}


class DecimalCases:
    """The compiled case program: one line in, one line out."""

    def __init__(self, program: Path) -> None:
        self.process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self, rules: str, operation: str, *arguments: object) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(rules, operation, *arguments, sep="\t", file=self.process.stdin, flush=True)
        return self.process.stdout.readline().rstrip("\n")

    def number(self, operation: str, *arguments: object) -> tuple[int, int, int]:
        """(sign, coefficient, exponent) of a result."""
        status, text = self("v0.17", operation, *arguments).split("\t")
        assert status == "result", text
        return parts(Decimal(text))

    def texts(self, operation: str, *arguments: object) -> list[str]:
        return self("v0.17", operation, *arguments).removeprefix("result\t[")[:-1].split(";")


@pytest.fixture(scope="session")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DecimalCases]:
    program = tmp_path_factory.mktemp("decimal_cases") / "decimal_cases"
    sources = [Path(__file__).with_name("decimal_cases.cpp")]
    sources += [NUMBER / f"{name}.cpp" for name in SOURCES]
    subprocess.run(["g++", *FLAGS, f"-I{NUMBER}", *sources, "-o", program], check=True)
    runner = DecimalCases(program)
    yield runner
    assert runner.process.stdin is not None
    runner.process.stdin.close()
    assert runner.process.wait() == 0


def parts(x: Decimal) -> tuple[int, int, int]:
    sign, digits, exponent = x.as_tuple()
    assert isinstance(exponent, int)
    return sign, int("".join(map(str, digits))), exponent


def padded(x: Decimal, digits: int) -> tuple[int, int, int]:
    """A quotient in the chain's form: exactly ``digits`` digits, unless it is a zero."""
    sign, coefficient, exponent = parts(x)
    missing = digits - len(str(coefficient)) if coefficient else 0
    return sign, coefficient * 10**missing, exponent - missing


def encode(argument: object) -> str:
    return f"[{';'.join(argument)}]" if isinstance(argument, list) else str(argument)


def recorded() -> dict[tuple[str, str], list[dict[str, object]]]:
    groups: dict[tuple[str, str], list[dict[str, object]]] = {}
    for line in VECTORS.read_text().splitlines():
        case = json.loads(line)
        groups.setdefault((case["rules"], case["op"]), []).append(case)
    return groups


RECORDED = recorded()


def arguments_of(case: dict[str, object]) -> list[object]:
    arguments = case["args"]
    assert isinstance(arguments, list)
    if case["op"] == "sorteddesc":
        weights = arguments[0]
        keys = sorted(weights)
        return [keys, [weights[key] for key in keys]]
    return arguments


@pytest.mark.parametrize(("rules", "operation"), sorted(RECORDED))
def test_recorded_cases(cases: DecimalCases, rules: str, operation: str) -> None:
    for case in RECORDED[rules, operation]:
        expected = (
            f"error\t{case['error']}" if "error" in case else f"result\t{encode(case['result'])}"
        )
        got = cases(rules, operation, *map(encode, arguments_of(case)))
        assert got == expected, case


def test_every_recorded_line_is_read() -> None:
    assert sum(map(len, RECORDED.values())) == len(VECTORS.read_text().splitlines())


COEFFICIENTS = st.one_of(
    st.integers(0, 10**38),
    st.integers(0, 10**400 - 1),
    # Limbs of ones and zeros, powers of two and ten: where carries and borrows travel far.
    st.builds(lambda n, d: abs(2**n + d), st.integers(0, 1300), st.integers(-2, 2)),
    st.builds(lambda n, d: abs(10**n + d), st.integers(0, 399), st.integers(-2, 2)),
    st.builds(
        lambda high, low, n: (high << (64 * n)) | low,
        st.integers(0, 2**64),
        st.integers(0, 2**64),
        st.integers(1, 18),
    ),
)


def decimals(exponents: int = 500) -> st.SearchStrategy[Decimal]:
    return st.builds(
        lambda sign, coefficient, exponent: Decimal(
            (sign, tuple(map(int, str(coefficient))), exponent)
        ),
        st.integers(0, 1),
        COEFFICIENTS,
        st.integers(-exponents, exponents),
    )


@settings(max_examples=300, deadline=None)
@given(x=decimals(), y=decimals())
def test_sum_and_difference_are_exact(cases: DecimalCases, x: Decimal, y: Decimal) -> None:
    assert cases.number("add", x, y) == parts(EXACT.add(x, y))
    assert cases.number("sub", x, y) == parts(EXACT.subtract(x, y))


@settings(max_examples=300, deadline=None)
@given(x=decimals(), y=decimals())
def test_product_and_negation_are_truncated(cases: DecimalCases, x: Decimal, y: Decimal) -> None:
    assert cases.number("mul", x, y) == parts(DOWN_34.multiply(x, y))
    assert cases.number("neg", x) == parts(DOWN_34.minus(x))
    assert cases.number("abs", x) == parts(x.copy_abs())


@settings(max_examples=300, deadline=None)
@given(x=decimals(), y=decimals().filter(bool))
def test_quotient_has_34_digits(cases: DecimalCases, x: Decimal, y: Decimal) -> None:
    quotient = cases.number("quo", x, y)
    if not x:
        assert quotient == parts(EXACT.divide(x, y))
        return
    assert quotient == padded(DOWN_34.divide(x, y), 34)
    context = DOWN_34.copy()
    context.clear_flags()
    context.divide(x, y)
    exact = cases("v0.17", "quoexact", x, y)
    assert exact.startswith("error\trounded" if context.flags[Inexact] else "result")


@settings(max_examples=300, deadline=None)
@given(x=decimals(40), y=decimals(40).filter(bool))
def test_integer_quotient_and_remainder(cases: DecimalCases, x: Decimal, y: Decimal) -> None:
    sign_x, coefficient_x, exponent_x = parts(x)
    sign_y, coefficient_y, exponent_y = parts(y)
    exponent = min(exponent_x, exponent_y)
    quotient, remainder = divmod(
        coefficient_x * 10 ** (exponent_x - exponent), coefficient_y * 10 ** (exponent_y - exponent)
    )
    if len(str(quotient)) > 34:
        assert cases("v0.17", "quointeger", x, y) == "error\tdiv_impossible"
        assert cases("v0.17", "rem", x, y) == "error\tdiv_impossible"
        return
    assert cases.number("quointeger", x, y) == (sign_x ^ sign_y, quotient, 0)
    exact = Decimal((sign_x, tuple(map(int, str(remainder))), exponent))
    expected = parts(DOWN_34.plus(exact)) if remainder else parts(exact)
    assert cases.number("rem", x, y) == expected


@settings(max_examples=300, deadline=None)
@given(x=decimals(), y=decimals())
def test_order(cases: DecimalCases, x: Decimal, y: Decimal) -> None:
    assert cases("v0.17", "cmp", x, y) == f"result\t{(x > y) - (x < y)}"
    assert cases("v0.17", "cmp", x, x) == "result\t0"
    assert cases.number("max", x, y) == parts(x if x > y else y)
    assert cases.number("min", x, y) == parts(x if x < y else y)


@settings(max_examples=300, deadline=None)
@given(x=decimals(60))
def test_text_round_trip(cases: DecimalCases, x: Decimal) -> None:
    assert cases.number("parse", f"{x:e}") == parts(x)
    status, stored = cases("v0.17", "parse", str(x)).split("\t")
    assert (status, parts(Decimal(stored))) == ("result", parts(x))
    assert parts(Decimal(cases("v0.17", "string", x).split("\t")[1])) == parts(
        x if parts(x)[2] <= 0 else x.quantize(Decimal(1), context=EXACT)
    )


@settings(max_examples=300, deadline=None)
@given(
    x=decimals(60),
    y=decimals(60),
    precision=st.integers(1, 80),
    rounding=st.sampled_from(sorted(ROUNDINGS)),
)
def test_any_context(
    cases: DecimalCases, x: Decimal, y: Decimal, precision: int, rounding: str
) -> None:
    context = Context(prec=precision, rounding=ROUNDINGS[rounding], Emax=MAX_EMAX, Emin=MIN_EMIN)
    # Python's own sum and product round once, from the exact value, as the chain's library does.
    assert cases.number("mul_at", precision, rounding, x, y) == parts(context.multiply(x, y))
    for operation, exact in (("add_at", EXACT.add(x, y)), ("sub_at", EXACT.subtract(x, y))):
        assert cases.number(operation, precision, rounding, x, y) == parts_rounded(exact, context)
    assert cases.number("round_at", precision, rounding, x) == parts_rounded(x, context)
    if x and y:
        sign, coefficient, exponent = cases.number("quo_at", precision, rounding, x, y)
        expected = padded(context.divide(x, y), precision)
        if len(str(coefficient)) == precision + 1:  # a carry is not renormalised
            coefficient, exponent = coefficient // 10, exponent + 1
        assert (sign, coefficient, exponent) == expected


def parts_rounded(x: Decimal, context: Context) -> tuple[int, int, int]:
    """``context.plus`` with the sign of a zero kept."""
    return parts(context.plus(x)) if x else parts(x)


@settings(max_examples=300, deadline=None)
@given(x=COEFFICIENTS, y=COEFFICIENTS.filter(bool))
def test_integers(cases: DecimalCases, x: int, y: int) -> None:
    assert [*map(int, cases.texts("natural", x, y))] == [
        x + y,
        x * y,
        x // y,
        x % y,
        len(str(x)),
        x.bit_length(),
    ]


@settings(max_examples=300, deadline=None)
@given(x=COEFFICIENTS, n=st.integers(0, 420))
def test_shifts_and_powers_of_ten(cases: DecimalCases, x: int, n: int) -> None:
    assert [*map(int, cases.texts("shifts", x, n))] == [
        x << n,
        x >> n,
        x * 10**n,
        x // 10**n,
        x % 10**n,
    ]


@settings(max_examples=100, deadline=None)
@given(values=st.lists(st.integers(0, 9), max_size=90))
def test_quantile_of_ties_is_a_value(cases: DecimalCases, values: list[int]) -> None:
    listed = [Decimal(value) for value in values]
    text = cases("v0.17", "quantile", encode([*map(str, listed)]), "0.25").split("\t")[1]
    ordered = sorted(listed, reverse=True) or [Decimal(0)]
    position = Decimal("0.75") * (len(ordered) - 1)
    low = int(position)
    high = min(low + 1, len(ordered) - 1)
    assert Decimal(text) == ordered[low] + (position - low) * (ordered[high] - ordered[low])


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ("1E-41", "1E-40"),
        ("-3E-41", "-1E-40"),
        ("-2E+40", "-1E+40"),
        ("-0.00", "-0.00"),
        ("1.50", "1.50"),
        ("NaN", None),
    ],
)
def test_clamped_magnitude(cases: DecimalCases, x: str, expected: str | None) -> None:
    answer = "error\tnan" if expected is None else f"result\t{expected}"
    assert cases("v0.17", "clampmagnitude", x, "1e-40", "1e40") == answer


@pytest.mark.parametrize("operation", ["ratio_each_step", "ratio_once"])
@pytest.mark.parametrize(("a", "b"), [("-1.5", "-0.2"), ("-1.5", "2"), ("0.3", "2.5"), ("2", "-1")])
def test_weight_ratio(cases: DecimalCases, operation: str, a: str, b: str) -> None:
    """(e^a + 1)/(e^b + 1) to 32 digits, whatever the rounding of its steps."""
    context = Context(prec=50)
    left, right = (context.add(Decimal(x).exp(context), 1) for x in (a, b))
    got = Decimal(cases("v0.17", operation, a, b).split("\t")[1])
    error = context.subtract(context.divide(context.multiply(got, right), left), 1)
    assert abs(error) < Decimal("1e-32")


def test_weight_of_equal_regrets_is_one(cases: DecimalCases) -> None:
    one = "result\t1.000000000000000000000000000000000"
    assert cases("v0.17", "ratio_once", "-1.5", "-1.5") == one
    assert cases("v0.17", "ratio_each_step", "-1.5", "-1.5") == one

"""What one decimal operation costs: the engine's against libmpdec's, on the same operands.

    pytest benchmarks/bench_number.py

The times are taken inside the compiled loops of either side, without the interpreter. Correctness
comes first. The engine's results equal the readable reference in every digit and in written form;
so do libmpdec's in value for the basic operations. Its functions are defined otherwise (the chain's
logarithm near 1 is right to an absolute error only), so they are compared with the true values of
mpmath instead, to one unit of the 34th digit.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

import mpdec_peer
import mpmath  # type: ignore[import-untyped]
import numpy as np
import pytest
from result_table import Result

from allora_core import _core
from allora_core.reference import functions_programs, number

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

Reference = Callable[[Decimal, Decimal], Decimal]
Times = tuple[float, list[str]]

PAIRS = 1000
ROUNDS = 20
UNIT = Decimal("1e-33")
EXACT = ("add", "multiply", "divide")
TRUE_DIGITS = 60

OPERATIONS: dict[str, tuple[Reference, list[str]]] = {
    "add": (number.add, ["add"]),
    "mul": (number.multiply, ["multiply"]),
    "quo": (number.quotient, ["divide"]),
    "sqrt": (lambda x, _: number.square_root(x), ["sqrt"]),
    "exp": (lambda x, _: functions_programs.exp(x), ["exp", "exp_correctly_rounded"]),
    "ln": (lambda x, _: functions_programs.ln(x), ["ln", "ln_correctly_rounded"]),
}
"""The engine's name, the reference, and libmpdec's names."""


def operands(digits: int, seed: int) -> list[str]:
    """Positive numbers of `digits` digits between 1e-6 and 1e2, as losses and weights are."""
    rng = np.random.Generator(np.random.PCG64([seed, digits]))
    leading = rng.integers(1, 10, PAIRS)
    tail = rng.integers(0, 10, (PAIRS, digits - 1))
    magnitude = rng.integers(-6, 2, PAIRS)
    return [
        f"{first}.{''.join(map(str, rest))}E{power}"
        for first, rest, power in zip(leading, tail.tolist(), magnitude, strict=True)
    ]


def assert_engine(reference: Reference, a: list[str], b: list[str], results: list[str]) -> None:
    """Every digit and the written form."""
    for x, y, result in zip(a, b, results, strict=True):
        expected = reference(Decimal(x), Decimal(y))
        assert number.same_form(expected, Decimal(result)), f"({x}, {y}): {result}, not {expected}"


def true_value(name: str, x: str) -> Decimal:
    """The function's value with far more digits than 34."""
    with mpmath.workdps(TRUE_DIGITS):
        function = {"exp": mpmath.exp, "ln": mpmath.log, "sqrt": mpmath.sqrt}[name]
        return Decimal(mpmath.nstr(function(mpmath.mpf(x)), TRUE_DIGITS))


def assert_peer(reference: Reference, a: list[str], b: list[str], peer: Times, name: str) -> None:
    """Basic operations equal the reference in value, functions the truth to a unit of digit 34."""
    for x, y, result in zip(a, b, peer[1], strict=True):
        actual = Decimal(result)
        if name in EXACT:
            expected, allowed = reference(Decimal(x), Decimal(y)), Decimal(0)
        else:
            expected = true_value(name.removesuffix("_correctly_rounded"), x)
            allowed = number.multiply(number.absolute(expected), UNIT)
        off = number.absolute(number.subtract(actual, expected))
        assert off <= allowed, f"{name}({x}, {y}): {result}, not {expected}"


def best(run: Callable[[], Times]) -> Times:
    """The fastest of a few measurements, each a mean or best over all operands."""
    return min((run() for _ in range(ROUNDS)), key=lambda times: times[0])


@pytest.mark.parametrize("digits", [18, 34])
@pytest.mark.parametrize("name", OPERATIONS)
def test_operation(
    benchmark: BenchmarkFixture, results: list[Result], name: str, digits: int
) -> None:
    reference, peers = OPERATIONS[name]
    a, b = operands(digits, 1), operands(digits, 2)
    assert_engine(reference, a, b, _core.time_decimal_operation(name, a, b, 1)[1])
    ours: Times = benchmark.pedantic(  # type: ignore[no-untyped-call]
        best, args=(lambda: _core.time_decimal_operation(name, a, b, 1),), rounds=1
    )
    label = f"{name}, {digits} digits"
    lines = [Result(label, "cpu", "decimal", "v0.17", "-", f"{ours[0]:.1f} ns")]
    benchmark.extra_info["ns_per_operation"] = ours[0]
    try:
        version = mpdec_peer.version()
        for peer in peers:
            theirs = mpdec_peer.time_decimal_operation(peer, a, b, ROUNDS)
            assert_peer(reference, a, b, theirs, peer)
            shown = f"{theirs[0]:.1f} ns"
            title = f"libmpdec {version} {peer.replace('_', ' ')}"
            lines.append(Result(label, "cpu", "decimal", "-", title, shown))
            benchmark.extra_info[f"ns_per_{peer}"] = theirs[0]
    except mpdec_peer.MpdecMissing as missing:
        lines.append(Result(label, "cpu", "decimal", "-", "libmpdec", "not here"))
        benchmark.extra_info["libmpdec"] = str(missing)
    results.extend(lines)


def test_libmpdec_is_here() -> None:
    """Says how to install the peer where it is missing."""
    try:
        mpdec_peer.load()
    except mpdec_peer.MpdecMissing as missing:
        pytest.skip(str(missing))

"""Functions over pairs of float64: the stated relative errors, the same bits from every build."""

import math
import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import float64_constants
import gmpy2
import pytest
from gmpy2 import mpfr
from test_float64 import BUILDS, X86, compile_to, processor_features, pytestmark

HERE = Path(__file__).parent
NUMBER = HERE.parents[1] / "cpp" / "number"
HASHED = 20_000
ARGUMENTS = 15_000

# The hashes over hashed_arguments(HASHED): no processor, compiler or flag may change them.
HASHES = {
    "add": "ffdcfc218ec5aa60",
    "multiply": "fb52a8b7c1b3b7e3",
    "divide": "0bf7ec1658af01ad",
    "exp": "8540f76e597b062b",
    "expm1": "80927157fae4507e",
    "log": "75c43396eb24c7ae",
    "log1p": "d64e23ece839d2c6",
    "pow": "392a07dbddd9d755",
    "sqrt": "f4f6924aafed27fb",
    "atan": "a29d744e2ffe2bba",
    "abs": "f9ee46de6f7571cf",
}

__all__ = ["pytestmark"]

Pair = tuple[float, float]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("float64_pair")
    source = HERE / "float64_pair_check.cpp"
    names = [name for name in BUILDS if name == "O0" or name == "O3" or (X86 and name == "fma")]
    return {name: compile_to(folder / name, *BUILDS[name][1], source) for name in names}


@pytest.mark.parametrize("build", ["O0", "O3", "fma"])
def test_every_build_gives_the_recorded_bits(programs: dict[str, Path], build: str) -> None:
    if build not in programs or (build == "fma" and "fma" not in processor_features()):
        pytest.skip("needs an x86-64 processor with a fused multiply-add")
    done = subprocess.run(
        [programs[build], "hash", str(HASHED)], capture_output=True, text=True, check=True
    )
    assert dict(line.split() for line in done.stdout.splitlines()) == HASHES


def evaluate(program: Path, calls: list[tuple[str, Pair, Pair]]) -> list[Pair]:
    given = "\n".join(
        f"{name} {x[0].hex()} {x[1].hex()} {y[0].hex()} {y[1].hex()}" for name, x, y in calls
    )
    done = subprocess.run([program], input=given, capture_output=True, text=True, check=True)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert len(lines) == len(calls)
    return [(float.fromhex(high), float.fromhex(low)) for high, low in lines]


def exact(name: str, x: mpfr, y: mpfr) -> mpfr:
    two = {"add": x + y, "multiply": x * y, "divide": x / y if y else x}
    if name in two:
        return two[name]
    return x**y if name == "pow" else getattr(gmpy2, name)(x)


RANGES = {
    "add": (-300, 300),
    "multiply": (-400, 400),
    "divide": (-400, 400),
    "exp": (-60, 9.3),
    "expm1": (-100, 9.4),
    "log": (-900, 900),
    "log1p": (-100, 900),
    "pow": (-3, 3),
    "sqrt": (-900, 900),
    "atan": (-100, 100),
}


def drawn(name: str, source: random.Random) -> Iterator[tuple[str, Pair, Pair]]:
    """Log-uniform magnitudes, half of them near 1, where logarithms and differences cancel."""
    low, high = RANGES[name]
    positive = name in ("log", "log1p", "pow", "sqrt")

    def number(sign: bool) -> Pair:
        power = source.uniform(low, high) if source.random() < 0.5 else source.uniform(-2, 2)
        head = 2.0**power if source.random() < 0.7 else 1 + 2.0 ** source.uniform(-50, -1)
        head *= source.choice((-1, 1)) if sign else 1
        tail = head * source.uniform(-(2.0**-54), 2.0**-54)
        return head, tail if head + tail == head else 0.0

    while True:
        x, y = number(not positive), number(True)
        if name == "exp" and abs(x[0]) > 660:
            continue
        if name == "add" and source.random() < 0.3:
            y = (-x[0] * (1 + 2.0 ** -source.randrange(1, 53)), y[1] * 2.0**-60)
            y = (y[0], 0.0)
        yield name, x, y


def stated(name: str) -> float:
    """The exponent that the header states for a function."""
    own = {"log": "ln", "add": "sum", "multiply": "product", "divide": "quotient"}.get(name, name)
    text = "".join(path.read_text() for path in NUMBER.glob("float64_pair*.hpp"))
    found = re.search(rf"// {own}: relative error <= 2\^-(\d+)", text)
    assert found is not None, name
    return float(found[1])


def error_bits(name: str, x: Pair, y: Pair, got: Pair) -> float:
    """-log2 of the relative error; of `pow` relative to what its exponent magnifies."""
    left, right = mpfr(x[0]) + mpfr(x[1]), mpfr(y[0]) + mpfr(y[1])
    truth = exact(name, left, right)
    scale = abs(truth)
    if name == "pow":
        scale *= 1 + abs(right * gmpy2.log(left))
    off = abs(mpfr(got[0]) + mpfr(got[1]) - truth)
    return math.inf if off == 0 else float(-gmpy2.log2(off / scale))


@pytest.mark.parametrize("name", list(RANGES))
def test_stated_errors(programs: dict[str, Path], name: str) -> None:
    source = random.Random(name)
    arguments = drawn(name, source)
    calls = [next(arguments) for _ in range(ARGUMENTS)]
    got = evaluate(programs["O3"], calls)
    with gmpy2.context(precision=300):
        worst = min(
            (error_bits(*call, result), call) for call, result in zip(calls, got, strict=True)
        )
    assert stated(name) <= worst[0] <= stated(name) + 3, worst


def test_constants_are_the_derived_ones() -> None:
    text = "".join(path.read_text() for path in NUMBER.glob("float64_pair*.hpp"))
    part = r"(-?0x[0-9a-fp.+-]+)"
    single = re.findall(rf"inline constexpr Pair (\w+) = \{{{part}, {part}\}};", text)
    table = text[text.index("atan_of_sixteenths[17]") :].partition("};")[0]
    derived = float64_constants.pair_constants()
    written = {name: [(high, low)] for name, high, low in single}
    written["atan_of_sixteenths"] = re.findall(rf"\{{{part}, {part}\}},", table)
    assert written == {
        name: [(high.hex(), low.hex()) for high, low in values] for name, values in derived.items()
    }

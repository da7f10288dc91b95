"""float64 functions: the same bits from every build, the stated error, the stated special cases.

The C++ under test is compiled here, once per instruction set and optimisation level, with the flags
that the comment of cpp/number/float64_array.cpp names.
"""

import itertools
import math
import os
import platform
import random
import re
import shutil
import struct
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import float64_constants
import gmpy2
import pytest
from gmpy2 import mpfr

HERE = Path(__file__).parent
NUMBER = HERE.parents[1] / "cpp" / "number"
COMPILER = os.environ.get("CXX", "g++")
COMMON = ["-std=c++20", "-ffp-contract=off", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
FUNCTIONS = ("exp", "expm1", "log", "log1p", "log10", "log2", "pow", "tanh", "sqrt")
X86 = platform.machine() in ("x86_64", "AMD64")
AVX512 = ["-mavx512f", "-mavx512dq", "-mavx512vl", "-mprefer-vector-width=512"]
ARGUMENTS_PER_FUNCTION = 10_000_000
HASHED = 500_000

# build -> (variant it stands for, flags). The last two let the compiler fuse a * b + c: first
# forbidden to, as everywhere, then allowed to, which shows that the hashes would tell.
BUILDS = {
    "O0": ("base", ["-O0"]),
    "O3": ("base", ["-O3", "-fno-math-errno"]),
    "avx2": ("avx2", ["-O3", "-fno-math-errno", "-mavx2"]),
    "avx512": ("avx512", ["-O3", "-fno-math-errno", *AVX512]),
    "fma": ("avx2", ["-O3", "-fno-math-errno", "-mavx2", "-mfma"]),
    "contracted": ("avx2", ["-O3", "-mavx2", "-mfma", "-ffp-contract=fast"]),
}

# Hashes of the results over hashed_arguments(HASHED) in float64_arguments.hpp. They change with the
# algorithm, and with nothing else: no processor, compiler or flag.
HASHES = {
    "exp": "862fc3ad86a1cc3e",
    "expm1": "44e6afa9557f71a4",
    "log": "7fbc86c4b01bf3ed",
    "log1p": "4d7c946e8043ce46",
    "log10": "87d1ca9fc00a22c0",
    "log2": "0c1950ab1dc31668",
    "pow": "41fb7f083d1e30d3",
    "tanh": "ac905c1ca861b1f3",
    "sqrt": "cf2033773a53627e",
}

# Where the largest errors lie that long runs of the check program have found (counts: float64.hpp).
WORST_KNOWN = [
    ("exp", "normal", "0x1.03f9362547c44p+7", "0x0p+0"),
    ("exp", "subnormal", "-0x1.6253384b61e94p+9", "0x0p+0"),
    ("expm1", "all", "0x1.997eacfa56551p-2", "0x0p+0"),
    ("log", "all", "0x1.6a06c9e2c6623p-1", "0x0p+0"),
    ("log1p", "all", "0x1.9a62842046b93p-2", "0x0p+0"),
    ("log10", "all", "0x1.b1b1c9cb51ff3p+829", "0x0p+0"),
    ("log2", "all", "0x1.9363afb92a92cp-161", "0x0p+0"),
    ("pow", "normal", "0x1.ffd09846862e1p-1", "-0x1.2ba5fb2275431p+20"),
    ("pow", "subnormal", "0x1.03049e600d3cdp-452", "0x1.2190e1f0b36cdp+1"),
    ("tanh", "all", "0x1.674014cb049fcp-3", "0x0p+0"),
    ("sqrt", "all", "0x1.6c70f071c4585p+433", "0x0p+0"),
]

pytestmark = pytest.mark.skipif(
    shutil.which(COMPILER) is None, reason=f"the C++ compiler {COMPILER} is not installed"
)


@dataclass(frozen=True)
class Programs:
    """The check program, linked with one build of each variant; `objects` holds all builds."""

    objects: dict[str, Path]
    programs: dict[str, Path]

    def run(self, build: str, mode: str, *arguments: object, given: str | None = None) -> list[str]:
        variant = BUILDS[build][0]
        done = subprocess.run(
            [self.programs[build], mode, variant, *map(str, arguments)],
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.splitlines()

    def need(self, build: str) -> None:
        if build not in self.objects:
            pytest.skip(f"{build} is a build for x86-64 processors")
        (answer,) = self.support(build)
        if answer != "yes":
            pytest.skip(answer)

    def support(self, build: str) -> list[str]:
        if build in ("fma", "contracted") and "fma" not in processor_features():
            return ["this processor has no fused multiply-add"]
        done = subprocess.run(
            [self.programs["O3"], "supported", BUILDS[build][0]],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.splitlines()

    def evaluate(self, build: str, calls: list[tuple[str, float, float]]) -> list[float]:
        given = "".join(f"{name} {x.hex()} {y.hex()}\n" for name, x, y in calls)
        return [as_double(line) for line in self.run(build, "evaluate", given=given)]


def processor_features() -> set[str]:
    information = Path("/proc/cpuinfo")
    return set(information.read_text().split()) if information.exists() else set()


def as_double(bits: str) -> float:
    (value,) = struct.unpack(">d", bytes.fromhex(bits))
    return float(value)


def compile_to(target: Path, *arguments: object) -> Path:
    command = [COMPILER, *COMMON, *map(str, arguments), "-o", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    folder = tmp_path_factory.mktemp("float64")
    names = [name for name, (variant, _) in BUILDS.items() if X86 or variant == "base"]

    def array(name: str) -> Path:
        variant, flags = BUILDS[name]
        source = NUMBER / "float64_array.cpp"
        define = f"-DALLORA_VARIANT={variant}"
        return compile_to(folder / f"{name}.o", *flags, define, "-c", source)

    with ThreadPoolExecutor(2) as pool:
        check = pool.submit(compile_to, folder / "check.o", "-O2", "-c", HERE / "float64_check.cpp")
        variant_object = pool.submit(
            compile_to, folder / "variant.o", "-O2", "-c", NUMBER / "variant.cpp"
        )
        objects = dict(zip(names, pool.map(array, names), strict=True))

        def link(name: str) -> Path:
            chosen = {"base": "O3", "avx2": "avx2", "avx512": "avx512"} | {BUILDS[name][0]: name}
            parts = [objects[build] for build in chosen.values() if build in objects]
            main = [check.result(), variant_object.result()]
            return compile_to(folder / name, *main, *parts, "-pthread")

        linked = dict(zip(names, pool.map(link, names), strict=True))
    return Programs(objects, linked)


def hashes(programs: Programs, build: str) -> dict[str, str]:
    lines = programs.run(build, "hash", HASHED)
    return dict(line.split() for line in lines)


@pytest.mark.parametrize("build", [name for name in BUILDS if name != "contracted"])
def test_every_build_gives_the_recorded_bits(programs: Programs, build: str) -> None:
    programs.need(build)
    assert hashes(programs, build) == HASHES


def test_hashes_tell_a_contracted_build(programs: Programs) -> None:
    programs.need("contracted")
    different = hashes(programs, "contracted")
    same = [name for name in FUNCTIONS if different[name] == HASHES[name]]
    # Pairs leave log10 and log2 so little error that another way of rounding does not show.
    assert same == ["log10", "log2", "sqrt"]


@pytest.mark.parametrize("build", ["avx2", "avx512"])
def test_a_variant_leaves_no_symbol_to_other_code(programs: Programs, build: str) -> None:
    """A shared inline function compiled with AVX-512 could be kept by the linker for all."""
    if build not in programs.objects or shutil.which("nm") is None:
        pytest.skip("needs nm and an x86-64 compiler")
    command = ["nm", "--extern-only", "--defined-only", "--demangle", programs.objects[build]]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    symbols = [line.split(maxsplit=2)[2] for line in listed.splitlines()]
    names = sorted(symbol.partition("(")[0] for symbol in symbols)
    own = f"allora::float64::{build}::"
    assert names == [f"{own}apply", f"{own}array_kernels"]


def test_properties(programs: Programs) -> None:
    """Monotonic between neighbours; powers of 2 and 10, x^1 and squares of short numbers exact."""
    assert programs.run("O3", "properties") == []


# Error


def stated_bounds() -> dict[tuple[str, str], float]:
    """(function, range) -> the largest error, in ulp, that the headers state."""
    text = "".join(path.read_text() for path in sorted(NUMBER.glob("float64*.hpp")))
    line = re.compile(r"// (\w+): error <= ([\d.]+) ulp(?: \(([\d.]+) for a subnormal result\))?\.")
    bounds = {}
    for name, general, subnormal in line.findall(text):
        kind = "normal" if subnormal else "all"
        bounds[name, kind] = float(general)
        if subnormal:
            bounds[name, "subnormal"] = float(subnormal)
    return bounds


@dataclass(frozen=True)
class Measured:
    function: str
    kind: str
    error: float
    x: float
    y: float
    count: int


@pytest.fixture(scope="module")
def measured(programs: Programs) -> list[Measured]:
    (best,) = [build for build in ("avx512", "avx2", "O3") if programs_can(programs, build)][:1]
    if programs.run(best, "widths") == ["narrow"]:
        pytest.skip("long double is no wider than float64 on this processor")
    lines = programs.run(best, "accuracy", ARGUMENTS_PER_FUNCTION)
    fields = [line.split() for line in lines]
    return [
        Measured(name, kind, float(error), float.fromhex(x), float.fromhex(y), int(count))
        for name, kind, error, x, y, count in fields
    ]


def programs_can(programs: Programs, build: str) -> bool:
    return build in programs.objects and programs.support(build) == ["yes"]


def test_error_against_long_double(measured: list[Measured]) -> None:
    """The stated bounds hold on 10^7 arguments of each function."""
    bounds = stated_bounds()
    assert {(one.function, one.kind) for one in measured} == set(bounds)
    assert {name for name, _ in bounds} == set(FUNCTIONS)
    for function in FUNCTIONS:
        count = sum(one.count for one in measured if one.function == function)
        assert count >= ARGUMENTS_PER_FUNCTION
    for (function, kind), bound in bounds.items():
        seen = [one for one in measured if (one.function, one.kind) == (function, kind)]
        worst = max(seen, key=lambda one: one.error)
        assert worst.error <= bound, worst


def exact(name: str, x: float, y: float) -> mpfr:
    """The function by MPFR, in 300 bits."""
    if name == "pow":
        return mpfr(x) ** mpfr(y)
    return getattr(gmpy2, name)(mpfr(x))


def error_in_ulp(got: float, truth: mpfr) -> mpfr:
    """As in the check program: all that lies at or beyond 2^1024 counts as 2^1024."""
    last_place = mpfr(2) ** max(min(gmpy2.frexp(truth)[0], 1024) - 53, -1074)
    end = mpfr(2) ** 1024
    value, wanted = (max(-end, min(end, number)) for number in (mpfr(got), truth))
    return abs(value - wanted) / last_place


def assert_near(name: str, x: float, y: float, got: float, bounds: dict) -> mpfr:
    truth = exact(name, x, y)
    where = f"{name}({x.hex()}, {y.hex()}) = {got.hex()}"
    if gmpy2.is_nan(truth):
        assert math.isnan(got), where
        return mpfr(0)
    if gmpy2.is_infinite(truth) or truth == 0:
        assert got == truth, where
        assert math.copysign(1, got) == gmpy2.copy_sign(mpfr(1), truth), where
        return mpfr(0)
    kind = "subnormal" if abs(truth) < mpfr(2) ** -1022 else "normal"
    error = error_in_ulp(got, truth)
    assert error <= bounds.get((name, "all"), bounds.get((name, kind))), where
    return error


def test_worst_arguments_against_mpfr(programs: Programs, measured: list[Measured]) -> None:
    """Two sources of truth agree on the arguments where the error is largest."""
    bounds = stated_bounds()
    got = programs.evaluate("O3", [(one.function, one.x, one.y) for one in measured])
    with gmpy2.context(precision=300):
        for one, result in zip(measured, got, strict=True):
            error = assert_near(one.function, one.x, one.y, result, bounds)
            assert abs(error - one.error) < 0.003


def test_stated_bounds_are_tight(programs: Programs) -> None:
    """The worst arguments known come within 0.02 ulp of every bound."""
    calls = [(name, float.fromhex(x), float.fromhex(y)) for name, _, x, y in WORST_KNOWN]
    got = programs.evaluate("O3", calls)
    bounds = stated_bounds()
    assert {(name, kind) for name, kind, _, _ in WORST_KNOWN} == set(bounds)
    with gmpy2.context(precision=300):
        for (name, kind, _, _), (_, x, y), result in zip(WORST_KNOWN, calls, got, strict=True):
            assert bounds[name, kind] - 0.02 <= assert_near(name, x, y, result, bounds)


def neighbours(x: float) -> list[float]:
    below, above = math.nextafter(x, -math.inf), math.nextafter(x, math.inf)
    return [below, x, above, -below, -x, -above]


def hard_arguments() -> list[float]:
    """Where a reduction cancels, or one case of an algorithm gives way to another."""
    ln_2 = math.log(2)
    centres = [0.0, 5e-324, 2.0**-1022, 1.0, 1 - 2.0**-53, math.sqrt(2), math.sqrt(0.5), 20.0]
    centres += [k * ln_2 / 2 for k in range(-2150, 2050)]
    centres += [math.ldexp(math.sqrt(2), k) for k in range(-1074, 1023, 7)]
    centres += [2.0**k for k in range(-1074, 1024, 5)]
    centres += [1 + 2.0**-k for k in range(1, 53)] + [1 - 2.0**-k for k in range(1, 53)]
    centres += [10.0**k for k in range(-323, 309)]
    centres += [709.782712893384, 745.1332191019412, 708.3964185322641, 37.42994775023705, 40.0]
    centres += [math.inf, 1.7976931348623157e308]
    return [x for centre in centres for x in neighbours(centre)]


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "pow"])
def test_hard_arguments_against_mpfr(programs: Programs, name: str) -> None:
    calls = [(name, x, 0.0) for x in [*hard_arguments(), math.nan]]
    got = programs.evaluate("O3", calls)
    bounds = stated_bounds()
    with gmpy2.context(precision=300):
        for (_, x, y), result in zip(calls, got, strict=True):
            assert_near(name, x, y, result, bounds)


def hard_pairs() -> list[tuple[float, float]]:
    """All pairs of special numbers, and bases near 1 with exponents that bring the ends in."""
    positive = [0.0, 5e-324, 2.0**-1022, 0.5, 1.0, 1.5, 2.0, 3.0, 2.0**53, 1e300, math.inf]
    positive += [math.nextafter(1.0, 0.0), math.nextafter(1.0, 2.0), 2.0**53 - 1, 2.0**52 - 0.5]
    special = [*positive, *(-x for x in positive), math.nan]
    pairs = list(itertools.product(special, special))
    source = random.Random(20240611)
    for _ in range(4000):
        x = 1 + source.choice((-1, 1)) * 2.0 ** source.uniform(-53, -1)
        limit = source.choice((709.782712893384, -708.3964185322641, -745.1332191019412))
        pairs.append((x, limit / math.log(x) * source.choice((1, 1 - 1e-15, 1 + 1e-15, 0.1))))
        digits = source.randrange(3, 2**20)
        pairs.append((float(digits), float(source.randrange(-20, 51))))
        pairs.append((-float(digits), float(source.randrange(-20, 51))))
    return pairs


def test_hard_pairs_of_pow_against_mpfr(programs: Programs) -> None:
    calls = [("pow", x, y) for x, y in hard_pairs()]
    got = programs.evaluate("O3", calls)
    bounds = stated_bounds()
    with gmpy2.context(precision=300):
        for (name, x, y), result in zip(calls, got, strict=True):
            assert_near(name, x, y, result, bounds)


# Special cases

INF, NAN = math.inf, math.nan
SPECIAL = [
    *[("exp", x, 0.0, out) for x, out in [(INF, INF), (-INF, 0.0), (0.0, 1.0), (-0.0, 1.0)]],
    *[("exp", x, 0.0, out) for x, out in [(710.0, INF), (-746.0, 0.0), (-745.0, 5e-324)]],
    *[("expm1", x, 0.0, x) for x in (INF, 0.0, -0.0, 5e-324, -5e-324)],
    *[("expm1", x, 0.0, -1.0) for x in (-INF, -40.0, -1e300)],
    *[(name, 0.0, 0.0, -INF) for name in ("log", "log2", "log10")],
    *[(name, -0.0, 0.0, -INF) for name in ("log", "log2", "log10")],
    *[(name, 1.0, 0.0, 0.0) for name in ("log", "log2", "log10")],
    *[(name, -1.5, 0.0, NAN) for name in ("log", "log2", "log10", "log1p", "sqrt")],
    *[(name, -INF, 0.0, NAN) for name in ("log", "log2", "log10", "log1p", "sqrt")],
    *[(name, INF, 0.0, INF) for name in ("log", "log2", "log10", "log1p", "sqrt")],
    ("log1p", -1.0, 0.0, -INF),
    *[("log1p", x, 0.0, x) for x in (0.0, -0.0, 5e-324, -5e-324)],
    *[("tanh", x, 0.0, x) for x in (0.0, -0.0, 5e-324, -5e-324)],
    *[("tanh", x, 0.0, math.copysign(1, x)) for x in (INF, -INF, 20.0, -1e300)],
    *[("sqrt", x, 0.0, x) for x in (0.0, -0.0, 1.0)],
    *[("pow", x, y, 1.0) for x in (NAN, INF, -INF, 0.0, -2.5) for y in (0.0, -0.0)],
    *[("pow", 1.0, y, 1.0) for y in (NAN, INF, -INF, 1e300)],
    *[("pow", -1.0, y, 1.0) for y in (INF, -INF, 2.0, 1e300)],
    *[("pow", x, INF, INF) for x in (1.5, -1.5, INF, -INF)],
    *[("pow", x, -INF, 0.0) for x in (1.5, -1.5, INF, -INF)],
    *[("pow", x, -INF, INF) for x in (0.5, -0.5, 0.0, -0.0)],
    *[("pow", x, INF, 0.0) for x in (0.5, -0.5, 0.0, -0.0)],
    *[("pow", -0.0, y, -INF) for y in (-1.0, -3.0)],
    *[("pow", -0.0, y, -0.0) for y in (1.0, 3.0, 2.0**53 - 1)],
    *[("pow", -0.0, y, INF) for y in (-2.0, -0.5)],
    *[("pow", -0.0, y, 0.0) for y in (2.0, 0.5, 2.0**53)],
    *[("pow", -INF, y, -INF) for y in (1.0, 3.0)],
    *[("pow", -INF, y, -0.0) for y in (-1.0, -3.0)],
    *[("pow", -INF, y, INF) for y in (2.0, 0.5)],
    *[("pow", -8.0, y, NAN) for y in (1 / 3, 0.5, -2.5)],
    ("pow", -8.0, 3.0, -512.0),
    ("pow", -2.0, -1075.0, -0.0),
    ("pow", NAN, 1.0, NAN),
    ("pow", 2.0, NAN, NAN),
]


@pytest.mark.parametrize("build", ["O0", "O3", "avx2", "avx512"])
def test_special_cases(programs: Programs, build: str) -> None:
    """To the bit: NaN is always 0x7ff8000000000000, whatever NaN came in."""
    programs.need(build)
    cases = [*SPECIAL, *[(name, NAN, 0.5, NAN) for name in FUNCTIONS]]
    got = programs.evaluate(build, [(name, x, y) for name, x, y, _ in cases])
    wrong = [
        (case, result.hex())
        for case, result in zip(cases, got, strict=True)
        if struct.pack(">d", result) != struct.pack(">d", case[3])
    ]
    assert wrong == []


# Constants and the choice of a variant


def test_constants_are_the_derived_ones() -> None:
    text = "".join((NUMBER / f"float64_{part}.hpp").read_text() for part in ("exp", "log"))
    written = dict(re.findall(r"inline constexpr double (\w+) = (-?0x[0-9a-fp.+-]+);", text))
    derived = {}
    for name, values in float64_constants.constants().items():
        numbered = [name] if len(values) == 1 else [f"{name}_{n}" for n in range(len(values))]
        derived |= {key: value.hex() for key, value in zip(numbered, values, strict=True)}
    assert written == derived


@pytest.mark.parametrize(
    ("forced", "answer"),
    [
        ("base", "base"),
        ("avx1024", "ALLORA_CORE_VARIANT: unknown variant 'avx1024'; known: base, avx2, avx512"),
    ],
)
def test_the_environment_forces_a_variant(programs: Programs, forced: str, answer: str) -> None:
    environment = os.environ | {"ALLORA_CORE_VARIANT": forced}
    done = subprocess.run(
        [programs.programs["O3"], "choose"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == answer
    assert done.returncode == (0 if forced == answer else 1)


@pytest.mark.parametrize("variant", ["avx2", "avx512"])
def test_a_variant_is_taken_or_refused_with_a_reason(programs: Programs, variant: str) -> None:
    done = subprocess.run(
        [programs.programs["O3"], "choose"],
        env=os.environ | {"ALLORA_CORE_VARIANT": variant},
        capture_output=True,
        text=True,
        check=False,
    )
    if X86 and programs.support(variant) == ["yes"]:
        assert (done.returncode, done.stdout.strip()) == (0, variant)
    else:
        assert done.returncode == 1
        assert done.stdout.startswith(f"ALLORA_CORE_VARIANT: variant '{variant}' needs")

"""Array kernels of float64: every variant gives the bits of the definitions, whatever the input.

The C++ under test is compiled here as in test_float64.py; float64_array_check.cpp holds the
definitions as plain loops.
"""

import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NUMBER = HERE.parents[1] / "cpp" / "number"
COMPILER = os.environ.get("CXX", "g++")
COMMON = ["-std=c++20", "-ffp-contract=off", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
FLAGS = {
    "base": [],
    "avx2": ["-mavx2"],
    "avx512": ["-mavx512f", "-mavx512dq", "-mavx512vl", "-mprefer-vector-width=512"],
}
VARIANTS = list(FLAGS) if platform.machine() in ("x86_64", "AMD64") else ["base"]

# How many results of each kernel are compared at least.
KERNELS = {
    "any_missing": 10_000,
    "averages": 500_000,
    "fill_missing": 300_000,
    "means_without": 300_000,
    "ranks": 150_000,
    "ratio_weights": 300_000,
    "score_lists": 50_000,
    "square_sums": 500_000,
    "weigh_rows": 50_000,
}

pytestmark = pytest.mark.skipif(
    shutil.which(COMPILER) is None, reason=f"the C++ compiler {COMPILER} is not installed"
)


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("float64_arrays")

    def compiled(name: str, *arguments: object) -> Path:
        command = [COMPILER, *COMMON, *map(str, arguments), "-o", str(folder / name)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return folder / name

    arrays = [
        compiled(
            f"{variant}.o",
            *("-O3", "-fno-math-errno", *FLAGS[variant], f"-DALLORA_VARIANT={variant}"),
            *("-c", NUMBER / "float64_array.cpp"),
        )
        for variant in VARIANTS
    ]
    main = compiled("check.o", "-O2", "-c", HERE / "float64_array_check.cpp")
    choice = compiled("variant.o", "-O2", "-c", NUMBER / "variant.cpp")
    return compiled("check", main, choice, *arrays)


@pytest.mark.parametrize("variant", FLAGS)
def test_a_variant_gives_the_bits_of_the_definitions(check: Path, variant: str) -> None:
    if variant not in VARIANTS:
        pytest.skip(f"{variant} is a variant for x86-64 processors")
    asked = subprocess.run(
        [check, "supported", variant], capture_output=True, text=True, check=True
    )
    if (answer := asked.stdout.strip()) != "yes":
        pytest.skip(answer)
    done = subprocess.run([check, variant], capture_output=True, text=True, check=True)
    compared, different = {}, {}
    for line in done.stdout.splitlines():
        kernel, count, wrong = line.split()
        compared[kernel], different[kernel] = int(count), int(wrong)
    assert different == dict.fromkeys(KERNELS, 0)
    assert all(compared[kernel] >= least for kernel, least in KERNELS.items())

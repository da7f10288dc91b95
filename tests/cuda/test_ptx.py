"""What the compiler made of the device's sources: no fused, approximate or unrounded operation.

The machine code of a device rounds as its PTX says, so that reading the PTX shows without a device
that float64 results cannot differ from the host's by contraction or approximation.
"""

from __future__ import annotations

import functools
import glob
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "cuda").glob("*.cu"))
FLAGS = re.findall(
    r"--fmad=false|-prec-\w+=true|-ftz=false|--expt-relaxed-constexpr",
    (ROOT / "CMakeLists.txt").read_text(),
)
FORBIDDEN = re.compile(
    r"\b(?:fma|mad)\.[\w.]*f64|\b(?:mul|add|sub|div|sqrt)\.f64|\.approx|\.full|\.ftz"
)


def nvcc() -> str:
    """Where the build looks for it, or a skip that says why."""
    folders = [os.environ.get("CUDA_HOME"), os.environ.get("CUDA_PATH"), "/usr/local/cuda"]
    candidates = [os.environ.get("CUDACXX"), shutil.which("nvcc")]
    candidates += [f"{folder}/bin/nvcc" for folder in folders if folder]
    candidates += [
        path for entry in sys.path for path in glob.glob(f"{entry}/nvidia/cu1*/bin/nvcc")
    ]
    found = next((path for path in candidates if path and os.access(path, os.X_OK)), None)
    if found is None:
        pytest.skip("no nvcc here: the extra cuda-build brings one")
    return found


@functools.cache
def ptx(source: Path, *flags: str) -> str:
    command = [nvcc(), "-std=c++20", "-O3", *flags, "-arch=compute_90", "-ptx", "-o", "-"]
    define = '-DALLORA_CUDA_REASON="test"'
    done = subprocess.run(
        [*command, define, str(source)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_build_names_every_flag() -> None:
    assert set(FLAGS) == {
        "--fmad=false",
        "-prec-div=true",
        "-prec-sqrt=true",
        "-ftz=false",
        "--expt-relaxed-constexpr",
    }


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_every_operation_is_rounded_by_itself(source: Path) -> None:
    assert FORBIDDEN.findall(ptx(source, *FLAGS)) == []


def test_rounded_operations_are_there() -> None:
    text = ptx(ROOT / "cuda" / "float64_array.cu", *FLAGS)
    for operation in ("mul.rn.f64", "add.rn.f64", "div.rn.f64", "sqrt.rn.f64"):
        assert operation in text


@pytest.mark.parametrize("prefix", ["", "resident_"])
@pytest.mark.parametrize("verb", ["infer", "settle", "reward"])
def test_a_kernel_holds_the_whole_verb(verb: str, prefix: str) -> None:
    """A function compiled for the host alone would end the kernel's code where it is called."""
    text = ptx(ROOT / "cuda" / f"{prefix}{verb}.cu", *FLAGS)
    for operation in ("mul.rn.f64", "add.rn.f64", "sub.rn.f64", "div.rn.f64"):
        assert text.count(operation) > 10


def test_decimals_compile_for_a_device() -> None:
    """Without a warning, which a function of the host's alone would be; nothing runs them yet."""
    source = Path(__file__).with_name("decimal_arithmetic.cu")
    text = ptx(source, *FLAGS, "--Werror=all-warnings")
    assert FORBIDDEN.findall(text) == []
    assert "mul.hi.u64" in text  # of coefficients


def test_a_contracted_build_is_found() -> None:
    others = [flag for flag in FLAGS if flag != "--fmad=false"]
    assert FORBIDDEN.search(ptx(ROOT / "cuda" / "float64_array.cu", *others, "--fmad=true"))

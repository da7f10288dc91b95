"""The same float64 losses from every build, to the bit."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from test_float64 import BUILDS, compile_to, processor_features, pytestmark

__all__ = ["pytestmark"]

HERE = Path(__file__).parent
COUNT = 20_000

# Hashes of the raw losses and of their logarithms, over seeded arguments.
HASHES = {
    "sqe": ("3c9a133c05269adf", "d122cc86e0947efb"),
    "abse": ("5a53b081ac76b798", "49e81964930224d1"),
    "huber": ("3484dadee292ce69", "b207bdd2e67b0012"),
    "logcosh": ("99795851c05d6e25", "f4115227b6a73aaf"),
    "bce": ("bcb53055054bd093", "d2137075c6146c9d"),
    "poisson": ("8e6810fe85291ab5", "6835e8effb51b24e"),
    "ztae": ("e91b10baaea9ecdf", "807c791d882f0d17"),
    "zptae": ("754f5db9e37b2881", "d7a00cbbacc381dd"),
    "czar": ("7c3e2a2e8d5d8a04", "3d5201a99e3c2bd2"),
    "cross_entropy": ("579a75285c08dd94", "d71e8c99e187715b"),
    "brier": ("c3161324350430de", "a853dc56916c6776"),
}


@pytest.mark.parametrize("build", ["O0", "O3", "fma"])
def test_every_build_gives_the_recorded_bits(tmp_path: Path, build: str) -> None:
    if build == "fma" and "fma" not in processor_features():
        pytest.skip("this processor has no fused multiply-add")
    program = compile_to(tmp_path / build, *BUILDS[build][1], HERE / "loss_check.cpp")
    done = subprocess.run([program, str(COUNT)], capture_output=True, text=True, check=True)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert {name: (raw, logarithm) for name, raw, logarithm in lines} == HASHES

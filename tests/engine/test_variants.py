"""Every instruction-set variant of the float64 rows gives the same bits of a whole epoch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import hashlib
from dataclasses import replace

import numpy as np

from allora_core.bench.convert import state_arrays
from allora_core.bench.scenarios import load_scenarios
from allora_core.bench.workload import Workload

scenario = load_scenarios(["limits"])[0]
# Shorter than a vector, no multiple of one, and one more than some.
for inferers, forecasters in ((5, 3), (13, 6), (33, 9)):
    shape = replace(
        scenario,
        inferers=inferers,
        forecasters=forecasters,
        elements=inferers,
        topics={"float64": 8, "decimal": 1},
        distinct=8,
    )
    work = Workload(shape, "float64")
    inferred, settled = work.engine_infer(), work.engine_settle()
    digest = hashlib.sha256()
    for columns in (inferred.columns, settled.columns):
        for name in sorted(columns):
            digest.update(np.ascontiguousarray(columns[name]).tobytes())
    states = state_arrays([settled.states.state(at) for at in range(8)], shape.layout)
    for values in (states.regrets, states.weights, states.regret_scale, states.initial_regret):
        digest.update(np.ascontiguousarray(values).tobytes())
    print(inferers, forecasters, digest.hexdigest())
"""

CPUINFO = Path("/proc/cpuinfo")
FLAGS = {"avx2": {"avx2"}, "avx512": {"avx512f", "avx512dq", "avx512vl", "avx512bw"}}


def bits_of(variant: str) -> str:
    """The hashes of all results, computed by this variant."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=os.environ | {"ALLORA_CORE_VARIANT": variant},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def base() -> str:
    """What plain code computes."""
    return bits_of("base")


@pytest.mark.parametrize("variant", FLAGS)
def test_same_bits(variant: str, base: str) -> None:
    """Infer, settle and the state they leave do not depend on the width of vectors."""
    flags = set(CPUINFO.read_text().split()) if CPUINFO.exists() else set()
    if not flags >= FLAGS[variant]:
        pytest.skip(f"this processor has no {variant}")
    assert base.count("\n") == 3
    assert bits_of(variant) == base

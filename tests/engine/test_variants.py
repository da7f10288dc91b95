"""Every instruction-set variant of the float64 rows gives the same bits of a whole epoch."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SCRIPT = """
import hashlib
from dataclasses import replace

import numpy as np

from allora_core import _core
from allora_core.bench.convert import state_arrays
from allora_core.bench.scenarios import load_scenarios
from allora_core.bench.workload import Workload

print(_core.variant())
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


def run(script: str, variant: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"ALLORA_CORE_VARIANT": variant},
        capture_output=True,
        text=True,
        check=False,
    )


def bits_of(variant: str) -> str:
    """The hashes of all results, computed by this variant."""
    done = run(SCRIPT, variant)
    refused = "needs instructions that this processor lacks"
    if done.returncode != 0 and refused in done.stderr:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{variant}\n")
    return done.stdout.removeprefix(f"{variant}\n")


@pytest.fixture(scope="module")
def base() -> str:
    """What plain code computes."""
    return bits_of("base")


@pytest.mark.parametrize("variant", ["avx2", "avx512"])
def test_same_bits(variant: str, base: str) -> None:
    """Infer, settle and the state they leave do not depend on the width of vectors."""
    assert base.count("\n") == 3
    assert bits_of(variant) == base


def test_a_wish_that_cannot_be_met_is_refused() -> None:
    done = run("from allora_core import Engine\nEngine()", "avx1024")
    assert done.returncode != 0
    assert "ALLORA_CORE_VARIANT: unknown variant 'avx1024'; known: base, avx2" in done.stderr

"""Mutations of recorded samples: read, or refused by name."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def fuzzer() -> Any:
    """The module beside; test folders are no packages."""
    spec = importlib.util.spec_from_file_location(
        "fuzz_reader", Path(__file__).with_name("fuzz_reader.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FUZZER = fuzzer()
SEEDS = FUZZER.seeds()
EXAMPLES = int(os.environ.get("ALLORA_CORE_HISTORIES", "60"))


def test_the_corpus(tmp_path: Path) -> None:
    found = {FUZZER.outcome(content, tmp_path) for content in SEEDS}
    assert len(found) > 50
    # Every form is among those that are read.
    words = {word for each in found for word in each.split()}
    assert {"block", "results", "events", "transaction", "state"} <= words


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32))
def test_mutations(seed: int, tmp_path: Path) -> None:
    rng = Random(seed)
    content = rng.choice(SEEDS)
    for _ in range(rng.randrange(1, 4)):
        content = FUZZER.mutated(content, rng)
    FUZZER.outcome(content, tmp_path)


@pytest.mark.parametrize("size", [0, 1, 100, 5000])
def test_every_beginning_of_a_document(size: int, tmp_path: Path) -> None:
    """Cut off anywhere, a document is refused, or ends a line before."""
    for content in SEEDS[:30]:
        FUZZER.outcome(content[:size], tmp_path)

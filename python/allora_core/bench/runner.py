"""Times scenarios: engine and peer on the same numbers in one run, correctness first.

    for row in run(["limits"], "float64"):
        print(row["scenario"], row["moment"], row["engine_seconds"], row["peer"], row["ratio"])

NumPy's matrix products may start threads of their own. To keep the comparison one core against one
core, `run` measures in a child interpreter whose BLAS is held at one thread.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from time import perf_counter
from typing import TypedDict, cast

import numpy as np

from ..batch import NumberName
from ..reference import infer, settle
from .scenarios import Scenario, load_scenarios
from .workload import VERSION, Workload

__all__ = ["Row", "measure", "run"]

BLAS_THREADS = (
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)

LEAST_SECONDS = 0.5
"""Each side repeats a moment for at least this long; the best repetition counts."""

LEAST_REPETITIONS = 3
MOST_REPETITIONS = 200


class Row(TypedDict):
    """One measurement; times are seconds per topic.

    Keys:
        scenario, device, number, version: what was computed, where and by which rules.
        moment: ``infer`` or ``settle``.
        topics: topics in the batch; threads: threads of the engine.
        engine_seconds: per topic, best repetition.
        peer: who else computed it, ``""`` where nobody can in reasonable time.
        peer_seconds: per topic, best repetition; ratio: peer over engine. None without a peer.
    """

    scenario: str
    device: str
    number: str
    version: str
    moment: str
    topics: int
    threads: int
    engine_seconds: float
    peer: str
    peer_seconds: float | None
    ratio: float | None


def run(
    scenario_names: Iterable[str] | None = None,
    number: NumberName = "float64",
    threads: int = 1,
) -> list[Row]:
    """Measure scenarios, by default all, in a child interpreter.

    Raises:
        ValueError: an unknown scenario, or a number other than float64 and decimal.
        RuntimeError: results differ or the measurement failed; nothing was timed then.
    """
    if number not in ("float64", "decimal"):
        raise ValueError(f"unknown number {number!r}: choose 'decimal' or 'float64'")
    names = [scenario.name for scenario in load_scenarios(scenario_names)]
    request = json.dumps({"names": names, "number": number, "threads": threads})
    child = subprocess.run(
        [sys.executable, "-m", __name__, request],
        env={**os.environ, **dict.fromkeys(BLAS_THREADS, "1")},
        capture_output=True,
        text=True,
        check=False,
    )
    if child.returncode != 0:
        reason = child.stderr.strip().splitlines()[-1:] or ["the measurement ended early"]
        raise RuntimeError(f"nothing was timed: {reason[0]}")
    return cast("list[Row]", json.loads(child.stdout))


def measure(scenario: Scenario, number: NumberName, threads: int = 1) -> list[Row]:
    """Measure one scenario in this process: one row per moment.

    Raises:
        AssertionError: results differ; nothing is timed then.
    """
    work = Workload(scenario, number, threads)
    work.verify()
    peer, peer_topics, peer_moments = peer_of(work)
    rows = []
    for moment, ours in (("infer", work.engine_infer), ("settle", work.engine_settle)):
        seconds = best_time(ours) / work.topics
        theirs = best_time(peer_moments[moment]) / peer_topics if peer else None
        rows.append(
            Row(
                scenario=scenario.name,
                device=work.engine.device,
                number=number,
                version=VERSION,
                moment=moment,
                topics=work.topics,
                threads=work.engine.threads,
                engine_seconds=seconds,
                peer=peer,
                peer_seconds=theirs,
                ratio=None if theirs is None else theirs / seconds,
            )
        )
    return rows


def peer_of(work: Workload) -> tuple[str, int, dict[str, Callable[[], object]]]:
    """The peer's name, the topics it computes, and its two moments."""
    if work.number == "float64":
        moments: dict[str, Callable[[], object]] = {
            "infer": work.peer_infer,
            "settle": work.peer_settle,
        }
        return f"NumPy {np.__version__}", work.topics, moments
    topics = min(work.scenario.reference_topics, work.topics)
    if not topics:
        return "", 0, {}
    epochs = work.epochs.epochs[:topics]
    states = work.distinct_states()[:topics]
    batch = list(zip(epochs, states, strict=True))
    closing = [(epoch, infer(epoch, state, work.rules).state) for epoch, state in batch]
    return (
        "reference (Python decimal)",
        topics,
        {
            "infer": lambda: [infer(epoch, state, work.rules) for epoch, state in batch],
            "settle": lambda: [settle(epoch, state, work.rules) for epoch, state in closing],
        },
    )


def best_time(work: Callable[[], object]) -> float:
    """Seconds of the best repetition, after one that warms caches up."""
    work()
    best, spent, repetitions = float("inf"), 0.0, 0
    enabled = gc.isenabled()
    gc.disable()
    try:
        while repetitions < MOST_REPETITIONS and (
            spent < LEAST_SECONDS or repetitions < LEAST_REPETITIONS
        ):
            begin = perf_counter()
            work()
            took = perf_counter() - begin
            best, spent, repetitions = min(best, took), spent + took, repetitions + 1
    finally:
        if enabled:
            gc.enable()
    return best


def main(arguments: Sequence[str]) -> None:
    """The child interpreter's part: measure what the request names, print the rows."""
    request = json.loads(arguments[0])
    rows = [
        row
        for scenario in load_scenarios(request["names"])
        for row in measure(scenario, request["number"], request["threads"])
    ]
    json.dump(rows, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])

"""Moments of an epoch per scenario: the engine on one thread, and its peers in the same run.

    pytest benchmarks/bench_engine.py -k limits

Every workload is verified on all its epochs before anything is timed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import pytest
from result_table import Result

from allora_core.bench.runner import MOMENTS, engine_moments, peers_of
from allora_core.bench.scenarios import load_scenarios
from allora_core.bench.workload import VERSION, Workload

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from allora_core.batch import NumberName

SCENARIOS = {scenario.name: scenario for scenario in load_scenarios()}
NUMBERS: tuple[NumberName, ...] = ("float64", "decimal")


@lru_cache(maxsize=1)
def verified(name: str, number: NumberName) -> Workload:
    """A workload that has passed its check; only the latest is kept, the large ones fill memory."""
    work = Workload(SCENARIOS[name], number)
    work.verify()
    return work


def time(
    benchmark: BenchmarkFixture,
    results: list[Result],
    line: Result,
    run: Callable[[], object],
    topics: int,
) -> None:
    """Time one side and leave its line: the best round, per topic."""
    benchmark.extra_info.update({"topics": topics, "peer": line.peer, "version": line.version})
    benchmark(run)
    if benchmark.stats is not None:
        best = benchmark.stats.stats.min / topics
        shown = f"{best * 1e6:.4g} us/topic"
        results.append(
            Result(line.scenario, line.device, line.numeric_mode, line.version, line.peer, shown)
        )


@pytest.mark.parametrize("side", ["engine", "peer 1", "peer 2"])
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("name", SCENARIOS)
def test_moment(
    benchmark: BenchmarkFixture,
    results: list[Result],
    name: str,
    number: NumberName,
    moment: str,
    side: str,
) -> None:
    work = verified(name, number)
    benchmark.group = f"{name} {number} {moment}"
    label = f"{name} {moment}, {work.topics} topics"
    if side == "engine":
        line = Result(label, work.engine.device, number, VERSION, "-", "")
        time(benchmark, results, line, engine_moments(work)[moment], work.topics)
        return
    peers, at = peers_of(work).get(moment, []), int(side[-1]) - 1
    if at >= len(peers):
        pytest.skip("nobody else computes this, or the reference would take minutes")
    peer = peers[at]
    line = Result(label, "cpu", number, VERSION, f"{peer.name} ({peer.version})", "")
    time(benchmark, results, line, peer.run, peer.topics)

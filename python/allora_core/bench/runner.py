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
import platform
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from time import perf_counter
from typing import NamedTuple, TypeAlias, TypedDict, cast

import numpy as np

from ..batch import NumberName
from ..epoch import Epoch, Rewarded, State
from ..reference import infer, reward, settle
from .scenarios import Scenario, load_scenarios
from .workload import VERSION, Workload

__all__ = ["MOMENTS", "Row", "engine_moments", "measure", "peers_of", "run"]

MOMENTS = ("infer", "settle", "reward", "epoch")
"""What is timed; an epoch is the three others, one on the other."""

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

Moments: TypeAlias = "dict[str, Callable[[], object]]"


class Peer(NamedTuple):
    """Who else computes a moment.

    Attributes:
        name, version: of the peer, and of the software it is written in.
        topics: how many topics it computes.
        run: how.
    """

    name: str
    version: str
    topics: int
    run: Callable[[], object]


Peers: TypeAlias = "dict[str, list[Peer]]"
"""By moment."""


class Row(TypedDict):
    """One measurement beside one peer; times are seconds per topic.

    Keys:
        scenario, device, number, version: what was computed, where and by which rules.
        moment: ``infer``, ``settle``, ``reward`` or ``epoch``, all three.
        steps: fewest of a descent of listening coefficients in any topic and checked epoch; 0
            without rewards.
        topics: topics in the batch; threads: threads of the engine.
        engine_seconds: per topic, best repetition.
        peer: who else computed it, ``""`` where nobody can in reasonable time; with several
            threads the engine itself on one.
        peer_version: of NumPy or Python, ``""`` otherwise.
        peer_seconds: per topic, best repetition; ratio: peer over engine. None without a peer.
    """

    scenario: str
    device: str
    number: str
    version: str
    moment: str
    steps: int
    topics: int
    threads: int
    engine_seconds: float
    peer: str
    peer_version: str
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
    """Measure one scenario in this process: one row per moment and peer.

    Raises:
        AssertionError: results differ; nothing is timed then.
    """
    work = Workload(scenario, number, threads)
    work.verify()
    ours = engine_moments(work)
    theirs = peers_of(work) if threads == 1 else one_thread(work)
    rows = []
    for moment in MOMENTS:
        peers = theirs.get(moment, [])
        seconds, *peer_seconds = best_times([ours[moment], *(peer.run for peer in peers)])
        seconds /= work.topics
        row = Row(
            scenario=scenario.name,
            device=work.engine.device,
            number=number,
            version=VERSION,
            moment=moment,
            steps=work.steps if moment in ("reward", "epoch") else 0,
            topics=work.topics,
            threads=work.engine.threads,
            engine_seconds=seconds,
            peer="",
            peer_version="",
            peer_seconds=None,
            ratio=None,
        )
        for peer, whole in zip(peers, peer_seconds, strict=True):
            rows.append(beside(row, peer, whole / peer.topics))
        rows += [] if peers else [row]
    return rows


def beside(row: Row, peer: Peer, seconds: float) -> Row:
    """The engine's time with that of a peer."""
    ratio = seconds / row["engine_seconds"]
    return {
        **row,
        "peer": peer.name,
        "peer_version": peer.version,
        "peer_seconds": seconds,
        "ratio": ratio,
    }


def engine_moments(work: Workload) -> Moments:
    """The engine's moments of the workload's first epoch."""
    return {
        "infer": work.engine_infer,
        "settle": work.engine_settle,
        "reward": work.engine_reward,
        "epoch": work.engine_epoch,
    }


def peers_of(work: Workload) -> Peers:
    """Who else computes the workload's moments on one thread."""
    if work.general is None:
        return reference_of(work)
    general = work.general

    def peer(name: str, run: Callable[[], object]) -> Peer:
        return Peer(name, np.__version__, work.topics, run)

    shape, any_shape = "NumPy, one shape", "NumPy, general"
    return {
        "infer": [peer(shape, work.peer_infer), peer(any_shape, general.infer)],
        "settle": [peer(shape, work.peer_settle), peer(any_shape, general.settle)],
        "reward": [peer("NumPy", work.peer_reward)],
        "epoch": [
            peer(shape, work.peer_epoch),
            peer(any_shape, lambda: work.reward_losses(general.both().network_losses)),
        ],
    }


def reference_of(work: Workload) -> Peers:
    """The readable reference; it computes the rewards of fewer topics, they take it longest."""
    name, rules = "reference", work.rules
    topics = min(work.scenario.reference_topics, work.topics)
    few = min(work.scenario.reference_rewards, topics)
    batch = list(zip(work.epochs.epochs[:topics], work.distinct_states()[:topics], strict=True))
    closing = [(epoch, infer(epoch, state, rules).state) for epoch, state in batch]
    paying = [(epoch, settle(epoch, state, rules)) for epoch, state in closing[:few]]

    def whole(epoch: Epoch, state: State) -> Rewarded:
        settled = settle(epoch, infer(epoch, state, rules).state, rules)
        return reward(epoch, settled.network_losses, settled.state, rules)

    def peer(count: int, run: Callable[[], object]) -> list[Peer]:
        return [Peer(name, platform.python_version(), count, run)]

    peers: Peers = {}
    if topics:
        peers["infer"] = peer(topics, lambda: [infer(*each, rules) for each in batch])
        peers["settle"] = peer(topics, lambda: [settle(*each, rules) for each in closing])
    if few:
        peers["reward"] = peer(
            few,
            lambda: [
                reward(epoch, settled.network_losses, settled.state, rules)
                for epoch, settled in paying
            ],
        )
        peers["epoch"] = peer(few, lambda: [whole(*each) for each in batch[:few]])
    return peers


def one_thread(work: Workload) -> Peers:
    """The same engine on one thread, whose epoch must end in the same bits.

    Raises:
        AssertionError: the number of threads shows in a state.
    """
    single = Workload(work.scenario, work.number, 1)
    mine, theirs = work.engine_epoch().rewarded, single.engine_epoch().rewarded
    if mine.states != theirs.states:
        raise AssertionError(f"{work.engine.threads} threads give other states than one")
    moments = engine_moments(single)
    return {
        moment: [Peer("engine, 1 thread", "", work.topics, moments[moment])] for moment in MOMENTS
    }


def best_times(sides: Sequence[Callable[[], object]]) -> list[float]:
    """Seconds of each side's best repetition, after one that warms caches up.

    The sides take turns, so that what else the machine does meets all alike.
    """
    for side in sides:
        side()
    best, spent, repetitions = [float("inf")] * len(sides), [0.0] * len(sides), 0
    enabled = gc.isenabled()
    gc.disable()
    try:
        while repetitions < MOST_REPETITIONS and (
            min(spent) < LEAST_SECONDS or repetitions < LEAST_REPETITIONS
        ):
            for at, side in enumerate(sides):
                begin = perf_counter()
                side()
                took = perf_counter() - begin
                best[at], spent[at] = min(best[at], took), spent[at] + took
            repetitions += 1
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

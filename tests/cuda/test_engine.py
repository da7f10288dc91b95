"""Whole epochs on a device: the bits of the processor, whatever the topics look like.

The device "emulated" runs the kernels' bodies on the processor, each topic in an arena of exactly
the room that its shape asks for, so that these tests say something without a device too.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allora_core import Engine, Epochs, States, _core, rules_at
from allora_core.batch import DecimalArray, NumberName
from allora_core.bench.scenarios import load_scenarios
from allora_core.bench.workload import VERSION, Workload
from allora_core.engine import EpochBatch
from allora_core.epoch import Epoch
from allora_core.recorded import read_chain_epochs
from allora_core.testing import histories

VECTORS = Path(__file__).parents[1] / "vectors"
EXAMPLES = int(os.environ.get("ALLORA_CORE_HISTORIES", "100"))
VERSIONS = ["v0.6", "v0.7", "v0.9", "v0.12", "v0.17"]
REPORT = _core.cuda_report()
DEVICES = [
    "emulated",
    pytest.param(
        "cuda:0",
        marks=pytest.mark.skipif(
            not REPORT["devices"], reason=f"no CUDA device: {REPORT['reason']}"
        ),
    ),
]
on_each_device = pytest.mark.parametrize("device", DEVICES)
in_both_numbers = pytest.mark.parametrize("number", ["float64", "decimal"])
SETTINGS = settings(
    max_examples=max(EXAMPLES // 4, 1),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def columns_of(results: EpochBatch) -> dict[str, bytes]:
    """Every column, and the second inference as it is read."""
    inferred = results.inferred
    found = {}
    for moment in (inferred, results.settled, results.rewarded):
        for name, column in moment.columns.items():
            found[f"{type(moment).__name__}.{name}"] = (
                repr(column.texts()).encode()
                if isinstance(column, DecimalArray)
                else np.ascontiguousarray(column).tobytes()
            )
    found["resistant"] = repr(
        [
            topic.outlier_resistant
            for at, status in enumerate(inferred.status)
            if status is None
            for topic in [inferred.topic(at)]
        ]
    ).encode()
    return found


def assert_same(host: EpochBatch, device: EpochBatch) -> None:
    expected, found = columns_of(host), columns_of(device)
    assert expected.keys() == found.keys()
    assert [name for name, column in expected.items() if found[name] != column] == []
    for mine, its in (
        (host.inferred, device.inferred),
        (host.settled, device.settled),
        (host.rewarded, device.rewarded),
    ):
        assert list(map(str, mine.status)) == list(map(str, its.status))
        assert mine.states.to_bytes() == its.states.to_bytes()


def run(engine: Engine, batches: Sequence[Epochs], states: States) -> list[EpochBatch]:
    """Epoch after epoch, each from the states that the one before left."""
    results = []
    for batch in batches:
        results.append(engine.epoch(batch, states))
        states = results[-1].rewarded.states
    return results


def with_kernels(device: str, number: NumberName) -> None:
    if number == "decimal" and device != "emulated":
        pytest.skip("decimals have no kernels for CUDA yet")


def compare(
    number: NumberName, device: str, version: str, batches: Sequence[Epochs], states: States
) -> Engine:
    """The engine on the device, after its results have been compared."""
    with_kernels(device, number)
    host = Engine(number, rules=version, threads=1)
    there = Engine(number, device, version, threads=2)
    failed = 0
    for mine, its in zip(run(host, batches, states), run(there, batches, states), strict=True):
        assert_same(mine, its)
        for moment in (mine.inferred, mine.settled, mine.rewarded):
            failed += sum(status is not None for status in moment.status)
    # Nothing but failures is left to the host: the rooms suffice. A topic of decimals is left, too,
    # where numbers on the way outgrow their width; of recorded epochs it is known which are.
    assert number == "decimal" or there.topics_left_to_host <= failed
    return there


@on_each_device
@pytest.mark.parametrize(
    ("number", "name"),
    [(number, name) for number in ("float64", "decimal") for name in ("small", "limits")]
    + [("float64", "wide")],
)
def test_scenarios(device: str, number: NumberName, name: str) -> None:
    scenario = load_scenarios([name])[0]
    distinct = min(scenario.distinct, 2 if name == "wide" else 8)
    topics = {"float64": distinct, "decimal": distinct}
    work = Workload(replace(scenario, distinct=distinct, topics=topics), number)
    batches = [work.pack(work.distinct_epochs(at)) for at in (1, 2, 3)]
    engine = compare(number, device, VERSION, batches, work.states)
    assert engine.topics_on_device == 3 * 3 * distinct
    assert engine.topics_left_to_host == 0


@on_each_device
@in_both_numbers
@pytest.mark.parametrize("version", VERSIONS)
@SETTINGS
@given(data=st.data())
def test_histories(device: str, number: NumberName, version: str, data: st.DataObject) -> None:
    """Newcomers, missing entries, ties, labels and faults, several topics to a batch."""
    rules = rules_at(version)
    made = [data.draw(histories(rules, topic_id=at, max_epochs=3)) for at in range(1, 4)]
    length = min(len(history.epochs) for history in made)
    batches = [
        Epochs.from_epochs([history.epochs[at] for history in made], number) for at in range(length)
    ]
    states = States.from_states([history.state for history in made], number)
    compare(number, device, version, batches, states)


OUTGROWN = {
    "chain_epochs_v06.jsonl.gz": {10: 1, 11: 1},
    "chain_epochs_v017.jsonl.gz": {
        **dict.fromkeys([12, 16, 17, 18, 19, 20, 27, 28, 29, 30, 40, 41], 1),
        **dict.fromkeys([38, 39], 2),
    },
}
"""Moments, by the epoch's place in its file, in which an exact sum of decimals of very different
magnitudes has more digits than 256 bits hold: the processor computes such a moment again without a
width, and a device leaves it to the processor."""


@on_each_device
@in_both_numbers
@pytest.mark.parametrize("name", sorted(OUTGROWN))
def test_recorded_epochs(device: str, number: NumberName, name: str) -> None:
    with_kernels(device, number)
    state = None
    engines: dict[object, tuple[Engine, Engine]] = {}
    left = {}
    for at, recorded in enumerate(list(read_chain_epochs(VECTORS / name))[:60], 1):
        state = recorded.state or state
        assert state is not None
        key = repr(recorded.rules)
        if key not in engines:
            engines[key] = (
                Engine(number, rules=recorded.rules, threads=1),
                Engine(number, device, recorded.rules, threads=1),
            )
        host, there = engines[key]
        batch = Epochs.from_epochs([recorded.epoch], number)
        states = States.from_states([state], number)
        mine = host.epoch(batch, states)
        before = there.topics_left_to_host
        assert_same(mine, there.epoch(batch, states))
        failed = sum(
            moment.status != [None] for moment in (mine.inferred, mine.settled, mine.rewarded)
        )
        if there.topics_left_to_host - before != failed:
            left[at] = there.topics_left_to_host - before - failed
        state = mine.rewarded.states.state(0)
    assert left == (OUTGROWN[name] if number == "decimal" else {})
    assert sum(there.topics_on_device for _, there in engines.values()) > 100


@on_each_device
def test_a_topic_that_fails_is_told_by_the_host(device: str) -> None:
    empty = Epoch(1, 10, {})
    engine = Engine("float64", device)
    found, expected = engine.infer([empty]).status[0], Engine("float64").infer([empty]).status[0]
    assert found is not None
    assert found.cause == "no_inference"
    assert str(found) == str(expected)
    assert (engine.topics_on_device, engine.topics_left_to_host) == (0, 1)


def test_decimals_have_no_cuda_kernels_yet() -> None:
    for report in REPORT["devices"]:
        with pytest.raises(ValueError, match="decimals have no kernels for"):
            Engine("decimal", report["device"])
    with pytest.raises(ValueError, match="no device 'cuda:99'"):
        Engine("decimal", "cuda:99")


@on_each_device
def test_an_empty_batch(device: str) -> None:
    engine = Engine("float64", device)
    assert len(engine.infer([]).status) == 0
    assert len(engine.settle([]).status) == 0


def test_rooms_suffice_and_are_used() -> None:
    """The room is told from the shape; a topic of ordinary shape fills a good part of it."""
    scenario = load_scenarios(["limits"])[0]
    topics = {"float64": 4, "decimal": 1}
    work = Workload(replace(scenario, distinct=4, topics=topics), "float64")
    engine = Engine("float64", "emulated")
    engine.epoch(work.epochs, work.states)
    assert engine.topics_left_to_host == 0
    assert 0.3 < engine._device.fullest < 1.0


def test_too_little_room_leaves_the_topic_to_the_host() -> None:
    host, there = Engine("float64"), Engine("float64", "emulated:512")
    scenario = load_scenarios(["small"])[0]
    topics = {"float64": 2, "decimal": 1}
    work = Workload(replace(scenario, distinct=2, topics=topics), "float64")
    assert_same(host.epoch(work.epochs, work.states), there.epoch(work.epochs, work.states))
    assert there.topics_left_to_host == 6


@pytest.mark.parametrize("device", ["gpu", "cuda", "cuda:x", "cuda:9999"])
def test_an_unknown_device_is_refused(device: str) -> None:
    with pytest.raises(ValueError, match="unknown device"):
        Engine("float64", device)


def test_a_device_that_is_not_there_is_explained() -> None:
    with pytest.raises(ValueError, match="no device 'cuda:99'"):
        Engine("float64", "cuda:99")

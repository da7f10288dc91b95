"""Topics that live on a device: the bits of the processor, epoch after epoch.

The device "emulated" runs the same bodies over the same bytes in the host's memory, so that these
tests say something without a device too.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allora_core import Engine, Epochs, Resident, States, _core, rules_at
from allora_core.bench.scenarios import load_scenarios
from allora_core.bench.workload import VERSION, Workload
from allora_core.engine import EpochBatch
from allora_core.resident import element_index
from allora_core.testing import histories

EXAMPLES = int(os.environ.get("ALLORA_CORE_HISTORIES", "100"))
VERSIONS = ["v0.6", "v0.7", "v0.9", "v0.12", "v0.17"]
REPORT = _core.cuda_report()
NEEDS_DEVICE = pytest.mark.skipif(
    not REPORT["devices"], reason=f"no CUDA device: {REPORT['reason']}"
)
on_each_device = pytest.mark.parametrize(
    "device", ["emulated", pytest.param("cuda:0", marks=NEEDS_DEVICE)]
)
SETTINGS = settings(
    max_examples=max(EXAMPLES // 4, 1),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
NUMBERS = [
    "inferences",
    "element_losses",
    "stakes",
    "reports",
    "delegated",
    "reward",
    "initial_regret",
]
MISSING = np.array([_core.MISSING_FLOAT64_BITS], np.uint64).view(np.float64)[0]


class Shown:
    """An array as another library would show it, with whatever it says changed."""

    def __init__(self, array: np.ndarray, **changed: Any) -> None:
        self.array = array
        self.__cuda_array_interface__ = {
            "shape": array.shape,
            "typestr": array.dtype.str,
            "data": (array.ctypes.data, False),
            "strides": None,
            "version": 3,
            **changed,
        }


def small(distinct: int = 4, name: str = "small") -> Workload:
    scenario = load_scenarios([name])[0]
    topics = {"float64": distinct, "decimal": 1}
    return Workload(replace(scenario, distinct=distinct, topics=topics), "float64")


def with_numbers(batch: Epochs, nonces: Sequence[int], numbers: dict[str, Any]) -> Epochs:
    epochs = [
        replace(epoch, nonce=nonce, reports={})
        for epoch, nonce in zip(batch.epochs, nonces, strict=True)
    ]
    columns = {**batch.columns, "nonce": np.array(nonces, np.int64), **numbers}
    actors = (batch.inferers, batch.forecasters, batch.reputers)
    return Epochs.from_columns("float64", epochs, *actors, columns)


def assert_same(host: EpochBatch, resident: Resident) -> None:
    expected = {
        **host.inferred.columns,
        **host.settled.columns,
        **host.rewarded.columns,
    }
    assert set(resident.outputs) - set(expected) == {"infer_cause", "settle_cause", "reward_cause"}
    assert set(expected) <= set(resident.outputs)
    different = [
        name
        for name, column in expected.items()
        if resident.read(name).tobytes() != np.ascontiguousarray(column).tobytes()
    ]
    assert different == []
    for moment, batch in (
        ("infer", host.inferred),
        ("settle", host.settled),
        ("reward", host.rewarded),
    ):
        assert list(map(str, resident.status(moment))) == list(map(str, batch.status))
        failed = [status is not None for status in batch.status]
        assert (resident.read(f"{moment}_cause") != 0).tolist() == failed
    assert resident.states().to_bytes() == host.rewarded.states.to_bytes()


def compare(device: str, version: Any, batches: Sequence[Epochs], states: States) -> None:
    host = Engine("float64", rules=version, threads=1)
    resident = Resident(Engine("float64", device, version, threads=2), batches[0], states)
    for batch in batches:
        resident.epoch(batch)
        expected = host.epoch(batch, states)
        states = expected.rewarded.states
        assert_same(expected, resident)


@on_each_device
@pytest.mark.parametrize("name", ["small", "limits"])
def test_scenarios(device: str, name: str) -> None:
    work = small(4, name)
    batches = [work.pack(work.distinct_epochs(number)) for number in (1, 2, 3, 4)]
    compare(device, VERSION, batches, work.states)


def disturbed(column: np.ndarray, random: np.random.Generator, often: float) -> np.ndarray:
    """Other numbers; some are missing, some nobody may submit."""
    changed = column * random.uniform(0.5, 1.5, column.shape)
    changed[np.isnan(column)] = MISSING
    for value in (MISSING, np.inf, -1.0, 1e60, 0.0):
        changed[random.random(column.shape) < often] = value
    return changed


@on_each_device
@pytest.mark.parametrize("version", VERSIONS)
@SETTINGS
@given(data=st.data())
def test_histories(device: str, version: str, data: st.DataObject) -> None:
    """Any participants, states and labels; missing and refused numbers from epoch to epoch."""
    rules = rules_at(version)
    made = [data.draw(histories(rules, topic_id=at, max_epochs=1)) for at in range(1, 4)]
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    base = Epochs.from_epochs([history.epochs[0] for history in made], "float64")
    if base.faults:
        return
    states = States.from_states([history.state for history in made], "float64")
    nonces = np.array(base.columns["nonce"])
    batches = [with_numbers(base, nonces.tolist(), {})]
    for _ in range(3):
        nonces = nonces + random.integers(1, 20, len(nonces))
        often = float(random.choice([0.0, 0.0, 0.01, 0.1]))
        numbers = {
            name: disturbed(base.columns[name], random, often * (name in ("inferences", "reports")))
            for name in NUMBERS
            if name != "delegated"
        }
        numbers["delegated"] = numbers["stakes"] * random.choice([0.0, 0.5, 1.0, 1.1])
        batches.append(with_numbers(base, nonces.tolist(), numbers))
    compare(device, version, batches, states)


@on_each_device
def test_numbers_that_are_left_out_stay(device: str) -> None:
    work = small()
    resident = Resident(Engine("float64", device), work.epochs, work.states)
    host = Engine("float64")
    states = work.states
    for after in range(3):
        nonces = [epoch.nonce + after for epoch in work.epochs.epochs]
        resident.epoch({"nonce": np.array(nonces)})
        expected = host.epoch(with_numbers(work.epochs, nonces, {}), states)
        states = expected.rewarded.states
        assert_same(expected, resident)


@on_each_device
def test_a_nonce_that_does_not_rise_is_refused(device: str) -> None:
    work = small(2)
    resident = Resident(Engine("float64", device), work.epochs, work.states)
    resident.epoch()
    before = resident.states()
    resident.epoch()
    status = resident.status("reward")
    assert [str(fault.cause) for fault in status if fault] == ["wrong_nonce"] * 2
    assert (resident.read("computed") == 0).all()
    assert resident.status("settle") == [None, None]
    scores = [state.inferer_score_history for state in map(before.state, range(2))]
    after = resident.states()
    assert [after.state(at).inferer_score_history for at in range(2)] == scores


def test_arrays_of_others_are_used_where_they_stand() -> None:
    work = small()
    resident = Resident(Engine("float64", "emulated"), work.epochs, work.states)
    reports = np.array(work.epochs.columns["reports"]).reshape(len(work.epochs), -1)
    losses = resident_losses(work)
    moved = resident.moved["in"]
    resident.epoch({"reports": Shown(reports)}, out={"network_losses": Shown(losses)})
    given = sum(
        work.epochs.columns[name].nbytes for name in [*NUMBERS, "nonce"] if name != "reports"
    )
    given += 4 * len(work.epochs.columns["element_losses"])  # element_index
    assert resident.moved["in"] - moved == given
    expected = Engine("float64").epoch(work.epochs, work.states)
    assert losses.tobytes() == expected.settled.columns["network_losses"].tobytes()
    assert_same(expected, resident)
    shown = resident.column("network_losses").__cuda_array_interface__
    assert shown["data"] == (losses.ctypes.data, False)
    assert (shown["shape"], shown["typestr"], shown["version"]) == ((len(losses),), "<f8", 3)


def resident_losses(work: Workload) -> np.ndarray:
    return np.zeros(int(work.epochs.columns["loss_row_offsets"][-1]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"typestr": "<f4"}, "'stakes' must be of type <f8, not <f4"),
        ({"shape": (3,)}, "'stakes' must have 20 entries, not 3"),
        ({"strides": (16,)}, "'stakes' must be contiguous"),
        ({"data": (0, False)}, "'stakes' points nowhere"),
        ({"stream": 0}, "'stakes' names stream 0"),
    ],
)
def test_an_array_that_cannot_be_used_is_refused(change: dict[str, Any], message: str) -> None:
    work = small()
    resident = Resident(Engine("float64", "emulated"), work.epochs, work.states)
    stakes = np.array(work.epochs.columns["stakes"])
    with pytest.raises(ValueError, match=message):
        resident.epoch({"stakes": Shown(stakes, **change)})


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones(20, np.float32), "'stakes' must be an array of type f8"),
        (np.ones(3), "'stakes' must have 20 entries, not 3"),
        (np.ones(40)[::2], "'stakes' must be contiguous"),
    ],
)
def test_a_host_array_that_cannot_be_used_is_refused(array: np.ndarray, message: str) -> None:
    work = small()
    resident = Resident(Engine("float64", "emulated"), work.epochs, work.states)
    with pytest.raises(ValueError, match=message):
        resident.epoch({"stakes": array})


def test_results_need_room_that_can_be_written() -> None:
    work = small()
    resident = Resident(Engine("float64", "emulated"), work.epochs, work.states)
    losses = resident_losses(work)
    with pytest.raises(ValueError, match="'network_losses' is for results, but may only be read"):
        resident.epoch(out={"network_losses": Shown(losses, data=(losses.ctypes.data, True))})
    with pytest.raises(ValueError, match="'network_losses' is for results: it needs"):
        resident.epoch(out={"network_losses": losses})
    with pytest.raises(ValueError, match="there is no result 'weights': values, "):
        resident.epoch(out={"weights": Shown(losses)})
    with pytest.raises(ValueError, match="there is no input 'losses': inferences, "):
        resident.epoch({"losses": losses})
    with pytest.raises(ValueError, match="no epoch has been computed yet"):
        resident.column("values")


@on_each_device
def test_an_index_that_is_none_fails_its_topic_alone(device: str) -> None:
    work = small()
    resident = Resident(Engine("float64", device), work.epochs, work.states)
    index = element_index(work.epochs)
    index[0] = 1000
    resident.epoch({"element_index": index})
    failed, *others = resident.status("infer")
    assert failed is not None
    assert (failed.field, failed.cause) == ("element_index", "out_of_range")
    assert others == [None] * 3
    assert resident.states().take([0]).to_bytes() == work.states.take([0]).to_bytes()


@NEEDS_DEVICE
def test_an_array_elsewhere_is_refused() -> None:
    work = small()
    resident = Resident(Engine("float64", "cuda:0"), work.epochs, work.states)
    with pytest.raises(ValueError, match="'stakes' is in the host's memory, not on cuda:0"):
        resident.epoch({"stakes": Shown(np.array(work.epochs.columns["stakes"]))})


@pytest.mark.parametrize("order", [1, -1])
@NEEDS_DEVICE
def test_arrays_and_streams_of_cupy(order: int) -> None:
    cupy = pytest.importorskip("cupy", reason="the extra cuda13 brings CuPy")
    work = small()
    resident = Resident(Engine("float64", "cuda:0"), work.epochs, work.states)
    batches = [work.pack(work.distinct_epochs(number)) for number in (1, 2, 3)]
    host, states = Engine("float64"), work.states
    streams = [cupy.cuda.Stream(non_blocking=True), cupy.cuda.Stream.null, None][::order]
    losses = cupy.zeros(len(resident_losses(work)))
    for batch, stream in zip(batches, streams, strict=True):
        with stream or cupy.cuda.Stream.null:
            numbers = {name: cupy.asarray(batch.columns[name]) for name in resident.inputs}
        resident.epoch(numbers, out={"network_losses": losses}, stream=stream)
        expected = host.epoch(batch, states)
        states = expected.rewarded.states
        assert_same(expected, resident)
        scores = cupy.asarray(resident.column("inferer_score"))
        assert scores.get().tobytes() == expected.rewarded.columns["inferer_score"].tobytes()
        assert losses.get().tobytes() == expected.settled.columns["network_losses"].tobytes()
    assert resident.kernel_milliseconds > 0


def test_too_little_room_is_told_and_loses_nothing() -> None:
    work = small(2)
    resident = Resident(Engine("float64", "emulated:512"), work.epochs, work.states)
    resident.epoch()
    for moment in ("infer", "settle", "reward"):
        assert [fault.cause for fault in resident.status(moment) if fault] == ["does_not_fit"] * 2
        assert (resident.read(f"{moment}_cause") == 0xFFFF).all()
    for name in ("values", "network_losses", "inferer_score"):
        assert (resident.read(name).view(np.uint64) == _core.MISSING_FLOAT64_BITS).all()
    assert resident.states().to_bytes() == work.states.to_bytes()


def test_rooms_suffice() -> None:
    work = small(4, "limits")
    engine = Engine("float64", "emulated")
    resident = Resident(engine, work.epochs, work.states)
    resident.epoch()
    assert engine._device.fullest < 1.0


def test_out_of_memory_says_what_would_fit() -> None:
    work = small(8)
    with pytest.raises(RuntimeError, match=r"needs \d+ bytes, 20000 are free; [1-7] topics"):
        Resident(Engine("float64", "emulated:0:20000"), work.epochs, work.states)


def test_other_participants_need_another_resident() -> None:
    work = small()
    resident = Resident(Engine("float64", "emulated"), work.epochs, work.states)
    with pytest.raises(ValueError, match="has another 'topic_id'"):
        resident.epoch(small(3).epochs)


@pytest.mark.parametrize(("number", "device"), [("float64", "cpu"), ("decimal", "cpu")])
def test_an_engine_without_a_device_is_refused(number: Any, device: str) -> None:
    with pytest.raises(ValueError, match="on a device in float64 only"):
        Resident(Engine(number, device), [])


def test_importing_the_package_leaves_cupy_alone() -> None:
    code = "import sys, allora_core; sys.exit('cupy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

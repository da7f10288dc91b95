"""Engine against reference on made-up histories, and what must never show in a result."""

from __future__ import annotations

import os
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allora_core import Engine, Epochs, States, TopicError
from allora_core.batch import DecimalArray, NumberName, read_numbers
from allora_core.epoch import Epoch, State
from allora_core.reference import infer, rules_at, settle
from allora_core.testing import first_difference, histories

EXAMPLES = int(os.environ.get("ALLORA_CORE_HISTORIES", "100"))
RULES = ["v0.6", "v0.9", "v0.12", "v0.17"]
# So many histories under the rules of both ends together.
SETTINGS = settings(
    max_examples=max(EXAMPLES // 2, 1),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def outcome(call, epoch: Epoch, state: State, rules) -> object:
    """A result, or the cause of the fault in its place."""
    try:
        return call(epoch, state, rules)
    except TopicError as fault:
        return fault.cause


def engine_outcome(batch) -> object:
    try:
        return batch.topic(0)
    except TopicError as fault:
        return fault.cause


def compare(expected: object, actual: object, where: str) -> None:
    if isinstance(expected, str) or isinstance(actual, str):
        assert expected == actual, where
        return
    difference = first_difference(expected, actual)
    assert difference is None, f"{where}: {difference}"


@pytest.mark.parametrize("version", RULES)
@SETTINGS
@given(data=st.data())
def test_engine_equals_reference(version: str, data: st.DataObject) -> None:
    rules = rules_at(version)
    engine = Engine(rules=rules, threads=1)
    state, epochs = data.draw(histories(rules))
    states = States.from_states([state])
    for epoch in epochs:
        inferred = engine.infer([epoch], states)
        expected = outcome(infer, epoch, state, rules)
        compare(expected, engine_outcome(inferred), f"infer at nonce {epoch.nonce}")
        if not isinstance(expected, str):
            state = expected.state
        settled = engine.settle([epoch], inferred.states)
        closed = outcome(settle, epoch, state, rules)
        compare(closed, engine_outcome(settled), f"settle at nonce {epoch.nonce}")
        if not isinstance(closed, str):
            state = closed.state
        states = settled.states
        assert first_difference(state, states.state(0)) is None


@pytest.mark.parametrize("number", ["decimal", "float64"])
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_threads_split_and_order_do_not_show(number, data: st.DataObject) -> None:
    made = [data.draw(histories()) for _ in range(4)]
    states = [replace(state, topic_id=at) for at, (state, _) in enumerate(made)]
    epochs = [replace(history[0], topic_id=at) for at, (_, history) in enumerate(made)]
    whole = Engine(number, threads=3)
    alone = Engine(number, threads=1)

    def run(engine: Engine, positions: list[int]) -> dict[int, tuple[str, bytes]]:
        batch = Epochs.from_epochs([epochs[at] for at in positions], number)
        shelf = States.from_states([states[at] for at in positions], number)
        inferred = engine.infer(batch, shelf)
        settled = engine.settle(batch, inferred.states)
        return {
            at: (
                repr(
                    [inferred.status[i] or inferred.topic(i), settled.status[i] or settled.topic(i)]
                ),
                settled.states.take([i]).to_bytes(),
            )
            for i, at in enumerate(positions)
        }

    together = run(whole, [0, 1, 2, 3])
    assert together == run(whole, [3, 1, 0, 2])
    assert together == run(alone, [0, 1, 2, 3])
    assert together == {at: run(alone, [at])[at] for at in range(4)}


def test_one_bad_topic_spoils_no_other() -> None:
    good = Epoch(1, 10, {"a": {"y": Decimal(1)}, "b": {"y": Decimal(2)}})
    empty = Epoch(2, 10, {})
    batch = Engine().infer([good, empty])
    assert batch.status[0] is None
    assert batch.topic(0).network.combined == (Decimal("1.500000000000000000000000000000000"),)
    fault = batch.status[1]
    assert fault is not None
    assert fault.topic_id == 2
    assert fault.cause == "no_inference"


@pytest.mark.parametrize("number", ["decimal", "float64"])
def test_numbers_of_a_bundle_that_does_not_exist_are_missing(number: NumberName) -> None:
    """v0.6 knows no bundle that resists outliers, and v0.17 none of several labels."""
    one, two = {"y": Decimal(1)}, {"a": Decimal("0.25"), "b": Decimal("0.75")}
    for version, values in (("v0.6", one), ("v0.17", two)):
        epoch = Epoch(1, 10, {"allo1a": values, "allo1b": values}, labels=tuple(values))
        inferred = Engine(number, rules=version).infer([epoch])
        assert inferred.topic(0).outlier_resistant is None
        names = [name for name in inferred.columns if name.startswith("resistant_")]
        assert "resistant_values" in names
        for name in names:
            column = inferred.columns[name]
            if isinstance(column, DecimalArray) or column.dtype.kind == "f":
                assert set(read_numbers(column)) <= {None}, name

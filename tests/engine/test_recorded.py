"""The chain's recorded epochs through the compiled engine: every digit, and its written form."""

from __future__ import annotations

from pathlib import Path

import pytest

from allora_core import Engine, Epochs, States
from allora_core.epoch import State
from allora_core.recorded import RecordedEpoch, read_chain_epochs, values_of

VECTORS = Path(__file__).parents[1] / "vectors"
FILES = {"chain_epochs_v06.jsonl.gz": 46_549, "chain_epochs_v017.jsonl.gz": 53_201}


def differences(recorded: RecordedEpoch, state: State, *results) -> list[str]:
    values = values_of(recorded, state, *results)
    return [
        f"{recorded.kind} nonce {recorded.epoch.nonce} {'.'.join(name)}: "
        f"{values.get(name)} instead of {text}"
        for name, text in recorded.expected.items()
        if values.get(name) != text
    ]


@pytest.mark.parametrize("name", FILES)
def test_one_topic_at_a_time(name: str) -> None:
    compared, found = 0, []
    state: State | None = None
    for recorded in read_chain_epochs(VECTORS / name):
        engine = Engine(rules=recorded.rules, threads=1)
        state = recorded.state or state
        assert state is not None
        inferred = engine.infer([recorded.epoch], [state])
        settled = engine.settle([recorded.epoch], inferred.states)
        rewarded = engine.reward([recorded.epoch], settled)
        results = settled.topic(0), rewarded.topic(0)
        found += differences(recorded, state, inferred.topic(0), *results)
        compared += len(recorded.expected)
        state = recorded.state_after(*results)
    assert found == []
    assert compared == FILES[name]


@pytest.mark.parametrize("name", FILES)
def test_all_topics_in_one_batch(name: str) -> None:
    topics: dict[int, list[RecordedEpoch]] = {}
    for recorded in read_chain_epochs(VECTORS / name):
        topics.setdefault(recorded.epoch.topic_id, []).append(recorded)
    states = {topic: history[0].state for topic, history in topics.items()}
    found = []
    for at in range(max(map(len, topics.values()))):
        due = [history[at] for history in topics.values() if at < len(history)]
        engine = Engine(rules=due[0].rules, threads=2)
        batch = Epochs.from_epochs([recorded.epoch for recorded in due])
        shelf = States.from_states([states[recorded.epoch.topic_id] for recorded in due])
        inferred = engine.infer(batch, shelf)
        settled = engine.settle(batch, inferred.states)
        rewarded = engine.reward(batch, settled)
        for i, recorded in enumerate(due):
            topic = recorded.epoch.topic_id
            results = settled.topic(i), rewarded.topic(i)
            found += differences(recorded, states[topic], inferred.topic(i), *results)
            states[topic] = recorded.state_after(*results)
    assert found == []

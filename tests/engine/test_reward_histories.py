"""Engine against reference on made-up histories: scores, rewards, and every state in between."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allora_core import Engine, States, TopicError
from allora_core.epoch import Epoch, State, ValueBundle
from allora_core.reference import Rules, infer, reward, rules_at, settle
from allora_core.testing import attempt, first_difference, histories

EXAMPLES = int(os.environ.get("ALLORA_CORE_HISTORIES", "100"))
RULES = ["v0.6", "v0.7", "v0.8", "v0.12", "v0.16", "v0.17"]
SETTINGS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def settled_epoch(epoch: Epoch, state: State, rules: Rules) -> tuple[ValueBundle, State] | None:
    """The network losses and the state before rewards, by the reference."""
    inferred = attempt(infer, epoch, state, rules)
    settled = attempt(
        settle, epoch, state if isinstance(inferred, TopicError) else inferred.state, rules
    )
    return None if isinstance(settled, TopicError) else (settled.network_losses, settled.state)


@pytest.mark.parametrize("version", RULES)
@SETTINGS
@given(data=st.data())
def test_engine_equals_reference(version: str, data: st.DataObject) -> None:
    rules = rules_at(version)
    engine = Engine(rules=rules, threads=1)
    state, epochs = data.draw(histories(rules))
    states = States.from_states([state])
    for epoch in epochs:
        batch = engine.epoch([epoch], states).rewarded
        before = settled_epoch(epoch, state, rules)
        if before is None:
            assert isinstance(attempt(batch.topic, 0), TopicError)
            return
        expected = attempt(reward, epoch, *before, rules)
        difference = first_difference(expected, attempt(batch.topic, 0), epoch)
        assert difference is None, difference
        assert not isinstance(expected, TopicError)
        state, states = expected.state, batch.states


@pytest.mark.parametrize("version", ["v0.6", "v0.17"])
@SETTINGS
@given(data=st.data())
def test_rewards_start_from_any_state(version: str, data: st.DataObject) -> None:
    """Losses and state need not come out of the same epoch's settlement."""
    rules = rules_at(version)
    state, epochs = data.draw(histories(rules, max_epochs=2))
    before = settled_epoch(epochs[0], state, rules)
    if before is None:
        return
    engine = Engine(rules=rules, threads=1)
    settled = engine.settle(epochs[:1], [state])
    batch = engine.reward(epochs[:1], settled, [state])
    expected = attempt(reward, epochs[0], before[0], state, rules)
    difference = first_difference(expected, attempt(batch.topic, 0), epochs[0])
    assert difference is None, difference

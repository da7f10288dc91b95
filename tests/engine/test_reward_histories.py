"""Engine against reference on made-up histories: scores, rewards, and every state in between."""

from __future__ import annotations

import os
from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allora_core import Engine, States, TopicError
from allora_core.epoch import Epoch, Rewarded, State, ValueBundle
from allora_core.reference import Rules, infer, reward, rules_at, settle
from allora_core.testing import attempt, first_difference, histories

EXAMPLES = int(os.environ.get("ALLORA_CORE_HISTORIES", "100"))
RULES = ["v0.6", "v0.7", "v0.8", "v0.12", "v0.16", "v0.17"]
# So many histories under the rules of both ends together.
SETTINGS = settings(
    max_examples=max(EXAMPLES // 2, 1),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def settled_epoch(
    epoch: Epoch, state: State, rules: Rules
) -> tuple[ValueBundle | TopicError, State]:
    """The network losses, or why there are none, and the state before rewards, by the reference."""
    inferred = attempt(infer, epoch, state, rules)
    state = state if isinstance(inferred, TopicError) else inferred.state
    settled = attempt(settle, epoch, state, rules)
    if isinstance(settled, TopicError):
        return settled, state
    return settled.network_losses, settled.state


def compare_history(rules: Rules, state: State, epochs: Iterable[Epoch]) -> list[Rewarded]:
    """Run a topic through its epochs in both; one that does not settle keeps its state."""
    engine = Engine(rules=rules, threads=1)
    states = States.from_states([state])
    results = []
    for epoch in epochs:
        batch = engine.epoch([epoch], states).rewarded
        losses, state = settled_epoch(epoch, state, rules)
        found = attempt(batch.topic, 0)
        if isinstance(losses, TopicError):
            difference = first_difference(losses, found, epoch)
        else:
            expected = reward(epoch, losses, state, rules)
            difference = first_difference(expected, found, epoch)
            state = expected.state
            results.append(expected)
        assert difference is None, difference
        states = batch.states
        difference = first_difference(state, states.state(0), epoch)
        assert difference is None, difference
    return results


@pytest.mark.parametrize("version", RULES)
@SETTINGS
@given(data=st.data())
def test_engine_equals_reference(version: str, data: st.DataObject) -> None:
    rules = rules_at(version)
    compare_history(rules, *data.draw(histories(rules)))


@pytest.mark.parametrize("version", ["v0.6", "v0.17"])
@settings(SETTINGS, max_examples=max(EXAMPLES // 20, 1))
@given(data=st.data())
def test_long_histories(version: str, data: st.DataObject) -> None:
    """Twenty epochs and more: stakes change, actors come and go, topics fail and recover."""
    rules = rules_at(version)
    drawn = histories(rules, min_epochs=20, max_epochs=26, inferers=4, forecasters=2)
    compare_history(rules, *data.draw(drawn))


@pytest.mark.parametrize("version", ["v0.6", "v0.17"])
@settings(SETTINGS, max_examples=max(EXAMPLES // 5, 1))
@given(data=st.data())
def test_rewards_start_from_any_state(version: str, data: st.DataObject) -> None:
    """Losses and state need not come out of the same epoch's settlement."""
    rules = rules_at(version)
    state, epochs = data.draw(histories(rules, max_epochs=2))
    losses, _ = settled_epoch(epochs[0], state, rules)
    if isinstance(losses, TopicError):
        return
    engine = Engine(rules=rules, threads=1)
    settled = engine.settle(epochs[:1], [state])
    batch = engine.reward(epochs[:1], settled, [state])
    expected = attempt(reward, epochs[0], losses, state, rules)
    difference = first_difference(expected, attempt(batch.topic, 0), epochs[0])
    assert difference is None, difference

"""Drawn histories through the reference: they run, and what must hold for all of them holds."""

from __future__ import annotations

from dataclasses import fields, replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allora_core.epoch import Epoch, State, TopicError
from allora_core.reference import Rules, infer, rules_at, settle
from allora_core.reference.number import subtract, total
from allora_core.testing import assert_equal, attempt
from allora_core.testing.strategies import History, histories, topics

RULES = {version: rules_at(version) for version in ("v0.6", "v0.8", "v0.9", "v0.12", "v0.17")}
RULES["v0.17 held"] = replace(
    rules_at("v0.17"), initial_regret="held", scale_filter="previous_weight"
)
# Faults that valid input may meet: magnitudes beyond the limits, nobody with a weight left,
# nobody left by an outlier filter that lags behind, or a lone report without stake.
POSSIBLE = {
    "range",
    "underflow",
    "overflow",
    "no_usable_participant",
    "no_inference",
    "zero_stake",
}
SETTINGS = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def replay(history: History, rules: Rules) -> list[object]:
    """All results in order; the first fault ends the replay and stands last."""
    results: list[object] = []
    state = history.state
    for epoch in history.epochs:
        for step in (infer, settle):
            result = attempt(step, epoch, state, rules)
            results.append(result)
            if isinstance(result, TopicError):
                return results
            state = result.state
    return results


@pytest.mark.parametrize("name", RULES)
@SETTINGS
@given(data=st.data())
def test_histories_run(name: str, data: st.DataObject) -> None:
    for result in replay(data.draw(histories(RULES[name])), RULES[name]):
        if isinstance(result, TopicError):
            assert result.cause in POSSIBLE, str(result)


@SETTINGS
@given(data=st.data())
def test_histories_without_rules_suit_every_version(data: st.DataObject) -> None:
    history = data.draw(histories())
    for rules in RULES.values():
        for result in replay(history, rules):
            if isinstance(result, TopicError):
                assert result.cause in POSSIBLE, str(result)


def backwards(epoch: Epoch) -> Epoch:
    """The same epoch with every dictionary in reverse order."""
    return replace(
        epoch,
        inferences=dict(reversed(epoch.inferences.items())),
        forecasts=dict(reversed(epoch.forecasts.items())),
        reports=dict(reversed(epoch.reports.items())),
    )


def backwards_state(state: State) -> State:
    parts = {entry.name: getattr(state, entry.name) for entry in fields(State)}
    turned = {
        name: dict(reversed(part.items())) for name, part in parts.items() if isinstance(part, dict)
    }
    return replace(state, **turned)


@SETTINGS
@given(histories(RULES["v0.17"]))
def test_order_of_arrival_does_not_matter(history: History) -> None:
    turned = History(
        backwards_state(history.state), tuple(backwards(epoch) for epoch in history.epochs)
    )
    for left, right in zip(
        replay(history, RULES["v0.17"]), replay(turned, RULES["v0.17"]), strict=True
    ):
        assert_equal(left, right)


@SETTINGS
@given(histories(RULES["v0.17"], max_epochs=1))
def test_labels_are_independent_of_each_other(history: History) -> None:
    """Weights are common to all labels, so every label alone gives its own column."""
    rules = replace(RULES["v0.17"], outlier_resistant="absent")
    epoch = history.epochs[0]
    whole = attempt(infer, epoch, history.state, rules)
    if isinstance(whole, TopicError):
        return
    default = epoch.params.label_default_value
    for at, label in enumerate(epoch.labels):
        values = {j: {label: x.get(label, default)} for j, x in epoch.inferences.items()}
        alone = infer(replace(epoch, labels=(label,), inferences=values), history.state, rules)
        assert_equal(whole.network.combined[at], alone.network.combined[0])
        assert_equal(whole.network.naive[at], alone.network.naive[0])
        for name in ("one_out_inferer", "one_out_forecaster", "one_in_forecaster"):
            column = {w: x[at : at + 1] for w, x in getattr(whole.network, name).items()}
            assert_equal(column, getattr(alone.network, name))


@SETTINGS
@given(histories(RULES["v0.17"]))
def test_weights_of_the_ratio(history: History) -> None:
    """The best participant weighs 1 up to the last digit, nobody more, shares sum to 1."""
    for result in replay(history, RULES["v0.17"])[::2]:
        if isinstance(result, TopicError) or result.network.branch == "single":
            continue
        network = result.network
        weights = [*network.inferer_weight.values(), *network.forecaster_weight.values()]
        assert abs(subtract(max(weights), Decimal(1))) <= Decimal("1E-33")
        assert min(weights) >= 0
        shares = [
            *network.normalized_inferer_weight.values(),
            *network.normalized_forecaster_weight.values(),
        ]
        assert abs(subtract(total(shares), Decimal(1))) <= Decimal("1E-31")


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(topics(RULES["v0.17"]))
def test_topics_have_distinct_ids(drawn: tuple[History, ...]) -> None:
    ids = [history.state.topic_id for history in drawn]
    assert len(set(ids)) == len(ids)
    for history in drawn:
        assert {epoch.topic_id for epoch in history.epochs} == {history.state.topic_id}
        nonces = [epoch.nonce for epoch in history.epochs]
        assert nonces == sorted(set(nonces))

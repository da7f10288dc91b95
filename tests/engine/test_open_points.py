"""Points that no source settles are choices, and each choice does what it says, in both."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allora_core import Engine, Rules, rules_at
from allora_core.active_set import submit
from allora_core.block_rewards import TopicTable, pay_block
from allora_core.emission import begin_block
from allora_core.epoch import Epoch, Report, State, ValueBundle
from allora_core.reference import emission as reference_emission
from allora_core.reference import infer, reward, settle
from allora_core.reference.number import add, multiply
from allora_core.reference.number_text import to_integer_amount
from allora_core.reference.sortition import closed, submissions
from allora_core.reference.statistics import ema
from allora_core.reference.topic_activation import activated, end_block
from allora_core.testing import assert_equal, attempt, first_difference, histories
from allora_core.topics import (
    ActiveSet,
    Block,
    EmissionBlock,
    EmissionState,
    MintParams,
    Payout,
    SubmissionWindow,
    Topic,
    Topics,
    TopicWeightParams,
)

D = Decimal
V17 = rules_at("v0.17")
NAMES = ("initial_score_refresh", "initial_score_place")


def epoch(inferers: tuple[str, ...]) -> Epoch:
    losses = {j: D(at) - 1 for at, j in enumerate(inferers)}
    one_out = {j: D(2 * at + 1) for at, j in enumerate(inferers)}
    bundle = ValueBundle(
        combined=D(-1),
        naive=D("0.5"),
        inferer=losses,
        one_out_inferer=one_out if len(inferers) > 1 else {},
    )
    reports = {"allo1r": Report(D(10), bundle), "allo1s": Report(D(20), bundle)}
    return Epoch(7, 100, {j: {"y": D(1)} for j in inferers}, reports=reports, reward=D(100))


def state_after(made: Epoch, before: State, rules: Rules) -> State:
    """The engine's state, which is the reference's."""
    settled = settle(made, infer(made, before, rules).state, rules)
    expected = reward(made, settled.network_losses, settled.state, rules)
    found = Engine(rules=rules, threads=1).epoch([made], [before]).rewarded.topic(0)
    assert_equal(expected, found)
    return found.state


def test_initial_score_of_a_full_set_only() -> None:
    before = State(7, initial_inferer_score=D(5), initial_reputer_score=D(6))
    made = epoch(("allo1a", "allo1b"))
    for seats, refreshed in (("3", False), ("2", True), ("1", True)):
        params = replace(
            made.params, max_top_inferers_to_reward=D(seats), max_top_reputers_to_reward=D(seats)
        )
        each = replace(made, params=params)
        always = state_after(each, before, V17)
        assert always.initial_inferer_score != 5
        full = state_after(each, before, replace(V17, initial_score_refresh="full_set"))
        kept = (full.initial_inferer_score, full.initial_reputer_score)
        new = (always.initial_inferer_score, always.initial_reputer_score)
        assert kept == (new if refreshed else (D(5), D(6)))


def test_initial_score_stored_after_all_scores() -> None:
    """A forecaster's score that cannot be computed leaves all roles the old initial score."""
    made = epoch(("allo1a", "allo1b"))
    shorter = {"allo1f": D(1)}
    bundle = replace(
        next(iter(made.reports.values())).bundle,
        forecaster={"allo1f": D(1), "allo1g": D(2)},
        one_in_forecaster={"allo1f": D(1), "allo1g": D(2)},
        one_out_forecaster=shorter,
    )
    reports = {m: replace(each, bundle=bundle) for m, each in made.reports.items()}
    forecast = (("allo1a", D(1)),)
    made = replace(made, forecasts={"allo1f": forecast, "allo1g": forecast}, reports=reports)
    before = State(7, initial_inferer_score=D(5), initial_reputer_score=D(6))
    at_once = state_after(made, before, V17)
    late = state_after(made, before, replace(V17, initial_score_place="after_scores"))
    assert at_once.initial_inferer_score != 5
    assert at_once.initial_reputer_score != 6
    assert (late.initial_inferer_score, late.initial_reputer_score) == (5, 6)
    assert late.inferer_score_ema == at_once.inferer_score_ema
    whole = epoch(("allo1a", "allo1b"))
    assert state_after(whole, before, V17) == state_after(
        whole, before, replace(V17, initial_score_place="after_scores")
    )


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_engine_equals_reference_under_other_choices(data: st.DataObject) -> None:
    rules = replace(V17, initial_score_refresh="full_set", initial_score_place="after_scores")
    state, epochs = data.draw(histories(rules, max_epochs=2))
    engine = Engine(rules=rules, threads=1)
    for made in epochs:
        settled = attempt(settle, made, state, rules)
        if isinstance(settled, Exception):
            return
        batch = engine.settle([made], [state])
        found = attempt(engine.reward([made], batch).topic, 0)
        expected = attempt(reward, made, settled.network_losses, settled.state, rules)
        difference = first_difference(expected, found, made)
        assert difference is None, difference
        assert not isinstance(expected, Exception)
        state = expected.state


@settings(max_examples=50, deadline=None)
@given(
    st.decimals("-5", "5", places=4),
    st.decimals("-5", "5", places=4),
    st.sampled_from((D("0.1"), D("0.5"), D(0), D(1))),
    st.sampled_from((0, 1, 2, 7, 400)),
)
def test_liveness_penalty_one_by_one(
    score: Decimal, initial: Decimal, alpha: Decimal, missed: int
) -> None:
    """As many averages with the initial score as epochs were missed."""
    stepwise = replace(V17, liveness_penalty_steps="one_by_one")
    window = SubmissionWindow(
        1, "inferer", 10**6, 2, alpha, epoch_last_ended=10 * missed + 110, epoch_length=10
    )
    active_set = ActiveSet({"a": score}, {"a": 100}, initial_score=initial)
    found = submit(Engine(rules=stepwise, threads=1), [window], [active_set], [["a"]])
    assert_equal(
        submissions(window, active_set, ["a"], stepwise)[-1].active_set, found.active_set(0)
    )
    expected = score
    for _ in range(missed):
        expected = ema(alpha, initial, expected)
    assert found.active_set(0).scores["a"] == expected
    at_once = submissions(window, active_set, ["a"], V17)[-1].active_set.scores["a"]
    assert abs(at_once - expected) < D("1E-29")


def three_topics(rules: Rules) -> Topics:
    """Two topics without a waiting nonce and one with, all active and weighed once."""
    params = replace(TopicWeightParams(), max_active_topics_per_block=9)
    topics = Topics(
        {t: Topic(t, 10, 10**7 + t, 10**6 + t, reward_nonce=0 if t < 3 else 90) for t in (1, 2, 3)}
    )
    for t in (1, 2, 3):
        topics = activated(topics, t, 90, params, rules)
    return end_block(topics, Block(100, 0, 0), params, rules).topics


def test_refund_truncated_over_the_block() -> None:
    params = replace(TopicWeightParams(), max_active_topics_per_block=9)
    # An emission whose two refunds have fractions that make a whole unit.
    block = next(
        block
        for block in (Block(110, emission, 10**9) for emission in range(100, 200))
        if sum(
            reward % 1
            for t, reward in end_block(three_topics(V17), block, params, V17).rewards.items()
            if t < 3
        )
        >= 1
    )
    sums = {}
    for choice in ("per_topic", "per_block"):
        rules = replace(V17, refund_truncation=choice)
        topics = three_topics(rules)
        expected = end_block(topics, block, params, rules)
        table = TopicTable.from_topics(topics)
        found = table.end_block(Engine(rules=rules), block, params).value()
        assert_equal(expected, found)
        assert set(found.refunded) == {1, 2}
        sums[choice] = sum(found.refunded.values())
    back = [found.rewards[t] for t in found.refunded]
    assert sums["per_topic"] == sum(map(int, back))
    assert sums["per_block"] == int(add(*back))
    assert sums["per_block"] == sums["per_topic"] + 1


def test_month_counters() -> None:
    params = replace(TopicWeightParams(), max_active_topics_per_block=9)
    block = Block(110, 100, 10**9)
    rewards = end_block(three_topics(V17), block, params, V17)
    payouts = {3: Payout(reputers=7, workers=9, reputer_task_reward=D("8.9"))}
    paid = pay_block(block, rewards, payouts, V17)
    assert (paid.reputers, paid.everyone) == (7, 16)
    by_task = replace(V17, month_counters="task_rewards")
    counted = pay_block(block, rewards, payouts, by_task)
    assert (counted.reputers, counted.everyone) == (8, to_integer_amount(rewards.paid[3]))
    assert counted.rewards_balance == paid.rewards_balance
    none = pay_block(block, rewards, {3: replace(payouts[3], failed=True)}, by_task)
    assert (none.reputers, none.everyone) == (0, 0)


@pytest.mark.parametrize("month", [0, 1, 12, 23, 24, 40])
def test_foundation_locked_whole(month: int) -> None:
    """More is locked, so less circulates and less is emitted, until all of it is free."""
    params = MintParams(maximum_monthly_percentage_yield=D(1))
    block = EmissionBlock(1, 0, 10**26, months_unlocked=month)
    whole = replace(V17, foundation_lock="whole")
    minted = {}
    for name, rules in (("share", V17), ("whole", whole)):
        expected = reference_emission.begin_block(block, EmissionState(), params, rules)
        assert_equal(expected, begin_block(block, EmissionState(), params, rules))
        minted[name] = expected.emission
    assert (minted["whole"] < minted["share"]) == (month < 24)
    foundation = multiply(D(10) ** 26, D(max(0, 24 - month))) / 24
    locked = [reference_emission.locked_tokens(month, params, rules) for rules in (whole, V17)]
    assert abs(locked[0] - locked[1] - foundation * D("0.115")) <= 1


def test_windows_stay_open_where_rewards_come_first() -> None:
    """Until the order changed, a block whose rewards fail closed no worker window."""
    first = replace(V17, block_end_order="rewards_first")
    filled = ActiveSet({"a": D(1)}, {"a": 9}, active=("a",))
    assert closed(filled, first, rewards_failed=True) == filled
    assert closed(filled, first).active == ()
    assert closed(filled, V17, rewards_failed=True).active == ()
    assert closed(filled, rules_at("v0.6"), rewards_failed=True) == filled

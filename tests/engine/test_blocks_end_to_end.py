"""One engine for everything around topics: each method is the reference's step, block by block."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from allora_core import Engine, Report, State, TopicError, ValueBundle
from allora_core.batch import NumberName
from allora_core.block_rewards import TopicTable
from allora_core.epoch import Epoch
from allora_core.reference import emission, infer, reward, rules_at, settle
from allora_core.reference.block_reward import pay_block
from allora_core.reference.sortition import closed, submissions
from allora_core.reference.topic_activation import activated, end_block, inactivated
from allora_core.testing import assert_equal
from allora_core.topics import (
    ActiveSet,
    Block,
    EmissionBlock,
    EmissionError,
    EmissionState,
    MintParams,
    Payout,
    SubmissionWindow,
    Topic,
    Topics,
    TopicWeightParams,
)

D = Decimal
VERSIONS = pytest.mark.parametrize("version", ["v0.6", "v0.17"])
WEIGHTS = replace(TopicWeightParams(), max_active_topics_per_block=9)
# Until v0.11 a percentage of 34 digits stops the mint in the month after it.
MONTHS = {"v0.6": 50, "v0.17": 20}
TOPICS = (1, 2, 3)


def epoch(topic_id: int, nonce: int, amount: Decimal) -> Epoch:
    """Losses that move from nonce to nonce; topic 2 has one inferer, topic 3 no stake behind it."""
    inferers = ("allo1a",) if topic_id == 2 else ("allo1a", "allo1b", "allo1c")
    several = len(inferers) > 1

    def loss(at: int) -> Decimal:
        return D((nonce * 7919 + topic_id * 104729 + at * 1299709) % 4001 - 2000) / 1000

    reports = {}
    for m, reputer in enumerate(("allo1r", "allo1s")):
        bundle = ValueBundle(
            combined=loss(m),
            naive=loss(m + 2),
            inferer={j: loss(10 + m + at) for at, j in enumerate(inferers)},
            one_out_inferer={j: loss(20 + m + at) for at, j in enumerate(inferers) if several},
        )
        stake = D(0) if topic_id == 3 else D(10**9 * (m + 1))
        reports[reputer] = Report(stake, bundle, stake / 4)
    values = {j: {"y": D(at)} for at, j in enumerate(inferers)}
    return Epoch(topic_id, nonce, values, reports=reports, reward=amount)


def rewarded_by_reference(made: Epoch, state: State, version: str) -> tuple[State, Payout | None]:
    """What one topic is paid, step by step."""
    rules = rules_at(version)
    state = infer(made, state, rules).state
    try:
        settled = settle(made, state, rules)
    except TopicError:
        return state, None
    result = reward(made, settled.network_losses, settled.state, rules)
    delegators = sum(result.delegators_reward.values())
    payout = Payout(
        reputers=sum(result.reputer_paid.values()) + delegators,
        workers=sum(result.inferer_paid.values()) + sum(result.forecaster_paid.values()),
        reputer_task_reward=result.reputer_task_reward or D(0),
        failed=result.fault is not None,
    )
    return result.state, payout


@VERSIONS
def test_blocks(version: str) -> None:
    """Fifty blocks: mint, end of epochs, rewards, payout, the month's percentage."""
    rules, engine = rules_at(version), Engine(rules=version, threads=2)
    mint = replace(MintParams(), blocks_per_month=MONTHS[version])
    new = Topics(
        {
            t: Topic(t, 5, 10**9 * t, 10**9 + t, previous_weight=D(10**9), reward_nonce=1)
            for t in TOPICS
        }
    )
    topics = new
    for t in TOPICS:
        topics = activated(topics, t, 0, WEIGHTS, rules)
    table = engine.activate(new, TOPICS, 0, WEIGHTS)
    assert_equal(topics, table.to_topics())
    minting, states = EmissionState(), {t: State(t) for t in TOPICS}
    balance, ecosystem, paid_in_all = 0, 10**20, 0
    for height in range(1, 51):
        begun = EmissionBlock(height, ecosystem, 10**24)
        minted = engine.begin_block(begun, minting, mint)
        assert_equal(emission.begin_block(begun, minting, mint, rules), minted)
        ecosystem += minted.minted - minted.emission
        balance += minted.rewards
        block = Block(height, minted.rewards, balance)
        ended = engine.end_block(table, block, WEIGHTS)
        expected = end_block(topics, block, WEIGHTS, rules)
        assert_equal(expected, ended.value())
        due = [epoch(t, height, ended.value().paid[t]) for t in sorted(expected.paid)]
        results = engine.epoch(due, [states[made.topic_id] for made in due]).rewarded
        payouts = {}
        for at, made in enumerate(due):
            state, payout = rewarded_by_reference(made, states[made.topic_id], version)
            assert_equal(state, results.states.state(at))
            states[made.topic_id] = state
            if payout is not None:
                payouts[made.topic_id] = payout
        assert results.payouts() == payouts
        paid = engine.pay_block(block, ended, results.payouts())
        assert_equal(pay_block(block, expected, payouts, rules), paid)
        assert_equal(paid, engine.pay_block(block, expected, payouts))
        minting = engine.rewards_paid(begun, balance, paid, minted.state, mint)
        assert_equal(
            emission.rewards_paid(begun, balance, paid, minted.state, mint, rules), minting
        )
        spent = sum(each.reputers + each.workers for each in payouts.values())
        assert paid.rewards_balance + spent + paid.ecosystem == balance
        balance, ecosystem = paid.rewards_balance, ecosystem + paid.ecosystem
        paid_in_all += spent
        # A nonce is closed again before the topics' next end.
        topics = replace(
            expected.topics,
            topics={
                t: replace(each, reward_nonce=height) for t, each in expected.topics.topics.items()
            },
        )
        table = TopicTable.from_topics(topics)
    assert paid_in_all > 0
    assert minting.reputers_percentage != EmissionState().reputers_percentage


@VERSIONS
def test_submissions_and_their_close(version: str) -> None:
    rules, engine = rules_at(version), Engine(rules=version, threads=2)
    window = SubmissionWindow(1, "inferer", 100, 2)
    start = ActiveSet({"a": D(3), "b": D(1), "c": D(2)}, dict.fromkeys("abc", 90))
    found = engine.submit([window], [start], [["a", "b", "c", "d"]])
    expected = submissions(window, start, ["a", "b", "c", "d"], rules)
    assert found.outcomes(0) == [each.outcome for each in expected]
    after = found.active_set(0)
    assert_equal(expected[-1].active_set, after)
    assert len(after.active) == 2
    assert engine.close_windows([after, start]) == [closed(after, rules), closed(start, rules)]
    (left,) = engine.close_windows([after], rewards_failed=True)
    assert left.active == (after.active if version == "v0.6" else ())


@pytest.mark.parametrize("number", ["decimal", "float64"])
def test_topics_that_leave(number: NumberName) -> None:
    rules, engine = rules_at("v0.17"), Engine(number)
    start = Topics({t: Topic(t, 5, 10**9, 10**9, previous_weight=D(t)) for t in TOPICS})
    expected = start
    for t in TOPICS:
        expected = activated(expected, t, 10, WEIGHTS, rules)
    table = engine.activate(start, TOPICS, 10, WEIGHTS)
    left = engine.inactivate(table, [2], 10, WEIGHTS)
    expected = inactivated(expected, 2, 10, WEIGHTS, rules)
    # The weekly alpha of five blocks is 1 - 0.99998: five digits of a double are lost there.
    assert_equal(expected, left.to_topics(), relative=0 if number == "decimal" else 1e-11)
    assert left.to_topics().total_weight == 4


def test_faults_name_what_is_wrong() -> None:
    engine = Engine()
    good = Topics({7: Topic(7, 10, 10**6, 10**6)})
    with pytest.raises(TopicError, match=r"topic 8 field topic_id: unknown_topic"):
        engine.activate(good, [8], 1)
    with pytest.raises(EmissionError, match="staked"):
        engine.begin_block(EmissionBlock(1, 0, -1), EmissionState())
    ended = engine.end_block(good, Block(1, 0, 0))
    with pytest.raises(TopicError, match=r"topic 7 field payout: unknown_topic"):
        engine.pay_block(Block(1, 0, 0), ended, {7: Payout(workers=1)})
    with pytest.raises(ValueError, match="computes in float64"):
        Engine("float64").end_block(TopicTable.from_topics(good), Block(1, 0, 0))

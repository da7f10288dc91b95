"""What must hold across topics and for the mint in the engine, under the rules of both ends."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reward_starts import ENGINES, EXAMPLES, close, versions

from allora_core import Engine
from allora_core.active_set import submit
from allora_core.reference.emission import ecosystem_remaining
from allora_core.reference.functions import power
from allora_core.reference.number import UNBOUNDED, multiply, total
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
SETTINGS = settings(max_examples=max(EXAMPLES // 4, 1), deadline=None)
PARAMS = replace(TopicWeightParams(), max_active_topics_per_block=9)
EXPONENTS = st.sampled_from((D("0.5"), D(1), D("0.333"), D(2)))
AMOUNTS = st.integers(1, 10**15)


def target(
    engine: Engine, stake: int, revenue: int, params: TopicWeightParams, length: int = 10
) -> Decimal:
    """A topic's first weight, which is its target."""
    topics = Topics({1: Topic(1, length, stake, revenue)})
    free = replace(params, min_topic_weight=D(0))
    table = engine.activate(topics, [1], 100, free)
    ended = engine.end_block(table, Block(100 + length, 0, 0), free).value()
    return ended.weights[1]


@versions
@SETTINGS
@given(AMOUNTS, AMOUNTS, EXPONENTS, EXPONENTS, st.integers(2, 10**6))
def test_target_weight(
    version: str, stake: int, revenue: int, mu: Decimal, nu: Decimal, by: int
) -> None:
    """Rises with stake and with revenue; stake times k gives it times k^mu."""
    engine = ENGINES[version]
    params = replace(
        PARAMS, topic_reward_stake_importance=mu, topic_reward_fee_revenue_importance=nu
    )
    once = target(engine, stake, revenue, params)
    scaled = target(engine, by * stake, revenue, params)
    assert close(multiply(once, power(D(by), mu, engine.rules)), scaled, 28)
    assert scaled > once
    assert target(engine, stake, by * revenue, params) > once
    assert target(engine, stake + 1, revenue, params) >= once
    assert target(engine, stake, revenue + 1, params) >= once


def settled_topics(engine: Engine, stakes: list[int], params: TopicWeightParams) -> Topics:
    """Topics that end in every block; their weights do not move: the revenue does not count."""
    topics = Topics({t: Topic(t, 1, stake, 10**9) for t, stake in enumerate(stakes, start=1)})
    table = engine.activate(topics, sorted(topics.topics), 100, params)
    # Without a balance the first block only weighs.
    return engine.end_block(table, Block(101, 10, 0), params).value().topics


@versions
@SETTINGS
@given(
    st.lists(st.integers(10**6, 10**15), min_size=1, max_size=7),
    st.integers(1, 10**12),
    st.integers(1, 10**12),
)
def test_shares_of_the_emission(
    version: str, stakes: list[int], emission: int, balance: int
) -> None:
    """Never more than the balance; with epochs of one block and all selected, the emission."""
    engine = ENGINES[version]
    params = replace(PARAMS, topic_reward_fee_revenue_importance=D(0))
    topics = settled_topics(engine, stakes, params)
    for height in (102, 103):
        ample = engine.end_block(topics, Block(height, emission, 10**30), params).value()
        assert len(ample.selected) == len(stakes)
        paid = total(ample.rewards.values())
        assert paid <= emission
        assert close(D(emission), paid, 31)
        short = engine.end_block(topics, Block(height, emission, balance), params).value()
        assert total(short.rewards.values()) <= balance
        topics = ample.topics


@versions
@SETTINGS
@given(
    st.lists(st.integers(10**6, 10**15), min_size=2, max_size=7), st.data(), st.integers(1, 10**12)
)
def test_a_heavier_topic_gets_more(
    version: str, stakes: list[int], data: st.DataObject, emission: int
) -> None:
    """And the order in which topics were funded does not matter."""
    engine = ENGINES[version]
    params = replace(PARAMS, topic_reward_fee_revenue_importance=D(0))
    topics = settled_topics(engine, stakes, params)
    block = Block(102, emission, 10**30)
    ended = engine.end_block(topics, block, params).value()
    order = [ended.rewards[t] for t in ended.selected]
    assert order == sorted(order, reverse=True)
    assert [stakes[t - 1] for t in ended.selected] == sorted(stakes, reverse=True)
    listing = topics.listings[102]
    turned = tuple(data.draw(st.permutations(listing.topic_ids)))
    other = replace(topics, listings={102: replace(listing, topic_ids=turned)})
    again = engine.end_block(other, block, params).value()
    assert again.rewards == ended.rewards
    assert again.selected == ended.selected


# The mint


MONTH = 1000
MINT = replace(
    MintParams(),
    blocks_per_month=MONTH,
    maximum_monthly_percentage_yield=D(10**6),
    one_month_smoothing_degree=D(1),
)


@versions
def test_locked_tokens_never_rise(version: str) -> None:
    """More circulates from month to month, so that more is emitted of the same ecosystem."""
    engine, before = ENGINES[version], D(0)
    for month in range(90):
        block = EmissionBlock(month * MONTH + 1, 0, 10**26)
        state = engine.begin_block(block, EmissionState(), MINT).state
        assert state.emission_per_unit_staked_token >= before
        before = state.emission_per_unit_staked_token
        given_months = replace(block, height=1, months_unlocked=month)
        early = engine.begin_block(given_months, EmissionState(), MINT).state
        if version == "v0.17":
            assert early.emission_per_unit_staked_token == before
    # Nothing is locked any more.
    assert (
        before
        > engine.begin_block(
            EmissionBlock(1, 0, 10**26), EmissionState(), MINT
        ).state.emission_per_unit_staked_token
    )


@versions
@SETTINGS
@given(st.data())
def test_minted_and_what_may_be_minted(version: str, data: st.DataObject) -> None:
    """Their sum stays; what is emitted is what was there and what is minted, cut once."""
    engine, params = ENGINES[version], replace(MINT, max_supply=10**12)
    most = ecosystem_remaining(0, params)
    state = EmissionState(ecosystem_minted=data.draw(st.integers(0, most)))
    for height in range(2, 8):
        state = replace(state, block_emission=data.draw(st.integers(0, 10**12)))
        balance = data.draw(st.integers(0, 10**11))
        minted = engine.begin_block(EmissionBlock(height, balance, 10**11), state, params)
        assert 0 <= minted.minted <= ecosystem_remaining(state.ecosystem_minted, params)
        assert minted.state.ecosystem_minted == state.ecosystem_minted + minted.minted
        assert minted.state.ecosystem_minted <= most
        assert minted.validators + minted.rewards == minted.emission
        assert minted.validators == minted.emission // 4
        if version == "v0.17" or minted.minted < ecosystem_remaining(
            state.ecosystem_minted, params
        ):
            assert minted.emission <= balance + minted.minted
        state = minted.state


# Liveness


def penalized(
    engine: Engine, score: Decimal, initial: Decimal, alpha: Decimal, missed: int
) -> Decimal:
    """The average of an actor who submits after so many missed epochs."""
    window = SubmissionWindow(
        1, "inferer", 10**6, 2, alpha, epoch_last_ended=10 * missed + 110, epoch_length=10
    )
    active_set = ActiveSet({"a": score}, {"a": 100}, initial_score=initial)
    return submit(engine, [window], [active_set], [["a"]]).active_set(0).scores["a"]


@versions
@SETTINGS
@given(
    st.decimals("-5", "5", places=4),
    st.decimals("-5", "5", places=4),
    st.sampled_from((D("0.1"), D("0.5"), D("0.013"))),
    st.integers(0, 60),
    st.integers(0, 60),
)
def test_liveness_penalty(
    version: str, score: Decimal, initial: Decimal, alpha: Decimal, n: int, k: int
) -> None:
    """Between score and initial score; none missed changes nothing; n and then k are n + k."""
    engine = ENGINES[version]
    once = penalized(engine, score, initial, alpha, n)
    if version == "v0.6":  # there is none
        assert once is not None
        assert once == score
        return
    slack = D("1E-32")
    assert min(score, initial) - slack <= once <= max(score, initial) + slack
    assert penalized(engine, score, initial, alpha, 0) == score
    twice = penalized(engine, once, initial, alpha, k)
    together = penalized(engine, score, initial, alpha, n + k)
    assert UNBOUNDED.subtract(twice, together).copy_abs() <= D("1E-31")
    further = penalized(engine, score, initial, alpha, n + 1)
    assert abs(further - initial) <= abs(once - initial) + slack


@pytest.mark.parametrize("version", ["v0.6", "v0.17"])
def test_what_stays_in_the_account(version: str) -> None:
    """Of whole units cut from shares nothing is lost: dust stays in the rewards account."""
    engine = ENGINES[version]
    params = replace(PARAMS, topic_reward_fee_revenue_importance=D(0))
    topics = settled_topics(engine, [10**9, 2 * 10**9, 5 * 10**9], params)
    topics = replace(
        topics, topics={t: replace(each, reward_nonce=7) for t, each in topics.topics.items()}
    )
    block = Block(102, 1000, 10**6)
    ended = engine.end_block(topics, block, params)
    value = ended.value()
    cut = D(1000) - sum(D(int(reward)) for reward in value.paid.values())
    assert 0 < cut < len(value.paid)
    assert ended.value().refunded == {}
    payouts = {t: Payout(workers=int(reward)) for t, reward in value.paid.items()}
    paid = engine.pay_block(block, ended, payouts)
    assert (paid.rewards_balance, paid.ecosystem) == (10**6 - 1000 + cut, 0)

"""The topics of a block in the engine are those of the reference; many are a sum of single ones."""

from __future__ import annotations

import os
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allora_core import Engine, TopicError
from allora_core.batch import NumberName
from allora_core.block_rewards import TopicTable, pay_block
from allora_core.reference import rules_at
from allora_core.reference.block_reward import topic_rewards
from allora_core.reference.number import total
from allora_core.reference.topic_activation import activated, end_block, inactivated
from allora_core.testing import assert_equal, attempt
from allora_core.topics import Block, Payout, Topic, Topics, TopicWeightParams

EXAMPLES = int(os.environ.get("ALLORA_CORE_HISTORIES", "100"))
SETTINGS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
VERSIONS = ["v0.6", "v0.10", "v0.12", "v0.17"]
D = Decimal

AMOUNTS = st.one_of(
    st.sampled_from((0, 1, 99, 100, 10**4, 10**18)),
    st.integers(0, 10**30),
    st.integers(2**250, 2**256 - 1),
)
PARAMS = st.builds(
    TopicWeightParams,
    topic_reward_alpha=st.sampled_from((D("0.5"), D("0.9375"), D("0.50"), D(0), D(1))),
    topic_reward_stake_importance=st.sampled_from((D("0.5"), D(1), D("0.333"), D(0))),
    topic_reward_fee_revenue_importance=st.sampled_from((D("0.5"), D(1), D(2))),
    min_topic_weight=st.sampled_from((D(0), D(100), D("1E+10"))),
    max_active_topics_per_block=st.sampled_from((0, 1, 2, 3, 100)),
    blocks_per_month=st.sampled_from((864000, 100, 1, 0)),
)
CHANGES = st.sampled_from(("stake", "revenue", "nonce", "activate", "inactivate"))


@st.composite
def new_topics(draw: st.DrawFn) -> Topics:
    topics = {
        topic_id: Topic(
            topic_id,
            draw(st.sampled_from((1, 2, 3, 10))),
            draw(AMOUNTS),
            draw(AMOUNTS),
            reward_nonce=draw(st.sampled_from((0, 5))),
        )
        for topic_id in draw(st.lists(st.integers(1, 40), unique=True, max_size=6))
    }
    return Topics(topics)


def changed(draw: st.DataObject, topics: Topics, height: int, params, rules) -> Topics:
    """One thing that happens between two blocks, in the reference."""
    topic_id = draw.draw(st.sampled_from(sorted(topics.topics)))
    topic, what = topics.topics[topic_id], draw.draw(CHANGES)
    if what == "activate":
        return activated(topics, topic_id, height, params, rules)
    if what == "inactivate":
        return inactivated(topics, topic_id, height, params, rules)
    if what == "stake":
        topic = replace(topic, stake=draw.draw(AMOUNTS))
    elif what == "revenue":
        topic = replace(topic, fee_revenue=draw.draw(AMOUNTS))
    else:
        topic = replace(topic, reward_nonce=draw.draw(st.sampled_from((0, 9))))
    return replace(topics, topics={**topics.topics, topic_id: topic})


@pytest.mark.parametrize("version", VERSIONS)
@SETTINGS
@given(data=st.data())
def test_engine_equals_reference(version: str, data: st.DataObject) -> None:
    """Whole histories: funding, changing stakes, topics that are displaced and come back."""
    rules, engine = rules_at(version), Engine(rules=version, threads=1)
    params, topics = data.draw(PARAMS), data.draw(new_topics())
    for height in range(1, 12):
        for _ in range(data.draw(st.integers(0, 3)) if topics.topics else 0):
            before = topics
            try:
                topics = changed(data, before, height, params, rules)
            except TopicError:
                return
        block = Block(height, data.draw(AMOUNTS), data.draw(AMOUNTS))
        expected = attempt(end_block, topics, block, params, rules)
        table = TopicTable.from_topics(topics)
        found = attempt(lambda t, b, p: t.end_block(engine, b, p).value(), table, block, params)
        if isinstance(expected, TopicError):
            assert isinstance(found, TopicError)
            assert str(found) == str(expected)
            return
        assert not isinstance(found, TopicError), found
        assert_equal(expected, found)
        assert list(found.weights) == list(expected.weights)
        assert total(expected.rewards.values()) <= block.rewards_balance
        topics = expected.topics


@pytest.mark.parametrize("version", VERSIONS)
@SETTINGS
@given(data=st.data())
def test_funding_equals_reference(version: str, data: st.DataObject) -> None:
    rules, engine = rules_at(version), Engine(rules=version, threads=1)
    params, topics = data.draw(PARAMS), data.draw(new_topics())
    if not topics.topics:
        return
    for height in range(1, 5):
        chosen = data.draw(st.lists(st.sampled_from(sorted(topics.topics)), max_size=4))
        table = TopicTable.from_topics(topics)
        for verb, one in (("activated", activated), ("inactivated", inactivated)):
            found = attempt(getattr(table, verb), engine, chosen, height, params)
            expected: Topics | TopicError = topics
            for topic_id in chosen:
                if isinstance(expected, Topics):
                    expected = attempt(one, expected, topic_id, height, params, rules)
            if isinstance(expected, TopicError):
                assert str(found) == str(expected)
                return
            assert isinstance(found, TopicTable)
            assert_equal(expected, found.to_topics())
            if verb == "activated":
                topics = expected
                table = found


MANY = 10_000
WIDE = TopicWeightParams(max_active_topics_per_block=MANY)


def many(engine: Engine) -> TopicTable:
    """Ten thousand topics that end in block 110, some without a waiting nonce."""
    return some(engine, MANY)


def some(engine: Engine, count: int) -> TopicTable:
    """So many of them."""
    topics = {
        t: Topic(
            t,
            10,
            stake=10**9 + 7919 * t * t % 10**9,
            fee_revenue=10**6 + 104729 * t % 10**6,
            reward_nonce=0 if t % 10 == 0 else 90,
            previous_weight=D(10**7 + t * 31),
        )
        for t in range(1, count + 1)
    }
    table = TopicTable.from_topics(Topics(topics), engine.number)
    return table.activated(engine, range(1, count + 1), 100, WIDE)


@pytest.mark.parametrize("version", ["v0.6", "v0.17"])
@pytest.mark.parametrize("balance", [10**30, 10**6], ids=["ample", "short"])
def test_ten_thousand_topics(version: str, balance: int) -> None:
    """Shares of one block add up, equal those of single ones, and nothing is paid twice."""
    engine = Engine(rules=version)
    block = Block(110, 123_456_789_012, balance)
    table = many(engine)
    ended = table.end_block(engine, block, WIDE).value()
    assert len(ended.selected) == MANY
    assert sorted(ended.weights.values(), reverse=True) == [
        ended.weights[topic] for topic in ended.selected
    ]
    assert total(ended.rewards.values()) <= balance
    summed = ended.topics.total_weight if version == "v0.6" else table.to_topics().total_weight
    expected = topic_rewards(
        ended.selected,
        ended.weights,
        dict.fromkeys(ended.selected, 10),
        summed,
        D(balance),
        D(block.emission),
    )
    assert_equal(expected, ended.rewards)
    if balance == 10**30:
        if version == "v0.6":  # ten blocks' emission, for ten blocks of an epoch
            assert 0 <= 10 * block.emission - total(ended.rewards.values()) < D("1E-15")
    else:
        assert balance - total(ended.rewards.values()) < D("1E-20")
    payouts = {
        topic: Payout(reputers=int(reward) // 3, workers=int(reward) // 3)
        for topic, reward in ended.paid.items()
    }
    paid = pay_block(block, ended, payouts, engine.rules)
    spent = sum(payout.reputers + payout.workers for payout in payouts.values())
    assert paid.rewards_balance + spent + paid.ecosystem == balance
    assert paid.rewards_balance >= 0
    assert set(ended.paid) == {t for t in ended.rewards if t % 10}
    assert paid.ecosystem == (
        0 if version == "v0.6" else sum(int(ended.rewards[t]) for t in ended.rewards if t % 10 == 0)
    )
    again = ended_again(engine, ended.topics, block)
    assert again.paid == {}


@pytest.mark.parametrize("number", ["decimal", "float64"])
@pytest.mark.parametrize("version", ["v0.6", "v0.17"])
def test_threads_do_not_show(version: str, number: NumberName) -> None:
    """Nor does where a topic fails: the first in the order of its block is told."""
    block = Block(110, 123_456_789_012, 10**30)
    columns = []
    for threads in (1, 3):
        engine = Engine(number, rules=version, threads=threads)
        table = some(engine, 400)
        ended = table.end_block(engine, block, WIDE)
        columns.append(repr((ended.value(), ended.table.to_topics())))
        topics = table.to_topics()
        for bad in (200, 100, 300):
            topics.topics[bad] = replace(topics.topics[bad], stake=-1)
        with pytest.raises(TopicError, match=r"topic 100 field stake: negative_stake"):
            TopicTable.from_topics(topics, number).end_block(engine, block, WIDE)
    assert columns[0] == columns[1]


def ended_again(engine: Engine, topics: Topics, block: Block):
    """The next end of all epochs, with no nonce closed in between."""
    table = TopicTable.from_topics(topics, engine.number)
    return table.end_block(engine, replace(block, height=120), WIDE).value()


@pytest.mark.parametrize("version", ["v0.6", "v0.17"])
def test_a_block_is_the_sum_of_its_topics(version: str) -> None:
    """Each topic alone in the block, with the others' weights in the total: the same reward."""
    rules = rules_at(version)
    params = replace(WIDE, max_active_topics_per_block=40)
    topics = Topics(
        {t: Topic(t, 10, 10**9 + t**5, 10**8 + t**4, reward_nonce=90) for t in range(1, 41)}
    )
    for t in range(1, 41):
        topics = activated(topics, t, 90, params, rules)
    topics = end_block(topics, Block(100, 0, 0), params, rules).topics
    topics = replace(
        topics, topics={t: replace(each, reward_nonce=95) for t, each in topics.topics.items()}
    )
    block = Block(110, 10**12, 10**30)
    engine = Engine(rules=version)
    whole = TopicTable.from_topics(topics).end_block(engine, block, params).value()
    if version == "v0.6":  # the total takes the new weights of all first
        topics = replace(topics, total_weight=whole.topics.total_weight)
    alone: dict[int, Decimal] = {}
    for t in range(1, 41):
        listing = replace(topics.listings[110], topic_ids=(t,))
        single = replace(topics, listings={110: listing})
        if version == "v0.6":
            previous = single.topics[t].previous_weight
            assert previous is not None
            drift = total([previous, whole.weights[t].copy_negate()])
            single = replace(single, total_weight=total([single.total_weight, drift]))
        alone |= TopicTable.from_topics(single).end_block(engine, block, params).value().paid
    assert alone == whole.paid
    assert total(alone.values()) == total(whole.paid.values())


def test_float64_follows_the_decimals() -> None:
    for version in ("v0.6", "v0.17"):
        exact, double = Engine(rules=version), Engine("float64", rules=version)
        block = Block(110, 123_456_789_012, 10**30)
        expected = many(exact).end_block(exact, block, WIDE).value()
        found = many(double).end_block(double, block, WIDE).value()
        assert found.selected == expected.selected
        assert_equal(expected.rewards, found.rewards, relative=1e-12)
        assert_equal(expected.weights, found.weights, relative=1e-12)


def test_bad_input() -> None:
    engine = Engine()
    good = Topics({7: Topic(7, 10, 10**6, 10**6)})
    with pytest.raises(TopicError, match=r"topic 8 field topic_id: unknown_topic"):
        TopicTable.from_topics(good).activated(engine, [8], 1)
    bad = replace(good, topics={7: replace(good.topics[7], stake=-1)})
    with pytest.raises(TopicError, match=r"topic 7 field stake: negative_stake"):
        TopicTable.from_topics(bad).activated(engine, [7], 1)
    bad = replace(good, topics={7: replace(good.topics[7], previous_weight=D("NaN"))})
    with pytest.raises(TopicError, match=r"topic 7 field previous_weight: nan"):
        TopicTable.from_topics(bad)
    table = TopicTable.from_topics(good)
    with pytest.raises(ValueError, match="emission must not be negative"):
        table.end_block(engine, Block(1, -1, 0))
    with pytest.raises(ValueError, match=r"params\.min_topic_weight is NaN"):
        table.end_block(engine, Block(1, 0, 0), TopicWeightParams(min_topic_weight=D("NaN")))
    with pytest.raises(ValueError, match="computes in float64"):
        table.end_block(Engine("float64"), Block(1, 0, 0))

"""Weights, activation, selection, rewards and payout of the topics of a block."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from allora_core.epoch import TopicError
from allora_core.reference import rules_at
from allora_core.reference.block_reward import pay_block, select_topics, topic_rewards
from allora_core.reference.number import add
from allora_core.reference.topic_activation import activated, end_block, inactivated
from allora_core.reference.topic_weight import drip, target_weight, topic_weight
from allora_core.topics import Block, Listing, Payout, Topic, Topics, TopicWeightParams

D = Decimal
V06, V17 = rules_at("v0.6"), rules_at("v0.17")
PARAMS = TopicWeightParams()
WIDE = TopicWeightParams(max_active_topics_per_block=10)


def topics(*each: Topic, total: str = "0") -> Topics:
    """Topics with their listings, the lightest as their weights are under v0.17."""
    listings: dict[int, Listing] = {}
    for topic in each:
        if topic.epoch_end is not None:
            ids = (*listings.get(topic.epoch_end, Listing()).topic_ids, topic.topic_id)
            listings[topic.epoch_end] = Listing(ids)
    by_id = {topic.topic_id: topic for topic in each}
    for block, listing in listings.items():
        weights = {i: weigh(by_id[i]) for i in listing.topic_ids}
        lowest = min(weights, key=lambda i: weights[i])
        listings[block] = replace(listing, lowest_topic=lowest, lowest_weight=weights[lowest])
    return Topics(by_id, listings, D(total))


def weigh(topic: Topic) -> Decimal:
    stake, revenue = D(topic.stake), D(topic.fee_revenue)
    return topic_weight(stake, revenue, topic.epoch_length, topic.previous_weight, PARAMS, V17)


def ending(topic_id: int, weight: int = 1000, **changes: object) -> Topic:
    """A topic that ends at block 100 with target weight and stored weight ``weight``."""
    made = Topic(
        topic_id,
        epoch_length=10,
        stake=weight,
        fee_revenue=weight,
        epoch_last_ended=90,
        last_drip_block=80,
        previous_weight=D(weight),
        epoch_end=100,
        active=True,
        reward_nonce=70,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_target_by_version() -> None:
    assert target_weight(D(100), D(50), 10, PARAMS, V06) == D("22.36067977499789696409173668731276")
    assert abs(target_weight(D(100), D(50), 10, PARAMS, V17) ** 2 - 5000) < D("1E-20")


def test_weight_without_revenue_or_past() -> None:
    assert topic_weight(D(100), D(0), 10, D(5), PARAMS, V17) == 0
    first = topic_weight(D(400), D(100), 10, None, PARAMS, V17)
    assert first == target_weight(D(400), D(100), 10, PARAMS, V17)


def test_weight_smoothing_by_version() -> None:
    """v0.6: half and half each epoch. Since v0.10: a week of 19885 epochs halves the distance."""
    assert topic_weight(D(16), D(25), 1, D(0), PARAMS, V06) == 10
    length = 10
    weight = D(0)
    for _ in range(3):
        weight = topic_weight(D(400), D(400), length, weight, PARAMS, V17)
    week = D(864000) / D("4.345")
    expected = 400 * (1 - D("0.5") ** (3 * length / week))
    assert abs(weight - expected) < D("1E-20")


@pytest.mark.parametrize("version", ["v0.6", "v0.9", "v0.10", "v0.17"])
def test_weight_grows_with_stake_and_revenue(version: str) -> None:
    rules = rules_at(version)
    target = target_weight(D(100), D(100), 10, PARAMS, rules)
    assert target_weight(D(101), D(100), 10, PARAMS, rules) > target
    assert target_weight(D(100), D(101), 10, PARAMS, rules) > target
    # k^mu for k = 4
    scaled = target_weight(D(400), D(100), 10, PARAMS, rules)
    assert abs(scaled / target - 2) < D("1E-30")


def test_drip() -> None:
    topic = Topic(1, 5, fee_revenue=1_000_000, epoch_last_ended=50, last_drip_block=45)
    dripped = drip(topic, PARAMS)
    assert (dripped.fee_revenue, dripped.last_drip_block) == (999974, 50)
    assert drip(dripped, PARAMS).fee_revenue < 999974  # the guard lets a second call through
    assert drip(replace(topic, last_drip_block=51), PARAMS).fee_revenue == 1_000_000
    assert drip(replace(topic, epoch_length=10**7), PARAMS).fee_revenue == 0


def test_selection() -> None:
    weights = {4: D(1), 2: D("3.0"), 9: D(3), 5: D(7)}
    assert select_topics(weights, 3) == [5, 2, 9]
    assert select_topics(weights, 99) == [5, 2, 9, 4]
    assert select_topics({}, 1) == []


def test_rewards_over_every_block_are_the_emission() -> None:
    """Epoch length 1, all selected: sum E_t = e."""
    weights = {t: D(t * t + 1) for t in range(1, 30)}
    whole = sum(weights.values(), D(0))
    lengths = dict.fromkeys(weights, 1)
    rewards = topic_rewards(list(weights), weights, lengths, whole, D(10**30), D(123456789))
    assert abs(sum(rewards.values()) - 123456789) < D("1E-22")


def test_balance_bounds_the_rewards() -> None:
    weights = {1: D(5), 2: D(0), 3: D(2)}
    lengths = {1: 7, 2: 3, 3: 11}
    rewards = topic_rewards([1, 3, 2], weights, lengths, D(7), D(10), D(1000))
    assert sum(rewards.values()) <= 10
    assert 10 - sum(rewards.values()) < D("1E-31")
    assert rewards[2] == 0
    assert topic_rewards([1], weights, lengths, D(7), D(10), D(1000)) == {1: D(10)}
    assert 2 not in topic_rewards([1, 2], weights, lengths, D(7), D(10**9), D(1000))


def test_storage_before_rewards() -> None:
    """v0.6: the new weight is in the total that the reward is a share of."""
    topic = ending(1, weight=1000, fee_revenue=4000, previous_weight=D(500))
    result = end_block(topics(topic, total="700"), Block(100, 10, 10**9), PARAMS, V06)
    weight = result.weights[1]
    assert weight == D("566.2277660168379331998893544432718")
    assert result.topics.total_weight == add(D(200), weight)
    assert result.topics.topics[1].previous_weight == weight
    share = result.rewards[1] / 100
    assert abs(share - weight / (200 + weight)) < D("1E-30")


def test_storage_after_rewards() -> None:
    topic = ending(1, weight=1000, fee_revenue=4000, previous_weight=D(500))
    result = end_block(topics(topic, total="700"), Block(100, 10, 10**9), PARAMS, V17)
    weight = result.weights[1]
    assert weight > 500
    assert abs(result.rewards[1] / 100 - weight / 700) < D("1E-30")
    assert result.topics.total_weight == add(D(200), weight)
    assert result.topics.topics[1].previous_weight == weight


def test_schedule_and_nonces() -> None:
    result = end_block(topics(ending(1), total="1000"), Block(100, 10, 10**9), PARAMS, V17)
    after = result.topics.topics[1]
    assert (after.epoch_end, after.epoch_last_ended, after.active) == (110, 100, True)
    assert result.opened == (1,)
    assert after.reward_nonce == 0
    assert 100 not in result.topics.listings
    assert result.topics.listings[110].topic_ids == (1,)
    assert (after.fee_revenue, after.last_drip_block) == (999, 90)


@pytest.mark.parametrize("rules", [V06, V17])
def test_light_topic_is_inactivated(rules: object) -> None:
    """Below 100: out of the total, its weight kept, its fees dripped all the same."""
    light = ending(2, weight=50, fee_revenue=5 * 10**4, previous_weight=D(50), stake=0)
    result = end_block(topics(ending(1), light, total="1050"), Block(100, 10, 10**9), WIDE, rules)
    after = result.topics.topics[2]
    assert result.inactivated == (2,)
    assert 2 not in result.weights
    assert 2 not in result.rewards
    assert (after.active, after.epoch_end) == (False, None)
    assert after.previous_weight is not None
    assert after.fee_revenue < light.fee_revenue
    assert result.topics.total_weight == result.topics.topics[1].previous_weight


def test_inactive_topic_is_frozen_and_resumes() -> None:
    start = topics(ending(1), total="1000")
    frozen = inactivated(start, 1, 95, PARAMS, V17)
    assert frozen.total_weight == 0
    assert frozen.listings[100].topic_ids == ()
    assert frozen.topics[1] == replace(start.topics[1], active=False, epoch_end=None)
    assert inactivated(frozen, 1, 95, PARAMS, V17) == frozen
    back = activated(frozen, 1, 95, PARAMS, V17)
    assert back.total_weight == 1000
    assert back.topics[1].epoch_end == 105
    assert activated(back, 1, 96, PARAMS, V17) == back


def test_new_topic_has_no_weight_in_the_total() -> None:
    new = activated(topics(Topic(3, 10, stake=5, fee_revenue=5)), 3, 1, PARAMS, V17)
    assert new.total_weight == 0
    assert new.listings[11] == Listing((3,), 3, weigh(new.topics[3]))


def test_full_block_displaces_the_lightest() -> None:
    """At equal weight the newcomer displaces: it only must not be lighter."""
    held = ending(1, weight=300, epoch_end=110)
    equal = topics(held, replace(held, topic_id=2, epoch_end=None, active=False), total="300")
    after = activated(equal, 2, 100, PARAMS, V17)
    assert after.listings[110].topic_ids == (2,)
    assert (after.topics[1].active, after.topics[1].epoch_end) == (False, None)
    assert after.total_weight == 300
    lighter = topics(held, Topic(2, 10, stake=299, fee_revenue=299), total="300")
    after = activated(lighter, 2, 100, PARAMS, V17)
    assert after.listings[110].topic_ids == (1,)
    assert (after.topics[2].active, after.topics[2].epoch_end) == (True, None)
    assert after.total_weight == 300


def test_ties_keep_the_first_of_the_list_as_lightest() -> None:
    two = replace(PARAMS, max_active_topics_per_block=2)
    held = topics(
        ending(5, weight=300, epoch_end=110), ending(4, weight=300, epoch_end=110), total="600"
    )
    after = activated(held, 5, 100, two, V17)
    assert after == held
    new = replace(held, topics={**held.topics, 6: Topic(6, 10, stake=900, fee_revenue=900)})
    after = activated(new, 6, 100, two, V17)
    assert after.listings[110] == Listing((4, 6), 4, weigh(held.topics[4]))


def test_unrewarded_topic() -> None:
    """Without a waiting nonce the reward stays, or goes back to the ecosystem."""
    start = topics(ending(1), ending(2, weight=500, reward_nonce=0), total="1500")
    block = Block(100, 1000, 10**9)
    kept = end_block(start, block, WIDE, V06)
    assert (set(kept.paid), kept.refunded) == ({1}, {})
    back = end_block(start, block, WIDE, V17)
    assert set(back.rewards) == {1, 2}
    assert back.refunded == {2: int(back.rewards[2])}
    paid = pay_block(block, back, {1: Payout(reputers=100, workers=200)}, V17)
    assert paid.rewards_balance == 10**9 - 300 - back.refunded[2]
    assert paid.ecosystem == back.refunded[2]
    assert (paid.reputers, paid.everyone) == (100, 300)


def test_nothing_is_paid_twice() -> None:
    start = topics(ending(1), total="1000")
    first = end_block(start, Block(100, 10, 10**9), PARAMS, V17)
    assert set(first.paid) == {1}
    second = end_block(first.topics, Block(110, 10, 10**9), PARAMS, V17)
    assert second.paid == {}
    with pytest.raises(TopicError, match=r"topic 1 field payout: unknown_topic"):
        pay_block(Block(110, 10, 10**9), second, {1: Payout(workers=1)}, V17)
    with pytest.raises(TopicError, match=r"topic 1 field payout: out_of_range"):
        pay_block(Block(100, 10, 10**9), first, {1: Payout(workers=101)}, V17)


def test_failed_payout_does_not_count_in_the_percentage() -> None:
    start = topics(ending(1), ending(2), total="2000")
    result = end_block(start, Block(100, 10, 10**9), WIDE, V17)
    payouts = {
        1: Payout(3, 4, D("3.5"), failed=True),
        2: Payout(5, 6, D("5.25")),
    }
    paid = pay_block(Block(100, 10, 10**9), result, payouts, V17)
    assert (paid.reputers, paid.everyone, paid.reputer_task_reward) == (5, 11, D("5.25"))
    assert paid.rewards_balance == 10**9 - 18


def test_empty_account_and_no_emission() -> None:
    start = topics(ending(1), total="1000")
    nothing = end_block(start, Block(100, 10, 0), PARAMS, V17)
    assert (nothing.rewards, nothing.selected, nothing.opened) == ({}, (1,), (1,))
    assert nothing.topics.topics[1].reward_nonce == 70
    assert end_block(start, Block(99, 10, 10**9), PARAMS, V17).selected == ()


@pytest.mark.parametrize(
    ("changes", "field", "cause"),
    [
        ({"epoch_length": 0}, "epoch_length", "out_of_range"),
        ({"stake": -1}, "stake", "negative_stake"),
        ({"fee_revenue": -1}, "fee_revenue", "out_of_range"),
        ({"previous_weight": D("NaN")}, "previous_weight", "nan"),
    ],
)
def test_bad_topic(changes: dict[str, object], field: str, cause: str) -> None:
    start = topics(ending(1), ending(2), total="2000")
    bad = {**start.topics, 2: replace(start.topics[2], **changes)}  # type: ignore[arg-type]
    with pytest.raises(TopicError) as caught:
        end_block(replace(start, topics=bad), Block(100, 10, 10**9), WIDE, V17)
    assert (caught.value.topic_id, caught.value.field, caught.value.cause) == (2, field, cause)


def test_bad_total() -> None:
    with pytest.raises(TopicError, match=r"topic 1 field total_weight: zero_weight"):
        end_block(topics(ending(1)), Block(100, 10, 10**9), PARAMS, V17)
    light = ending(1, weight=1, previous_weight=D(5))
    with pytest.raises(TopicError, match=r"topic 1 field total_weight: out_of_range"):
        end_block(topics(light, total="4"), Block(100, 10, 10**9), PARAMS, V17)
    with pytest.raises(TopicError, match=r"topic 9 field topic_id: unknown_topic"):
        activated(Topics(), 9, 1, PARAMS, V17)

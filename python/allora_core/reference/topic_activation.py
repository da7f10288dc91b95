"""When topics' epochs end, which topics are active, and the end of a block.

Every active topic stands in the list of the block in which its epoch ends. A list has room for
``max_active_topics_per_block``; a topic that is not lighter than the lightest recorded there
displaces and inactivates that one. The total weight runs over the stored weights of active topics.

Sources: allora-chain v0.6, ``x/emissions/keeper/topic_activation.go``, ``keeper.go``
(``SetPreviousTopicWeight``) and ``x/emissions/module/rewards/topic_rewards.go``; rewards, sections
10.2 to 10.6.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from allora_core.epoch import TopicError
from allora_core.reference.block_reward import select_topics, topic_rewards
from allora_core.reference.faults import located, require_finite
from allora_core.reference.number import ZERO, add, compare, subtract
from allora_core.reference.number_text import to_integer_amount
from allora_core.reference.rules import Rules
from allora_core.reference.topic_weight import drip, topic_weight
from allora_core.topics import Block, BlockRewards, Listing, Topic, Topics, TopicWeightParams

__all__ = ["activated", "end_block", "inactivated"]


def activated(
    topics: Topics, topic_id: int, height: int, params: TopicWeightParams, rules: Rules
) -> Topics:
    """Return the topics after one was funded: its stored weight counts again.

    Nothing happens while its epoch still runs. A topic that finds no room in the list of its
    block is active all the same, without an end of its epoch.
    """
    schedule = _Schedule(topics, height, params, rules)
    schedule.activate(topic_id)
    return schedule.value()


def inactivated(
    topics: Topics, topic_id: int, height: int, params: TopicWeightParams, rules: Rules
) -> Topics:
    """Return the topics without an active one; its stored weight is kept and no longer counts."""
    schedule = _Schedule(topics, height, params, rules)
    schedule.inactivate(topic_id)
    return schedule.value()


def end_block(
    topics: Topics, block: Block, params: TopicWeightParams, rules: Rules
) -> BlockRewards:
    """Return weights, selection and rewards of the topics whose epochs end in this block.

    Raises:
        TopicError: a topic's weight cannot be computed, or the total weight is 0 or negative; the
            network does none of the block's topics then.
    """
    schedule = _Schedule(topics, block.height, params, rules)
    weights: dict[int, Decimal] = {}
    for topic_id in schedule.listings.get(block.height, Listing()).topic_ids:
        weight = schedule.end_epoch(topic_id)
        if weight is not None:
            weights[topic_id] = weight
    schedule.listings.pop(block.height, None)
    selected = select_topics(weights, params.max_active_topics_per_block)
    rewards: dict[int, Decimal] = {}
    if selected and block.rewards_balance:
        if schedule.total == 0:
            raise TopicError(selected[0], "", "total_weight", "zero_weight")
        rewards = topic_rewards(
            selected,
            weights,
            {topic: schedule.topics[topic].epoch_length for topic in selected},
            schedule.total,
            Decimal(block.rewards_balance),
            Decimal(block.emission),
        )
    opened = tuple(topic for topic in selected if weights[topic] != 0)
    waiting = [topic for topic in rewards if schedule.topics[topic].reward_nonce]
    refunded = _refunds(rewards, rules, set(waiting))
    schedule.close(weights, opened, waiting)
    return BlockRewards(
        weights=weights,
        inactivated=tuple(schedule.dropped),
        selected=tuple(selected),
        opened=opened,
        rewards=rewards,
        paid={topic: rewards[topic] for topic in waiting},
        refunded=refunded,
        topics=schedule.value(),
    )


def _refunds(rewards: dict[int, Decimal], rules: Rules, waiting: set[int]) -> dict[int, int]:
    """Return trunc(E_t) of the topics without a waiting nonce, where it goes back.

    Truncated together, a topic's part is by what it raises the whole units of their sum.
    """
    if rules.unrewarded_topic == "kept":
        return {}
    refunded: dict[int, int] = {}
    together, before = ZERO, 0
    for topic, reward in rewards.items():
        if topic in waiting:
            continue
        with located(topic, "reward"):
            if rules.refund_truncation == "per_topic":
                refunded[topic] = to_integer_amount(reward)
                continue
            together = add(together, reward)
            whole = to_integer_amount(together)
            refunded[topic], before = whole - before, whole
    return refunded


class _Schedule:
    """Topics, listings and total while one block changes them."""

    def __init__(
        self, topics: Topics, height: int, params: TopicWeightParams, rules: Rules
    ) -> None:
        self.topics = dict(topics.topics)
        self.listings = dict(topics.listings)
        self.total = topics.total_weight
        self.height = height
        self.params = params
        self.rules = rules
        self.dropped: list[int] = []

    def value(self) -> Topics:
        return Topics(self.topics, self.listings, self.total)

    def topic(self, topic_id: int) -> Topic:
        topic = self.topics.get(topic_id)
        if topic is None:
            raise TopicError(topic_id, "", "topic_id", "unknown_topic")
        if topic.epoch_length <= 0:
            raise TopicError(topic_id, "", "epoch_length", "out_of_range")
        if topic.stake < 0:
            raise TopicError(topic_id, "", "stake", "negative_stake")
        if topic.fee_revenue < 0:
            raise TopicError(topic_id, "", "fee_revenue", "out_of_range")
        if topic.previous_weight is not None:
            with located(topic_id, "previous_weight"):
                require_finite(topic.previous_weight)
        return topic

    def weight(self, topic_id: int) -> Decimal:
        """Return the weight that follows from what is stored now."""
        topic = self.topic(topic_id)
        with located(topic_id, "weight"):
            return topic_weight(
                Decimal(topic.stake),
                Decimal(topic.fee_revenue),
                topic.epoch_length,
                topic.previous_weight,
                self.params,
                self.rules,
            )

    def end_epoch(self, topic_id: int) -> Decimal | None:
        """End a topic's epoch; return its weight, or None where that inactivates the topic."""
        weight = self.weight(topic_id)
        if self.rules.topic_weight_storage == "before_rewards":
            self.store(topic_id, weight)
        with located(topic_id, "fee_revenue"):
            self.topics[topic_id] = drip(self.topics[topic_id], self.params)
        if compare(weight, self.params.min_topic_weight) < 0:
            self.inactivate(topic_id)
            return None
        self.unlist(topic_id)
        self.enlist(topic_id)
        return weight

    def close(
        self, weights: dict[int, Decimal], opened: tuple[int, ...], rewarded: list[int]
    ) -> None:
        """Store what the block leaves: late weights, opened nonces, rewarded nonces."""
        if self.rules.topic_weight_storage == "after_rewards":
            for topic_id, weight in weights.items():
                if self.topics[topic_id].active:
                    self.store(topic_id, weight)
        for topic_id in opened:
            self.topics[topic_id] = replace(self.topics[topic_id], epoch_last_ended=self.height)
        for topic_id in rewarded:
            self.topics[topic_id] = replace(self.topics[topic_id], reward_nonce=0)

    def store(self, topic_id: int, weight: Decimal) -> None:
        """Store a weight: it replaces the topic's old one in the total."""
        previous = self.topics[topic_id].previous_weight
        self.count(topic_id, ZERO if previous is None else previous, weight)
        self.topics[topic_id] = replace(self.topics[topic_id], previous_weight=weight)

    def count(self, topic_id: int, less: Decimal, more: Decimal) -> None:
        with located(topic_id, "total_weight"):
            self.total = add(subtract(self.total, less), more)
        if self.total < 0:
            raise TopicError(topic_id, "", "total_weight", "out_of_range")

    def activate(self, topic_id: int) -> None:
        topic = self.topic(topic_id)
        if topic.epoch_end is not None and topic.epoch_end >= self.height:
            return
        self.enlist(topic_id)
        self.topics[topic_id] = replace(self.topics[topic_id], active=True)
        if topic.previous_weight:
            self.count(topic_id, ZERO, topic.previous_weight)

    def inactivate(self, topic_id: int) -> None:
        topic = self.topics.get(topic_id)
        if topic is None or topic.epoch_end is None or topic.epoch_end < self.height:
            return
        self.unlist(topic_id)
        self.topics[topic_id] = replace(self.topics[topic_id], active=False)
        self.dropped.append(topic_id)
        if topic.previous_weight is not None:
            self.count(topic_id, topic.previous_weight, ZERO)

    def unlist(self, topic_id: int) -> None:
        """Take a topic out of the list it stands in; the recorded lightest stays as it is."""
        block = self.topics[topic_id].epoch_end
        if block is not None and block in self.listings:
            listing = self.listings[block]
            left = tuple(each for each in listing.topic_ids if each != topic_id)
            self.listings[block] = replace(listing, topic_ids=left)
        self.topics[topic_id] = replace(self.topics[topic_id], epoch_end=None)

    def enlist(self, topic_id: int) -> None:
        """Enter a topic for the end of its next epoch, unless it is too light for a full list."""
        block = self.height + self.topic(topic_id).epoch_length
        listing = self.listings.get(block, Listing())
        if topic_id in listing.topic_ids:
            return
        if len(listing.topic_ids) >= self.params.max_active_topics_per_block:
            if compare(self.weight(topic_id), listing.lowest_weight) < 0:
                return
            self.inactivate(listing.lowest_topic)
            listing = self.listings.get(block, Listing())
        self.topics[topic_id] = replace(self.topics[topic_id], epoch_end=block)
        self.listings[block] = self.recorded((*listing.topic_ids, topic_id))

    def recorded(self, topic_ids: tuple[int, ...]) -> Listing:
        """Return the listing with its lightest topic, the first one on ties."""
        lowest, least = 0, ZERO
        for at, topic_id in enumerate(topic_ids):
            weight = self.weight(topic_id)
            if at == 0 or compare(weight, least) < 0:
                lowest, least = topic_id, weight
        return Listing(topic_ids, lowest, least)

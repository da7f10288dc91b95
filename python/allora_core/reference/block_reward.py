"""Which topics of a block are rewarded, with how much, and what stays in the account.

E_t = ((w_t/W)*e)*l_t for a topic of weight w_t and epoch length l_t, W the total weight of all
active topics and e the rewards part of one block's emission.

Sources: allora-chain v0.6, ``x/emissions/module/rewards/rewards.go`` and ``topic_skimming.go``;
rewards, sections 10.4 to 10.7 and 12.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from allora_core.epoch import TopicError
from allora_core.reference.faults import located
from allora_core.reference.number import (
    ZERO,
    NumberError,
    add,
    compare,
    multiply,
    quotient,
    total,
)
from allora_core.reference.number_text import to_integer_amount
from allora_core.reference.rules import Rules
from allora_core.topics import Block, BlockRewards, PaidBlock, Payout

__all__ = ["pay_block", "select_topics", "topic_rewards"]


def select_topics(weights: Mapping[int, Decimal], most: int) -> list[int]:
    """Return the heaviest topics, by weight descending and topic id ascending."""
    order = sorted(weights, key=lambda topic: (weights[topic].copy_negate(), topic))
    return order[:most]


def topic_rewards(
    selected: Sequence[int],
    weights: Mapping[int, Decimal],
    epoch_lengths: Mapping[int, int],
    total_weight: Decimal,
    rewards_balance: Decimal,
    emission: Decimal,
) -> dict[int, Decimal]:
    """Return E_t of the selected topics; a fraction of 0 gives no entry.

    Where the sum exceeds the balance B of the rewards account, one topic gets B, and several get
    (B*(w_t*l_t))/sum(w_i*l_i).

    Raises:
        TopicError: a topic has no weight or no epoch length, or its share is undefined.
    """
    rewards: dict[int, Decimal] = {}
    for topic in selected:
        with located(topic, "reward"):
            fraction = quotient(_weight(weights, topic), total_weight)
            if fraction != 0:
                per_block = multiply(fraction, emission)
                rewards[topic] = multiply(per_block, _length(epoch_lengths, topic))
    if compare(total(rewards.values()), rewards_balance) <= 0:
        return rewards
    if len(selected) == 1:
        return {selected[0]: rewards_balance}
    return _shared_balance(selected, weights, epoch_lengths, rewards_balance)


def _shared_balance(
    selected: Sequence[int],
    weights: Mapping[int, Decimal],
    epoch_lengths: Mapping[int, int],
    rewards_balance: Decimal,
) -> dict[int, Decimal]:
    factors: dict[int, Decimal] = {}
    rewards: dict[int, Decimal] = {}
    for topic in selected:
        with located(topic, "reward"):
            factors[topic] = multiply(weights[topic], _length(epoch_lengths, topic))
    whole = total(factors.values())
    for topic, factor in factors.items():
        with located(topic, "reward"):
            rewards[topic] = quotient(multiply(rewards_balance, factor), whole)
    return rewards


def _weight(weights: Mapping[int, Decimal], topic: int) -> Decimal:
    if topic not in weights:
        raise NumberError("missing_value")
    return weights[topic]


def _length(epoch_lengths: Mapping[int, int], topic: int) -> Decimal:
    if epoch_lengths.get(topic, 0) <= 0:
        raise NumberError("out_of_range")
    return Decimal(epoch_lengths[topic])


def pay_block(
    block: Block, rewards: BlockRewards, payouts: Mapping[int, Payout], rules: Rules
) -> PaidBlock:
    """Return the accounts once the topics' participants were paid.

    What was cut from a reward to whole units stays in the rewards account, and so does the reward
    of a topic whose rewards failed.

    Raises:
        TopicError: a topic was paid that has no reward in this block, or more than its reward.
    """
    balance, refunds = block.rewards_balance, sum(rewards.refunded.values())
    reputers = everyone = 0
    task_reward = ZERO
    for topic in sorted(payouts):
        payout = payouts[topic]
        spent = payout.reputers + payout.workers
        if topic not in rewards.paid:
            raise TopicError(topic, "", "payout", "unknown_topic")
        if payout.reputers < 0 or payout.workers < 0 or spent > rewards.paid[topic]:
            raise TopicError(topic, "", "payout", "out_of_range")
        balance -= spent
        if not payout.failed:
            counted = payout.reputers, spent
            if rules.month_counters == "task_rewards":
                with located(topic, "payout"):
                    counted = (
                        to_integer_amount(payout.reputer_task_reward),
                        to_integer_amount(rewards.paid[topic]),
                    )
            reputers += counted[0]
            everyone += counted[1]
            task_reward = add(task_reward, payout.reputer_task_reward)
    return PaidBlock(balance - refunds, refunds, reputers, everyone, task_reward)

"""What a topic weighs, and how its fee revenue drips away.

w = alpha*S^mu*P^nu + (1 - alpha)*w_before, with the topic's stake S and fee revenue P.

Sources: allora-chain v0.6 to v0.17, ``x/emissions/keeper/topic_weight.go`` and ``keeper.go``
(``DripTopicFeeRevenue``); rewards, sections 10.1 and 10.3.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from allora_core.reference.functions import power
from allora_core.reference.number import ZERO, NumberError, multiply, quotient, subtract
from allora_core.reference.number_text import to_integer_amount
from allora_core.reference.rules import Rules
from allora_core.reference.statistics import blocks_per_week, ema, smoothed_alpha
from allora_core.topics import Topic, TopicWeightParams

__all__ = ["drip", "dripped_revenue", "target_weight", "topic_weight"]


def target_weight(
    stake: Decimal,
    fee_revenue: Decimal,
    epoch_length: int,
    params: TopicWeightParams,
    rules: Rules,
) -> Decimal:
    """Return S^mu * P^nu; until v0.9 the revenue counts per block of the epoch, P/l."""
    if stake < 0:
        raise NumberError("negative_stake")
    if rules.topic_weight_revenue == "per_block":
        fee_revenue = quotient(fee_revenue, Decimal(epoch_length))
    of_stake = power(stake, params.topic_reward_stake_importance, rules)
    of_revenue = power(fee_revenue, params.topic_reward_fee_revenue_importance, rules)
    return multiply(of_stake, of_revenue)


def topic_weight(
    stake: Decimal,
    fee_revenue: Decimal,
    epoch_length: int,
    previous: Decimal | None,
    params: TopicWeightParams,
    rules: Rules,
) -> Decimal:
    """Return the smoothed weight; without fee revenue it is 0, without a previous one the target.

    Since v0.10 the smoothing is a weekly figure: 1 - (1 - alpha)^(l/blocks per week).
    """
    if fee_revenue == 0:
        return ZERO
    target = target_weight(stake, fee_revenue, epoch_length, params, rules)
    alpha = params.topic_reward_alpha
    if rules.topic_weight_smoothing == "per_week":
        week = blocks_per_week(Decimal(params.blocks_per_month))
        alpha = smoothed_alpha(Decimal(epoch_length), week, alpha, lambda x, y: power(x, y, rules))
    return ema(alpha, target, ZERO if previous is None else previous, previous is None)


def dripped_revenue(fee_revenue: Decimal, epoch_length: int, params: TopicWeightParams) -> int:
    """Return trunc(max(P - P/(blocks per week/l), 0)), in whole base units."""
    week = blocks_per_week(Decimal(params.blocks_per_month))
    epochs_per_week = quotient(week, Decimal(epoch_length))
    if epochs_per_week == 0:
        return to_integer_amount(fee_revenue)
    left = subtract(fee_revenue, quotient(fee_revenue, epochs_per_week))
    return to_integer_amount(ZERO if left < 0 else left)


def drip(topic: Topic, params: TopicWeightParams) -> Topic:
    """Return the topic after the drip of one epoch.

    Skipped once the last drip lies above ``epoch_last_ended``; a second call within an epoch drips
    again.
    """
    if topic.last_drip_block > topic.epoch_last_ended or params.blocks_per_month == 0:
        return topic
    revenue = dripped_revenue(Decimal(topic.fee_revenue), topic.epoch_length, params)
    return replace(topic, fee_revenue=revenue, last_drip_block=topic.epoch_last_ended)

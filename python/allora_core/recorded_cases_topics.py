"""Functions of the recorded cases that are about active sets, topics and the emission."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from .reference.block_reward import select_topics, topic_rewards
from .reference.emission import begin_block as begin_emission
from .reference.emission import (
    capped_target,
    emission_average,
    emission_cap,
    locked_tokens,
    monthly_emission,
    rewards_paid,
    unlocked_months,
)
from .reference.fixed18 import Fixed18
from .reference.rules import rules_at
from .reference.sortition import missed_epochs, penalized
from .reference.topic_weight import dripped_revenue, target_weight
from .topics import (
    EmissionBlock,
    EmissionState,
    MintParams,
    PaidBlock,
    Role,
    TopicWeightParams,
)

__all__ = ["TOPIC_FUNCTIONS"]

D = Decimal
V06, V17 = rules_at("v0.6"), rules_at("v0.17")
Inputs = dict[str, Any]


def numbers(table: dict[str, str]) -> dict[int, Decimal]:
    return {int(topic): D(text) for topic, text in table.items()}


def case_topic_rewards(given: Inputs) -> dict[str, Decimal]:
    rewards = topic_rewards(
        given["sorted_topics"],
        numbers(given["weights"]),
        {int(topic): length for topic, length in given["epoch_lengths"].items()},
        D(given["sum_weights"]),
        D(given["treasury"]),
        D(given["emission_per_block"]),
    )
    return {str(topic): reward for topic, reward in rewards.items()}


def case_target_weight(given: Inputs) -> Decimal:
    params = TopicWeightParams(
        topic_reward_stake_importance=D(given["mu"]),
        topic_reward_fee_revenue_importance=D(given["nu"]),
    )
    rules = rules_at(given["version"])
    stake, revenue = D(given["stake"]), D(given["revenue"])
    return target_weight(stake, revenue, given["epoch_length"], params, rules)


def case_missed_epochs(given: Inputs) -> int:
    role: Role = "reputer" if given["role"] == "reputer" else "inferer"
    ended, length = given["epoch_last_ended"], given["epoch_length"]
    lag = given.get("ground_truth_lag", 0)
    return missed_epochs(role, ended, length, lag, given["last_nonce"])


def case_fee_drip(given: Inputs) -> int:
    params = TopicWeightParams(blocks_per_month=given["blocks_per_month"])
    return dripped_revenue(D(given["revenue"]), given["epoch_length"], params)


def case_emission_max(given: Inputs) -> Decimal:
    params = MintParams(
        maximum_monthly_percentage_yield=D(given["mpy"]),
        validators_vs_allora_percent_reward=D(given["validators"]),
    )
    return emission_cap(fixed(given["reputers"]), params).to_decimal()


def case_locked_v06(given: Inputs) -> int:
    params = MintParams(
        max_supply=int(given["max_supply"]),
        investors_preseed_percent_of_total_supply=D(given["preseed"]),
        investors_percent_of_total_supply=D(given["investors"]),
        team_percent_of_total_supply=D(given["team"]),
    )
    return locked_tokens(given["month"], params, V06)


def case_vesting_fraction(given: Inputs) -> dict[str, Fraction]:
    """Each group alone, as a share of what it had locked at first."""
    nobody = MintParams(
        investors_preseed_percent_of_total_supply=D(0),
        investors_percent_of_total_supply=D(0),
        team_percent_of_total_supply=D(0),
        foundation_treasury_percent_of_total_supply=D(0),
        foundation_locked_share=D("0.5"),
    )
    groups = {
        "cliff": replace(nobody, team_percent_of_total_supply=D("0.36")),
        "foundation": replace(nobody, foundation_treasury_percent_of_total_supply=D("0.24")),
    }
    shares = {}
    for group, params in groups.items():
        locked = locked_tokens(given["month"], params, V17)
        shares[group] = Fraction(locked, locked_tokens(0, params, V17))
    return shares


def case_monthly_percentage(given: Inputs) -> Decimal:
    state, params = EmissionState(), MintParams()
    paid = PaidBlock(0, 0, given["reputer_increment"], given["topic_increment"], D(0))
    for height in range(2, 2 + given["blocks"]):
        state = rewards_paid(EmissionBlock(height, 0, 1), 1, paid, state, params, V17)
    block = EmissionBlock(params.blocks_per_month + 1, 0, 1, emission_enabled=False)
    return begin_emission(block, state, params, V17).state.reputers_percentage


def case_mint_amount(given: Inputs) -> str:
    assert given == {"emission": "E", "ecosystem_balance": "E/2"}
    for emission in (1, 2, 7, 10**20 + 1):
        state = EmissionState(block_emission=emission)
        block = EmissionBlock(7, emission // 2, 1)
        minted = begin_emission(block, state, MintParams(), V17).minted
        assert minted == emission - emission // 2
    return "E - E/2"


def case_emission_ema(given: Inputs) -> Decimal:
    target, previous = fixed(given["target"]), fixed(given["previous"])
    return emission_average(target, previous, fixed(given["alpha"])).to_decimal()


def case_liveness_penalty(given: Inputs) -> Decimal:
    alpha, asymptote = D(given["alpha"]), D(given["asymptote"])
    return penalized(alpha, asymptote, D(given["score"]), given["missed"], V17)


def fixed(text: str) -> Fixed18:
    return Fixed18.from_decimal(D(text))


TOPIC_FUNCTIONS: dict[str, Callable[[Inputs], Any]] = {
    "missed_epochs": case_missed_epochs,
    "liveness_penalty": case_liveness_penalty,
    "target_weight": case_target_weight,
    "fee_drip": case_fee_drip,
    "topic_skim": lambda i: select_topics(numbers(i["weights"]), i["n"]),
    "topic_rewards": case_topic_rewards,
    "monthly_percentage": case_monthly_percentage,
    "emission_per_month": lambda i: monthly_emission(fixed(i["e"]), int(i["staked"])),
    "emission_ema": case_emission_ema,
    "emission_max": case_emission_max,
    "emission_cap": lambda i: capped_target(fixed(i["target"]), fixed(i["max"])).to_decimal(),
    "locked_v06": case_locked_v06,
    "vesting_fraction": case_vesting_fraction,
    "vesting_months": lambda i: unlocked_months(
        i["month"] * MintParams().blocks_per_month, i["month"], MintParams(), V17
    ),
    "mint_amount": case_mint_amount,
}

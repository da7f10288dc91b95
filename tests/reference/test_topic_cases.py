"""Cases that the network's own tests assert about active sets, topics and the emission."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from allora_core.epoch import TopicError
from allora_core.reference import NumberError, rules_at
from allora_core.reference.block_reward import select_topics, topic_rewards
from allora_core.reference.emission import begin_block as begin_emission
from allora_core.reference.emission import (
    capped_target,
    emission_average,
    emission_cap,
    locked_tokens,
    monthly_emission,
    rewards_paid,
    unlocked_months,
)
from allora_core.reference.fixed18 import Fixed18
from allora_core.reference.sortition import missed_epochs, penalized
from allora_core.reference.topic_weight import dripped_revenue, target_weight
from allora_core.topics import (
    EmissionBlock,
    EmissionState,
    MintParams,
    PaidBlock,
    TopicWeightParams,
)

D = Decimal
V06, V17 = rules_at("v0.6"), rules_at("v0.17")
Inputs = dict[str, Any]
VECTORS = Path(__file__).parents[1] / "vectors" / "rewards_cases.json"


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
    role = "reputer" if given["role"] == "reputer" else "inferer"
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


def case_vesting_fraction(given: Inputs) -> dict[str, str]:
    """Each group alone, as a share of what it had locked at first."""
    none = {
        "investors_preseed_percent_of_total_supply": D(0),
        "investors_percent_of_total_supply": D(0),
        "team_percent_of_total_supply": D(0),
        "foundation_treasury_percent_of_total_supply": D(0),
    }
    groups = {
        "cliff": {**none, "team_percent_of_total_supply": D("0.36")},
        "foundation": {**none, "foundation_treasury_percent_of_total_supply": D("0.24")},
    }
    shares = {}
    for group, shared in groups.items():
        params = MintParams(foundation_locked_share=D("0.5"), **shared)
        locked = locked_tokens(given["month"], params, V17)
        shares[group] = str(Fraction(locked, locked_tokens(0, params, V17)))
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


DISPATCH: dict[str, Callable[[Inputs], Any]] = {
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

CASES = [case for case in json.loads(VECTORS.read_text())["cases"] if case["function"] in DISPATCH]


def test_every_function_of_topics_is_covered() -> None:
    assert {case["function"] for case in CASES} == set(DISPATCH)
    assert len(CASES) == 33


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_case(case: dict[str, Any]) -> None:
    compute, expected = DISPATCH[case["function"]], case["expected"]
    if isinstance(expected, dict) and "error" in expected:
        with pytest.raises((NumberError, TopicError)):
            compute(case["inputs"])
        return
    found = compute(case["inputs"])
    if case["function"] == "vesting_fraction":
        expected = {group: str(Fraction(share)) for group, share in expected.items()}
        found = {group: found[group] for group in expected}
    if isinstance(expected, dict) and case["function"] == "topic_rewards":
        assert set(found) == set(expected)
        for topic, reward in expected.items():
            assert close(found[topic], reward, case)
    elif isinstance(expected, str) and case["function"] != "mint_amount":
        assert close(Decimal(found), expected, case)
    else:
        assert found == expected


def close(found: Decimal, expected: str, case: dict[str, Any]) -> bool:
    tolerance = D(case["tolerance"])
    if case["tolerance_kind"] == "rel":
        tolerance *= abs(D(expected))
    return abs(found - D(expected)) <= tolerance

"""Parameters and genesis of a made-up chain, with the names each release knows.

Sources: genesis files and answers of the query for parameters in ``tests/vectors/blocks``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from allora_core.epoch import Params
from allora_core.reference.number_text import plain_text
from allora_core.testing.block_forms import Json, Release
from allora_core.testing.block_ledger import ACCOUNTS
from allora_core.topics import MintParams, TopicWeightParams

__all__ = ["TOPIC_PARAMS", "ChainParams", "genesis"]

TOPIC_PARAMS = (
    "p_norm",
    "alpha_regret",
    "epsilon",
    "merit_sortition_alpha",
    "active_inferer_quantile",
    "active_forecaster_quantile",
    "active_reputer_quantile",
)
"""Fields of `Params` that belong to a topic in every release."""

LATER = {
    "min_experienced_worker_regrets": "v6",
    "global_whitelist_enabled": "v6",
    "topic_creator_whitelist_enabled": "v6",
    "inference_outlier_detection_threshold": "v7",
    "inference_outlier_detection_alpha": "v7",
    "lambda_initial_score": "v7",
    "global_worker_whitelist_enabled": "v7",
    "global_reputer_whitelist_enabled": "v7",
    "global_admin_whitelist_appended": "v7",
    "max_whitelist_input_array_length": "v7",
    "min_weight_threshold_for_stdnorm": "v8",
}
"""Parameters that came after API v5."""


@dataclass(frozen=True)
class ChainParams:
    """Parameters of the modules emissions and mint that matter to made-up block data.

    Attributes:
        params: the formulas' parameters; what belongs to topics is taken from each topic instead.
        weights: parameters of topics' weights.
        mint: of the emission.
        least_stake: stake that a reputer needs.
        data_sending_fee, create_topic_fee, registration_fee: base units.
        removal_delay: blocks until stake that is to be removed is gone.
        most_elements: elements of a forecast that count.
    """

    params: Params = field(default_factory=Params)
    weights: TopicWeightParams = field(
        default_factory=lambda: TopicWeightParams(max_active_topics_per_block=100)
    )
    mint: MintParams = field(default_factory=MintParams)
    least_stake: int = 1
    data_sending_fee: int = 10
    removal_delay: int = 7
    most_elements: int = 12

    def emissions(self, release: Release) -> dict[str, Any]:
        """The parameters of x/emissions as state holds them."""
        formula = {
            name: value
            for name, value in asdict(self.params).items()
            if name not in (*TOPIC_PARAMS, "label_default_value")
        }
        values: dict[str, Any] = {
            "version": release.api,
            "max_serialized_msg_length": 1_000_000,
            "required_minimum_stake": self.least_stake,
            "remove_stake_delay_window": self.removal_delay,
            "min_epoch_length": 1,
            "max_unfulfilled_worker_requests": 100,
            "max_unfulfilled_reputer_requests": 100,
            **formula,
            **asdict(self.weights),
            "validators_vs_allora_percent_reward": self.mint.validators_vs_allora_percent_reward,
            "create_topic_fee": 0,
            "registration_fee": 0,
            "default_page_limit": 100,
            "max_page_limit": 1000,
            "min_epoch_length_record_limit": 3,
            "half_max_process_stake_removals_end_block": 40,
            "data_sending_fee": self.data_sending_fee,
            "max_elements_per_forecast": self.most_elements,
            "max_string_length": 255,
            "global_whitelist_enabled": False,
            "topic_creator_whitelist_enabled": False,
            "global_worker_whitelist_enabled": False,
            "global_reputer_whitelist_enabled": False,
            "global_admin_whitelist_appended": False,
            "max_whitelist_input_array_length": 2000,
        }
        known = int(release.api[1:])
        return {
            name: shown(value)
            for name, value in values.items()
            if int(LATER.get(name, "v5")[1:]) <= known
        }

    def minting(self, release: Release) -> dict[str, Any]:
        """The parameters of x/mint; shares have 18 places."""
        kept = {
            name: f"{value:.18f}" if isinstance(value, Decimal) else str(value)
            for name, value in asdict(self.mint).items()
            if name
            not in (
                "validators_vs_allora_percent_reward",
                "blocks_per_month",
                "foundation_locked_share",
            )
        }
        enabled = {"emission_enabled": True} if int(release.api[1:]) >= 7 else {}
        return {"mint_denom": "uallo", **kept, **enabled}


def shown(value: Any) -> Any:
    """A parameter as JSON: numbers are text."""
    if isinstance(value, (bool, str)):
        return value
    return plain_text(value) if isinstance(value, Decimal) else str(value)


LISTS = (
    "topics",
    "active_topics",
    "topic_workers",
    "topic_reputers",
    "topic_reward_nonce",
    "topic_stake",
    "stake_reputer_authority",
    "topic_fee_revenue",
    "previous_topic_weight",
    "unfulfilled_worker_nonces",
    "unfulfilled_reputer_nonces",
    "open_worker_windows",
    "topic_to_next_possible_churning_block",
    "block_to_active_topics",
    "block_to_lowest_active_topic_weight",
    "active_inferers",
    "active_forecasters",
    "active_reputers",
)


def genesis(
    chain: ChainParams,
    release: Release,
    chain_id: str,
    first_height: int,
    time: str,
    emission: int,
    rewards: int,
    note: str,
) -> Json:
    """The genesis of a made-up chain without topics.

    Args:
        emission: base units that each block emits.
        rewards: what lies in the rewards account.
        note: says that the chain is made up; kept in the field ``synthetic``.
    """
    emissions: dict[str, Any] = {
        "params": chain.emissions(release),
        "core_team_addresses": [],
        "next_topic_id": "1",
        "total_stake": "0",
        "total_sum_previous_topic_weights": "0",
        "reward_current_block_emission": "0",
        "previous_percentage_reward_to_staked_reputers": "0.3",
        **{name: [] for name in LISTS},
    }
    mint = {
        "params": chain.minting(release),
        "previous_reward_emission_per_unit_staked_token": "0.000000000000000000",
        "previous_block_emission": str(emission),
        "ecosystem_tokens_minted": "0",
    }
    coins = [{"denom": "uallo", "amount": str(rewards)}]
    balances = [{"address": ACCOUNTS["rewards"], "coins": coins}] if rewards else []
    return {
        "app_name": "allorad",
        "app_version": release.name.removeprefix("v") + ".0",
        "synthetic": note,
        "genesis_time": time,
        "chain_id": chain_id,
        "initial_height": str(first_height),
        "app_hash": None,
        "app_state": {"bank": {"balances": balances}, "emissions": emissions, "mint": mint},
    }

"""What is compared: every quantity that the chain computes and tells, with its keys.

Order is that of the chain within a block, so that of two differences at one height the earlier one
is named first: an error shows where it arises and not where it leads.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from ..archive.schema import TABLES

__all__ = ["QUANTITIES", "SENT", "SETTINGS", "Quantity"]


@dataclass(frozen=True)
class Quantity:
    """One kind of recorded value.

    Attributes:
        name: as people are told.
        table: of `allora_core.archive.schema.TABLES`, in the record and among what was computed.
        value: the column compared; None where a row's presence is all there is.
        keys: what a recorded and a computed value have in common, names with spaces between.
        actor: the key that names who the value is about.
        where: SQL condition on rows of either side.
        told_by: keys that tell one event from another. Releases emit some and not others: what was
            computed and is not recorded counts once the record has told of its like.
        is_clamped: whether v10 moves the value into 1e-40 to 1e40.
        is_last: several of one height: only the last one is compared.
        is_optional: the chain tells it only when it changes; not to be told is no difference.
        nan_is_absent: events write NaN into places that nothing fills.
        unnamed: the kind of values that a record may tell without the names of its actors.
    """

    name: str
    table: str
    value: str | None
    keys: str
    actor: str | None = None
    where: str = "true"
    told_by: str = ""
    is_clamped: bool = True
    is_last: bool = False
    is_optional: bool = False
    nan_is_absent: bool = False
    unnamed: str = ""

    @property
    def key_names(self) -> tuple[str, ...]:
        """The keys one by one."""
        return tuple(self.keys.split())

    @property
    def is_local(self) -> bool:
        """Whether values of equal keys are of one height."""
        return "height" in self.key_names

    @property
    def moment(self) -> str:
        """The key that rises with the height, but for the height itself."""
        return next(name for name in ("nonce", "payout_height") if name in self.key_names)

    @property
    def is_whole(self) -> bool:
        """Whether the compared column is a whole number or flag and not a decimal."""
        return self.value is None or self.value not in TABLES[self.table].decimals


amount = partial(Quantity, is_clamped=False)
"""A quantity in whole base units, which nothing clamps."""

ACTORS = "topic_id nonce actor_type address"
CELLS = "topic_id nonce kind forecaster inferer"
REGRETS = "topic_id nonce use kind actor other_actor"
WEIGHTS = "topic_id nonce use actor_type address"
LATEST, USED = "\"use\" = 'latest'", "\"use\" = 'network_inference'"

QUANTITIES: tuple[Quantity, ...] = (
    amount(
        "mint",
        "mint_values",
        "value",
        "height event name",
        where="event IN ('EventEcosystemTokenMintSet', 'EventRewardCurrentBlockEmission')",
        told_by="event name",
    ),
    amount(
        "split of the emission",
        "mint_values",
        "value",
        "height event name",
        where="event = 'EventEmissionInfo' AND name IN "
        "('block_emission', 'validator_cut', 'allora_rewards_cut', 'blocks_per_month')",
        told_by="event name",
    ),
    amount(
        "monthly emission",
        "mint_values",
        "value",
        "height event name",
        where="event IN ('EventTokenomicsSet', 'EventRecalculateTargetEmission')"
        " AND name <> 'staked_token_amount'",
        told_by="event name",
    ),
    amount(
        "reputers' share of rewards",
        "other_events",
        "value",
        "height type name",
        where="type = 'EventPreviousPercentageRewardToStakedReputersSet' AND name = 'percentage'",
    ),
    amount(
        "payouts of delegators",
        "delegate_rewards",
        "amount",
        "topic_id reputer delegator height",
        "delegator",
        "reason = 'paid'",
    ),
    *(
        Quantity(
            f"EMA of {role}s put out",
            "ema_scores",
            "score",
            f"{ACTORS} is_active height",
            "address",
            f"actor_type = '{role}' AND NOT is_active",
            is_last=True,
        )
        for role in ("inferer", "forecaster", "reputer")
    ),
    amount(
        "removals due",
        "stake_removals",
        "completion_height",
        "topic_id reputer delegator height",
        "reputer",
        "NOT is_cancelled",
    ),
    amount(
        "stake removed",
        "stake_moves",
        "amount",
        "topic_id reputer delegator height",
        "reputer",
        "tx_index IS NULL AND reason = 'remove'",
    ),
    amount(
        "stakes", "stakes", "stake_authority", "topic_id reputer height", "reputer", is_last=True
    ),
    Quantity("topic weights", "topic_status", "weight", "topic_id height"),
    amount("topic stakes", "topic_status", "topic_stake", "topic_id height"),
    amount("fee revenue", "topic_status", "topic_fee_revenue", "topic_id height"),
    amount("fee revenue after drips", "fee_revenue_drips", "new_revenue", "topic_id height"),
    amount("drips", "fee_revenue_drips", "drip_amount", "topic_id height"),
    amount("active topics", "topic_status", "is_active", "topic_id height"),
    amount("epoch steps", "epoch_steps", None, "topic_id nonce step height", told_by="step"),
    amount(
        "window ends", "epoch_steps", "window_end", "topic_id nonce step height", told_by="step"
    ),
    amount(
        "label registries",
        "label_registries",
        "registry_size",
        "topic_id nonce height",
        is_last=True,
    ),
    amount("labels", "label_registries", "label_name", "topic_id nonce height"),
    Quantity("network losses", "network_losses", "value", CELLS, "inferer", nan_is_absent=True),
    Quantity("regrets", "regrets", "value", REGRETS, "actor", LATEST, told_by="kind"),
    Quantity(
        "initial regrets", "regret_scales", "initial_regret", "topic_id nonce", is_optional=True
    ),
    Quantity("regret scales", "regret_scales", "stdnorm", "topic_id nonce"),
    Quantity("weights", "weights", "weight", WEIGHTS, "address", LATEST, told_by="actor_type"),
    amount("active sets", "active_sets", None, ACTORS, "address", told_by="actor_type"),
    Quantity("scores", "scores", "score", ACTORS, "address", told_by="actor_type"),
    Quantity(
        "listening coefficients",
        "listening_coefficients",
        "coefficient",
        "topic_id nonce reputer",
        "reputer",
    ),
    Quantity(
        "EMA scores",
        "ema_scores",
        "score",
        f"{ACTORS} is_active",
        "address",
        "is_active",
        told_by="actor_type",
    ),
    Quantity(
        "initial EMA scores",
        "initial_ema_scores",
        "score",
        "topic_id nonce actor_type",
        told_by="actor_type",
    ),
    Quantity("forecasting task scores", "forecast_task_scores", "score", "topic_id height"),
    Quantity(
        "delegators' rewards per share",
        "delegate_rewards",
        "amount",
        "topic_id reputer height",
        "reputer",
        "reason = 'reward_per_share'",
    ),
    amount(
        "delegators' rewards",
        "delegate_rewards",
        "amount",
        "topic_id reputer height",
        "reputer",
        "reason = 'distributed'",
    ),
    amount(
        "rewards added to stake",
        "stake_moves",
        "amount",
        "topic_id reputer delegator height",
        "reputer",
        "tx_index IS NULL AND reason = 'add'",
    ),
    Quantity(
        "rewards",
        "rewards",
        "reward",
        "topic_id payout_height actor_type address",
        "address",
        told_by="actor_type",
    ),
    Quantity("topic rewards", "topic_rewards", "reward", "topic_id height"),
    Quantity("regrets used", "regrets", "value", REGRETS, "actor", USED, told_by="kind"),
    Quantity(
        "network inferences",
        "network_inferences",
        "value",
        "topic_id nonce outlier_resistant kind forecaster inferer label",
        "inferer",
        told_by="outlier_resistant",
        nan_is_absent=True,
        unnamed="one_out_inferer_forecaster",
    ),
    Quantity(
        "weights used",
        "weights",
        "weight",
        WEIGHTS,
        "address",
        USED,
        told_by="actor_type",
    ),
)
"""All that is compared, in the chain's order within a block."""

SENT: tuple[Quantity, ...] = (
    amount(
        "registrations as sent",
        "registrations",
        None,
        "topic_id address is_reputer is_registered height",
        "address",
    ),
    amount(
        "owners as registered",
        "registrations",
        "owner",
        "topic_id address is_reputer is_registered height",
        "address",
    ),
    amount(
        "stake as sent",
        "stake_moves",
        "amount",
        "topic_id reputer delegator height",
        "reputer",
        "tx_index IS NOT NULL",
    ),
    amount(
        "removals as sent",
        "stake_removals",
        "amount",
        "topic_id reputer delegator is_cancelled height",
        "reputer",
    ),
    amount(
        "cancelled removals as sent",
        "stake_removals",
        None,
        "topic_id reputer delegator height",
        "reputer",
        "is_cancelled",
    ),
    amount(
        "funding as sent",
        "funding",
        "amount",
        "topic_id funder height",
        "funder",
        "reason = 'fund'",
    ),
    amount(
        "inferences as sent",
        "inferences",
        "value",
        "topic_id nonce inferer label height",
        "inferer",
    ),
    amount(
        "forecasts as sent",
        "forecasts",
        "value",
        "topic_id nonce forecaster inferer height",
        "forecaster",
    ),
    Quantity(
        "reputers' losses as sent",
        "reputer_losses",
        "value",
        f"{CELLS} reputer height",
        "reputer",
        nan_is_absent=True,
    ),
)
"""What actors sent, which events since late v9 say again."""

SETTINGS: tuple[Quantity, ...] = (
    amount("owners as sent", "owners", "new_owner", "address is_reputer height", "address"),
    amount(
        "whitelists as sent",
        "whitelists",
        None,
        "topic_id whitelist change address height",
        "address",
    ),
    amount("parameters and topics as sent", "params", "value", "module name height"),
)
"""What people sent to change how the chain works; a topic counts as a module of parameters."""

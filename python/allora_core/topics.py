"""What happens around and across topics, as plain immutable values.

Who may still submit to a nonce (active sets), what a topic weighs and when its epochs end, what a
block's topics are paid, and the emission that feeds it all. Amounts of coins are whole base units,
``int``; heights are block heights.

Sources: allora-chain v0.6, ``x/emissions/keeper/keeper.go``, ``topic_activation.go``,
``topic_weight.go``, ``x/emissions/module/rewards/rewards.go``, ``x/mint/types/params.go``; later
versions as described in rewards, sections 6, 10 and 11.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from allora_core.epoch import TopicError

__all__ = [
    "ActiveSet",
    "Block",
    "BlockRewards",
    "EmissionBlock",
    "EmissionError",
    "EmissionState",
    "Listing",
    "LowestScore",
    "MintParams",
    "MintedBlock",
    "Outcome",
    "PaidBlock",
    "Payout",
    "Role",
    "SubmissionWindow",
    "Submitted",
    "Topic",
    "TopicWeightParams",
    "Topics",
]

Role = Literal["inferer", "forecaster", "reputer"]

Outcome = Literal["entered", "displaced", "outside", "already_active", "already_updated", "failed"]
"""entered: took a free seat. displaced: took the seat of the lowest active actor. outside: not
above the lowest. already_active, already_updated, failed: refused, nothing changed."""


class EmissionError(ValueError):
    """The mint cannot compute a block.

    Attributes:
        field: the value at fault, named like the fields of this module.
        cause: short code of the reason, such as ``"div_zero"`` or ``"overflow"``.
    """

    def __init__(self, field: str, cause: str) -> None:
        super().__init__(f"emission field {field}: {cause}")
        self.field = field
        self.cause = cause

    def __reduce__(self) -> tuple[type[EmissionError], tuple[str, str]]:
        """Keep every attribute across processes."""
        return type(self), (self.field, self.cause)


@dataclass(frozen=True, slots=True)
class LowestScore:
    """The lowest active actor as it was recorded; its average may have moved since.

    Attributes:
        actor: its address.
        score: its average score when it was recorded.
        height: the block height stored with that score; 0 means none.
    """

    actor: str
    score: Decimal
    height: int


@dataclass(frozen=True, slots=True)
class ActiveSet:
    """Who is in for the open nonce of one topic in one role, and everybody's average score.

    Attributes:
        scores: actor -> average score.
        heights: actor -> block height stored with its average score.
        active: addresses of the active actors, ascending.
        lowest: the lowest of them as recorded, or None.
        quantile: the topic's last saved quantile of scores of this role.
        initial_score: average score that a first submission starts from (since v0.8).
    """

    scores: dict[str, Decimal] = field(default_factory=dict)
    heights: dict[str, int] = field(default_factory=dict)
    active: tuple[str, ...] = ()
    lowest: LowestScore | None = None
    quantile: Decimal = Decimal("0")
    initial_score: Decimal = Decimal("0")


@dataclass(frozen=True, slots=True)
class SubmissionWindow:
    """What decides about submissions to one nonce of a topic in one role.

    Attributes:
        topic_id: the topic.
        role: which of the topic's active sets.
        nonce: block height of the nonce; must be positive.
        seats: size of the active set, ``max_top_..._to_reward``.
        merit_sortition_alpha: smoothing of the average scores.
        epoch_last_ended: the topic's last epoch end.
        epoch_length: blocks of an epoch.
        ground_truth_lag: blocks until the truth is known; only reputers' missed epochs need it.
    """

    topic_id: int
    role: Role
    nonce: int
    seats: int
    merit_sortition_alpha: Decimal = Decimal("0.1")
    epoch_last_ended: int = 0
    epoch_length: int = 1
    ground_truth_lag: int = 0


@dataclass(frozen=True, slots=True)
class Submitted:
    """Result of one submission.

    Attributes:
        outcome: what became of it.
        active_set: the active set afterwards.
        displaced: the actor whose submission was deleted for it, or ``""``.
        fault: why the submission failed, or None.
    """

    outcome: Outcome
    active_set: ActiveSet
    displaced: str = ""
    fault: TopicError | None = None


@dataclass(frozen=True, slots=True)
class TopicWeightParams:
    """Parameters of the module for topics, with the defaults of the network.

    Attributes:
        topic_reward_alpha: smoothing of a topic's weight, per epoch or per week by rule.
        topic_reward_stake_importance: exponent mu of the stake.
        topic_reward_fee_revenue_importance: exponent nu of the fee revenue.
        min_topic_weight: a lighter topic is inactivated at the end of its epoch.
        max_active_topics_per_block: most topics whose epochs may end in one block.
        blocks_per_month: blocks of a month.
    """

    topic_reward_alpha: Decimal = Decimal("0.5")
    topic_reward_stake_importance: Decimal = Decimal("0.5")
    topic_reward_fee_revenue_importance: Decimal = Decimal("0.5")
    min_topic_weight: Decimal = Decimal("100")
    max_active_topics_per_block: int = 1
    blocks_per_month: int = 864000


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as its weight and its schedule see it.

    Attributes:
        topic_id: the topic.
        epoch_length: blocks of an epoch; must be positive.
        stake: all stake in the topic, base units.
        fee_revenue: its fee revenue, base units.
        epoch_last_ended: the last block that ended an epoch and opened a nonce.
        last_drip_block: the ``epoch_last_ended`` of the last drip.
        previous_weight: the stored weight, or None before the first.
        epoch_end: the block whose list of ending topics names it, or None.
        active: whether its stored weight counts in the total.
        reward_nonce: the closed reputer nonce that waits for its rewards; 0 means none.
    """

    topic_id: int
    epoch_length: int
    stake: int = 0
    fee_revenue: int = 0
    epoch_last_ended: int = 0
    last_drip_block: int = 0
    previous_weight: Decimal | None = None
    epoch_end: int | None = None
    active: bool = False
    reward_nonce: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """The topics whose epochs end in one block.

    Attributes:
        topic_ids: in the order in which they were listed.
        lowest_topic: the lightest as recorded at the last change; 0 means none.
        lowest_weight: its weight then.
    """

    topic_ids: tuple[int, ...] = ()
    lowest_topic: int = 0
    lowest_weight: Decimal = Decimal("0")


@dataclass(frozen=True, slots=True)
class Topics:
    """All topics, the blocks in which their epochs end, and the total of the active weights.

    Attributes:
        topics: topic id -> topic.
        listings: block height -> the topics whose epochs end there.
        total_weight: running total of the stored weights of active topics.
    """

    topics: dict[int, Topic] = field(default_factory=dict)
    listings: dict[int, Listing] = field(default_factory=dict)
    total_weight: Decimal = Decimal("0")


@dataclass(frozen=True, slots=True)
class Block:
    """The end of one block.

    Attributes:
        height: its height.
        emission: the rewards part of this block's emission, base units.
        rewards_balance: balance of the rewards account, base units.
    """

    height: int
    emission: int
    rewards_balance: int


@dataclass(frozen=True, slots=True)
class BlockRewards:
    """What the end of a block decides about its topics.

    Attributes:
        weights: weight of every topic that ends an epoch here and was listed again, in listed
            order.
        inactivated: topics inactivated in this block, in that order.
        selected: the heaviest, by weight descending and topic id ascending.
        opened: the selected topics that open a new nonce.
        rewards: topic id -> reward of the selected topics, base units with fractions.
        paid: the part of ``rewards`` that goes to topics with a waiting reputer nonce.
        refunded: topic id -> whole base units that go back to the ecosystem account instead.
        topics: all topics afterwards.
    """

    weights: dict[int, Decimal]
    inactivated: tuple[int, ...]
    selected: tuple[int, ...]
    opened: tuple[int, ...]
    rewards: dict[int, Decimal]
    paid: dict[int, Decimal]
    refunded: dict[int, int]
    topics: Topics


@dataclass(frozen=True, slots=True)
class Payout:
    """What one topic's participants were paid for one nonce.

    Attributes:
        reputers: whole base units to reputers and their delegators.
        workers: whole base units to inferers and forecasters.
        reputer_task_reward: the reputers' task reward W before it was cut to whole units.
        failed: some payout failed: the topic's reputers then do not count in the percentage.
    """

    reputers: int = 0
    workers: int = 0
    reputer_task_reward: Decimal = Decimal("0")
    failed: bool = False


@dataclass(frozen=True, slots=True)
class PaidBlock:
    """The accounts after a block's topics were paid.

    Attributes:
        rewards_balance: what stays in the rewards account, dust included.
        ecosystem: what went back to the ecosystem account.
        reputers, everyone: rewards of this block that the monthly counters rise by.
        reputer_task_reward: sum of W over topics whose payouts all succeeded.
    """

    rewards_balance: int
    ecosystem: int
    reputers: int
    everyone: int
    reputer_task_reward: Decimal


@dataclass(frozen=True, slots=True)
class MintParams:
    """Parameters of the mint, with the defaults of the network; at most 18 decimal places.

    Attributes:
        max_supply: most base units that may ever exist.
        f_emission: share of the ecosystem's tokens to emit in a month.
        one_month_smoothing_degree: smoothing alpha of the emission per unit of stake.
        maximum_monthly_percentage_yield: most that a unit of stake may earn in a month.
        ecosystem_treasury_percent_of_total_supply, foundation_treasury_percent_of_total_supply,
            participants_percent_of_total_supply, investors_percent_of_total_supply,
            investors_preseed_percent_of_total_supply, team_percent_of_total_supply: shares of
            ``max_supply``.
        foundation_locked_share: part of the foundation's share that starts locked (since v0.13).
        validators_vs_allora_percent_reward: the validators' share v of the emission.
        blocks_per_month: blocks of a month.
    """

    max_supply: int = 10**27
    f_emission: Decimal = Decimal("0.025")
    one_month_smoothing_degree: Decimal = Decimal("0.1")
    maximum_monthly_percentage_yield: Decimal = Decimal("0.0095")
    ecosystem_treasury_percent_of_total_supply: Decimal = Decimal("0.3595")
    foundation_treasury_percent_of_total_supply: Decimal = Decimal("0.1")
    participants_percent_of_total_supply: Decimal = Decimal("0.055")
    investors_percent_of_total_supply: Decimal = Decimal("0.2605")
    investors_preseed_percent_of_total_supply: Decimal = Decimal("0.05")
    team_percent_of_total_supply: Decimal = Decimal("0.175")
    foundation_locked_share: Decimal = Decimal("0.885")
    validators_vs_allora_percent_reward: Decimal = Decimal("0.25")
    blocks_per_month: int = 864000


@dataclass(frozen=True, slots=True)
class EmissionState:
    """What the mint carries from block to block.

    Attributes:
        emission_per_unit_staked_token: e of the last month, 18 places.
        block_emission: base units emitted in each block of this month.
        ecosystem_minted: base units minted for the ecosystem so far.
        reputers_percentage: the reputers' share of the rewards to participants.
        month_reputers, month_everyone: the month's counters behind it (since v0.12).
    """

    emission_per_unit_staked_token: Decimal = Decimal("0")
    block_emission: int = 0
    ecosystem_minted: int = 0
    reputers_percentage: Decimal = Decimal("0.3")
    month_reputers: int = 0
    month_everyone: int = 0


@dataclass(frozen=True, slots=True)
class EmissionBlock:
    """The begin of one block as the mint sees it.

    Attributes:
        height: its height.
        ecosystem_balance: balance of the ecosystem account, base units.
        staked: base units staked with validators and reputers.
        emission_start: the block in which the emission was switched on (since v0.13).
        months_unlocked: months given as gone; the height may say more (since v0.13).
        emission_enabled: whether anything is emitted.
    """

    height: int
    ecosystem_balance: int
    staked: int
    emission_start: int = 0
    months_unlocked: int = 0
    emission_enabled: bool = True


@dataclass(frozen=True, slots=True)
class MintedBlock:
    """What the begin of a block mints and passes on, in base units.

    Attributes:
        minted: newly minted for the ecosystem account.
        emission: paid out of the ecosystem account.
        validators: the validators' part of the emission, cut to whole units.
        rewards: the rest, which goes to the rewards account.
        state: the mint's state afterwards.
    """

    minted: int
    emission: int
    validators: int
    rewards: int
    state: EmissionState

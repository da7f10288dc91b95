"""The mint from block to block, and the accounts that rewards come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from typing import Any

from ..emission import begin_block, rewards_paid
from ..reference.emission import (
    ecosystem_remaining,
    emission_height,
    monthly_emission,
    supplies,
)
from ..reference.fixed18 import Fixed18
from ..reference.number_text import plain_text
from ..reference.rules import Rules
from ..topics import EmissionBlock, EmissionState, MintedBlock, MintParams, PaidBlock

__all__ = ["ECOSYSTEM", "REWARDS", "Mint"]

ECOSYSTEM = "allo12uxa8rw9hte3z2nuswjzpmfen289n30uag6agp"
REWARDS = "allo17099f3pwtd7u0je2x3ajrem6cfydj9xj5ccq2a"
"""The accounts of the ecosystem and of rewards: the same on every chain of this prefix."""


@dataclass
class Mint:
    """What the begin of a block mints and splits.

    Attributes:
        computes: whether the emission is computed; else it is the recorded one.
        state, params: of the mint.
        ecosystem, rewards: balances in base units; rewards None: not known, enough for all.
        emission: the rewards part of the last block's emission.
        validators: the validators' part of it, where it is computed.
        staked: base units staked with validators and reputers, as last recorded.
        enabled: whether anything is emitted.
        height: the last block begun.
        rows: height, what was minted and the rewards part of the emission, until they are written.
        months: height, event, field and value of what a new month tells, and of the split.
        shares: height and the reputers' share of the rewards where it was set.
    """

    computes: bool = False
    state: EmissionState = field(default_factory=EmissionState)
    params: MintParams = field(default_factory=MintParams)
    ecosystem: int = 0
    rewards: int | None = None
    emission: int = 0
    validators: int = 0
    staked: int = 0
    enabled: bool = True
    emission_start: int = 0
    height: int = 0
    rows: list[tuple[int, int, int]] = field(default_factory=list)
    months: list[tuple[int, str, str, str]] = field(default_factory=list)
    shares: list[tuple[int, Decimal]] = field(default_factory=list)
    _same: MintedBlock | None = None

    def begin(self, height: int, rules: Rules, staked: int | None, recorded: int | None) -> None:
        """Begin one block.

        Args:
            staked: the recorded stake where the block told it.
            recorded: the recorded rewards part of the emission.
        """
        self.height = height
        if staked is not None:
            self.staked = staked
        if not self.computes:
            if recorded is not None:
                self.emission = recorded
            self.rewards = None if self.rewards is None else self.rewards + self.emission
            return
        minted = self._usual(height)
        if minted is None:
            block = EmissionBlock(
                height,
                self.ecosystem,
                self.staked,
                emission_start=self.emission_start,
                emission_enabled=self.enabled,
            )
            minted = begin_block(block, self.state, self.params, rules)
            self._same = minted
            self._tell(block, minted.state, rules)
        self.state = minted.state
        self.ecosystem += minted.minted - minted.emission
        self.emission, self.validators = minted.rewards, minted.validators
        self.rewards = (self.rewards or 0) + minted.rewards
        self.rows.append((height, minted.minted, minted.rewards))

    def split(self, height: int) -> None:
        """Keep how the emission of the block just begun was split, for releases that tell it."""
        if self.computes and self.enabled:
            values = {
                "block_emission": self.emission + self.validators,
                "validator_cut": self.validators,
                "allora_rewards_cut": self.emission,
                "blocks_per_month": self.params.blocks_per_month,
            }
            self.months += [
                (height, "EventEmissionInfo", name, str(value)) for name, value in values.items()
            ]

    def _tell(self, block: EmissionBlock, after: EmissionState, rules: Rules) -> None:
        """Keep what the first block of a month tells."""
        height = emission_height(block.height, block.emission_start, rules)
        if height % self.params.blocks_per_month != 1 or height <= 0:
            return
        if rules.reputers_percentage == "monthly":
            self.shares.append((block.height, after.reputers_percentage))
        if not block.emission_enabled:
            return
        _, circulating = supplies(block, height, self.state, self.params, rules)
        each = after.emission_per_unit_staked_token
        month = str(monthly_emission(Fixed18.from_decimal(each), block.staked))
        target = "EventRecalculateTargetEmission"
        self.months += [
            (block.height, "EventTokenomicsSet", "circulating_supply", str(circulating)),
            (block.height, "EventTokenomicsSet", "emissions_amount", month),
            (block.height, target, "emission_per_unit_staked_token", plain_text(each)),
            (block.height, target, "emission_per_month", month),
            (block.height, target, "block_emission", str(after.block_emission)),
        ]

    def _usual(self, height: int) -> MintedBlock | None:
        """What a block like the one before mints: no new month, no cap, the same split."""
        last, state = self._same, self.state
        months = self.params.blocks_per_month
        if (
            last is None
            or last.emission != state.block_emission
            or (height - self.emission_start) % months == 1
            or height % months == 1
            or not self.enabled
        ):
            return None
        # Coins that lie there already are spent first, and may be more than the emission.
        minted = max(state.block_emission - self.ecosystem, 0)
        if minted > ecosystem_remaining(state.ecosystem_minted, self.params):
            return None
        after = replace(state, ecosystem_minted=state.ecosystem_minted + minted)
        return MintedBlock(minted, last.emission, last.validators, last.rewards, after)

    def changed(self) -> None:
        """Forget the usual block, after parameters changed."""
        self._same = None

    def paid(self, height: int, before: int, paid: PaidBlock, rules: Rules) -> None:
        """Count a block's rewards for the reputers' share."""
        block = EmissionBlock(height, 0, 0, emission_start=self.emission_start)
        after = rewards_paid(block, before, paid, self.state, self.params, rules)
        at = emission_height(height, self.emission_start, rules)
        if (
            rules.reputers_percentage != "monthly"
            and before
            and at % self.params.blocks_per_month == 0
        ):
            self.shares.append((height, after.reputers_percentage))
        if after.reputers_percentage != self.state.reputers_percentage:
            self.changed()
        self.state = after

    def written(self, module: Mapping[str, str]) -> MintParams:
        """Parameters out of the texts of the module's."""
        changes: dict[str, Any] = {
            each.name: (int if isinstance(getattr(self.params, each.name), int) else Decimal)(
                module[each.name]
            )
            for each in fields(self.params)
            if each.name in module
        }
        return replace(self.params, **changes)

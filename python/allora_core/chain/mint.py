"""The mint from block to block, and the accounts that rewards come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from typing import Any

from ..emission import begin_block, rewards_paid
from ..reference.emission import ecosystem_remaining
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
        staked: base units staked with validators and reputers, as last recorded.
        enabled: whether anything is emitted.
        height: the last block begun.
    """

    computes: bool = False
    state: EmissionState = field(default_factory=EmissionState)
    params: MintParams = field(default_factory=MintParams)
    ecosystem: int = 0
    rewards: int | None = None
    emission: int = 0
    staked: int = 0
    enabled: bool = True
    emission_start: int = 0
    height: int = 0
    rows: list[tuple[int, int, int]] = field(default_factory=list)
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
        self.state = minted.state
        self.ecosystem += minted.minted - minted.emission
        self.emission = minted.rewards
        self.rewards = (self.rewards or 0) + minted.rewards
        self.rows.append((height, minted.minted, minted.rewards))

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
            or self.ecosystem > state.block_emission
        ):
            return None
        minted = state.block_emission - self.ecosystem
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

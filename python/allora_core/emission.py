"""The emission in the compiled engine, in the mint's fixed-point numbers.

>>> from allora_core.emission import begin_block
>>> from allora_core.topics import EmissionBlock, EmissionState
>>> block = EmissionBlock(height=7, ecosystem_balance=400, staked=10**20)
>>> minted = begin_block(block, EmissionState(block_emission=1000))
>>> (minted.minted, minted.validators, minted.rewards)
(600, 250, 750)
"""

from __future__ import annotations

from dataclasses import asdict, fields
from decimal import Decimal
from functools import cache

from . import _core
from .reference.emission import require_usable, rewards_paid
from .reference.rules import Rules, rules_at
from .topics import EmissionBlock, EmissionError, EmissionState, MintedBlock, MintParams

__all__ = ["begin_block", "rewards_paid"]

_HEIGHTS = ("height", "emission_start", "months_unlocked", "emission_enabled")


@cache
def choices_of(rules: Rules) -> dict[str, str]:
    """Rules as the engine takes them; they are looked at in every block."""
    return asdict(rules)


def begin_block(
    block: EmissionBlock,
    state: EmissionState,
    params: MintParams | None = None,
    rules: str | Rules = "v0.17",
) -> MintedBlock:
    """Return what a block mints and passes on, in base units.

    Coins that already lie in the ecosystem account are spent before anything is minted. Until v0.9
    a block at the supply cap emits more than the account holds, and the network's transfer fails.

    Raises:
        EmissionError: names the field at fault.
    """
    params = params or MintParams()
    require_usable(block, state, params)
    chosen = rules_at(rules) if isinstance(rules, str) else rules
    heights = {name: getattr(block, name) for name in _HEIGHTS}
    values = {
        each.name: getattr(part, each.name)
        for part in (params, state, block)
        for each in fields(part)
    }
    blocks_per_month = values.pop("blocks_per_month")
    texts = {name: str(value) for name, value in values.items() if name not in _HEIGHTS}
    found = _core.emission_block(
        choices_of(chosen), texts, **heights, blocks_per_month=blocks_per_month
    )
    if isinstance(found, tuple):
        raise EmissionError(*found)
    numbers = {name: Decimal(text) for name, text in found.items()}
    whole = {name: int(value) for name, value in numbers.items()}
    after = EmissionState(
        emission_per_unit_staked_token=numbers["emission_per_unit_staked_token"],
        block_emission=whole["block_emission"],
        ecosystem_minted=whole["ecosystem_minted"],
        reputers_percentage=numbers["reputers_percentage"],
        month_reputers=whole["month_reputers"],
        month_everyone=whole["month_everyone"],
    )
    return MintedBlock(
        minted=whole["minted"],
        emission=whole["emission"],
        validators=whole["validators"],
        rewards=whole["rewards"],
        state=after,
    )

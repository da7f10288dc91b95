"""The emission: how much is minted each block, and for whom.

Once a month the emission per unit of staked token follows its target, under a cap:
target = (f_e*(T/N_s))*(N_c/max supply), cap = yield/((1 - v)*r + v),
e = alpha*min(target, cap) + (1 - alpha)*e_before; a block emits trunc(e*N_s)/blocks per month.

Sources: allora-chain v0.6, ``x/mint/keeper/emissions.go``, ``x/mint/module/abci.go``,
``x/emissions/module/rewards/rewards.go``; rewards, sections 10.7 and 11.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from decimal import Decimal

from allora_core.reference.faults import require_finite
from allora_core.reference.fixed18 import Fixed18, cut_quotient, whole
from allora_core.reference.number import ZERO, NumberError, quotient
from allora_core.reference.rules import Rules
from allora_core.topics import (
    EmissionBlock,
    EmissionError,
    EmissionState,
    MintedBlock,
    MintParams,
    PaidBlock,
)

__all__ = [
    "begin_block",
    "capped_target",
    "ecosystem_remaining",
    "emission_average",
    "emission_cap",
    "emission_height",
    "emission_target",
    "locked_tokens",
    "monthly_emission",
    "reputers_percentage",
    "require_usable",
    "rewards_paid",
    "supplies",
    "unlocked_months",
]

_CLIFF, _VESTED, _FOUNDATION_VESTED, _LAST_MONTH = 12, 36, 24, 84


@contextmanager
def _located(field: str) -> Iterator[None]:
    """Turn a NumberError inside the block into an EmissionError of this field."""
    try:
        yield
    except NumberError as fault:
        raise EmissionError(field, fault.cause) from fault


def emission_height(height: int, emission_start: int, rules: Rules) -> int:
    """Return the height that months count by: the chain's, or since the emission started."""
    return height - emission_start if rules.emission_height == "since_start" else height


def unlocked_months(height: int, months_given: int, params: MintParams, rules: Rules) -> int:
    """Return the whole months gone; since v0.13 at least those given, and 0 to 84."""
    months = height // params.blocks_per_month
    if rules.vesting == "rounded_quotient":
        return months
    return min(max(months, months_given, 0), _LAST_MONTH)


def locked_tokens(months: int, params: MintParams, rules: Rules) -> int:
    """Return the tokens still locked after whole months.

    Preseed, investors and team: all before month 12, then the share (36 - m)/36. Since v0.13 the
    foundation's locked part falls over 24 months; participants have nothing locked.
    """
    shares = (
        params.investors_preseed_percent_of_total_supply,
        params.investors_percent_of_total_supply,
        params.team_percent_of_total_supply,
    )
    locked = sum(_vesting(_full(share, params), months, rules) for share in shares)
    if rules.vesting == "whole_months" and months < _FOUNDATION_VESTED:
        full = _full(params.foundation_treasury_percent_of_total_supply, params)
        part = full
        if rules.foundation_lock == "share":
            share = Fixed18.from_decimal(params.foundation_locked_share)
            part = (share * Fixed18.from_int(full)).truncated()
        locked += cut_quotient(part * (_FOUNDATION_VESTED - months), _FOUNDATION_VESTED)
    return locked


def _full(share: Decimal, params: MintParams) -> int:
    supply = Fixed18.from_int(params.max_supply)
    return (Fixed18.from_decimal(share) * supply).truncated()


def _vesting(full: int, months: int, rules: Rules) -> int:
    if months < _CLIFF:
        return full
    if months >= _VESTED:
        return 0
    left = _VESTED - months
    if rules.vesting == "whole_months":
        return cut_quotient(full * left, _VESTED)
    share = Fixed18.from_int(left) / Fixed18.from_int(_VESTED)
    return (share * Fixed18.from_int(full)).truncated()


def ecosystem_remaining(minted: int, params: MintParams) -> int:
    """Return what the ecosystem may still mint: trunc(max supply * share) - minted."""
    return whole(_full(params.ecosystem_treasury_percent_of_total_supply, params) - minted)


def emission_target(ecosystem: int, staked: int, circulating: int, params: MintParams) -> Fixed18:
    """Return (f_e*(T/N_s))*(N_c/max supply); no stake, or a negative result, is a fault."""
    f_emission = Fixed18.from_decimal(params.f_emission)
    of_supply = Fixed18.from_int(circulating) / Fixed18.from_int(params.max_supply)
    of_stake = Fixed18.from_int(ecosystem) / Fixed18.from_int(staked)
    target = (f_emission * of_stake) * of_supply
    if target.units < 0:
        raise NumberError("out_of_range")
    return target


def emission_cap(reputers: Fixed18, params: MintParams) -> Fixed18:
    """Return the maximum monthly percentage yield over ((1 - v)*r) + v."""
    validators = Fixed18.from_decimal(params.validators_vs_allora_percent_reward)
    stakers = (Fixed18.from_int(1) - validators) * reputers + validators
    return Fixed18.from_decimal(params.maximum_monthly_percentage_yield) / stakers


def capped_target(target: Fixed18, cap: Fixed18) -> Fixed18:
    """Return the smaller of both."""
    return min(target, cap)


def emission_average(target: Fixed18, previous: Fixed18, alpha: Fixed18) -> Fixed18:
    """Return alpha*target + (1 - alpha)*previous, without a shortcut for equal values."""
    return alpha * target + (Fixed18.from_int(1) - alpha) * previous


def monthly_emission(emission_per_unit: Fixed18, staked: int) -> int:
    """Return trunc(e*N_s)."""
    return emission_per_unit.times(staked).truncated()


def reputers_percentage(reputers: int, everyone: int) -> Decimal:
    """Return the reputers' share of a month's rewards, 34 digits; 0 of nothing."""
    return quotient(Decimal(reputers), Decimal(everyone)) if everyone else ZERO


def begin_block(
    block: EmissionBlock, state: EmissionState, params: MintParams, rules: Rules
) -> MintedBlock:
    """Return what a block mints and passes on.

    Coins that already lie in the ecosystem account are spent before anything is minted. Until v0.9
    a block at the supply cap emits more than the account holds (``emission`` above
    ``ecosystem_balance + minted``), and the network's transfer then fails.

    Raises:
        EmissionError: names the field at fault.
    """
    require_usable(block, state, params)
    height = emission_height(block.height, block.emission_start, rules)
    new_month = height % params.blocks_per_month == 1 and height > 0
    if new_month and rules.reputers_percentage == "monthly":
        percentage = reputers_percentage(state.month_reputers, state.month_everyone)
        state = replace(state, reputers_percentage=percentage, month_reputers=0, month_everyone=0)
    if not block.emission_enabled:
        return MintedBlock(0, 0, 0, 0, state)
    if new_month:
        state = _new_month(block, height, state, params, rules)
    return _minted(block, state, params, rules)


def require_usable(block: EmissionBlock, state: EmissionState, params: MintParams) -> None:
    """Refuse amounts that no account can hold, and parameters that no network has.

    Raises:
        EmissionError: names the field.
    """
    for owner, prefix in ((params, "params."), (state, "")):
        for each in fields(owner):
            value = getattr(owner, each.name)
            if isinstance(value, Decimal):
                with _located(prefix + each.name):
                    require_finite(value)
    if block.height < 0:
        raise EmissionError("height", "out_of_range")
    if params.blocks_per_month < 1:
        raise EmissionError("params.blocks_per_month", "out_of_range")
    if params.max_supply < 1:
        raise EmissionError("params.max_supply", "out_of_range")
    amounts = {
        "params.max_supply": params.max_supply,
        "ecosystem_balance": block.ecosystem_balance,
        "staked": block.staked,
        "block_emission": state.block_emission,
        "ecosystem_minted": state.ecosystem_minted,
        "month_reputers": state.month_reputers,
        "month_everyone": state.month_everyone,
    }
    for field, amount in amounts.items():
        if amount < 0:
            raise EmissionError(field, "out_of_range")
        with _located(field):
            whole(amount)


def supplies(
    block: EmissionBlock, height: int, state: EmissionState, params: MintParams, rules: Rules
) -> tuple[int, int]:
    """Return what is left to the ecosystem and what circulates, before a block mints.

    Args:
        height: that months count by.

    Raises:
        EmissionError: ``circulating_supply``.
    """
    with _located("circulating_supply"):
        months = unlocked_months(height, block.months_unlocked, params, rules)
        locked = locked_tokens(months, params, rules)
        remaining = ecosystem_remaining(state.ecosystem_minted, params)
        ecosystem = whole(block.ecosystem_balance + remaining)
        circulating = whole(params.max_supply - locked - ecosystem)
        if circulating < 0:
            raise NumberError("out_of_range")
    return ecosystem, circulating


def _new_month(
    block: EmissionBlock, height: int, state: EmissionState, params: MintParams, rules: Rules
) -> EmissionState:
    """Return the state with the new month's emission."""
    ecosystem, circulating = supplies(block, height, state, params, rules)
    with _located("emission_target"):
        target = emission_target(ecosystem, block.staked, circulating, params)
    with _located("reputers_percentage"):
        cuts = rules.decimal_functions == "programs"
        cap = emission_cap(Fixed18.from_decimal(state.reputers_percentage, cuts), params)
    with _located("emission_per_unit_staked_token"):
        target = capped_target(target, cap)
        previous = target
        if height >= params.blocks_per_month:
            previous = Fixed18.from_decimal(state.emission_per_unit_staked_token)
        alpha = Fixed18.from_decimal(params.one_month_smoothing_degree)
        average = emission_average(target, previous, alpha)
        emission = monthly_emission(average, block.staked)
        if emission < 0:
            raise NumberError("out_of_range")
    return replace(
        state,
        emission_per_unit_staked_token=average.to_decimal(),
        block_emission=emission // params.blocks_per_month,
    )


def _minted(
    block: EmissionBlock, state: EmissionState, params: MintParams, rules: Rules
) -> MintedBlock:
    """Mint what the ecosystem account lacks, and split the emission."""
    emission, minted = state.block_emission, 0
    with _located("ecosystem_minted"):
        if emission > block.ecosystem_balance:
            lacking = emission - block.ecosystem_balance
            minted = min(lacking, ecosystem_remaining(state.ecosystem_minted, params))
            if minted < 0:
                raise NumberError("out_of_range")
            if minted < lacking and rules.supply_cap == "limited":
                emission = block.ecosystem_balance + minted
    with _located("validators_vs_allora_percent_reward"):
        share = Fixed18.from_decimal(params.validators_vs_allora_percent_reward)
        validators = (share * Fixed18.from_int(emission)).truncated()
        # A negative share leaves more than the emission, which no integer of the chain may hold.
        rewards = whole(emission - validators)
    with _located("ecosystem_minted"):
        after = replace(state, ecosystem_minted=whole(state.ecosystem_minted + minted))
    return MintedBlock(minted, emission, validators, rewards, after)


def rewards_paid(
    block: EmissionBlock,
    rewards_balance: int,
    paid: PaidBlock,
    state: EmissionState,
    params: MintParams,
    rules: Rules,
) -> EmissionState:
    """Return the mint's state after a block's rewards.

    Since v0.12 the month's counters rise. Before, only a block at the end of a month counts:
    its reputers' task rewards over the balance of the rewards account before it was paid from.
    """
    if rules.reputers_percentage == "monthly":
        return replace(
            state,
            month_reputers=state.month_reputers + paid.reputers,
            month_everyone=state.month_everyone + paid.everyone,
        )
    height = emission_height(block.height, block.emission_start, rules)
    if rewards_balance == 0 or height % params.blocks_per_month != 0:
        return state
    with _located("reputers_percentage"):
        percentage = quotient(paid.reputer_task_reward, Decimal(rewards_balance))
    return replace(state, reputers_percentage=percentage)

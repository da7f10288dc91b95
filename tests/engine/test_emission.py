"""The mint in the engine is that of the reference, digit for digit."""

from __future__ import annotations

import os
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allora_core import _core
from allora_core.emission import begin_block
from allora_core.reference import NumberError, rules_at
from allora_core.reference import emission as reference
from allora_core.reference.fixed18 import Fixed18
from allora_core.testing import assert_equal
from allora_core.topics import EmissionBlock, EmissionError, EmissionState, MintParams

EXAMPLES = int(os.environ.get("ALLORA_CORE_HISTORIES", "100"))
SETTINGS = settings(max_examples=3 * EXAMPLES, deadline=None)
VERSIONS = ["v0.6", "v0.10", "v0.12", "v0.17"]
D = Decimal
MONTH = 864000

AMOUNTS = st.one_of(
    st.sampled_from((0, 1, 10**18, 10**27)),
    st.integers(0, 10**27),
    st.integers(2**255, 2**256 + 1),
    st.just(-1),
)
SHARES = st.one_of(
    st.sampled_from((D(0), D("0.25"), D("0.3333333333333333333333"), D(1), D("-0.5"), D("NaN"))),
    st.integers(0, 10**18).map(lambda units: D(units).scaleb(-18)),
)
HEIGHTS = st.sampled_from((-1, 0, 1, 2, MONTH, MONTH + 1, 13 * MONTH + 1, 37 * MONTH + 1, 10**9))


@SETTINGS
@given(
    st.sampled_from(("add", "sub", "mul", "quo", "truncate")),
    st.one_of(st.integers(-(10**20), 10**20), st.integers(-(2**310), 2**310)),
    st.one_of(st.integers(-(10**20), 10**20), st.integers(-(2**310), 2**310), st.just(0)),
)
def test_fixed_point_numbers(name: str, x: int, y: int) -> None:
    first, second = Fixed18(x), Fixed18(y)
    try:
        expected = {
            "add": lambda: first + second,
            "sub": lambda: first - second,
            "mul": lambda: first * second,
            "quo": lambda: first / second,
            "truncate": lambda: Fixed18.from_int(first.truncated()),
        }[name]()
    except NumberError as fault:
        wanted = fault.cause
    else:
        wanted = _core.format_decimals(*_core.parse_decimals([str(expected.to_decimal())]))[0]
    found = _core.fixed18_operation(name, str(first.to_decimal()), str(second.to_decimal()))
    assert found == wanted


def outcome(call: Any, *arguments: Any) -> Any:
    try:
        return call(*arguments)
    except EmissionError as fault:
        return str(fault)


@st.composite
def mint_params(draw: st.DrawFn) -> MintParams:
    if draw(st.booleans()):
        return MintParams()
    return MintParams(
        max_supply=draw(AMOUNTS),
        f_emission=draw(SHARES),
        one_month_smoothing_degree=draw(SHARES),
        maximum_monthly_percentage_yield=draw(SHARES),
        ecosystem_treasury_percent_of_total_supply=draw(SHARES),
        foundation_locked_share=draw(SHARES),
        team_percent_of_total_supply=draw(SHARES),
        validators_vs_allora_percent_reward=draw(SHARES),
        blocks_per_month=draw(st.sampled_from((MONTH, MONTH, 100, 1, 0))),
    )


@pytest.mark.parametrize("version", VERSIONS)
@SETTINGS
@given(data=st.data())
def test_engine_equals_reference(version: str, data: st.DataObject) -> None:
    state = EmissionState(
        emission_per_unit_staked_token=data.draw(SHARES),
        block_emission=data.draw(AMOUNTS),
        ecosystem_minted=data.draw(st.sampled_from((0, 10**20, 359 * 10**24, 10**27))),
        reputers_percentage=data.draw(SHARES),
        month_reputers=data.draw(AMOUNTS),
        month_everyone=data.draw(AMOUNTS),
    )
    block = EmissionBlock(
        data.draw(HEIGHTS),
        data.draw(st.one_of(st.sampled_from((0, 10**20)), AMOUNTS)),
        data.draw(AMOUNTS),
        emission_start=data.draw(st.sampled_from((0, 0, 1, MONTH))),
        months_unlocked=data.draw(st.sampled_from((0, 12, 100, -1))),
        emission_enabled=data.draw(st.sampled_from((True, True, True, False))),
    )
    params, rules = data.draw(mint_params()), rules_at(version)
    expected = outcome(reference.begin_block, block, state, params, rules)
    assert_equal(expected, outcome(begin_block, block, state, params, rules))


@pytest.mark.parametrize("share", ["team", "foundation"])
def test_negative_shares_are_cut_toward_zero(share: str) -> None:
    """No chain takes such a share; its integers would divide it like this."""
    name = f"{share}_{'treasury_' if share == 'foundation' else ''}percent_of_total_supply"
    params = replace(MintParams(max_supply=10**27 + 1), **{name: D("-0.5")})
    rules, months = rules_at("v0.17"), 13
    block = EmissionBlock(months * MONTH + 1, 0, 10**26)
    expected = reference.begin_block(block, EmissionState(), params, rules)
    assert_equal(expected, begin_block(block, EmissionState(), params, rules))
    whole = replace(params, **{name: D(0)})
    held = reference.locked_tokens(months, params, rules)
    part = -((10**27 + 1) // 2)
    left, of = (23, 36) if share == "team" else (11, 24)
    if share == "foundation":
        part = -(-part * 885 // 1000)
    assert held - reference.locked_tokens(months, whole, rules) == -(-part * left // of)


@pytest.mark.parametrize("version", VERSIONS)
def test_eight_years(version: str) -> None:
    """Month after month, until the supply cap: the state of one block feeds the next."""
    rules, params = rules_at(version), replace(MintParams(), blocks_per_month=10)
    state, there = EmissionState(), EmissionState()
    staked, minted_before = 4 * 10**26, 0
    for height in range(1, 961):
        balance = height % 7 * 10**22
        block = EmissionBlock(height, balance, staked + height * 10**22)
        expected = reference.begin_block(block, state, params, rules)
        found = begin_block(block, there, params, rules)
        assert_equal(expected, found)
        state, there = expected.state, found.state
        assert state.ecosystem_minted == minted_before + expected.minted
        minted_before = state.ecosystem_minted
    assert 0 < state.ecosystem_minted <= reference.ecosystem_remaining(0, params)

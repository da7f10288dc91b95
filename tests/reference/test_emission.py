"""The mint: its fixed-point numbers, a month's emission, a block's split, locked tokens."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allora_core.reference import rules_at
from allora_core.reference.emission import (
    begin_block,
    ecosystem_remaining,
    locked_tokens,
    reputers_percentage,
    rewards_paid,
    unlocked_months,
)
from allora_core.reference.fixed18 import Fixed18
from allora_core.reference.number import NumberError
from allora_core.topics import (
    EmissionBlock,
    EmissionError,
    EmissionState,
    MintParams,
    PaidBlock,
)

D = Decimal
V06, V12, V17 = rules_at("v0.6"), rules_at("v0.12"), rules_at("v0.17")
PARAMS = MintParams()
MONTH = PARAMS.blocks_per_month
STAKED = 4 * 10**26
UNIT = 10**18


def fixed(text: str) -> Fixed18:
    return Fixed18.from_decimal(D(text))


@pytest.mark.parametrize(
    ("x", "y", "units"),
    [
        ("1.5", "0.000000000000000001", 2),
        ("0.5", "0.000000000000000001", 0),
        ("2.5", "0.000000000000000001", 2),
        ("-1.5", "0.000000000000000001", -2),
        ("-0.5", "0.000000000000000001", 0),
        ("0.500000000000000001", "0.000000000000000001", 1),
        ("3", "-7.1", -21_300_000_000_000_000_000),
    ],
)
def test_product_rounds_half_to_even(x: str, y: str, units: int) -> None:
    assert (fixed(x) * fixed(y)).units == units


@pytest.mark.parametrize(
    ("x", "y", "units"),
    [
        ("1", "3", 333333333333333333),
        ("2", "3", 666666666666666667),
        ("-2", "3", -666666666666666667),
        ("0.000000000000000001", "2", 0),
        ("0.000000000000000003", "2", 2),
        ("0.000000000000000005", "2", 2),
    ],
)
def test_quotient_rounds_half_to_even(x: str, y: str, units: int) -> None:
    assert (fixed(x) / fixed(y)).units == units


def test_quotient_is_cut_before_it_is_rounded() -> None:
    """One unit over 2 - 10^-18 lies a quarter of 10^-36 above half a unit: cut, it is a tie."""
    assert (Fixed18(1) / fixed("1.999999999999999999")).units == 0
    assert (Fixed18(3) / fixed("1.999999999999999999")).units == 2
    assert (Fixed18(1) / fixed("1.999999999999999996")).units == 1


@given(st.integers(-(10**60), 10**60), st.integers(-(10**40), 10**40))
def test_against_fractions(x: int, y: int) -> None:
    a, b = Fixed18(x), Fixed18(y)
    assert (a + b).units == x + y
    assert (a - b).units == x - y
    assert (a * b).units == round(Fraction(x * y, UNIT))
    if y:
        cut = Fraction(int(Fraction(abs(x) * UNIT * UNIT, abs(y))), UNIT)
        rounded = round(cut)
        assert (a / b).units == (rounded if (x < 0) == (y < 0) else -rounded)
    assert a.truncated() == int(Fraction(x, UNIT))


def test_limits() -> None:
    largest = Fixed18(2**256 * UNIT - 1)
    assert largest.truncated() == 2**256 - 1
    for call in (
        lambda: largest + Fixed18(1),
        lambda: largest * fixed("1.1"),
        lambda: Fixed18.from_int(2**256),
        lambda: largest.times(2),
        lambda: largest / fixed("0.5"),
        lambda: Fixed18.from_decimal(D("1E+100000")),
    ):
        with pytest.raises(NumberError, match="overflow"):
            call()
    with pytest.raises(NumberError, match="div_zero"):
        fixed("1") / fixed("0")
    with pytest.raises(NumberError, match="rounded"):
        fixed("0.3333333333333333333")
    assert Fixed18.from_decimal(D("0.3333333333333333339"), cuts=True).units == 333333333333333333
    assert Fixed18.from_decimal(D("-1E-30"), cuts=True).units == 0


def first_month(**changes: object) -> EmissionBlock:
    return replace(EmissionBlock(1, 0, STAKED), **changes)  # type: ignore[arg-type]


def test_first_month_by_hand() -> None:
    """T = 0.3595e27, N_c = supply - locked - T; the target is below the cap."""
    minted = begin_block(first_month(), EmissionState(), PARAMS, V06)
    circulating = Fraction(10**27) - Fraction(4855, 10**4) * 10**27 - Fraction(3595, 10**4) * 10**27
    target = Fraction(25, 1000) * Fraction(3595, 4000) * circulating / 10**27
    assert minted.state.emission_per_unit_staked_token == D(target.numerator) / target.denominator
    assert minted.emission == int(target * STAKED) // MONTH
    assert (minted.minted, minted.validators) == (minted.emission, minted.emission // 4)
    assert minted.rewards == minted.emission - minted.validators
    assert minted.state.ecosystem_minted == minted.minted


def test_cap_binds_when_little_is_staked() -> None:
    minted = begin_block(first_month(staked=10**24), EmissionState(), PARAMS, V06)
    cap = fixed("0.0095") / (fixed("0.75") * fixed("0.3") + fixed("0.25"))
    assert minted.state.emission_per_unit_staked_token == cap.to_decimal()


def test_later_month_is_averaged() -> None:
    state = EmissionState(D("0.001"), 5, ecosystem_minted=10**20)
    once = begin_block(first_month(), EmissionState(ecosystem_minted=10**20), PARAMS, V06)
    minted = begin_block(first_month(height=MONTH + 1), state, PARAMS, V06)
    target = fixed(str(once.state.emission_per_unit_staked_token))
    expected = fixed("0.1") * target + fixed("0.9") * fixed("0.001")
    assert abs(fixed(str(minted.state.emission_per_unit_staked_token)).units - expected.units) <= 1


@pytest.mark.parametrize("height", [2, MONTH, 5 * MONTH + 7])
def test_between_months_the_amount_stays(height: int) -> None:
    state = EmissionState(D("0.001"), block_emission=1003)
    minted = begin_block(first_month(height=height, ecosystem_balance=3), state, PARAMS, V17)
    assert (minted.minted, minted.emission) == (1000, 1003)
    assert (minted.validators, minted.rewards) == (250, 753)
    assert minted.state == replace(state, ecosystem_minted=1000)


def test_ecosystem_balance_is_spent_first() -> None:
    state = EmissionState(block_emission=1000)
    for balance, minted in ((0, 1000), (500, 500), (1000, 0), (5000, 0)):
        block = first_month(height=7, ecosystem_balance=balance)
        assert begin_block(block, state, PARAMS, V17).minted == minted


def test_supply_cap_by_version() -> None:
    """Ten units may still be minted: v0.6 pays what it does not have."""
    cap = ecosystem_remaining(0, PARAMS)
    state = EmissionState(block_emission=1000, ecosystem_minted=cap - 10)
    block = first_month(height=7, ecosystem_balance=100)
    over = begin_block(block, state, PARAMS, V06)
    assert (over.minted, over.emission) == (10, 1000)
    limited = begin_block(block, state, PARAMS, V17)
    assert (limited.minted, limited.emission, limited.validators) == (10, 110, 27)
    assert ecosystem_remaining(limited.state.ecosystem_minted, PARAMS) == 0
    again = begin_block(block, limited.state, PARAMS, V17)
    assert (again.minted, again.emission) == (0, 100)


@given(st.lists(st.integers(0, 3 * 10**26), max_size=6))
def test_minted_and_left_are_constant(balances: list[int]) -> None:
    state = EmissionState(block_emission=10**26)
    for balance in balances:
        before = state.ecosystem_minted
        minted = begin_block(first_month(height=7, ecosystem_balance=balance), state, PARAMS, V17)
        state = minted.state
        assert state.ecosystem_minted == before + minted.minted
        assert state.ecosystem_minted + ecosystem_remaining(state.ecosystem_minted, PARAMS) == (
            ecosystem_remaining(0, PARAMS)
        )
        assert minted.validators + minted.rewards == minted.emission
        assert minted.emission <= balance + minted.minted


def test_switched_off() -> None:
    state = EmissionState(block_emission=9, month_reputers=1, month_everyone=4)
    off = begin_block(first_month(height=7, emission_enabled=False), state, PARAMS, V17)
    assert (off.minted, off.emission, off.rewards, off.state) == (0, 0, 0, state)
    # The percentage is evaluated at the change of the month all the same.
    off = begin_block(first_month(emission_enabled=False), state, PARAMS, V17)
    assert off.state == EmissionState(block_emission=9, reputers_percentage=D("0.25"))


def test_month_counts_from_the_start_since_v013() -> None:
    block = first_month(height=5 * MONTH + 8, emission_start=7)
    assert begin_block(block, EmissionState(), PARAMS, V12).emission == 0
    assert begin_block(block, EmissionState(), PARAMS, V17).emission > 0


def test_percentage_of_the_last_block() -> None:
    paid = PaidBlock(0, 0, 1, 4, D("2.5"))
    end = first_month(height=3 * MONTH)
    after = rewards_paid(end, 10, paid, EmissionState(), PARAMS, V06)
    assert after.reputers_percentage == D("0.25")
    assert rewards_paid(end, 0, paid, EmissionState(), PARAMS, V06) == EmissionState()
    early = first_month(height=3 * MONTH - 1)
    assert rewards_paid(early, 10, paid, EmissionState(), PARAMS, V06) == EmissionState()


def test_monthly_counters() -> None:
    state = EmissionState()
    for height in range(2, 5):
        paid = PaidBlock(0, 0, 10, 50, D(10))
        state = rewards_paid(first_month(height=height), 99, paid, state, PARAMS, V17)
    assert (state.month_reputers, state.month_everyone) == (30, 150)
    after = begin_block(first_month(height=MONTH + 1), state, PARAMS, V17).state
    assert after.reputers_percentage == D("0.2")
    assert (after.month_reputers, after.month_everyone) == (0, 0)
    assert reputers_percentage(0, 0) == 0


def test_long_percentage_by_version() -> None:
    """34 digits do not fit 18 places: until the new programs that stops the block."""
    state = EmissionState(reputers_percentage=D(1) / D(3))
    with pytest.raises(EmissionError) as caught:
        begin_block(first_month(), state, PARAMS, V06)
    assert (caught.value.field, caught.value.cause) == ("reputers_percentage", "rounded")
    assert begin_block(
        first_month(), replace(state, month_everyone=3, month_reputers=1), PARAMS, V17
    )


@pytest.mark.parametrize("rules", [V06, V17])
def test_locked_never_rises(rules: object) -> None:
    locked = [locked_tokens(month, PARAMS, rules) for month in range(90)]
    assert locked == sorted(locked, reverse=True)
    assert locked[-1] == 0
    assert locked[36] == 0


def test_locked_by_version() -> None:
    """v0.6 rounds the quotient to 18 places first: 24/36 of the full amounts, and a little more."""
    params = replace(PARAMS, max_supply=10**27)
    cliff = 485500000000000000000000000
    assert locked_tokens(11, params, V06) == cliff
    rounded = fixed("0.666666666666666667")
    shares = [fixed("0.05"), fixed("0.2605"), fixed("0.175")]
    full = [(share * Fixed18.from_int(10**27)).truncated() for share in shares]
    expected = sum((rounded * Fixed18.from_int(amount)).truncated() for amount in full)
    assert locked_tokens(12, params, V06) == expected
    assert locked_tokens(24, params, V17) == sum(amount // 3 for amount in full)
    foundation = 88500000000000000000000000
    assert locked_tokens(0, params, V17) == cliff + foundation
    assert locked_tokens(18, params, V17) == sum(a * 18 // 36 for a in full) + foundation // 4


def test_months() -> None:
    assert unlocked_months(100 * MONTH, 0, PARAMS, V06) == 100
    assert unlocked_months(100 * MONTH, 0, PARAMS, V17) == 84
    assert unlocked_months(5 * MONTH - 1, 3, PARAMS, V17) == 4
    assert unlocked_months(5 * MONTH - 1, 9, PARAMS, V17) == 9
    assert unlocked_months(MONTH, -3, PARAMS, V17) == 1


@pytest.mark.parametrize(
    ("block", "params", "field", "cause"),
    [
        (first_month(staked=0), PARAMS, "emission_target", "div_zero"),
        (first_month(staked=-1), PARAMS, "staked", "out_of_range"),
        (first_month(height=-1), PARAMS, "height", "out_of_range"),
        (first_month(ecosystem_balance=-1), PARAMS, "ecosystem_balance", "out_of_range"),
        (first_month(ecosystem_balance=10**27), PARAMS, "circulating_supply", "out_of_range"),
        (first_month(), replace(PARAMS, max_supply=0), "params.max_supply", "out_of_range"),
        (
            first_month(),
            replace(PARAMS, blocks_per_month=0),
            "params.blocks_per_month",
            "out_of_range",
        ),
        (first_month(), replace(PARAMS, f_emission=D("NaN")), "params.f_emission", "nan"),
        (
            first_month(),
            replace(PARAMS, validators_vs_allora_percent_reward=D("1E-19")),
            "reputers_percentage",
            "rounded",
        ),
    ],
)
def test_bad_input(block: EmissionBlock, params: MintParams, field: str, cause: str) -> None:
    with pytest.raises(EmissionError) as caught:
        begin_block(block, EmissionState(), params, V06)
    assert (caught.value.field, caught.value.cause) == (field, cause)
    assert field in str(caught.value)
    assert cause in str(caught.value)

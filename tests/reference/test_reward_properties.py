"""What must hold for every topic's scores and rewards, whatever the numbers are."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from allora_core.epoch import Epoch, Params, Report, State, ValueBundle
from allora_core.reference import Rules, reward, rules_at
from allora_core.reference.consensus import loss_columns
from allora_core.reference.listening import adjusted_stakes, reputer_scores
from allora_core.reference.network_loss import accepted_reports, network_losses
from allora_core.reference.number import UNBOUNDED, add, multiply, quotient
from allora_core.reference.reward_fraction import (
    reputer_fractions,
    worker_fractions,
)
from allora_core.reference.statistics import ema, quantile
from allora_core.reference.topic_reward import Entropies, normalisation, task_rewards, utility
from allora_core.testing import assert_equal
from allora_core.testing.strategies import histories

RULES = {version: rules_at(version) for version in ("v0.6", "v0.17")}
STYLES: Any = ("ordinary", "ties", "zeros", "long")
# Faults that valid input may meet: nobody left with stake behind an entry, fractions of 0 without
# a logarithm, workers without the losses that their scores are made of, and scores too far from
# the sampled ones for the exponential: v0.6 refuses it, v0.17 the logarithm of its infinity.
POSSIBLE = {"div_undefined", "div_zero", "invalid", "domain", "no_score", "length"}
POSSIBLE |= {"overflow", "underflow", "range", "infinite_arg"}
SETTINGS = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
versions = pytest.mark.parametrize("version", RULES)
shares = st.decimals("0.001", "10", places=6)


def losses_of(epoch: Epoch, rules: Rules) -> ValueBundle:
    return network_losses(epoch, accepted_reports(epoch, rules))


@st.composite
def starts(draw: st.DrawFn, version: str) -> tuple[Epoch, State, Rules]:
    """An epoch whose losses settle, and a state before its rewards."""
    rules = RULES[version]
    history = draw(histories(rules, styles=STYLES, max_epochs=1, inferers=4, forecasters=2))
    epoch = history.epochs[0]
    assume(any(report.stake for report in accepted_reports(epoch, rules).values()))
    return epoch, history.state, rules


def close(expected: Decimal, actual: Decimal, digits: int = 25) -> bool:
    """Equal up to the last digits that truncated products leave."""
    off = UNBOUNDED.subtract(expected, actual).copy_abs()
    return off <= UNBOUNDED.multiply(expected.copy_abs(), Decimal(f"1E-{digits}"))


def all_close(expected: dict[str, Decimal], actual: dict[str, Decimal]) -> bool:
    return expected.keys() == actual.keys() and all(
        close(value, actual[name]) for name, value in expected.items()
    )


@versions
def test_identical_losses_leave_coefficients_at_one(version: str) -> None:
    bundle = ValueBundle(combined=Decimal("-0.5"), naive=Decimal(1), inferer={"a": Decimal(2)})
    reports = {m: Report(Decimal(10 + at), bundle) for at, m in enumerate("xyz")}
    epoch = Epoch(1, 10, {"a": {"y": Decimal(1)}}, reports=reports, reward=Decimal(9))
    result = reward(epoch, losses_of(epoch, RULES[version]), State(1), RULES[version])
    assert set(result.state.listening_coefficient.values()) == {Decimal(1)}
    assert all(close(Decimal(100), score) for score in result.reputer_score.values())
    assert result.iterations == 1


@versions
@given(st.lists(shares, min_size=2, max_size=5), st.sampled_from(("0.5", "1", "3")))
def test_fractions_of_reputers_grow_with_stake_and_score(
    version: str, scores: list[Decimal], p: str
) -> None:
    names = [f"r{at}" for at in range(len(scores))]
    by_score = dict(zip(names, scores, strict=True))
    stakes = dict.fromkeys(names, Decimal(1000))
    before = reputer_fractions(by_score, stakes, Decimal(p), RULES[version])
    for more_score, more_stake in (("2", "1"), ("1", "2")):
        raised_score = {**by_score, "r0": multiply(by_score["r0"], Decimal(more_score))}
        raised_stake = {**stakes, "r0": multiply(stakes["r0"], Decimal(more_stake))}
        after = reputer_fractions(raised_score, raised_stake, Decimal(p), RULES[version])
        assert after["r0"] > before["r0"]
        assert all(after[m] < before[m] for m in names[1:])
    if len(names) > 2:
        fewer = {m: by_score[m] for m in names[1:]}
        left = reputer_fractions(fewer, stakes, Decimal(p), RULES[version])
        assert all(left[m] >= before[m] for m in fewer)


@versions
@given(st.lists(st.decimals("-3", "3", places=4), min_size=2, max_size=5))
def test_fractions_of_workers_grow_with_their_score(version: str, scores: list[Decimal]) -> None:
    names = [f"w{at}" for at in range(len(scores))]
    by_score = dict(zip(names, scores, strict=True))
    sample = [Decimal(-1), Decimal("0.5"), Decimal(2)]
    p, c, epsilon = Decimal(3), Decimal("0.75"), Decimal("0.01")
    shares = worker_fractions(by_score, sample, p, c, epsilon, RULES[version])
    for one in names:
        for other in names:
            if by_score[one] == by_score[other]:
                assert_equal(shares[one], shares[other])
            elif by_score[one] > by_score[other]:
                assert shares[one] > shares[other]
    alike = worker_fractions(by_score, [Decimal(7)], p, c, epsilon, RULES[version])
    assert set(alike.values()) == {quotient(Decimal(1), Decimal(len(names)))}


@given(shares, shares, shares, st.decimals("-2", "2", places=4), st.decimals("-2", "2", places=4))
def test_split_is_monotonic(
    f: Decimal, g: Decimal, h: Decimal, lower: Decimal, higher: Decimal
) -> None:
    """V grows with chi, chi with tau, W with H; U + V and W do not depend on chi."""
    params, e = Params(), Decimal(10**6)
    scores = [Decimal(1)]
    pairs = [
        utility(score, scores, Decimal(0), params)
        for score in sorted((multiply(lower, Decimal(10)), multiply(higher, Decimal(10))))
    ]
    assert pairs[0][0] <= pairs[1][0]
    assert pairs[0][1] <= pairs[1][1]
    entropies = Entropies(f, g, h)
    tasks = [task_rewards(entropies, chi, normalisation(entropies, chi), e) for _, chi in pairs]
    if pairs[0][1] < pairs[1][1]:
        assert tasks[0].forecasting < tasks[1].forecasting
    assert tasks[0].reputer == tasks[1].reputer
    both = [add(task.inference, task.forecasting) for task in tasks]
    assert close(both[0], both[1], 30)
    more = Entropies(f, g, multiply(h, Decimal(2)))
    chi = pairs[0][1]
    assert task_rewards(more, chi, normalisation(more, chi), e).reputer > tasks[0].reputer


@given(st.lists(shares, min_size=1, max_size=6), st.decimals("0", "1", places=3))
def test_averages_and_quantiles_stay_within_their_values(values: list[Decimal], q: Decimal) -> None:
    assert min(values) <= quantile(values, q) <= max(values)
    assert quantile(values, Decimal(0)) == min(values)
    assert quantile(values, Decimal(1)) == max(values)
    assert_equal(ema(Decimal("0.1"), values[0], values[0]), values[0])


@SETTINGS
@given(data=st.data())
def test_order_of_losses_does_not_matter(data: st.DataObject) -> None:
    """Reputers are scored by distances over all columns, in whatever order."""
    epoch, _, rules = data.draw(starts("v0.17"))
    reports = accepted_reports(epoch, rules)
    stakes = [report.stake for report in reports.values()]
    columns = loss_columns(reports)
    assume(all(stakes))
    ones = [Decimal(1)] * len(stakes)
    assert all(0 < stake <= 1 for stake in adjusted_stakes(ones, stakes))
    forward = reputer_scores(ones, stakes, columns, epoch.params)
    assert_equal(forward, reputer_scores(ones, stakes, columns[::-1], epoch.params))

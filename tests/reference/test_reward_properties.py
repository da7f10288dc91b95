"""What must hold for every topic's scores and rewards, whatever the numbers are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from allora_core.epoch import Epoch, Params, Report, Rewarded, State, ValueBundle
from allora_core.reference import Rules, reward, rules_at
from allora_core.reference.consensus import loss_columns
from allora_core.reference.functions import ln
from allora_core.reference.listening import adjusted_stakes, reputer_scores
from allora_core.reference.network_loss import accepted_reports, network_losses
from allora_core.reference.number import UNBOUNDED, add, multiply, quotient, subtract, total
from allora_core.reference.reward_fraction import (
    LONE_ENTROPY,
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


def rewarded(start: tuple[Epoch, State, Rules]) -> Rewarded:
    epoch, state, rules = start
    result = reward(epoch, losses_of(epoch, rules), state, rules)
    if result.fault is not None:
        assert result.fault.cause in POSSIBLE, str(result.fault)
    return result


def whole(values: Iterable[int]) -> Decimal:
    return Decimal(sum(values))


@versions
@SETTINGS
@given(data=st.data())
def test_conservation(version: str, data: st.DataObject) -> None:
    """U + V + W is E, and no task pays more than it has."""
    start = data.draw(starts(version))
    result = rewarded(start)
    if result.fault is not None:
        return
    e = start[0].reward
    parts = (
        (result.inference_task_reward, result.inferer_reward, result.inferer_paid),
        (result.forecasting_task_reward, result.forecaster_reward, result.forecaster_paid),
        (result.reputer_task_reward, result.reputer_reward, result.reputer_paid),
    )
    assert close(e, total(task for task, _, _ in parts if task is not None), 31)
    delegators = whole(result.delegators_reward.values())
    for task, rewards, paid in parts:
        assert task is not None
        extra = delegators if rewards is result.reputer_reward else Decimal(0)
        assert add(total(rewards.values()), extra) <= task
        assert whole(paid.values()) <= total(rewards.values())
        assert all(amount >= 1 for amount in paid.values())
    assert total(result.inferer_fraction.values()) <= 1
    assert close(Decimal(1), total(result.inferer_fraction.values()), 31)
    # Without a descent all scores are 0, and nothing is divided among the reputers.
    if any(result.reputer_score.values()):
        assert close(Decimal(1), total(result.reputer_fraction.values()), 31)


@versions
@SETTINGS
@given(data=st.data())
def test_bounds(version: str, data: st.DataObject) -> None:
    start = data.draw(starts(version))
    epoch, state, _ = start
    result = rewarded(start)
    params = epoch.params
    highest = quotient(Decimal(1), params.epsilon_reputer)
    assert all(0 < score <= highest for score in result.reputer_score.values()) or not (
        result.iterations
    )
    for stakes in (result.adjusted_stake, result.adjusted_stake_used):
        assert all(0 <= stake <= 1 for stake in stakes.values())
    for values in (result.inferer_fraction, result.forecaster_fraction, result.reputer_fraction):
        assert all(0 <= value <= 1 for value in values.values())
    if result.chi is not None:
        assert Decimal("0.1") <= result.chi <= Decimal("0.5")
    for role, entropy in (
        ("inferer", result.inference_entropy),
        ("forecaster", result.forecasting_entropy),
        ("reputer", result.reputer_entropy),
    ):
        actors = getattr(result, f"{role}_fraction")
        if entropy is None or not actors:
            continue
        assert entropy >= 0
        if len(actors) == 1:
            assert entropy in (LONE_ENTROPY, 0)
        elif not getattr(state, f"{role}_reward_fraction"):
            bound = ln(Decimal(len(actors)), rules_at("v0.17"))
            assert entropy <= add(bound, Decimal("1E-30"))


@versions
@SETTINGS
@given(data=st.data())
def test_enough_of_the_stake_is_listened_to(version: str, data: st.DataObject) -> None:
    """Coefficients stay in [0, 1], and the share of the stake that counts at its least value."""
    epoch, state, rules = data.draw(starts(version))
    stakes = {m: report.stake for m, report in accepted_reports(epoch, rules).items()}
    before = {m: state.listening_coefficient.get(m, Decimal(1)) for m in stakes}

    def share(coefficients: dict[str, Decimal]) -> Decimal:
        listened = total(multiply(coefficients[m], s) for m, s in stakes.items())
        return quotient(listened, total(stakes.values()))

    least = epoch.params.min_stake_fraction
    assume(share(before) >= least)
    result = rewarded((epoch, state, rules))
    if not result.reputer_score:
        return
    after = {m: result.state.listening_coefficient[m] for m in stakes}
    slack = Decimal("1E-28")
    assert all(-slack <= a <= add(Decimal(1), slack) for a in after.values())
    assert share(after) >= subtract(least, slack)


def renamed(values: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """The same values under other addresses, in address order."""
    return dict(sorted((names.get(actor, actor), value) for actor, value in values.items()))


@versions
@SETTINGS
@given(data=st.data())
def test_names_of_reputers_do_not_matter(version: str, data: st.DataObject) -> None:
    """Reputers in another order give the same numbers: sums are exact, sorting only aligns."""
    start = data.draw(starts(version))
    epoch, state, rules = start
    reputers = sorted(epoch.reports)
    names = dict(zip(reputers, reversed(reputers), strict=True))
    other = replace(
        state,
        **{
            name: renamed(getattr(state, name), names)
            for name in (
                "listening_coefficient",
                "reputer_score_ema",
                "reputer_score_height",
                "reputer_reward_fraction",
                "delegate_reward_per_share",
            )
        },
    )
    turned = replace(epoch, reports=renamed(epoch.reports, names))
    left = rewarded(start)
    right = rewarded((turned, other, rules))
    for name in ("reputer_score", "reputer_fraction", "reputer_reward", "reputer_paid"):
        assert_equal(renamed(getattr(left, name), names), getattr(right, name))
    assert (left.fault is None) == (right.fault is None)


@versions
@SETTINGS
@given(data=st.data())
def test_a_constant_added_to_all_losses(version: str, data: st.DataObject) -> None:
    """Worker scores and T are differences of losses: they stay."""
    start = data.draw(starts(version))
    epoch, state, rules = start
    constant = Decimal(3)
    moved = changed(epoch, lambda loss: UNBOUNDED.add(loss, constant))
    left, right = rewarded(start), rewarded((moved, state, rules))
    columns = loss_columns(accepted_reports(epoch, rules))
    size = max((abs(loss) for column in columns for loss in column if loss), default=constant)
    # Products and a quotient of 34 digits leave a network loss 2E-33 of the greatest loss short; a
    # score has two of them on either side, a forecaster's is cut at its factors besides.
    slack = UNBOUNDED.multiply(add(size, constant), Decimal("2E-32"))
    for name in ("inferer_score", "forecaster_score"):
        before, after = getattr(left, name), getattr(right, name)
        if before and after:
            assert before.keys() == after.keys()
            assert all(abs(subtract(after[actor], x)) <= slack for actor, x in before.items())
    task = left.forecasting_task_utility_score, right.forecasting_task_utility_score
    if task[0] is not None and task[1] is not None:
        assert abs(subtract(task[0], task[1])) <= slack


def with_bundles(epoch: Epoch, change: Callable[[ValueBundle], ValueBundle]) -> Epoch:
    """Every reputer's losses changed in the same way."""
    reports = {m: replace(each, bundle=change(each.bundle)) for m, each in epoch.reports.items()}
    return replace(epoch, reports=reports)


def changed(epoch: Epoch, change: Callable[[Decimal], Decimal]) -> Epoch:
    """All reported losses changed in the same way."""

    def of(part: Any) -> Any:
        if isinstance(part, Decimal):
            return change(part)
        return None if part is None else {name: of(inner) for name, inner in part.items()}

    def bundle(losses: ValueBundle) -> ValueBundle:
        return ValueBundle(
            **{entry.name: of(getattr(losses, entry.name)) for entry in fields(losses)}
        )

    return with_bundles(epoch, bundle)


@versions
@SETTINGS
@given(data=st.data())
def test_scale_of_losses(version: str, data: st.DataObject) -> None:
    """Worker scores and T scale with the losses; reputer scores and the ratio T/M do not."""
    start = data.draw(starts(version))
    epoch, state, rules = start
    by = Decimal("1E+2")
    larger = changed(epoch, lambda loss: UNBOUNDED.multiply(loss, by))
    left, right = rewarded(start), rewarded((larger, state, rules))
    columns = loss_columns(accepted_reports(epoch, rules))
    assume(any(any(column) for column in columns))
    for name in ("inferer_score", "forecaster_score"):
        if getattr(left, name) and getattr(right, name):
            expected = {j: UNBOUNDED.multiply(x, by) for j, x in getattr(left, name).items()}
            assert expected == getattr(right, name)
    weights = left.adjusted_stake_used.values()
    # For a consensus of 0 in every column a constant stands in, which does not scale.
    has_norm = any(
        total(map(multiply, weights, (loss or Decimal(0) for loss in column))) for column in columns
    )
    if left.reputer_score and right.reputer_score and has_norm:
        assert left.reputer_score == right.reputer_score
    if left.forecasting_task_utility_score is not None and right.chi is not None:
        ratios = left.forecaster_score_ratio, right.forecaster_score_ratio
        assert ratios[0] == ratios[1]
        assert left.chi == right.chi


@versions
@SETTINGS
@given(data=st.data())
def test_scale_of_stakes(version: str, data: st.DataObject) -> None:
    """The unit of the stake does not matter."""
    start = data.draw(starts(version))
    epoch, state, rules = start
    by = Decimal(1000)
    reports = {
        m: replace(
            report,
            stake=multiply(report.stake, by),
            delegated=multiply(report.delegated, by),
        )
        for m, report in epoch.reports.items()
    }
    left, right = rewarded(start), rewarded((replace(epoch, reports=reports), state, rules))
    for name in ("reputer_score", "adjusted_stake"):
        assert getattr(left, name) == getattr(right, name)
    assert all_close(left.reputer_fraction, right.reputer_fraction)


@versions
@SETTINGS
@given(data=st.data())
def test_cold_start(version: str, data: st.DataObject) -> None:
    """A new topic stores its first fractions and, up to v0.7, its first scores as they are."""
    epoch, _, rules = data.draw(starts(version))
    result = rewarded((epoch, State(epoch.topic_id), rules))
    for role in ("inferer", "reputer"):
        stored = getattr(result.state, f"{role}_reward_fraction")
        assert all_close(getattr(result, f"{role}_fraction"), stored) or not stored
    assert result.state.reputer_score_ema.keys() == result.reputer_score.keys()
    alpha = epoch.params.merit_sortition_alpha
    for m, average in result.state.reputer_score_ema.items():
        score = result.reputer_score[m]
        assert average == (score if version == "v0.6" else multiply(alpha, score))
    if result.forecaster_score_ratio is not None:
        best = max((*result.inferer_score.values(), Decimal(0)))
        score = result.forecasting_task_utility_score
        assert score is not None
        divisor = best or score.copy_abs()
        ratio = quotient(score, divisor) if divisor else Decimal(0)
        assert result.forecaster_score_ratio == multiply(epoch.params.task_reward_alpha, ratio)


@versions
@SETTINGS
@given(data=st.data())
def test_absent_actors_keep_what_they_have(version: str, data: st.DataObject) -> None:
    epoch, state, rules = data.draw(starts(version))
    result = rewarded((epoch, state, rules))
    present = {*epoch.inferences, *epoch.forecasts, *accepted_reports(epoch, rules)}
    for entry in fields(State):
        before, after = getattr(state, entry.name), getattr(result.state, entry.name)
        if isinstance(before, dict) and "history" not in entry.name:
            for actor in before.keys() - present:
                assert_equal(before[actor], after[actor])


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

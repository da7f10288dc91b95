"""What must hold for every topic's rewards: sums, bounds, names, scale, order."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st
from reward_starts import (
    SETTINGS,
    Side,
    all_close,
    close,
    losses_of,
    rewarded,
    sides,
    starts,
)

from allora_core.epoch import Epoch, Params, Report, Rewarded, State, ValueBundle
from allora_core.reference import rules_at
from allora_core.reference.consensus import loss_columns
from allora_core.reference.functions import ln
from allora_core.reference.network_loss import accepted_reports
from allora_core.reference.number import UNBOUNDED, add, multiply, quotient, subtract, total
from allora_core.reference.reward_fraction import LONE_ENTROPY
from allora_core.testing import assert_equal

D = Decimal
CASES = Path(__file__).parents[1] / "vectors" / "rewards_cases.json"
REPUTER_STATE = (
    "listening_coefficient",
    "reputer_score_ema",
    "reputer_score_height",
    "reputer_reward_fraction",
    "delegate_reward_per_share",
)
WORKER_STATE = {
    f"{role}_{what}"
    for role in ("inferer", "forecaster")
    for what in ("score_ema", "score_height", "reward_fraction", "inclusions")
}


def tasks_of(result: Rewarded) -> tuple[Decimal, Decimal, Decimal] | None:
    """U, V and W."""
    u, v, w = (
        result.inference_task_reward,
        result.forecasting_task_reward,
        result.reputer_task_reward,
    )
    return None if u is None or v is None or w is None else (u, v, w)


@sides
@SETTINGS
@given(data=st.data())
def test_conservation(side: Side, data: st.DataObject) -> None:
    """U + V + W is E; fractions make 1, a few last digits short; no task pays more than it has."""
    start = data.draw(starts(side))
    result = rewarded(start)
    tasks = tasks_of(result)
    for role in ("inferer", "forecaster", "reputer"):
        fractions = getattr(result, f"{role}_fraction")
        if any(fractions.values()):
            short = subtract(D(1), total(fractions.values()))
            assert 0 <= short < len(fractions) * D("1E-33")
    if tasks is None or result.fault is not None:
        return
    e = start[1].reward
    assert abs(UNBOUNDED.subtract(total(tasks), e)) <= UNBOUNDED.multiply(e, D("1E-32"))
    delegators = D(sum(result.delegators_reward.values()))
    for task, role in zip(tasks, ("inferer", "forecaster", "reputer"), strict=True):
        own = total(getattr(result, f"{role}_reward").values())
        extra = delegators if role == "reputer" else D(0)
        assert add(own, extra) <= task
        paid = getattr(result, f"{role}_paid")
        assert D(sum(paid.values())) <= own
        assert all(amount >= 1 for amount in paid.values())


@sides
@SETTINGS
@given(data=st.data())
def test_split(side: Side, data: st.DataObject) -> None:
    """The naive loss and those with a forecaster added, moved together, move only T.

    Scores and entropies stay, and so W, and U + V. tau rises with T, chi with tau, V with chi.
    """
    start = data.draw(starts(side))
    _, epoch, _ = start
    row = losses_of(start)
    first_one_in = len(row) - len(epoch.forecasts)
    results = []
    for constant in sorted(data.draw(st.lists(st.integers(-9, 9), min_size=2, max_size=3))):
        moved = [
            add(loss, D(constant)) if loss is not None and (at == 1 or at >= first_one_in) else loss
            for at, loss in enumerate(row)
        ]
        results.append(rewarded(start, moved))
    for lower, higher in pairwise(results):
        assert lower.inferer_score == higher.inferer_score
        assert lower.forecaster_score == higher.forecaster_score
        if tasks_of(lower) is None or tasks_of(higher) is None:
            continue
        entropies = [
            (each.inference_entropy, each.forecasting_entropy, each.reputer_entropy)
            for each in (lower, higher)
        ]
        assert entropies[0] == entropies[1]
        assert lower.forecasting_task_utility_score <= higher.forecasting_task_utility_score  # type: ignore[operator]
        before, after = tasks_of(lower), tasks_of(higher)
        assert before is not None
        assert after is not None
        assert lower.forecaster_score_ratio is not None
        assert higher.forecaster_score_ratio is not None
        # tau is a ratio to the best inferer score above 0; without one it has the sign of T, and
        # T = 0 starts it anew.
        if any(score > 0 for score in lower.inferer_score.values()):
            assert lower.forecaster_score_ratio <= higher.forecaster_score_ratio
        low, high = sorted(
            (each.forecaster_score_ratio, each.chi, task)
            for each, task in ((lower, before), (higher, after))
            if each.forecaster_score_ratio is not None and each.chi is not None
        )
        started_anew = low[0] == 0 or high[0] == 0
        assert low[1] <= high[1] or started_anew
        assert before[2] == after[2]
        assert close(before[0] + before[1], after[0] + after[1], 27)
        if entropies[0][1] and epoch.reward and subtract(high[1], low[1]) > D("1E-20"):
            assert low[2][1] < high[2][1]
            assert low[2][0] > high[2][0]


@sides
@SETTINGS
@given(data=st.data())
def test_reputers_get_more_with_more_entropy(side: Side, data: st.DataObject) -> None:
    """Other smoothed fractions of the reputers before: H differs, F and G do not."""
    start = data.draw(starts(side))
    _, epoch, state = start
    reputers = sorted(epoch.reports)
    drawn = data.draw(st.lists(st.integers(1, 999), min_size=2 * len(reputers), max_size=9))
    results = []
    for values in (drawn[: len(reputers)], drawn[len(reputers) :]):
        before = dict(zip(reputers, (D(value) / 1000 for value in values), strict=False))
        results.append(rewarded((side, epoch, replace(state, reputer_reward_fraction=before))))
    left, right = results
    tasks = [tasks_of(each) for each in results]
    if tasks[0] is None or tasks[1] is None:
        return
    assert (left.inference_entropy, left.forecasting_entropy) == (
        right.inference_entropy,
        right.forecasting_entropy,
    )
    assert left.reputer_entropy is not None
    assert right.reputer_entropy is not None
    gap = subtract(right.reputer_entropy, left.reputer_entropy)
    if abs(gap) > D("1E-20") and epoch.reward:
        assert (gap > 0) == (tasks[1][2] > tasks[0][2])
        assert (gap > 0) == (tasks[1][0] < tasks[0][0])


@sides
@SETTINGS
@given(data=st.data())
def test_bounds(side: Side, data: st.DataObject) -> None:
    start = data.draw(starts(side))
    _, epoch, state = start
    result = rewarded(start)
    highest = quotient(D(1), epoch.params.epsilon_reputer)
    if result.iterations:
        assert all(0 < score <= highest for score in result.reputer_score.values())
    for stakes in (result.adjusted_stake, result.adjusted_stake_used):
        assert all(0 <= stake <= 1 for stake in stakes.values())
    for role, entropy in (
        ("inferer", result.inference_entropy),
        ("forecaster", result.forecasting_entropy),
        ("reputer", result.reputer_entropy),
    ):
        actors = getattr(result, f"{role}_fraction")
        assert all(0 <= value <= 1 for value in actors.values())
        if entropy is None or not actors:
            continue
        assert entropy >= 0
        if len(actors) == 1:
            assert entropy in (LONE_ENTROPY, 0)
        elif not getattr(state, f"{role}_reward_fraction"):
            bound = ln(D(len(actors)), rules_at("v0.17"))
            assert entropy <= add(bound, D("1E-30"))
    if result.chi is not None:
        assert D("0.1") <= result.chi <= D("0.5")
    reports = accepted_reports(epoch, side.rules)
    stakes = {m: report.stake for m, report in reports.items()}
    listened = {m: state.listening_coefficient.get(m, D(1)) for m in stakes}
    least = multiply(epoch.params.min_stake_fraction, total(stakes.values()))
    enough = total(multiply(listened[m], stake) for m, stake in stakes.items()) >= least
    if result.reputer_score and enough:
        slack = D("1E-28")
        after = {m: result.state.listening_coefficient[m] for m in stakes}
        assert all(-slack <= a <= 1 + slack for a in after.values())
        share = total(multiply(after[m], stake) for m, stake in stakes.items())
        assert share >= multiply(least, 1 - slack)


# Names


def renamed(part: Any, names: dict[str, str]) -> Any:
    """The same under other addresses, wherever they stand, in address order."""
    if isinstance(part, dict):
        inner = {names.get(key, key): renamed(value, names) for key, value in part.items()}
        return dict(sorted(inner.items()))
    if isinstance(part, tuple):
        return tuple(renamed(value, names) for value in part)
    if isinstance(part, str):
        return names.get(part, part)
    if isinstance(part, Report | ValueBundle):
        own = {each.name: renamed(getattr(part, each.name), names) for each in fields(part)}
        return replace(part, **own)
    return part


def reversed_names(actors: set[str]) -> dict[str, str]:
    return dict(zip(sorted(actors), sorted(actors, reverse=True), strict=True))


def state_under(names: dict[str, str], state: State, entries: set[str]) -> State:
    return replace(state, **{name: renamed(getattr(state, name), names) for name in entries})


def assert_permuted(
    left: Rewarded, right: Rewarded, names: dict[str, str], roles: tuple[str, ...]
) -> None:
    """The same numbers, under the other names where they are of these roles."""
    assert (left.fault is None) == (right.fault is None)
    for each in fields(Rewarded):
        before, after = getattr(left, each.name), getattr(right, each.name)
        role = each.name.split("_")[0]
        if role in ("listening", "adjusted", "delegators"):
            role = "reputer"
        if each.name not in ("state", "fault"):
            assert_equal(renamed(before, names) if role in roles else before, after)


@sides
@SETTINGS
@given(data=st.data())
def test_names_of_reputers_do_not_matter(side: Side, data: st.DataObject) -> None:
    start = data.draw(starts(side))
    _, epoch, state = start
    names = reversed_names(set(epoch.reports))
    # A worker may have a reputer's address: inside the reports nothing is renamed.
    reports = {names[m]: report for m, report in epoch.reports.items()}
    turned = replace(epoch, reports=dict(sorted(reports.items())))
    other = state_under(names, state, set(REPUTER_STATE))
    assert_permuted(rewarded(start), rewarded((side, turned, other)), names, ("reputer",))


@sides
@SETTINGS
@given(data=st.data())
def test_names_of_workers_do_not_matter(side: Side, data: st.DataObject) -> None:
    """Nor does the order of the columns of losses, which reputers are scored by."""
    side, epoch, state = data.draw(starts(side))
    # A sample that ends within a block depends on the order of its actors.
    state = replace(state, inferer_score_history={}, forecaster_score_history={})
    whole_blocks = {
        "max_samples_to_scale_scores": D(10),
        "max_top_inferers_to_reward": D(32),
        "max_top_forecasters_to_reward": D(6),
    }
    epoch = replace(epoch, params=replace(epoch.params, **whole_blocks))
    row, forecasters = losses_of((side, epoch, state)), len(epoch.forecasts)
    # Forecasters' one-in and one-out losses are paired by position, so that lists of different
    # actors pair others under other names.
    one_in = row[len(row) - forecasters :]
    one_out = row[len(row) - 2 * forecasters : len(row) - forecasters]
    assume([loss is None for loss in one_in] == [loss is None for loss in one_out])
    names = reversed_names(set(epoch.inferences) | set(epoch.forecasts))
    turned = replace(
        epoch,
        inferences=renamed(epoch.inferences, names),
        forecasts=renamed(epoch.forecasts, names),
        reports={m: renamed(report, names) for m, report in epoch.reports.items()},
    )
    other = state_under(names, state, WORKER_STATE)
    left, right = rewarded((side, epoch, state)), rewarded((side, turned, other))
    assert_permuted(left, right, names, ("inferer", "forecaster"))


# Scale


def changed(epoch: Epoch, change: Callable[[Decimal], Decimal]) -> Epoch:
    """All reported losses changed in the same way."""

    def of(part: Any) -> Any:
        if isinstance(part, Decimal):
            return change(part)
        if isinstance(part, ValueBundle):
            return ValueBundle(**{each.name: of(getattr(part, each.name)) for each in fields(part)})
        return None if part is None else {name: of(inner) for name, inner in part.items()}

    reports = {m: replace(each, bundle=of(each.bundle)) for m, each in epoch.reports.items()}
    return replace(epoch, reports=reports)


@sides
@SETTINGS
@given(data=st.data())
def test_scale_of_stakes(side: Side, data: st.DataObject) -> None:
    """Stake times k: losses, scores, coefficients and fractions stay up to their last digits."""
    start = data.draw(starts(side))
    _, epoch, state = start
    by = data.draw(st.sampled_from((D(10) ** 12, D(7), D("0.125"))))
    ten = by == D(10) ** 12
    if not ten:
        # Where the listened share of the stake is held at its least, steps are divided by
        # differences that are last digits alone.
        epoch = replace(epoch, params=replace(epoch.params, min_stake_fraction=D(0)))
        start = side, epoch, state
    reports = {
        m: replace(each, stake=each.stake * by, delegated=each.delegated * by)
        for m, each in epoch.reports.items()
    }
    other = (side, replace(epoch, reports=reports), state)
    for before, after in zip(losses_of(start), losses_of(other), strict=True):
        assert (before is None) == (after is None)
        if before is not None and after is not None:
            sizes = [abs(loss) for loss in losses_of(start) if loss is not None]
            assert abs(subtract(before, after)) <= max(sizes) * D("1E-30")
    left, right = rewarded(start), rewarded(other)
    assert all_close(left.reputer_score, right.reputer_score, 20)
    assert all_close(left.adjusted_stake, right.adjusted_stake, 20)
    assert all_close(left.reputer_fraction, right.reputer_fraction, 20)
    after = right.state.listening_coefficient
    for m, coefficient in left.state.listening_coefficient.items():
        assert abs(subtract(coefficient, after[m])) <= (0 if ten else D("1E-20"))
    if ten:
        assert left.reputer_score == right.reputer_score


@sides
@SETTINGS
@given(data=st.data())
def test_scale_of_losses(side: Side, data: st.DataObject) -> None:
    """Worker scores and T scale with the losses; reputer scores and tau do not."""
    start = data.draw(starts(side))
    _, epoch, state = start
    by = D(10) ** data.draw(st.integers(1, 9))
    larger = changed(epoch, lambda loss: UNBOUNDED.multiply(loss, by))
    left, right = rewarded(start), rewarded((side, larger, state))
    for name in ("inferer_score", "forecaster_score"):
        scaled = {j: UNBOUNDED.multiply(x, by) for j, x in getattr(left, name).items()}
        found = getattr(right, name)
        assert scaled == found or not scaled or not found
    # For a consensus of 0 in every column a constant stands in, which does not scale.
    columns = loss_columns(accepted_reports(epoch, side.rules))
    weights = left.adjusted_stake_used.values()
    has_norm = any(
        total(map(multiply, weights, (loss or D(0) for loss in column))) for column in columns
    )
    if left.reputer_score and right.reputer_score and has_norm:
        assert left.reputer_score == right.reputer_score
    if left.chi is not None and right.chi is not None:
        assert left.forecaster_score_ratio == right.forecaster_score_ratio
        assert left.chi == right.chi


@sides
@SETTINGS
@given(data=st.data())
def test_a_constant_added_to_all_losses(side: Side, data: st.DataObject) -> None:
    """Worker scores and T are differences of losses: they stay."""
    start = data.draw(starts(side))
    _, epoch, state = start
    constant = D(data.draw(st.integers(-9, 9)))
    moved = changed(epoch, lambda loss: UNBOUNDED.add(loss, constant))
    left, right = rewarded(start), rewarded((side, moved, state))
    sizes = [abs(loss) for loss in losses_of(start) if loss is not None]
    # Products and a quotient of 34 digits leave each network loss a few last digits short.
    reported = [abs(loss) for loss in reported_losses(epoch)]
    slack = UNBOUNDED.multiply(max((*sizes, *reported)) + abs(constant), D("2E-32"))
    for name in ("inferer_score", "forecaster_score"):
        before, after = getattr(left, name), getattr(right, name)
        if before and after:
            assert before.keys() == after.keys()
            assert all(abs(subtract(after[actor], x)) <= slack for actor, x in before.items())
    task = left.forecasting_task_utility_score, right.forecasting_task_utility_score
    if task[0] is not None and task[1] is not None:
        assert abs(subtract(task[0], task[1])) <= slack


def reported_losses(epoch: Epoch) -> list[Decimal]:
    found: list[Decimal] = []

    def noted(loss: Decimal) -> Decimal:
        found.append(loss)
        return loss

    changed(epoch, noted)
    return found


# Order


@sides
@SETTINGS
@given(data=st.data())
def test_fractions_follow_scores_and_stakes(side: Side, data: st.DataObject) -> None:
    """Higher scores get no less, equal ones the same; all the same where hardly any differ."""
    start = data.draw(starts(side))
    _, epoch, state = start
    result = rewarded(start)
    for role in ("inferer", "forecaster"):
        scores, fractions = getattr(result, f"{role}_score"), getattr(result, f"{role}_fraction")
        for one in fractions:
            for other in fractions:
                if scores[one] == scores[other]:
                    assert_equal(fractions[one], fractions[other])
                elif scores[one] > scores[other]:
                    assert fractions[one] >= fractions[other]
    stakes = {m: epoch.reports[m].stake for m in result.reputer_fraction}
    merit = {m: multiply(stake, result.reputer_score[m]) for m, stake in stakes.items()}
    for one in merit:
        for other in merit:
            if merit[one] > merit[other]:
                assert result.reputer_fraction[one] >= result.reputer_fraction[other]
    wide = replace(epoch, params=replace(epoch.params, epsilon=D("1E+60")))
    alike = rewarded((side, wide, state))
    for fractions in (alike.inferer_fraction, alike.forecaster_fraction):
        assert set(fractions.values()) <= {quotient(D(1), D(len(fractions) or 1))}


@sides
def test_more_iterations_do_not_lower_the_mean_score(side: Side) -> None:
    """The example of the network's own test: 57 columns, weighted by the adjusted stakes."""
    cases = json.loads(CASES.read_text())["cases"]
    given_case = next(each for each in cases if each["id"] == "reputer_output_iterations")["inputs"]
    names = [f"j{at:02}" for at in range(28)]
    reports = {}
    for m, (row, stake) in enumerate(zip(given_case["losses"], given_case["stakes"], strict=True)):
        loss = [D(text) for text in row]
        bundle = ValueBundle(
            combined=loss[0],
            naive=loss[1],
            inferer=dict(zip(names, loss[2:30], strict=True)),
            # A column that nobody reports changes nothing.
            one_out_inferer=dict(zip(names[1:], loss[30:], strict=True)),
        )
        reports[f"r{m}"] = Report(D(stake), bundle)
    means = []
    for limit in given_case["iterations"]:
        params = replace(Params(), gradient_descent_max_iters=D(limit))
        values = {j: {"y": D(1)} for j in names}
        result = rewarded((side, Epoch(1, 9, values, reports=reports, params=params), State(1)))
        weights = result.adjusted_stake
        mean = total(multiply(result.reputer_score[m], w) for m, w in weights.items())
        means.append(quotient(mean, total(weights.values())))
    assert all(lower <= higher for lower, higher in pairwise(means))
    assert means[0] == 0
    assert means[-1] > means[1]

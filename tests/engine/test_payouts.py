"""Payouts of one topic: whole units, one actor at a time, and faults under the right stage."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from allora_core import Engine, Rewarded
from allora_core.epoch import Epoch, Report, State, TopicError, ValueBundle
from allora_core.recorded_reward import reward_values
from allora_core.reference import infer, reward, rules_at, settle
from allora_core.testing import assert_equal

D = Decimal
MOST = 2**256 - 1
VERSIONS = pytest.mark.parametrize("version", ["v0.6", "v0.17"])


def epoch(amount: Decimal, stakes: tuple[str, ...] = ("5", "3", "1")) -> Epoch:
    """Three inferers and one reputer per stake."""
    scores = {"allo1a": D("-1"), "allo1b": D("-0.5"), "allo1c": D("0.25")}
    bundle = ValueBundle(
        combined=D("-1.5"),
        naive=D("-1"),
        inferer=scores,
        one_out_inferer={"allo1a": D("-0.5"), "allo1b": D("-1"), "allo1c": D("-1.4")},
    )
    reports = {
        f"allo1r{at}": Report(D(stake), replace(bundle, naive=D(at)))
        for at, stake in enumerate(stakes)
    }
    return Epoch(7, 100, {j: {"y": D(1)} for j in scores}, reports=reports, reward=amount)


def both(made: Epoch, version: str, state: State | None = None) -> Rewarded:
    """The engine's result, which is the reference's."""
    before = State(7) if state is None else state
    batch = Engine(rules=version, threads=1).epoch([made], [before])
    inferred = infer(made, before, rules_at(version))
    settled = settle(made, inferred.state, rules_at(version))
    expected = reward(made, settled.network_losses, settled.state, rules_at(version))
    found = batch.rewarded.topic(0)
    assert_equal(expected, found)
    if expected.fault is not None and found.fault is not None:
        assert str(found.fault) == str(expected.fault)
    return found


# So many reputers that an inferer gets the most, or so few that a reputer does.
STAKES = {"inferer": ("1",) * 9, "reputer": ("5", "3", "1")}


def amount_for(version: str, role: str) -> Decimal:
    """The topic's reward that makes the largest reward of a role the most that can be paid."""
    result = both(epoch(D(10) ** 40, STAKES[role]), version)
    name = f"{role}_reward"
    largest = max(getattr(result, name).values())
    return D(MOST) * (D(10) ** 40 / largest)


@VERSIONS
@pytest.mark.parametrize("role", ["inferer", "reputer"])
def test_a_payout_above_256_bits_fails_alone(version: str, role: str) -> None:
    """As on the network: the others are paid and counted, and the fault names who is not."""
    name = f"{role}_reward"
    amount, stakes = amount_for(version, role), STAKES[role]
    paid = both(epoch(amount * D("0.999999"), stakes), version)
    assert paid.fault is None
    result = both(epoch(amount * D("1.000001"), stakes), version)
    rewards = getattr(result, name)
    over = [actor for actor, amount in rewards.items() if amount > MOST]
    assert over
    assert result.fault is not None
    assert (result.fault.cause, result.fault.topic_id) == ("overflow", 7)
    everything = {
        **{("reputer_paid", m): amount for m, amount in result.reputer_reward.items()},
        **{("inferer_paid", j): amount for j, amount in result.inferer_reward.items()},
    }
    assert (result.fault.field, result.fault.actor) == next(
        at for at, amount in everything.items() if amount > MOST
    )
    for (field, actor), amount in everything.items():
        units = getattr(result, field)
        assert (actor in units) == (1 <= amount <= MOST)
        assert units.get(actor, int(amount)) == int(amount)
    assert result.state.inferer_inclusions == dict.fromkeys(result.inferer_paid, 1)


@VERSIONS
def test_every_actor_above_256_bits(version: str) -> None:
    result = both(epoch(D(10) ** 90), version)
    assert result.fault is not None
    assert (result.fault.field, result.fault.actor) == ("reputer_paid", "allo1r0")
    assert result.inferer_paid == result.reputer_paid == {}
    assert result.state.inferer_inclusions == {}
    assert set(result.inferer_reward) == {"allo1a", "allo1b", "allo1c"}


def test_a_stored_average_of_zero_is_an_average() -> None:
    """Up to v0.7 a 0 of height 0 was never stored; later it is averaged like any other."""
    made = epoch(D(1000))
    zero = {"allo1a": D(0), "allo1b": D("0.000")}
    before = State(7, inferer_score_ema=zero, initial_inferer_score=D(9))
    whole = both(made, "v0.6", before)
    assert whole.state.inferer_score_ema == whole.inferer_score
    later = both(made, "v0.17", before)
    alpha = made.params.merit_sortition_alpha
    for actor in zero:
        assert later.state.inferer_score_ema[actor] == alpha * later.inferer_score[actor]
    assert later.state.inferer_score_ema["allo1c"] == alpha * later.inferer_score["allo1c"] + 9 * (
        1 - alpha
    )


def failed(field: str, **entries: object) -> Rewarded:
    """A result that ended at a field."""
    scores = {"allo1m": D(1)}
    state = State(
        7,
        listening_coefficient={"allo1m": D("0.5")},
        reputer_score_ema=scores,
        reputer_reward_fraction=scores,
    )
    fault = TopicError(7, "", field, "div_zero")
    return Rewarded(reputer_score=scores, iterations=3, state=state, fault=fault, **entries)  # type: ignore[arg-type]


def test_a_recorded_fault_stands_under_its_stage() -> None:
    """And what the stages before it gave is there."""
    before = State(7)
    for field in ("reputer_score", "inferer_score_ema", "forecaster_score_history"):
        values = dict(reward_values({}, before, failed(field)))
        assert values == {("scores", "error"): "div_zero"}
    for field in ("gamma", "reputer_entropy", "forecasting_task_utility_score", "reputer_reward"):
        values = dict(reward_values({}, before, failed(field)))
        assert values["rewards", "error"] == "div_zero"
        assert values["scores", "reputer", "allo1m"] == "1"
        assert values["scores", "gradient_descent_iterations"] == "3"
        assert ("scores", "error") not in values
        assert {name for name in values if name[0] == "rewards"} == {("rewards", "error")}


def test_a_failed_payout_ends_no_stage() -> None:
    values = dict(reward_values({}, State(7), failed("inferer_paid", chi=D("0.5"))))
    assert values["rewards", "chi"] == "0.5"
    assert not [name for name in values if "error" in name]

"""float64 scores and rewards of made-up histories, beside the reference's decimals."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from reward_starts import SETTINGS, versions

from allora_core import Engine, TopicError
from allora_core.epoch import Epoch, Params, Rewarded, State
from allora_core.recorded_reward import reward_values, scale_of, stage_of
from allora_core.reference import Rules, infer, reward, rules_at, settle
from allora_core.reference.number import quotient
from allora_core.reference.score_average import sample_size, sampled
from allora_core.reference.statistics import standard_deviation
from allora_core.testing import attempt, histories
from allora_core.verify import FLOAT64_ERROR, is_number

D = Decimal
DELEGATED = D(10) ** 8
# Whole units are cut from amounts that may lie beside a whole number: there they are 1 off.
UNITS = {"reputer_reward_paid": D(1), "delegate_reward_per_share": 1 / DELEGATED}
UNITS |= {f"{role}_reward": D(1) for role in ("inferer", "forecaster", "reputer")}
STAGES = {("scores",): "", ("state_after",): ""}


def near(epoch: Epoch) -> Epoch:
    """Stakes within a factor of ten, one step of the descent, and else the network's parameters.

    A reputer with nearly all of the stake reports the consensus but for its last digits. Its score
    then hangs on a difference that has few digits left, however they are computed. And each step of
    the descent enlarges the error of the one before by a factor that the losses decide: the stated
    error of ten steps is that of the recorded epochs, which other tests hold.
    """
    params = replace(Params(), gradient_descent_max_iters=D(1))
    reports = {
        m: replace(report, stake=D(10**9 * (1 + at % 9)), delegated=DELEGATED)
        for at, (m, report) in enumerate(sorted(epoch.reports.items()))
    }
    return replace(epoch, reports=reports, params=params)


def before_rewards(epoch: Epoch, state: State, rules: Rules) -> State:
    """The state that the epoch's losses are settled from."""
    inferred = attempt(infer, epoch, state, rules)
    state = state if isinstance(inferred, TopicError) else inferred.state
    # Stored weights can be smaller than any double; rewards do not read them.
    return replace(state, inferer_weight={}, forecaster_weight={})


def has_potentials(result: Rewarded, epoch: Epoch, rules: Rules) -> bool:
    """Whether the best worker of each role has a potential ln(1 + e^x) that both numbers hold.

    Since v0.12 the network's logarithm sees 36 digits of 1 + e^x: below e^-50 its potentials have
    fewer digits than a double's. And a double's end: from e^-708 on they have few digits, from
    e^-745 on they are 0, so that float64 has no fractions (`nan`).
    """
    params = epoch.params
    for role, p, c, seats in (
        ("inferer", params.p_reward_inference, params.c_reward_inference, 32),
        ("forecaster", params.p_reward_forecast, params.c_reward_forecast, 6),
    ):
        scores = getattr(result, f"{role}_score")
        history = getattr(result.state, f"{role}_score_history")
        sample = sampled(history, epoch.nonce, sample_size(D(seats), params, rules))
        deviation = standard_deviation(sample) if len(sample) > 1 else D(0)
        if scores and deviation >= params.epsilon:
            best = quotient(max(scores.values()), deviation + params.epsilon)
            if p * (best - c) < -50:
                return False
    return True


def place(fault: TopicError | None) -> tuple[str, str] | None:
    return None if fault is None else (fault.field, fault.actor)


@versions
@SETTINGS
@given(data=st.data())
def test_within_the_stated_error(version: str, data: st.DataObject) -> None:
    """Each epoch of a new topic, from the reference's state: everything computed and stored."""
    rules, engine = rules_at(version), Engine("float64", rules=version, threads=1)
    _, epochs = data.draw(histories(rules, styles=("ordinary",), max_epochs=4))
    state = State(epochs[0].topic_id)
    for drawn in epochs:
        epoch = near(drawn)
        before = before_rewards(epoch, state, rules)
        settled = settle(epoch, before, rules)
        expected = reward(epoch, settled.network_losses, settled.state, rules)
        state = expected.state
        if not has_potentials(expected, epoch, rules):
            continue
        found = engine.reward([epoch], engine.settle([epoch], [before])).topic(0)
        # A double that is none does not say of what: the place is the same, the cause need not be.
        assert place(found.fault) == place(expected.fault)
        values, doubles = (
            dict(reward_values(STAGES, settled.state, each)) for each in (expected, found)
        )
        numbers = {name: D(text) for name, text in values.items() if is_number(text)}
        scales: dict[str, Decimal] = {}
        for name, value in numbers.items():
            scales[scale_of(name)] = max(scales.get(scale_of(name), D(0)), abs(value))
        for name, value in numbers.items():
            if UNITS.get(name[1]) == 1 and value == int(value) and name not in doubles:
                assert value == 1  # cut to 0, and so not paid
                continue
            allowed = D(FLOAT64_ERROR[stage_of(name)]) * max(abs(value), scales[scale_of(name)])
            off = abs(D(doubles[name]) - value)
            assert off <= allowed + UNITS.get(name[1], 0), (name, value, doubles[name])

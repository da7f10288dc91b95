"""Scores and rewards of the engine: bad input, failing topics, and what must never show."""

from __future__ import annotations

from dataclasses import fields, replace
from decimal import Decimal, getcontext

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allora_core import Engine, Epochs, Params, Rewarded, States, TopicError
from allora_core.epoch import Epoch, Report, State, ValueBundle
from allora_core.testing import histories

INFERERS = ("allo1a", "allo1b", "allo1c")
FORECASTERS = ("allo1f", "allo1g")


def losses(seed: int) -> ValueBundle:
    """Every entry of a report, all different."""

    def loss(at: int) -> Decimal:
        return Decimal(((seed + 3) * (at + 7) * 7919) % 4001 - 2000) / 1000

    def family(start: int, workers: tuple[str, ...]) -> dict[str, Decimal]:
        return {worker: loss(start + at) for at, worker in enumerate(workers)}

    return ValueBundle(
        combined=loss(0),
        naive=loss(1),
        inferer=family(10, INFERERS),
        forecaster=family(20, FORECASTERS),
        one_out_inferer=family(30, INFERERS),
        one_out_forecaster=family(40, FORECASTERS),
        one_in_forecaster=family(50, FORECASTERS),
        one_out_inferer_forecaster={
            worker: family(60 + 10 * at, INFERERS) for at, worker in enumerate(FORECASTERS)
        },
    )


def good(topic_id: int = 7) -> Epoch:
    return Epoch(
        topic_id=topic_id,
        nonce=100,
        inferences={worker: {"y": Decimal(at)} for at, worker in enumerate(INFERERS)},
        forecasts={
            worker: tuple((inferer, Decimal(at)) for at, inferer in enumerate(INFERERS))
            for worker in FORECASTERS
        },
        reports={
            f"allo1r{at}": Report(Decimal(1000 * (at + 1)), losses(at), Decimal(100 * at))
            for at in range(4)
        },
        reward=Decimal("1234567.5"),
    )


GOOD = good()


def rewarded(epoch: Epoch, state: State | None = None, rules: str = "v0.17") -> Rewarded:
    states = None if state is None else [state]
    return Engine(rules=rules, threads=1).epoch([epoch], states).rewarded.topic(0)


def with_report(reputer: str, **changes: object) -> Epoch:
    report = replace(GOOD.reports[reputer], **changes)
    return replace(GOOD, reports={**GOOD.reports, reputer: report})


def start_fault(epoch: Epoch) -> TopicError:
    """The fault of a topic that cannot be started, beside one that can."""
    batch = Engine().epoch([epoch, good(8)]).rewarded
    assert batch.status[1] is None
    assert batch.topic(1) == replace(rewarded(GOOD), state=batch.states.state(1))
    with pytest.raises(TopicError) as caught:
        batch.topic(0)
    assert batch.status[0] is caught.value
    return caught.value


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"delegated": Decimal(-1)}, "negative_amount"),
        ({"delegated": Decimal("2000.0001")}, "delegated_exceeds_stake"),
    ],
)
def test_delegated_stake(changes: dict[str, Decimal], cause: str) -> None:
    fault = start_fault(with_report("allo1r1", **changes))
    assert (fault.topic_id, fault.actor, fault.field) == (7, "allo1r1", "delegated")
    assert fault.cause == cause


def test_negative_reward() -> None:
    fault = start_fault(replace(GOOD, reward=Decimal("-0.1")))
    assert (fault.topic_id, fault.actor, fault.field) == (7, "", "reward")
    assert fault.cause == "negative_amount"


@pytest.mark.parametrize("column", ["delegated", "reward"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_float64_that_is_not_finite(column: str, bad: float) -> None:
    engine = Engine("float64")
    epochs = Epochs.from_epochs([GOOD, good(8)], "float64")
    epochs.columns[column][0] = bad
    batch = engine.epoch(epochs).rewarded
    fault = batch.status[0]
    assert fault is not None
    assert fault.field == column
    assert fault.actor == ("allo1r0" if column == "delegated" else "")
    assert batch.status[1] is None


def test_losses_that_did_not_settle() -> None:
    """The reason is the one of settle; the state is the one that settle left."""
    unreported = replace(GOOD, reports={})
    before = State(7, forecaster_score_ratio=Decimal("0.25"))
    batch = Engine().epoch([unreported], [before])
    assert batch.rewarded.status[0] is batch.settled.status[0]
    assert batch.rewarded.states == batch.inferred.states


def test_report_of_another_nonce() -> None:
    """Where it is a fault the topic is left out of everything, and keeps the state it came with."""
    epochs = [with_report("allo1r1", nonce=99), good(8)]
    before = State(7, forecaster_score_ratio=Decimal("0.25"))
    batch = Engine(rules="v0.6", threads=1).epoch(epochs, [before, State(8)])
    with pytest.raises(TopicError) as caught:
        batch.rewarded.topic(0)
    assert (caught.value.actor, caught.value.cause) == ("allo1r1", "wrong_nonce")
    assert batch.settled.states.state(0) == before
    assert batch.rewarded.states.state(0) == before
    assert batch.rewarded.topic(1).fault is None
    later = Engine(rules="v0.17", threads=1).epoch(batch.rewarded.epochs)
    assert later.rewarded.topic(0).fault is None
    assert "allo1r1" not in later.rewarded.topic(0).reputer_score


def test_losses_as_a_column() -> None:
    engine = Engine()
    settled = engine.settle([GOOD])
    column = settled.columns["network_losses"]
    assert repr(engine.reward([GOOD], settled).topic(0)) == repr(
        engine.reward([GOOD], column, settled.states).topic(0)
    )
    with pytest.raises(ValueError, match="network_losses"):
        engine.reward([GOOD], column[1:], settled.states)


def test_stakes_whose_listening_coefficients_are_zero() -> None:
    """Up to v0.6 the topic goes unpaid and keeps what settle left; later it is listened to."""
    deaf = State(7, listening_coefficient=dict.fromkeys(GOOD.reports, Decimal(0)))
    engine = Engine(rules="v0.6", threads=1)
    batch = engine.epoch([GOOD], [deaf])
    result = batch.rewarded.topic(0)
    assert result.fault is not None
    assert (result.fault.field, result.fault.cause) == ("reputer_score", "div_undefined")
    assert result.state == batch.settled.states.state(0)
    assert result.inferer_score == {}
    assert result.reputer_task_reward is None
    assert rewarded(GOOD, deaf, "v0.7").fault is None


def test_reputer_without_stake() -> None:
    """It is scored, but its fraction of 0 has no logarithm: nobody is paid, and scores stay."""
    epoch = with_report("allo1r2", stake=Decimal(0), delegated=Decimal(0))
    result = rewarded(epoch)
    assert result.fault is not None
    assert result.fault.field == "reputer_entropy"
    assert set(result.reputer_score) == set(epoch.reports)
    assert result.reputer_fraction["allo1r2"] == 0
    assert result.state.reputer_reward_fraction["allo1r2"] == 0
    assert result.state.inferer_score_history[100] == tuple(result.inferer_score.items())
    assert result.inferer_fraction == {}
    assert result.reputer_task_reward is None
    assert result.inferer_paid == {}
    assert result.state.inferer_inclusions == {}


def test_no_descent_leaves_scores_of_zero() -> None:
    params = replace(Params(), gradient_descent_max_iters=Decimal(0))
    result = rewarded(replace(GOOD, params=params))
    assert set(result.reputer_score.values()) == {Decimal(0)}
    assert set(result.state.listening_coefficient.values()) == {Decimal(1)}
    assert result.iterations == 0
    assert result.fault is not None
    assert result.fault.field == "reputer_entropy"


@pytest.mark.parametrize("version", ["v0.6", "v0.17"])
def test_conservation(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getcontext(), "prec", 100)
    result = rewarded(GOOD, rules=version)
    assert result.fault is None
    tasks = (
        (result.inference_task_reward, result.inferer_reward, result.inferer_paid),
        (result.forecasting_task_reward, result.forecaster_reward, result.forecaster_paid),
        (result.reputer_task_reward, result.reputer_reward, result.reputer_paid),
    )
    total = sum(task or Decimal(0) for task, _, _ in tasks)
    assert abs(total - GOOD.reward) <= GOOD.reward * Decimal("1e-32")
    for task, rewards, paid in tasks:
        assert task is not None
        delegators = sum(result.delegators_reward.values()) if paid is result.reputer_paid else 0
        assert sum(rewards.values()) + delegators <= task
        assert paid == {actor: int(reward) for actor, reward in rewards.items() if reward >= 1}
    assert result.state.inferer_inclusions == dict.fromkeys(result.inferer_paid, 1)


def test_a_worker_alone() -> None:
    alone = replace(
        GOOD,
        inferences={"allo1a": {"y": Decimal(1)}},
        forecasts={"allo1f": (("allo1a", Decimal(1)),)},
    )
    before = State(
        7, inferer_score_ema={"allo1a": Decimal("0.5")}, inferer_score_quantile=Decimal(3)
    )
    result = rewarded(alone, before)
    assert result.inferer_score == {"allo1a": Decimal(0)}
    assert result.forecasting_entropy == 0
    assert result.state.inferer_score_ema == before.inferer_score_ema
    assert result.state.inferer_score_quantile == 3
    assert result.state.forecaster_reward_fraction == {}


def test_history_is_cut_to_what_is_read() -> None:
    scores = tuple((worker, Decimal(at)) for at, worker in enumerate(INFERERS))
    before = State(7, inferer_score_history={10: scores, 20: scores, 30: scores, 40: scores})
    params = replace(Params(), max_samples_to_scale_scores=Decimal(7))
    state = rewarded(replace(GOOD, params=params), before, "v0.6").state
    assert sorted(state.inferer_score_history) == [30, 40, 100]
    params = replace(Params(), max_samples_to_scale_scores=Decimal(2))
    state = rewarded(replace(GOOD, params=params), before, "v0.6").state
    assert sorted(state.inferer_score_history) == [100]
    assert [worker for worker, _ in state.inferer_score_history[100]] == ["allo1b", "allo1c"]


def test_numbers_longer_than_the_fixed_width() -> None:
    """A stake of 300 digits takes the arbitrary-length path, and every other digit stays."""
    long = Decimal(7 * 10**299 + 1)
    result = rewarded(with_report("allo1r1", stake=long, delegated=long))
    assert result.fault is None
    assert result.reputer_score["allo1r1"] > result.reputer_score["allo1r0"]


def test_tables() -> None:
    batch = Engine(threads=1).epoch([GOOD]).rewarded
    rows = batch.to_arrow().to_pylist()
    found = {(row["role"], row["address"], row["quantity"]): row["value"] for row in rows}
    result = batch.topic(0)
    assert found["topic", "", "gamma"] == str(result.gamma)
    assert found["inferer", "allo1a", "score"] == str(result.inferer_score["allo1a"])
    assert found["reputer", "allo1r3", "paid"] == str(result.reputer_paid["allo1r3"])
    stored = str(result.state.listening_coefficient["allo1r0"])
    assert found["reputer", "allo1r0", "listening_coefficient"] == stored
    assert {row["topic_id"] for row in batch.states_table().to_pylist()} == {7}


class TestStates:
    def test_every_field_survives(self) -> None:
        state = rewarded(GOOD, rewarded(GOOD).state).state
        filled = {field.name for field in fields(State) if getattr(state, field.name)}
        assert {"inferer_score_history", "listening_coefficient", "reputer_score_ema"} <= filled
        states = States.from_states([state])
        assert states.state(0) == state
        assert States.from_bytes(states.to_bytes()).state(0) == state

    def test_order_within_a_block_is_kept(self) -> None:
        scores = (("b", Decimal("1.0")), ("a", Decimal("-0")), ("c", Decimal("2E+3")))
        state = State(1, inferer_score_history={-5: scores, 70: scores[1:]})
        assert States.from_states([state]).state(0).inferer_score_history == {
            -5: scores,
            70: scores[1:],
        }

    def test_block_that_is_none(self) -> None:
        with pytest.raises(ValueError, match=r"inferer_score_history\[x\]\[a\]"):
            States.from_states(
                [State(1, inferer_score_history={"x": (("a", Decimal(1)),)})]  # type: ignore[dict-item]
            )

    def test_bytes_of_the_format_before(self) -> None:
        old = States.from_bytes(bytes.fromhex(FORMAT_1))
        assert old.state(0) == State(
            7,
            initial_regret=Decimal("0.10"),
            inferer_regret={"a": Decimal("-1.50")},
            inferer_inclusions={"a": 3},
            one_out_inferer_forecaster_regret={"a": {"f": Decimal("2E+3")}},
        )

    def test_bytes_of_a_later_format(self) -> None:
        data = bytearray(States.new([1]).to_bytes())
        data[8] = 9
        data[-8:] = crc64(bytes(data[:-8])).to_bytes(8, "little")
        with pytest.raises(ValueError, match=r"format 9, .* formats 1 to 2"):
            States.from_bytes(bytes(data))


FORMAT_1 = (
    "414c4c4f524153540100000000010000000000000007000000000000000200000001000000610100000066"
    "070000000000000000ffffffffffffffff00feffffff010000000a0000000000000001ffffffffffffffff00"
    "000000000000000003ffffffffffffffff00000000000000000004ffffffffffffffff000000000000000000"
    "05ffffffff0000000001feffffff01000000960000000000000009000000000100000000030000000100000002"
    "000000000000000fffffffff00000000030000000000000069a8e65e7faf157d"
)


def crc64(data: bytes) -> int:
    """CRC-64/XZ, bit by bit."""
    value = 2**64 - 1
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0xC96C5795D7870F42 if value & 1 else 0)
    return value ^ (2**64 - 1)


@pytest.mark.parametrize("number", ["decimal", "float64"])
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_threads_split_and_order_do_not_show(number, data: st.DataObject) -> None:
    made = [data.draw(histories()) for _ in range(4)]
    states = [replace(state, topic_id=at) for at, (state, _) in enumerate(made)]
    epochs = [
        replace(history[0], topic_id=at, reward=Decimal(1000 * at))
        for at, (_, history) in enumerate(made)
    ]

    def run(engine: Engine, positions: list[int]) -> dict[int, tuple[str, bytes]]:
        batch = Epochs.from_epochs([epochs[at] for at in positions], number)
        shelf = States.from_states([states[at] for at in positions], number)
        result = engine.epoch(batch, shelf).rewarded
        return {
            at: (
                repr(result.topic(i) if result.columns["computed"][i] else result.status[i]),
                result.states.take([i]).to_bytes(),
            )
            for i, at in enumerate(positions)
        }

    together = run(Engine(number, threads=3), [0, 1, 2, 3])
    alone = Engine(number, threads=1)
    assert together == run(alone, [3, 1, 0, 2])
    assert together == {at: run(alone, [at])[at] for at in range(4)}

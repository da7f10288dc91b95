"""The peers compute the right thing: against the readable reference, before they time anything.

pytest benchmarks/test_peers.py
"""

from __future__ import annotations

import random
from dataclasses import fields, replace
from decimal import Decimal

import mpdec_peer
import numpy as np
import pytest

from allora_core.bench.arrays import EpochArrays, Layout, StateArrays
from allora_core.bench.check import VALUES, assert_close, assert_states_close
from allora_core.bench.convert import (
    after_inference,
    bundle_row,
    network_order,
    state_arrays,
    synthesis_row,
    to_epoch,
    to_state,
)
from allora_core.bench.numpy_peer import NumpyPeer
from allora_core.bench.numpy_reward import NumpyReward, worker_fractions
from allora_core.bench.runner import measure, run
from allora_core.bench.scenarios import (
    Scenario,
    draw_epoch,
    draw_score_state,
    draw_state,
    load_scenarios,
)
from allora_core.reference import infer, number, rules_at, settle

RULES = rules_at("v0.17")
SHAPES = [(2, 2, 2), (5, 3, 5), (6, 2, 2), (13, 4, 7), (32, 6, 12), (66, 2, 66)]


def scenario(inferers: int, forecasters: int, elements: int, distinct: int = 2) -> Scenario:
    return Scenario(
        name="test",
        about="",
        inferers=inferers,
        forecasters=forecasters,
        reputers=3,
        elements=elements,
        topics={"float64": 3, "decimal": 3},
        reference_topics=1,
        reference_rewards=1,
        distinct=distinct,
        epochs=2,
        seed=7,
    )


def draw(shape: Scenario) -> tuple[EpochArrays, StateArrays, NumpyPeer]:
    return draw_epoch(shape, 1), draw_state(shape), NumpyPeer(shape.layout, shape.elements)


@pytest.mark.parametrize("shape", SHAPES)
def test_numpy_peer_is_the_reference(shape: tuple[int, int, int]) -> None:
    chosen = scenario(*shape)
    layout, order = chosen.layout, network_order(chosen.layout)
    _, arrays, peer = draw(chosen)
    states = [to_state(arrays, layout, at, at + 1) for at in range(chosen.distinct)]
    for count in (1, 2, 3):
        # Topics with parameters of their own.
        epoch = replace(
            draw_epoch(chosen, count),
            p_norm=np.array([3.0, 2.5]),
            c_norm=np.array([0.75, 0.5]),
            alpha_regret=np.array([0.1, 0.25]),
            epsilon=np.array([0.01, 0.001]),
        )
        inferred = peer.infer(epoch, arrays)
        settled = peer.settle(epoch, after_inference(arrays, inferred))
        for at, state in enumerate(states):
            values = to_epoch(epoch, at, at + 1, count)
            expected = infer(values, state, RULES)
            row = synthesis_row(values, expected.network, layout)
            assert_close("values", row, inferred.bundle[at, order], relative=VALUES)
            network = expected.network
            weights = [*network.inferer_weight.values(), *network.forecaster_weight.values()]
            assert_close("weights", np.array(weights, float), inferred.weights[at], relative=VALUES)
            closed = settle(values, expected.state, RULES)
            row = bundle_row(closed.network_losses, layout)
            assert_close("losses", row, settled.network_losses[at, order], relative=VALUES)
            states[at] = closed.state
        assert_states_close(state_arrays(states, layout), settled.state)
        arrays = settled.state


@pytest.mark.parametrize("shape", [(5, 3, 5), (32, 6, 12), (66, 2, 66)])
def test_chunks_do_not_show(shape: tuple[int, int, int]) -> None:
    chosen = scenario(*shape, distinct=7)
    epoch, arrays, peer = draw(chosen)
    row_bytes = 8 * chosen.layout.workers
    whole = peer.infer(epoch, arrays)
    closed = peer.settle(epoch, after_inference(arrays, whole))
    for chunk_bytes in (1, 3 * row_bytes, 2 * row_bytes * chosen.layout.rows):
        small = NumpyPeer(chosen.layout, chosen.elements, chunk_bytes)
        part = small.infer(epoch, arrays)
        for field in fields(part):
            assert_close(
                field.name, getattr(whole, field.name), getattr(part, field.name), relative=VALUES
            )
        again = small.settle(epoch, after_inference(arrays, part))
        assert_close("losses", closed.network_losses, again.network_losses, relative=VALUES)
        assert_states_close(closed.state, again.state)


def test_scenarios_are_deterministic_and_round_trip() -> None:
    for chosen in load_scenarios(["small", "limits"]):
        once, twice = draw_epoch(chosen, 2), draw_epoch(chosen, 2)
        assert all(
            np.array_equal(getattr(once, field.name), getattr(twice, field.name))
            for field in fields(once)
            if field.name != "layout"
        )
        state = draw_state(chosen)
        values = [to_state(state, chosen.layout, at, at + 1) for at in range(chosen.distinct)]
        for field in fields(state):
            back = getattr(state_arrays(values, chosen.layout), field.name)
            assert np.array_equal(getattr(state, field.name), back)


def test_numpy_peer_refuses_what_it_does_not_cover() -> None:
    epoch, state, peer = draw(scenario(5, 3, 5))
    nothing = np.zeros(2)
    with pytest.raises(ValueError, match="stored scale"):
        peer.infer(epoch, replace(state, regret_scale=nothing))
    with pytest.raises(ValueError, match="scales below zero"):
        peer.infer(epoch, replace(state, regrets=state.regrets - 1000.0))
    outlier = epoch.inferences.copy()
    outlier[0, 0] = 1e6
    with pytest.raises(ValueError, match="outlying"):
        peer.infer(replace(epoch, inferences=outlier), state)
    with pytest.raises(ValueError, match="two or more elements"):
        NumpyPeer(Layout(5, 3), 1)
    with pytest.raises(ValueError, match="two or more inferers"):
        NumpyPeer(Layout(5, 1), 5)


def test_numpy_reward_refuses_what_it_does_not_cover() -> None:
    chosen = scenario(5, 3, 5)
    epoch, arrays, peer = draw(chosen)
    state, rewarding = draw_score_state(chosen), NumpyReward(chosen.layout, chosen.reputers)
    settled = peer.settle(epoch, after_inference(arrays, peer.infer(epoch, arrays)))
    losses = settled.network_losses
    assert np.all(rewarding.reward(epoch, losses, state).values["inferer_paid"] >= 0)
    with pytest.raises(ValueError, match="two or more reputers"):
        NumpyReward(chosen.layout, 1)
    with pytest.raises(ValueError, match="two or more inferers"):
        NumpyReward(Layout(1, 3), 3)
    silent = epoch.reports.copy()
    silent[1, 2, 4] = np.nan
    with pytest.raises(ValueError, match="who report every loss"):
        rewarding.reward(replace(epoch, reports=silent), losses, state)
    poor = epoch.stakes.copy()
    poor[1, 2] = 0.0
    with pytest.raises(ValueError, match="with stake who are listened to"):
        rewarding.reward(replace(epoch, stakes=poor), losses, state)
    deaf = state.listening_coefficient.copy()
    deaf[0, 0] = 0.0
    with pytest.raises(ValueError, match="with stake who are listened to"):
        rewarding.reward(epoch, losses, replace(state, listening_coefficient=deaf))
    with pytest.raises(ValueError, match="a score other than 0"):
        rewarding.reward(epoch, np.zeros_like(losses), state)
    # One score among n is at most sqrt(n) of their deviations away.
    history = np.zeros((1, 30_000, 2))
    history[0, -1, 0] = 1000.0
    with pytest.raises(ValueError, match="less than 230 deviations"):
        worker_fractions("inferer", history[:, -1], history, 0.01)
    shorter = history[:, 10_000:]
    assert worker_fractions("inferer", shorter[:, -1], shorter, 0.01)[0, 0] > 0.999


def test_a_difference_stops_the_clock() -> None:
    with pytest.raises(AssertionError, match=r"values\[1\]: expected 2.0, got 2.5"):
        assert_close("values", [1.0, 2.0], [1.0, 2.5], relative=VALUES)
    with pytest.raises(AssertionError, match="nan"):
        assert_close("values", [1.0], [float("nan")], relative=VALUES)


@pytest.mark.parametrize("mode", ["float64", "decimal"])
def test_rows_of_a_measurement(mode: str) -> None:
    rows = measure(scenario(5, 3, 5), "float64" if mode == "float64" else "decimal")
    pairs = [(row["moment"], row["peer"]) for row in rows]
    several = ["NumPy, one shape", "NumPy, general"] if mode == "float64" else ["reference"]
    single = ["NumPy"] if mode == "float64" else ["reference"]
    assert pairs == [
        (moment, peer)
        for moment in ("infer", "settle", "reward", "epoch")
        for peer in (single if moment == "reward" else several)
    ]
    assert all(row["engine_seconds"] > 0 and row["ratio"] for row in rows)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown scenario 'limit': choose among small, limits"):
        run(["limit"])
    with pytest.raises(ValueError, match="unknown number"):
        run(["small"], "float32")  # type: ignore[arg-type]


@pytest.mark.parametrize("operation", ["multiply", "divide", "add"])
def test_libmpdec_is_the_reference(operation: str) -> None:
    draws = random.Random(3)

    def operand() -> str:
        digits = draws.randrange(10 ** draws.randint(0, 40)) + 1
        return f"{draws.choice(['', '-'])}{digits}E{draws.randint(-45, 10)}"

    a, b = ([operand() for _ in range(3000)] for _ in range(2))
    try:
        results = mpdec_peer.time_decimal_operation(operation, a, b, 1)[1]
    except mpdec_peer.MpdecMissing as missing:
        pytest.skip(str(missing))
    reference = {"multiply": number.multiply, "divide": number.quotient, "add": number.add}
    for x, y, result in zip(a, b, results, strict=True):
        expected = reference[operation](Decimal(x), Decimal(y))
        # The network pads a terminating quotient to 34 digits, libmpdec writes it short.
        if operation == "divide":
            assert number.compare(expected, Decimal(result)) == 0
        else:
            assert number.same_form(expected, Decimal(result))

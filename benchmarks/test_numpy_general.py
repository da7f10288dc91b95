"""The general NumPy peer gives what the engine gives, whatever topics come.

    pytest benchmarks/test_numpy_general.py

Excluded are what doubles cannot hold against an order of operations: the styles ``extreme``
(magnitudes from 1e-40 to 1e40), ``long`` (up to 300 digits) and ``mixed`` of them, where a weight
hangs on a difference of regrets beyond their sixteenth digit.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allora_core import Engine, Epochs, States
from allora_core.bench.check import REGRETS, VALUES
from allora_core.bench.numpy_general import CarriedStates, GeneralPeer, PaddedEpochs
from allora_core.bench.numpy_general.agreement import (
    assert_carried_close,
    assert_inferred_close,
    assert_present_close,
    assert_settled_close,
)
from allora_core.bench.numpy_general.carried import COMPARED_ROSTER, located, searched
from allora_core.bench.scenarios import load_scenarios
from allora_core.bench.workload import Workload
from allora_core.epoch import Epoch, State
from allora_core.reference import rules_at
from allora_core.testing.strategies import histories

RULES = rules_at("v0.17")
ENGINE = Engine("float64", rules=RULES, threads=1)
SETTINGS = settings(
    max_examples=int(os.environ.get("ALLORA_CORE_HISTORIES", "100")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
ROUNDINGS = 16 * np.finfo(np.float64).eps
"""By so much of its own size an exponent may differ, and a weight by its exponent's difference."""

Topic = tuple[State, list[Epoch]]

pytestmark = pytest.mark.filterwarnings("error")


def exponents(epoch: PaddedEpochs, states: CarriedStates) -> np.ndarray:
    """(T,) greatest pR/s of any pass, and the greatest inference where it exceeds 1."""
    regret = np.nan_to_num(np.abs(states.regrets)).max(axis=(1, 2))
    regret = np.maximum(regret, np.abs(states.initial_regret))
    previous = np.nan_to_num(np.abs(states.previous_combined_loss))
    forecasted = previous + np.abs(epoch.element_loss).max(axis=(1, 2), initial=0.0)
    scale = np.where(states.regret_scale > 0, states.regret_scale, epoch.params["epsilon"])
    return 1.0 + epoch.params["p_norm"] * np.maximum(regret, forecasted) / scale


def run(topics: Sequence[Topic], peer: GeneralPeer) -> int:
    """Every topic through its epochs on both sides, each carrying its own states.

    Topics whose epochs are over leave the batch. Returns how many epochs both computed.
    """
    number = 0
    length = max(len(epochs) for _, epochs in topics)
    states = States.from_states([state for state, _ in topics], "float64")
    carried = CarriedStates.of([state for state, _ in topics])
    running = list(range(len(topics)))
    for at in range(length):
        still = [i for i, topic in enumerate(running) if at < len(topics[topic][1])]
        running = [running[i] for i in still]
        states, carried = states.take(still), carried.take(np.array(still))
        epochs = Epochs.from_epochs([topics[topic][1][at] for topic in running], "float64")
        padded = PaddedEpochs.of(epochs)
        greatest = np.maximum(1.0, np.abs(padded.inferences).max(axis=(1, 2)))
        allowed = ROUNDINGS * exponents(padded, carried) * greatest
        inferred, found = ENGINE.infer(epochs, states), peer.infer(padded, carried)
        assert_inferred_close(padded, inferred, found, relative=VALUES, absolute=allowed)
        settled, closed = ENGINE.settle(epochs, inferred.states), peer.settle(padded, found.states)
        assert_settled_close(padded, settled, closed, relative=VALUES, absolute=1e-14)
        states, carried = settled.states, closed.states
        shown = [states.state(i) for i in range(len(states))]
        weighed = float((ROUNDINGS * exponents(padded, carried)).max())
        assert_carried_close(shown, carried, relative=VALUES, absolute=max(1e-13, weighed))
        number += sum(fault is None for fault in settled.status)
    return number


@SETTINGS
@given(data=st.data())
def test_made_up_histories(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 4))
    styles = ("ordinary", "ties", "zeros")
    topics = [
        data.draw(histories(RULES, at + 1, styles=styles, max_epochs=3)) for at in range(count)
    ]
    run(topics, GeneralPeer(chunk_bytes=data.draw(st.sampled_from([1, 4096, 2**20]))))


def loaded(inferers: int, forecasters: int, elements: int, topic_id: int) -> Workload:
    """A running topic of some size."""
    shape = replace(
        load_scenarios(["small"])[0],
        inferers=inferers,
        forecasters=forecasters,
        elements=elements,
        topics={"float64": 1, "decimal": 1},
        distinct=1,
        seed=topic_id,
    )
    return Workload(shape, "float64")


def running(inferers: int, forecasters: int, elements: int, topic_id: int, epochs: int) -> Topic:
    """A running topic of some size, and its next epochs."""
    work = loaded(inferers, forecasters, elements, topic_id)
    following = [
        replace(work.distinct_epochs(number)[0], topic_id=topic_id)
        for number in range(1, epochs + 1)
    ]
    return replace(work.distinct_states()[0], topic_id=topic_id), following


def test_topics_of_all_sizes_in_one_batch() -> None:
    sizes = [(2, 2, 2), (40, 7, 12), (5, 3, 5), (70, 2, 70), (13, 4, 3)]
    topics = [running(*size, at + 1, 3) for at, size in enumerate(sizes)]
    assert run(topics, GeneralPeer()) == 3 * len(sizes)
    assert run(topics, GeneralPeer(chunk_bytes=1)) == 3 * len(sizes)


def test_short_and_long_rosters_are_read_alike() -> None:
    draws = np.random.default_rng(5)
    size = COMPARED_ROSTER + 9
    roster = np.array([draws.permutation(300)[:size] for _ in range(4)])
    roster[1, 100:] = -1
    roster[2] = -1
    actors = draws.integers(-1, 300, (4, 50))
    position, known = searched(roster, actors)
    assert 0 < known.sum() < known.size
    short = [located(roster[:, begin : begin + 64], actors) for begin in range(0, size, 64)]
    for at, (own, found) in enumerate(short):
        assert np.array_equal(position[found], own[found] + 64 * at)
    assert np.array_equal(known, np.any([found for _, found in short], axis=0))
    assert np.all(position[~known] == 0)
    assert np.array_equal(located(roster, actors)[0], position)


def test_a_lone_inference_of_a_topic_without_forecasters() -> None:
    state, epochs = running(4, 2, 3, 1, 3)
    alone = {"allo1inferer00002": epochs[1].inferences["allo1inferer00002"]}
    epochs[1] = replace(epochs[1], inferences=alone)
    epochs = [replace(epoch, forecasts={}) for epoch in epochs]
    new = State(topic_id=1)
    assert run([(state, epochs)], GeneralPeer()) == 3
    assert run([(new, epochs)], GeneralPeer()) == 3


def test_outliers_come_and_go() -> None:
    topics = [running(9, 3, 6, at, 4) for at in (1, 2, 3)]
    epochs = topics[1][1]
    for at in (0, 2):
        far = dict(epochs[at].inferences)
        far["allo1inferer00004"] = {"y": Decimal("1e6")}
        far["allo1inferer00007"] = {"y": Decimal("-1e6")}
        epochs[at] = replace(epochs[at], inferences=far)
    packed = Epochs.from_epochs([epochs[0] for _, epochs in topics], "float64")
    padded = PaddedEpochs.of(packed)
    carried = CarriedStates.of([state for state, _ in topics])
    found = GeneralPeer().infer(padded, carried)
    values = found.resistant.values[:, 0, padded.layout.one_out_inferer]
    assert np.argwhere(np.isnan(values)).tolist() == [[1, 4], [1, 7]]
    assert run(topics, GeneralPeer()) == 12


def test_regrets_beyond_the_range_of_an_exponential() -> None:
    """The best worker far above, or everybody far below, what e^x holds."""
    state, epochs = running(6, 3, 4, 1, 2)
    for factor in ("1000", "-1000"):
        moved = {name: regret * Decimal(factor) for name, regret in state.inferer_regret.items()}
        naive = {name: regret - 500 for name, regret in state.naive_inferer_regret.items()}
        extreme = replace(state, inferer_regret=moved, naive_inferer_regret=naive)
        assert run([(extreme, epochs)], GeneralPeer()) == 2
    # One element so much better that the weights of the others have no double beside its own.
    (k, elements), *others = epochs[0].forecasts.items()
    (best, loss), *rest = elements
    forecasts = {k: ((best, loss - 500), *rest), **dict(others)}
    assert run([(state, [replace(epochs[0], forecasts=forecasts)])], GeneralPeer()) == 1


def test_a_topic_without_result_keeps_its_state() -> None:
    state, (epoch, following) = running(5, 3, 5, 1, 2)
    other, more = running(4, 2, 3, 2, 2)
    nothing = {name: replace(each, stake=Decimal(0)) for name, each in epoch.reports.items()}
    silent = replace(epoch, reports=nothing)
    assert run([(state, [silent, following]), (other, more)], GeneralPeer()) == 3
    unheard = replace(epoch, reports={})
    assert run([(state, [unheard, following]), (other, more)], GeneralPeer()) == 3


def test_everybody_leaves_and_comes_back() -> None:
    state, epochs = running(6, 3, 4, 1, 4)
    away = ("allo1inferer00001", "allo1inferer00003", "allo1forecaster00000")
    for at in (1, 2):
        epochs[at] = replace(
            epochs[at],
            inferences={j: x for j, x in epochs[at].inferences.items() if j not in away},
            forecasts={k: f for k, f in epochs[at].forecasts.items() if k not in away},
        )
    joining = dict(epochs[2].inferences) | {"allo1aaa": {"y": Decimal(100)}}
    epochs[2] = replace(epochs[2], inferences=joining)
    assert run([(state, epochs)], GeneralPeer()) == 4


def test_what_it_does_not_cover_is_refused() -> None:
    _, (epoch,) = running(5, 3, 5, 1, 1)
    twice = {k: (*elements, elements[0]) for k, elements in epoch.forecasts.items()}
    for number, changed, words in (
        ("decimal", epoch, "packed in float64"),
        ("float64", replace(epoch, inferences={}), "at least one inference"),
        ("float64", replace(epoch, forecasts=twice), "one element per inferer"),
    ):
        with pytest.raises(ValueError, match=words):
            PaddedEpochs.of(Epochs.from_epochs([changed], number))


def test_a_difference_is_found() -> None:
    nan = np.array([1.0, np.nan])
    with pytest.raises(AssertionError, match="missing on one side alone"):
        assert_present_close("values", nan, np.array([1.0, 2.0]), relative=VALUES)
    with pytest.raises(AssertionError, match=r"values\[0\]: expected 1.0, got 1.5"):
        assert_present_close("values", nan, nan + 0.5, relative=VALUES)
    state, _ = running(5, 3, 5, 1, 1)
    fewer = dict(list(state.inferer_regret.items())[1:])
    one, other = CarriedStates.of([state]), replace(state, inferer_regret=fewer)
    with pytest.raises(AssertionError, match="regrets: missing on one side alone"):
        assert_carried_close([other], one, relative=VALUES, absolute=REGRETS)
    stranger = {**state.inferer_regret, "allo1zzz": Decimal(1)}
    with pytest.raises(AssertionError, match="carries an inferer whom the peer does not"):
        assert_carried_close(
            [replace(state, inferer_regret=stranger)], one, relative=VALUES, absolute=REGRETS
        )

"""The engine in float64 beside the general NumPy peer: recorded epochs, all topics in one batch.

More of it is in ``benchmarks/test_numpy_general.py``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from allora_core import Engine, Epochs, States
from allora_core.bench.check import REGRETS, VALUES
from allora_core.bench.numpy_general import CarriedStates, GeneralPeer, PaddedEpochs
from allora_core.bench.numpy_general.agreement import (
    assert_carried_close,
    assert_inferred_close,
    assert_settled_close,
)
from allora_core.recorded import RecordedEpoch, read_chain_epochs

EPOCHS = Path(__file__).parents[1] / "vectors" / "chain_epochs_v017.jsonl.gz"


def test_recorded_epochs() -> None:
    """Newcomers, leavers, lone and label-vector topics; each side carries its own states."""
    topics: dict[int, list[RecordedEpoch]] = {}
    for recorded in read_chain_epochs(EPOCHS):
        topics.setdefault(recorded.epoch.topic_id, []).append(recorded)
    running = list(topics.values())
    first = [history[0].state for history in running]
    assert None not in first
    engine, peer = Engine("float64", rules="v0.17", threads=1), GeneralPeer()
    states = States.from_states(filter(None, first), "float64")
    carried = CarriedStates.of([state for state in first if state is not None])
    for at in range(max(map(len, running))):
        still = [i for i, history in enumerate(running) if at < len(history)]
        running = [running[i] for i in still]
        states, carried = states.take(still), carried.take(np.array(still))
        epochs = Epochs.from_epochs([history[at].epoch for history in running], "float64")
        padded = PaddedEpochs.of(epochs)
        inferred, found = engine.infer(epochs, states), peer.infer(padded, carried)
        assert inferred.status == [None] * len(running)
        assert_inferred_close(padded, inferred, found, relative=VALUES)
        settled, closed = engine.settle(epochs, inferred.states), peer.settle(padded, found.states)
        assert settled.status == [None] * len(running)
        assert_settled_close(padded, settled, closed, relative=VALUES)
        states, carried = settled.states, closed.states
        alone = [states.state(i) for i in range(len(running))]
        assert_carried_close(alone, carried, relative=VALUES, absolute=REGRETS)

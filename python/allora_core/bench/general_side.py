"""The general NumPy peer's side of a workload: the same packed batch, and states of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..batch import Epochs
from ..engine import InferredBatch, SettledBatch
from ..epoch import State
from .arrays import RewardedArrays
from .check import REGRETS, VALUES
from .numpy_general import CarriedStates, GeneralPeer, Inferred, PaddedEpochs, Settled
from .numpy_general.agreement import (
    assert_carried_close,
    assert_inferred_close,
    assert_settled_close,
)

__all__ = ["GeneralSide"]


class GeneralSide:
    """Computes the first epoch of a workload, and follows the engine through all of them.

    Args:
        epochs: the first epoch of the whole batch, packed in float64.
        states: before it, of the distinct topics that the batch repeats.
    """

    def __init__(self, epochs: Epochs, states: Sequence[State]) -> None:
        self.peer = GeneralPeer()
        self.distinct = len(states)
        self.epochs = PaddedEpochs.of(epochs)
        self.states = CarriedStates.of(states).take(np.arange(len(epochs)) % self.distinct)
        self.inferred_states = self.infer().states
        self.carried = self.states

    def infer(self) -> Inferred:
        """`infer` of the first epoch."""
        return self.peer.infer(self.epochs, self.states)

    def settle(self) -> Settled:
        """`settle` of the first epoch."""
        return self.peer.settle(self.epochs, self.inferred_states)

    def both(self) -> Settled:
        """`settle` of the first epoch upon its `infer`."""
        return self.peer.settle(self.epochs, self.infer().states)

    def verify(self, inferred: InferredBatch, settled: SettledBatch) -> None:
        """Compute the next epoch as well, from the peer's own states.

        Raises:
            AssertionError: with the worst difference from the engine.
        """
        epochs = PaddedEpochs.of(inferred.epochs)
        found = self.peer.infer(epochs, self.carried)
        assert_inferred_close(epochs, inferred, found, relative=VALUES)
        closed = self.peer.settle(epochs, found.states)
        assert_settled_close(epochs, settled, closed, relative=VALUES)
        states = [settled.states.state(at) for at in range(self.distinct)]
        own = closed.states.take(np.arange(self.distinct))
        assert_carried_close(states, own, relative=VALUES, absolute=REGRETS)
        self.carried = closed.states

    def count(self, rewarded: RewardedArrays) -> None:
        """Count who was paid, which the next epoch's initial regret asks for."""
        paid = [rewarded.values[f"{role}_paid"] > 0 for role in ("inferer", "forecaster")]
        inclusions = self.carried.inclusions + np.hstack(paid)
        self.carried = replace(self.carried, inclusions=inclusions)

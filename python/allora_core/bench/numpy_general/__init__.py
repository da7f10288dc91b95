"""The general float64 peer of the compiled engine: v0.17 in batched NumPy for any topics.

It takes what the engine takes, packed the same, and gives what the engine gives: topics of
different sizes in one batch, by padding and masks; missing reports and entries, newcomers, leavers,
topics whose inferers are all new or that have no network loss yet, lone inferers and forecasters,
forecasts about absent inferers, several labels, outliers and the inference without them,
confidence intervals, normalized weights, states by address. There is no loop over topics or
participants, only over chunks of topics whose regrets stay in the cache.

What it leaves to the engine are faults: where the network has no result, the peer has NaN and the
topic keeps its state, without saying why.

Source: synthesis, sections 1 to 9 and 11.
"""

from __future__ import annotations

import numpy as np

from .carried import CarriedStates
from .infer import Inferred, infer
from .padded import PaddedEpochs
from .settle import Settled, settle
from .synthesis import Bundles

__all__ = ["Bundles", "CarriedStates", "GeneralPeer", "Inferred", "PaddedEpochs", "Settled"]

CHUNK_BYTES = 2 * 1024 * 1024
"""Measured, not derived: smaller chunks cost more in calls per topic, larger ones gain nothing."""


class GeneralPeer:
    """Computes epochs of any topics. Where there is nothing to divide by, NaN is what it means.

    Args:
        chunk_bytes: size of one chunk's regret matrices.
    """

    def __init__(self, chunk_bytes: int = CHUNK_BYTES) -> None:
        self.chunk_bytes = chunk_bytes

    def infer(self, epoch: PaddedEpochs, states: CarriedStates) -> Inferred:
        """Network inferences of a batch, one epoch per topic, states in the same order."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return infer(epoch, states, self.chunk_bytes)

    def settle(self, epoch: PaddedEpochs, states: CarriedStates) -> Settled:
        """Network losses and the states afterwards."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return settle(epoch, states, self.chunk_bytes)

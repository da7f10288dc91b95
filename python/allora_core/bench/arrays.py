"""Dense same-shape batches of topics as float64 arrays: what the NumPy peer computes on.

One matrix per topic holds every regret family. Its rows are the passes of the value bundle, its
columns the workers a pass is weighted with::

    rows     combined | naive | one-out forecasters | one-in forecasters | one-out inferers
    columns  inferers | forecasters

A worker that takes no part in a pass (forecasters in the naive pass, all but one forecaster in a
one-in pass) has the regret -inf: its weight 1/(1 + e^(-p(n - c))) is then exactly 0 and every
moving average keeps it at -inf. A bundle row lists the rows of that matrix, its columns, and then
the one-out-inferer-forecaster block (withheld inferer, forecaster), so that the losses of passes
and of workers are slices without copies.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = [
    "HISTORY_BLOCKS",
    "EpochArrays",
    "Float64",
    "Index",
    "InferredArrays",
    "Layout",
    "RewardedArrays",
    "ScoreStateArrays",
    "SettledArrays",
    "StateArrays",
]

HISTORY_BLOCKS = 10
"""Epochs whose scores the deviation is taken of, where all seats are taken: the module's
``max_samples_to_scale_scores``."""

Float64: TypeAlias = npt.NDArray[np.float64]
Index: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Layout:
    """Slots of the regret matrix and of a bundle row for I inferers and F forecasters."""

    inferers: int
    forecasters: int

    @property
    def workers(self) -> int:
        """Columns of the regret matrix, I + F."""
        return self.inferers + self.forecasters

    @property
    def rows(self) -> int:
        """Rows of the regret matrix, 2 + 2F + I."""
        return 2 + 2 * self.forecasters + self.inferers

    @property
    def width(self) -> int:
        """Slots of a bundle row, 2 + 2I + 3F + F*I."""
        return self.rows + self.workers + self.inferers * self.forecasters

    @property
    def one_out_forecaster(self) -> slice:
        """Passes without one forecaster."""
        return slice(2, 2 + self.forecasters)

    @property
    def one_in_forecaster(self) -> slice:
        """Passes with one forecaster alone."""
        return slice(2 + self.forecasters, 2 + 2 * self.forecasters)

    @property
    def one_out_inferer(self) -> slice:
        """Passes without one inferer."""
        return slice(2 + 2 * self.forecasters, self.rows)

    @property
    def inferer(self) -> slice:
        """The inferers' own slots of a bundle row."""
        return slice(self.rows, self.rows + self.inferers)

    @property
    def forecaster(self) -> slice:
        """The forecasters' own slots of a bundle row."""
        return slice(self.rows + self.inferers, self.rows + self.workers)

    @property
    def worker(self) -> slice:
        """Inferers and forecasters together."""
        return slice(self.rows, self.rows + self.workers)

    @property
    def withheld(self) -> slice:
        """One-out-inferer-forecaster slots, forecaster fastest."""
        return slice(self.rows + self.workers, self.width)


@dataclass(frozen=True, slots=True)
class EpochArrays:
    """One epoch of T topics. I inferers, F forecasters, K elements per forecast, R reputers.

    Attributes:
        layout: slots of the bundle rows.
        inferences: (T, I).
        element_inferer: (T, F, K) position of the forecasted inferer, distinct within a forecast.
        element_loss: (T, F, K) forecasted losses, log10.
        stakes: (T, R).
        delegated: (T, R) part of the stakes.
        reports: (T, R, width) losses, every slot reported, log10.
        reward: (T,) of the topics.
        epsilon, p_norm, c_norm, alpha_regret: (T,) topic parameters.
    """

    layout: Layout
    inferences: Float64
    element_inferer: Index
    element_loss: Float64
    stakes: Float64
    delegated: Float64
    reports: Float64
    reward: Float64
    epsilon: Float64
    p_norm: Float64
    c_norm: Float64
    alpha_regret: Float64

    @property
    def topics(self) -> int:
        """Size of the batch."""
        return len(self.inferences)


@dataclass(frozen=True, slots=True)
class StateArrays:
    """States of T topics whose workers have all been settled before.

    Attributes:
        regrets: (T, rows, workers), -inf where a worker takes no part in a pass.
        weights: (T, workers) stored normalized weights.
        initial_regret, regret_scale, previous_combined_loss, inference_median,
            inference_median_absolute_deviation: (T,).
    """

    regrets: Float64
    weights: Float64
    initial_regret: Float64
    regret_scale: Float64
    previous_combined_loss: Float64
    inference_median: Float64
    inference_median_absolute_deviation: Float64

    @classmethod
    def empty(cls, topics: int, layout: Layout) -> StateArrays:
        """Room for the states of a batch."""
        scalars = [np.zeros(topics) for _ in range(5)]
        regrets = np.zeros((topics, layout.rows, layout.workers))
        return cls(regrets, np.zeros((topics, layout.workers)), *scalars)

    def copy(self) -> StateArrays:
        """A state of its own memory."""
        return StateArrays(*(getattr(self, field.name).copy() for field in fields(self)))


@dataclass(frozen=True, slots=True)
class InferredArrays:
    """Network inferences of T topics.

    Attributes:
        bundle: (T, width) inferences of all passes and workers.
        weights: (T, workers) weights of the combined pass, the best worker 1.
        element_weight: (T, F, K) weights inside the forecast-implied inferences.
        inference_median, inference_median_absolute_deviation: (T,) of the outlier filter.
    """

    bundle: Float64
    weights: Float64
    element_weight: Float64
    inference_median: Float64
    inference_median_absolute_deviation: Float64

    @classmethod
    def empty(cls, epoch: EpochArrays) -> InferredArrays:
        """Room for the results of an epoch."""
        topics, layout = epoch.topics, epoch.layout
        return cls(
            np.zeros((topics, layout.width)),
            np.zeros((topics, layout.workers)),
            np.zeros(epoch.element_loss.shape),
            np.zeros(topics),
            np.zeros(topics),
        )


@dataclass(frozen=True, slots=True)
class SettledArrays:
    """Network losses of T topics, and their states afterwards.

    Attributes:
        network_losses: (T, width).
        state: regrets, weights and scalars after the epoch.
    """

    network_losses: Float64
    state: StateArrays

    @classmethod
    def empty(cls, epoch: EpochArrays) -> SettledArrays:
        """Room for the results of an epoch."""
        state = StateArrays.empty(epoch.topics, epoch.layout)
        return cls(np.zeros((epoch.topics, epoch.layout.width)), state)


@dataclass(frozen=True, slots=True)
class ScoreStateArrays:
    """What `reward` carries from epoch to epoch, of T topics whose actors are all known.

    Attributes:
        listening_coefficient: (T, R).
        inferer_score_ema, forecaster_score_ema, reputer_score_ema: (T, actors).
        inferer_score_quantile, forecaster_score_quantile, reputer_score_quantile,
            initial_inferer_score, initial_forecaster_score, initial_reputer_score: (T,).
        inferer_score_history, forecaster_score_history: (T, HISTORY_BLOCKS, actors), newest last.
        inferer_reward_fraction, forecaster_reward_fraction, reputer_reward_fraction: (T, actors)
            smoothed.
        forecaster_score_ratio: (T,).
        delegate_reward_per_share: (T, R).
        inferer_inclusions, forecaster_inclusions: (T, actors) counts.
    """

    listening_coefficient: Float64
    inferer_score_ema: Float64
    forecaster_score_ema: Float64
    reputer_score_ema: Float64
    inferer_score_quantile: Float64
    forecaster_score_quantile: Float64
    reputer_score_quantile: Float64
    initial_inferer_score: Float64
    initial_forecaster_score: Float64
    initial_reputer_score: Float64
    inferer_score_history: Float64
    forecaster_score_history: Float64
    inferer_reward_fraction: Float64
    forecaster_reward_fraction: Float64
    reputer_reward_fraction: Float64
    forecaster_score_ratio: Float64
    delegate_reward_per_share: Float64
    inferer_inclusions: Float64
    forecaster_inclusions: Float64


@dataclass(frozen=True, slots=True)
class RewardedArrays:
    """Scores and rewards of T topics.

    Attributes:
        values: by the name in `Rewarded`, (T, actors) or (T,); whole base units as doubles.
        iterations: (T,) steps of the descent of the listening coefficients.
        state: after the epoch.
    """

    values: dict[str, Float64]
    iterations: Index
    state: ScoreStateArrays

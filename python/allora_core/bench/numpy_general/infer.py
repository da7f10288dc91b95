"""``infer`` of a batch: outlier filter, network inference, a second one where it drops somebody.

Source: synthesis, sections 1 to 5 and 9.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..arrays import Float64, Layout
from ..numpy_sums import chunks
from .carried import CarriedStates
from .forecasts import Given
from .padded import PaddedEpochs
from .synthesis import Bundles, complete, participants, synthesize
from .weights import Mask, masked_deviation

__all__ = ["Inferred", "in_force", "infer", "topics_in"]


@dataclass(frozen=True, slots=True)
class Inferred:
    """Network inferences of T topics.

    Attributes:
        network: the bundles.
        resistant: the bundles without outlying inferences, `network` itself where there were none;
            topics of several labels have no such bundle.
        states: with median and deviation of the outlier filter updated.
    """

    network: Bundles
    resistant: Bundles
    states: CarriedStates


def infer(epoch: PaddedEpochs, states: CarriedStates, chunk_bytes: int) -> Inferred:
    """Network inferences of a batch."""
    after, kept = filtered(epoch, states)
    network = synthesized(epoch, states, epoch.has_inferer, chunk_bytes)
    resistant = network
    outlying = np.flatnonzero((epoch.has_inferer & ~kept).any(axis=-1))
    if len(outlying):
        some, before = epoch.take(outlying), states.take(outlying)
        again = synthesized(some, before, kept[outlying], chunk_bytes)
        resistant = network.copy()
        resistant.put(outlying, again)
    failed = np.isnan(network.values[:, 0, 0]) | np.isnan(resistant.values[:, 0, 0])
    if not failed.any():
        return Inferred(network, resistant, after)
    for bundles in (network, resistant):
        bundles.clear(np.flatnonzero(failed))
    for name in ("inference_median", "inference_median_absolute_deviation"):
        value = np.where(failed, getattr(states, name), getattr(after, name))
        after = replace(after, **{name: value})
    return Inferred(network, resistant, after)


def filtered(epoch: PaddedEpochs, states: CarriedStates) -> tuple[CarriedStates, Mask]:
    """The states with median and deviation of the inferences, and (T, I) who is no outlier."""
    params, present = epoch.params, epoch.has_inferer
    value = epoch.inferences[:, 0]
    median, deviation = masked_deviation(value, present)
    stored = states.inference_median_absolute_deviation
    alpha = params["inference_outlier_detection_alpha"]
    average = np.where(stored == 0.0, deviation, alpha * deviation + (1.0 - alpha) * stored)
    single = epoch.labels == 1
    after = replace(
        states,
        inference_median=np.where(single, median, states.inference_median),
        inference_median_absolute_deviation=np.where(single, average, stored),
    )
    bound = params["inference_outlier_detection_threshold"] * average
    everybody = ~single | (median == 0.0) | (average == 0.0)
    kept = np.abs(value - median[:, None]) <= bound[:, None]
    return after, present & (kept | everybody[:, None])


def synthesized(
    epoch: PaddedEpochs, states: CarriedStates, present: Mask, chunk_bytes: int
) -> Bundles:
    """The bundles of a batch over the inferers who are present, chunk by chunk."""
    layout, labels = epoch.layout, epoch.inferences.shape[1]
    out = Bundles.empty(epoch.topics, labels, layout, epoch.element_loss.shape[2])
    slots = states.slots(epoch.inferer, epoch.forecaster)
    takes_part = participants(layout)
    given = Given(
        epoch, present, states.regret_scale, in_force(epoch, states), states.previous_combined_loss
    )
    topics = topics_in(chunk_bytes, layout)
    for chunk in chunks(epoch.topics, topics):
        regrets = states.read_regrets(slots, chunk)
        synthesize(given.take(chunk), regrets, takes_part, out.part(chunk))
    complete(out, epoch.labels, layout)
    return out


def topics_in(chunk_bytes: int, layout: Layout) -> int:
    """Topics whose regret matrices take so many bytes, at least one."""
    return max(1, chunk_bytes // (8 * layout.rows * layout.workers))


def in_force(epoch: PaddedEpochs, states: CarriedStates) -> Float64:
    """(T,) initial regrets: the epoch's own from its start, or the states'."""
    own = epoch.initial_regret
    regret: Float64 = np.where(np.isnan(own), states.initial_regret, own)
    return regret

"""The network inference bundle of a chunk of topics: all passes of it as one matrix of weights.

Source: synthesis, sections 3 to 5.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from ..arrays import Float64, Index, Layout
from .forecasts import Forecasts, Given, imply, slope_and_anchor
from .interval import confidence_interval
from .weights import Mask, deviation_scale, weigh

__all__ = ["Bundles", "complete", "pairs", "participants", "synthesize"]


@dataclass(frozen=True, slots=True)
class Bundles:
    """Network inferences of T topics; NaN is what a topic does not have.

    Attributes:
        values: (T, L, width) inferences in the slots of `Layout`.
        regret: (T, W) regrets of the combined pass.
        weight: (T, W) weights of the combined pass, the best 1.
        normalized_weight: (T, W) by their sum.
        element_weight: (T, F, K) weights in the forecast-implied inferences.
        regret_scale: (T,) of the combined pass.
        confidence_interval: (T, 5) of topics with one label.
    """

    values: Float64
    regret: Float64
    weight: Float64
    normalized_weight: Float64
    element_weight: Float64
    regret_scale: Float64
    confidence_interval: Float64

    @classmethod
    def empty(cls, topics: int, labels: int, layout: Layout, elements: int) -> Bundles:
        """Room for the results of a batch."""
        workers = (topics, layout.workers)
        return cls(
            np.empty((topics, labels, layout.width)),
            np.empty(workers),
            np.empty(workers),
            np.empty(workers),
            np.empty((topics, layout.forecasters, elements)),
            np.empty(topics),
            np.empty((topics, 5)),
        )

    def copy(self) -> Bundles:
        """The same in memory of its own."""
        return Bundles(*(getattr(self, field.name).copy() for field in fields(self)))

    def part(self, chunk: slice) -> Bundles:
        """Views of a chunk's bundles."""
        return Bundles(*(getattr(self, field.name)[chunk] for field in fields(self)))

    def clear(self, positions: Index) -> None:
        """NaN in everything of these topics."""
        for field in fields(self):
            getattr(self, field.name)[positions] = np.nan

    def put(self, positions: Index, some: Bundles) -> None:
        """Replace the bundles at these positions."""
        for field in fields(self):
            getattr(self, field.name)[positions] = getattr(some, field.name)


def pairs(layout: Layout) -> Mask:
    """(P, W) of which pass and worker there is a regret, the withheld worker's own included."""
    known = np.ones((layout.rows, layout.workers), dtype=np.bool_)
    forecaster = slice(layout.inferers, layout.workers)
    known[1, forecaster] = False
    known[layout.one_in_forecaster, forecaster] = np.eye(layout.forecasters, dtype=np.bool_)
    return known


def participants(layout: Layout) -> Mask:
    """(P, W) who takes part in which pass."""
    takes_part = pairs(layout)
    for rows, first in (
        (layout.one_out_forecaster, layout.inferers),
        (layout.one_out_inferer, 0),
    ):
        at = np.arange(rows.stop - rows.start)
        takes_part[rows.start + at, first + at] = False
    return takes_part


def synthesize(given: Given, regrets: Float64, takes_part: Mask, out: Bundles) -> None:
    """The bundles of a chunk.

    Args:
        given: inferences, forecasts and the states before.
        regrets: (t, P, W) stored regrets, NaN where nothing is stored.
        takes_part: of `participants`.
        out: the chunk's part of the results.
    """
    epoch, layout = given.epoch, given.epoch.layout
    forecasts = imply(given)
    implied = forecasts.variants[..., -1]
    forecasting = ~np.isnan(implied[:, 0])
    present = np.hstack([given.present, forecasting])
    values = out.values
    values[..., layout.inferer] = epoch.inferences
    values[..., layout.forecaster] = implied
    spread_variants(forecasts, values[..., layout.withheld], layout)
    out.element_weight[:] = forecasts.weight
    combined = regrets[:, 0]
    out.regret[:] = np.where(np.isnan(combined), given.initial_regret[:, None], combined)
    slope, anchor = slope_and_anchor(given)
    out.regret_scale[:] = given.scale
    unscaled = np.flatnonzero(given.scale <= 0.0)
    if len(unscaled):
        slope = np.repeat(slope, layout.rows, axis=1)
        own = regrets_in_force(given, regrets, 1.0, takes_part, present)[unscaled]
        epsilon = epoch.params["epsilon"][unscaled, None]
        scale = deviation_scale(own, own > -np.inf, epsilon)
        slope[unscaled] /= scale[..., None]
        out.regret_scale[unscaled] = scale[:, 0]
    weight = regrets_in_force(given, regrets, slope, takes_part, present)
    factor = weigh(weight, anchor)
    np.multiply(weight[:, 0], factor[:, 0], out=out.weight)
    np.copyto(out.regret, np.nan, where=~present)
    np.copyto(out.weight, np.nan, where=~present)
    usable = average(given, weight, factor[..., 0], takes_part, values)
    leave_out(given, forecasting, usable, out)
    alone = np.flatnonzero(given.present.sum(axis=-1) == 1)
    if len(alone):
        keep_lone_inference(given, alone, out)


def complete(bundles: Bundles, labels: Index, layout: Layout) -> None:
    """Normalized weights and confidence intervals of a whole batch, in place.

    Args:
        bundles: of `synthesize`.
        labels: (T,) how many.
        layout: slots of the bundles.
    """
    present = ~np.isnan(bundles.weight)
    weight = np.where(present, bundles.weight, 0.0)
    np.divide(bundles.weight, weight.sum(axis=-1, keepdims=True), out=bundles.normalized_weight)
    values = bundles.values[:, 0, layout.worker]
    bundles.confidence_interval[:] = confidence_interval(values, weight, present)
    bundles.confidence_interval[(labels != 1) | ~present.any(axis=-1)] = np.nan


def spread_variants(forecasts: Forecasts, withheld: Float64, layout: Layout) -> None:
    """(t, L, I * F) forecast-implied inferences by withheld inferer, in place."""
    variants, place, usable = forecasts.variants, forecasts.place, forecasts.usable
    topics, labels = withheld.shape[:2]
    view = withheld.reshape(topics, labels, layout.inferers, layout.forecasters)
    view[:] = variants[:, :, None, :, -1]
    topic, forecaster, element = np.nonzero(usable)
    inferer = place[topic, forecaster, element]
    view[topic, :, inferer, forecaster] = variants[topic, :, forecaster, element]


def regrets_in_force(
    given: Given, regrets: Float64, slope: Float64 | float, takes_part: Mask, present: Mask
) -> Float64:
    """(t, P, W) regrets times a slope: the initial one for what is not stored, -inf for nobody."""
    regret: Float64 = regrets * slope
    initial = given.initial_regret[:, None, None] * slope
    np.copyto(regret, initial, where=np.isnan(regret))
    np.copyto(regret, -np.inf, where=~takes_part)
    if not present.all():
        np.copyto(regret, -np.inf, where=~present[:, None, :])
    return regret


def average(
    given: Given, weight: Float64, factor: Float64, takes_part: Mask, values: Float64
) -> Mask:
    """Weighted means of all passes; while all inferers are new, the inferers' plain mean.

    Returns:
        (t, P) passes of somebody with a value and a weight.
    """
    layout, epoch = given.epoch.layout, given.epoch
    inferers, common = layout.inferers, layout.one_out_inferer.start
    new = np.flatnonzero(given.all_new)
    if len(new):
        # Whoever takes part counts once, forecasters not at all.
        weight[new, :, inferers:] = 0.0
        weight[new, :, :inferers] = takes_part[:, :inferers] & given.present[new, None]
        factor[new] = 1.0
    topics, labels = values.shape[:2]
    withheld = values[..., layout.withheld].reshape(topics, labels, inferers, layout.forecasters)
    lost = np.isnan(withheld)
    if lost.any():
        withheld = np.where(lost, 0.0, withheld)
        np.copyto(weight[:, common:, inferers:], 0.0, where=lost[:, 0])
    worker = values[..., layout.worker]
    implied = worker[..., inferers:]
    if np.isnan(implied).any():
        worker = np.where(np.isnan(worker), 0.0, worker)
    denominator = weight.sum(axis=-1)
    numerator = np.empty((topics, labels, layout.rows))
    shared = np.matmul(weight[:, :common], worker.transpose(0, 2, 1))
    numerator[..., :common] = shared.transpose(0, 2, 1)
    own = np.matmul(weight[:, common:, :inferers], epoch.inferences.transpose(0, 2, 1))
    numerator[..., common:] = own.transpose(0, 2, 1)
    numerator[..., common:] += np.einsum("tif,tlif->tli", weight[:, common:, inferers:], withheld)
    usable: Mask = denominator > 0.0
    numerator *= factor[:, None]
    denominator *= factor
    floor = epoch.params["epsilon_safe_div"][:, None]
    np.maximum(denominator, floor, out=denominator)
    np.divide(numerator, denominator[:, None], out=values[..., : layout.rows])
    return usable


def leave_out(given: Given, forecasting: Mask, usable: Mask, out: Bundles) -> None:
    """NaN in the slots that a topic's bundle does not have, and in all of one that fails."""
    layout, present, values = given.epoch.layout, given.present, out.values
    several = forecasting & (forecasting.sum(axis=-1) > 1)[:, None]
    if present.all() and several.all() and usable.all():
        return
    topics = len(present)
    pairs = (present[:, :, None] & forecasting[:, None, :]).reshape(
        topics, layout.inferers * layout.forecasters
    )
    always = np.ones((topics, 2), dtype=np.bool_)
    listed = np.hstack([always, several, several, present, present, forecasting, pairs])
    np.copyto(values, np.nan, where=~listed[:, None])
    np.copyto(values, np.nan, where=given.epoch.labels[:, None, None] <= labels_of(values))
    out.clear(np.flatnonzero((listed[:, : layout.rows] & ~usable).any(axis=-1)))


def labels_of(values: Float64) -> Index:
    """(L, 1) numbers of the labels."""
    return np.arange(values.shape[1])[:, None]


def keep_lone_inference(given: Given, alone: Index, out: Bundles) -> None:
    """A lone inference is combined and naive, and nothing else is computed."""
    layout = given.epoch.layout
    own = np.where(given.present[alone][:, None], given.epoch.inferences[alone], 0.0)
    lone = own.sum(axis=-1)
    labels = labels_of(out.values)[:, 0]
    lone = np.where(labels < given.epoch.labels[alone, None], lone, np.nan)
    listed = np.where(given.present[alone][:, None], given.epoch.inferences[alone], np.nan)
    out.clear(alone)
    out.values[alone, :, 0] = lone
    out.values[alone, :, 1] = lone
    out.values[alone, :, layout.inferer] = listed

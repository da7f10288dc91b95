"""Forecast-implied inferences of a chunk of topics, and those without one forecasted inferer.

A variant of a forecast is the forecast without one of its K elements; the last of the K + 1 is the
whole forecast.

Source: synthesis, section 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Float64, Index
from ..numpy_sums import sums_without_each
from .carried import located
from .padded import PaddedEpochs
from .weights import Mask, deviation_scale, masked_middle, weigh

__all__ = ["Forecasts", "Given", "imply"]

SMALLEST_SUM = 1e-200
"""Below this sum of weights without the best element those left may have lost digits."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a chunk of t topics is inferred from.

    Attributes:
        epoch: the chunk's epochs.
        present: (t, I) inferers who count, those of the epoch or without outliers.
        scale: (t,) stored regret scale, 0 where there is none.
        initial_regret: (t,) in force.
        previous_loss: (t,) combined network loss of the epoch before, NaN where there is none.
    """

    epoch: PaddedEpochs
    present: Mask
    scale: Float64
    initial_regret: Float64
    previous_loss: Float64

    @property
    def all_new(self) -> Mask:
        """(t,) topics whose inferers all count as new."""
        new: Mask = self.initial_regret == 0.0
        return new

    def take(self, positions: Index | slice) -> Given:
        """Some of the topics."""
        return Given(
            self.epoch.take(positions),
            self.present[positions],
            self.scale[positions],
            self.initial_regret[positions],
            self.previous_loss[positions],
        )


@dataclass(frozen=True, slots=True)
class Forecasts:
    """Forecast-implied inferences; NaN where there are none.

    Attributes:
        place: (t, F, K) position of the forecasted inferer, where it has an inference.
        usable: (t, F, K) elements about inferers with an inference.
        weight: (t, F, K) weights of the whole forecast, the best 1.
        variants: (t, L, F, K + 1) inferences.
    """

    place: Index
    usable: Mask
    weight: Float64
    variants: Float64


def imply(given: Given) -> Forecasts:
    """The forecast-implied inferences of a chunk."""
    epoch = given.epoch
    topics, forecasters, elements = epoch.element_loss.shape
    flat, known = located(
        epoch.inferer, epoch.element_inferer.reshape(topics, forecasters * elements)
    )
    usable = known & np.take_along_axis(given.present, flat, axis=1)
    place, usable = flat.reshape(epoch.element_loss.shape), usable.reshape(epoch.element_loss.shape)
    value = np.take_along_axis(epoch.inferences, flat[:, None], axis=2)
    value = value.reshape(topics, value.shape[1], forecasters, elements)
    regret = given.previous_loss[:, None, None] - epoch.element_loss
    np.copyto(regret, -np.inf, where=~usable)
    result = Forecasts(place, usable, *weighted(given, regret, value))
    for topic, variants in (
        (np.flatnonzero(given.all_new), medians),
        (np.flatnonzero((given.scale <= 0.0) & ~given.all_new), scaled_by_themselves),
    ):
        if len(topic):
            some = given.take(topic)
            weight, found = variants(some, regret[topic], value[topic], usable[topic])
            result.weight[topic], result.variants[topic] = weight, found
    result.variants[np.isnan(given.previous_loss)] = np.nan
    return result


def weighted(given: Given, regret: Float64, value: Float64) -> tuple[Float64, Float64]:
    """Weights and variants under the stored scale, which all variants share.

    The weights without an element are those of the whole forecast, up to a factor that cancels.
    """
    slope, anchor = slope_and_anchor(given)
    exponent = regret * slope
    weight = exponent.copy()
    factor = weigh(weight, anchor)
    denominator = sums_without_each(weight)
    variants = sums_without_each(weight[:, None] * value)
    variants /= denominator[:, None]
    lost = denominator < SMALLEST_SUM
    if lost.any():
        topic, forecaster, without = np.nonzero(lost)
        rest = exponent[topic, forecaster]
        left_out = np.flatnonzero(without < rest.shape[1])
        rest[left_out, without[left_out]] = -np.inf
        usable = rest > -np.inf
        weigh(rest, anchor[topic, 0])
        rest[~usable] = 0.0
        mean = (rest[:, None] * value[topic, :, forecaster]).sum(axis=-1)
        mean /= np.where(usable.any(axis=-1), rest.sum(axis=-1), np.nan)[:, None]
        variants[topic, :, forecaster, without] = mean
    weight *= factor
    np.copyto(weight, np.nan, where=regret == -np.inf)
    return weight, variants


def slope_and_anchor(given: Given) -> tuple[Float64, Float64]:
    """(t, 1, 1) p by the stored scale, 1 where there is none, and pc."""
    params = given.epoch.params
    scale = np.where(given.scale > 0.0, given.scale, 1.0)
    anchor = params["p_norm"] * params["c_norm"]
    return (params["p_norm"] / scale)[:, None, None], anchor[:, None, None]


def without_each(usable: Mask) -> Mask:
    """(t, F, K + 1, K) elements of every variant."""
    elements = usable.shape[-1]
    kept = np.vstack([~np.eye(elements, dtype=np.bool_), np.ones((1, elements), dtype=np.bool_)])
    return usable[:, :, None, :] & kept


def scaled_by_themselves(
    given: Given, regret: Float64, value: Float64, usable: Mask
) -> tuple[Float64, Float64]:
    """Weights and variants while no scale is stored: each variant has its own."""
    params = given.epoch.params
    kept = without_each(usable)
    regrets = np.where(kept, regret[:, :, None], -np.inf)
    epsilon = params["epsilon"][:, None, None]
    scale = deviation_scale(regrets, kept, epsilon)
    weight = regrets * (params["p_norm"][:, None, None] / scale)[..., None]
    weight *= weigh(weight, (params["p_norm"] * params["c_norm"])[:, None, None, None])
    weight[~kept] = 0.0
    numerator = np.einsum("tfvk,tlfk->tlfv", weight, value)
    denominator = np.where(kept.any(axis=-1), weight.sum(axis=-1), np.nan)
    whole = np.where(usable, weight[:, :, -1], np.nan)
    return whole, numerator / denominator[:, None]


def medians(given: Given, regret: Float64, value: Float64, usable: Mask) -> tuple[Float64, Float64]:
    """Variants while all inferers count as new: medians, 0 of absent inferers only."""
    kept = without_each(usable)
    shape = (*value.shape[:3], *kept.shape[2:])
    values = np.broadcast_to(value[:, :, :, None], shape)
    middle = masked_middle(values, np.broadcast_to(kept[:, None], shape))
    # A forecast without elements has no value, whoever its elements were about.
    some = np.asarray(without_each(given.epoch.has_element).any(axis=-1))
    return np.full(regret.shape, np.nan), np.where(some[:, None], middle, np.nan)

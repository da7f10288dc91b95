"""Confidence intervals: weighted percentiles of all that entered the combined inference.

Source: synthesis, section 11.
"""

from __future__ import annotations

import numpy as np

from ..arrays import Float64
from .weights import Mask

__all__ = ["confidence_interval"]

SHARES = np.array([0.0228, 0.1587, 0.5, 0.8413, 0.9772])


def confidence_interval(values: Float64, weights: Float64, present: Mask) -> Float64:
    """(T, 5) percentiles by linear interpolation between (cumulative weight - weight/2)/sum.

    Args:
        values: (T, W) inferences and forecast-implied inferences.
        weights: (T, W) of the combined pass, 0 for nobody.
        present: (T, W) who has a value.
    """
    order = np.where(present, values, np.inf).argsort(axis=-1, kind="stable")
    ordered = np.take_along_axis(values, order, axis=-1)
    weight = np.take_along_axis(weights, order, axis=-1)
    position = weight.cumsum(axis=-1)
    total = position[:, -1:].copy()
    position -= 0.5 * weight
    position /= total
    count = present.sum(axis=-1, keepdims=True)
    position[np.arange(values.shape[1]) >= count] = np.inf
    below = (position[:, None, :] <= SHARES[:, None]).sum(axis=-1)
    low, high = np.maximum(below - 1, 0), np.minimum(below, count - 1)
    begin, end = (np.take_along_axis(position, at, axis=-1) for at in (low, high))
    first, last = (np.take_along_axis(ordered, at, axis=-1) for at in (low, high))
    part = np.zeros(begin.shape)
    np.divide(SHARES - begin, end - begin, out=part, where=low < high)
    percentile: Float64 = first + part * (last - first)
    return percentile

"""Weights from regrets, and the middles and deviations that scale them, over masked arrays.

Whoever takes no part in a row has the regret -inf there, which gives the weight 0.

Source: synthesis, section 3.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ..arrays import Float64, Index

__all__ = [
    "Mask",
    "deviation_scale",
    "masked_deviation",
    "masked_middle",
    "masked_quantile",
    "weigh",
]

Mask: TypeAlias = npt.NDArray[np.bool_]

MAD_FACTOR = 1.4826

GREATEST_EXPONENT = 700.0
"""Beyond e^700 the logistic is 1 to the last digit, and e^710 has no double."""


def weigh(exponent: Float64, anchor: Float64) -> Float64:
    """Weights of rows up to a factor, in place of their exponents.

    w = (e^(p(c - M)) + 1)/(e^(p(c - n)) + 1) for a normalized regret n, M the greatest of its row.
    With h = e^(pn - s), s the lesser of pM and pc, that is h/(1 + h e^(s - pc)) by the same of M:
    one exponential each, none of which overflows or leaves the best without a weight.

    Args:
        exponent: (.., n) of pn, -inf for who takes no part; holds the weights afterwards.
        anchor: (.., 1) of pc.

    Returns:
        (.., 1) what each row's weights must be multiplied by for the best to have 1.
    """
    best = exponent.max(axis=-1, keepdims=True)
    shift = np.minimum(best, anchor)
    shift[best == -np.inf] = 0.0
    exponent -= shift
    above = np.maximum(best - shift, 0.0)
    if (above > GREATEST_EXPONENT).any():
        np.minimum(exponent, GREATEST_EXPONENT, out=exponent)
        np.minimum(above, GREATEST_EXPONENT, out=above)
    np.exp(exponent, out=exponent)
    slope = np.exp(shift - anchor)
    denominator = exponent * slope
    denominator += 1.0
    exponent /= denominator
    np.exp(above, out=above)
    factor: Float64 = 1.0 / above
    factor += slope
    return factor


def masked_middle(values: Float64, present: Mask) -> Float64:
    """(..) medians of the present entries of (.., n), 0 of nothing."""
    ordered = np.where(present, values, np.inf)
    ordered.sort(axis=-1)
    return middle_of(ordered, present.sum(axis=-1))


def middle_of(ordered: Float64, count: Index) -> Float64:
    """Medians of the first `count` entries of sorted rows."""
    last = np.maximum(count - 1, 0)[..., None]
    low = np.take_along_axis(ordered, last // 2, axis=-1)[..., 0]
    high = np.take_along_axis(ordered, (last + 1) // 2, axis=-1)[..., 0]
    middle: Float64 = np.where(count > 0, (low + high) * 0.5, 0.0)
    return middle


def masked_deviation(values: Float64, present: Mask) -> tuple[Float64, Float64]:
    """Medians and median absolute deviations of the present entries of (.., n)."""
    middle = masked_middle(values, present)
    distance = np.abs(np.where(present, values, 0.0) - middle[..., None])
    return middle, masked_middle(distance, present)


def deviation_scale(regrets: Float64, present: Mask, epsilon: Float64) -> Float64:
    """1.4826 MAD + epsilon of the present entries of each row."""
    scale: Float64 = MAD_FACTOR * masked_deviation(regrets, present)[1]
    scale += epsilon
    return scale


def masked_quantile(values: Float64, present: Mask, q: Float64) -> Float64:
    """(T,) q-quantiles of the present entries of (T, n) by linear interpolation, 0 of nothing."""
    ordered = np.where(present, values, -np.inf)
    ordered.sort(axis=-1)
    ordered[ordered == -np.inf] = 0.0
    position = (1.0 - q) * np.maximum(present.sum(axis=-1) - 1, 0)
    whole = np.floor(position)
    at = values.shape[-1] - 1 - whole.astype(np.int64)
    up = np.take_along_axis(ordered, at[:, None], axis=-1)[:, 0]
    down = np.take_along_axis(ordered, np.maximum(at - 1, 0)[:, None], axis=-1)[:, 0]
    quantile: Float64 = up + (position - whole) * (down - up)
    return quantile

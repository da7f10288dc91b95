"""Averages, deviations, medians and quantiles as the network computes them.

Sums are exact and start from 0 with exponent 0; products and quotients keep 34 digits. A tie of
values in different forms shows in the form of a median or quantile, never in its value; medians
sort stably here.

Sources: allora-chain v0.6 and later, ``math/utils.go``; decimal, section 11.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from allora_core.reference.number import (
    ONE,
    TWO,
    ZERO,
    NumberError,
    absolute,
    add,
    ceiling,
    floor,
    multiply,
    quotient,
    refuse_nan,
    square_root,
    subtract,
    total,
)

__all__ = [
    "blocks_per_week",
    "cumulative_sum",
    "ema",
    "ema_after",
    "linear_interpolation",
    "median",
    "median_absolute_deviation",
    "quantile",
    "smoothed_alpha",
    "sorted_descending",
    "standard_deviation",
    "weighted_percentile",
]

Power = Callable[[Decimal, Decimal], Decimal]

_HUNDRED = Decimal(100)
_WEEKS_PER_MONTH = Decimal("4.345")


def ema(alpha: Decimal, current: Decimal, previous: Decimal, first: bool = False) -> Decimal:
    """Return alpha*current + (1 - alpha)*previous; ``current`` as it is where both are equal."""
    refuse_nan(current)
    if first or current == (ZERO if previous.is_nan() else previous):
        return current
    refuse_nan(previous, alpha)
    return add(multiply(alpha, current), multiply(subtract(ONE, alpha), previous))


def ema_after(
    alpha: Decimal, asymptote: Decimal, x: Decimal, steps: Decimal, power: Power
) -> Decimal:
    """Return g*x + asymptote*(1 - g), g = (1 - alpha)^steps: an EMA toward a constant (v0.17).

    ``power(x, y)`` is the power function of the version.
    """
    refuse_nan(alpha, asymptote, x, steps)
    g = power(subtract(ONE, alpha), steps)
    return add(multiply(g, x), multiply(asymptote, subtract(ONE, g)))


def smoothed_alpha(length: Decimal, base: Decimal, alpha: Decimal, power: Power) -> Decimal:
    """Return 1 - (1 - alpha)^(length/base): alpha scaled to an epoch length (v0.17)."""
    refuse_nan(length, base, alpha)
    if length <= 0 or base <= 0:
        raise NumberError("out_of_range")
    scaled = power(subtract(ONE, alpha), quotient(length, base))
    return subtract(ONE, scaled)


def blocks_per_week(blocks_per_month: Decimal) -> Decimal:
    """Return blocks_per_month / 4.345 (v0.17)."""
    return quotient(blocks_per_month, _WEEKS_PER_MONTH)


def standard_deviation(values: Sequence[Decimal]) -> Decimal:
    """Return the sample deviation sqrt(sum (v - mean)^2 / (N - 1)); 0 for N < 2."""
    if len(values) == 1:
        return ZERO
    refuse_nan(*values)
    if not values:
        return ZERO
    count = Decimal(len(values))
    mean = quotient(total(values), count)
    deviations = [subtract(value, mean) for value in values]
    squares = total(multiply(deviation, deviation) for deviation in deviations)
    return square_root(quotient(squares, subtract(count, ONE)))


def median(values: Sequence[Decimal]) -> Decimal:
    """Return the middle value in its own form, or (lower + upper)/2; 0 of nothing."""
    refuse_nan(*values)
    if not values:
        return ZERO
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return quotient(add(ordered[middle - 1], ordered[middle]), TWO)


def median_absolute_deviation(values: Sequence[Decimal]) -> tuple[Decimal, Decimal]:
    """Return (median(|v - m|), m) with m = median(v); no factor, (0, v0) for one value."""
    refuse_nan(*values)
    if not values:
        return ZERO, ZERO
    if len(values) == 1:
        return ZERO, values[0]
    middle = median(values)
    return median([absolute(subtract(value, middle)) for value in values]), middle


def quantile(values: Sequence[Decimal], q: Decimal) -> Decimal:
    """Return the q-quantile by linear interpolation; 0 of nothing.

    Values sorted descending, position (1 - q)*(N - 1):
    v[lo] + (position - lo)*(v[hi] - v[lo]). Equal values come out in reverse order of input, as
    the network's comparison never reports equality.

    Raises:
        NumberError: ``out_of_range`` for a position outside of the values.
    """
    if not values:
        return ZERO
    backwards = list(reversed(values))
    ordered = sorted(backwards, key=_descending)
    position = multiply(subtract(ONE, q), Decimal(len(values) - 1))
    low, high = floor(position), ceiling(position)
    if low < 0 or high >= len(values):
        raise NumberError("out_of_range")
    lower = ordered[int(low)]
    if low == high:
        return lower
    upper = ordered[int(high)]
    return add(lower, multiply(subtract(position, low), subtract(upper, lower)))


def _descending(value: Decimal) -> Decimal:
    return value.copy_negate()


def cumulative_sum(values: Sequence[Decimal]) -> list[Decimal]:
    """Return the exact prefix sums."""
    refuse_nan(*values)
    sums: list[Decimal] = []
    running = ZERO
    for value in values:
        running = add(running, value)
        sums.append(running)
    return sums


def linear_interpolation(
    x: Sequence[Decimal], xp: Sequence[Decimal], fp: Sequence[Decimal]
) -> list[Decimal]:
    """Interpolate at every x the line through (xp, fp), constant outside; xp ascending."""
    refuse_nan(*x, *xp, *fp)
    if len(xp) != len(fp):
        raise NumberError("length")
    return [_interpolate(value, xp, fp) for value in x]


def _interpolate(x: Decimal, xp: Sequence[Decimal], fp: Sequence[Decimal]) -> Decimal:
    """Return fp[j]*(1 - t) + fp[j+1]*t, t = (x - xp[j])/(xp[j+1] - xp[j])."""
    if x <= xp[0]:
        return fp[0]
    if x >= xp[-1]:
        return fp[-1]
    low, high = 0, len(xp) - 1
    while low < high:
        middle = (low + high) // 2
        if x < xp[middle + 1]:
            high = middle
        else:
            low = middle + 1
    t = quotient(subtract(x, xp[low]), subtract(xp[low + 1], xp[low]))
    return add(multiply(fp[low], subtract(ONE, t)), multiply(fp[low + 1], t))


def weighted_percentile(
    values: Sequence[Decimal], weights: Sequence[Decimal], percentiles: Sequence[Decimal]
) -> list[Decimal]:
    """Return percentiles (0 to 100) of weighted values.

    Values ascending, position (cumulative weight - weight/2)/total weight, linear between.
    """
    refuse_nan(*values, *weights, *percentiles)
    if len(values) != len(weights):
        raise NumberError("length")
    if any(percentile < 0 or percentile > 100 for percentile in percentiles):
        raise NumberError("out_of_range")
    pairs = sorted(zip(values, weights, strict=True), key=lambda pair: pair[0])
    sums = cumulative_sum([weight for _, weight in pairs])
    positions = [
        quotient(subtract(running, quotient(weight, TWO)), sums[-1])
        for running, (_, weight) in zip(sums, pairs, strict=True)
    ]
    shares = [quotient(percentile, _HUNDRED) for percentile in percentiles]
    return linear_interpolation(shares, positions, [value for value, _ in pairs])


def sorted_descending(values: Mapping[str, Decimal]) -> list[str]:
    """Return keys by value descending, ties by key ascending."""
    return sorted(values, key=lambda key: (values[key].copy_negate(), key))

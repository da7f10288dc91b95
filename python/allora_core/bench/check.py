"""Correctness before time: engine, peer and reference must agree or nothing is timed."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import numpy.typing as npt

from .arrays import Float64, ScoreStateArrays, StateArrays

__all__ = [
    "REGRETS",
    "REWARDS",
    "VALUES",
    "assert_close",
    "assert_scores_close",
    "assert_states_close",
]

VALUES = 1e-12
"""Relative difference allowed between two float64 computations of one value."""

REGRETS = 1e-15
"""Absolute difference allowed between two float64 computations of one regret."""

REWARDS = 1e-11
"""Difference allowed between the engine and the NumPy peer in one score or reward, by the greatest
of its kind. It is the peer's rounding: the descent divides differences of nearly equal sums by its
small move, and the peer's sums over all columns are the longer ones. Where they differ by 5.1e-12,
in the scenario ``small``, the engine's float64 is 8.2e-14 from its own decimals."""


def assert_close(
    what: str,
    expected: npt.ArrayLike,
    actual: npt.ArrayLike,
    *,
    relative: float = 0.0,
    absolute: npt.ArrayLike = 0.0,
) -> None:
    """Compare arrays entry by entry; equal infinities agree.

    Args:
        what: a name for the message.
        expected, actual: of one shape.
        relative, absolute: largest difference allowed, for all entries or for each.

    Raises:
        AssertionError: with the worst entry and both its numbers.
    """
    left: Float64 = np.asarray(expected, dtype=np.float64)
    right: Float64 = np.asarray(actual, dtype=np.float64)
    if left.shape != right.shape:
        raise AssertionError(f"{what}: shape {left.shape} expected, got {right.shape}")
    size = np.abs(np.where(np.isfinite(left), left, 0.0))
    allowed = np.maximum(relative * size, absolute)
    off = np.zeros(left.shape)
    np.subtract(right, left, out=off, where=left != right)
    excess = np.where(left == right, -1.0, np.abs(off) - allowed)
    excess = np.where(np.isnan(excess), np.inf, excess)
    worst = int(np.argmax(excess))
    if excess.reshape(-1)[worst] > 0:
        place = tuple(int(i) for i in np.unravel_index(worst, left.shape))
        pair = (float(left[place]), float(right[place]))
        raise AssertionError(f"{what}{list(place)}: expected {pair[0]!r}, got {pair[1]!r}")


def assert_states_close(expected: StateArrays, actual: StateArrays) -> None:
    """Regrets to 1e-15 absolute, everything else to 1e-12 relative.

    Raises:
        AssertionError: with the field and the worst entry.
    """
    for field in fields(StateArrays):
        pair = (getattr(expected, field.name), getattr(actual, field.name))
        if field.name == "regrets":
            assert_close(field.name, *pair, absolute=REGRETS)
        else:
            assert_close(field.name, *pair, relative=VALUES)


def assert_scores_close(expected: ScoreStateArrays, actual: ScoreStateArrays) -> None:
    """Everything to `REWARDS`, relative to the greatest value of its kind.

    Raises:
        AssertionError: with the field and the worst entry.
    """
    for field in fields(ScoreStateArrays):
        left, right = getattr(expected, field.name), getattr(actual, field.name)
        assert_close(field.name, left, right, absolute=REWARDS * float(np.abs(left).max()))

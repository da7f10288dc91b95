"""Recorded losses against the engine."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .batch import NumberName
from .losses import losses
from .recorded_file import RecordingError
from .recorded_losses import RecordedLoss, read_loss_cases
from .reference.loss_function import PARAMETERS, LossFunction

if TYPE_CHECKING:
    from .verify import Comparison

__all__ = ["LOSS_ERROR_IN_ULP", "compare_losses"]

LOSS_ERROR_IN_ULP = 1.0
"""Stated error of a loss, in units of the last place of the recorded double."""


def compare_losses(comparison: Comparison, path: Path, number: NumberName) -> None:
    """A file of losses: every case within 1 ulp. czar, which decimal has not, is in float64.

    Raises:
        RecordingError: the file cannot be read, or names a method that is unknown.
    """
    for case in read_loss_cases(path):
        if case.method not in PARAMETERS:
            raise RecordingError(path, case.line, "loss", f"unknown method {case.method!r:.40}")
        kind: NumberName = "float64" if case.method == "czar" else number
        computed = outcome(case, kind)
        error = error_in_ulp(case.expected, computed)
        if math.isfinite(error):
            worst = comparison.largest_error.get("loss", 0.0)
            relative = error * math.ulp(1.0)
            comparison.largest_error["loss"] = max(worst, relative)
        comparison.add(
            "equal" if error <= LOSS_ERROR_IN_ULP else "different",
            partial(
                "{} line {}: {}({}, {}): recorded {}, computed {}".format,
                path.name,
                case.line,
                case.method,
                case.truth,
                case.value,
                case.expected,
                computed,
            ),
        )


def outcome(case: RecordedLoss, number: NumberName) -> float | str:
    """The loss as a double, or ``"error"`` where there is none."""
    try:
        function = LossFunction(case.method, **case.params)
        result = losses(function, case.truth, case.value, number=number)
    except ValueError:
        return "error"
    (loss,) = result.ravel().tolist() if number == "float64" else result.decimals()
    return float(loss)


def error_in_ulp(expected: float | str, computed: float | str) -> float:
    """Units in the last place between two outcomes; infinite where they are of two kinds."""
    if isinstance(computed, str) or expected == "error":
        return 0.0 if computed == expected else math.inf
    recorded = float(expected)
    if computed == recorded:
        return 0.0
    return abs(computed - recorded) / math.ulp(recorded) if math.isfinite(recorded) else math.inf

"""Which inferences are outliers: distance from the median in units of a smoothed deviation.

Sources: allora-chain v0.8 to v0.17, ``x/emissions/keeper`` (topic and worker keepers) and
``x/emissions/keeper/actor_utils/worker.go``; synthesis, section 9.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from allora_core.epoch import Params, State
from allora_core.reference.number import absolute, multiply, subtract
from allora_core.reference.statistics import ema, median_absolute_deviation

__all__ = ["kept_inferers", "updated_median"]


def updated_median(values: list[Decimal], state: State, params: Params) -> State:
    """Return the state with median and deviation of this epoch's inferences.

    med = median(x); mad = MAD(x), from the second time on smoothed with
    ``inference_outlier_detection_alpha``. No factor, no epsilon.
    """
    deviation, middle = median_absolute_deviation(values)
    if state.inference_median_absolute_deviation:
        alpha = params.inference_outlier_detection_alpha
        deviation = ema(alpha, deviation, state.inference_median_absolute_deviation)
    return replace(state, inference_median=middle, inference_median_absolute_deviation=deviation)


def kept_inferers(values: dict[str, Decimal], state: State, params: Params) -> list[str]:
    """Return the inferers with |x - med| <= threshold * mad; everyone while med or mad is 0."""
    middle, deviation = state.inference_median, state.inference_median_absolute_deviation
    if not middle or not deviation:
        return list(values)
    bound = multiply(params.inference_outlier_detection_threshold, deviation)
    return [j for j, x in values.items() if absolute(subtract(x, middle)) <= bound]

"""Confidence intervals of the network inference: weighted percentiles of all that entered it.

The network answered them in queries up to v0.9; they have no part in consensus.

Sources: allora-chain v0.6, ``x/emissions/keeper/queryserver/query_server_inferences.go``;
synthesis, section 11.
"""

from __future__ import annotations

from decimal import Decimal

from allora_core.reference.forecast_implied import Vector
from allora_core.reference.statistics import weighted_percentile
from allora_core.reference.weight import Weights

__all__ = ["PERCENTILES", "confidence_interval"]

PERCENTILES = tuple(Decimal(text) for text in ("2.28", "15.87", "50", "84.13", "97.72"))
"""Two and one standard deviations of a normal distribution, and the median."""


def confidence_interval(
    inferences: dict[str, Vector], implied: dict[str, Vector], raw: Weights
) -> Vector:
    """Return the percentiles of inferences and forecast-implied inferences, single label.

    Weights are those of the combined inference, not normalized.
    """
    values = [inferences[j][0] for j in raw.inferer] + [implied[k][0] for k in raw.forecaster]
    all_weights = [*raw.inferer.values(), *raw.forecaster.values()]
    return tuple(weighted_percentile(values, all_weights, PERCENTILES))

"""Between the peer's dense arrays and the values of `allora_core.epoch`.

Losses and regrets become decimals of 34 digits, the first 34 of the double's exact value: as long
as the chain's own numbers, and still the same double when read back. Inferences and stakes keep the
few digits that workers and ledgers give them.
"""

from __future__ import annotations

from dataclasses import fields, replace
from decimal import ROUND_DOWN, Context, Decimal
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ..epoch import Epoch, Params, Report, State, Synthesis, ValueBundle
from .arrays import (
    HISTORY_BLOCKS,
    EpochArrays,
    Float64,
    InferredArrays,
    Layout,
    ScoreStateArrays,
    StateArrays,
)

__all__ = [
    "after_inference",
    "bundle_row",
    "network_order",
    "reputer_names",
    "state_arrays",
    "synthesis_row",
    "tile",
    "to_epoch",
    "to_state",
    "worker_names",
]

DIGITS = Context(prec=34, rounding=ROUND_DOWN)
NONCE_STEP = 1000
INCLUSIONS = 50
"""Epochs that have paid every worker: far more than experience takes (1/alpha = 10)."""

Arrays = TypeVar("Arrays", EpochArrays, StateArrays, ScoreStateArrays)


def tile(arrays: Arrays, topics: int) -> Arrays:
    """A batch of `topics`, the given topics over and over."""
    at = np.arange(topics)
    parts: dict[str, Any] = {}
    for field in fields(arrays):
        value = getattr(arrays, field.name)
        whole = isinstance(value, Layout)
        parts[field.name] = value if whole else np.ascontiguousarray(value[at % len(value)])
    return replace(arrays, **parts)


def after_inference(state: StateArrays, inferred: InferredArrays) -> StateArrays:
    """The state that `settle` takes: the outlier filter's numbers are those after `infer`."""
    return replace(
        state,
        inference_median=inferred.inference_median,
        inference_median_absolute_deviation=inferred.inference_median_absolute_deviation,
    )


def worker_names(layout: Layout) -> tuple[list[str], list[str]]:
    """Addresses of inferers and forecasters, ascending like their positions."""
    inferers = [f"allo1inferer{at:05d}" for at in range(layout.inferers)]
    return inferers, [f"allo1forecaster{at:05d}" for at in range(layout.forecasters)]


def reputer_names(reputers: int) -> list[str]:
    """Addresses of reputers, ascending like their positions."""
    return [f"allo1reputer{at:05d}" for at in range(reputers)]


def network_order(layout: Layout) -> npt.NDArray[np.int64]:
    """Positions in a peer's bundle row of the slots of the network's value bundle.

    These are combined, naive, inferers, forecasters, (forecaster, withheld inferer), one-out
    inferers, one-out forecasters, one-in forecasters.
    """
    slot = np.arange(layout.width)
    withheld = slot[layout.withheld].reshape(layout.inferers, layout.forecasters)
    return np.concatenate(
        [
            slot[:2],
            slot[layout.worker],
            withheld.T.reshape(-1),
            slot[layout.one_out_inferer],
            slot[layout.one_out_forecaster],
            slot[layout.one_in_forecaster],
        ]
    )


def decimals(values: Float64) -> list[Decimal]:
    """34 digits of each double."""
    return [DIGITS.create_decimal_from_float(value) for value in values.tolist()]


def table(names: list[str], values: Float64) -> dict[str, Decimal]:
    """One number per worker."""
    return dict(zip(names, decimals(values), strict=True))


def tables(rows: list[str], names: list[str], values: Float64) -> dict[str, dict[str, Decimal]]:
    """One number per pair of workers."""
    return {row: table(names, line) for row, line in zip(rows, values, strict=True)}


def to_bundle(layout: Layout, row: Float64) -> ValueBundle:
    """One bundle row as the network's value bundle."""
    inferers, forecasters = worker_names(layout)
    combined, naive = decimals(row[:2])
    withheld = row[layout.withheld].reshape(layout.inferers, layout.forecasters)
    return ValueBundle(
        combined=combined,
        naive=naive,
        inferer=table(inferers, row[layout.inferer]),
        forecaster=table(forecasters, row[layout.forecaster]),
        one_out_inferer=table(inferers, row[layout.one_out_inferer]),
        one_out_forecaster=table(forecasters, row[layout.one_out_forecaster]),
        one_in_forecaster=table(forecasters, row[layout.one_in_forecaster]),
        one_out_inferer_forecaster=tables(forecasters, inferers, withheld.T),
    )


def to_epoch(arrays: EpochArrays, at: int, topic_id: int, number: int) -> Epoch:
    """Epoch `number` of the topic at position `at`; every actor has one seat, none is free."""
    inferers, forecasters = worker_names(arrays.layout)
    values = [Decimal(repr(value)) for value in arrays.inferences[at].tolist()]
    forecasts = {}
    for k, forecaster in enumerate(forecasters):
        about = [inferers[j] for j in arrays.element_inferer[at, k].tolist()]
        losses = decimals(arrays.element_loss[at, k])
        forecasts[forecaster] = tuple(zip(about, losses, strict=True))
    reputers = reputer_names(arrays.stakes.shape[1])
    amounts = zip(arrays.stakes[at].tolist(), arrays.delegated[at].tolist(), strict=True)
    reports = {
        name: Report(Decimal(int(stake)), to_bundle(arrays.layout, row), Decimal(int(delegated)))
        for name, (stake, delegated), row in zip(reputers, amounts, arrays.reports[at], strict=True)
    }
    names = ("epsilon", "p_norm", "c_norm", "alpha_regret")
    params = {name: Decimal(repr(float(getattr(arrays, name)[at]))) for name in names}
    seats = {
        "max_top_inferers_to_reward": len(inferers),
        "max_top_forecasters_to_reward": len(forecasters),
        "max_top_reputers_to_reward": len(reputers),
    }
    params |= {name: Decimal(count) for name, count in seats.items()}
    return Epoch(
        topic_id=topic_id,
        nonce=NONCE_STEP * (HISTORY_BLOCKS + number),
        inferences={name: {"y": value} for name, value in zip(inferers, values, strict=True)},
        forecasts=forecasts,
        reports=reports,
        params=Params(**params),
        reward=Decimal(int(arrays.reward[at])),
    )


def to_state(arrays: StateArrays, layout: Layout, at: int, topic_id: int, **scores: Any) -> State:
    """State of the topic at position `at`; every worker is experienced.

    `scores` are further fields of `State`, those of `convert_reward.score_entries`.
    """
    inferers, forecasters = worker_names(layout)
    regrets, columns = arrays.regrets[at], layout.inferers
    one_in = regrets[layout.one_in_forecaster]
    own = decimals(one_in[:, columns:].diagonal())
    one_in_rows = tables(forecasters, inferers, one_in[:, :columns])
    for forecaster, regret in zip(forecasters, own, strict=True):
        one_in_rows[forecaster][forecaster] = regret
    one_out_inferer = regrets[layout.one_out_inferer]
    one_out_forecaster = regrets[layout.one_out_forecaster]
    scalars = (
        "initial_regret",
        "regret_scale",
        "previous_combined_loss",
        "inference_median",
        "inference_median_absolute_deviation",
    )
    inclusions = {
        "inferer_inclusions": dict.fromkeys(inferers, INCLUSIONS),
        "forecaster_inclusions": dict.fromkeys(forecasters, INCLUSIONS),
    }
    found: dict[str, Any] = {
        name: decimals(getattr(arrays, name)[at : at + 1])[0] for name in scalars
    }
    return State(
        topic_id=topic_id,
        inferer_regret=table(inferers, regrets[0, :columns]),
        forecaster_regret=table(forecasters, regrets[0, columns:]),
        naive_inferer_regret=table(inferers, regrets[1, :columns]),
        one_out_inferer_inferer_regret=tables(inferers, inferers, one_out_inferer[:, :columns]),
        one_out_inferer_forecaster_regret=tables(
            inferers, forecasters, one_out_inferer[:, columns:]
        ),
        one_out_forecaster_inferer_regret=tables(
            forecasters, inferers, one_out_forecaster[:, :columns]
        ),
        one_out_forecaster_forecaster_regret=tables(
            forecasters, forecasters, one_out_forecaster[:, columns:]
        ),
        one_in_forecaster_regret=one_in_rows,
        inferer_weight=table(inferers, arrays.weights[at, :columns]),
        forecaster_weight=table(forecasters, arrays.weights[at, columns:]),
        **{**inclusions, **found, **scores},
    )


def line(names: list[str], entries: dict[str, Decimal]) -> list[float]:
    """Numbers by worker as doubles, in the order of their names."""
    return [float(entries[name]) for name in names]


def state_arrays(states: list[State], layout: Layout) -> StateArrays:
    """The inverse of `to_state` for a whole batch."""
    inferers, forecasters = worker_names(layout)
    arrays = StateArrays.empty(len(states), layout)
    for at, state in enumerate(states):
        matrix = [
            line(inferers, state.inferer_regret) + line(forecasters, state.forecaster_regret),
            line(inferers, state.naive_inferer_regret) + [-np.inf] * layout.forecasters,
        ]
        for q in forecasters:
            matrix.append(
                line(inferers, state.one_out_forecaster_inferer_regret[q])
                + line(forecasters, state.one_out_forecaster_forecaster_regret[q])
            )
        for q in forecasters:
            row = state.one_in_forecaster_regret[q]
            matrix.append(line(inferers, row) + [float(row.get(k, "-inf")) for k in forecasters])
        for w in inferers:
            matrix.append(
                line(inferers, state.one_out_inferer_inferer_regret[w])
                + line(forecasters, state.one_out_inferer_forecaster_regret[w])
            )
        arrays.regrets[at] = matrix
        arrays.weights[at] = line(inferers, state.inferer_weight) + line(
            forecasters, state.forecaster_weight
        )
        arrays.initial_regret[at] = float(state.initial_regret)
        arrays.regret_scale[at] = float(state.regret_scale)
        arrays.previous_combined_loss[at] = float(state.previous_combined_loss or 0)
        arrays.inference_median[at] = float(state.inference_median)
        arrays.inference_median_absolute_deviation[at] = float(
            state.inference_median_absolute_deviation
        )
    return arrays


def bundle_row(bundle: ValueBundle, layout: Layout) -> list[float]:
    """A whole value bundle in the network's order of slots."""
    inferers, forecasters = worker_names(layout)
    row = [float(bundle.combined or 0), float(bundle.naive or 0)]
    row += line(inferers, bundle.inferer) + line(forecasters, bundle.forecaster)
    for k in forecasters:
        row += line(inferers, bundle.one_out_inferer_forecaster[k])
    row += line(inferers, bundle.one_out_inferer)
    row += line(forecasters, bundle.one_out_forecaster)
    return row + line(forecasters, bundle.one_in_forecaster)


def synthesis_row(epoch: Epoch, network: Synthesis, layout: Layout) -> list[float]:
    """A single-label network inference bundle in the network's order of slots."""

    def first(values: dict[str, tuple[Decimal, ...]]) -> dict[str, Decimal]:
        return {name: value[0] for name, value in values.items()}

    bundle = ValueBundle(
        combined=network.combined[0],
        naive=network.naive[0],
        inferer={name: given["y"] for name, given in epoch.inferences.items()},
        forecaster=first(network.forecast_implied),
        one_out_inferer=first(network.one_out_inferer),
        one_out_forecaster=first(network.one_out_forecaster),
        one_in_forecaster=first(network.one_in_forecaster),
        one_out_inferer_forecaster={
            k: first(row) for k, row in network.one_out_inferer_forecaster.items()
        },
    )
    return bundle_row(bundle, layout)

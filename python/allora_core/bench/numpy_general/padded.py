"""Packed epochs as padded arrays: every topic as wide as the widest of its batch.

Identifiers are those of the packed batch, -1 where there is nobody. What is missing is NaN in
losses and 0 in stakes and inferences. Slots of bundle rows are those of `Layout` at the batch's
greatest numbers of inferers and forecasters.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ...batch import Epochs
from ...epoch import Params
from ..arrays import Float64, Index, Layout
from ..convert import network_order
from .weights import Mask

__all__ = ["PaddedEpochs"]

PARAM_NAMES = tuple(field.name for field in fields(Params))
FORECAST_LIMIT = "the NumPy peer covers forecasts with one element per inferer, as the network does"


@dataclass(frozen=True, slots=True)
class PaddedEpochs:
    """One epoch of T topics. I inferers, F forecasters, K elements, R reputers, L labels at most.

    Attributes:
        layout: slots of the bundle rows.
        inferer, forecaster: (T, I) and (T, F) identifiers.
        inferences: (T, L, I) with the default of labels that a worker left out.
        labels: (T,) how many.
        element_inferer: (T, F, K) identifiers of the forecasted inferers.
        element_loss: (T, F, K) forecasted losses, log10.
        stakes: (T, R).
        reports: (T, R, width) losses, log10.
        initial_regret: (T,) given with the epoch.
        params: (T,) each, by the name in `Params`.
        real: (T, width) slots that a topic has, in the network's order of slots.
    """

    layout: Layout
    inferer: Index
    forecaster: Index
    inferences: Float64
    labels: Index
    element_inferer: Index
    element_loss: Float64
    stakes: Float64
    reports: Float64
    initial_regret: Float64
    params: dict[str, Float64]
    real: Mask

    @property
    def topics(self) -> int:
        """Size of the batch."""
        return len(self.inferer)

    @property
    def has_inferer(self) -> Mask:
        """(T, I) where somebody infers."""
        return self.inferer >= 0

    @property
    def has_forecaster(self) -> Mask:
        """(T, F) where somebody forecasts."""
        return self.forecaster >= 0

    @property
    def has_element(self) -> Mask:
        """(T, F, K) where a forecast has an element."""
        return self.element_inferer >= 0

    def take(self, positions: Index | slice) -> PaddedEpochs:
        """The topics at these positions."""
        parts: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, dict):
                parts[field.name] = {name: column[positions] for name, column in value.items()}
            else:
                parts[field.name] = value if isinstance(value, Layout) else value[positions]
        return PaddedEpochs(**parts)

    def flat_losses(self, rows: Float64) -> Float64:
        """(T, width) rows as the packed batch has them, one topic's after the other's."""
        topic, place = np.nonzero(self.real)
        flat: Float64 = rows[topic, network_order(self.layout)[place]]
        return flat

    def flat_values(self, rows: Float64) -> Float64:
        """(T, L, width) rows as the packed batch has them, label fastest."""
        topic, place, label = np.nonzero(self.real[:, :, None] & self._has_label[:, None, :])
        flat: Float64 = rows[topic, label, network_order(self.layout)[place]]
        return flat

    @property
    def _has_label(self) -> Mask:
        labels: Mask = np.arange(self.inferences.shape[1]) < self.labels[:, None]
        return labels

    @classmethod
    def of(cls, epochs: Epochs) -> PaddedEpochs:
        """A batch that was packed in float64.

        Raises:
            ValueError: a topic is outside of what the peer covers.
        """
        columns = epochs.columns
        if epochs.number != "float64" or epochs.faults:
            raise ValueError("the NumPy peer covers valid epochs that are packed in float64")
        inferers, has_inferer = counted(columns["inferer_offsets"])
        _, has_forecaster = counted(columns["forecaster_offsets"])
        if not inferers.all():
            raise ValueError("the NumPy peer covers topics with at least one inference")
        layout = Layout(has_inferer.shape[1], has_forecaster.shape[1])
        real = slots_of(layout, has_inferer, has_forecaster)
        values = columns["params"].reshape(len(epochs), len(PARAM_NAMES))
        params = {name: values[:, at].copy() for at, name in enumerate(PARAM_NAMES)}
        element_inferer, element_loss = elements_of(columns, has_forecaster)
        has_reputer = counted(columns["reputer_offsets"])[1]
        reports = np.full((*has_reputer.shape, layout.width), np.nan)
        topic, reputer, place = np.nonzero(has_reputer[:, :, None] & real[:, None, :])
        reports[topic, reputer, network_order(layout)[place]] = columns["reports"]
        labels = columns["labels"].astype(np.int64)
        default = params["label_default_value"]
        return cls(
            layout=layout,
            inferer=placed(has_inferer, columns["inferer"], -1),
            forecaster=placed(has_forecaster, columns["forecaster"], -1),
            inferences=inferences_of(columns["inferences"], labels, has_inferer, default),
            labels=labels,
            element_inferer=element_inferer,
            element_loss=element_loss,
            stakes=placed(has_reputer, columns["stakes"], 0.0),
            reports=reports,
            initial_regret=columns["initial_regret"],
            params=params,
            real=real,
        )


def counted(offsets: Index) -> tuple[Index, Mask]:
    """Counts of a ragged list, and where its entries stand in padded rows."""
    counts = np.diff(offsets)
    present: Mask = np.arange(counts.max(initial=0)) < counts[:, None]
    return counts, present


def placed(present: Mask, flat: Any, empty: float) -> Any:
    """A ragged list in padded rows; whole numbers where `empty` is one."""
    rows = np.full(present.shape, empty)
    rows[present] = flat
    return rows


def slots_of(layout: Layout, has_inferer: Mask, has_forecaster: Mask) -> Mask:
    """(T, width) slots that a topic has, in the network's order."""
    topics, always = len(has_inferer), np.ones((len(has_inferer), 2), dtype=np.bool_)
    pairs = (has_forecaster[:, :, None] & has_inferer[:, None, :]).reshape(
        topics, layout.forecasters * layout.inferers
    )
    workers = [has_inferer, has_forecaster]
    return np.hstack([always, *workers, pairs, *workers, has_forecaster])


def inferences_of(flat: Float64, labels: Index, has_inferer: Mask, default: Float64) -> Float64:
    """(T, L, I) inferences; a label that was left out takes the topic's default."""
    has_label = np.arange(labels.max()) < labels[:, None]
    topic, inferer, label = np.nonzero(has_inferer[:, :, None] & has_label[:, None, :])
    values = np.zeros((len(labels), int(labels.max()), has_inferer.shape[1]))
    values[topic, label, inferer] = np.where(np.isnan(flat), default[topic], flat)
    return values


def elements_of(columns: dict[str, Any], has_forecaster: Mask) -> tuple[Index, Float64]:
    """(T, F, K) elements of the forecasts, K at least 1."""
    counts = np.diff(columns["element_offsets"])
    size = max(1, int(counts.max(initial=0)))
    present = np.arange(size) < counts[:, None]
    inferer = np.full((*has_forecaster.shape, size), -1)
    loss = np.zeros(inferer.shape)
    inferer[has_forecaster] = placed(present, columns["element_inferer"], -1)
    loss[has_forecaster] = placed(present, columns["element_losses"], 0.0)
    ordered = np.sort(inferer, axis=-1)
    if np.any((ordered[..., 1:] == ordered[..., :-1]) & (ordered[..., 1:] >= 0)):
        raise ValueError(FORECAST_LIMIT)
    return inferer, loss

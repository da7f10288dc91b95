"""What topics carry from epoch to epoch, as padded arrays with a roster of actors per topic.

A roster lists who was ever settled, by identifier; -1 fills the rest. Who joins stands before those
who are absent, in the order of the epoch: while nobody comes or leaves, an epoch's actors are the
roster and regrets are read and written without a gather.

Source: synthesis, section 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from ...epoch import State
from ..arrays import Float64, Index, Layout
from .padded import PaddedEpochs
from .weights import Mask

__all__ = ["CarriedStates", "Slots", "located"]


COMPARED_ROSTER = 128
"""Longest roster whose every entry is compared; in longer ones a search is faster."""


@dataclass(frozen=True, slots=True)
class Slots:
    """Where an epoch's actors stand in the roster.

    Attributes:
        same: the roster is the epoch's actors, in their order.
        row, row_known: (T, P) rows of the roster's matrix by pass of the epoch, 0 where there is
            none, and which there are.
        column, column_known: (T, W) columns by worker, likewise.
    """

    same: bool
    row: Index
    row_known: Mask
    column: Index
    column_known: Mask


@dataclass(frozen=True, slots=True)
class CarriedStates:
    """States of T topics; NaN is what was never stored.

    Attributes:
        inferer, forecaster: (T, I) and (T, F) rosters.
        regrets: (T, rows, workers) as in `Layout` at the rosters' sizes. An address that infers and
            forecasts has its own one-in regret in both of its columns.
        weights: (T, workers) stored normalized weights.
        inclusions: (T, workers) epochs that paid the worker.
        initial_regret, regret_scale, previous_combined_loss, inference_median,
            inference_median_absolute_deviation: (T,).
    """

    inferer: Index
    forecaster: Index
    regrets: Float64
    weights: Float64
    inclusions: Float64
    initial_regret: Float64
    regret_scale: Float64
    previous_combined_loss: Float64
    inference_median: Float64
    inference_median_absolute_deviation: Float64

    @property
    def layout(self) -> Layout:
        """Slots of the rosters' matrix."""
        return Layout(self.inferer.shape[1], self.forecaster.shape[1])

    def take(self, positions: Index | slice) -> CarriedStates:
        """The topics at these positions."""
        return CarriedStates(*(getattr(self, field.name)[positions] for field in fields(self)))

    def slots(self, inferers: Index, forecasters: Index) -> Slots:
        """Where actors stand: (T, I) and (T, F) identifiers, -1 where there is nobody."""
        own = self.layout
        inferer, knows_inferer = located(self.inferer, inferers)
        forecaster, knows_forecaster = located(self.forecaster, forecasters)
        always = np.ones((len(inferers), 2), dtype=np.bool_)
        one_out, one_in = forecaster + 2, forecaster + own.one_in_forecaster.start
        fixed = np.broadcast_to(np.arange(2), always.shape)
        withheld = inferer + own.one_out_inferer.start
        row = np.hstack([fixed, one_out, one_in, withheld])
        row_known = np.hstack([always, knows_forecaster, knows_forecaster, knows_inferer])
        column = np.hstack([inferer, forecaster + own.inferers])
        column_known = np.hstack([knows_inferer, knows_forecaster])
        return Slots(
            same=np.array_equal(inferers, self.inferer)
            and np.array_equal(forecasters, self.forecaster),
            row=np.where(row_known, row, 0),
            row_known=row_known,
            column=np.where(column_known, column, 0),
            column_known=column_known,
        )

    def read_regrets(self, slots: Slots, chunk: slice) -> Float64:
        """(t, P, W) stored regrets of a chunk's actors, a view where nobody came or left."""
        if slots.same:
            return self.regrets[chunk]
        place, known = self._places(slots, chunk)
        found: Float64 = np.take(self.regrets[chunk], place)
        if not known.all():
            np.copyto(found, np.nan, where=~known)
        return found

    def write_regrets(self, slots: Slots, chunk: slice, regrets: Float64) -> None:
        """The inverse of `read_regrets`, in place."""
        place, known = self._places(slots, chunk)
        if not known.all():
            place, regrets = place[known], regrets[known]
        self.regrets[chunk].reshape(-1)[place] = regrets

    def _places(self, slots: Slots, chunk: slice) -> tuple[Index, Mask]:
        """(t, P, W) positions in the chunk's regrets, and which there are."""
        row = slots.row[chunk]
        row = row + np.arange(len(row))[:, None] * self.layout.rows
        place = (row * self.layout.workers)[:, :, None] + slots.column[chunk, None, :]
        return place, slots.row_known[chunk, :, None] & slots.column_known[chunk, None, :]

    def read_workers(self, name: str, slots: Slots) -> Float64:
        """(T, W) numbers of an epoch's workers, NaN for those not in the roster."""
        found: Float64 = np.take_along_axis(getattr(self, name), slots.column, axis=1)
        return np.where(slots.column_known, found, np.nan)

    def with_newcomers(self, epoch: PaddedEpochs) -> CarriedStates:
        """The same states with everybody in the epoch on the roster."""
        _, knows_inferer = located(self.inferer, epoch.inferer)
        _, knows_forecaster = located(self.forecaster, epoch.forecaster)
        if not (
            np.any(epoch.has_inferer & ~knows_inferer)
            or np.any(epoch.has_forecaster & ~knows_forecaster)
        ):
            return self
        inferers = joined(self.inferer, epoch.inferer)
        return self.arranged(inferers, joined(self.forecaster, epoch.forecaster))

    def arranged(self, inferers: Index, forecasters: Index) -> CarriedStates:
        """The same states under other rosters."""
        slots = self.slots(inferers, forecasters)
        other = replace(
            self,
            inferer=inferers,
            forecaster=forecasters,
            regrets=self.read_regrets(slots, slice(None)).copy(),
            weights=self.read_workers("weights", slots),
            inclusions=np.nan_to_num(self.read_workers("inclusions", slots)),
        )
        other.share_one_in_regrets()
        return other

    def share_one_in_regrets(self) -> None:
        """A forecaster's own one-in regret also in its column as an inferer, in place."""
        layout = self.layout
        slot, both = located(self.inferer, self.forecaster)
        topic, forecaster = np.nonzero(both)
        row = layout.one_in_forecaster.start + forecaster
        own = self.regrets[topic, row, layout.inferers + forecaster]
        self.regrets[topic, row, slot[topic, forecaster]] = own

    @classmethod
    def of(cls, states: Sequence[State]) -> CarriedStates:
        """From single states."""
        from .state_entries import carried_arrays

        return cls(**carried_arrays(states))


def located(roster: Index, actors: Index) -> tuple[Index, Mask]:
    """(T, n) positions of actors in the rosters, 0 where they are not, and where they are.

    Args:
        roster: (T, S) identifiers, -1 where there is nobody.
        actors: (T, n) identifiers, -1 where there is nobody.
    """
    size, wanted = roster.shape[1], actors.shape[1]
    if size >= wanted and np.array_equal(roster[:, :wanted], actors):
        return np.broadcast_to(np.arange(wanted), actors.shape), actors >= 0
    if not size:
        return np.zeros(actors.shape, dtype=np.int64), np.zeros(actors.shape, dtype=np.bool_)
    if size > COMPARED_ROSTER:
        return searched(roster, actors)
    equal = actors[:, :, None] == roster[:, None, :]
    found = equal.argmax(axis=-1)
    known = np.take_along_axis(equal, found[..., None], axis=-1)[..., 0] & (actors >= 0)
    return np.where(known, found, 0), known


def searched(roster: Index, actors: Index) -> tuple[Index, Mask]:
    """`located` by binary search in the rosters of all topics at once."""
    topic = np.arange(len(roster))[:, None]
    # Identifiers have 32 bits; nobody comes before everybody of the topic.
    keys = ((topic << 33) + roster + 1).reshape(-1)
    order = keys.argsort()
    wanted = (topic << 33) + actors + 1
    found = order[np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)]
    known = (keys[found] == wanted) & (actors >= 0)
    return np.where(known, found - topic * roster.shape[1], 0), known


def joined(roster: Index, actors: Index) -> Index:
    """Rosters with the actors first, in their order, and then everybody else."""
    absent = np.where(located(actors, roster)[1], -1, roster)
    everybody = np.hstack([actors, absent])
    order = np.argsort(everybody < 0, axis=-1, kind="stable")
    size = int((everybody >= 0).sum(axis=-1).max(initial=0))
    packed: Index = np.take_along_axis(everybody, order, axis=-1)[:, :size]
    return packed

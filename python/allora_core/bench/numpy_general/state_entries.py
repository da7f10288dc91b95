"""The carried arrays of the general NumPy peer, from states as values of `allora_core.epoch`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from ... import _core
from ...epoch import State
from ..arrays import Layout

__all__ = ["carried_arrays"]

SCALARS = (
    "initial_regret",
    "regret_scale",
    "inference_median",
    "inference_median_absolute_deviation",
)

Place = tuple[int, int]


def roster_of(state: State) -> tuple[list[str], list[str]]:
    """Every inferer and every forecaster that a state knows, by address."""
    inferers = {
        *state.inferer_regret,
        *state.naive_inferer_regret,
        *state.inferer_weight,
        *state.inferer_inclusions,
        *state.one_out_inferer_inferer_regret,
        *state.one_out_inferer_forecaster_regret,
    }
    forecasters = {
        *state.forecaster_regret,
        *state.forecaster_weight,
        *state.forecaster_inclusions,
        *state.one_out_forecaster_inferer_regret,
        *state.one_out_forecaster_forecaster_regret,
        *state.one_in_forecaster_regret,
    }
    for table, known in (
        (state.one_out_inferer_inferer_regret, inferers),
        (state.one_out_inferer_forecaster_regret, forecasters),
        (state.one_out_forecaster_inferer_regret, inferers),
        (state.one_out_forecaster_forecaster_regret, forecasters),
    ):
        for row in table.values():
            known.update(row)
    for forecaster, row in state.one_in_forecaster_regret.items():
        inferers.update(worker for worker in row if worker != forecaster)
    return sorted(inferers), sorted(forecasters)


class Names:
    """Where the regrets of a state's workers stand in a matrix."""

    def __init__(self, inferers: Sequence[str], forecasters: Sequence[str], layout: Layout) -> None:
        self.inferers, self.forecasters = list(inferers), list(forecasters)
        inferer = {name: at for at, name in enumerate(inferers)}
        forecaster = {name: layout.inferers + at for at, name in enumerate(forecasters)}
        combined = {"": 0}
        one_out = {name: 2 + at for at, name in enumerate(forecasters)}
        one_in = {name: layout.one_in_forecaster.start + at for at, name in enumerate(forecasters)}
        withheld = {name: layout.one_out_inferer.start + at for at, name in enumerate(inferers)}
        self.families: dict[str, tuple[dict[str, int], dict[str, int]]] = {
            "inferer_regret": (combined, inferer),
            "forecaster_regret": (combined, forecaster),
            "naive_inferer_regret": ({"": 1}, inferer),
            "one_out_inferer_inferer_regret": (withheld, inferer),
            "one_out_inferer_forecaster_regret": (withheld, forecaster),
            "one_out_forecaster_inferer_regret": (one_out, inferer),
            "one_out_forecaster_forecaster_regret": (one_out, forecaster),
        }
        self.inferer, self.forecaster, self.one_in = inferer, forecaster, one_in
        self.worker = {"inferer": inferer, "forecaster": forecaster}


def regrets_of(state: State, names: Names) -> Iterator[tuple[Place, Decimal]]:
    """Every stored regret and its place; a forecaster's own one-in regret may have two."""
    for family, (rows, columns) in names.families.items():
        table: Mapping[str, Any] = getattr(state, family)
        for outer, row in (table if "" not in rows else {"": table}).items():
            for worker, regret in row.items():
                yield (rows[outer], columns[worker]), regret
    for q, row in state.one_in_forecaster_regret.items():
        for worker, regret in row.items():
            if worker in names.inferer:
                yield (names.one_in[q], names.inferer[worker]), regret
            if worker == q:
                yield (names.one_in[q], names.forecaster[q]), regret


def carried_arrays(states: Sequence[State]) -> dict[str, Any]:
    """The arrays of `CarriedStates`, by name."""
    rosters = [roster_of(state) for state in states]
    # A roster has room for one inferer at least, so that there is a column to point at.
    inferers_most = max(1, *(len(inferers) for inferers, _ in rosters))
    layout = Layout(inferers_most, max(len(forecasters) for _, forecasters in rosters))
    topics = len(states)
    inferer = np.full((topics, layout.inferers), -1)
    forecaster = np.full((topics, layout.forecasters), -1)
    regrets = np.full((topics, layout.rows, layout.workers), np.nan)
    weights = np.full((topics, layout.workers), np.nan)
    inclusions = np.zeros((topics, layout.workers))
    for at, (state, (inferers, forecasters)) in enumerate(zip(states, rosters, strict=True)):
        inferer[at, : len(inferers)] = _core.intern(inferers)
        forecaster[at, : len(forecasters)] = _core.intern(forecasters)
        names = Names(inferers, forecasters, layout)
        for place, regret in regrets_of(state, names):
            regrets[at][place] = float(regret)
        for role, columns in names.worker.items():
            for name, array in (("weight", weights), ("inclusions", inclusions)):
                for worker, value in getattr(state, f"{role}_{name}").items():
                    array[at, columns[worker]] = float(value)
    scalars = {name: np.array([float(getattr(s, name)) for s in states]) for name in SCALARS}
    losses = [s.previous_combined_loss for s in states]
    scalars["previous_combined_loss"] = np.array(
        [np.nan if loss is None else float(loss) for loss in losses]
    )
    return {
        "inferer": inferer,
        "forecaster": forecaster,
        "regrets": regrets,
        "weights": weights,
        "inclusions": inclusions,
        **scalars,
    }

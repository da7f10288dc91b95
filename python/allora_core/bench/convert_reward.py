"""Between the dense arrays of the NumPy peer of `reward` and the fields of `State`.

One array per value that `State` holds, under the same name; actors stand in the order of their
positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Literal

import numpy as np

from ..epoch import State
from .arrays import Float64, Layout, ScoreStateArrays
from .convert import DIGITS, NONCE_STEP, decimals, line, reputer_names, table, worker_names

__all__ = ["score_entries", "score_state"]

Role = Literal["inferer", "forecaster", "reputer"]


def role_of(name: str) -> Role:
    """Whose values a field with one value per actor holds."""
    if name.startswith("inferer"):
        return "inferer"
    return "forecaster" if name.startswith("forecaster") else "reputer"


def names_of(layout: Layout, reputers: int) -> dict[Role, list[str]]:
    """Addresses by role."""
    inferers, forecasters = worker_names(layout)
    return {
        "inferer": inferers,
        "forecaster": forecasters,
        "reputer": reputer_names(reputers),
    }


def score_entries(arrays: ScoreStateArrays, layout: Layout, at: int) -> dict[str, Any]:
    """Fields of `State` of the topic at position `at`, before its first epoch."""
    names = names_of(layout, arrays.listening_coefficient.shape[1])
    entries: dict[str, Any] = {}
    for role, actors in names.items():
        entries[f"{role}_score_height"] = dict.fromkeys(actors, NONCE_STEP)
    for field in fields(arrays):
        values = getattr(arrays, field.name)[at]
        if values.ndim == 0:
            entries[field.name] = DIGITS.create_decimal_from_float(float(values))
            continue
        actors = names[role_of(field.name)]
        if field.name.endswith("_inclusions"):
            entries[field.name] = dict(zip(actors, map(int, values.tolist()), strict=True))
        elif field.name.endswith("_history"):
            entries[field.name] = {
                number * NONCE_STEP: tuple(zip(actors, decimals(scores), strict=True))
                for number, scores in enumerate(values, start=1)
            }
        else:
            entries[field.name] = table(actors, values)
    return entries


def score_state(states: Sequence[State], layout: Layout, reputers: int) -> ScoreStateArrays:
    """The inverse of `score_entries` for a whole batch."""
    names = names_of(layout, reputers)
    parts: dict[str, Float64] = {}
    for field in fields(ScoreStateArrays):
        stored = [getattr(state, field.name) for state in states]
        if not isinstance(stored[0], dict):
            parts[field.name] = np.array([float(value) for value in stored])
        elif field.name.endswith("_history"):
            parts[field.name] = np.array(
                [
                    [[float(score) for _, score in blocks[block]] for block in sorted(blocks)]
                    for blocks in stored
                ]
            )
        else:
            actors = names[role_of(field.name)]
            parts[field.name] = np.array([line(actors, entries) for entries in stored])
    return ScoreStateArrays(**parts)

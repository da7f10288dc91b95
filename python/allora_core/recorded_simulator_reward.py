"""The columns of scores and rewards of the network simulator's tables.

A row's scores and rewards follow from its losses, its stakes and ``topic_rewards``. Listening
coefficients, smoothed fractions and the forecasters' score ratio come from the row before.

The deviation that scales a role's scores is of the last 10 scores, as up to v0.7: five inferers
fill it with two rows, three forecasters with four. Before that their fractions cannot be known, nor
what depends on them. The first row has no state, so only the workers' scores can.

Sources: rewards, sections 3 to 9 and 16.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Literal, NamedTuple

from allora_core.epoch import Epoch, Rewarded, State
from allora_core.reference.number import add, quotient
from allora_core.reference.rules import Rules

__all__ = [
    "FORECASTERS",
    "INFERERS",
    "REPUTERS",
    "ROWS",
    "carried",
    "error_near_zero",
    "expected_rewards",
    "reward_rules",
    "rewarded_values_of",
]

INFERERS = tuple(f"inferer{j}" for j in range(5))
FORECASTERS = tuple(f"forecaster{k}" for k in range(3))
REPUTERS = tuple(f"reputer{m}" for m in range(5))

_ACTORS = {"inferer": INFERERS, "forecaster": FORECASTERS, "reputer": REPUTERS}

Number = Callable[[str], Decimal]

_SAMPLES = 10

# Rows that a column needs: one before for the state, and the inferers' sample is full with them.
_STATE = 2
_FORECASTER_SAMPLE = -(-_SAMPLES // len(FORECASTERS))

ROWS = _FORECASTER_SAMPLE
"""Rows, the present one included, that every column can be computed from."""

_SHARES = {
    "inferers_reward_fraction": "inference_task_reward",
    "forecasters_reward_fraction": "forecasting_task_reward",
    "reputers_reward_fraction": "reputer_task_reward",
}

# Scores are differences of losses. A fraction is phi / sum(phi) with phi = ln(1 + exp(x)), where
# the simulator rounds 1 + exp(x) to binary64: half a unit of a sum from 1 to 2 is 2^-53, and a
# small phi is off by as much. In both tables sum(phi) is above 1/4: 2^-51 of a fraction.
_NEAR_ZERO = {
    "inferer_score": Decimal("1E-15"),
    "forecaster_score": Decimal("1E-15"),
    "forecasting_task_utility_score": Decimal("1E-15"),
    "inferer_fraction": Decimal(2) ** -51,
    "forecaster_fraction": Decimal(2) ** -51,
}


class _Column(NamedTuple):
    """Where a column's number stands, and from which row on it can be computed.

    Attributes:
        entry: field of what holds it.
        actor: key in that field; ``""`` if the field is the number.
        rows: rows needed, the present one included.
        holder: whether the result or the state that it leaves holds it.
    """

    entry: str
    actor: str
    rows: int
    holder: Literal["result", "state"] = "result"


def _columns() -> dict[str, _Column]:
    """Return column -> its place, for the columns that stand in a result as they are."""
    columns = {
        "forecaster_task_score": _Column("forecasting_task_utility_score", "", 1),
        "reputers_entropy": _Column("reputer_entropy", "", _STATE),
        "inferers_entropy": _Column("inference_entropy", "", _STATE),
        "forecasters_entropy": _Column("forecasting_entropy", "", _FORECASTER_SAMPLE),
        "forecaster_score_ratio": _Column("forecaster_score_ratio", "", _STATE),
        "forecasters_utility": _Column("chi", "", _STATE),
    }
    for role, actors in _ACTORS.items():
        scored = _STATE if role == "reputer" else 1
        divided = _FORECASTER_SAMPLE if role == "forecaster" else _STATE
        fraction = f"{role}_reward_fraction"
        for at, actor in enumerate(actors):
            columns |= {
                f"{role}_score_{at}": _Column(f"{role}_score", actor, scored),
                f"{fraction}_{at}": _Column(f"{role}_fraction", actor, divided),
                f"{fraction}_smooth_{at}": _Column(fraction, actor, divided, "state"),
                f"{role}_reward_{at}": _Column(f"{role}_reward", actor, _FORECASTER_SAMPLE),
            }
    for at, m in enumerate(REPUTERS):
        columns |= {
            f"reputer_listening_coefficient_{at}": _Column(
                "listening_coefficient", m, _STATE, "state"
            ),
            f"reputer_adjusted_stake_{at}": _Column("adjusted_stake_used", m, _STATE),
        }
    return columns


_COLUMNS = _columns()


def error_near_zero(column: str) -> Decimal:
    """Return what a column may be off by however small it is; 0 for most."""
    place = _COLUMNS.get(column)
    return Decimal(0) if place is None else _NEAR_ZERO.get(place.entry, Decimal(0))


def reward_rules(rules: Rules) -> Rules:
    """Return rules with the simulator's sample of scores: 10 in all, not for every seat."""
    return replace(rules, score_samples="fixed")


def carried(state: State, rows: Sequence[tuple[int, Number]]) -> State:
    """Return a state with what scores and rewards carry into the next row.

    Args:
        state: the state.
        rows: nonce and columns of the rows so far, at least one, ascending.
    """
    before = rows[-1][1]

    def of(column: str, actors: Sequence[str]) -> dict[str, Decimal]:
        return {actor: before(f"{column}_{at}") for at, actor in enumerate(actors)}

    def history(role: str, actors: Sequence[str]) -> dict[int, tuple[tuple[str, Decimal], ...]]:
        return {
            nonce: tuple((actor, number(f"{role}_score_{at}")) for at, actor in enumerate(actors))
            for nonce, number in rows
        }

    return replace(
        state,
        listening_coefficient=of("reputer_listening_coefficient", REPUTERS),
        inferer_score_history=history("inferer", INFERERS),
        forecaster_score_history=history("forecaster", FORECASTERS),
        inferer_reward_fraction=of("inferer_reward_fraction_smooth", INFERERS),
        forecaster_reward_fraction=of("forecaster_reward_fraction_smooth", FORECASTERS),
        reputer_reward_fraction=of("reputer_reward_fraction_smooth", REPUTERS),
        forecaster_score_ratio=before("forecaster_score_ratio"),
    )


def expected_rewards(rows: int, number: Number, following: Number | None) -> dict[str, Decimal]:
    """Return column -> number, for the columns that can be computed.

    Args:
        rows: rows so far, the present one included.
        number: the present row's columns.
        following: the next row's columns, whose stakes are stake and reward of the present one;
            ``None`` in the last row. They are named ``next_reputer_stake_m``.
    """
    expected = {name: number(name) for name, place in _COLUMNS.items() if place.rows <= rows}
    if rows >= _FORECASTER_SAMPLE:
        expected |= {name: number(name) for name in _SHARES}
        if following is not None:
            for at in range(len(REPUTERS)):
                expected[f"next_reputer_stake_{at}"] = following(f"reputer_stake_{at}")
    return expected


def rewarded_values_of(epoch: Epoch, rewarded: Rewarded) -> dict[str, Decimal]:
    """Return what an implementation computed, by column; what it has no value for is left out."""
    values: dict[str, Decimal | None] = {}
    for name, place in _COLUMNS.items():
        held = getattr(rewarded if place.holder == "result" else rewarded.state, place.entry)
        values[name] = _at(held, place.actor)
    for name, entry in _SHARES.items():
        task: Decimal | None = getattr(rewarded, entry)
        values[name] = quotient(task, epoch.reward) if task is not None and epoch.reward else None
    for at, m in enumerate(REPUTERS):
        reward = rewarded.reputer_reward.get(m)
        stake = None if reward is None else add(epoch.reports[m].stake, reward)
        values[f"next_reputer_stake_{at}"] = stake
    return {name: value for name, value in values.items() if value is not None}


def _at(held: object, actor: str) -> Decimal | None:
    value = held.get(actor) if isinstance(held, Mapping) else held
    assert value is None or isinstance(value, Decimal)
    return value

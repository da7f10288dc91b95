"""One topic's results out of the batch's columns, as the values of `allora_core.epoch`."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any, Generic, TypeVar, cast

from .batch import Epochs, Numbers, bundle_width, read_numbers
from .epoch import Branch, Rewarded, State, Synthesis, TopicError, ValueBundle
from .topics import Payout

__all__ = ["BRANCHES", "read_inference", "read_network_losses", "read_payouts", "read_reward"]

BRANCHES: tuple[Branch, ...] = ("weighted", "median", "no_previous_loss", "single")

Value = TypeVar("Value")


def part(column: Numbers, begin: int, count: int) -> list[Decimal | None]:
    """`count` numbers of a column from `begin`."""
    return read_numbers(column[begin : begin + count])


def present(actors: list[str], values: list[Value | None]) -> dict[str, Value]:
    """Values by actor, without the missing ones."""
    return {actor: value for actor, value in zip(actors, values, strict=True) if value is not None}


class Slots(Generic[Value]):
    """The rows of one topic's value bundle, by the names of its lists."""

    def __init__(
        self, rows: list[Value | None], inferers: list[str], forecasters: list[str]
    ) -> None:
        self.rows, self.inferers, self.forecasters = rows, inferers, forecasters
        i, f = len(inferers), len(forecasters)
        self.ends = [2, 2 + i, 2 + i + f, 2 + i + f + f * i]

    def inferer(self) -> dict[str, Value]:
        return present(self.inferers, self.rows[2 : self.ends[1]])

    def forecaster(self) -> dict[str, Value]:
        return present(self.forecasters, self.rows[self.ends[1] : self.ends[2]])

    def one_out_inferer_forecaster(self) -> dict[str, dict[str, Value]]:
        i = len(self.inferers)
        rows = {}
        for k, forecaster in enumerate(self.forecasters):
            begin = self.ends[2] + k * i
            rows[forecaster] = present(self.inferers, self.rows[begin : begin + i])
        return {forecaster: row for forecaster, row in rows.items() if row}

    def tail(self, at: int) -> dict[str, Value]:
        """One-out inferers (0), one-out forecasters (1), one-in forecasters (2)."""
        i, f = len(self.inferers), len(self.forecasters)
        begin = self.ends[3] + (0, i, i + f)[at]
        actors = self.forecasters if at else self.inferers
        return present(actors, self.rows[begin : begin + len(actors)])


def read_inference(epochs: Epochs, columns: dict[str, Any], prefix: str, at: int) -> Synthesis:
    """The network inference bundle of the topic at a position of the batch."""
    inferers = epochs.inferers.addresses[at]
    forecasters = epochs.forecasters.addresses[at]
    labels = len(epochs.epochs[at].labels)
    width = bundle_width(len(inferers), len(forecasters))
    begin = int(epochs.columns["inference_row_offsets"][at])
    numbers = part(columns[prefix + "values"], begin, width * labels)
    rows: list[tuple[Decimal, ...] | None] = []
    for slot in range(width):
        row = numbers[slot * labels : (slot + 1) * labels]
        rows.append(None if None in row else cast("tuple[Decimal, ...]", tuple(row)))
    slots = Slots(rows, inferers, forecasters)

    def of(name: str, actors: list[str], begin: int) -> dict[str, Decimal]:
        return present(actors, part(columns[prefix + name], begin, len(actors)))

    first_i = int(epochs.inferers.offsets[at])
    first_f = int(epochs.forecasters.offsets[at])
    scale = part(columns[prefix + "regret_scale"], at, 1)[0]
    interval = part(columns[prefix + "confidence_interval"], 5 * at, 5)
    return Synthesis(
        branch=BRANCHES[int(columns[prefix + "branch"][at])],
        all_inferers_are_new=bool(columns[prefix + "all_inferers_are_new"][at]),
        regret_scale=scale,
        inferer_regret_used=of("inferer_regret_used", inferers, first_i),
        forecaster_regret_used=of("forecaster_regret_used", forecasters, first_f),
        inferer_weight=of("inferer_weight", inferers, first_i),
        forecaster_weight=of("forecaster_weight", forecasters, first_f),
        forecast_inferer_weight=element_weights(epochs, columns[prefix + "element_weight"], at),
        forecast_implied=slots.forecaster(),
        combined=rows[0] or (),
        naive=rows[1] or (),
        one_out_inferer=slots.tail(0),
        one_out_forecaster=slots.tail(1),
        one_in_forecaster=slots.tail(2),
        one_out_inferer_forecaster=slots.one_out_inferer_forecaster(),
        confidence_interval=tuple(value for value in interval if value is not None),
        normalized_inferer_weight=of("normalized_inferer_weight", inferers, first_i),
        normalized_forecaster_weight=of("normalized_forecaster_weight", forecasters, first_f),
    )


def element_weights(epochs: Epochs, column: Numbers, at: int) -> dict[str, dict[str, Decimal]]:
    """Weights inside the forecast-implied inferences: forecaster -> inferer -> weight."""
    first = int(epochs.forecasters.offsets[at])
    weights: dict[str, dict[str, Decimal]] = {}
    for k, forecaster in enumerate(epochs.forecasters.addresses[at]):
        begin = int(epochs.columns["element_offsets"][first + k])
        elements = epochs.epochs[at].forecasts[forecaster]
        values = part(column, begin, len(elements))
        row = present([inferer for inferer, _ in elements], values)
        if row:
            weights[forecaster] = row
    return weights


def read_network_losses(epochs: Epochs, column: Numbers, at: int) -> ValueBundle:
    """The network losses of the topic at a position of the batch."""
    begin, end = epochs.columns["loss_row_offsets"][at : at + 2].tolist()
    return read_loss_bundle(epochs, part(column, begin, end - begin), at)


def read_loss_bundle(epochs: Epochs, rows: list[Decimal | None], at: int) -> ValueBundle:
    """Losses in the order of the bundle's slots, as the bundle of the topic at a position."""
    slots = Slots(rows, epochs.inferers.addresses[at], epochs.forecasters.addresses[at])
    return ValueBundle(
        combined=rows[0],
        naive=rows[1],
        inferer=slots.inferer(),
        forecaster=slots.forecaster(),
        one_out_inferer=slots.tail(0),
        one_out_forecaster=slots.tail(1),
        one_in_forecaster=slots.tail(2),
        one_out_inferer_forecaster=slots.one_out_inferer_forecaster(),
    )


REWARD_LISTS = {
    "inferer": ("inferer_score", "inferer_fraction", "inferer_reward"),
    "forecaster": ("forecaster_score", "forecaster_fraction", "forecaster_reward"),
    "reputer": (
        "reputer_score",
        "listening_coefficient_used",
        "adjusted_stake_used",
        "adjusted_stake",
        "reputer_fraction",
        "reputer_reward",
    ),
}
"""Numbers per actor in `Rewarded`, by role."""

REWARD_UNITS = {
    "inferer": ("inferer_paid",),
    "forecaster": ("forecaster_paid",),
    "reputer": ("delegators_reward", "reputer_paid"),
}
"""Whole base units per actor in `Rewarded`, by role."""

REWARD_SCALARS = (
    "inference_entropy",
    "forecasting_entropy",
    "reputer_entropy",
    "forecasting_task_utility_score",
    "forecaster_score_ratio",
    "chi",
    "gamma",
    "inference_task_reward",
    "forecasting_task_reward",
    "reputer_task_reward",
)
"""Numbers of the topic in `Rewarded`."""


def read_payouts(
    epochs: Epochs, columns: dict[str, Any], status: Sequence[TopicError | None]
) -> dict[int, Payout]:
    """What every topic of the batch paid, by topic identifier; topics not computed are left out."""
    units: dict[str, list[int]] = {}
    for actors, names in (
        (epochs.inferers, REWARD_UNITS["inferer"]),
        (epochs.forecasters, REWARD_UNITS["forecaster"]),
        (epochs.reputers, REWARD_UNITS["reputer"]),
    ):
        for name in names:
            values = [0 if value is None else int(value) for value in read_numbers(columns[name])]
            ends = actors.offsets.tolist()
            units[name] = [sum(values[begin:end]) for begin, end in pairwise(ends)]
    tasks = read_numbers(columns["reputer_task_reward"])
    return {
        epoch.topic_id: Payout(
            reputers=units["reputer_paid"][at] + units["delegators_reward"][at],
            workers=units["inferer_paid"][at] + units["forecaster_paid"][at],
            reputer_task_reward=tasks[at] or Decimal(0),
            failed=status[at] is not None,
        )
        for at, epoch in enumerate(epochs.epochs)
        if columns["computed"][at]
    }


def read_reward(
    epochs: Epochs, columns: dict[str, Any], at: int, state: State, fault: TopicError | None
) -> Rewarded:
    """Scores and rewards of the topic at a position of the batch."""
    values: dict[str, Any] = {}
    for role, actors in (
        ("inferer", epochs.inferers),
        ("forecaster", epochs.forecasters),
        ("reputer", epochs.reputers),
    ):
        names, begin = actors.addresses[at], int(actors.offsets[at])
        for name in REWARD_LISTS[role]:
            values[name] = present(names, part(columns[name], begin, len(names)))
        for name in REWARD_UNITS[role]:
            units = present(names, part(columns[name], begin, len(names)))
            values[name] = {actor: int(amount) for actor, amount in units.items()}
    for name in REWARD_SCALARS:
        values[name] = part(columns[name], at, 1)[0]
    return Rewarded(**values, iterations=int(columns["iterations"][at]), state=state, fault=fault)

"""Reader of the network simulator's tables: one row per epoch, one column per number.

The simulator is independent of the chain's code and computes in binary64, so its columns are met
to the errors that `allowed_error` tells. A row's state stands in
the columns of the row before; the first row has no predecessor. Columns of scores and rewards are
described in ``recorded_simulator_reward``.

Five inferers, three forecasters and five reputers take part in every epoch. A column's ``worker_w``
counts inferers 0 to 4, then forecasters 5 to 7.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from allora_core.epoch import (
    Epoch,
    Inferred,
    Params,
    Report,
    Rewarded,
    Settled,
    State,
    ValueBundle,
)
from allora_core.recorded_file import RecordingError, read_lines, recognise
from allora_core.recorded_simulator_reward import (
    FORECASTERS,
    INFERERS,
    REPUTERS,
    ROWS,
    carried,
    error_near_zero,
    expected_rewards,
    reward_rules,
    rewarded_values_of,
)
from allora_core.reference.number import NumberError, subtract
from allora_core.reference.number_text import parse
from allora_core.reference.rules import Rules, rules_at
from allora_core.reference.weight import regret_scale

__all__ = ["SimulatedEpoch", "allowed_error", "read_simulator", "simulated_values_of"]

WORKERS = INFERERS + FORECASTERS

_RELATIVE, _ABSOLUTE = Decimal("1E-12"), Decimal("1E-15")

# Everybody has a regret in these tables, so nobody reads the initial one: it only must not be 0,
# which would make all inferers count as new.
_ANY_INITIAL_REGRET = Decimal(1)


@dataclass(frozen=True, slots=True)
class SimulatedEpoch:
    """One row of a simulator table.

    Attributes:
        path, line: where it stands.
        rules: the rules of the simulated protocol.
        epoch: the inputs.
        state: the state before, from the row before; for a first row without known state ``None``.
        expected: column -> number, for the columns that infer, settle and reward determine. The
            first rows leave out what depends on state and scores before the table.
    """

    path: Path
    line: int
    rules: Rules
    epoch: Epoch
    state: State | None
    expected: dict[str, Decimal]


def allowed_error(column: str) -> tuple[Decimal, Decimal]:
    """Return the relative and the absolute error of a column; the greater one is allowed.

    1e-12 relative; for regrets, which are differences of losses, 1e-15 absolute instead. Workers'
    scores are such differences too, and have at least that. Their fractions come from
    ln(1 + exp(x)), where the simulator rounds the sum to binary64: they have at least 2^-51.
    """
    if "regret" in column:
        return Decimal(0), _ABSOLUTE
    return _RELATIVE, error_near_zero(column)


def read_simulator(path: str | Path) -> Iterator[SimulatedEpoch]:
    """Yield the rows of a simulator table.

    Raises:
        RecordingError: the file, line and column that cannot be read.
    """
    path = Path(path)
    form = recognise(path)
    if form == "simulator_regression":
        labels: tuple[str, ...] = ("y",)
        rules = replace(rules_at("v0.6"), one_out_inferer_forecaster="present")
    elif form == "simulator_classification":
        labels = ("0", "1", "2")
        rules = rules_at("v0.17")
    else:
        raise RecordingError(path, 1, "format", f"{form}, not a simulator table")
    rules = reward_rules(rules)
    lines = read_lines(path)
    columns = next(csv.reader([next(lines)[1]]))
    if len(set(columns)) != len(columns):
        raise RecordingError(path, 1, "columns", "one of them is given twice")
    # The rows up to the present one, which waits for its follower: that has the stakes after it.
    rows: list[_Row] = []
    for line, text in lines:
        cells = next(csv.reader([text]))
        if len(cells) != len(columns):
            raise RecordingError(path, line, "row", f"{len(cells)} of {len(columns)} columns")
        row = _Row(path, line, dict(zip(columns, cells, strict=True)), labels)
        if rows:
            yield _simulated(rows, row, rules)
        rows = [*rows[1 - ROWS :], row]
    if rows:
        yield _simulated(rows, None, rules)


def _simulated(rows: Sequence[_Row], following: _Row | None, rules: Rules) -> SimulatedEpoch:
    """Return the last of ``rows`` with the state that those before it leave."""
    *earlier, row = rows
    state = None
    if earlier:
        known = [(int(one.number("epoch")), one.number) for one in earlier]
        state = carried(earlier[-1].state(rules), known)
    elif len(row.labels) > 1:
        # The table starts with an empty history there: regrets are averaged from 0.
        state = State(topic_id=1)
    next_number = None if following is None else following.number
    expected = row.expected(state) | expected_rewards(len(rows), row.number, next_number)
    return SimulatedEpoch(row.path, row.line, rules, row.epoch(), state, expected)


class _Row:
    """One row by column name."""

    def __init__(
        self, path: Path, line: int, cells: Mapping[str, str], labels: tuple[str, ...]
    ) -> None:
        self.path = path
        self.line = line
        self.cells = cells
        self.labels = labels

    def number(self, column: str) -> Decimal:
        if column not in self.cells:
            raise RecordingError(self.path, self.line, f"column {column}", "missing")
        try:
            return parse(self.cells[column])
        except NumberError as fault:
            raise RecordingError(self.path, self.line, f"column {column}", fault.cause) from fault

    def epoch(self) -> Epoch:
        losses = range(len(INFERERS))
        return Epoch(
            topic_id=1,
            nonce=int(self.number("epoch")),
            inferences={
                j: {label: self.number(column(f"inference_{at}", label)) for label in self.labels}
                for at, j in enumerate(INFERERS)
            },
            forecasts={
                k: tuple(
                    (INFERERS[j], self.number(f"forecasted_loss_{at}_for_{j}")) for j in losses
                )
                for at, k in enumerate(FORECASTERS)
            },
            reports={
                m: Report(self.number(f"reputer_stake_{at}"), self.report(at))
                for at, m in enumerate(REPUTERS)
            },
            labels=self.labels,
            reward=self.number("topic_rewards"),
        )

    def report(self, m: int) -> ValueBundle:
        names = _bundle_columns(
            f"reputer_{m}_loss_{{}}",
            inference="inference",
            implied="forecast_implied_inference",
            combined="network_inference",
            naive="naive_network_inference",
        )
        return _bundle({place: self.number(name) for name, place in names.items()})

    def state(self, rules: Rules) -> State:
        """Return the state that this row leaves."""
        regrets = {place: self.number(name) for name, place in _regret_columns().items()}

        def table(family: str) -> dict[str, dict[str, Decimal]]:
            rows: dict[str, dict[str, Decimal]] = {}
            for place, value in regrets.items():
                if place[0] == family:
                    rows.setdefault(place[1], {})[place[2]] = value
            return rows

        def row(family: str) -> dict[str, Decimal]:
            return {place[1]: value for place, value in regrets.items() if place[0] == family}

        inferer, forecaster = row("inferer_regret"), row("forecaster_regret")
        scale = Decimal(0)
        if rules.scale_storage == "stored":
            everyone = [*inferer.values(), *forecaster.values()]
            scale = regret_scale(everyone, Params(), rules)
        return State(
            topic_id=1,
            initial_regret=_ANY_INITIAL_REGRET,
            regret_scale=scale,
            previous_combined_loss=self.number("network_loss"),
            inferer_regret=inferer,
            forecaster_regret=forecaster,
            naive_inferer_regret=row("naive_inferer_regret"),
            one_out_inferer_inferer_regret=table("one_out_inferer_inferer_regret"),
            one_out_inferer_forecaster_regret=table("one_out_inferer_forecaster_regret"),
            one_out_forecaster_inferer_regret=table("one_out_forecaster_inferer_regret"),
            one_out_forecaster_forecaster_regret=table("one_out_forecaster_forecaster_regret"),
            one_in_forecaster_regret=table("one_in_forecaster_regret"),
        )

    def expected(self, state: State | None) -> dict[str, Decimal]:
        names = list(_loss_columns())
        if state is not None:
            names += list(_regret_columns())
            known_loss = state.previous_combined_loss is not None
            names += [
                name
                for name, (family, *_) in _inference_columns(self.labels).items()
                if name in self.cells
                and (known_loss or family in ("combined", "naive", "one_out_inferer"))
            ]
            if known_loss:
                names += [f"forecasted_regret_{k}_inferer_{j}" for k, j in _elements()]
        return {name: self.number(name) for name in names}


def column(name: str, label: str) -> str:
    """Return the column of a value: tables with several labels number them."""
    return name if label == "y" else f"{name}_label_{label}"


def _elements() -> Iterator[tuple[int, int]]:
    return ((k, j) for k in range(len(FORECASTERS)) for j in range(len(INFERERS)))


def _bundle_columns(
    form: str, *, inference: str, implied: str, combined: str, naive: str
) -> dict[str, tuple[str, ...]]:
    """Return column -> (entry of a value bundle, workers), for one way to name the columns."""
    places: dict[str, tuple[str, ...]] = {
        form.format(combined): ("combined",),
        form.format(naive): ("naive",),
    }
    for at, j in enumerate(INFERERS):
        places[form.format(f"{inference}_{at}")] = ("inferer", j)
        places[form.format(f"{combined}_oneout_{at}")] = ("one_out_inferer", j)
    for at, k in enumerate(FORECASTERS):
        places[form.format(f"{implied}_{at}")] = ("forecaster", k)
        places[form.format(f"{combined}_oneout_{at + 5}")] = ("one_out_forecaster", k)
        places[form.format(f"{naive}_onein_{at}")] = ("one_in_forecaster", k)
        for w, j in enumerate(INFERERS):
            name = form.format(f"{implied}_{at}_oneout_{w}")
            places[name] = ("one_out_inferer_forecaster", k, j)
    return places


def _loss_columns() -> dict[str, tuple[str, ...]]:
    return _bundle_columns(
        "{}",
        inference="inference_loss",
        implied="forecast_implied_inference_loss",
        combined="network_loss",
        naive="network_naive_loss",
    )


def _inference_columns(labels: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Return column -> (list of the network inference bundle, workers, label)."""
    names = _bundle_columns(
        "{}",
        inference="",
        implied="forecast_implied_inference",
        combined="network_inference",
        naive="network_naive_inference",
    )
    places = {
        column(name, label): (*place, label)
        for name, place in names.items()
        for label in labels
        if place[0] != "inferer"
    }
    for at in range(5):
        places[f"network_inference_errorbar_{at}"] = ("confidence_interval", str(at))
    return places


def _regret_columns() -> dict[str, tuple[str, ...]]:
    """Return column -> (regret family of the state, workers)."""
    places: dict[str, tuple[str, ...]] = {}
    for x, worker in enumerate(WORKERS):
        role = "inferer" if worker in INFERERS else "forecaster"
        places[f"inference_regret_worker_{x}"] = (f"{role}_regret", worker)
        for w, withheld in enumerate(WORKERS):
            out = "inferer" if withheld in INFERERS else "forecaster"
            name = f"inference_regret_worker_{x}_oneout_{w}"
            places[name] = (f"one_out_{out}_{role}_regret", withheld, worker)
    for x, worker in enumerate(INFERERS):
        places[f"naive_inference_regret_worker_{x}"] = ("naive_inferer_regret", worker)
    for q, forecaster in enumerate(FORECASTERS):
        for x, worker in enumerate((*INFERERS, forecaster)):
            name = f"inference_regret_worker_{x}_onein_{q}"
            places[name] = ("one_in_forecaster_regret", forecaster, worker)
    return places


def _bundle(values: Mapping[tuple[str, ...], Decimal]) -> ValueBundle:
    def row(entry: str) -> dict[str, Decimal]:
        return {place[1]: value for place, value in values.items() if place[0] == entry}

    rows: dict[str, dict[str, Decimal]] = {k: {} for k in FORECASTERS}
    for place, value in values.items():
        if place[0] == "one_out_inferer_forecaster":
            rows[place[1]][place[2]] = value
    return ValueBundle(
        combined=values[("combined",)],
        naive=values[("naive",)],
        inferer=row("inferer"),
        forecaster=row("forecaster"),
        one_out_inferer=row("one_out_inferer"),
        one_out_forecaster=row("one_out_forecaster"),
        one_in_forecaster=row("one_in_forecaster"),
        one_out_inferer_forecaster=rows,
    )


def simulated_values_of(
    simulated: SimulatedEpoch, inferred: Inferred | None, settled: Settled, rewarded: Rewarded
) -> dict[str, Decimal]:
    """Return what an implementation computed, by column, for the expected columns."""
    values = rewarded_values_of(simulated.epoch, rewarded)
    for name, (family, *workers) in _loss_columns().items():
        values[name] = _at(getattr(settled.network_losses, family), workers)
    for name, (family, *workers) in _regret_columns().items():
        values[name] = _at(getattr(settled.state, family), workers)
    state = simulated.state
    if inferred is not None and state is not None:
        labels = simulated.epoch.labels
        for name, (family, *workers) in _inference_columns(labels).items():
            if name in simulated.expected:
                values[name] = _inference_at(inferred, family, workers, labels)
        loss = state.previous_combined_loss
        for k, j in _elements() if loss is not None else ():
            _, forecasted = simulated.epoch.forecasts[FORECASTERS[k]][j]
            name = f"forecasted_regret_{k}_inferer_{j}"
            values[name] = subtract(Decimal(0) if loss is None else loss, forecasted)
    return {name: value for name, value in values.items() if name in simulated.expected}


def _at(values: object, workers: list[str]) -> Decimal:
    for worker in workers:
        assert isinstance(values, Mapping)
        values = values[worker]
    assert isinstance(values, Decimal)
    return values


def _inference_at(
    inferred: Inferred, family: str, workers: list[str], labels: tuple[str, ...]
) -> Decimal:
    if family == "confidence_interval":
        return inferred.network.confidence_interval[int(workers[0])]
    values = getattr(inferred.network, "forecast_implied" if family == "forecaster" else family)
    for worker in workers[:-1]:
        values = values[worker]
    result: Decimal = values[labels.index(workers[-1])]
    return result

"""Readers of recorded answers: whole epochs of the chain, decimal operations, simulator tables.

Formats are recognised by content, not by name. Every recorded epoch gives the inputs as the
dataclasses of :mod:`allora_core.epoch`, and the expected outputs as texts under tuple names that
follow the file (``("network_losses", "inferer", "allo1..")``); :func:`values_of` gives what an
implementation computed under the same names, so that two dictionaries are compared:

    for recorded in read_chain_epochs(path):
        state = recorded.state or state
        inferred = infer(recorded.epoch, state, recorded.rules)
        settled = settle(recorded.epoch, inferred.state, recorded.rules)
        rewarded = reward(recorded.epoch, settled.network_losses, settled.state, recorded.rules)
        assert values_of(recorded, state, inferred, settled, rewarded) == recorded.expected
        state = recorded.state_after(settled, rewarded)

Numbers are plain texts, so equality covers the written form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

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
from allora_core.recorded_file import (
    RecordingError,
    RecordingFormat,
    read_document,
    read_lines,
    recognise,
)
from allora_core.recorded_reward import PARAMS, expected_values, reward_state, reward_values
from allora_core.recorded_shape import EPOCH, OPERATION
from allora_core.reference.number import NumberError
from allora_core.reference.number_text import parse, plain_text
from allora_core.reference.rules import Rules, rules_at

__all__ = [
    "DecimalOperation",
    "Name",
    "RecordedEpoch",
    "RecordingError",
    "RecordingFormat",
    "read_chain_epochs",
    "read_decimal_operations",
    "recognise",
    "values_of",
]

Name = tuple[str, ...]
"""Place of an expected value, as in the file: stage, field, then worker or label names."""

_SCALAR_FIELDS = ("initial_regret", "regret_scale", "previous_combined_loss")
_WORKER_FIELDS = (
    "inferer_regret",
    "forecaster_regret",
    "naive_inferer_regret",
    "inferer_weight",
    "forecaster_weight",
)
_PAIR_FIELDS = (
    "one_out_inferer_inferer_regret",
    "one_out_inferer_forecaster_regret",
    "one_out_forecaster_inferer_regret",
    "one_out_forecaster_forecaster_regret",
    "one_in_forecaster_regret",
)
_COUNT_FIELDS = ("inferer_inclusions", "forecaster_inclusions")
_INFERENCE_FIELDS = (
    "forecast_implied",
    "one_out_inferer",
    "one_out_forecaster",
    "one_in_forecaster",
)
_USED_FIELDS = (
    "inferer_regret_used",
    "forecaster_regret_used",
    "inferer_weight",
    "forecaster_weight",
    "forecast_inferer_weight",
)


@dataclass(frozen=True, slots=True)
class DecimalOperation:
    """One recorded decimal operation: stored texts in, stored texts or an error code out."""

    line: int
    version: str
    operation: str
    arguments: list[Any]
    result: Any
    error: str | None


@dataclass(frozen=True, slots=True)
class RecordedEpoch:
    """One recorded epoch of the chain.

    Attributes:
        path, line: where it stands.
        kind: name of the case.
        rules: the rules that the file was computed with.
        epoch: the inputs.
        state: the state before, only for the first epoch of a topic.
        expected: outputs of infer, settle and reward as texts; a stage that fails gives
            ``(stage, "error")``.
        forecast_regret_scale: v0.6, forecaster -> scale inside its forecast-implied inference.
        scored: whether the file has scores and rewards.
    """

    path: Path
    line: int
    kind: str
    rules: Rules
    epoch: Epoch
    state: State | None
    expected: dict[Name, str]
    forecast_regret_scale: dict[str, str] = field(default_factory=dict)
    scored: bool = False

    def state_after(self, settled: Settled, rewarded: Rewarded) -> State:
        """The state that the next epoch starts from: a file without rewards carries none."""
        return rewarded.state if self.scored else settled.state


def read_decimal_operations(path: str | Path) -> Iterator[DecimalOperation]:
    """Yield the operations of a file of decimal operations."""
    path = Path(path)
    for line, text in read_lines(path):
        document = read_document(path, line, text)
        wrong = OPERATION(document, "")
        if wrong is None and "result" not in document and "error" not in document:
            wrong = ("result", "missing")
        if wrong is not None:
            raise RecordingError(path, line, *wrong)
        yield DecimalOperation(
            line,
            document["rules"],
            document["op"],
            document["args"],
            document.get("result"),
            document.get("error"),
        )


def read_chain_epochs(path: str | Path) -> Iterator[RecordedEpoch]:
    """Yield the epochs of a whole-epoch file in order; a topic's epochs are consecutive.

    Raises:
        RecordingError: the file, line and field that cannot be read.
    """
    path = Path(path)
    form = recognise(path)
    if form == "chain_epochs_v0.6":
        rules = rules_at("v0.6")
    elif form == "chain_epochs_v0.17":
        # The choices that the file was computed with, as its description states them.
        rules = replace(
            rules_at("v0.17"),
            scale_filter="previous_weight",
            weight_rounding="each_step",
            initial_regret="held",
        )
    else:
        raise RecordingError(path, 1, "format", f"{form}, not whole epochs")
    for line, text in read_lines(path):
        yield _Line(path, line, read_document(path, line, text)).recorded(rules)


class _Line:
    """One line of a whole-epoch file and where in it the reader stands."""

    def __init__(self, path: Path, line: int, document: dict[str, Any]) -> None:
        self.path = path
        self.line = line
        self.kind = str(document.get("kind", ""))
        given = document.get("input")
        self.topic: Any = given.get("topic") if isinstance(given, dict) else None
        wrong = EPOCH(document, "")
        if wrong is not None:
            raise self.error(*wrong)
        self.input = document["input"]
        self.output = document["output"]

    def error(self, place: str, cause: str) -> RecordingError:
        return RecordingError(self.path, self.line, f"topic {self.topic} {place}", cause)

    def number(self, text: Any, place: str) -> Decimal:
        if not isinstance(text, str):
            raise self.error(place, f"not the text of a number: {text!r}")
        try:
            return parse(text)
        except NumberError as fault:
            raise self.error(place, f"{text[:40]!r}: {fault.cause}") from fault

    def numbers(self, values: Mapping[str, Any] | None, place: str) -> dict[str, Decimal]:
        items = (values or {}).items()
        return {worker: self.number(text, f"{place}[{worker}]") for worker, text in items}

    def table(self, values: Mapping[str, Any] | None, place: str) -> dict[str, dict[str, Decimal]]:
        items = (values or {}).items()
        return {outer: self.numbers(row, f"{place}[{outer}]") for outer, row in items}

    def recorded(self, rules: Rules) -> RecordedEpoch:
        given = self.input.get("state")
        return RecordedEpoch(
            self.path,
            self.line,
            self.kind,
            rules,
            self.epoch(),
            None if given is None else self.state(given),
            self.expected(),
            dict(self.output["synthesis"].get("forecast_regret_scale") or {}),
            "scores" in self.output,
        )

    def epoch(self) -> Epoch:
        labels = tuple(self.input.get("labels", ("y",)))
        earlier = PARAMS if "scores" in self.output else {}
        given = {**earlier, **self.input.get("params", {}), **self.input.get("topic_params", {})}
        known = {field.name for field in fields(Params)}
        params = {name: self.number(text, name) for name, text in given.items() if name in known}
        r0 = given.get("initial_regret")
        return Epoch(
            topic_id=self.input["topic"],
            nonce=self.input["block"],
            inferences=self.inferences(labels),
            forecasts=self.forecasts(),
            reports={
                report["reputer"]: Report(
                    self.number(report["stake"], f"stake of {report['reputer']}"),
                    self.bundle(report["bundle"], report["reputer"]),
                    self.number(report.get("delegated", "0"), f"delegated of {report['reputer']}"),
                )
                for report in self.input["reputers"]
            },
            labels=labels,
            params=Params(**params),
            initial_regret=None if r0 is None else self.number(r0, "initial_regret"),
            reward=self.number(self.input.get("reward", "0"), "reward"),
        )

    def inferences(self, labels: tuple[str, ...]) -> dict[str, dict[str, Decimal]]:
        inferences: dict[str, dict[str, Decimal]] = {}
        for entry in self.input["inferences"]:
            if isinstance(entry, list):
                worker, values = entry[0], [entry[1]]
            else:
                worker, values = entry["worker"], entry["values"]
            if len(values) != len(labels):
                raise self.error(f"inference of {worker}", f"{len(values)} values")
            inferences[worker] = {
                label: self.number(text, f"inference of {worker}[{label}]")
                for label, text in zip(labels, values, strict=True)
            }
        return inferences

    def forecasts(self) -> dict[str, tuple[tuple[str, Decimal], ...]]:
        return {
            forecast["forecaster"]: tuple(
                (worker, self.number(text, f"forecast of {forecast['forecaster']} for {worker}"))
                for worker, text in forecast["elements"]
            )
            for forecast in self.input["forecasts"]
        }

    def bundle(self, given: Mapping[str, Any], reputer: str) -> ValueBundle:
        place = f"report of {reputer}"
        losses = {
            name: self.numbers(given.get(name), f"{place} {name}")
            for name in (
                "inferer",
                "forecaster",
                "one_out_inferer",
                "one_out_forecaster",
                "one_in_forecaster",
            )
        }
        name = "one_out_inferer_forecaster"
        return ValueBundle(
            combined=self.number(given.get("combined"), f"{place} combined"),
            naive=self.number(given.get("naive"), f"{place} naive"),
            one_out_inferer_forecaster=self.table(given.get(name), f"{place} {name}"),
            **losses,
        )

    def state(self, given: Mapping[str, Any]) -> State:
        values: dict[str, Any] = {}
        for name in _SCALAR_FIELDS:
            if given.get(name) is not None:
                values[name] = self.number(given[name], f"state {name}")
        for name in _WORKER_FIELDS:
            values[name] = self.numbers(given.get(name), f"state {name}")
        for name in _PAIR_FIELDS:
            values[name] = self.table(given.get(name), f"state {name}")
        for name in _COUNT_FIELDS:
            values[name] = dict(given.get(name) or {})
        values.update(reward_state(given, self.number))
        return State(topic_id=self.topic, **values)

    def expected(self) -> dict[Name, str]:
        values: dict[Name, str] = {}
        for stage in ("synthesis", "network_losses", "regrets", "weights", "state_after"):
            given = self.output.get(stage)
            if given is None:
                continue
            if "error" in given:
                values[stage, "error"] = given["error"]
                continue
            for name, value in given.items():
                if name == "forecast_regret_scale":
                    continue
                if stage == "state_after" and name not in _STATE_NAMES:
                    continue
                values.update(self.flat((stage, name), value))
        values.update(expected_values(self.output) if "scores" in self.output else ())
        return values

    def flat(self, name: Name, value: Any) -> Iterator[tuple[Name, str]]:
        """Yield a value's parts; an inference gets its label as last part of the name."""
        if isinstance(value, dict):
            for key, part in value.items():
                yield from self.flat((*name, key), part)
        elif isinstance(value, list):
            labels = self.input.get("labels", ["y"])
            if len(value) != len(labels):
                raise self.error(".".join(name), f"{len(value)} values for {len(labels)} labels")
            for label, text in zip(labels, value, strict=True):
                yield (*name, label), str(text)
        elif isinstance(value, bool):
            yield name, str(value).lower()
        elif name[0] == "synthesis" and name[1] in ("combined", "naive", *_INFERENCE_FIELDS):
            yield (*name, "y"), str(value)
        elif value is not None:
            yield name, str(value)


_STATE_NAMES = (*_SCALAR_FIELDS, *_WORKER_FIELDS, *_PAIR_FIELDS, *_COUNT_FIELDS)


def values_of(
    recorded: RecordedEpoch,
    before: State,
    inferred: Inferred,
    settled: Settled,
    rewarded: Rewarded,
) -> dict[Name, str]:
    """Return what an implementation computed, under the names of ``recorded.expected``.

    ``before`` is the state that the epoch started from. Entries that the file does not describe
    (other versions' fields) are left out; every entry of a described list is given, so that a
    surplus one shows as well as a missing one.
    """
    values: dict[Name, str] = {}
    described = {name[:2] for name in recorded.expected}
    stages = {name[0] for name in recorded.expected}
    values.update(_synthesis_values(recorded, before, inferred))
    values.update(_bundle_values(settled.network_losses))
    values.update(_regret_values(settled))
    if "weights" in stages:
        losses, state = settled.network_losses, settled.state
        values["weights", "regret_scale"] = plain_text(state.regret_scale)
        values.update(_flat(("weights", "inferer"), _only(state.inferer_weight, losses.inferer)))
        shares = _only(state.forecaster_weight, losses.forecaster)
        values.update(_flat(("weights", "forecaster"), shares))
    if "state_after" in stages:
        state = recorded.state_after(settled, rewarded)
        for name in _STATE_NAMES:
            if name in _SCALAR_FIELDS and ("state_after", name) not in described:
                continue
            values.update(_flat(("state_after", name), getattr(state, name)))
    if recorded.scored:
        values.update(reward_values(recorded.expected, before, rewarded))
    return values


def _flat(name: Name, value: Any) -> Iterator[tuple[Name, str]]:
    if isinstance(value, Decimal):
        yield name, plain_text(value)
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _flat((*name, key), part)
    elif value is not None:
        yield name, str(value)


def _only(values: Mapping[str, Decimal], workers: Mapping[str, object]) -> dict[str, Decimal]:
    return {worker: values[worker] for worker in workers if worker in values}


def _synthesis_values(
    recorded: RecordedEpoch, before: State, inferred: Inferred
) -> Iterator[tuple[Name, str]]:
    network = inferred.network
    yield ("synthesis", "branch"), network.branch
    yield ("synthesis", "all_inferers_are_new"), str(network.all_inferers_are_new).lower()
    if ("synthesis", "regret_scale_stored") in recorded.expected:
        yield ("synthesis", "regret_scale_stored"), plain_text(before.regret_scale)
    elif network.regret_scale is not None:
        yield ("synthesis", "regret_scale"), plain_text(network.regret_scale)
    for name in _USED_FIELDS:
        yield from _flat(("synthesis", name), getattr(network, name))
    labels = recorded.epoch.labels

    def vector(name: Name, values: tuple[Decimal, ...]) -> Iterator[tuple[Name, str]]:
        for label, value in zip(labels, values, strict=True):
            yield ("synthesis", *name, label), plain_text(value)

    yield from vector(("combined",), network.combined)
    yield from vector(("naive",), network.naive)
    for name in _INFERENCE_FIELDS:
        for worker, values in getattr(network, name).items():
            yield from vector((name, worker), values)
    for k, row in network.one_out_inferer_forecaster.items():
        for w, values in row.items():
            yield from vector(("one_out_inferer_forecaster", k, w), values)


def _bundle_values(losses: ValueBundle) -> Iterator[tuple[Name, str]]:
    for entry in fields(ValueBundle):
        yield from _flat(("network_losses", entry.name), getattr(losses, entry.name))


def _regret_values(settled: Settled) -> Iterator[tuple[Name, str]]:
    """Yield the regrets of workers with a loss; of pair families what is stored for the pairs."""
    losses, state = settled.network_losses, settled.state
    inferers, forecasters = losses.inferer, losses.forecaster
    yield ("regrets", "initial_regret"), plain_text(state.initial_regret)
    yield from _flat(("regrets", "inferer"), _only(state.inferer_regret, inferers))
    yield from _flat(("regrets", "forecaster"), _only(state.forecaster_regret, forecasters))
    yield from _flat(("regrets", "naive_inferer"), _only(state.naive_inferer_regret, inferers))
    for name in _PAIR_FIELDS:
        outer = inferers if name.startswith("one_out_inferer") else forecasters
        inner = forecasters if name.endswith("_forecaster_regret") else inferers
        for withheld in outer:
            listed: Mapping[str, object] = inner
            if name == "one_in_forecaster_regret":
                listed = {**inferers, withheld: None}
            row = _only(getattr(state, name).get(withheld, {}), listed)
            yield from _flat(("regrets", name.removesuffix("_regret"), withheld), row)

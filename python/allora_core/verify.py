"""Recorded answers against the engine: what was compared, and what differs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from . import _core
from .batch import Epochs, NumberName
from .engine import Engine, InferredBatch, RewardedBatch, SettledBatch
from .epoch import Epoch, State
from .recorded import (
    DecimalOperation,
    Name,
    RecordedEpoch,
    RecordingError,
    read_chain_epochs,
    read_decimal_operations,
    recognise,
    values_of,
)
from .recorded_cases import compare_cases
from .recorded_reward import scale_of, stage_of
from .recorded_simulator import allowed_error, read_simulator, simulated_values_of
from .reference.rules import Rules
from .states import States
from .verify_losses import compare_losses

__all__ = ["FLOAT64_ERROR", "Comparison", "Step", "bundled", "replay", "verify"]

FLOAT64_ERROR = {
    "synthesis": 2e-14,
    "network_losses": 1e-15,
    "regrets": 1e-14,
    "weights": 1e-14,
    "state_after": 1e-15,
    "scores": 2e-12,
    "rewards": 8e-12,
}
"""Stated error of float64 per stage: relative, with the stage's largest magnitude as the least
scale, since a regret is a difference of losses and can lie near 0."""


@dataclass
class Comparison:
    """What one kind of recorded answers came to."""

    kind: str
    file: str = ""
    compared: int = 0
    equal: int = 0
    equal_in_value: int = 0
    different: int = 0
    first_difference: str = ""
    largest_error: dict[str, float] = field(default_factory=dict)

    def add(self, verdict: str, where: Callable[[], str]) -> None:
        """Count one value: ``equal``, ``value`` (another form) or ``different``."""
        self.compared += 1
        if verdict == "equal":
            self.equal += 1
            return
        if verdict == "value":
            self.equal_in_value += 1
        else:
            self.different += 1
        self.first_difference = self.first_difference or where()

    @property
    def failed(self) -> int:
        """Values that differ, in value or in form."""
        return self.equal_in_value + self.different


class Recording(Protocol):
    """An epoch and where it was recorded."""

    @property
    def path(self) -> Path: ...
    @property
    def line(self) -> int: ...
    @property
    def epoch(self) -> Epoch: ...


@dataclass(frozen=True)
class Step:
    """All topics that were due together, replayed: what a table shows of them."""

    recorded: list[RecordedEpoch]
    inferred: InferredBatch
    settled: SettledBatch
    rewarded: RewardedBatch


def bundled() -> list[Path]:
    """The recorded answers that come with the package (or, in a checkout, with the tests)."""
    places = (Path(__file__).parent / "vectors", Path(__file__).parents[2] / "tests" / "vectors")
    folder = next((place for place in places if place.is_dir()), places[0])
    suffixes = {".gz", ".jsonl", ".csv", ".json"}
    return sorted(path for path in folder.iterdir() if path.suffix in suffixes)


def same_text(expected: str, actual: str | None) -> str:
    """Compare two texts of numbers: value first, then form."""
    if actual == expected:
        return "equal"
    try:
        return (
            "value" if actual is not None and Decimal(actual) == Decimal(expected) else "different"
        )
    except ArithmeticError:
        return "different"


def within(expected: Decimal, actual: Decimal | None, relative: float, floor: float) -> float:
    """Error in units of the allowed one; infinite where there is no value."""
    if actual is None:
        return float("inf")
    allowed = max(relative * abs(float(expected)), floor)
    return float(abs(actual - expected)) / allowed if allowed else float(actual != expected)


def compare_epoch(
    comparison: Comparison,
    number: NumberName,
    recorded: RecordedEpoch,
    values: dict[Name, str],
) -> None:
    """Compare everything that one recorded epoch expects."""
    scales: dict[str, float] = {}
    for name, text in recorded.expected.items():
        if number == "float64" and is_number(text):
            scale = scale_of(name)
            scales[scale] = max(scales.get(scale, 0.0), abs(float(text)))
    for name, text in recorded.expected.items():
        actual = values.get(name)
        if number == "decimal" or not is_number(text):
            verdict = same_text(text, actual)
        else:
            stage = stage_of(name)
            relative = FLOAT64_ERROR[stage]
            found = None if actual is None or not is_number(actual) else Decimal(actual)
            error = within(Decimal(text), found, relative, relative * scales[scale_of(name)])
            verdict = "equal" if error <= 1 else "different"
            worst = comparison.largest_error.get(stage, 0.0)
            comparison.largest_error[stage] = max(worst, error * relative)
        comparison.add(verdict, partial(place, recorded, name, text, actual))
    # A value that nobody recorded is as wrong as one that is missing.
    stages = {name[0] for name in recorded.expected}
    for name, actual in values.items():
        if name[0] in stages and name not in recorded.expected:
            comparison.add("different", partial(place, recorded, name, "nothing", actual))


def is_number(text: str) -> bool:
    """Whether a recorded answer is a number rather than a name."""
    return text[:1] in "-0123456789" and text[-1:].isdigit()


def place(recorded: RecordedEpoch, name: Name, text: str, actual: str | None) -> str:
    """Where a difference stands, for people."""
    epoch = recorded.epoch
    return (
        f"{recorded.path.name} line {recorded.line}: topic {epoch.topic_id} nonce {epoch.nonce} "
        f"{'.'.join(name)}: recorded {text}, computed {actual}"
    )


def replay(
    path: Path,
    number: NumberName = "decimal",
    rules: Callable[[Rules], Rules] = lambda rules: rules,
    threads: int | None = None,
    comparison: Comparison | None = None,
) -> Iterator[Step]:
    """Replay a file of whole epochs, all topics due at one step as one batch.

    Args:
        path: the file.
        number: kind of numbers.
        rules: changes the rules that the file was recorded with.
        threads: threads of the engine.
        comparison: receives what was compared.

    Raises:
        RecordingError: the file cannot be read, or a topic cannot be computed.
    """
    topics = histories(path)
    states: dict[int, State] = {}
    for at in range(max(map(len, topics.values()))):
        due = [history[at] for history in topics.values() if at < len(history)]
        engine = Engine(number, rules=rules(due[0].rules), threads=threads)
        before = [recorded.state or states[recorded.epoch.topic_id] for recorded in due]
        inferred, settled = moments(engine, due, before)
        rewarded = engine.reward(settled.epochs, settled)
        for i, recorded in enumerate(due):
            results = settled.topic(i), rewarded.topic(i)
            if comparison is not None:
                values = values_of(recorded, before[i], inferred.topic(i), *results)
                compare_epoch(comparison, number, recorded, values)
            states[recorded.epoch.topic_id] = recorded.state_after(*results)
        yield Step(due, inferred, settled, rewarded)


def histories(path: Path) -> dict[int, list[RecordedEpoch]]:
    """The epochs of each topic of a file, the first with a state, nonces ascending."""
    topics: dict[int, list[RecordedEpoch]] = {}
    for recorded in read_chain_epochs(path):
        epoch = recorded.epoch
        history = topics.setdefault(epoch.topic_id, [])
        if not history and recorded.state is None:
            place = f"topic {epoch.topic_id} input state"
            raise RecordingError(path, recorded.line, place, "missing in its first epoch")
        if history and epoch.nonce <= history[-1].epoch.nonce:
            place = f"topic {epoch.topic_id} input block"
            raise RecordingError(path, recorded.line, place, f"{epoch.nonce} is no later nonce")
        history.append(recorded)
    return topics


def moments(
    engine: Engine, due: Sequence[Recording], states: Sequence[State]
) -> tuple[InferredBatch, SettledBatch]:
    """Infer and settle a batch; what cannot be computed names its file and line."""
    try:
        batch = Epochs.from_epochs([recorded.epoch for recorded in due], engine.number)
        shelf = States.from_states(states, engine.number)
    except (ValueError, OverflowError) as error:
        for recorded, state in zip(due, states, strict=True):
            if len(due) > 1:
                moments(engine, [recorded], [state])
        place = f"topic {due[0].epoch.topic_id}"
        raise RecordingError(due[0].path, due[0].line, place, str(error)) from error
    inferred = engine.infer(batch, shelf)
    settled = engine.settle(batch, inferred.states)
    for results in (inferred, settled):
        for recorded, fault in zip(due, results.status, strict=True):
            if fault is not None:
                actor = f" actor {fault.actor}" if fault.actor else ""
                place = f"topic {fault.topic_id}{actor} field {fault.field}"
                raise RecordingError(recorded.path, recorded.line, place, fault.cause) from fault
    return inferred, settled


def operation_argument(value: Any) -> list[str]:
    """A recorded argument as the engine takes it; a map becomes two lists, keys and values."""
    if isinstance(value, dict):
        keys = sorted(value)
        return [f"[{';'.join(keys)}]", f"[{';'.join(value[key] for key in keys)}]"]
    return [f"[{';'.join(value)}]" if isinstance(value, list) else str(value)]


def compare_operation(comparison: Comparison, path: Path, operation: DecimalOperation) -> None:
    """One decimal operation: value, written form, or the code of its error."""
    arguments = [text for value in operation.arguments for text in operation_argument(value)]
    try:
        answer = _core.decimal_operation(operation.version, operation.operation, arguments)
    except (ValueError, IndexError) as fault:
        place = f"{operation.operation} ({operation.version})"
        few = isinstance(fault, IndexError)
        cause = f"{len(arguments)} arguments are too few" if few else str(fault)
        raise RecordingError(path, operation.line, place, cause) from fault
    status, _, text = answer.partition("\t")
    recorded = operation.result
    expected = f"[{';'.join(recorded)}]" if isinstance(recorded, list) else recorded
    if operation.error is not None:
        verdict = "equal" if (status, text) == ("error", operation.error) else "different"
        expected = operation.error
    else:
        verdict = same_text(str(expected), text) if status == "result" else "different"
    comparison.add(
        verdict,
        lambda: (
            f"{path.name} line {operation.line}: {operation.operation}{tuple(arguments)} "
            f"({operation.version}): recorded {expected}, computed {text}"
        ),
    )


def compare_simulator(
    comparison: Comparison, path: Path, number: NumberName, threads: int | None
) -> None:
    """A simulator table, every column within the error that it allows."""
    for simulated in read_simulator(path):
        engine = Engine(number, rules=simulated.rules, threads=threads)
        state = simulated.state or State(simulated.epoch.topic_id)
        inferred, settled = moments(engine, [simulated], [state])
        known = inferred.topic(0) if simulated.state is not None else None
        rewarded = engine.reward(settled.epochs, settled).topic(0)
        values = simulated_values_of(simulated, known, settled.topic(0), rewarded)
        for column, expected in simulated.expected.items():
            relative, floor = map(float, allowed_error(column))
            error = within(expected, values.get(column), relative, floor)
            where = partial(
                "{} line {}: {}: recorded {}, computed {}".format,
                path.name,
                simulated.line,
                column,
                expected,
                values.get(column),
            )
            comparison.add("equal" if error <= 1 else "different", where)


def verify(
    paths: Iterable[Path],
    number: NumberName = "decimal",
    threads: int | None = None,
    progress: Callable[[Path], None] = lambda path: None,
) -> list[Comparison]:
    """Run recorded answers through the engine, one `Comparison` per file.

    Raises:
        RecordingError: a file cannot be read or is of no known format.
    """
    comparisons = []
    for path in paths:
        form = recognise(path)
        comparison = Comparison(form.replace("_", " "), path.name)
        progress(path)
        if form == "decimal_operations":
            for operation in read_decimal_operations(path):
                compare_operation(comparison, path, operation)
        elif form == "rewards_cases":
            compare_cases(comparison, path)
        elif form == "loss_cases":
            compare_losses(comparison, path, number)
        elif form.startswith("chain_epochs"):
            for _ in replay(path, number, threads=threads, comparison=comparison):
                pass
        else:
            compare_simulator(comparison, path, number, threads)
        if not comparison.compared:
            raise RecordingError(path, 1, "file", "nothing to compare")
        comparisons.append(comparison)
    return comparisons


def changed_rules(changes: dict[str, str]) -> Callable[[Rules], Rules]:
    """Rules with some fields replaced, as `replay` takes them."""
    return lambda rules: replace(rules, **changes)

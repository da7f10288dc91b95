"""Reader of recorded losses: a JSON list of cases, each a method, its arguments and the answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .recorded_file import RecordingError, read_lines, unique_entries
from .recorded_shape import Wrong, either, list_of, map_of, record, text

__all__ = ["RecordedLoss", "read_loss_cases"]


@dataclass(frozen=True)
class RecordedLoss:
    """One case.

    Attributes:
        line: where it begins.
        method: name of the loss.
        params: its parameters; the others have their defaults.
        truth, value: ground truth and value judged; lists for methods over labels.
        expected: the loss, a double, or ``"inf"``, or ``"error"`` where there is none.
    """

    line: int
    method: str
    params: dict[str, float]
    truth: float | list[float]
    value: float | list[float]
    expected: float | str


def number(value: Any, place: str) -> Wrong:
    """A JSON number."""
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    return None if good else (place, f"not a number: {value!r:.40}")


def outcome(value: Any, place: str) -> Wrong:
    """A loss, or the name of another outcome."""
    return None if value in ("inf", "error") else number(value, place)


NUMBERS = either(list, list_of(number), number)
CASE = record(
    {"loss": text, "params": map_of(number), "y_true": NUMBERS, "y_pred": NUMBERS}
    | {"expected": outcome},
    {},
)


def read_loss_cases(path: str | Path) -> Iterator[RecordedLoss]:
    """Yield the cases of a file of losses in order.

    Raises:
        RecordingError: the file, line and field that cannot be read.
    """
    path = Path(path)
    content = "".join(line for _, line in read_lines(path))
    for line, case in entries(path, content):
        wrong = CASE(case, "")
        if wrong is not None:
            raise RecordingError(path, line, *wrong)
        yield RecordedLoss(
            line, case["loss"], case["params"], case["y_true"], case["y_pred"], case["expected"]
        )


def entries(path: Path, content: str) -> Iterator[tuple[int, Any]]:
    """The entries of one JSON list, each with the line where it begins."""
    at, closing = skip(content, 0), "["
    while True:
        line = content.count("\n", 0, at) + 1
        if content[at : at + 1] != closing:
            raise RecordingError(path, line, "list", f"{closing!r} expected")
        at = skip(content, at + 1)
        line = content.count("\n", 0, at) + 1
        decoder = json.JSONDecoder(object_pairs_hook=unique_entries(path, line))
        try:
            entry, at = decoder.raw_decode(content, at)
        except RecordingError:
            raise
        except (ValueError, RecursionError) as fault:
            raise RecordingError(path, line, "entry", str(fault)) from fault
        yield line, entry
        at, closing = skip(content, at), ","
        if content[at : at + 1] == "]":
            return


def skip(content: str, at: int) -> int:
    """The next place that is not white."""
    while content[at : at + 1].isspace():
        at += 1
    return at

"""Cases that the network's own unit tests assert about single functions of the second half.

Each case names a function, its inputs and what must come out: numbers within a tolerance, an
error, or a property. They are put to the readable reference, which the engine equals digit for
digit (`allora_core.testing`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .epoch import TopicError
from .recorded_cases_scores import SCORE_FUNCTIONS
from .recorded_cases_topics import TOPIC_FUNCTIONS
from .recorded_file import RecordingError, read_lines, unique_entries
from .recorded_shape import anything, list_of, optional, record, text
from .reference.number import NumberError

if TYPE_CHECKING:
    from .verify import Comparison

__all__ = ["RecordedCase", "compare_cases", "outcome", "read_cases"]

Function = Callable[[dict[str, Any]], Any]

FUNCTIONS: dict[str, Function] = {**SCORE_FUNCTIONS, **TOPIC_FUNCTIONS}
"""Function of the file -> the same of the reference; a property answers whether it holds."""

FILE = record(
    {
        "cases": list_of(
            record(
                {"id": text, "function": text, "inputs": anything, "expected": anything},
                {"tolerance": optional(text), "tolerance_kind": optional(text)},
            )
        )
    },
    {},
)


@dataclass(frozen=True)
class RecordedCase:
    """One case.

    Attributes:
        line: where its name stands in the file.
        name: of the case.
        function: key of `FUNCTIONS`.
        inputs: arguments by name, numbers as texts.
        expected: number, list or table of numbers, ``{"error": ..}`` or ``{"property": ..}``.
        tolerance: largest allowed deviation; relative to the expected number where `relative`.
    """

    line: int
    name: str
    function: str
    inputs: dict[str, Any]
    expected: Any
    tolerance: Decimal
    relative: bool


def read_cases(path: str | Path) -> Iterator[RecordedCase]:
    """Yield the cases of a file in order.

    Raises:
        RecordingError: the file, line and field that cannot be read, or an unknown function.
    """
    path = Path(path)
    content = "".join(line for _, line in read_lines(path))
    try:
        document = json.loads(content, object_pairs_hook=unique_entries(path, 1))
    except RecordingError:
        raise
    except (ValueError, RecursionError) as fault:
        raise RecordingError(path, getattr(fault, "lineno", 1), "document", str(fault)) from fault
    wrong = FILE(document, "")
    if wrong is not None:
        raise RecordingError(path, 1, *wrong)
    for case in document["cases"]:
        line = content.count("\n", 0, max(content.find(json.dumps(case["id"])), 0)) + 1
        place = f"case {case['id']}"
        if case["function"] not in FUNCTIONS:
            raise RecordingError(path, line, f"{place} function", f"unknown {case['function']!r}")
        if not isinstance(case["inputs"], dict):
            raise RecordingError(path, line, f"{place} inputs", "not an object")
        yield RecordedCase(
            line,
            case["id"],
            case["function"],
            case["inputs"],
            case["expected"],
            Decimal(case.get("tolerance") or 0),
            case.get("tolerance_kind") == "rel",
        )


def outcome(case: RecordedCase) -> Any:
    """What the reference computes; ``"error"`` where it refuses."""
    try:
        return FUNCTIONS[case.function](case.inputs)
    except (NumberError, TopicError):
        return "error"


def agrees(case: RecordedCase, expected: Any, found: Any) -> bool:
    """Whether an outcome is the expected one, part by part, within the tolerance of the case.

    A table may hold more than the case asserts.
    """
    if isinstance(expected, dict) and "error" in expected:
        return bool(found == "error")
    if isinstance(expected, dict) and "property" in expected:
        return found is True
    if isinstance(expected, dict):
        if not isinstance(found, dict) or not expected.keys() <= found.keys():
            return False
        return all(agrees(case, part, found[name]) for name, part in expected.items())
    if isinstance(expected, list):
        if not isinstance(found, list) or len(found) != len(expected):
            return False
        return all(agrees(case, *pair) for pair in zip(expected, found, strict=True))
    if isinstance(expected, str) and isinstance(found, Fraction):
        return Fraction(expected) == found
    if isinstance(expected, str) and isinstance(found, (int, Decimal)):
        return is_close(case, Decimal(expected), Decimal(found))
    return bool(expected == found)


def is_close(case: RecordedCase, expected: Decimal, found: Decimal) -> bool:
    """Whether two numbers are within the tolerance of the case."""
    allowed = case.tolerance * abs(expected) if case.relative else case.tolerance
    return abs(found - expected) <= allowed


def compare_cases(comparison: Comparison, path: Path) -> None:
    """Every case of a file.

    Raises:
        RecordingError: the file cannot be read, or a case lacks an input.
    """
    for case in read_cases(path):
        try:
            found = outcome(case)
        except (KeyError, TypeError, ArithmeticError) as fault:
            place = f"case {case.name} inputs"
            raise RecordingError(path, case.line, place, f"{fault!r:.80}") from fault
        comparison.add(
            "equal" if agrees(case, case.expected, found) else "different",
            partial(
                "{} line {}: {}: recorded {}, computed {}".format,
                path.name,
                case.line,
                case.name,
                case.expected,
                found,
            ),
        )

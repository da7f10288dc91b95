"""Where two results first differ, in words: path, both numbers, value or only form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any, ParamSpec, TypeVar

from allora_core.epoch import Epoch, State, TopicError
from allora_core.reference.number import UNBOUNDED, same_form

__all__ = ["assert_equal", "attempt", "first_difference"]

P = ParamSpec("P")
T = TypeVar("T")


def attempt(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | TopicError:
    """Call a function and return its result, or the TopicError it raises, for comparison."""
    try:
        return function(*args, **kwargs)
    except TopicError as error:
        return error


def assert_equal(
    expected: object,
    actual: object,
    epoch: Epoch | None = None,
    *,
    relative: float | None = None,
    absolute: float | None = None,
) -> None:
    """Raise an AssertionError that names the first difference, if there is one.

    Arguments are those of :func:`first_difference`.
    """
    difference = first_difference(expected, actual, epoch, relative=relative, absolute=absolute)
    if difference is not None:
        raise AssertionError(difference)


def first_difference(
    expected: object,
    actual: object,
    epoch: Epoch | None = None,
    *,
    relative: float | None = None,
    absolute: float | None = None,
) -> str | None:
    """Return the first difference between two results, ``None`` if there is none.

    Args:
        expected, actual: any of the dataclasses of :mod:`allora_core.epoch`, a TopicError, or
            dictionaries, tuples and numbers of these.
        epoch: names topic and nonce in the answer.
        relative, absolute: without either, numbers must have the same written form (sign, digits,
            exponent). With one or both, |actual - expected| <= max(relative*|expected|, absolute)
            suffices, and numbers may be floats.

    Rows without entries count as absent: a table holds entries, not rows. Faults are compared by
    topic and cause: where an implementation notices one is its own.
    """
    tolerance = None
    if relative is not None or absolute is not None:
        tolerance = (Decimal(relative or 0.0), Decimal(absolute or 0.0))
    found = _Comparison(tolerance).difference(expected, actual, "")
    return None if found is None else _place(epoch, expected) + found


def _place(epoch: Epoch | None, expected: object) -> str:
    if epoch is not None:
        return f"topic {epoch.topic_id} nonce {epoch.nonce}: "
    state = expected if isinstance(expected, State) else getattr(expected, "state", None)
    return f"topic {state.topic_id}: " if isinstance(state, State) else ""


class _Comparison:
    def __init__(self, tolerance: tuple[Decimal, Decimal] | None) -> None:
        self.tolerance = tolerance

    def difference(self, expected: Any, actual: Any, path: str) -> str | None:
        if isinstance(expected, TopicError) or isinstance(actual, TopicError):
            return self.fault(expected, actual, path)
        if isinstance(expected, (Decimal, float)) or isinstance(actual, (Decimal, float)):
            return self.number(expected, actual, path)
        if self.tolerance is not None and type(expected) is type(actual) is int:
            return self.number(expected, actual, path)
        if is_dataclass(expected):
            return self.fields(expected, actual, path)
        if isinstance(expected, Mapping):
            return self.entries(expected, actual, path)
        if isinstance(expected, (tuple, list)):
            return self.items(expected, actual, path)
        if expected != actual:
            return f"{path or 'result'}: expected {expected!r}, got {actual!r}"
        return None

    def fault(self, expected: Any, actual: Any, path: str) -> str | None:
        pair = (expected, actual)
        if all(isinstance(result, TopicError) for result in pair) and (
            expected.topic_id == actual.topic_id and expected.cause == actual.cause
        ):
            return None
        words = [
            f"fault {result}" if isinstance(result, TopicError) else "a result" for result in pair
        ]
        return f"{path or 'result'}: expected {words[0]}, got {words[1]}"

    def fields(self, expected: Any, actual: Any, path: str) -> str | None:
        if type(expected) is not type(actual):
            names = (type(expected).__name__, type(actual).__name__)
            return f"{path or 'result'}: expected {names[0]}, got {names[1]}"
        for entry in fields(expected):
            left, right = getattr(expected, entry.name), getattr(actual, entry.name)
            if isinstance(left, Mapping):
                left, right = _with_entries(left), _with_entries(right)
            inner = f"{path}.{entry.name}" if path else entry.name
            if (found := self.difference(left, right, inner)) is not None:
                return found
        return None

    def entries(self, expected: Mapping[Any, Any], actual: Any, path: str) -> str | None:
        if not isinstance(actual, Mapping):
            return f"{path}: expected {len(expected)} entries, got {actual!r}"
        for key in sorted({*expected, *actual}):
            inner = f'{path}["{key}"]'
            if key not in actual:
                return f"{inner}: expected {_shown(expected[key])}, got no entry"
            if key not in expected:
                return f"{inner}: expected no entry, got {_shown(actual[key])}"
            if (found := self.difference(expected[key], actual[key], inner)) is not None:
                return found
        return None

    def items(self, expected: Sequence[Any], actual: Any, path: str) -> str | None:
        if not isinstance(actual, (tuple, list)) or len(expected) != len(actual):
            return f"{path}: expected {_shown(expected)}, got {_shown(actual)}"
        for at, (left, right) in enumerate(zip(expected, actual, strict=True)):
            if (found := self.difference(left, right, f"{path}[{at}]")) is not None:
                return found
        return None

    def number(self, expected: Any, actual: Any, path: str) -> str | None:
        shown = f"{path or 'number'}: expected {_shown(expected)}, got {_shown(actual)}"
        if not all(isinstance(value, (Decimal, float, int)) for value in (expected, actual)):
            return shown
        left, right = Decimal(expected), Decimal(actual)
        if self.tolerance is None:
            if same_form(left, right):
                return None
            return shown + (" (equal in value, not in form)" if left == right else "")
        if not left.is_finite() or not right.is_finite():
            return None if same_form(left, right) else shown
        relative, absolute = self.tolerance
        off = UNBOUNDED.subtract(left, right).copy_abs()
        if off <= max(UNBOUNDED.multiply(relative, left.copy_abs()), absolute):
            return None
        share = f", {float(off / left.copy_abs()):.3g} relative" if left else ""
        return f"{shown} (off by {float(off):.3g}{share})"


def _with_entries(table: Any) -> Any:
    """Leave out rows that hold nothing."""
    if not isinstance(table, Mapping):
        return table
    return {key: row for key, row in table.items() if not isinstance(row, Mapping) or row}


def _shown(value: object) -> str:
    if isinstance(value, (tuple, list)):
        return "(" + ", ".join(_shown(item) for item in value) + ")"
    if isinstance(value, Mapping):
        return f"{len(value)} entries"
    return str(value)

"""The shape of a recorded document, so that a damaged one is refused by place and not by accident.

A shape is a function from a value and its place to the first thing that is wrong, as (place,
cause), or None. Texts of numbers are left to the reader, which parses them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

__all__ = ["EPOCH", "OPERATION", "Shape", "Wrong"]

Wrong: TypeAlias = "tuple[str, str] | None"
Shape: TypeAlias = Callable[[Any, str], Wrong]

ACTOR_FIELDS = ("worker", "forecaster", "reputer")


def anything(value: Any, place: str) -> Wrong:
    """Whatever the reader looks at itself."""
    return None


def text(value: Any, place: str) -> Wrong:
    """A text."""
    return None if isinstance(value, str) else (place, f"not a text: {value!r:.40}")


def name(value: Any, place: str) -> Wrong:
    """The address of an actor, or a label."""
    return None if isinstance(value, str) and value else (place, f"not a name: {value!r:.40}")


def integer(least: int, bits: int) -> Shape:
    """A JSON integer from `least` up to what `bits` hold."""

    def check(value: Any, place: str) -> Wrong:
        whole = isinstance(value, int) and not isinstance(value, bool)
        if whole and least <= value < 2**bits:
            return None
        return place, f"not a whole number from {least} to 2^{bits} - 1: {value!r:.40}"

    return check


def optional(shape: Shape) -> Shape:
    """The shape, or null."""
    return lambda value, place: None if value is None else shape(value, place)


def map_of(shape: Shape) -> Shape:
    """An object of named values."""

    def check(value: Any, place: str) -> Wrong:
        if not isinstance(value, dict):
            return place, f"not an object: {value!r:.40}"
        found = (shape(part, f"{place}[{key}]") for key, part in value.items())
        return next((wrong for wrong in found if wrong), None)

    return check


def blocks_of(shape: Shape) -> Shape:
    """An object whose names are block heights."""

    def check(value: Any, place: str) -> Wrong:
        wrong = map_of(shape)(value, place)
        if wrong:
            return wrong
        heights = (key for key in value if not (key.isascii() and key.isdigit()))
        return next(((f"{place}[{key}]", "not a block height") for key in heights), None)

    return check


def label_of(part: Any, at: int) -> str:
    """How messages name an entry of a list: by its actor, if that can be read."""
    actor: Any = None
    if isinstance(part, dict):
        actor = next((part[field] for field in ACTOR_FIELDS if field in part), None)
    elif isinstance(part, list) and part:
        actor = part[0]
    return actor if isinstance(actor, str) and actor else str(at)


def list_of(shape: Shape, *, named: bool = False) -> Shape:
    """A list; with `named`, no two of its entries may be of the same actor or the same text."""

    def check(value: Any, place: str) -> Wrong:
        if not isinstance(value, list):
            return place, f"not a list: {value!r:.40}"
        seen = set()
        for at, part in enumerate(value):
            here = f"{place}[{label_of(part, at)}]"
            wrong = shape(part, here)
            if wrong:
                return wrong
            key = part if isinstance(part, str) else label_of(part, at)
            if named and key in seen:
                return f"{place}[{key}]", "given twice"
            seen.add(key)
        return None

    return check


def tuple_of(*shapes: Shape) -> Shape:
    """A list with one entry per shape."""

    def check(value: Any, place: str) -> Wrong:
        if not isinstance(value, list) or len(value) != len(shapes):
            return place, f"not a list of {len(shapes)}: {value!r:.40}"
        found = (shape(part, place) for shape, part in zip(shapes, value, strict=True))
        return next((wrong for wrong in found if wrong), None)

    return check


def record(required: dict[str, Shape], given: dict[str, Shape]) -> Shape:
    """An object with required fields, and others whose shape matters where they are given."""

    def check(value: Any, place: str) -> Wrong:
        if not isinstance(value, dict):
            return place or "document", f"not an object: {value!r:.40}"
        for field, shape in {**required, **given}.items():
            here = f"{place} {field}".lstrip()
            if field not in value:
                if field in required:
                    return here, "missing"
                continue
            wrong = shape(value[field], here)
            if wrong:
                return wrong
        return None

    return check


def either(first: type, shape: Shape, otherwise: Shape) -> Shape:
    """One shape for values of a type, another for the rest."""
    return lambda value, place: (shape if isinstance(value, first) else otherwise)(value, place)


ROW = optional(map_of(anything))
TABLE = optional(map_of(map_of(anything)))
BUNDLE = record(
    {},
    {
        **dict.fromkeys(
            (
                "inferer",
                "forecaster",
                "one_out_inferer",
                "one_out_forecaster",
                "one_in_forecaster",
            ),
            ROW,
        ),
        "one_out_inferer_forecaster": TABLE,
    },
)
HISTORY = optional(blocks_of(list_of(tuple_of(name, anything))))
STATE = record(
    {},
    {
        **dict.fromkeys(
            (
                "inferer_regret",
                "forecaster_regret",
                "naive_inferer_regret",
                "inferer_weight",
                "forecaster_weight",
            ),
            ROW,
        ),
        **dict.fromkeys(
            (
                "one_out_inferer_inferer_regret",
                "one_out_inferer_forecaster_regret",
                "one_out_forecaster_inferer_regret",
                "one_out_forecaster_forecaster_regret",
                "one_in_forecaster_regret",
            ),
            TABLE,
        ),
        "inferer_inclusions": optional(map_of(integer(0, 63))),
        "forecaster_inclusions": optional(map_of(integer(0, 63))),
        **dict.fromkeys(
            (
                "listening_coefficients",
                "delegate_reward_per_share",
                "inferer_score_ema",
                "forecaster_score_ema",
                "reputer_score_ema",
                "inferer_reward_fraction_smooth",
                "forecaster_reward_fraction_smooth",
                "reputer_reward_fraction_smooth",
            ),
            ROW,
        ),
        "inferer_score_history": HISTORY,
        "forecaster_score_history": HISTORY,
    },
)
INPUT = record(
    {
        "topic": integer(0, 64),
        "block": integer(0, 63),
        "inferences": list_of(
            either(
                list,
                tuple_of(name, anything),
                record({"worker": name, "values": list_of(anything)}, {}),
            ),
            named=True,
        ),
        "forecasts": list_of(
            record({"forecaster": name, "elements": list_of(tuple_of(name, anything))}, {}),
            named=True,
        ),
        "reputers": list_of(
            record({"reputer": name, "stake": anything, "bundle": BUNDLE}, {}), named=True
        ),
    },
    {
        "labels": list_of(name, named=True),
        "params": map_of(anything),
        "topic_params": map_of(anything),
        "state": optional(STATE),
    },
)
STAGE = map_of(anything)
OUTPUT = record(
    {"synthesis": STAGE},
    {
        **dict.fromkeys(
            ("network_losses", "regrets", "weights", "scores", "rewards", "state_after"),
            optional(STAGE),
        ),
    },
)
EPOCH = record({"input": INPUT, "output": OUTPUT}, {})
"""One line of a file of whole epochs."""

ARGUMENT = either(dict, map_of(text), either(list, list_of(text), text))
OPERATION = record(
    {"rules": text, "op": text, "args": list_of(ARGUMENT)},
    {"result": either(list, list_of(text), text), "error": text},
)
"""One line of a file of decimal operations."""

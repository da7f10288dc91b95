"""States of topics: values that the engine takes and returns, and that save to bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Any, cast, get_type_hints

import numpy as np
import numpy.typing as npt

from . import _core
from .batch import NumberName
from .epoch import State

__all__ = ["States"]

STATE_FIELDS = get_type_hints(State)
SCALARS = tuple(name for name, kind in STATE_FIELDS.items() if kind in (Decimal, Decimal | None))
COUNTS = tuple(name for name, kind in STATE_FIELDS.items() if kind == dict[str, int])
HISTORIES = ("inferer_score_history", "forecaster_score_history")

Entry = tuple[str, str, str, str]
"""Family, withheld actor, actor, stored text of the value. The actors are "" where a family has
none; an entry of a score history has its block in the withheld actor's place, and the entries of a
block stand in their order."""


def state_entries(state: State) -> Iterator[Entry]:
    """Every stored value of a state, by family, withheld actor and actor."""
    for field in fields(State):
        value: Any = getattr(state, field.name)
        if field.name == "topic_id" or value is None:
            continue
        if not isinstance(value, dict):
            yield field.name, "", "", str(value)
            continue
        for first, inner in value.items():
            if isinstance(inner, (dict, tuple)):
                entries = inner.items() if isinstance(inner, dict) else inner
                for second, number in entries:
                    yield field.name, str(first), second, str(number)
            else:
                yield field.name, "", first, str(inner)


def state_from_entries(topic_id: int, entries: Iterable[Entry]) -> State:
    """The inverse of `state_entries`."""
    values: dict[str, Any] = {}
    histories: dict[str, dict[int, list[tuple[str, Decimal]]]] = {}
    for family, withheld, actor, text in entries:
        if family in HISTORIES:
            blocks = histories.setdefault(family, {})
            blocks.setdefault(int(withheld), []).append((actor, Decimal(text)))
        elif family in SCALARS:
            values[family] = Decimal(text)
        elif family in COUNTS:
            values.setdefault(family, {})[actor] = int(text)
        elif withheld:
            values.setdefault(family, {}).setdefault(withheld, {})[actor] = Decimal(text)
        else:
            values.setdefault(family, {})[actor] = Decimal(text)
    for family, blocks in histories.items():
        values[family] = {block: tuple(scores) for block, scores in blocks.items()}
    return State(topic_id, **values)


class States:
    """The states of a batch's topics, in the batch's order. Immutable.

    Attributes:
        core: the compiled value.
        number: kind of its numbers.
    """

    __slots__ = ("core", "number")

    def __init__(self, core: _core.States, number: NumberName) -> None:
        self.core = core
        self.number = number

    @classmethod
    def new(cls, topic_ids: Sequence[int], number: NumberName = "decimal") -> States:
        """States of topics that never closed an epoch."""
        return cls(_core.States(number, list(topic_ids)), number)

    @classmethod
    def from_states(cls, states: Iterable[State], number: NumberName = "decimal") -> States:
        """From single states; float64 takes the double nearest to each decimal."""
        listed = list(states)
        core = _core.States(number, [state.topic_id for state in listed])
        for at, state in enumerate(listed):
            core = core.with_entries(at, list(state_entries(state)))
        return cls(core, number)

    @classmethod
    def from_bytes(cls, data: bytes) -> States:
        """Read what `to_bytes` wrote.

        Raises:
            ValueError: the bytes are damaged, cut short, or of another format.
        """
        core = _core.States.from_bytes(data)
        return cls(core, cast(NumberName, core.number))

    @classmethod
    def load(cls, path: str | Path) -> States:
        """Read a saved file; a damaged one is refused with its name and what is wrong."""
        try:
            return cls.from_bytes(Path(path).read_bytes())
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    def to_bytes(self) -> bytes:
        """Canonical bytes: equal states give equal bytes, whatever made them; checksummed."""
        return self.core.to_bytes()

    def save(self, path: str | Path) -> None:
        """Write `to_bytes` beside the target and move it there, so no half file ever remains."""
        target = Path(path)
        part = target.with_name(target.name + ".part")
        part.write_bytes(self.to_bytes())
        part.replace(target)

    def __len__(self) -> int:
        return len(self.core)

    @property
    def topic_ids(self) -> list[int]:
        """Topics by position."""
        return self.core.topic_ids

    def require_topics(self, topics: npt.NDArray[np.uint64]) -> None:
        """Check whose states these are.

        Args:
            topics: the topics that they must be of, in this order; uint64.

        Raises:
            ValueError: at the first state of another topic.
        """
        owners = np.array(self.topic_ids, np.uint64)
        if (strangers := np.flatnonzero(topics != owners)).size:
            at = int(strangers[0])
            raise ValueError(
                f"topic {topics[at]}: the state at its position {at} is of topic {owners[at]}; "
                "states stand in the order of the epochs"
            )

    def state(self, at: int) -> State:
        """The state of the topic at this position."""
        return state_from_entries(self.core.topic_ids[at], self.core.entries(at))

    def replace(self, at: int, state: State) -> States:
        """The same batch with another state at this position."""
        if state.topic_id != self.topic_ids[at]:
            raise ValueError(f"position {at} is topic {self.topic_ids[at]}, not {state.topic_id}")
        return States(self.core.with_entries(at, list(state_entries(state))), self.number)

    def take(self, positions: Sequence[int]) -> States:
        """The states at these positions, in this order."""
        return States(self.core.take(list(positions)), self.number)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, States) and self.to_bytes() == other.to_bytes()

    __hash__ = None  # type: ignore[assignment]

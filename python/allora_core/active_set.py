"""Submissions to the active sets of many topics, in the compiled engine.

>>> from decimal import Decimal
>>> from allora_core import Engine
>>> from allora_core.active_set import submit
>>> from allora_core.topics import ActiveSet, SubmissionWindow
>>> window = SubmissionWindow(topic_id=1, role="inferer", nonce=100, seats=1)
>>> batch = submit(Engine(), [window], [ActiveSet()], [["allo1a", "allo1b"]])
>>> batch.outcomes(0)
['entered', 'outside']
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import numpy.typing as npt

from . import _core
from .batch import (
    NumberName,
    Numbers,
    as_column,
    from_column,
    make_numbers,
    offsets_of,
    read_numbers,
)
from .epoch import TopicError
from .reference.sortition import require_usable
from .topics import ActiveSet, LowestScore, Outcome, Role, SubmissionWindow

if TYPE_CHECKING:
    from .engine import Engine

__all__ = ["SubmittedBatch", "submit"]

ROLES: tuple[Role, ...] = get_args(Role)
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
_FAILED = OUTCOMES.index("failed")


class SubmittedBatch:
    """What became of a batch of submissions.

    Attributes:
        windows: the windows they were made in.
        actors: per window everybody known to it, ascending; ``offsets`` says where its part of the
            columns ``score``, ``height`` and ``active`` begins.
        submitted: per window the submitters in their order; ``submission_offsets`` says where its
            part of ``outcome`` and ``displaced`` begins.
        columns: outcome (uint8, the order of `Outcome`), displaced (int32, an index among the
            window's actors, -1 nobody); score (float64 or decimals, missing: none stored), height
            (int64), active (uint8) per actor; lowest_actor, lowest_score, lowest_height per window.
        status: per submission None, or why it failed.
    """

    def __init__(
        self,
        number: NumberName,
        windows: list[SubmissionWindow],
        active_sets: list[ActiveSet],
        submitted: list[list[str]],
    ) -> None:
        self.windows = windows
        self.submitted = submitted
        self.actors = [
            _everybody(each, actors) for each, actors in zip(active_sets, submitted, strict=True)
        ]
        self.offsets = offsets_of(len(actors) for actors in self.actors)
        self.submission_offsets = offsets_of(len(actors) for actors in submitted)
        self.columns: dict[str, Any] = {}
        self.status: list[TopicError | None] = []
        self._given = active_sets
        self._number = number
        self._unusable: dict[int, ActiveSet] = {}

    def outcomes(self, at: int) -> list[Outcome]:
        """Outcomes of the window at this position, in the order of its submissions."""
        part = self.columns["outcome"][self._submissions(at)]
        return [OUTCOMES[code] for code in part.tolist()]

    def displaced(self, at: int) -> list[str]:
        """Per submission of the window the actor that left for it, or ``""``."""
        part = self.columns["displaced"][self._submissions(at)]
        return [self.actors[at][actor] if actor >= 0 else "" for actor in part.tolist()]

    def active_set(self, at: int) -> ActiveSet:
        """The active set of the window at this position after its submissions."""
        if at in self._unusable:
            return self._unusable[at]
        part, actors = slice(self.offsets[at], self.offsets[at + 1]), self.actors[at]
        stored = read_numbers(self._numbers("score")[part])
        heights = self.columns["height"][part].tolist()
        active = self.columns["active"][part]
        return ActiveSet(
            scores={a: score for a, score in zip(actors, stored, strict=True) if score is not None},
            heights={
                a: height
                for a, height, score in zip(actors, heights, stored, strict=True)
                if score is not None
            },
            active=tuple(actors[i] for i in np.flatnonzero(active)),
            lowest=self._lowest(at),
            quantile=self._given[at].quantile,
            initial_score=self._given[at].initial_score,
        )

    def _lowest(self, at: int) -> LowestScore | None:
        actor = int(self.columns["lowest_actor"][at])
        if actor < 0:
            return None
        score = read_numbers(self._numbers("lowest_score")[at : at + 1])[0]
        assert score is not None  # recorded scores are numbers
        return LowestScore(self.actors[at][actor], score, int(self.columns["lowest_height"][at]))

    def _numbers(self, name: str) -> Numbers:
        column: Numbers = self.columns[name]
        return column

    def _submissions(self, at: int) -> slice:
        return slice(self.submission_offsets[at], self.submission_offsets[at + 1])


def submit(
    engine: Engine,
    windows: Sequence[SubmissionWindow],
    active_sets: Sequence[ActiveSet],
    actors: Sequence[Sequence[str]],
) -> SubmittedBatch:
    """Make submissions, every window's in their order; windows do not touch each other.

    Args:
        engine: gives number, rules and threads.
        windows: one per topic and role.
        active_sets: their active sets, in the same order.
        actors: per window the addresses that submit.

    Returns:
        Outcomes and the active sets afterwards; a submission that fails changes nothing.
    """
    if not len(windows) == len(active_sets) == len(actors):
        raise ValueError(
            f"{len(windows)} windows, but {len(active_sets)} active sets and {len(actors)} lists "
            "of submissions"
        )
    faults: dict[int, TopicError] = {}
    for at, (window, active_set) in enumerate(zip(windows, active_sets, strict=True)):
        try:
            require_usable(window, active_set)
        except TopicError as fault:
            faults[at] = fault
    given = [ActiveSet() if at in faults else each for at, each in enumerate(active_sets)]
    submitted = [[] if at in faults else list(part) for at, part in enumerate(actors)]
    batch = SubmittedBatch(engine.number, list(windows), given, submitted)
    columns, status = _core.submit(engine.number, engine._rules, engine._host, _packed(batch))
    batch.columns = {name: from_column(column) for name, column in columns.items()}
    owners = [at for at, part in enumerate(submitted) for _ in part]
    for at, found in zip(owners, status, strict=True):
        batch.status.append(None if found is None else _named(batch, at, *found))
    if faults:
        batch._unusable = {at: active_sets[at] for at in faults}
        _restore(batch, faults, [list(part) for part in actors])
    return batch


def _everybody(active_set: ActiveSet, submitted: Sequence[str]) -> list[str]:
    lowest = () if active_set.lowest is None else (active_set.lowest.actor,)
    return sorted({*active_set.scores, *active_set.active, *lowest, *submitted})


def _packed(batch: SubmittedBatch) -> dict[str, Any]:
    """Columns of the windows; actors become indices into their window's list."""
    windows, sets, number = batch.windows, batch._given, batch._number
    index = [{actor: i for i, actor in enumerate(actors)} for actors in batch.actors]
    lowest = [each.lowest for each in sets]
    members = [set(each.active) for each in sets]

    def per_window(name: str) -> npt.NDArray[np.int64]:
        return np.array([getattr(window, name) for window in windows], np.int64)

    everybody = [(at, actor) for at, actors in enumerate(batch.actors) for actor in actors]
    columns: dict[str, Any] = {
        "role": np.array([ROLES.index(window.role) for window in windows], np.uint8),
        "lowest_actor": np.array(
            [-1 if low is None else index[at][low.actor] for at, low in enumerate(lowest)],
            np.int32,
        ),
        "lowest_height": np.array([0 if low is None else low.height for low in lowest], np.int64),
        "actor_offsets": batch.offsets,
        "height": np.array([sets[at].heights.get(a, 0) for at, a in everybody], np.int64),
        "active": np.array([a in members[at] for at, a in everybody], np.uint8),
        "submission_offsets": batch.submission_offsets,
        "submission_actor": np.array(
            list(
                chain.from_iterable(
                    [index[at][a] for a in p] for at, p in enumerate(batch.submitted)
                )
            ),
            np.int32,
        ),
    }
    for name in ("nonce", "seats", "epoch_last_ended", "epoch_length", "ground_truth_lag"):
        columns[name] = per_window(name)
    numbers: dict[str, list[Decimal | None]] = {
        "merit_sortition_alpha": [window.merit_sortition_alpha for window in windows],
        "quantile": [each.quantile for each in sets],
        "initial_score": [each.initial_score for each in sets],
        "lowest_score": [None if low is None else low.score for low in lowest],
        "score": [sets[at].scores.get(a) for at, a in everybody],
    }
    for name, values in numbers.items():
        columns[name] = as_column(make_numbers(number, values))
    return columns


def _named(batch: SubmittedBatch, at: int, field: str, cause: str, actor: int) -> TopicError:
    name = batch.actors[at][actor] if actor >= 0 else ""
    return TopicError(batch.windows[at].topic_id, name, field, cause)


def _restore(
    batch: SubmittedBatch,
    faults: dict[int, TopicError],
    submitted: list[list[str]],
) -> None:
    """Give every submission to an unusable window its fault."""
    outcome, displaced = batch.columns["outcome"], batch.columns["displaced"]
    rest = iter(zip(outcome.tolist(), displaced.tolist(), batch.status, strict=True))
    owners = [at for at, part in enumerate(submitted) for _ in part]
    rows = [(_FAILED, -1, faults[at]) if at in faults else next(rest) for at in owners]
    batch.columns["outcome"] = np.array([row[0] for row in rows], np.uint8)
    batch.columns["displaced"] = np.array([row[1] for row in rows], np.int32)
    batch.status = [row[2] for row in rows]
    batch.submitted = submitted
    batch.submission_offsets = offsets_of(len(part) for part in submitted)

"""Active sets over columns: who is in, decided for many topics' submissions in one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, get_args

import numpy as np

from .. import _core
from ..active_set import ROLES
from ..batch import Numbers, as_column, from_column
from ..engine import Engine
from ..epoch import TopicError
from ..topics import Outcome, Role
from .columns import Addresses, Codes, Integers, joined, missing
from .feed import Payloads, height_of

__all__ = ["Entered", "Moved", "Seats", "Window", "enter"]

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
ENTERED, DISPLACED, OUTSIDE = (OUTCOMES.index(name) for name in ("entered", "displaced", "outside"))


NOBODY: Codes = np.empty(0, np.int32)
NOTHING: Integers = np.empty(0, np.int64)


@dataclass
class Seats:
    """One topic's active set of one role.

    Attributes:
        actors: codes of the members.
        submissions: the submission that each of them is in with.
        lowest: the recorded lowest member, the height with its score, and the score; or None.
    """

    actors: Codes = field(default_factory=lambda: NOBODY)
    submissions: Integers = field(default_factory=lambda: NOTHING)
    lowest: tuple[int, int, Numbers] | None = None

    def emptied(self, keeps_lowest: bool) -> Seats:
        """The set once its nonce is closed; the recorded lowest stays where it is stale."""
        return Seats(lowest=self.lowest if keeps_lowest else None)


class Window(NamedTuple):
    """Submissions of one role to one nonce of a topic, in their order.

    Attributes:
        topic_id, nonce: whose.
        seats: size of the active set.
        epoch_last_ended, epoch_length, ground_truth_lag: of the topic.
        alpha: the topic's ``merit_sortition_alpha``, one number.
        submissions: in chain order.
    """

    topic_id: int
    nonce: int
    seats: int
    epoch_last_ended: int
    epoch_length: int
    ground_truth_lag: int
    alpha: Numbers
    submissions: Integers


class Moved(NamedTuple):
    """Averages that submissions moved, of actors who are not in: one row each."""

    window: Integers
    actor: Codes
    score: Numbers
    height: Integers


class Turns(NamedTuple):
    """Whose average a submission may have changed, what it was before, and that submission."""

    window: Integers
    actor: Codes
    before: Numbers
    order: Integers


@dataclass
class Entered:
    """What submissions led to.

    Attributes:
        seats: the active sets afterwards, window by window.
        states: the topics' states afterwards, in the order of the windows.
        moved: averages of those put out or left outside.
        turns: when averages changed.
        refused: window, submission, and why the chain would not have taken it.
    """

    seats: list[Seats]
    states: _core.States
    moved: Moved
    turns: Turns
    refused: list[tuple[int, int, TopicError]]


def enter(
    engine: Engine,
    role: Role,
    payloads: Payloads,
    addresses: Addresses,
    states: _core.States,
    windows: Sequence[Window],
    seats: Sequence[Seats],
) -> Entered:
    """Make submissions to active sets of one role, at most one window a topic.

    Args:
        states: the topics' states in the order of the windows.
        seats: their active sets.
    """
    count = len(addresses)
    rank, by_rank = addresses.rank, addresses.by_rank
    at = np.arange(len(windows))
    sent = np.concatenate([window.submissions for window in windows])
    sent_at = np.repeat(at, [len(window.submissions) for window in windows])
    sender = payloads.actor[sent]
    member = np.concatenate([each.actors for each in seats])
    member_at = np.repeat(at, [len(each.actors) for each in seats])
    lowest = [each.lowest for each in seats]
    low_at = np.array([i for i, low in enumerate(lowest) if low is not None], np.int64)
    low = np.array([low[0] for low in lowest if low is not None], np.int32)
    keys = np.concatenate([sent_at, member_at, low_at]) * count
    keys += rank[np.concatenate([sender, member, low])]
    keys_in_order = np.sort(keys)
    fresh = np.ones(len(keys), bool)
    np.not_equal(keys_in_order[1:], keys_in_order[:-1], out=fresh[1:])
    everybody = keys_in_order[fresh]
    owner = everybody // count
    code = by_rank[everybody - owner * count]
    offsets = np.searchsorted(owner, np.arange(len(windows) + 1))
    place = everybody.searchsorted(keys)
    sent_place, rest = place[: len(sent)], place[len(sent) :]
    member_place, low_place = rest[: len(member)], rest[len(member) :]
    ids = addresses.engine[code]
    score, height, quantile, initial = states.averages(role, offsets, ids)
    active = np.zeros(len(everybody), np.uint8)
    active[member_place] = 1
    low_actor = np.full(len(windows), -1, np.int32)
    low_actor[low_at] = low_place - offsets[low_at]
    low_scores = [missing(engine.number, 1) if each is None else each[2] for each in lowest]

    told = np.array([window[1:6] for window in windows], np.int64).reshape(-1, 5)
    columns: dict[str, Any] = {
        "role": np.full(len(windows), ROLES.index(role), np.uint8),
        "lowest_actor": low_actor,
        "lowest_height": np.array([0 if low is None else low[1] for low in lowest], np.int64),
        "lowest_score": as_column(joined(low_scores, engine.number)),
        "actor_offsets": offsets,
        "score": score,
        "height": height,
        "active": active,
        "submission_offsets": np.searchsorted(sent_at, np.arange(len(windows) + 1)),
        "submission_actor": (sent_place - offsets[sent_at]).astype(np.int32),
        "merit_sortition_alpha": as_column(joined([w.alpha for w in windows], engine.number)),
        "quantile": quantile,
        "initial_score": initial,
        **dict(zip(Window._fields[1:6], np.ascontiguousarray(told.T), strict=True)),
    }
    found, status = _core.submit(engine.number, engine._rules, engine._host, columns)
    outcome = found["outcome"]
    holder = np.full(len(everybody), -1, np.int64)
    holder[member_place] = np.concatenate([each.submissions for each in seats])
    took = np.flatnonzero((outcome == ENTERED) | (outcome == DISPLACED))[::-1]
    holder[sent_place[took]] = sent[took]
    left = states.with_averages(
        role, offsets, ids, {"score": found["score"], "height": found["height"]}
    )
    scores = from_column(found["score"])
    first = height[sent_place] == 0
    keeps_first = engine.rules.initial_score == "present"
    outside = np.flatnonzero((outcome == OUTSIDE) & ~(first & keeps_first))
    displaced = np.flatnonzero(outcome == DISPLACED)
    victims = found["displaced"][displaced] + offsets[sent_at[displaced]]
    moved_place = np.concatenate([victims, sent_place[outside]])
    moved_by = np.concatenate([displaced, outside])
    order = np.argsort(moved_by, kind="stable")
    moved_place, moved_by = moved_place[order], moved_by[order]
    moved = Moved(
        owner[moved_place],
        code[moved_place],
        scores[moved_place],
        height_of(payloads.order[sent[moved_by]]),
    )
    low_score = from_column(found["lowest_score"])
    return Entered(
        seats_of(found, low_score, code, holder, offsets),
        left,
        moved,
        Turns(
            np.concatenate([sent_at, owner[victims]]),
            np.concatenate([sender, code[victims]]),
            from_column(score)[np.concatenate([sent_place, victims])],
            np.concatenate([payloads.order[sent], payloads.order[sent[displaced]]]),
        ),
        refusals(windows, outcome, status, sent_at, sent, sender, addresses, role),
    )


def seats_of(
    found: dict[str, Any], low_score: Numbers, code: Codes, holder: Integers, offsets: Integers
) -> list[Seats]:
    """The active sets afterwards, window by window."""
    inside = np.flatnonzero(found["active"])
    cuts = np.searchsorted(inside, offsets).tolist()
    actors, submissions = code[inside], holder[inside]
    begins = offsets.tolist()
    lows, heights = found["lowest_actor"].tolist(), found["lowest_height"].tolist()
    seats = []
    for window, low in enumerate(lows):
        begin, end = cuts[window : window + 2]
        lowest = None
        if low >= 0:
            score = low_score[window : window + 1]
            lowest = (int(code[begins[window] + low]), heights[window], score)
        seats.append(Seats(actors[begin:end], submissions[begin:end], lowest))
    return seats


def refusals(
    windows: Sequence[Window],
    outcome: Any,
    status: list[Any],
    sent_at: Integers,
    sent: Integers,
    sender: Codes,
    addresses: Addresses,
    role: Role,
) -> list[tuple[int, int, TopicError]]:
    """Submissions that the chain took and that these rules refuse."""
    refused = []
    for at in np.flatnonzero(outcome > OUTSIDE).tolist():
        window = int(sent_at[at])
        topic = windows[window].topic_id
        name = addresses.texts[int(sender[at])]
        fault = status[at]
        if fault is None:
            error = TopicError(topic, name, f"{role}_submission", OUTCOMES[int(outcome[at])])
        else:
            error = TopicError(topic, name, fault[0], fault[1])
        refused.append((window, int(sent[at]), error))
    return refused

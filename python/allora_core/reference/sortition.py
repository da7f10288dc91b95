"""Active sets: who may take part in a nonce, decided one submission at a time.

There is no sort. Free seats are given to whoever comes; in a full set a submission competes with
the lowest average score that was recorded, and whoever loses has its average moved once toward
the topic's last saved quantile: s := alpha*quantile + (1 - alpha)*s.

Sources: allora-chain v0.6, ``x/emissions/keeper/keeper.go`` (``AppendInference`` and its
siblings), ``score_utils.go``, ``ema_scores.go``; v0.8, ``x/emissions/keeper/actor_penalties.go``;
rewards, sections 6.2 and 6.5.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from allora_core.epoch import TopicError
from allora_core.reference.faults import located, require_finite
from allora_core.reference.functions import power
from allora_core.reference.number import ZERO, NumberError, compare
from allora_core.reference.rules import Rules
from allora_core.reference.statistics import ema, ema_after
from allora_core.topics import ActiveSet, LowestScore, Role, SubmissionWindow, Submitted

__all__ = ["closed", "missed_epochs", "penalized", "require_usable", "submissions", "submit"]


def missed_epochs(
    role: Role, epoch_last_ended: int, epoch_length: int, ground_truth_lag: int, last: int
) -> int:
    """Return how many epochs an actor missed since the block height ``last``.

    start = epoch_last_ended - epoch_length, for reputers minus ground_truth_lag as well;
    floor((start - 1 - last)/epoch_length) + 1 of the epochs before start.
    """
    start = epoch_last_ended - epoch_length
    if role == "reputer":
        start -= ground_truth_lag
    start, last = max(start, 0), max(last, 0)
    if last >= start:
        return 0
    if epoch_length <= 0:
        raise NumberError("div_zero")
    return (start - 1 - last) // epoch_length + 1


def penalized(
    alpha: Decimal, initial_score: Decimal, score: Decimal, missed: int, rules: Rules
) -> Decimal:
    """Return an average score moved ``missed`` times toward the initial one.

    g*score + A*(1 - g), g = (1 - alpha)^missed; nothing missed, or a score equal to A, leaves it.
    One by one, score := alpha*A + (1 - alpha)*score until it no longer changes.
    """
    if missed == 0 or compare(score, initial_score) == 0:
        return score
    if rules.liveness_penalty_steps == "one_by_one":
        for _ in range(missed):
            before, score = score, ema(alpha, initial_score, score)
            if compare(score, before) == 0:
                break
        return score
    return ema_after(alpha, initial_score, score, Decimal(missed), lambda x, y: power(x, y, rules))


def closed(active_set: ActiveSet, rules: Rules, *, rewards_failed: bool = False) -> ActiveSet:
    """Return the set once its nonce is closed: empty; the recorded lowest stays where stale.

    Where a block does its rewards first and cannot (``rewards_failed``), it closes no worker
    window: the set stays as it is.
    """
    if rewards_failed and rules.block_end_order == "rewards_first":
        return active_set
    stale = rules.recorded_lowest == "kept_across_epochs"
    return replace(active_set, active=(), lowest=active_set.lowest if stale else None)


def submissions(
    window: SubmissionWindow, active_set: ActiveSet, actors: Iterable[str], rules: Rules
) -> list[Submitted]:
    """Return the results of submissions in their order; one that fails changes nothing."""
    results = []
    for actor in actors:
        try:
            result = submit(window, active_set, actor, rules)
        except TopicError as fault:
            result = Submitted("failed", active_set, fault=fault)
        active_set = result.active_set
        results.append(result)
    return results


def submit(window: SubmissionWindow, active_set: ActiveSet, actor: str, rules: Rules) -> Submitted:
    """Return what becomes of one submission, and the active set after it.

    Raises:
        TopicError: the window, a stored score or the arithmetic on it; nothing changes then.
    """
    require_usable(window, active_set)
    if actor in active_set.active:
        return Submitted("already_active", active_set)
    free = len(active_set.active) < window.seats
    if free and rules.recorded_lowest == "kept_across_epochs":
        return Submitted("entered", _entered(active_set, actor))
    if active_set.heights.get(actor, 0) >= window.nonce:
        return Submitted("already_updated", active_set)
    with located(window.topic_id, f"{window.role}_score_ema", actor):
        arrived, candidate = _arrival(window, active_set, actor, rules)
        if free:
            return Submitted("entered", _seated(arrived, candidate))
        first = active_set.heights.get(actor, 0) == 0
        moves_own = not (first and rules.initial_score == "present")
        return _competed(window, arrived, candidate, moves_own)


def require_usable(window: SubmissionWindow, active_set: ActiveSet) -> None:
    """Refuse what no network stores.

    Raises:
        TopicError: names the actor and the field.
    """
    for name, least in (("nonce", 1), ("seats", 1), ("epoch_length", 1)):
        if getattr(window, name) < least:
            raise TopicError(window.topic_id, "", name, "out_of_range")
    role = window.role
    lowest = active_set.lowest
    numbers = [
        ("merit_sortition_alpha", "", window.merit_sortition_alpha),
        (f"{role}_score_quantile", "", active_set.quantile),
        (f"initial_{role}_score", "", active_set.initial_score),
        *(() if lowest is None else ((f"lowest_{role}_score", lowest.actor, lowest.score),)),
        *((f"{role}_score_ema", a, active_set.scores[a]) for a in sorted(active_set.scores)),
    ]
    for field, actor, value in numbers:
        if not value.is_finite():
            with located(window.topic_id, field, actor):
                require_finite(value)


def _arrival(
    window: SubmissionWindow, active_set: ActiveSet, actor: str, rules: Rules
) -> tuple[ActiveSet, LowestScore]:
    """Return the set with the submitter's average stored, and what it competes with.

    Since v0.8 a first submission stores the initial score. Forecasters, and reputers until v0.15,
    nevertheless compete with score 0 and height 0 the first time.
    """
    score, height = _stored(active_set, actor)
    if rules.initial_score == "absent":
        return active_set, LowestScore(actor, score, height)
    if height == 0:
        arrived = _with_score(active_set, actor, active_set.initial_score, window.nonce)
        zero = window.role == "forecaster" or (
            window.role == "reputer" and rules.first_reputer_score == "zero"
        )
        if zero:
            return arrived, LowestScore(actor, ZERO, 0)
        return arrived, LowestScore(actor, active_set.initial_score, window.nonce)
    if rules.liveness_penalty == "present":
        missed = missed_epochs(
            window.role,
            window.epoch_last_ended,
            window.epoch_length,
            window.ground_truth_lag,
            height,
        )
        alpha = window.merit_sortition_alpha
        score = penalized(alpha, active_set.initial_score, score, missed, rules)
    arrived = _with_score(active_set, actor, score, window.nonce)
    return arrived, LowestScore(actor, score, window.nonce)


def _seated(active_set: ActiveSet, candidate: LowestScore) -> ActiveSet:
    """Take a free seat; a submitter below the recorded lowest is recorded."""
    lowest = _lowest(active_set)
    entered = _entered(active_set, candidate.actor)
    if not active_set.active or lowest is None or compare(lowest.score, candidate.score) > 0:
        lowest = candidate
    return replace(entered, lowest=lowest)


def _competed(
    window: SubmissionWindow, active_set: ActiveSet, candidate: LowestScore, moves_own: bool
) -> Submitted:
    """Compete for a seat of a full set; of equal scores the incumbent stays.

    The recorded lowest may be stale and not in the set at all: its average then moves from the
    recorded score all the same, and the set grows by one.
    """
    lowest = _lowest(active_set)
    assert lowest is not None  # a full set has members
    active_set = replace(active_set, lowest=lowest)
    if compare(candidate.score, lowest.score) > 0:
        moved = _moved(window, active_set, lowest)
        others = tuple(actor for actor in moved.active if actor != lowest.actor)
        left = replace(moved, active=others)
        found = _scanned(left, (*others, candidate.actor))
        entered = replace(_entered(left, candidate.actor), lowest=found)
        return Submitted("displaced", entered, lowest.actor)
    if moves_own:
        score, height = _stored(active_set, candidate.actor)
        active_set = _moved(window, active_set, LowestScore(candidate.actor, score, height))
    return Submitted("outside", active_set)


def _moved(window: SubmissionWindow, active_set: ActiveSet, average: LowestScore) -> ActiveSet:
    """Move an average once toward the quantile; one that never was becomes the quantile."""
    first = average.height == 0 and compare(average.score, ZERO) == 0
    score = ema(window.merit_sortition_alpha, active_set.quantile, average.score, first)
    return _with_score(active_set, average.actor, score, window.nonce)


def _stored(active_set: ActiveSet, actor: str) -> tuple[Decimal, int]:
    """Return an actor's average score and height; 0 and 0 where nothing is stored."""
    return active_set.scores.get(actor, ZERO), active_set.heights.get(actor, 0)


def _with_score(active_set: ActiveSet, actor: str, score: Decimal, height: int) -> ActiveSet:
    return replace(
        active_set,
        scores={**active_set.scores, actor: score},
        heights={**active_set.heights, actor: height},
    )


def _entered(active_set: ActiveSet, actor: str) -> ActiveSet:
    return replace(active_set, active=tuple(sorted((*active_set.active, actor))))


def _lowest(active_set: ActiveSet) -> LowestScore | None:
    """Return the recorded lowest, searched for where none is recorded."""
    if active_set.lowest is not None:
        return active_set.lowest
    return _scanned(active_set, active_set.active)


def _scanned(active_set: ActiveSet, actors: tuple[str, ...]) -> LowestScore | None:
    """Return the first minimal one in list order: ascending addresses, a newcomer last."""
    found: LowestScore | None = None
    for actor in actors:
        score, height = _stored(active_set, actor)
        if found is None or compare(found.score, score) > 0:
            found = LowestScore(actor, score, height)
    return found

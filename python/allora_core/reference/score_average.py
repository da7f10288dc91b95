"""Averages of scores, their quantile, the initial score, and the history of scores.

Sources: allora-chain v0.6 and v0.16, ``x/emissions/keeper/ema_scores.go`` and ``score_utils.go``;
rewards, sections 6.1, 6.3, 6.4 and 7.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from allora_core.epoch import Params
from allora_core.reference.number import ZERO, multiply, subtract
from allora_core.reference.rules import Rules
from allora_core.reference.statistics import ema, quantile, standard_deviation

__all__ = ["Averages", "initial_score", "recorded", "sample_size", "sampled", "updated_averages"]

Entries = tuple[tuple[str, Decimal], ...]
History = dict[int, Entries]


@dataclass(frozen=True, slots=True)
class Averages:
    """What a topic stores of one role's scores.

    Attributes:
        average: actor -> average score.
        height: actor -> block height stored with it.
        quantile: of the last scored epoch.
        initial: average score that a first submission starts from.
    """

    average: dict[str, Decimal]
    height: dict[str, int]
    quantile: Decimal
    initial: Decimal


def updated_averages(
    scores: Mapping[str, Decimal],
    stored: Averages,
    nonce: int,
    q: Decimal,
    seats: Decimal,
    params: Params,
    rules: Rules,
) -> Averages:
    """Return averages, quantile and initial score after an epoch with these scores.

    A_new = alpha*T + (1 - alpha)*A. An actor without an average takes its score whole; since v0.8
    its submission has stored the topic's initial score, which is averaged like any other. Nobody
    scored: quantile and initial score become 0. ``seats`` is the size of the active set.
    """
    new = {actor: _average(score, stored, actor, params, rules) for actor, score in scores.items()}
    height = stored.height
    if rules.first_score == "whole":
        height = {**height, **dict.fromkeys(scores, nonce)}
    of = new if rules.score_quantile == "averages" else scores
    initial = stored.initial
    full = rules.initial_score_refresh == "every_epoch" or len(new) >= seats
    if rules.initial_score == "present" and full:
        initial = initial_score(new, params.lambda_initial_score)
    return Averages({**stored.average, **new}, height, quantile(list(of.values()), q), initial)


def _average(score: Decimal, stored: Averages, actor: str, params: Params, rules: Rules) -> Decimal:
    """Average a score; up to v0.7 a stored 0 of height 0 counts as nothing stored."""
    previous = stored.average.get(actor)
    absent = previous is None or (not previous and not stored.height.get(actor, 0))
    first = absent and rules.first_score == "whole"
    before = stored.initial if previous is None else previous
    return ema(params.merit_sortition_alpha, score, before, first)


def initial_score(averages: Mapping[str, Decimal], deviations: Decimal) -> Decimal:
    """Return min A - lambda*s, s the sample deviation of the averages; 0 of nothing."""
    if not averages:
        return ZERO
    spread = standard_deviation(list(averages.values()))
    return subtract(min(averages.values()), multiply(deviations, spread))


def sample_size(seats: Decimal, params: Params, rules: Rules) -> Decimal:
    """Return M, how many scores the deviation is taken of: since v0.8 so many per seat."""
    if rules.score_samples == "per_seat":
        return multiply(params.max_samples_to_scale_scores, seats)
    return params.max_samples_to_scale_scores


def recorded(history: History, nonce: int, scores: Mapping[str, Decimal], size: Decimal) -> History:
    """Return the history with an epoch's scores, as long as it can still be read.

    A block stores its last M scores. Blocks older than the newest M scores are dropped.
    """
    entries = tuple(scores.items())
    surplus = max(0, len(entries) - _count(size))
    blocks = {**history, nonce: entries[surplus:]}
    kept: History = {}
    for block in sorted(blocks, reverse=True):
        if sum(map(len, kept.values())) >= size:
            break
        kept[block] = blocks[block]
    return dict(sorted(kept.items()))


def sampled(history: History, nonce: int, size: Decimal) -> list[Decimal]:
    """Return the scores that the deviation is taken of, newest block first.

    Each block is read from its first score, and reading ends at M scores, within a block too.
    """
    blocks = sorted((block for block in history if block <= nonce), reverse=True)
    scores = [score for block in blocks for _, score in history[block]]
    return scores[: _count(size)]


def _count(size: Decimal) -> int:
    """Return the least count that is not below M; M may have a fraction."""
    whole = int(size)
    return max(0, whole if whole >= size else whole + 1)

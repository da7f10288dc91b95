"""Payloads since the last look, put to the active sets in chain order."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..batch import from_column, read_numbers
from ..epoch import TopicError
from ..topics import Role
from . import written
from .columns import Integers
from .feed import ROLES, Payloads, height_of
from .seats import Window, enter
from .timeline import Span, reputer_window, worker_window
from .topic import Life

if TYPE_CHECKING:
    from .life import Chain

__all__ = ["submit_all"]

INFERER: Role = "inferer"
FORECASTER: Role = "forecaster"


def submit_all(chain: Chain, limit: int, topics: Collection[int] | None = None) -> None:
    """Put payloads before an order to their active sets.

    Payloads of one topic for one nonce after the other make rounds; in nearly all blocks there is
    one.

    Args:
        topics: those whose payloads are needed now; the payloads of others wait. None: all. A warm
            up waits for none, since what is recorded may change any topic in between.
    """
    chain.turns.clear()
    for role in ROLES:
        payloads = chain.feed.roles[role]
        sent = payloads.between(chain.done[role], limit)
        chain.done[role] = max(chain.done[role], limit - 1)
        waiting = chain.put_off.pop(role, None)
        if waiting is not None:
            sent = np.concatenate([waiting, sent])
        if not len(sent):
            continue
        if topics is not None and chain.warm is None:
            now = np.isin(payloads.topic[sent], list(topics))
            if not now.all():
                sent, chain.put_off[role] = sent[now], sent[~now]
        for each in rounds_of(chain, role, payloads, sent):
            submit_round(chain, role, payloads, each)


def rounds_of(
    chain: Chain, role: str, payloads: Payloads, sent: Integers
) -> list[list[tuple[Life, Integers]]]:
    """Payloads in rounds of one nonce a topic."""
    if not len(sent):
        return []
    sent = sent[np.argsort(payloads.topic[sent], kind="stable")]
    topics, nonces = payloads.topic[sent], payloads.nonce[sent]
    heights = height_of(payloads.order[sent])
    changes = np.flatnonzero((np.diff(topics) != 0) | (np.diff(nonces) != 0)) + 1
    begins = np.concatenate([[0], changes, [len(sent)]])
    firsts, lasts = heights[begins[:-1]].tolist(), heights[begins[1:] - 1].tolist()
    heads = zip(topics[begins[:-1]].tolist(), nonces[begins[:-1]].tolist(), strict=True)
    rounds: list[list[tuple[Life, Integers]]] = []
    number, before = 0, -1
    for at, (topic_id, nonce) in enumerate(heads):
        number = number + 1 if topic_id == before else 0
        before = topic_id
        part = sent[begins[at] : begins[at + 1]]
        life = chain.lives.get(topic_id)
        if life is None:
            error = TopicError(topic_id, "", "topic_id", "unknown_topic")
            chain.fault(firsts[at], 0, "submission", error)
            continue
        life.refresh(chain.module, chain.number)
        window = window_of(chain, life, role, nonce)
        if window is None or firsts[at] < window.first or lasts[at] > window.last:
            part = timely(chain, life, role, payloads, part, window)
        while number >= len(rounds):
            rounds.append([])
        if len(part):
            rounds[number].append((life, part))
    return [each for each in rounds if each]


def window_of(chain: Chain, life: Life, role: str, nonce: int) -> Span | None:
    """The heights at which a nonce takes payloads; None: it is not open."""
    rules = chain.release.timeline
    if role == "reputer":
        return reputer_window(nonce, life.lengths, rules) if nonce in life.open.reputer else None
    return worker_window(nonce, life.lengths, rules) if nonce in life.open.worker else None


def timely(
    chain: Chain,
    life: Life,
    role: str,
    payloads: Payloads,
    sent: Integers,
    window: Span | None,
) -> Integers:
    """The payloads that came while their nonce took them; others are told as faults."""
    nonce = int(payloads.nonce[sent[0]])
    good = np.zeros(len(sent), bool)
    if window is not None:
        heights = height_of(payloads.order[sent])
        good = (heights >= window.first) & (heights <= window.last)
    # A warm up does not know the nonces that were open before it.
    unseen = chain.warm is not None and nonce < chain.warm.first
    for at in [] if unseen else sent[~good].tolist():
        name = chain.addresses.texts[int(payloads.actor[at])]
        cause = "unknown_nonce" if window is None else "window_closed"
        error = TopicError(life.topic_id, name, f"{role}_submission", cause)
        chain.fault(int(height_of(payloads.order[at])), nonce, "submission", error)
    return sent[good]


def submit_round(
    chain: Chain,
    role: Role,
    payloads: Payloads,
    parts: Sequence[tuple[Life, Integers]],
) -> None:
    """Submissions of several topics, one nonce each."""
    if role == FORECASTER:
        parts = about_registered(chain, payloads, parts)
        if not parts:
            return
    windows, seats = [], []
    for life, sent in parts:
        assert life.alpha is not None
        count = int(getattr(life.params, f"max_top_{role}s_to_reward"))
        windows.append(
            Window(
                life.topic_id,
                int(payloads.nonce[sent[0]]),
                count,
                life.epoch_last_ended,
                life.lengths.epoch_length,
                life.lengths.ground_truth_lag,
                life.alpha,
                sent,
            )
        )
        seats.append(life.seats[role])
    positions = [life.at for life, _ in parts]
    if role == FORECASTER:
        limit_elements(chain, payloads, parts)
    states = chain.states.take(positions)
    entered = enter(chain.engine, role, payloads, chain.addresses, states, windows, seats)
    chain.states = chain.states.put(positions, entered.states)
    for (life, _), after in zip(parts, entered.seats, strict=True):
        life.seats[role] = after
    if role == INFERER:
        chain.turns.append((np.array([life.topic_id for life, _ in parts]), entered.turns))
    for window, submission, error in entered.refused:
        height = int(height_of(payloads.order[submission]))
        chain.fault(height, windows[window].nonce, "submission", error)
    written.moved(chain, role, windows, entered.moved)


def about_registered(
    chain: Chain, payloads: Payloads, parts: Sequence[tuple[Life, Integers]]
) -> Sequence[tuple[Life, Integers]]:
    """The forecasts that the chain keeps: one about anybody who is not registered is dropped.

    Its transaction succeeds all the same, since the error that is returned wraps none.
    """
    found = [chain.registered_workers(life.topic_id) for life, _ in parts]
    everybody = np.ones(len(chain.addresses) + 1, bool)
    known = np.stack([everybody if workers is None else workers for workers in found])
    sent = np.concatenate([sent for _, sent in parts])
    part_of = np.repeat(np.arange(len(parts)), [len(sent) for _, sent in parts])
    rows, counts = payloads.rows(sent)
    owner = np.repeat(np.arange(len(sent)), counts)
    strangers = ~known[part_of[owner], payloads.columns["inferer"][rows]]
    if not strangers.any():
        return parts
    good = np.bincount(owner[strangers], minlength=len(sent)) == 0
    kept = np.split(sent[good], np.searchsorted(part_of[good], np.arange(1, len(parts))))
    return [(life, each) for (life, _), each in zip(parts, kept, strict=True) if len(each)]


def limit_elements(
    chain: Chain, payloads: Payloads, parts: Sequence[tuple[Life, Integers]]
) -> None:
    """Choose the elements of forecasts that are longer than the chain keeps.

    It keeps those about the inferers of the highest average scores at that moment, as many as
    ``max_elements_per_forecast``. Of equal scores the lower address is kept here; the chain draws
    lots by a generator of its programming language, so that such a tie is told as a fault.
    """
    most = chain.module.whole("max_elements_per_forecast", 12)
    about = payloads.columns["inferer"]
    if not len(payloads.lengths) or payloads.lengths.max() <= most:
        return
    for life, sent in parts:
        for submission in sent[payloads.lengths[sent] > most].tolist():
            rows = np.arange(payloads.begin[submission], payloads.end[submission])
            named = about[rows]
            distinct = np.unique(named)
            if len(distinct) <= most:
                continue
            scores = inferer_scores(chain, life, distinct, int(payloads.order[submission]))
            rank = chain.addresses.rank[distinct].tolist()
            ranked = sorted(range(len(distinct)), key=lambda at: (-scores[at], rank[at]))
            if scores[ranked[most - 1]] == scores[ranked[most]]:
                tell_tie(chain, life, payloads, submission)
            chosen = set(distinct[ranked[:most]].tolist())
            chain.chosen[submission] = rows[[code in chosen for code in named.tolist()]]


def tell_tie(chain: Chain, life: Life, payloads: Payloads, submission: int) -> None:
    """Which of a forecast's elements the chain kept is not known."""
    name = chain.addresses.texts[int(payloads.actor[submission])]
    error = TopicError(life.topic_id, name, "forecast_elements", "tie")
    height = int(height_of(payloads.order[submission]))
    chain.fault(height, int(payloads.nonce[submission]), "submission", error)


def inferer_scores(
    chain: Chain, life: Life, actors: npt.NDArray[np.int32], order: int
) -> list[Decimal]:
    """Average scores of inferers as a payload of this order met them; 0 where none is stored."""
    ids = chain.addresses.engine[actors]
    offsets = np.array([0, len(ids)], np.int64)
    found = chain.states.take([life.at]).averages(INFERER, offsets, ids)[0]
    scores = [score or Decimal(0) for score in read_numbers(from_column(found))]
    for topics, turns in reversed(chain.turns):
        mine = (topics[turns.window] == life.topic_id) & (turns.order > order)
        for row in np.flatnonzero(mine & np.isin(turns.actor, actors))[::-1].tolist():
            before = read_numbers(turns.before[row : row + 1])[0]
            scores[actors.tolist().index(int(turns.actor[row]))] = before or Decimal(0)
    return scores

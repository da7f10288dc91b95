"""Payloads since the last look, put to the active sets in chain order."""

from __future__ import annotations

from collections.abc import Sequence
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


def submit_all(chain: Chain, limit: int) -> None:
    """Put every payload before an order to its active set.

    Payloads of one topic for one nonce after the other make rounds; in nearly all blocks there is
    one.
    """
    chain.turns.clear()
    for role in ROLES:
        payloads = chain.feed.roles[role]
        sent = payloads.between(chain.done[role], limit)
        chain.done[role] = max(chain.done[role], limit - 1)
        if len(sent):
            for each in rounds_of(chain, role, payloads, sent):
                submit_round(chain, role, payloads, each)


def rounds_of(
    chain: Chain, role: str, payloads: Payloads, sent: Integers
) -> list[list[tuple[Life, Integers]]]:
    """Payloads in rounds of one nonce a topic."""
    sent = sent[np.argsort(payloads.topic[sent], kind="stable")]
    topics, nonces = payloads.topic[sent], payloads.nonce[sent]
    changes = np.flatnonzero((np.diff(topics) != 0) | (np.diff(nonces) != 0)) + 1
    begins = [0, *changes.tolist(), len(sent)]
    heads = topics[begins[:-1]].tolist()
    rounds: list[list[tuple[Life, Integers]]] = []
    number = 0
    for at, topic_id in enumerate(heads):
        number = number + 1 if at and heads[at - 1] == topic_id else 0
        part = sent[begins[at] : begins[at + 1]]
        life = chain.lives.get(topic_id)
        if life is None:
            error = TopicError(topic_id, "", "topic_id", "unknown_topic")
            chain.fault(int(height_of(payloads.order[part[0]])), 0, "submission", error)
            continue
        life.refresh(chain.module, chain.number)
        part = timely(chain, life, role, payloads, part)
        while number >= len(rounds):
            rounds.append([])
        if len(part):
            rounds[number].append((life, part))
    return [each for each in rounds if each]


def timely(chain: Chain, life: Life, role: str, payloads: Payloads, sent: Integers) -> Integers:
    """The payloads that came while their nonce took them; others are told as faults."""
    nonce = int(payloads.nonce[sent[0]])
    rules = chain.release.timeline
    window: Span
    if role == "reputer":
        window, known = reputer_window(nonce, life.lengths, rules), nonce in life.open.reputer
    else:
        window, known = worker_window(nonce, life.lengths, rules), nonce in life.open.worker
    first = int(height_of(payloads.order[sent[0]]))
    last = int(height_of(payloads.order[sent[-1]]))
    if known and window.first <= first and last <= window.last:
        return sent
    heights = height_of(payloads.order[sent])
    good = (heights >= window.first) & (heights <= window.last) & known
    # A warm up does not know the nonces that were open before it.
    unseen = chain.warm is not None and nonce < chain.warm.first
    for at in [] if unseen else sent[~good].tolist():
        name = chain.addresses.texts[int(payloads.actor[at])]
        cause = "window_closed" if known else "unknown_nonce"
        error = TopicError(life.topic_id, name, f"{role}_submission", cause)
        chain.fault(int(height_of(payloads.order[at])), nonce, "submission", error)
    return sent[good]


def submit_round(
    chain: Chain,
    role: Role | str,
    payloads: Payloads,
    parts: Sequence[tuple[Life, Integers]],
) -> None:
    """Submissions of several topics, one nonce each."""
    if role == FORECASTER:
        parts = [
            (life, kept)
            for life, sent in parts
            if len(kept := about_registered(chain, life, payloads, sent))
        ]
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
    entered = enter(chain.engine, role, payloads, chain.addresses, states, windows, seats)  # type: ignore[arg-type]
    chain.states = chain.states.put(positions, entered.states)
    for (life, _), after in zip(parts, entered.seats, strict=True):
        life.seats[role] = after
    if role == INFERER:
        chain.turns.append((np.array([life.topic_id for life, _ in parts]), entered.turns))
    for window, submission, error in entered.refused:
        height = int(height_of(payloads.order[submission]))
        chain.fault(height, windows[window].nonce, "submission", error)
    written.moved(chain, role, windows, entered.moved)


def about_registered(chain: Chain, life: Life, payloads: Payloads, sent: Integers) -> Integers:
    """The forecasts that the chain keeps: one about anybody who is not registered is dropped.

    Its transaction succeeds all the same, since the error that is returned wraps none.
    """
    known = chain.registered_workers(life.topic_id)
    if known is None:
        return sent
    rows, counts = payloads.rows(sent)
    strangers = ~known[payloads.columns["inferer"][rows]]
    if not strangers.any():
        return sent
    owner = np.repeat(np.arange(len(sent)), counts)
    kept: Integers = sent[np.bincount(owner[strangers], minlength=len(sent)) == 0]
    return kept


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
    for life, sent in parts:
        lengths = payloads.end[sent] - payloads.begin[sent]
        for submission in sent[lengths > most].tolist():
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

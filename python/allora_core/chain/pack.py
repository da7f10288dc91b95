"""Payloads into the engine's columns: what a close takes, for all topics of a block at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from .. import _core
from ..batch import (
    DecimalArray,
    Epochs,
    NumberName,
    Numbers,
    Ragged,
    as_column,
    make_numbers,
    offsets_of,
)
from ..epoch import Epoch, Params
from .columns import Addresses, Codes, Integers, joined, missing
from .feed import Feed, Payloads
from .seats import NOBODY, NOTHING, Seats

__all__ = ["Accepted", "Close", "accept", "bundle_cells", "bundle_kinds", "pack"]

SCALAR = ("y",)
HEADER_PARAMS = Params()


@dataclass
class Accepted:
    """What the close of a worker nonce took.

    Attributes:
        inferers, forecasters: codes, in address order.
        inferences: the submission of each inferer.
        forecasts: the submission of each forecaster.
        elements, counts: rows of the elements that count, and how many each forecaster has.
        labels: of the epoch's registry.
    """

    inferers: Codes
    forecasters: Codes
    inferences: Integers
    forecasts: Integers
    elements: Integers
    counts: Integers
    labels: tuple[str, ...] = SCALAR


@dataclass
class Close:
    """One topic's part of a batch.

    Attributes:
        topic_id, nonce: whose.
        accepted: what its worker close took.
        params: its parameters, one number per field of `Params`.
        reputers: codes in address order; empty before the reputer close.
        reports: the submission of each reputer.
        stakes, delegated: of each reputer, base units.
        reward: of the topic, one number; None: 0.
    """

    topic_id: int
    nonce: int
    accepted: Accepted
    params: Numbers
    reputers: Codes
    reports: Integers
    stakes: Sequence[int] = ()
    delegated: Sequence[int] = ()
    reward: Numbers | None = None


def by_address(addresses: Addresses, actors: Codes) -> Integers:
    """The order that sorts actors by address."""
    return np.argsort(addresses.rank[actors], kind="stable")


def accept(
    feed: Feed,
    addresses: Addresses,
    inferers: Sequence[Seats],
    forecasters: Sequence[Seats],
    nonces: Sequence[int],
    chosen: dict[int, Integers],
    vector: bool,
) -> list[Accepted]:
    """Return what the close of one worker nonce of each topic takes of its active sets.

    Elements on others than the active inferers fall away, as do repeats; a forecaster without any
    left, or with a forecast for another nonce, falls away too.

    Args:
        inferers, forecasters: the active sets.
        nonces: the nonces.
        chosen: submission -> the rows of its elements, where the chain kept only some of them.
        vector: whether outputs have labels.
    """
    rank, count = addresses.rank, len(addresses)
    at, actors, inferences = flat(rank, inferers)
    seated = np.zeros(len(inferers) * count, bool)
    seated[at * count + actors] = True
    f_at, forecasting, forecasts = flat(rank, forecasters)
    payloads = feed.roles["forecaster"]
    own = payloads.nonce[forecasts] == np.array(nonces, np.int64)[f_at]
    f_at, forecasting, forecasts = f_at[own], forecasting[own], forecasts[own]
    rows, counts = element_rows(payloads, forecasts, chosen)
    owner = np.repeat(np.arange(len(forecasts)), counts)
    about = payloads.columns["inferer"][rows]
    # The first element on each inferer counts; they stay in the order of the forecast.
    order = np.lexsort((rank[about], owner))
    repeat = np.zeros(len(order), bool)
    repeat[order[1:]] = (np.diff(owner[order]) == 0) & (np.diff(about[order]) == 0)
    keep = seated[f_at[owner] * count + about] & ~repeat
    rows, owner = rows[keep], owner[keep]
    counts = np.bincount(owner, minlength=len(forecasts))
    there = counts > 0
    f_at, forecasting, forecasts = f_at[there], forecasting[there], forecasts[there]
    counts = counts[there]
    topics = np.arange(len(inferers) + 1)
    i_cut = np.searchsorted(at, topics).tolist()
    f_cut = np.searchsorted(f_at, topics).tolist()
    e_cut = np.concatenate([[0], np.cumsum(counts)])[f_cut].tolist()
    took = []
    for topic in range(len(inferers)):
        i, f = slice(*i_cut[topic : topic + 2]), slice(*f_cut[topic : topic + 2])
        e = slice(*e_cut[topic : topic + 2])
        labels = labels_of(feed, inferences[i]) if vector else SCALAR
        took.append(
            Accepted(
                actors[i], forecasting[f], inferences[i], forecasts[f], rows[e], counts[f], labels
            )
        )
    return took


def flat(rank: Integers, seats: Sequence[Seats]) -> tuple[Integers, Codes, Integers]:
    """Position of the set, actor and submission of all members, each set in address order."""
    at = np.repeat(np.arange(len(seats)), [len(each.actors) for each in seats])
    actors = np.concatenate([NOBODY, *(each.actors for each in seats)])
    order = np.lexsort((rank[actors], at))
    submissions = np.concatenate([NOTHING, *(each.submissions for each in seats)])
    return at, actors[order], submissions[order]


def element_rows(
    payloads: Payloads, forecasts: Integers, chosen: dict[int, Integers]
) -> tuple[Integers, Integers]:
    """Rows of the elements of forecasts as the chain kept them, and how many each has."""
    if not any(submission in chosen for submission in forecasts.tolist()):
        return payloads.rows(forecasts)
    parts = [
        chosen[submission]
        if submission in chosen
        else np.arange(payloads.begin[submission], payloads.end[submission])
        for submission in forecasts.tolist()
    ]
    return np.concatenate(parts), np.array([len(part) for part in parts], np.int64)


def labels_of(feed: Feed, inferences: Integers) -> tuple[str, ...]:
    """Labels of these inferences in the order in which the chain first saw them."""
    payloads = feed.roles["inferer"]
    in_order = inferences[np.argsort(payloads.order[inferences], kind="stable")]
    rows, _ = payloads.rows(in_order)
    labels = payloads.columns["label"][rows]
    codes = dict.fromkeys(labels.tolist())
    if not codes or set(codes) == {-1}:
        return SCALAR
    return tuple(payloads.extra[code] for code in codes)


def pack(number: NumberName, feed: Feed, addresses: Addresses, closes: Sequence[Close]) -> Epochs:
    """Pack the closes of a block into one batch."""
    accepted = [close.accepted for close in closes]
    labels = [len(each.labels) for each in accepted]
    inferers = ragged(addresses, [each.inferers for each in accepted])
    forecasters = ragged(addresses, [each.forecasters for each in accepted])
    reputers = ragged(addresses, [close.reputers for close in closes])
    widths = [width(each) for each in accepted]
    elements = np.concatenate([each.elements for each in accepted])
    counts = np.concatenate([each.counts for each in accepted])
    forecasts = feed.roles["forecaster"]
    columns: dict[str, Any] = {
        "topic_id": np.array([close.topic_id for close in closes], np.uint64),
        "nonce": np.array([close.nonce for close in closes], np.int64),
        "labels": np.array(labels, np.int32),
        "inferer_offsets": inferers.offsets,
        "inferer": inferers.actors,
        "value_offsets": offsets_of(
            len(each.inferers) * count for each, count in zip(accepted, labels, strict=True)
        ),
        "forecaster_offsets": forecasters.offsets,
        "forecaster": forecasters.actors,
        "element_offsets": np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        "element_inferer": addresses.engine[forecasts.columns["inferer"][elements]],
        "reputer_offsets": reputers.offsets,
        "reputer": reputers.actors,
        "inference_row_offsets": offsets_of(
            each * count for each, count in zip(widths, labels, strict=True)
        ),
        "loss_row_offsets": offsets_of(widths),
        "report_offsets": offsets_of(
            len(close.reputers) * each for close, each in zip(closes, widths, strict=True)
        ),
    }
    zero = make_numbers(number, [HEADER_PARAMS.label_default_value])
    rewards = [zero if close.reward is None else close.reward for close in closes]
    numbers: dict[str, Numbers] = {
        "inferences": inference_values(number, feed, accepted),
        "element_losses": forecasts.values[elements],
        "reports": report_values(number, feed, addresses, closes),
        "params": joined([close.params for close in closes], number),
        "initial_regret": missing(number, len(closes)),
        "reward": joined(rewards, number),
        "stakes": whole_numbers(number, [amount for close in closes for amount in close.stakes]),
        "delegated": whole_numbers(
            number, [amount for close in closes for amount in close.delegated]
        ),
    }
    columns |= {name: as_column(column) for name, column in numbers.items()}
    headers = [
        Epoch(close.topic_id, close.nonce, {}, labels=close.accepted.labels, params=HEADER_PARAMS)
        for close in closes
    ]
    return Epochs.from_columns(number, headers, inferers, forecasters, reputers, columns)


def width(accepted: Accepted) -> int:
    """Slots of the value bundle."""
    i, f = len(accepted.inferers), len(accepted.forecasters)
    return 2 + 2 * i + 3 * f + f * i


def ragged(addresses: Addresses, lists: Sequence[Codes]) -> Ragged:
    """Lists of actors as the engine takes them."""
    actors = np.concatenate([np.empty(0, np.int32), *lists])
    return Ragged(offsets_of(len(each) for each in lists), addresses.engine[actors], [])


def whole_numbers(number: NumberName, amounts: Sequence[int]) -> Numbers:
    """Base units as the engine's numbers."""
    if number == "float64":
        return np.array(amounts, np.float64)
    return DecimalArray.from_texts([str(amount) for amount in amounts])


def inference_values(number: NumberName, feed: Feed, accepted: Sequence[Accepted]) -> Numbers:
    """Inferers x labels of every topic, one topic after the other."""
    payloads = feed.roles["inferer"]
    if all(each.labels == SCALAR for each in accepted):
        submissions = np.concatenate([each.inferences for each in accepted])
        return payloads.values[payloads.begin[submissions]]
    sources, targets, total = [], [], 0
    for each in accepted:
        rows, counts = payloads.rows(each.inferences)
        owner = np.repeat(np.arange(len(each.inferences)), counts)
        place = np.zeros(len(payloads.extra) + 1, np.int64)
        for at, label in enumerate(each.labels):
            if label in payloads.extra:
                place[payloads.extra.index(label)] = at
        targets.append(total + owner * len(each.labels) + place[payloads.columns["label"][rows]])
        sources.append(rows)
        total += len(each.inferences) * len(each.labels)
    return scattered(
        number, payloads.values, np.concatenate(sources), np.concatenate(targets), total
    )


def scattered(
    number: NumberName, values: Numbers, rows: Integers, targets: Integers, total: int
) -> Numbers:
    """A column with these rows at their targets; of two at one target the first one counts."""
    column = missing(number, total)
    backwards = slice(None, None, -1)
    if isinstance(column, np.ndarray):
        assert isinstance(values, np.ndarray)
        column[targets[backwards]] = values[rows[backwards]]
        return column
    assert not isinstance(values, np.ndarray)
    column.values[targets[backwards]] = values.values[rows[backwards]]
    column.pool = values.pool
    return column


def report_values(
    number: NumberName,
    feed: Feed,
    addresses: Addresses,
    closes: Sequence[Close],
) -> Numbers:
    """Reputers x slots of every topic; what names a worker who was not accepted falls away."""
    payloads = feed.roles["reputer"]
    reports = np.concatenate([NOTHING, *(close.reports for close in closes)])
    values = payloads.values
    inferers = [close.accepted.inferers for close in closes]
    forecasters = [close.accepted.forecasters for close in closes]
    columns = {
        "inferer_offsets": offsets_of(map(len, inferers)),
        "inferer": np.concatenate([NOBODY, *inferers]),
        "forecaster_offsets": offsets_of(map(len, forecasters)),
        "forecaster": np.concatenate([NOBODY, *forecasters]),
        "report_offsets": offsets_of(len(close.reports) for close in closes),
        "begin": payloads.begin[reports],
        "end": payloads.end[reports],
        "values": values.values if isinstance(values, DecimalArray) else values,
        "kind": payloads.columns["kind"],
        "about_inferer": payloads.columns["inferer"],
        "about_forecaster": payloads.columns["forecaster"],
    }
    found = _core.fill_reports(number, columns, len(addresses))
    return DecimalArray(found, values.pool) if isinstance(values, DecimalArray) else found


def bundle_cells(accepted: Sequence[Accepted]) -> tuple[Codes, Codes, Codes]:
    """Kind, inferer and forecaster of every slot of every topic's bundle; -1 where none."""
    cells = [cells_of(each) for each in accepted]
    kinds, inferers, forecasters = (np.concatenate(part) for part in zip(*cells, strict=True))
    return kinds, inferers, forecasters


def bundle_kinds(accepted: Sequence[Accepted]) -> Codes:
    """Kind of every slot of every topic's bundle."""
    return np.concatenate([kinds_of(len(a.inferers), len(a.forecasters))[0] for a in accepted])


@lru_cache(maxsize=64)
def kinds_of(inferers: int, forecasters: int) -> tuple[Codes, Codes, Codes]:
    """Kind of every slot of a bundle, and the positions of its inferer and forecaster."""
    i, f = np.arange(inferers, dtype=np.int32), np.arange(forecasters, dtype=np.int32)
    none_i, none_f = np.full(inferers, -1, np.int32), np.full(forecasters, -1, np.int32)
    head = np.full(2, -1, np.int32)
    pairs = inferers * forecasters
    sizes = [1, 1, inferers, forecasters, pairs, inferers, forecasters, forecasters]
    return (
        np.repeat(np.arange(8, dtype=np.int32), sizes),
        np.concatenate([head, i, none_f, np.tile(i, forecasters), i, none_f, none_f]),
        np.concatenate([head, none_i, f, np.repeat(f, inferers), none_i, f, f]),
    )


def cells_of(accepted: Accepted) -> tuple[Codes, Codes, Codes]:
    """Kind, inferer and forecaster of every slot of one bundle."""
    kinds, i, f = kinds_of(len(accepted.inferers), len(accepted.forecasters))
    nobody = np.array([-1], np.int32)
    inferers = np.concatenate([accepted.inferers, nobody])
    forecasters = np.concatenate([accepted.forecasters, nobody])
    return kinds, inferers[i], forecasters[f]

"""Everything that a chain carries, as canonical bytes with their hash.

Equal chains give equal bytes, whatever made them. Payloads that are still to be used are named, not
kept: a resumed replay reads them from the archive again.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import asdict, fields
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from .. import _core
from ..batch import DecimalArray, NumberName, Numbers, make_numbers
from ..block_rewards import TopicTable
from ..reference.number_text import plain_text
from ..topics import EmissionState
from .feed import ROLES, Feed, Payloads, end_of, height_of
from .ledger import Ledger, Removal
from .pack import Accepted, Close
from .seats import Seats
from .timeline import OpenNonces
from .topic import Waiting
from .warm import Warm

if TYPE_CHECKING:
    from .life import Chain

__all__ = [
    "Checkpoint",
    "CheckpointError",
    "document_of",
    "read",
    "restore",
    "save",
    "seat",
    "write",
]

HEAD = b"allora-core checkpoint 1\n"


class CheckpointError(ValueError):
    """A checkpoint that cannot be used."""


class Checkpoint:
    """A checkpoint as read.

    Attributes:
        document: its content.
        digest: SHA-256 of its bytes, in hex.
    """

    def __init__(self, document: dict[str, Any], digest: str) -> None:
        self.document = document
        self.digest = digest

    @property
    def release(self) -> str:
        """The release of the blocks that follow."""
        return str(self.document["release"])

    @property
    def height(self) -> int:
        """The last block that is over."""
        return int(self.document["height"])


def texts_of(values: Numbers) -> list[str | None]:
    """Numbers as texts that give them back, written form included."""
    if isinstance(values, DecimalArray):
        return values.texts()
    return [None if value != value else value.hex() for value in values.tolist()]


def numbers_of(texts: Sequence[str | None], number: NumberName) -> Numbers:
    """The inverse of `texts_of`."""
    if number == "decimal":
        return DecimalArray.from_texts(texts)
    given = [None if text is None else Decimal(float.fromhex(text)) for text in texts]
    return make_numbers("float64", given)


def document_of(chain: Chain) -> dict[str, Any]:
    """What a chain carries, as plain values."""
    columns = chain.up_to_date().columns
    return {
        "number": chain.number,
        "release": chain.release.name,
        "height": chain.height,
        "states": b64encode(chain.states.to_bytes()).decode(),
        "table": {
            name: column.tolist()
            if isinstance(column, np.ndarray) and column.dtype != np.float64
            else texts_of(column)
            for name, column in columns.items()
        },
        "module": chain.module.texts,
        "fees": [[topic, str(chain.fees[topic])] for topic in sorted(chain.fees)],
        "next_topic": chain.next_topic,
        "active": sorted(topic for topic, now in chain.active.items() if now),
        "windows": numbered(chain.windows),
        "registered": sorted(chain.registered),
        "ledger": ledger_of(chain.ledger),
        "mint": mint_of(chain),
        "warm": None if chain.warm is None else warm_of(chain.warm, chain.height),
        "lives": [life_of(chain, topic_id) for topic_id in chain.lives],
    }


def warm_of(warm: Warm, height: int) -> dict[str, Any]:
    """What a warm up knows up to a height, as plain values."""
    return {
        "first": warm.first,
        "known": sorted(key for key, told in warm.known.items() if told <= height),
        "has_stakes": warm.has_stakes,
        "guessed": sorted(warm.guessed),
    }


def numbered(values: dict[int, Any]) -> list[list[Any]]:
    """A table by whole numbers, ascending."""
    return [[key, values[key]] for key in sorted(values)]


def ledger_of(ledger: Ledger) -> dict[str, Any]:
    """Stakes as plain values."""
    amounts = ("whole", "delegated", "delegations")
    listed: dict[str, Any] = {
        name: sorted([*key, str(amount)] for key, amount in getattr(ledger, name).items())
        for name in amounts
    }
    listed["topics"] = [[topic, str(ledger.topics[topic])] for topic in sorted(ledger.topics)]
    for name in ("shares", "debts"):
        listed[name] = sorted([*key, plain_text(n)] for key, n in getattr(ledger, name).items())
    listed["removals"] = sorted([*key, str(amount)] for key, amount in ledger.removals.items())
    return listed


def mint_of(chain: Chain) -> dict[str, Any]:
    """The mint as plain values."""
    mint = chain.mint
    return {
        "computes": mint.computes,
        "state": {name: str(value) for name, value in asdict(mint.state).items()},
        "ecosystem": str(mint.ecosystem),
        "rewards": None if mint.rewards is None else str(mint.rewards),
        "emission": str(mint.emission),
        "staked": str(mint.staked),
        "emission_start": mint.emission_start,
    }


def life_of(chain: Chain, topic_id: int) -> dict[str, Any]:
    """One topic as plain values; a payload is named by actor and nonce."""
    life, feed = chain.lives[topic_id], chain.feed
    texts = chain.addresses.texts

    def actors(codes: Any) -> list[str]:
        return [texts[code] for code in codes.tolist()]

    seats = {}
    for role in ROLES:
        held, payloads = life.seats[role], feed.roles[role]
        low = held.lowest
        rows = sorted(
            zip(actors(held.actors), payloads.nonce[held.submissions].tolist(), strict=True)
        )
        seats[role] = {
            "members": rows,
            "lowest": None if low is None else [texts[low[0]], low[1], texts_of(low[2])[0]],
        }
    return {
        "topic_id": topic_id,
        "values": life.values,
        "open": [life.open.worker, life.open.reputer],
        "accepted": [
            [nonce, accepted_of(chain, life.accepted[nonce])] for nonce in sorted(life.accepted)
        ],
        "seats": seats,
        "forecasts": forecasts_of(chain, topic_id),
        "waiting": waiting_of(chain, topic_id),
        "epoch_last_ended": life.epoch_last_ended,
    }


def waiting_of(chain: Chain, topic_id: int) -> dict[str, Any] | None:
    """The settled nonce that waits for its rewards."""
    waiting = chain.lives[topic_id].waiting
    if waiting is None:
        return None
    close, texts = waiting.close, chain.addresses.texts
    return {
        "nonce": close.nonce,
        "accepted": accepted_of(chain, close.accepted),
        "reputers": [texts[code] for code in close.reputers.tolist()],
        "losses": texts_of(waiting.losses),
    }


def accepted_of(chain: Chain, took: Accepted) -> dict[str, Any]:
    """What a worker close took."""
    texts = chain.addresses.texts
    payloads = chain.feed.roles["forecaster"]
    about = payloads.columns["inferer"][took.elements]
    return {
        "inferers": [texts[code] for code in took.inferers.tolist()],
        "forecasters": [texts[code] for code in took.forecasters.tolist()],
        "elements": [texts[code] for code in about.tolist()],
        "counts": took.counts.tolist(),
        "labels": list(took.labels),
    }


def forecasts_of(chain: Chain, topic_id: int) -> list[Any]:
    """Whom the forecasts of the active set are about, as far as they count."""
    held = chain.lives[topic_id].seats["forecaster"]
    payloads = chain.feed.roles["forecaster"]
    texts = chain.addresses.texts
    found = []
    for code, submission in zip(held.actors.tolist(), held.submissions.tolist(), strict=True):
        rows = chain.chosen.get(submission)
        if rows is None:
            rows = np.arange(payloads.begin[submission], payloads.end[submission])
        named = {texts[each] for each in payloads.columns["inferer"][rows].tolist()}
        found.append([texts[code], sorted(named)])
    return sorted(found)


def write(chain: Chain) -> tuple[bytes, str]:
    """Canonical bytes of everything a chain carries, and their SHA-256.

    The chain must be between blocks, with all payloads so far put to the active sets.
    """
    body = orjson.dumps(document_of(chain), option=orjson.OPT_SORT_KEYS)
    return body, sha256(body).hexdigest()


def save(chain: Chain, folder: Path) -> tuple[Path, str]:
    """Write a checkpoint into a folder, in one step; returns its file and hash."""
    body, digest = write(chain)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"checkpoint-{chain.height:012d}.json"
    part = path.with_name(path.name + ".part")
    part.write_bytes(HEAD + digest.encode() + b"\n" + body)
    part.replace(path)
    return path, digest


def read(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        CheckpointError: it is damaged, cut short, or of another format.
    """
    data = path.read_bytes()
    if not data.startswith(HEAD):
        raise CheckpointError(f"{path}: no checkpoint, or of another format")
    digest, _, body = data[len(HEAD) :].partition(b"\n")
    if sha256(body).hexdigest().encode() != digest:
        raise CheckpointError(f"{path}: damaged: its bytes do not have the hash that it states")
    return Checkpoint(orjson.loads(body), digest.decode())


def restore(chain: Chain, checkpoint: Checkpoint) -> None:
    """Take over a checkpoint; `seat` puts the payloads in their places once they are read.

    Raises:
        CheckpointError: it was made with another kind of numbers.
    """
    document = checkpoint.document
    if document["number"] != chain.number:
        raise CheckpointError(
            f"the checkpoint is in {document['number']}, the replay in {chain.number}"
        )
    chain.module.texts = document["module"]
    chain.parameters_changed()
    for each in document["lives"]:
        life = chain.create(each["topic_id"], each["values"])
        life.open = OpenNonces(*each["open"])
        life.epoch_last_ended = each["epoch_last_ended"]
    chain.states = _core.States.from_bytes(b64decode(document["states"]))
    table = {
        name: numbers_of(values, chain.number)
        if name in NUMBERS
        else np.array(values, DTYPES.get(name, np.int64))
        for name, values in document["table"].items()
    }
    chain.table = TopicTable(chain.number, table)
    chain.fees = {topic: int(text) for topic, text in document["fees"]}
    chain.next_topic = document["next_topic"]
    chain.active = dict.fromkeys(document["active"], True)
    chain.windows = {height: list(topics) for height, topics in document["windows"]}
    chain.registered = {tuple(key) for key in document["registered"]}
    if document["warm"] is not None:
        told = document["warm"]
        known = dict.fromkeys((tuple(key) for key in told["known"]), checkpoint.height)
        chain.warm = Warm(
            told["first"], has_stakes=told["has_stakes"], known=known, guessed=set(told["guessed"])
        )
    restore_ledger(chain.ledger, document["ledger"])
    restore_mint(chain, document["mint"])
    chain.height = chain.mint.height = checkpoint.height
    for height in (*chain.windows, *chain.table.columns["listing_block"].tolist()):
        chain.wake(height)


NUMBERS = {"stake", "fee_revenue", "previous_weight", "lowest_weight", "total_weight"}
DTYPES: dict[str, Any] = {
    "topic_id": np.uint64,
    "active": np.uint8,
    "listing_topic": np.int32,
    "lowest_topic": np.int32,
}


def restore_ledger(ledger: Ledger, document: dict[str, Any]) -> None:
    """Stakes and removals."""
    ledger.whole = {(topic, who): int(text) for topic, who, text in document["whole"]}
    ledger.delegated = {(topic, who): int(text) for topic, who, text in document["delegated"]}
    ledger.delegations = {
        (topic, reputer, who): int(text) for topic, reputer, who, text in document["delegations"]
    }
    ledger.shares = {(topic, who): Decimal(text) for topic, who, text in document["shares"]}
    ledger.debts = {
        (topic, reputer, who): Decimal(text) for topic, reputer, who, text in document["debts"]
    }
    ledger.topics = {topic: int(text) for topic, text in document["topics"]}
    for *removal, text in document["removals"]:
        ledger.ask(Removal(*removal), int(text))


def restore_mint(chain: Chain, document: dict[str, Any]) -> None:
    """The mint and its accounts."""
    mint = chain.mint
    state = document["state"]
    kinds = {each.name: type(getattr(mint.state, each.name)) for each in fields(EmissionState)}
    mint.state = EmissionState(**{name: kinds[name](text) for name, text in state.items()})
    mint.computes = document["computes"]
    mint.ecosystem = int(document["ecosystem"])
    mint.rewards = None if document["rewards"] is None else int(document["rewards"])
    mint.emission, mint.staked = int(document["emission"]), int(document["staked"])
    mint.emission_start = document["emission_start"]


def seat(chain: Chain, checkpoint: Checkpoint, feed: Feed) -> None:
    """Put the payloads that a checkpoint names in their places.

    Raises:
        ValueError: the archive lacks one.
    """
    last = checkpoint.height
    chain.done = dict.fromkeys(ROLES, end_of(last) - 1)
    chain.chosen.clear()
    for each in checkpoint.document["lives"]:
        topic_id = each["topic_id"]
        life = chain.lives[topic_id]
        for role in ROLES:
            payloads = feed.roles[role]
            held = each["seats"][role]
            codes = chain.addresses.codes([actor for actor, _ in held["members"]])
            nonces = np.array([nonce for _, nonce in held["members"]], np.int64)
            found = payloads.find(topic_id, nonces, codes)
            low = held["lowest"]
            lowest = None
            if low is not None:
                score = numbers_of([low[2]], chain.number)
                lowest = (chain.addresses.code(low[0]), low[1], score)
            life.seats[role] = Seats(codes, found, lowest)
        orders = feed.fees.get(topic_id, np.empty(0, np.int64))
        past = np.flatnonzero(height_of(orders) <= last)
        life.fees_done = int(orders[past[-1]]) if len(past) else 0
        for nonce, took in each["accepted"]:
            life.accepted[nonce] = accepted_again(chain, feed, topic_id, nonce, took)
        restore_forecasts(chain, feed.roles["forecaster"], topic_id, each["forecasts"])
        if each["waiting"] is not None:
            life.waiting = waiting_again(chain, feed, topic_id, each["waiting"])


def waiting_again(chain: Chain, feed: Feed, topic_id: int, document: dict[str, Any]) -> Waiting:
    """The settled nonce that waits for its rewards, in the rows of the feed at hand."""
    life, nonce = chain.lives[topic_id], document["nonce"]
    life.refresh(chain.module, chain.number)
    assert life.numbers is not None
    codes = chain.addresses.codes(document["reputers"])
    payloads = feed.roles["reputer"]
    reports = payloads.find(topic_id, nonce, codes)
    took = accepted_again(chain, feed, topic_id, nonce, document["accepted"])
    close = Close(topic_id, nonce, took, life.numbers, codes, reports)
    return Waiting(close, numbers_of(document["losses"], chain.number))


def restore_forecasts(
    chain: Chain, payloads: Payloads, topic_id: int, forecasts: list[Any]
) -> None:
    """Elements that count of the forecasts of the active set."""
    held = chain.lives[topic_id].seats["forecaster"]
    by_actor = dict(zip(held.actors.tolist(), held.submissions.tolist(), strict=True))
    for forecaster, inferers in forecasts:
        submission = by_actor[chain.addresses.code(forecaster)]
        chain.chosen[submission] = rows_about(chain, payloads, submission, inferers)


def rows_about(chain: Chain, payloads: Payloads, submission: int, inferers: list[str]) -> Any:
    """Rows of a forecast about some inferers, the first of each, in its order."""
    begin, end = int(payloads.begin[submission]), int(payloads.end[submission])
    named = payloads.columns["inferer"][begin:end].tolist()
    codes = chain.addresses.codes(inferers).tolist()
    return begin + np.sort(np.array([named.index(code) for code in codes], np.int64))


def accepted_again(
    chain: Chain, feed: Feed, topic_id: int, nonce: int, took: dict[str, Any]
) -> Accepted:
    """What a worker close took, in the rows of the feed at hand."""
    inferers = chain.addresses.codes(took["inferers"])
    forecasters = chain.addresses.codes(took["forecasters"])
    inferences = feed.roles["inferer"].find(topic_id, nonce, inferers)
    payloads = feed.roles["forecaster"]
    forecasts = payloads.find(topic_id, nonce, forecasters)
    elements = [np.empty(0, np.int64)]
    at = 0
    for submission, count in zip(forecasts.tolist(), took["counts"], strict=True):
        named = took["elements"][at : at + count]
        elements.append(rows_about(chain, payloads, submission, named))
        at += count
    return Accepted(
        inferers,
        forecasters,
        inferences,
        forecasts,
        np.concatenate(elements),
        np.array(took["counts"], np.int64),
        tuple(took["labels"]),
    )


def under_way(chain: Chain) -> Checkpoint:
    """A checkpoint of what names payloads alone, for `seat`."""
    lives = [life_of(chain, topic_id) for topic_id in chain.lives]
    return Checkpoint({"height": chain.height, "lives": lives}, "")

"""What nodes answer about blocks, brought to one form.

A node tells a block in several ways: CometBFT's ``/block`` and ``/block_results``, its websocket,
the REST interface of the Cosmos SDK, single transactions. Every answer becomes `Record` values
that name their height; `allora_core.blocks.files` joins the records of one height.

Sources: CometBFT 0.38 RPC, Cosmos SDK 0.50 REST; recorded answers in ``tests/vectors/blocks``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, Literal, NamedTuple

import orjson

__all__ = ["BlockError", "Event", "Kind", "Record", "TransactionResult", "Where", "records_of"]

Kind = Literal["block", "results", "events", "transaction", "state", "indexer"]
"""block: header and transactions. results: result codes and all events. events: block-level events
alone. transaction: one transaction's result and events. state: genesis or an answer of a query.
indexer: what the chain's indexer kept of a block, without result codes."""

TEXT = frozenset((str,))
NANOSECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")


@dataclass(frozen=True, slots=True)
class Where:
    """The place of an answer: its file or address, line, and height where known."""

    source: str
    line: int | None = None
    height: int | None = None

    def __str__(self) -> str:
        parts = [self.source]
        if self.line is not None:
            parts.append(f"line {self.line}")
        if self.height is not None:
            parts.append(f"height {self.height}")
        return ", ".join(parts)


class BlockError(ValueError):
    """Block data that cannot be read, or that contradicts other block data.

    Attributes:
        where: the place of the answer at fault.
        what: the fault without its place.
    """

    def __init__(self, where: Where, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where = where
        self.what = what


class Event(NamedTuple):
    """One event as the chain emitted it; attribute values are text, JSON inside typed events."""

    type: str
    attributes: dict[str, str]


@dataclass(frozen=True, slots=True)
class TransactionResult:
    """What became of one transaction. ``code`` 0 means that it was executed.

    ``data`` holds the answers to its messages, None where the node did not tell them.
    """

    code: int
    events: tuple[Event, ...]
    data: bytes | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One answer about one height.

    Attributes:
        kind: what the answer holds, see `Kind`.
        key: tells records of one kind and height apart; a transaction's hash, a state's name.
        height: the block; of a state the block after whose end it holds.
        chain_id: None where the answer does not name its chain.
        digest: of the content; equal for equal content, however the JSON was laid out.
        transactions: raw bytes in the block's order (kinds block and transaction).
        results: one each in the block's order (kinds results and transaction).
        index: place in the block of a single transaction, where told.
        state: the JSON of a state.
        messages: of a single transaction, as JSON, where there are no raw bytes.
    """

    kind: Kind
    key: str
    height: int
    chain_id: str | None
    where: Where
    digest: str
    time: str | None = None
    hash: str | None = None
    proposer: str | None = None
    transactions: tuple[bytes, ...] = ()
    results: tuple[TransactionResult, ...] = ()
    events: tuple[Event, ...] = ()
    index: int | None = None
    state: dict[str, Any] | None = None
    messages: tuple[Any, ...] = ()


def records_of(document: Any, where: Where, height: int | None = None) -> Iterator[Record]:
    """The records in one parsed JSON document.

    Args:
        document: an answer of a node, a list of answers, a list of events, or a genesis.
        where: named by errors.
        height: of answers that name none themselves (events alone, answers of state queries).

    Raises:
        BlockError: the document is none of these, or a field is missing or malformed.
    """
    answers = document if isinstance(document, list) else [document]
    bare = bool(answers) and all(
        isinstance(each, dict) and "attributes" in each for each in answers
    )
    if bare:
        answers = [answers]
    for answer in answers:
        try:
            if bare:
                yield bare_events(answer, where, height)
            elif isinstance(answer, dict):
                yield from answer_records(answer, where, height)
            else:
                raise BlockError(where, "neither an answer of a node nor a genesis")
        except BlockError:
            raise
        except KeyError as error:
            raise BlockError(told(answer, where), f"field {error.args[0]} is missing") from None
        except (TypeError, AttributeError) as error:
            what = f"a field has a wrong shape ({error})"
            raise BlockError(told(answer, where), what) from None
        except ValueError as error:
            raise BlockError(told(answer, where), str(error)) from None


def told(answer: Any, where: Where) -> Where:
    """The place of an answer at fault, with the height that it tells, if it can be found."""
    try:
        result = answer.get("result", answer)
        header = result["block"]["header"] if "block" in result else result
        return at_height(where, whole_number(header["height"], "height", where))
    except (BlockError, KeyError, TypeError, AttributeError):
        return where


def answer_records(document: dict[str, Any], where: Where, height: int | None) -> Iterator[Record]:
    """The records of one answer, recognised by its fields."""
    if document.get("error"):
        raise BlockError(where, f"the node answered with an error: {document['error']}")
    answer = document.get("result", document)
    if "endpoint" in document and "data" in document:
        answer = document["data"]
        stated = (document.get("headers") or {}).get("x-cosmos-block-height")
        height = whole_number(stated, "x-cosmos-block-height", where) if stated else height
    if not isinstance(answer, dict):
        raise BlockError(where, "the result of the answer is no object")
    if not answer and "result" in document:
        return  # what a node says to a subscription before its first event
    if "block" in answer and "block_id" in answer:
        yield block_record(answer, where)
    elif "finalize_block_events" in answer or "txs_results" in answer:
        yield results_record(answer, where)
    elif "app_state" in answer:
        yield genesis_record(answer, where)
    elif isinstance(answer.get("data"), dict) and "value" in answer["data"]:
        yield from websocket_records(answer["data"], where)
    elif "tx_responses" in answer:
        found = [rest_transaction(response, where) for response in answer["tx_responses"]]
        yield from sorted(found, key=lambda record: record.height)
    elif "tx_response" in answer:
        yield rest_transaction(answer["tx_response"], where)
    elif "total_count" in answer and "txs" in answer:
        found = [rpc_transaction(each, where) for each in answer["txs"]]
        yield from sorted(found, key=lambda record: record.height)
    elif "tx_result" in answer:
        yield rpc_transaction(answer, where)
    elif "params" in answer or "topic" in answer:
        yield state_record(answer, where, height)
    else:
        names = ", ".join(list(answer)[:20])
        raise BlockError(where, f"no answer that is known here; its fields: {names[:200]}")


def whole_number(text: Any, name: str, where: Where) -> int:
    """A height or code, which JSON holds as text or number."""
    if isinstance(text, bool) or not isinstance(text, (str, int)):
        raise BlockError(where, f"{name} is {type(text).__name__}, not a whole number")
    if isinstance(text, str) and not (text.isascii() and text.isdigit()):
        raise BlockError(where, f"{name} is {text[:60]!r}, not a whole number")
    if len(str(text)) > 19 or not 0 <= int(text) < 2**63:
        raise BlockError(where, f"{name} {str(text)[:60]} is out of range")
    return int(text)


def at_height(where: Where, height: int) -> Where:
    """The same place, its height known now."""
    return Where(where.source, where.line, height)


def digest_of(content: Any) -> str:
    """128 bits over the content, the same for any layout of the JSON."""
    packed = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(packed, digest_size=16).hexdigest()


def decoded(text: Any, name: str, where: Where) -> bytes:
    """The bytes of base64 text."""
    if not isinstance(text, str):
        raise BlockError(where, f"{name} is no text")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BlockError(where, f"{name} is no valid base64: {error}") from None


def in_hex(text: Any, name: str, size: int, where: Where) -> str:
    """A hash or address of a validator in hex; REST writes it in base64."""
    if isinstance(text, str) and re.fullmatch(f"[0-9A-Fa-f]{{{2 * size}}}", text):
        return text.upper()
    read = decoded(text, name, where)
    if len(read) != size:
        raise BlockError(where, f"{name} has {len(read)} bytes, not {size}")
    return read.hex().upper()


def events_of(events: Any, where: Where) -> tuple[Event, ...]:
    """Events with their attributes by name; the first of a repeated name is kept."""
    return tuple(
        [
            Event(event["type"], attributes_of(event, event.get("attributes") or (), where))
            for event in events or ()
        ]
    )


def attributes_of(event: dict[str, Any], listed: Any, where: Where) -> dict[str, str]:
    """One event's attributes by name."""
    if not isinstance(event["type"], str):
        raise BlockError(where, "the type of an event is no text")
    attributes = {each["key"]: each.get("value") for each in listed}
    if len(attributes) == len(listed) and TEXT.issuperset(
        map(type, chain(attributes, attributes.values()))
    ):
        return attributes
    attributes.clear()
    for each in listed:
        key, value = each["key"], each.get("value")
        value = "" if value is None else value
        if not isinstance(key, str) or not isinstance(value, str):
            raise BlockError(where, f"an attribute of event {event['type']} is no text")
        attributes.setdefault(key, value)
    return attributes


def plain(events: tuple[Event, ...]) -> list[Any]:
    """Events as JSON for a digest."""
    return [list(event) for event in events]


def check_time(text: str, where: Where) -> None:
    """A block's time must be one that the archive can hold."""
    if not NANOSECONDS.fullmatch(text):
        raise BlockError(where, f"time {text[:60]!r} is no UTC time")
    try:
        seconds = datetime.fromisoformat(text[:19])
    except ValueError as error:
        raise BlockError(where, f"time {text!r}: {error}") from None
    if not 1970 <= seconds.year <= 2200:
        raise BlockError(where, f"time {text!r} is out of range")


def block_record(answer: dict[str, Any], where: Where) -> Record:
    """``/block``, or a block over REST."""
    header = answer["block"]["header"]
    height = whole_number(header["height"], "header.height", where)
    where = at_height(where, height)
    check_time(header["time"], where)
    texts = (answer["block"].get("data") or {}).get("txs") or []
    transactions = tuple(
        decoded(text, f"transaction {index}", where) for index, text in enumerate(texts)
    )
    block_hash = in_hex(answer["block_id"]["hash"], "block hash", 32, where)
    content = [block_hash, header["chain_id"], header["time"], texts]
    return Record(
        "block",
        "",
        height,
        header["chain_id"],
        where,
        digest_of(content),
        time=header["time"],
        hash=block_hash,
        proposer=in_hex(header["proposer_address"], "proposer_address", 20, where),
        transactions=transactions,
    )


def transaction_result(result: dict[str, Any], name: str, where: Where) -> TransactionResult:
    """Code, events and answers of one transaction."""
    data = result.get("data")
    if data and "txhash" in result:  # REST writes it in hex
        if not re.fullmatch(r"([0-9A-Fa-f]{2})*", data):
            raise BlockError(where, f"data of {name} is no hex")
        data = base64.b64encode(bytes.fromhex(data)).decode()
    read = decoded(data, f"data of {name}", where) if data else None
    return TransactionResult(
        whole_number(result.get("code", 0), f"code of {name}", where),
        events_of(result.get("events"), where),
        read,
    )


def results_record(answer: dict[str, Any], where: Where) -> Record:
    """``/block_results``."""
    height = whole_number(answer["height"], "height", where)
    where = at_height(where, height)
    results = tuple(
        transaction_result({"code": result["code"], **result}, f"transaction {index}", where)
        for index, result in enumerate(answer["txs_results"] or ())
    )
    # Nodes before CometBFT 0.38 had the block's events elsewhere; none must be lost in silence.
    events = events_of(answer["finalize_block_events"], where)
    content = [[[result.code, plain(result.events)] for result in results], plain(events)]
    return Record(
        "results", "", height, None, where, digest_of(content), results=results, events=events
    )


def websocket_records(data: dict[str, Any], where: Where) -> Iterator[Record]:
    """What a subscription delivers: block-level events, or one transaction."""
    value = data["value"]
    if data["type"] == "tendermint/event/NewBlockEvents":
        height = whole_number(value["height"], "height", where)
        where = at_height(where, height)
        events = events_of(value["events"], where)
        digest = digest_of(plain(events))
        yield Record("events", "", height, None, where, digest, events=events)
    elif data["type"] == "tendermint/event/Tx":
        result = value["TxResult"]
        raw = decoded(result["tx"], "transaction", where)
        # Fields of zero are left out here, so that the first transaction has no index.
        result = {"index": 0, **result}
        digest = hashlib.sha256(raw).hexdigest()
        yield transaction_record(digest, result, result["result"], where, result)
    else:
        raise BlockError(where, f"websocket events of type {data['type']} are not read")


def rest_transaction(response: dict[str, Any], where: Where) -> Record:
    """One answer of ``cosmos/tx``: messages as JSON, neither raw bytes nor the block's order."""
    messages = ((response.get("tx") or {}).get("body") or {}).get("messages") or []
    return transaction_record(response["txhash"], response, response, where, {}, messages)


def rpc_transaction(answer: dict[str, Any], where: Where) -> Record:
    """One answer of ``/tx``, or an entry of ``/tx_search``."""
    return transaction_record(answer["hash"], answer, answer["tx_result"], where, answer)


def transaction_record(
    transaction_hash: str,
    placed: dict[str, Any],
    result: dict[str, Any],
    where: Where,
    answer: dict[str, Any],
    messages: list[Any] | None = None,
) -> Record:
    """One transaction by itself."""
    height = whole_number(placed["height"], "height", where)
    where = at_height(where, height)
    if not re.fullmatch(r"[0-9A-Fa-f]{64}", transaction_hash):
        raise BlockError(where, f"{transaction_hash[:80]!r} is no hash of a transaction")
    found = transaction_result(result, f"transaction {transaction_hash}", where)
    raw = () if answer.get("tx") is None else (decoded(answer["tx"], "transaction", where),)
    if raw and hashlib.sha256(raw[0]).hexdigest() != transaction_hash.lower():
        raise BlockError(where, f"transaction {transaction_hash} has bytes of another hash")
    index = answer.get("index")
    return Record(
        "transaction",
        transaction_hash.upper(),
        height,
        None,
        where,
        digest_of([found.code, plain(found.events)]),
        transactions=raw,
        results=(found,),
        index=None if index is None else whole_number(index, "index", where),
        messages=tuple(messages or ()),
    )


def bare_events(items: list[Any], where: Where, height: int | None) -> Record:
    """A list of events and nothing else."""
    if height is None:
        raise BlockError(where, "events without a height: state it, or end the file's name with it")
    where = at_height(where, height)
    events = events_of(items, where)
    return Record("events", "", height, None, where, digest_of(plain(events)), events=events)


def genesis_record(answer: dict[str, Any], where: Where) -> Record:
    """A genesis or exported state: it holds after the block before its initial height."""
    first = whole_number(answer.get("initial_height", 1), "initial_height", where)
    height = max(first - 1, 0)
    where = at_height(where, height)
    digest = digest_of(answer["app_state"])
    return Record("state", "genesis", height, answer["chain_id"], where, digest, state=answer)


def state_record(answer: dict[str, Any], where: Where, height: int | None) -> Record:
    """Answers of the queries for parameters and for a topic."""
    if height is None:
        raise BlockError(where, "an answer of a state query without a height: state it")
    if "topic" in answer:
        key = f"topic {answer['topic']['id']}"
    else:
        key = "mint params" if "mint_denom" in answer["params"] else "emissions params"
    where = at_height(where, height)
    return Record("state", key, height, None, where, digest_of(answer), state=answer)

"""The rows of one height: its records joined, checked against each other, decoded."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path

from ..archive.schema import Rows
from ..archive.transactions import Executed, created_topic
from ..blocks.answers import BlockError, Record, TransactionResult, check_time
from ..blocks.events import add_event
from ..blocks.messages import add_messages
from ..blocks.states import add_state

__all__ = ["Gathered", "add_height", "lacks_bytes", "lacks_results"]


@dataclass
class Gathered:
    """What heights bring: rows, and executed transactions to be decoded all at once."""

    rows: Rows = field(default_factory=Rows)
    executed: list[Executed] = field(default_factory=list)

    def mark(self) -> tuple[dict[str, int], int]:
        """How much there is, for `undo`."""
        return self.rows.mark(), len(self.executed)

    def undo(self, mark: tuple[dict[str, int], int]) -> None:
        """Drop what came since `mark`."""
        self.rows.undo(mark[0])
        del self.executed[mark[1] :]


def lacks_results(records: list[Record]) -> bool:
    """Whether a transaction of this height has no result code."""
    kinds = {record.kind for record in records}
    alone = {record.key for record in records if record.kind == "transaction"}
    return "results" not in kinds and any(
        hash_of(raw) not in alone
        for record in records
        if record.kind == "block"
        for raw in record.transactions
    )


def lacks_bytes(records: list[Record]) -> bool:
    """Whether transactions of this height are known by their results alone."""
    kinds = {record.kind for record in records}
    return "block" not in kinds and any(
        record.results for record in records if record.kind == "results"
    )


def hash_of(raw: bytes) -> str:
    """A transaction's hash as nodes write it."""
    return sha256(raw).hexdigest().upper()


def add_height(gathered: Gathered, height: int, records: list[Record]) -> None:
    """All rows of one height.

    Raises:
        BlockError: records do not fit each other, or an event cannot be decoded.
    """
    rows = gathered.rows
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record.kind, []).append(record)
        add_record(rows, height, record)
    for state in found.get("state", []):
        add_state(rows, state)
    for kept in found.get("indexer", []):
        add_indexed(rows, kept)
    block = found.get("block", [None])[0]
    results = found.get("results", [None])[0]
    alone = {record.key: record for record in found.get("transaction", [])}
    placed = {} if block is None else add_block(gathered, block, results, alone)
    if results is not None:
        check_same_events(results, found.get("events", []))
        for index, result in enumerate(results.results):
            add_result(rows, results, result, index)
        add_events(rows, results)
        return
    for key, record in alone.items():
        if key not in placed:
            if block is not None:
                raise BlockError(
                    record.where, f"transaction {key} is not in the block of {block.where}"
                )
            add_single(gathered, record)
        add_result(rows, record, record.results[0], placed.get(key, record.index))
    for record in found.get("events", []):
        add_events(rows, record)


def add_record(rows: Rows, height: int, record: Record) -> None:
    """What the record was and where it came from."""
    source = record.where.source
    rows.add(
        "records",
        {},
        1,
        height=height,
        kind=record.kind,
        key=record.key,
        digest=record.digest,
        source=source if "://" in source else Path(source).name,
        line=record.where.line,
    )


def check_same_events(results: Record, others: list[Record]) -> None:
    """A websocket's block events must be those of the results."""
    for other in others:
        if other.events != results.events:
            raise BlockError(other.where, f"events differ from those in {results.where}")


def add_block(
    gathered: Gathered, block: Record, results: Record | None, alone: dict[str, Record]
) -> dict[str, int]:
    """Header and transactions; returns the transactions' places by hash."""
    transactions = block.transactions
    hashes = [hash_of(raw) for raw in transactions]
    codes: list[int | None] = [
        alone[each].results[0].code if each in alone else None for each in hashes
    ]
    if results is not None:
        if len(results.results) != len(transactions):
            raise BlockError(
                results.where,
                f"{len(results.results)} results for {len(transactions)} transactions",
            )
        codes = [result.code for result in results.results]
    gathered.rows.add(
        "blocks",
        {},
        1,
        height=block.height,
        time=block.time,
        hash=block.hash,
        proposer_address=block.proposer,
        num_txs=len(transactions),
    )
    gathered.rows.add(
        "txs",
        {},
        len(transactions),
        height=block.height,
        tx_index=list(range(len(transactions))),
        hash=hashes,
        code=codes,
        size=[len(raw) for raw in transactions],
        raw=list(transactions),
    )
    answers = [alone[each].results[0].data if each in alone else None for each in hashes]
    if results is not None:
        answers = [result.data for result in results.results]
    gathered.executed += [
        Executed(
            transactions[index], block.height, index, hashes[index], block.where, answers[index]
        )
        for index, code in enumerate(codes)
        if code == 0
    ]
    return {each: index for index, each in enumerate(hashes)}


def add_single(gathered: Gathered, record: Record) -> None:
    """A transaction that came by itself."""
    code = record.results[0].code
    raw = record.transactions[0] if record.transactions else None
    gathered.rows.add(
        "txs",
        {},
        1,
        height=record.height,
        tx_index=record.index,
        hash=record.key,
        code=code,
        size=None if raw is None else len(raw),
        raw=raw,
    )
    if raw is None and code == 0:
        add_read_messages(gathered.rows, record)
    if raw is not None and code == 0:
        data = record.results[0].data
        gathered.executed.append(
            Executed(raw, record.height, record.index, record.key, record.where, data)
        )


def add_read_messages(rows: Rows, record: Record) -> None:
    """Messages of an executed transaction that came as JSON."""
    data = record.results[0].data
    origin = {"height": record.height, "tx_index": record.index}
    created = None if data is None else partial(created_topic, data)
    where, name = record.where, f"transaction {record.key} was executed but cannot be read"
    try:
        add_messages(rows, record.messages, origin, "transaction", created)
    except KeyError as error:
        raise BlockError(where, f"{name}: field {error.args[0]} is missing") from None
    except (TypeError, AttributeError, ValueError) as error:
        raise BlockError(where, f"{name}: {error}") from None


def add_indexed(rows: Rows, record: Record) -> None:
    """What the indexer kept of a block; its messages may be of transactions that failed."""
    if record.hash is not None:
        check_time(record.time or "", record.where)
        rows.add(
            "blocks",
            {"height": record.height},
            1,
            time=record.time,
            hash=record.hash,
            proposer_address=record.proposer,
        )
    for index, message in enumerate(record.messages):
        mark = rows.mark()
        origin = {"height": record.height, "msg_index": index}
        try:
            add_messages(rows, [message], origin, "indexer")
        except (KeyError, TypeError, AttributeError, ValueError):
            # Nobody says that the chain took it, so that it is no error here.
            rows.undo(mark)
            type_url = str(message["@type"])
            rows.add("messages", origin, 1, type_url=type_url, is_decoded=False)
    add_events(rows, record)


def add_result(rows: Rows, record: Record, result: TransactionResult, index: int | None) -> None:
    """The events of a transaction; of a failed one nothing happened."""
    if result.code == 0:
        for number, event in enumerate(result.events):
            origin = {"height": record.height, "tx_index": index, "event_index": number}
            add_event(rows, event, origin, record.where)


def add_events(rows: Rows, record: Record) -> None:
    """Block-level events."""
    for number, event in enumerate(record.events):
        add_event(rows, event, {"height": record.height, "event_index": number}, record.where)

"""Transactions that the chain executed, as rows of the archive's tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..archive.schema import DECIMAL, SUFFIX, TABLES, TableForm, nearest_floats
from ..blocks.answers import BlockError, Where
from ..blocks.fields import shortened
from ..wire import WireTables, decode_transactions

__all__ = ["Executed", "created_topic", "decoded_tables"]

SOURCE = "transaction"
INNER_BITS = 20


@dataclass(frozen=True, slots=True)
class Executed:
    """A transaction whose result code is 0.

    Attributes:
        raw: the bytes in the block.
        index: its place in the block, where known.
        hash: in hex, named by errors.
        where: the answer it came with.
        data: the chain's answers to its messages.
    """

    raw: bytes
    height: int
    index: int | None
    hash: str
    where: Where
    data: bytes | None = None


def decoded_tables(executed: list[Executed]) -> tuple[dict[str, pa.Table], BlockError | None]:
    """Rows of all transactions, and the error of the first that cannot be read.

    The chain has executed these transactions: one that cannot be read is never left out in silence.

    Args:
        executed: in ascending order of heights.

    Returns:
        Tables by name in the archive's schema, and None or an error that names height, hash and
        place; its ``where.height`` is the first height whose rows are not whole.
    """
    if not executed:
        return {}, None
    wire = decode_transactions([each.raw for each in executed])
    versions = versions_by_key(wire.messages)
    tables = {}
    faults: list[tuple[int, str]] = []
    for name, known in TABLES.items():
        table = getattr(wire, name, None)
        if table is not None and table.num_rows:
            table = table.combine_chunks()
            if name == "topics":
                table = with_created_ids(table, executed)
            for column in known.decimals:
                if column in table.column_names:
                    table, wrong = without_wrong_decimals(table, column)
                    faults += wrong
            tables[name] = archive_table(table, known, executed, versions)
    return tables, first_fault(wire, executed, faults)


def without_wrong_decimals(table: pa.Table, column: str) -> tuple[pa.Table, list[tuple[int, str]]]:
    """The table with null for every text that is no decimal, and what is wrong where."""
    texts = table[column].combine_chunks()
    try:
        nearest_floats(texts)
    except pa.ArrowInvalid:
        right = pc.match_substring_regex(texts, rf"^(?:{DECIMAL})?$")
        wrong = table.filter(pc.invert(pc.fill_null(right, True)))
        faults = [
            (row["transaction"], f"{place(row['message'])}{column} is {shortened(row[column])}")
            for row in wrong.to_pylist()
        ]
        place_of_column = table.column_names.index(column)
        return table.set_column(place_of_column, column, pc.if_else(right, texts, None)), faults
    return table, []


def first_fault(
    wire: WireTables, executed: list[Executed], faults: list[tuple[int, str]]
) -> BlockError | None:
    """The error of the first transaction that cannot be read, `faults` among them."""
    faults = faults + [
        (
            row["transaction"],
            f"{place(row['message'])}byte {row['offset']}: {row['cause']}",
        )
        for row in wire.faults.to_pylist()
    ]
    unknown = pc.and_(
        pc.and_(pc.is_valid(wire.messages["name"]), pc.invert(wire.messages["is_decoded"])),
        pc.not_equal(wire.messages["name"], "MsgExec"),
    )
    faults += [
        (row["transaction"], f"{place(row['message'])}{row['type_url']} is not known here")
        for row in wire.messages.filter(unknown).to_pylist()
    ]
    if not faults:
        return None
    at, what = min(faults)
    found = executed[at]
    where = Where(found.where.source, found.where.line, found.height)
    return BlockError(where, f"transaction {found.hash} was executed but cannot be read: {what}")


def with_created_ids(topics: pa.Table, executed: list[Executed]) -> pa.Table:
    """Topics with the ids that the chain answered where the transaction created one."""
    ids = topics["topic_id"].to_pylist()
    inner = topics["inner"].to_pylist()
    keys = zip(topics["transaction"].to_pylist(), topics["message"].to_pylist(), strict=True)
    for row, (transaction, message) in enumerate(keys):
        data = executed[transaction].data
        if ids[row] is None and inner[row] is None and data is not None:
            ids[row] = created_topic(data, message)
    place = topics.column_names.index("topic_id")
    return topics.set_column(place, "topic_id", pa.array(ids, pa.int64()))


def created_topic(data: bytes, message: int) -> int | None:
    """The topic id in the answer to one message; None where the answer holds none.

    TxMsgData{2 msg_responses: Any{1 type_url, 2 value}}, CreateNewTopicResponse{1 topic_id}.
    """
    answers = [value for number, value in fields_of(data) if number == 2]
    written = answers[message] if message < len(answers) else None
    if not isinstance(written, bytes):
        return None
    answer = dict(fields_of(written))
    type_url, value = answer.get(1), answer.get(2)
    if not isinstance(type_url, bytes) or not isinstance(value, bytes):
        return None
    if not type_url.endswith(b"CreateNewTopicResponse"):
        return None
    found = dict(fields_of(value)).get(1)
    return found if isinstance(found, int) and found < 2**63 else None


def fields_of(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    """Number and value of each varint and each field with a length, up to one that is neither."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        value, at = varint(data, at)
        if key & 7 == 2:
            yield key >> 3, data[at : at + value]
            at += value
        elif key & 7 == 0:
            yield key >> 3, value
        else:
            return


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A varint and the place after it; what is cut off ends at the end."""
    value = shift = 0
    while at < len(data) and shift < 64:
        byte = data[at]
        value |= (byte & 127) << shift
        at += 1
        shift += 7
        if byte < 128:
            break
    return value, at


def place(message: int | None) -> str:
    """A message as errors name it."""
    return "" if message is None else f"message {message}, "


def keys_of(table: pa.Table) -> Any:
    """One ascending number a message, the inner ones of a MsgExec after itself."""
    inner = pc.fill_null(table["inner"], -1).to_numpy() + 1
    outer = table["transaction"].to_numpy() << INNER_BITS | table["message"].to_numpy()
    return outer << INNER_BITS | inner


def versions_by_key(messages: pa.Table) -> tuple[Any, pa.Array]:
    """API versions of all messages, to be found by their keys."""
    keys = keys_of(messages)
    order = np.argsort(keys, kind="stable")
    return keys[order], messages["api_version"].combine_chunks().take(pa.array(order))


def archive_table(
    table: pa.Table, known: TableForm, executed: list[Executed], versions: tuple[Any, pa.Array]
) -> pa.Table:
    """A decoder's table in the archive's schema."""
    transaction = table["transaction"].combine_chunks()
    rows = table.num_rows
    given: dict[str, Any] = {
        "height": pa.array([each.height for each in executed], pa.int64()).take(transaction),
        "tx_index": pa.array([each.index for each in executed], pa.int64()).take(transaction),
        "msg_index": table["message"],
        "event_index": pa.nulls(rows, pa.int64()),
        "api_version": versions[1].take(pa.array(np.searchsorted(versions[0], keys_of(table)))),
        "source": pa.repeat(SOURCE, rows),
    }
    columns: list[Any] = []
    for field in known.schema:
        if field.name.endswith(SUFFIX):
            columns.append(nearest_floats(columns[-1]))
        elif field.name in given:
            columns.append(flat(given[field.name]))
        elif field.name in table.column_names:
            columns.append(flat(table[field.name]))
        else:
            columns.append(pa.nulls(rows, field.type))
    return pa.Table.from_arrays(columns, schema=known.schema)


def flat(column: Any) -> Any:
    """A column in one piece."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column

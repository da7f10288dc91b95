"""Tables of the chain's indexer (allora-indexer), dumped as CSV or Parquet.

Three tables hold all there is, digit for digit: ``block_info``, ``messages`` (each message as
JSON) and ``events`` (attributes as JSON). The indexer's other tables are derived from these, and
less exact: scores, averages and rewards are cut at 18 places, and the losses of one forecaster
without one inferer are left out; they are not read. The indexer keeps no result codes: its
messages may be of transactions that failed.

Sources: allora-indexer, ``db.go``, ``process_tx.go``, ``process_events.go``, 2024.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import orjson

from ..blocks.answers import BlockError, Event, Record, Where, digest_of, in_hex, whole_number

__all__ = ["dump_chain", "dump_files", "dump_heights", "skipped_tables"]

ENDINGS = (".csv", ".csv.gz", ".parquet")
COLUMNS = {
    "block_info": ("height", "block_hash", "chain_id", "block_time", "proposer_address"),
    "messages": ("height", "type", "data", "id"),
    # Of events the one or the other is the block, as far as the first is filled.
    "events": ("COALESCE(height_tx, height)", "type", "data", "id"),
}
SENT_COPY = "messages hold the same, as it was sent"
TOLD_COPY = "events hold the same, as it was told"
CUT = "cut at 18 places; events hold every digit"
PARTLY = "without the losses of one forecaster without one inferer; events hold all"
DERIVED = {
    **dict.fromkeys(("topics", "addresses", "worker_registrations", "transfers"), SENT_COPY),
    **dict.fromkeys(("inferences", "forecasts", "forecast_values"), SENT_COPY),
    **dict.fromkeys(("reputer_payload", "reputer_bundles", "bundle_values"), SENT_COPY),
    **dict.fromkeys(("scores", "ema_scores", "rewards"), CUT),
    **dict.fromkeys(("networklosses", "networkloss_bundle_values"), PARTLY),
    **dict.fromkeys(("topic_rewards", "topic_forecasting_scores", "tokenomics"), TOLD_COPY),
    **dict.fromkeys(("ecosystem_token_mint", "reward_current_block_emission"), TOLD_COPY),
    "last_commit_values": TOLD_COPY,
    "consensus_params": "the archive has no place for it",
}
"""Tables that are not read, and why."""
FETCHED = 5_000

Row = tuple[int, str, tuple[Any, ...]]
"""Height, table, and the other columns."""


def dump_files(source: Path) -> dict[str, Path]:
    """The files of a folder that hold tables of the indexer, by table; none if it is no dump.

    Raises:
        ValueError: only tables are there that are not read.
    """
    if not source.is_dir():
        return {}
    found = files_of(source, COLUMNS)
    if {"block_info", "messages"} & found.keys():
        return found
    skipped = skipped_tables(source)
    if skipped and not found and not any(source.glob("*.json*")):
        listed = "; ".join(f"{table}: {why}" for table, why in skipped)
        raise ValueError(f"{source}: neither block_info nor messages, and not read are {listed}")
    return {}


def files_of(source: Path, tables: Iterable[str]) -> dict[str, Path]:
    """The files of a folder by table."""
    return {
        table: path
        for table in tables
        for ending in ENDINGS
        for path in [source / f"{table}{ending}"]
        if path.is_file()
    }


def skipped_tables(source: Path) -> list[tuple[str, str]]:
    """The tables of a dump that are there and are not read, each with the reason."""
    return [(table, DERIVED[table]) for table in files_of(source, DERIVED)]


def opened(table: str, path: Path) -> duckdb.DuckDBPyConnection:
    """A table's rows as text, in the order of heights.

    Raises:
        BlockError: the file is damaged or lacks a column.
    """
    database = duckdb.connect()
    text = str(path).replace("'", "''")
    if path.suffix == ".parquet":
        source = f"read_parquet('{text}')"
    else:
        source = (
            f"read_csv('{text}', header = true, all_varchar = true, quote = '\"', escape = '\"', "
            "delim = ',', strict_mode = true, max_line_size = 268435456)"
        )
    height = COLUMNS[table][0]
    columns = ", ".join(f"CAST({name} AS VARCHAR)" for name in COLUMNS[table])
    order = ", TRY_CAST(id AS BIGINT)" if "id" in COLUMNS[table] else ""
    try:
        return database.execute(
            f"SELECT {columns} FROM {source} ORDER BY TRY_CAST({height} AS BIGINT) NULLS FIRST"
            + order
        )
    except duckdb.Error as error:
        raise BlockError(Where(str(path)), f"table {table}: {first_line(error)}") from None


def first_line(error: Exception) -> str:
    """The gist of a database's error."""
    return str(error).strip().split("\n", 1)[0]


def rows_of(table: str, path: Path) -> Iterator[Row]:
    """Rows of one table, ascending by height."""
    where = Where(str(path))
    found = opened(table, path)
    while True:
        try:
            batch = found.fetchmany(FETCHED)
        except duckdb.Error as error:
            raise BlockError(where, f"table {table}: {first_line(error)}") from None
        if not batch:
            return
        for height, *others in batch:
            yield whole_number(height, f"height in {table}", where), table, tuple(others)


def dump_chain(files: dict[str, Path], stated: str | None) -> str | None:
    """The chain that the first block names, or the stated one."""
    if "block_info" in files:
        for _, _, (_, chain_id, *_) in rows_of("block_info", files["block_info"]):
            return stated or str(chain_id)
    return stated


def merged(streams: list[Iterator[Row]]) -> Iterator[Row]:
    """Rows of all tables, ascending by height."""
    return heapq.merge(*streams, key=lambda row: row[0])


def dump_heights(files: dict[str, Path]) -> Iterator[tuple[int, list[Record]]]:
    """One record a height, ascending.

    Raises:
        BlockError: a file is damaged, lacks a column, or a value is malformed.
    """
    streams = [rows_of(table, path) for table, path in files.items()]
    for height, rows in groupby(merged(streams), key=lambda row: row[0]):
        yield height, [record_of(height, list(rows), files)]


def record_of(height: int, rows: list[Row], files: dict[str, Path]) -> Record:
    """What the tables hold of one height."""
    blocks = [row for _, table, row in rows if table == "block_info"]
    where = Where(str(next(iter(files.values())).parent), None, height)
    if len(blocks) > 1:
        raise BlockError(where, f"block_info has {len(blocks)} rows of this height")
    try:
        messages = [message_of(row) for _, table, row in rows if table == "messages"]
        events = [event_of(row) for _, table, row in rows if table == "events"]
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise BlockError(where, f"messages or events: malformed data: {error}") from None
    block_hash = chain_id = time = proposer = None
    if blocks:
        block_hash, chain_id, time, proposer = blocks[0]
        block_hash = in_hex(block_hash, "block_hash", 32, where)
        proposer = in_hex(proposer, "proposer_address", 20, where)
        time = f"{str(time).replace(' ', 'T')[:26]}Z"
    plain = [[event.type, event.attributes] for event in events]
    return Record(
        "indexer",
        "",
        height,
        chain_id,
        where,
        digest_of([block_hash, messages, plain]),
        time=time,
        hash=block_hash,
        proposer=proposer,
        events=tuple(events),
        messages=tuple(messages),
    )


def message_of(row: tuple[Any, ...]) -> dict[str, Any]:
    """One message's JSON."""
    type_url, data, _ = row
    document = orjson.loads(data)
    if not isinstance(document, dict):
        raise ValueError("a message is no object")
    return {"@type": type_url, **document}


def event_of(row: tuple[Any, ...]) -> Event:
    """One event with its attributes."""
    event_type, data, _ = row
    attributes = {}
    for each in orjson.loads(data):
        value = each.get("value")
        attributes[each["key"]] = "" if value is None else value
    if not all(isinstance(text, str) for pair in attributes.items() for text in pair):
        raise ValueError(f"an attribute of {event_type} is no text")
    return Event(event_type, attributes)

"""Parameters and topics as transactions set them, and as events tell them.

A transaction names what it changes, an event everything as it is afterwards. What is compared is
what the transaction names. A topic counts as a module of parameters, one for each of its fields.
"""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa

from ..archive.schema import TABLES
from ..reference.number_text import parse, plain_text

__all__ = ["TOPIC_FIELDS", "changed_values"]

Row = dict[str, Any]

TOPIC_FIELDS = (
    "creator",
    "metadata",
    "loss_method",
    "epoch_length",
    "ground_truth_lag",
    "worker_submission_window",
    "allow_negative",
    *(name for name in TABLES["topics"].decimals if name != "initial_regret"),
)
"""Fields of a topic that transactions and events write alike. Kinds of topics are names in events
and numbers in transactions, labels come in another order, and the initial regret is computed."""

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def changed_values(params: pa.Table, topics: pa.Table) -> tuple[pa.Table, pa.Table]:
    """What events tell of the fields that transactions set, and what the transactions hold.

    Args:
        params, topics: tables of an archive, rows of all sources.

    Returns:
        Both in the schema of ``params``.
    """
    rows = [*params.to_pylist(), *of_topics(topics)]
    sent = [row for row in rows if row["source"] == "transaction" and row["value"] is not None]
    for row in sent:
        if NUMBER.fullmatch(row["value"]):
            row["value"] = plain_text(parse(row["value"]))
    named = {place_of(row) for row in sent}
    told = [row for row in rows if row["source"] == "event" and place_of(row) in named]
    schema = TABLES["params"].schema
    return pa.Table.from_pylist(told, schema), pa.Table.from_pylist(sent, schema)


def place_of(row: Row) -> tuple[Any, ...]:
    """The message that set a value, and which value."""
    return tuple(row[name] for name in ("height", "tx_index", "msg_index", "module", "name"))


def of_topics(topics: pa.Table) -> list[Row]:
    """One row for each field of each topic."""
    rows = []
    for row in topics.to_pylist():
        if row["topic_id"] is None or row["source"] not in ("event", "transaction"):
            continue
        for name in TOPIC_FIELDS:
            value = None if row[name] is None else str(row[name])
            rows.append({**row, "module": f"topic {row['topic_id']}", "name": name, "value": value})
    return rows

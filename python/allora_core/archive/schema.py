"""The tables of an archive: columns, order of rows, and rows on their way into columns.

Every table is in long form, one value a row. A decimal is kept twice: the text the chain wrote,
digit for digit, and beside it, named ``…_f64``, the nearest float64 for queries. Null means "not
reported"; NaN is a reported NaN.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["TABLES", "Rows", "TableForm"]

Integers: TypeAlias = npt.NDArray[np.int64]

INTEGERS = {
    "height",
    "tx_index",
    "msg_index",
    "event_index",
    "topic_id",
    "nonce",
    "window_end",
    "registry_size",
    "label_id",
    "num_txs",
    "code",
    "epoch_length",
    "ground_truth_lag",
    "worker_submission_window",
    "completion_height",
    "payout_height",
    "line",
    "size",
    "inner",
}
BOOLEANS = {
    "is_active",
    "is_reputer",
    "outlier_resistant",
    "is_registered",
    "is_cancelled",
    "is_decoded",
}
DECIMAL = r"(?:[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?Infinity|NaN)"
DECIMALS = re.compile(rf"(?:{DECIMAL}(?:\n{DECIMAL})*)?")
SUFFIX = "_f64"
PYTHON_TYPES: dict[str, type] = {
    "int64": int,
    "string": str,
    "bool": bool,
    "binary": bytes,
    "timestamp[ns, tz=UTC]": str,
}
ORIGIN = ("height", "tx_index", "msg_index", "event_index", "api_version")


@dataclass(frozen=True)
class TableForm:
    """One table: its key columns, its decimals (text and float64), the columns rows are sorted by.

    Attributes:
        keys: columns but for decimals, origin not counted.
        decimals: columns held as text and, with ``_f64`` added to the name, as float64.
        order: what rows are sorted by within a file.
        origin: whether rows name the event they come from.
    """

    keys: tuple[str, ...]
    decimals: tuple[str, ...] = ()
    order: tuple[str, ...] = ("height",)
    origin: bool = True

    @cached_property
    def schema(self) -> pa.Schema:
        """Arrow types of all columns."""
        names = dict.fromkeys(self.keys + (ORIGIN if self.origin else ()))
        fields = [pa.field(name, column_type(name)) for name in names]
        for name in self.decimals:
            fields += [pa.field(name, pa.string()), pa.field(f"{name}_f64", pa.float64())]
        return pa.schema(fields)

    @cached_property
    def written(self) -> tuple[str, ...]:
        """Names of the columns that rows give; the float64 columns follow from them."""
        return tuple(name for name in self.schema.names if not name.endswith(SUFFIX))

    @cached_property
    def types(self) -> dict[str, frozenset[type]]:
        """What each written column may hold, null included."""
        return {
            name: frozenset((PYTHON_TYPES[str(self.schema.field(name).type)], type(None)))
            for name in self.written
        }

    def check(self, name: str, values: list[Any]) -> None:
        """Refuse values that the column cannot hold.

        Raises:
            ValueError: a value is of another type, or no decimal.
        """
        types = self.types[name]
        if not types.issuperset(map(type, values)):
            wrong = next(each for each in values if type(each) not in types)
            [expected] = types - {type(None)}
            raise ValueError(f"{name} is {type(wrong).__name__}, not {expected.__name__}")
        if name in self.decimals:
            check_decimals(name, list(filter(None, values)))


def check_decimals(name: str, texts: list[str]) -> None:
    """Refuse texts that are no decimals; all of a list are matched at once.

    Raises:
        ValueError: one is none.
    """
    joined = "\n".join(texts)
    if not DECIMALS.fullmatch(joined) or joined.count("\n") != max(len(texts) - 1, 0):
        wrong = next(each for each in texts if "\n" in each or not DECIMALS.fullmatch(each))
        raise ValueError(f"{name} is {wrong[:60]!r}, no decimal")


def column_type(name: str) -> pa.DataType:
    """The type of a column that is no decimal."""
    if name in INTEGERS:
        return pa.int64()
    if name in BOOLEANS:
        return pa.bool_()
    if name == "time":
        return pa.timestamp("ns", "UTC")
    if name == "raw":
        return pa.binary()
    return pa.string()


def form(keys: str, decimals: str = "", order: str = "height", origin: bool = True) -> TableForm:
    """A table's form from names with spaces between."""
    return TableForm(
        tuple(keys.split()), tuple(decimals.split()), tuple(order.split()), origin=origin
    )


VALUES = "topic_id nonce kind forecaster inferer"
ACTORS = "topic_id nonce actor_type address"

TABLES: dict[str, TableForm] = {
    "blocks": form("height time hash proposer_address num_txs", origin=False),
    "txs": form("height tx_index hash code size raw", order="height tx_index", origin=False),
    "messages": form(
        "inner type_url name sender is_decoded", order="height tx_index msg_index inner"
    ),
    "records": form("height kind key digest source line", order="height kind key", origin=False),
    "params": form("module name value source"),
    "topics": form(
        "topic_id creator metadata loss_method epoch_length ground_truth_lag "
        "worker_submission_window allow_negative topic_type output_arity require_unity "
        "max_labels_per_submission label_whitelist label_case_sensitive "
        "enable_worker_whitelist enable_reputer_whitelist source",
        "p_norm c_norm alpha_regret epsilon initial_regret merit_sortition_alpha "
        "active_inferer_quantile active_forecaster_quantile active_reputer_quantile "
        "unity_tolerance label_default_value",
        order="topic_id height",
    ),
    "topic_status": form(
        "topic_id is_active", "weight topic_stake topic_fee_revenue", order="topic_id height"
    ),
    "fee_revenue_drips": form(
        "topic_id", "old_revenue new_revenue drip_amount", order="topic_id height"
    ),
    "registrations": form(
        "topic_id address is_reputer owner is_registered source", order="topic_id height"
    ),
    "owners": form("address is_reputer old_owner new_owner source"),
    "whitelists": form("topic_id whitelist change address source"),
    "epoch_steps": form("topic_id nonce step window_end", order="topic_id nonce height"),
    "active_sets": form("topic_id nonce actor_type address source", order=ACTORS),
    "label_registries": form(
        "topic_id nonce registry_size label_id label_name", order="topic_id nonce label_id"
    ),
    "inferences": form(
        "topic_id nonce inferer label source extra_data", "value", "topic_id nonce inferer"
    ),
    "forecasts": form(
        "topic_id nonce forecaster inferer source extra_data",
        "value",
        # Not by inferer: a forecast is summed in the order of its elements.
        "topic_id nonce forecaster",
    ),
    "reputer_losses": form(
        "topic_id nonce reputer kind inferer forecaster source",
        "value",
        "topic_id nonce reputer kind forecaster inferer",
    ),
    "stakes": form("topic_id reputer", "stake_authority", "topic_id reputer height"),
    "stake_moves": form(
        "topic_id reputer delegator reason source", "amount", "topic_id reputer height"
    ),
    "stake_removals": form(
        "topic_id reputer delegator completion_height is_cancelled source",
        "amount",
        "topic_id height",
    ),
    "delegate_rewards": form(
        "topic_id reputer delegator reason source", "amount", "topic_id reputer height"
    ),
    "funding": form("topic_id funder reason source", "amount", "topic_id height"),
    "network_losses": form("topic_id nonce kind inferer forecaster", "value", VALUES),
    "network_inferences": form(
        "topic_id nonce outlier_resistant kind inferer forecaster label",
        "value",
        "topic_id nonce outlier_resistant kind forecaster inferer",
    ),
    "regrets": form(
        "topic_id nonce use kind actor other_actor", "value", "topic_id nonce use kind actor"
    ),
    "regret_scales": form("topic_id nonce", "stdnorm initial_regret", "topic_id nonce"),
    "weights": form(
        "topic_id nonce use actor_type address", "weight", "topic_id nonce use actor_type address"
    ),
    "scores": form(ACTORS, "score", ACTORS),
    "ema_scores": form(f"{ACTORS} is_active", "score", ACTORS),
    "initial_ema_scores": form("topic_id nonce actor_type", "score", "topic_id nonce actor_type"),
    "listening_coefficients": form(
        "topic_id nonce reputer", "coefficient", "topic_id nonce reputer"
    ),
    "forecast_task_scores": form("topic_id nonce", "score", "topic_id nonce"),
    "topic_rewards": form("topic_id", "reward", "topic_id height"),
    "rewards": form(f"{ACTORS} payout_height", "reward", ACTORS),
    "mint_values": form("event name value", order="height event name"),
    "transfers": form("sender recipient denom mode", "amount"),
    "other_events": form("type name value", order="height event_index name"),
    "snapshots": form(
        "height name topic_id actor other_actor nonce value",
        order="name topic_id actor",
        origin=False,
    ),
}
"""Every table of an archive by name."""


Plan: TypeAlias = tuple[str, frozenset[type], bool, list[Any]]
"""A written column: its name, what it may hold, whether it is a decimal, and its values so far."""


class Rows:
    """Rows of all tables, gathered column by column."""

    def __init__(self) -> None:
        self.columns: dict[str, dict[str, list[Any]]] = {}
        self.plans: dict[str, list[Plan]] = {}
        self.count = 0

    def add(self, table: str, origin: Mapping[str, Any], count: int, **values: Any) -> None:
        """Add ``count`` rows: a list gives one value a row, anything else is the same in each.

        Raises:
            ValueError: a list is longer or shorter than ``count``, or a value is of a wrong type.
        """
        known = TABLES[table]
        plan = self.plans.get(table)
        if plan is None:
            columns = self.columns[table] = {name: [] for name in known.written}
            plan = self.plans[table] = [
                (name, known.types[name], name in known.decimals, column)
                for name, column in columns.items()
            ]
        given = {**origin, **values}
        for name, types, is_decimal, column in plan:
            value = given.get(name)
            if isinstance(value, list):
                if len(value) != count:
                    raise ValueError(f"{name} has {len(value)} values for {count} rows")
                known.check(name, value)
                column += value
            else:
                if type(value) not in types or (is_decimal and value):
                    known.check(name, [value])
                column += [value] * count
        self.count += count

    def mark(self) -> dict[str, int]:
        """How many rows each table has, for `undo`."""
        return {name: len(columns["height"]) for name, columns in self.columns.items()}

    def undo(self, mark: Mapping[str, int]) -> None:
        """Drop the rows added since `mark`."""
        for name, columns in self.columns.items():
            for column in columns.values():
                del column[mark.get(name, 0) :]
        self.count = sum(mark.values())

    def tables(self) -> dict[str, pa.Table]:
        """All rows as Arrow tables, unsorted."""
        return {
            name: arrow_table(TABLES[name], columns)
            for name, columns in self.columns.items()
            if columns["height"]
        }


def arrow_table(known: TableForm, columns: Mapping[str, Sequence[Any]]) -> pa.Table:
    """Columns as Arrow, the float64 of every decimal computed from its text."""
    arrays: list[Any] = []
    for column in known.schema:
        if column.name.endswith(SUFFIX):
            arrays.append(nearest_floats(arrays[-1]))
        elif pa.types.is_timestamp(column.type):
            arrays.append(pc.cast(pa.array(columns[column.name], pa.string()), column.type))
        else:
            arrays.append(pa.array(columns[column.name], column.type))
    return pa.Table.from_arrays(arrays, schema=known.schema)


def nearest_floats(texts: pa.Array) -> pa.Array:
    """The float64 next to each decimal; empty text is the chain's zero."""
    return pc.cast(pc.if_else(pc.equal(texts, ""), "0", texts), pa.float64())


def in_order(table: pa.Table, known: TableForm) -> pa.Table:
    """The table sorted by its form, then in the order in which the chain wrote."""
    if not table.num_rows:
        return table
    within = [name for name in ("height", "tx_index", "event_index") if name in table.column_names]
    names = dict.fromkeys((*known.order, *within))
    keys = folded([sort_key(table[name]) for name in names])
    if len(keys) == 1 and np.all(keys[0][1:] >= keys[0][:-1]):
        return table
    return table.take(pa.array(np.lexsort(keys[::-1])))


def folded(keys: Sequence[Integers]) -> list[Integers]:
    """Fewer keys of the same order: as many in one as 63 bits hold."""
    folds: list[Integers] = []
    room = 0
    for key in keys:
        low, high = int(key.min()), int(key.max())
        size = high - low + 1
        if size >= 2**63:
            folds.append(key)
            room = 0
        elif folds and room and size <= room:
            folds[-1] = folds[-1] * size + (key - low)
            room //= size
        else:
            folds.append(key - low)
            room = (2**63 - 1) // size
    return folds


def sort_key(column: pa.ChunkedArray) -> Integers:
    """Numbers in the order of a column's values, nulls last; texts are ranked, each once."""
    if pa.types.is_string(column.type):
        codes = column.combine_chunks().dictionary_encode()
        if isinstance(codes, pa.ChunkedArray):
            codes = codes.unify_dictionaries().combine_chunks()
        ranks = np.argsort(np.argsort(codes.dictionary.to_numpy(zero_copy_only=False)))
        places = codes.indices.fill_null(len(ranks)).to_numpy()
        ranked: Integers = np.append(ranks, len(ranks))[places]
        return ranked
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int64())
    last = pc.max(column).as_py()
    null = 0 if last is None else min(last + 1, 2**63 - 1)
    found: Integers = column.fill_null(null).to_numpy()
    return found

"""Fields of events and states, and how rows are made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from ..archive.schema import TABLES, Rows

__all__ = [
    "Fields",
    "Handler",
    "Origin",
    "actor_type",
    "add_params",
    "per_actor",
    "shortened",
    "single",
    "text_of",
    "topic_and_nonce",
    "whole",
    "with_fixed",
]

Origin = Mapping[str, Any]
Fields = dict[str, Any]
Handler = Callable[[Rows, Origin, Fields], None]

ACTOR_TYPES = {
    "ACTOR_TYPE_INFERER_UNSPECIFIED": "inferer",
    "ACTOR_TYPE_FORECASTER": "forecaster",
    "ACTOR_TYPE_REPUTER": "reputer",
}


def text_of(value: Any) -> str | None:
    """A field's text: itself, or its JSON where it is no text."""
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


def whole(value: Any, name: str = "a number") -> int:
    """A whole number, which JSON holds as text or as a number.

    Raises:
        ValueError: it is neither, or beyond 64 bits.
    """
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if type(value) is not int or not 0 <= value < 2**63:
        raise ValueError(f"{name} is {shortened(value)}, not a whole number of 63 bits")
    return value


def shortened(value: Any) -> str:
    """A value as errors show it."""
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def add_params(
    rows: Rows, origin: Origin, module: str, params: Fields, source: str = "event"
) -> None:
    """Parameters, one row each."""
    values = [text_of(value) for value in params.values()]
    rows.add(
        "params",
        origin,
        len(params),
        module=module,
        name=list(params),
        value=values,
        source=source,
    )


def topic_and_nonce(fields: Fields, *names: str) -> Fields:
    """The topic and the nonce, under the first of the names that is there."""
    for name in names:
        if fields.get(name) is not None:
            nonce = fields[name]
            if isinstance(nonce, dict):
                nonce = nonce["block_height"]
            return {
                "topic_id": whole(fields["topic_id"], "topic_id"),
                "nonce": whole(nonce, name),
            }
    raise KeyError(" or ".join(names))


def actor_type(fields: Fields) -> str:
    """The kind of actor in the archive's words."""
    kind = ACTOR_TYPES.get(fields["actor_type"])
    if kind is None:
        raise ValueError(f"actor_type {fields['actor_type']!r} is not known")
    return kind


def per_actor(table: str, value: str, values: str, *nonces: str, **fixed: str) -> Handler:
    """Events with one list of addresses and one of values."""
    form = TABLES[table]
    typed = "actor_type" in form.keys and "actor_type" not in fixed
    address = next(name for name in ("address", "reputer", "actor") if name in form.keys)

    def add(rows: Rows, origin: Origin, fields: Fields) -> None:
        row: Fields = {**topic_and_nonce(fields, *nonces), **fixed}
        if typed:
            row["actor_type"] = actor_type(fields)
        if "is_active" in form.keys:
            row["is_active"] = fields["is_active"]
        addresses = fields["addresses"] if "addresses" in fields else [fields["address"]]
        listed = fields[values] if values in fields else [fields[value]]
        row[address] = addresses
        row[form.decimals[0]] = listed
        rows.add(table, origin, len(addresses), **row)

    return add


def single(table: str, *nonces: str, **columns: str) -> Handler:
    """Events with one value a field: archive column = attribute."""

    def add(rows: Rows, origin: Origin, fields: Fields) -> None:
        row: Fields = topic_and_nonce(fields, *nonces) if nonces else {}
        if "topic_id" in fields:
            row["topic_id"] = whole(fields["topic_id"], "topic_id")
        if "actor_type" in TABLES[table].keys:
            row["actor_type"] = actor_type(fields)
        row |= {column: fields[attribute] for column, attribute in columns.items()}
        rows.add(table, origin, 1, **row)

    return add


def with_fixed(handler: Callable[..., None], **fixed: Any) -> Handler:
    """The same event handler with some columns given."""

    def add(rows: Rows, origin: Origin, fields: Fields) -> None:
        handler(rows, origin, fields, **fixed)

    return add

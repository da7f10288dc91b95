"""States as rows: a genesis, an exported state, and answers of state queries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..archive.schema import Rows
from ..blocks.answers import BlockError, Record
from ..blocks.fields import add_params, text_of, whole
from ..blocks.topic_events import add_topic_row

__all__ = ["add_state"]

ACTORS = ("actor_id", "actor", "actor_id1", "address", "worker", "inferer", "forecaster", "reputer")
OTHERS = ("actor_id2", "delegator")
NONCES = ("nonce", "block_height")


def add_state(rows: Rows, record: Record) -> None:
    """Add the rows of a genesis or of a query's answer.

    Raises:
        BlockError: a part of the state has a wrong shape.
    """
    state = record.state or {}
    try:
        if "app_state" in state:
            add_genesis(rows, record.height, state["app_state"])
        elif "topic" in state:
            add_topic(rows, record.height, state)
        else:
            module = record.key.split()[0]
            add_params(rows, {"height": record.height}, module, state["params"], "state")
    except KeyError as error:
        raise BlockError(record.where, f"state: {error.args[0]} is missing") from None
    except (TypeError, AttributeError, ValueError) as error:
        raise BlockError(record.where, f"state: {error}") from None


def add_topic(rows: Rows, height: int, state: dict[str, Any]) -> None:
    """The answer of the query for a topic."""
    origin = {"height": height}
    add_topic_row(rows, origin, {"topic": state["topic"]}, "state")
    rows.add(
        "topic_status",
        origin,
        1,
        topic_id=whole(state["topic"]["id"], "topic id"),
        weight=state.get("weight"),
        topic_stake=state.get("topic_stake"),
        topic_fee_revenue=state.get("effective_revenue"),
    )


def add_genesis(rows: Rows, height: int, app_state: dict[str, Any]) -> None:
    """What the modules emissions and mint hold, and all balances of coins."""
    origin = {"height": height}
    for module in ("emissions", "mint"):
        add_params(rows, origin, module, app_state[module].get("params") or {}, "state")
    for item in app_state["emissions"].get("topics") or ():
        value = item.get("topic", item)
        add_topic_row(rows, origin, {"topic": value}, "state")
    snapshots = [
        *state_rows(app_state["emissions"], ""),
        *state_rows(app_state["mint"], "mint."),
        *balance_rows(app_state.get("bank") or {}),
    ]
    names = ("name", "topic_id", "actor", "other_actor", "nonce", "value")
    columns = {name: [row.get(name) for row in snapshots] for name in names}
    rows.add("snapshots", origin, len(snapshots), **columns)


def state_rows(state: dict[str, Any], prefix: str) -> Iterator[dict[str, Any]]:
    """One row an entry of each field; the entry's JSON is the value."""
    for name, value in state.items():
        if name == "params":
            continue
        if not isinstance(value, list):
            yield {"name": prefix + name, "value": text_of(value)}
            continue
        for item in value:
            yield {"name": prefix + name, "value": text_of(item)} | keys_of(item)


def keys_of(item: Any) -> dict[str, Any]:
    """Topic, actors and nonce of an entry, as far as it names them."""
    if isinstance(item, str):  # lists of topics and of addresses
        is_topic = item.isascii() and item.isdigit() and len(item) < 19
        return {"topic_id": int(item)} if is_topic else {"actor": item}
    if not isinstance(item, dict):
        return {}
    topic_id = item.get("topic_id")
    nonce = next((item[name] for name in NONCES if name in item), None)
    if isinstance(nonce, dict):
        nonce = nonce.get("block_height")
    return {
        "topic_id": None if topic_id is None else whole(topic_id, "topic_id"),
        "actor": first_text(item, ACTORS),
        "other_actor": first_text(item, OTHERS),
        "nonce": None if nonce is None else whole(nonce, "nonce"),
    }


def first_text(item: dict[str, Any], names: tuple[str, ...]) -> str | None:
    """The first of the named fields that is text."""
    return next((item[name] for name in names if isinstance(item.get(name), str)), None)


def balance_rows(bank: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Balances, one row an address and coin; the coin stands as the other actor."""
    for balance in bank.get("balances") or ():
        for coin in balance["coins"]:
            yield {
                "name": "bank.balances",
                "actor": balance["address"],
                "other_actor": coin["denom"],
                "value": coin["amount"],
            }

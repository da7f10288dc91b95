"""The chain's events as rows: every event of x/emissions and x/mint, packages v2 to v10.

Attributes are read by name, never by version: their set changed even inside one package. Events
without a table of their own are kept, attribute by attribute, in ``other_events``.

Sources: allora-chain v0.6 to v0.17, ``x/emissions/types`` (events), ``x/mint/types``.
"""

from __future__ import annotations

import re
from functools import lru_cache

import orjson

from ..archive.schema import Rows
from ..blocks.answers import BlockError, Event, Where
from ..blocks.epoch_events import EPOCH_EVENTS
from ..blocks.fields import Fields, Handler, Origin, add_params, text_of
from ..blocks.topic_events import TOPIC_EVENTS

__all__ = ["add_event"]

TYPE = re.compile(r"(emissions|mint)\.v(\d+)\.(Event\w+)")
COIN = re.compile(r"(\d+)([a-zA-Z][\w/:.-]*)")
HANDLERS: dict[str, Handler] = {**EPOCH_EVENTS, **TOPIC_EVENTS}


def add_event(rows: Rows, event: Event, origin: Origin, where: Where) -> None:
    """Add one event's rows.

    Args:
        origin: height, tx_index and event_index.
        where: named by errors.

    Raises:
        BlockError: an attribute is missing, is no JSON, or lists of one event differ in length.
    """
    if event.type == "transfer":
        add_transfer(rows, event, origin)
        return
    read = type_of(event.type)
    if read is None:
        return
    module, version, name = read
    message = event.attributes.get("msg_index")
    origin = {
        **origin,
        "api_version": f"v{version}",
        "msg_index": int(message) if message is not None and message.isdigit() else None,
    }
    try:
        fields = {
            key: orjson.loads(value)
            for key, value in event.attributes.items()
            if key not in ("mode", "msg_index")
        }
        if module == "mint":
            add_mint(rows, origin, name, fields)
        else:
            HANDLERS.get(name, other(name))(rows, origin, fields)
    except orjson.JSONDecodeError as error:
        raise BlockError(where, f"{event.type}: an attribute is no JSON: {error.msg}") from None
    except KeyError as error:
        raise BlockError(where, f"{event.type}: attribute {error.args[0]} is missing") from None
    except (TypeError, AttributeError, ValueError) as error:
        raise BlockError(where, f"{event.type}: {error}") from None


@lru_cache(maxsize=1024)
def type_of(text: str) -> tuple[str, ...] | None:
    """Module, version and name of an event of the modules that are read."""
    match = TYPE.fullmatch(text)
    return None if match is None else match.groups()


def add_transfer(rows: Rows, event: Event, origin: Origin) -> None:
    """Movements of coins: the balances of module accounts follow from them."""
    read = event.attributes
    coins = COIN.findall(read.get("amount", ""))
    rows.add(
        "transfers",
        origin,
        len(coins),
        sender=read.get("sender"),
        recipient=read.get("recipient"),
        mode=read.get("mode"),
        denom=[denom for _, denom in coins],
        amount=[amount for amount, _ in coins],
    )


def add_mint(rows: Rows, origin: Origin, name: str, fields: Fields) -> None:
    """Events of x/mint, one row a field."""
    if name == "EventParamsSet":
        add_params(rows, origin, "mint", fields["params"])
        return
    rows.add(
        "mint_values",
        origin,
        len(fields),
        event=name,
        name=list(fields),
        value=[text_of(value) for value in fields.values()],
    )


def other(name: str) -> Handler:
    """Events without a table of their own."""

    def add(rows: Rows, origin: Origin, fields: Fields) -> None:
        values = [text_of(value) for value in fields.values()]
        rows.add("other_events", origin, len(fields), type=name, name=list(fields), value=values)

    return add

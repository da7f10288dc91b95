"""Messages as JSON (REST, the chain's indexer) as rows of the same tables as transactions' bytes.

Fields carry the names of the protobuf messages, numbers are text, as in the network's answers.

Sources: allora-chain, ``x/emissions/proto`` of v2 to v10; cosmos-sdk (MsgExec).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ..archive.schema import TABLES, Rows
from ..blocks.bundles import add_value_bundle
from ..blocks.fields import Fields, text_of, whole

__all__ = ["add_messages"]

TYPE = re.compile(r"/emissions\.v(\d+)\.(?:(\w+)Request|Msg(\w+))")
EXEC = "/cosmos.authz.v1beta1.MsgExec"
DEPTH = 8

Adder = Callable[[Rows, Fields, Fields], None]


def add_messages(
    rows: Rows, messages: Any, origin: Mapping[str, Any], source: str, created: Any = None
) -> None:
    """Add the rows of one transaction's messages.

    Args:
        origin: height and tx_index.
        source: of the rows.
        created: the topic id that the chain answered to a message's place, where it is known.

    Raises:
        KeyError: a field is missing.
        ValueError: a message of the module is not known, or a value is of a wrong kind.
    """
    for index, message in enumerate(messages):
        row = {"msg_index": index, "source": source, **origin}
        if created is not None:
            row["created"] = created(index)
        add_message(rows, row, message, None, 0)


def add_message(rows: Rows, row: Fields, message: Any, inner: int | None, depth: int) -> int:
    """Add one message, and those that a MsgExec holds; returns the next place within it."""
    type_url = message["@type"]
    match = TYPE.fullmatch(type_url)
    name = None if match is None else match[2] or match[3]
    version = None if match is None else f"v{match[1]}"
    is_exec = type_url == EXEC
    row = {**row, "api_version": version}
    adder = ADDERS.get(name or "")
    if name is not None and adder is None:
        raise ValueError(f"message {row['msg_index']}: {type_url} is not known here")
    rows.add(
        "messages",
        row,
        1,
        inner=inner,
        type_url=type_url,
        name="MsgExec" if is_exec else name,
        sender=message.get("grantee") if is_exec else sender_of(message, name),
        is_decoded=is_exec or adder is not None,
    )
    if adder is not None:
        adder(rows, row, message)
    place = 0 if inner is None else inner + 1
    if is_exec:
        if depth == DEPTH:
            raise ValueError(f"message {row['msg_index']}: MsgExec within MsgExec too deep")
        for each in message["msgs"]:
            place = add_message(rows, row, each, place, depth + 1)
    return place


def sender_of(message: Fields, name: str | None) -> Any:
    """Who sent a message of the module."""
    return None if name is None else message.get("creator", message.get("sender"))


def worker_payload(rows: Rows, row: Fields, message: Fields) -> None:
    """An inference, a forecast, or both."""
    bundle = message["worker_data_bundle"]
    epoch = {
        "topic_id": whole(bundle["topic_id"], "topic_id"),
        "nonce": whole(bundle["nonce"]["block_height"], "nonce"),
    }
    parts = bundle["inference_forecasts_bundle"]
    inference, forecast = parts.get("inference"), parts.get("forecast")
    if inference is not None:
        labeled = inference.get("values") or []
        values = [each["value"] for each in labeled]
        labels = [each["label"] for each in labeled]
        if inference.get("value") or not labeled:
            values, labels = [inference["value"] or None, *values], [None, *labels]
        rows.add(
            "inferences",
            row,
            len(values),
            **epoch,
            inferer=inference["inferer"],
            extra_data=inference.get("extra_data") or None,
            label=labels,
            value=values,
        )
    if forecast is not None:
        elements = forecast["forecast_elements"]
        rows.add(
            "forecasts",
            row,
            len(elements),
            **epoch,
            forecaster=forecast["forecaster"],
            extra_data=forecast.get("extra_data") or None,
            inferer=[each["inferer"] for each in elements],
            value=[each["value"] or None for each in elements],
        )


def reputer_payload(rows: Rows, row: Fields, message: Fields) -> None:
    """A reputer's losses."""
    bundle = message["reputer_value_bundle"]["value_bundle"]
    nonce = bundle["reputer_request_nonce"]["reputer_nonce"]["block_height"]
    given = {
        "topic_id": whole(bundle["topic_id"], "topic_id"),
        "nonce": whole(nonce, "nonce"),
        "reputer": bundle["reputer"],
    }
    add_value_bundle(rows, "reputer_losses", row, given, bundle)


def plain(table: str, fixed: Fields | None = None, **fields: str) -> Adder:
    """Messages of one row: archive column = field of the message."""
    schema = TABLES[table].schema

    def add(rows: Rows, row: Fields, message: Fields) -> None:
        values: Fields = dict(fixed or {})
        for column, name in fields.items():
            is_whole = str(schema.field(column).type) == "int64"
            values[column] = whole(message[name], name) if is_whole else message[name]
        rows.add(table, row, 1, **values)

    return add


def topic(rows: Rows, row: Fields, message: Fields) -> None:
    """A topic as it was asked for."""
    schema = TABLES["topics"].schema
    values: Fields = {}
    for name in TABLES["topics"].written:
        found = message.get(name)
        if name in row or found is None:
            continue
        is_whole = str(schema.field(name).type) == "int64"
        values[name] = whole(found, name) if is_whole else text_of(found)
    if "topic_id" not in values:
        values["topic_id"] = row.get("created")
    rows.add("topics", row, 1, **values)


def params(rows: Rows, row: Fields, message: Fields) -> None:
    """Parameters asked for; each comes as a list that is empty if it shall stay."""
    pairs = [
        (name, text_of(value)) for name, listed in message["params"].items() for value in listed
    ]
    names, values = [name for name, _ in pairs], [value for _, value in pairs]
    rows.add("params", row, len(pairs), module="emissions", name=names, value=values)


def whitelist(name: str, change: str, is_of_topic: bool, is_bulk: bool = False) -> Adder:
    """Addresses that a whitelist gains or loses."""

    def add(rows: Rows, row: Fields, message: Fields) -> None:
        addresses = message["addresses"] if is_bulk else [message["address"]]
        topic_id = whole(message["topic_id"], "topic_id") if is_of_topic else None
        fields = {"topic_id": topic_id, "whitelist": name, "change": change}
        rows.add("whitelists", row, len(addresses), **fields, address=addresses)

    return add


CHANGES = {"AddTo": "add", "RemoveFrom": "remove"}
OWN = {"topic_id": "topic_id", "reputer": "sender", "delegator": "sender"}
OTHERS = {"topic_id": "topic_id", "reputer": "reputer", "delegator": "sender"}

ADDERS: dict[str, Adder] = {
    "InsertWorkerPayload": worker_payload,
    "InsertReputerPayload": reputer_payload,
    "CreateNewTopic": topic,
    "UpdateTopic": topic,
    "UpdateParams": params,
    "Register": plain(
        "registrations",
        {"is_registered": True},
        topic_id="topic_id",
        address="sender",
        is_reputer="is_reputer",
        owner="owner",
    ),
    "RemoveRegistration": plain(
        "registrations",
        {"is_registered": False},
        topic_id="topic_id",
        address="sender",
        is_reputer="is_reputer",
    ),
    "TransferActorOwnership": plain(
        "owners", address="sender", is_reputer="is_reputer", new_owner="new_owner"
    ),
    "FundTopic": plain(
        "funding", {"reason": "fund"}, topic_id="topic_id", funder="sender", amount="amount"
    ),
    "AddStake": plain("stake_moves", {"reason": "add"}, **OWN, amount="amount"),
    "DelegateStake": plain("stake_moves", {"reason": "delegate"}, **OTHERS, amount="amount"),
    "RemoveStake": plain("stake_removals", {"is_cancelled": False}, **OWN, amount="amount"),
    "RemoveDelegateStake": plain(
        "stake_removals", {"is_cancelled": False}, **OTHERS, amount="amount"
    ),
    "CancelRemoveStake": plain("stake_removals", {"is_cancelled": True}, **OWN),
    "CancelRemoveDelegateStake": plain(
        "stake_removals",
        {"is_cancelled": True},
        topic_id="topic_id",
        reputer="reputer",
        delegator="delegator",
    ),
    "RewardDelegateStake": plain("delegate_rewards", {"reason": "request"}, **OTHERS),
    "AddToWhitelistAdmin": whitelist("admin", "add", False),
    "RemoveFromWhitelistAdmin": whitelist("admin", "remove", False),
    **{
        f"{verb}{place}Whitelist": whitelist(name, CHANGES[verb], of)
        for verb in CHANGES
        for place, name, of in (
            ("Global", "global", False),
            ("GlobalWorker", "global_worker", False),
            ("GlobalReputer", "global_reputer", False),
            ("GlobalAdmin", "global_admin", False),
            ("TopicCreator", "topic_creator", False),
            ("TopicWorker", "topic_worker", True),
            ("TopicReputer", "topic_reputer", True),
        )
    },
    **{
        f"Bulk{verb}{place}Whitelist": whitelist(name, CHANGES[verb], of, True)
        for verb in CHANGES
        for place, name, of in (
            ("GlobalWorker", "global_worker", False),
            ("GlobalReputer", "global_reputer", False),
            ("TopicWorker", "topic_worker", True),
            ("TopicReputer", "topic_reputer", True),
        )
    },
    **{
        f"{verb}Topic{place}Whitelist": plain(
            "whitelists",
            {"whitelist": f"topic_{place.lower()}", "change": verb.lower()},
            topic_id="topic_id",
        )
        for verb in ("Enable", "Disable")
        for place in ("Worker", "Reputer")
    },
}
"""How each message of the module becomes rows."""

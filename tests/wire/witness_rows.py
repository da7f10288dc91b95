"""The rows that messages become, written plainly over google.protobuf's objects."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any

import orjson
from witness import EXEC, MESSAGES

Row = dict[str, Any]
Rows = dict[str, list[Row]]

DECIMALS = {
    "p_norm",
    "alpha_regret",
    "epsilon",
    "merit_sortition_alpha",
    "active_inferer_quantile",
    "active_forecaster_quantile",
    "active_reputer_quantile",
    "c_norm",
    "unity_tolerance",
    "label_default_value",
}
SINCE = {"enable_worker_whitelist": 6, "enable_reputer_whitelist": 6, "c_norm": 9} | dict.fromkeys(
    (
        "topic_type",
        "output_arity",
        "require_unity",
        "unity_tolerance",
        "max_labels_per_submission",
        "label_whitelist",
        "label_default_value",
        "label_case_sensitive",
    ),
    10,
)
ENUMERATIONS = {
    "topic_type": ["UNSPECIFIED", "REGRESSION", "CLASSIFICATION"],
    "output_arity": ["UNSPECIFIED", "SINGLE", "MULTI"],
}


def rows_of(transactions: list[bytes]) -> Rows:
    """All rows by table."""
    rows: Rows = {}
    for index, raw in enumerate(transactions):
        body = MESSAGES["TxBody"].FromString(MESSAGES["TxRaw"].FromString(raw).body_bytes)
        for at, packed in enumerate(body.messages):
            places = iter(range(1 << 20))
            origin = {"transaction": index, "message": at, "inner": None}
            add_packed(rows, packed, origin, places)
    return rows


def add_packed(rows: Rows, packed: Any, origin: Row, places: Iterator[int]) -> None:
    """One message, or those within it."""
    heading = {"type_url": packed.type_url, "name": None, "api_version": None, "sender": None}
    if packed.type_url == EXEC:
        message = MESSAGES["MsgExec"].FromString(packed.value)
        heading |= {"name": "MsgExec", "sender": message.grantee, "is_decoded": True}
        rows.setdefault("messages", []).append(origin | heading)
        for each in message.msgs:
            add_packed(rows, each, origin | {"inner": next(places)}, places)
        return
    found = re.fullmatch(
        r"/emissions\.(?:v([23])\.Msg(.*)|v([4-9]|10)\.(.+)Request)", packed.type_url, re.DOTALL
    )
    name = (found and (found[2] or found[4])) or None
    if not found or name not in MESSAGES:
        if found:
            heading |= {"name": name, "api_version": f"v{found[1] or found[3]}"}
        rows.setdefault("messages", []).append(origin | heading | {"is_decoded": False})
        return
    version = int(found[1] or found[3])
    message = MESSAGES[name].FromString(packed.value)
    sender = message.creator if name == "CreateNewTopic" else message.sender
    heading |= {"name": name, "api_version": f"v{version}", "sender": sender, "is_decoded": True}
    rows.setdefault("messages", []).append(origin | heading)
    for table, row in message_rows(name, version, message, sender):
        rows.setdefault(table, []).append(origin | row)


def message_rows(name: str, version: int, m: Any, sender: str) -> Iterator[tuple[str, Row]]:
    """The rows of one message of x/emissions."""
    if name == "InsertWorkerPayload":
        yield from worker_rows(m.worker_data_bundle)
    elif name == "InsertReputerPayload":
        if m.reputer_value_bundle.HasField("value_bundle"):
            yield from reputer_rows(m.reputer_value_bundle.value_bundle)
    elif name == "UpdateParams":
        # In the order of the wire for parameters sent in ascending order.
        for field, values in m.params.ListFields():
            for value in values:
                row = {"module": "emissions", "name": field.name, "value": json_text(value)}
                yield "params", row
    elif name in ("CreateNewTopic", "UpdateTopic"):
        yield "topics", topic_row(version, m)
    elif "Whitelist" in name:
        yield from whitelist_rows(name, m)
    elif name in ("Register", "RemoveRegistration"):
        registered = name == "Register"
        yield (
            "registrations",
            {
                "topic_id": m.topic_id,
                "address": sender,
                "is_reputer": m.is_reputer,
                "owner": m.owner if registered else None,
                "is_registered": registered,
            },
        )
    elif name == "TransferActorOwnership":
        yield (
            "owners",
            {"address": sender, "is_reputer": m.is_reputer, "new_owner": m.new_owner},
        )
    elif name == "FundTopic":
        row = {"topic_id": m.topic_id, "funder": sender, "reason": "fund"}
        yield "funding", row | {"amount": m.amount or None}
    else:
        yield stake_row(name, m, sender)


def stake_row(name: str, m: Any, sender: str) -> tuple[str, Row]:
    """A message about stake; of own stake the reputer is its own delegator."""
    row: Row = {
        "topic_id": m.topic_id,
        "reputer": getattr(m, "reputer", sender),
        "delegator": getattr(m, "delegator", sender),
    }
    if name == "RewardDelegateStake":
        return "delegate_rewards", row | {"reason": "request"}
    amount = getattr(m, "amount", "") or None
    if "Remove" in name:
        return "stake_removals", row | {"is_cancelled": "Cancel" in name, "amount": amount}
    reason = "add" if name == "AddStake" else "delegate"
    return "stake_moves", row | {"reason": reason, "amount": amount}


def nonce_of(message: Any, field: str) -> int | None:
    """The height in a nonce, if there is one."""
    return int(getattr(message, field).block_height) if message.HasField(field) else None


def extra_data(data: bytes) -> str | None:
    """As the network's JSON has it."""
    return base64.b64encode(data).decode() or None


def worker_rows(bundle: Any) -> Iterator[tuple[str, Row]]:
    """The inference and the forecast of one payload."""
    key = {"topic_id": bundle.topic_id, "nonce": nonce_of(bundle, "nonce")}
    parts = bundle.inference_forecasts_bundle
    if parts.HasField("inference"):
        inference = parts.inference
        row = key | {"inferer": inference.inferer, "extra_data": extra_data(inference.extra_data)}
        if inference.value or not inference.values:
            yield "inferences", row | {"label": None, "value": inference.value or None}
        for each in inference.values:
            yield "inferences", row | {"label": each.label, "value": each.value or None}
    if parts.HasField("forecast"):
        forecast = parts.forecast
        row = key | {
            "forecaster": forecast.forecaster,
            "extra_data": extra_data(forecast.extra_data),
        }
        for each in forecast.forecast_elements:
            yield "forecasts", row | {"inferer": each.inferer, "value": each.value or None}


def reputer_rows(bundle: Any) -> Iterator[tuple[str, Row]]:
    """The losses of one bundle."""
    nonce = None
    if bundle.HasField("reputer_request_nonce"):
        nonce = nonce_of(bundle.reputer_request_nonce, "reputer_nonce")
    key = {"topic_id": bundle.topic_id, "nonce": nonce, "reputer": bundle.reputer}

    def loss(kind: str, value: str, **actors: str) -> tuple[str, Row]:
        actor = {"inferer": None, "forecaster": None} | actors
        return "reputer_losses", key | {"kind": kind, **actor, "value": value or None}

    yield loss("combined", bundle.combined_value)
    yield loss("naive", bundle.naive_value)
    for kind, role in (
        ("inferer", "inferer"),
        ("forecaster", "forecaster"),
        ("one_out_inferer", "inferer"),
        ("one_out_forecaster", "forecaster"),
        ("one_in_forecaster", "forecaster"),
    ):
        for each in getattr(bundle, f"{kind}_values"):
            yield loss(kind, each.value, **{role: each.worker})
    for row in bundle.one_out_inferer_forecaster_values:
        for each in row.one_out_inferer_values:
            yield loss(
                "one_out_inferer_forecaster",
                each.value,
                inferer=each.worker,
                forecaster=row.forecaster,
            )


def json_text(value: Any) -> str:
    """A value as JSON; texts as they are."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def topic_row(version: int, m: Any) -> Row:
    """What CreateNewTopic and UpdateTopic say of a topic."""
    row: Row = {}
    for field in m.DESCRIPTOR.fields:
        name = field.name
        value = getattr(m, name)
        if name == "sender" or SINCE.get(name, 0) > version:
            continue
        if name in DECIMALS:
            row[name] = value or None
        elif name in ENUMERATIONS:
            known = ENUMERATIONS[name]
            prefix = "TOPIC_TYPE_" if name == "topic_type" else "TOPIC_OUTPUT_ARITY_"
            row[name] = prefix + known[value] if 0 <= value < len(known) else str(value)
        elif name == "label_whitelist":
            row[name] = orjson.dumps(list(value)).decode()
        elif isinstance(value, bool) or name == "max_labels_per_submission":
            row[name] = json_text(value)
        else:
            row[name] = value
    return row


def whitelist_rows(name: str, m: Any) -> Iterator[tuple[str, Row]]:
    """A change of a whitelist, one row an address."""
    found = re.fullmatch(r"(?:Bulk)?(AddTo|RemoveFrom|Enable|Disable)(\w*?)Whitelist(Admin)?", name)
    assert found is not None
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", found[2]).lower()
    row = {
        "topic_id": getattr(m, "topic_id", None),
        "whitelist": "admin" if found[3] else words,
        "change": found[1].removesuffix("To").removesuffix("From").lower(),
    }
    if found[1] in ("Enable", "Disable"):
        yield "whitelists", row | {"address": None}
        return
    for address in getattr(m, "addresses", None) or [getattr(m, "address", None)]:
        if address is not None:
            yield "whitelists", row | {"address": address}

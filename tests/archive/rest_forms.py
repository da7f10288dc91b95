"""Recorded transactions in the forms of REST and of the chain's indexer."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from google.protobuf.json_format import MessageToDict
from witness import EXEC, MESSAGES

__all__ = ["as_json", "height_of", "messages_of", "responses"]

SINCE = {
    6: {"enable_worker_whitelist", "enable_reputer_whitelist"},
    9: {"c_norm"},
    10: {
        *("topic_type", "output_arity", "require_unity", "unity_tolerance"),
        *("max_labels_per_submission", "label_whitelist", "label_default_value"),
        *("label_case_sensitive", "values"),
    },
}
"""The fields that messages gained, which answers of older nodes do not have."""


def as_json(message: Any) -> dict[str, Any]:
    """A packed message in protobuf's JSON with the names of the fields, all of them present."""
    if message.type_url == EXEC:
        packed = MESSAGES["MsgExec"].FromString(message.value)
        return {
            "@type": EXEC,
            "grantee": packed.grantee,
            "msgs": [as_json(each) for each in packed.msgs],
        }
    name = message.type_url.rpartition(".")[2].removesuffix("Request")
    if name not in MESSAGES:
        return {"@type": message.type_url}
    read = MESSAGES[name].FromString(message.value)
    document = MessageToDict(
        read, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    version = int(message.type_url.removeprefix("/emissions.v").partition(".")[0])
    late = {field for since, fields in SINCE.items() if since > version for field in fields}
    plain = {field: value for field, value in document.items() if field not in late}
    return {"@type": message.type_url, **plain}


def messages_of(raw: bytes) -> list[Any]:
    body = MESSAGES["TxBody"].FromString(MESSAGES["TxRaw"].FromString(raw).body_bytes)
    return list(body.messages)


def height_of(answer: Any) -> int:
    return int((answer["block"]["header"] if "block" in answer else answer)["height"])


def responses(answers: list[Any], heights: range) -> list[dict[str, Any]]:
    """The recording's transactions as ``cosmos/tx`` would list them, the newest first."""
    by_height = {height_of(each): each for each in answers if "block" not in each}
    found = []
    for answer in answers:
        height = height_of(answer)
        if "block" not in answer or height not in heights:
            continue
        results = by_height[height]["txs_results"] or []
        for text, result in zip(answer["block"]["data"]["txs"], results, strict=True):
            raw = base64.b64decode(text)
            data = base64.b64decode(result["data"] or "").hex().upper()
            messages = [as_json(each) for each in messages_of(raw)]
            found.append(
                {
                    "height": str(height),
                    "txhash": hashlib.sha256(raw).hexdigest().upper(),
                    "code": result["code"],
                    "data": data,
                    "events": result["events"],
                    "tx": {"@type": "/cosmos.tx.v1beta1.Tx", "body": {"messages": messages}},
                }
            )
    return found[::-1]

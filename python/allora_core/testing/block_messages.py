"""The chain's messages as protobuf bytes: a table of fields and an encoder of its own.

Numbers are the same from v3 to v10; later versions added some. Written for block data that is made
up, so that nothing that decodes messages is also what wrote them.

Sources: allora-chain v0.6, ``x/emissions/proto/emissions/v5/tx.proto``, later message definitions
as described in the emissions API v6 to v10; Cosmos SDK 0.50, ``cosmos/tx/v1beta1/tx.proto``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

__all__ = ["MESSAGES", "answer", "encode", "packed_any", "transaction", "type_url"]

Field = tuple[int, str]


def fields(text: str) -> dict[str, Field]:
    """A message's fields out of lines ``number name kind``, numbers ascending.

    A kind may start with ``repeated``.
    """
    found = {}
    for line in text.strip().splitlines():
        number, name, kind = line.split(maxsplit=2)
        found[name] = (int(number), kind)
    return found


ACTOR = fields("1 sender string\n2 topic_id uint64\n3 amount string")

MESSAGES: dict[str, dict[str, Field]] = {
    "Nonce": fields("1 block_height int64"),
    "ReputerRequestNonce": fields("1 reputer_nonce Nonce"),
    "LabeledValue": fields("1 label string\n2 value string"),
    "Inference": fields(
        """
        1 topic_id uint64
        2 block_height int64
        3 inferer string
        4 value string
        5 extra_data bytes
        6 proof string
        7 values repeated LabeledValue
        """
    ),
    "ForecastElement": fields("1 inferer string\n2 value string"),
    "Forecast": fields(
        """
        1 topic_id uint64
        2 block_height int64
        3 forecaster string
        4 forecast_elements repeated ForecastElement
        5 extra_data bytes
        """
    ),
    "InferenceForecastBundle": fields("1 inference Inference\n2 forecast Forecast"),
    "WorkerDataBundle": fields(
        """
        1 worker string
        2 nonce Nonce
        3 topic_id uint64
        4 inference_forecasts_bundle InferenceForecastBundle
        5 inferences_forecasts_bundle_signature bytes
        6 pubkey string
        """
    ),
    "InsertWorkerPayload": fields("1 sender string\n2 worker_data_bundle WorkerDataBundle"),
    "WorkerValue": fields("1 worker string\n2 value string"),
    "OneOutInfererForecasterValues": fields(
        "3 forecaster string\n4 one_out_inferer_values repeated WorkerValue"
    ),
    "ValueBundle": fields(
        """
        1 topic_id uint64
        2 reputer_request_nonce ReputerRequestNonce
        3 reputer string
        4 extra_data bytes
        5 combined_value string
        6 inferer_values repeated WorkerValue
        7 forecaster_values repeated WorkerValue
        8 naive_value string
        9 one_out_inferer_values repeated WorkerValue
        10 one_out_forecaster_values repeated WorkerValue
        11 one_in_forecaster_values repeated WorkerValue
        12 one_out_inferer_forecaster_values repeated OneOutInfererForecasterValues
        """
    ),
    "ReputerValueBundle": fields("1 value_bundle ValueBundle\n2 signature bytes\n3 pubkey string"),
    "InsertReputerPayload": fields("1 sender string\n2 reputer_value_bundle ReputerValueBundle"),
    "CreateNewTopic": fields(
        """
        1 creator string
        2 metadata string
        4 loss_method string
        7 epoch_length int64
        8 ground_truth_lag int64
        10 p_norm string
        11 alpha_regret string
        12 allow_negative bool
        13 epsilon string
        14 worker_submission_window int64
        15 merit_sortition_alpha string
        16 active_inferer_quantile string
        17 active_forecaster_quantile string
        18 active_reputer_quantile string
        19 enable_worker_whitelist bool
        20 enable_reputer_whitelist bool
        21 c_norm string
        22 topic_type enum
        23 output_arity enum
        24 require_unity bool
        25 unity_tolerance string
        26 max_labels_per_submission uint64
        27 label_whitelist repeated string
        28 label_default_value string
        """
    ),
    "Register": fields("1 sender string\n4 topic_id uint64\n5 owner string\n6 is_reputer bool"),
    "RemoveRegistration": fields("1 sender string\n2 topic_id uint64\n3 is_reputer bool"),
    "AddStake": ACTOR,
    "RemoveStake": ACTOR,
    "CancelRemoveStake": fields("1 sender string\n2 topic_id uint64"),
    "DelegateStake": fields(
        "1 sender string\n2 topic_id uint64\n3 reputer string\n4 amount string"
    ),
    "RemoveDelegateStake": fields(
        "1 sender string\n2 reputer string\n3 topic_id uint64\n4 amount string"
    ),
    "CancelRemoveDelegateStake": fields(
        "1 sender string\n2 topic_id uint64\n3 delegator string\n4 reputer string"
    ),
    "RewardDelegateStake": fields("1 sender string\n2 topic_id uint64\n3 reputer string"),
    "FundTopic": ACTOR,
    "TransferActorOwnership": fields("1 sender string\n2 new_owner string\n3 is_reputer bool"),
    "AddToTopicWorkerWhitelist": fields("1 sender string\n2 address string\n3 topic_id uint64"),
    "Any": fields("1 type_url string\n2 value bytes"),
    "MsgExec": fields("1 grantee string\n2 msgs repeated Any"),
    "Coin": fields("1 denom string\n2 amount string"),
    "MsgSend": fields("1 from_address string\n2 to_address string\n3 amount repeated Coin"),
    "TxBody": fields("1 messages repeated Any\n2 memo string\n3 timeout_height uint64"),
    "Fee": fields("1 amount repeated Coin\n2 gas_limit uint64\n3 payer string\n4 granter string"),
    "AuthInfo": fields("2 fee Fee"),
    "CreateNewTopicResponse": fields("1 topic_id uint64"),
    "TxMsgData": fields("2 msg_responses repeated Any"),
    "TxRaw": fields("1 body_bytes bytes\n2 auth_info_bytes bytes\n3 signatures repeated bytes"),
}
"""Fields of every message that is written, by name: number and kind. A kind with a capital is a
message, ``enum`` a number."""

COSMOS = {
    "MsgExec": "/cosmos.authz.v1beta1.MsgExec",
    "MsgSend": "/cosmos.bank.v1beta1.MsgSend",
}
ONE_BYTE = [bytes((value,)) for value in range(128)]
VARINTS = ("uint64", "int64", "bool", "enum")


def type_url(name: str, api: str) -> str:
    """The type url of a message in an API version, ``/emissions.v9.FundTopicRequest``."""
    if name in COSMOS:
        return COSMOS[name]
    if api in ("v2", "v3"):
        return f"/emissions.{api}.Msg{name}"
    return f"/emissions.{api}.{name}Request"


def encode(name: str, values: Mapping[str, Any]) -> bytes:
    """A message as protobuf's wire format, fields by ascending number; defaults are left out.

    Args:
        name: of `MESSAGES`.
        values: fields by name: whole numbers, text, bytes, mappings, lists of these. Decimals are
            text on the wire and are given as text.

    Raises:
        ValueError: the message has no such field.
    """
    known = MESSAGES[name]
    if not values.keys() <= known.keys():
        raise ValueError(f"{name} has no field {min(set(values) - set(known))}")
    parts: list[bytes] = []
    for field, key, kind, is_repeated in written_fields(name):
        value = values.get(field)
        if value is None:
            continue
        if is_repeated and kind == "WorkerValue":
            parts += [worker_value(key, **item) for item in value]
        elif is_repeated:
            parts += [written(key, kind, item) for item in value]
        elif kind in MESSAGES or value not in (0, "", b"", False):
            parts.append(written(key, kind, value))
    return b"".join(parts)


def worker_value(key: bytes, worker: str, value: str) -> bytes:
    """One `WorkerValue` with its key: what `written` gives, for what is nearly all that is sent."""
    name, number = worker.encode(), value.encode()
    content = b"".join(
        (
            *((b"\x0a", varint(len(name)), name) if name else ()),
            *((b"\x12", varint(len(number)), number) if number else ()),
        )
    )
    return b"".join((key, varint(len(content)), content))


@cache
def written_fields(name: str) -> list[tuple[str, bytes, str, bool]]:
    """A message's fields: name, key on the wire, kind of one item, whether there are several."""
    listed = []
    for field, (number, kind) in MESSAGES[name].items():
        inner = kind.removeprefix("repeated ")
        wire = 0 if inner in VARINTS else 2
        listed.append((field, varint(number << 3 | wire), inner, inner != kind))
    return listed


def written(key: bytes, kind: str, value: Any) -> bytes:
    """One field with its key."""
    if kind in VARINTS:
        return key + varint(int(value))
    if kind in MESSAGES:
        content = encode(kind, value)
    else:
        content = value.encode() if isinstance(value, str) else bytes(value)
    return key + varint(len(content)) + content


def varint(value: int) -> bytes:
    """A whole number in base 128; negative ones take ten bytes."""
    if 0 <= value < 128:
        return ONE_BYTE[value]
    value &= 2**64 - 1
    digits = bytearray()
    while value > 127:
        digits.append(value & 127 | 128)
        value >>= 7
    digits.append(value)
    return bytes(digits)


def packed_any(name: str, values: Mapping[str, Any], api: str) -> dict[str, Any]:
    """A message in an Any, as transactions and MsgExec hold it."""
    return {"type_url": type_url(name, api), "value": encode(name, values)}


def transaction(
    messages: Sequence[tuple[str, Mapping[str, Any]]],
    api: str,
    fee: int,
    memo: str = "",
    signature: bytes = b"",
    grantee: str | None = None,
) -> bytes:
    """The raw bytes of a transaction.

    Args:
        messages: names of `MESSAGES` with their values.
        api: version of the emissions API, such as ``v9``.
        fee: base units.
        memo: free text, which makes equal transactions differ.
        grantee: who runs the messages for their senders; they then stand in one MsgExec.
    """
    packed = [packed_any(name, values, api) for name, values in messages]
    if grantee is not None:
        packed = [packed_any("MsgExec", {"grantee": grantee, "msgs": packed}, api)]
    gas = {"gas_limit": 250_000, "amount": [{"denom": "uallo", "amount": str(fee)}]}
    return encode(
        "TxRaw",
        {
            "body_bytes": encode("TxBody", {"messages": packed, "memo": memo}),
            "auth_info_bytes": encode("AuthInfo", {"fee": gas}),
            "signatures": [signature],
        },
    )


def answer(names: Sequence[str], api: str, topic_id: int = 0) -> bytes:
    """What an executed transaction answers: one response a message.

    Args:
        names: of the messages; with a MsgExec around them, that of the MsgExec alone.
        topic_id: of the topic that a CreateNewTopic made.
    """
    responses = []
    for name in names:
        url = type_url(name, api).removesuffix("Request") + "Response"
        created = name == "CreateNewTopic"
        value = encode("CreateNewTopicResponse", {"topic_id": topic_id}) if created else b""
        responses.append({"type_url": url, "value": value})
    return encode("TxMsgData", {"msg_responses": responses})

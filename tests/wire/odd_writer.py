"""Messages with random content, and the same message in many spellings of the wire.

Protobuf allows fields in any order, sub-messages in parts, scalars more than once, numbers packed
or not, and fields that the reader does not know. `spelled` uses all of that.
"""

from __future__ import annotations

from random import Random
from typing import Any

from witness import EXEC, FIRST_VERSION, MESSAGES, NAMES, any_of, type_url

TEXTS = (
    "",
    "allo1ta70nqsg9m0f873665gjca54ehgjpty5p32dud",
    "0.01509793107039315898529518580095987",
    "-1.2E-7",
    "NaN",
    "Zoë \U0001f600 ﷽ \x00\x7f",
    'a "quoted" \\ label\n\t\x01',
    "x" * 300,
)
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def varint(value: int) -> bytes:
    """Base 128, the least significant digit first; negative numbers as 64 bits."""
    value &= 2**64 - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def tagged(number: int, kind: int, payload: bytes) -> bytes:
    """One field."""
    length = varint(len(payload)) if kind == BYTES else b""
    return varint(number << 3 | kind) + length + payload


def value_for(field: Any, rng: Random) -> Any:
    """A random value of a scalar field."""
    if field.type == field.TYPE_STRING:
        return rng.choice(TEXTS)
    if field.type == field.TYPE_BYTES:
        return rng.randbytes(rng.randrange(5))
    if field.type == field.TYPE_BOOL:
        return rng.random() < 0.5
    low, high = {
        field.TYPE_INT64: (-(2**63), 2**63 - 1),
        field.TYPE_UINT64: (0, 2**63 - 1 if field.name == "topic_id" else 2**64 - 1),
        field.TYPE_INT32: (-(2**31), 2**31 - 1),
    }[field.type]
    return rng.choice((0, 1, 2, 300, low, high, rng.randint(low, high)))


def filled(name: str, rng: Random) -> Any:
    """A message of that name with random content."""
    message = MESSAGES[name]()
    for field in message.DESCRIPTOR.fields:
        if rng.random() < 0.2:
            continue
        values = [
            filled(field.message_type.name, rng) if field.message_type else value_for(field, rng)
            for _ in range(rng.randrange(4) if field.is_repeated else 1)
        ]
        if field.is_repeated:
            getattr(message, field.name).extend(values)
        elif field.message_type:
            getattr(message, field.name).CopyFrom(values[0])
        else:
            setattr(message, field.name, values[0])
    return message


def scalar(field: Any, value: Any) -> bytes:
    """One value of a scalar field."""
    if field.type == field.TYPE_STRING:
        return tagged(field.number, BYTES, value.encode())
    if field.type == field.TYPE_BYTES:
        return tagged(field.number, BYTES, value)
    return tagged(field.number, VARINT, varint(int(value)))


def pieces_of(field: Any, value: Any, rng: Random) -> list[bytes]:
    """A field in one of its spellings."""
    if field.message_type and not field.is_repeated:
        inner = pieces(value, rng)
        at = rng.randint(0, len(inner))
        parts = [inner[:at], inner[at:]] if rng.random() < 0.5 else [inner]
        return [tagged(field.number, BYTES, b"".join(part)) for part in parts]
    if field.message_type:
        return [tagged(field.number, BYTES, spelled(each, rng)) for each in value]
    if not field.is_repeated:
        earlier = [value_for(field, rng)] if rng.random() < 0.2 else []
        return [scalar(field, each) for each in (*earlier, value)]
    if field.type in (field.TYPE_STRING, field.TYPE_BYTES) or rng.random() < 0.5:
        return [scalar(field, each) for each in value]
    at = rng.randint(0, len(value))
    return [
        tagged(field.number, BYTES, b"".join(varint(int(each)) for each in part))
        for part in (value[:at], value[at:])
    ]


def unknown(rng: Random) -> bytes:
    """A field that no message has."""
    number = rng.choice((64, 1023, 2047, 2**29 - 1))
    kind = rng.choice((VARINT, FIXED64, BYTES, FIXED32))
    sizes = {FIXED64: 8, FIXED32: 4, BYTES: rng.randrange(6)}
    payload = varint(rng.getrandbits(64)) if kind == VARINT else rng.randbytes(sizes[kind])
    return tagged(number, kind, payload)


def pieces(message: Any, rng: Random) -> list[bytes]:
    """A message's fields, those of one number in their order, the rest in any."""
    queues = [pieces_of(field, value, rng) for field, value in message.ListFields()]
    queues.append([unknown(rng) for _ in range(rng.randrange(3))])
    mixed = []
    while queues := [queue for queue in queues if queue]:
        mixed.append(rng.choice(queues).pop(0))
    return mixed


def spelled(message: Any, rng: Random) -> bytes:
    """A message in one of its spellings."""
    return b"".join(pieces(message, rng))


def versions_of(name: str) -> range:
    """The versions of x/emissions that have the message."""
    return range(FIRST_VERSION.get(name, 2), 11)


def packed(rng: Random, name: str | None = None, depth: int = 0) -> Any:
    """A message of x/emissions, of another module, or a MsgExec around others, in an Any."""
    if name is None and depth < 3 and rng.random() < 0.2:
        inner = [packed(rng, depth=depth + 1) for _ in range(rng.randrange(4))]
        message = MESSAGES["MsgExec"](grantee=rng.choice(TEXTS), msgs=inner)
        return any_of(EXEC, spelled(message, rng))
    if name is None and rng.random() < 0.1:
        other = ("/cosmos.bank.v1beta1.MsgSend", "/emissions.v9.FoldTopicRequest", "")
        return any_of(rng.choice(other), rng.randbytes(9))
    name = name or rng.choice(NAMES)
    return any_of(type_url(name, rng.choice(versions_of(name))), spelled(filled(name, rng), rng))


def odd_transaction(messages: list[Any], rng: Random) -> bytes:
    """A transaction of packed messages in one of its spellings."""
    body = spelled(MESSAGES["TxBody"](messages=messages), rng)
    return spelled(MESSAGES["TxRaw"](body_bytes=body, signatures=[b"s"]), rng)

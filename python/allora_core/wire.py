"""Transactions as tables: the protobuf that workers, reputers and owners of topics send.

A transaction is decoded by the compiled module straight into the columns of Arrow tables. Columns
carry the names and types of the archive (`allora_core.archive.schema`); a decimal is the text that
was sent, digit for digit.

Read are all messages of x/emissions that change what an epoch computes, matched by name:
``/emissions.v4.{Name}Request`` to v10, ``/emissions.v2.Msg{Name}`` and v3, also within (nested)
``/cosmos.authz.v1beta1.MsgExec``. Other messages have a row in `WireTables.messages` and nothing
else.

Sources: cosmos-sdk (TxRaw, TxBody, Any, MsgExec); allora-chain, ``x/emissions/proto`` of v2 to v10.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import pyarrow as pa

from . import _core

__all__ = ["WireTables", "decode_transactions"]

TYPES = {"number": pa.int64(), "flag": pa.bool_(), "text": pa.string()}


@dataclass(frozen=True)
class WireTables:
    """What transactions hold, one table a subject, rows in the order of the transactions.

    Every table begins with the columns ``transaction`` (place in the call), ``message`` (place in
    the transaction) and ``inner`` (null; within a MsgExec the place among all messages in it).
    Those are int64, as are topic ids, nonces, lengths and lags in blocks; flags are bool, the rest
    string. A number or flag that was not sent has protobuf's default, 0 or false; a field that the
    message's version does not have, a nonce without its sub-message and an empty decimal, which
    the chain reads as zero, are null. Amounts are in uallo.

    Attributes:
        messages: every message: ``type_url``, ``name`` (AddStake, MsgExec, null in other modules),
            ``api_version`` (v2 to v10), ``sender`` (of a MsgExec its grantee), ``is_decoded``
            (false: the message was not looked into).
        inferences: ``topic_id``, ``nonce``, ``inferer``, ``label``, ``extra_data`` (base64),
            ``value``. One row a label of a multi-output topic; the single value has a row without
            label, which a payload with labels has only if it gives that value too.
        forecasts: ``topic_id``, ``nonce``, ``forecaster``, ``inferer``, ``extra_data``, ``value``;
            one row an element.
        reputer_losses: ``topic_id``, ``nonce``, ``reputer``, ``kind``, ``inferer``,
            ``forecaster``, ``value``; combined and naive first, then the lists in the order of
            their kinds, each as sent.
        stake_moves: ``topic_id``, ``reputer``, ``delegator``, ``reason`` (add, delegate),
            ``amount``. Of own stake the reputer is the delegator.
        stake_removals: ``topic_id``, ``reputer``, ``delegator``, ``is_cancelled``, ``amount``
            (null where a removal is cancelled).
        delegate_rewards: ``topic_id``, ``reputer``, ``delegator``, ``reason`` (request).
        registrations: ``topic_id``, ``address``, ``is_reputer``, ``owner``, ``is_registered``
            (false where a registration is removed; its owner is null).
        owners: ``address``, ``is_reputer``, ``new_owner``.
        funding: ``topic_id``, ``funder``, ``reason`` (fund), ``amount``.
        topics: what CreateNewTopic (``topic_id`` null) and UpdateTopic (``creator`` and all that
            cannot be changed null) say, as in the archive, and ``enable_worker_whitelist``,
            ``enable_reputer_whitelist``. Flags and lists are JSON, as in the network's queries.
        params: ``module`` (emissions), ``name``, ``value``; one row for every value of
            UpdateParams. The chain takes a parameter with exactly one value.
        whitelists: ``topic_id`` (null of the whole network's), ``whitelist`` (admin, global,
            global_worker, global_reputer, global_admin, topic_creator, topic_worker,
            topic_reputer), ``change`` (add, remove, enable, disable), ``address`` (null where a
            whitelist is switched); one row an address.
        faults: transactions that cannot be read, which have no rows elsewhere: ``transaction``,
            ``message`` (null outside messages), ``offset`` of the faulty field in bytes,
            ``cause`` (truncated, overlong_varint, wrong_wire_type, invalid_field, invalid_utf8,
            out_of_range, too_deep, too_many, too_large).
    """

    messages: pa.Table
    inferences: pa.Table
    forecasts: pa.Table
    reputer_losses: pa.Table
    stake_moves: pa.Table
    stake_removals: pa.Table
    delegate_rewards: pa.Table
    registrations: pa.Table
    owners: pa.Table
    funding: pa.Table
    topics: pa.Table
    params: pa.Table
    whitelists: pa.Table
    faults: pa.Table


def decode_transactions(transactions: Sequence[bytes]) -> WireTables:
    """Decode raw transactions (the bytes that a block holds in base64).

    A transaction that cannot be read never disturbs the others: it leaves one row in
    `WireTables.faults`. Limits: 4 MiB a transaction, 4096 messages, MsgExec nested eight deep, and
    texts that are repeated in the columns grow a transaction 256 times at most.

    Args:
        transactions: TxRaw messages.

    Raises:
        TypeError: an entry is not bytes.
    """
    parts = _core.decode_transactions(transactions)
    tables = {}
    for field in fields(WireTables):
        batches = [record_batch(*part[field.name]) for part in parts]
        tables[field.name] = pa.Table.from_batches(batches)
    return WireTables(**tables)


def record_batch(rows: int, columns: list[tuple[str, str, int, list[Any]]]) -> pa.RecordBatch:
    """The decoder's buffers as Arrow, nothing copied."""
    arrays = []
    for _, kind, nulls, buffers in columns:
        held = [None if buffer is None else pa.py_buffer(buffer) for buffer in buffers]
        arrays.append(pa.Array.from_buffers(TYPES[kind], rows, held, nulls))
    return pa.RecordBatch.from_arrays(arrays, names=[name for name, *_ in columns])

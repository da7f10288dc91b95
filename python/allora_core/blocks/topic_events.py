"""Events of topics, stake and people as rows."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from ..archive.schema import TABLES, Rows
from ..blocks.fields import (
    Fields,
    Handler,
    Origin,
    add_params,
    shortened,
    single,
    text_of,
    whole,
    with_fixed,
)

__all__ = ["TOPIC_EVENTS", "add_topic_row"]


def add_topic_row(rows: Rows, origin: Origin, fields: Fields, source: str = "event") -> None:
    """A topic as it stands from this block on."""
    value = fields["topic"]
    form = TABLES["topics"]
    row: Fields = {}
    for name in form.keys + form.decimals:
        found = value.get(name)
        if name == "topic_id":
            found = fields["topic_id"] if "topic_id" in fields else value["id"]
        if found is not None and TABLES["topics"].schema.field(name).type == pa.int64():
            row[name] = whole(found, name)
        else:
            row[name] = text_of(found)
    row["source"] = source
    rows.add("topics", origin, 1, **row)


def topic_status(rows: Rows, origin: Origin, fields: Fields) -> None:
    """A topic went active or inactive."""
    row = {"topic_id": whole(fields["topic_id"], "topic_id"), "is_active": fields["is_active"]}
    rows.add("topic_status", origin, 1, **row)


def registration(
    rows: Rows, origin: Origin, fields: Fields, is_reputer: bool, is_registered: bool
) -> None:
    """An actor enters or leaves a topic."""
    rows.add(
        "registrations",
        origin,
        1,
        topic_id=whole(fields["topic_id"], "topic_id"),
        address=fields["reputer" if is_reputer else "worker"],
        owner=fields.get("owner"),
        is_reputer=is_reputer,
        is_registered=is_registered,
        source="event",
    )


def owner_updated(rows: Rows, origin: Origin, fields: Fields) -> None:
    """Who is paid for an actor changed."""
    rows.add(
        "owners",
        origin,
        1,
        address=fields["node_address"],
        is_reputer=fields["is_reputer"],
        old_owner=fields["old_owner"],
        new_owner=fields["new_owner"],
        source="event",
    )


def whole_amount(amount: Any) -> str:
    """An amount in whole uallo."""
    if not isinstance(amount, str) or not amount.isascii() or not amount.isdigit():
        raise ValueError(f"amount is {shortened(amount)}, not a whole number")
    return amount


def stake_move(rows: Rows, origin: Origin, fields: Fields, sign: str, reason: str) -> None:
    """Stake that came (plain) or went (negative)."""
    rows.add(
        "stake_moves",
        origin,
        1,
        topic_id=whole(fields["topic_id"], "topic_id"),
        reputer=fields["reputer"],
        delegator=fields["delegator"],
        amount=f"{sign}{whole_amount(fields['amount'])}",
        reason=reason,
        source="event",
    )


def stake_removal(rows: Rows, origin: Origin, fields: Fields, is_cancelled: bool) -> None:
    """A removal of stake asked for or taken back."""
    completion = fields.get("completion_height")
    rows.add(
        "stake_removals",
        origin,
        1,
        topic_id=whole(fields["topic_id"], "topic_id"),
        reputer=fields["reputer"],
        delegator=fields["delegator"],
        amount=fields.get("amount"),
        completion_height=None if completion is None else whole(completion, "completion_height"),
        is_cancelled=is_cancelled,
        source="event",
    )


def delegate_reward(rows: Rows, origin: Origin, fields: Fields, reason: str, amount: str) -> None:
    """What delegators of a reputer are owed or paid."""
    rows.add(
        "delegate_rewards",
        origin,
        1,
        topic_id=whole(fields["topic_id"], "topic_id"),
        reputer=fields["reputer"],
        delegator=fields.get("delegator"),
        reason=reason,
        amount=fields[amount],
        source="event",
    )


def funding(rows: Rows, origin: Origin, fields: Fields) -> None:
    """Somebody funded a topic."""
    rows.add(
        "funding",
        origin,
        1,
        topic_id=whole(fields["topic_id"], "topic_id"),
        funder=fields["funder"],
        amount=fields["amount"],
        reason="fund",
        source="event",
    )


def whitelist(name: str, change: str) -> Handler:
    """A whitelist gains or loses an address, or is switched."""

    def add(rows: Rows, origin: Origin, fields: Fields) -> None:
        topic_id = fields.get("topic_id")
        rows.add(
            "whitelists",
            origin,
            1,
            topic_id=None if topic_id is None else whole(topic_id, "topic_id"),
            whitelist=name,
            change=change,
            address=fields.get("address", fields.get("admin")),
            source="event",
        )

    return add


def params_set(rows: Rows, origin: Origin, fields: Fields) -> None:
    """All parameters of the module."""
    add_params(rows, origin, "emissions", fields["params"])


TOPIC_EVENTS: dict[str, Handler] = {
    "EventCreateNewTopic": add_topic_row,
    "EventTopicUpdated": add_topic_row,
    "EventAddStake": with_fixed(stake_move, sign="", reason="add"),
    "EventRemoveStake": with_fixed(stake_move, sign="-", reason="remove"),
    "EventReputerStakeUpdated": single("stakes", reputer="reputer", stake_authority="amount"),
    "EventRequestStakeRemoval": with_fixed(stake_removal, is_cancelled=False),
    "EventCancelStakeRemoval": with_fixed(stake_removal, is_cancelled=True),
    "EventDelegateRewardShareUpdated": with_fixed(
        delegate_reward, reason="reward_per_share", amount="reward_per_share"
    ),
    "EventDelegateRewardDistributed": with_fixed(
        delegate_reward, reason="distributed", amount="amount"
    ),
    "EventRewardDelegateStake": with_fixed(delegate_reward, reason="paid", amount="amount"),
    "EventTopicWeightUpdated": single(
        "topic_status",
        weight="new_weight",
        topic_stake="topic_stake",
        topic_fee_revenue="topic_fee_revenue",
    ),
    "EventTopicFeeRevenueDripped": single(
        "fee_revenue_drips",
        old_revenue="old_revenue",
        new_revenue="new_revenue",
        drip_amount="drip_amount",
    ),
    "EventTopicStatusChanged": topic_status,
    "EventFundTopic": funding,
    "EventWorkerRegistered": with_fixed(registration, is_reputer=False, is_registered=True),
    "EventReputerRegistered": with_fixed(registration, is_reputer=True, is_registered=True),
    "EventWorkerUnregistered": with_fixed(registration, is_reputer=False, is_registered=False),
    "EventReputerUnregistered": with_fixed(registration, is_reputer=True, is_registered=False),
    "EventNodeOwnerUpdated": owner_updated,
    "EventWhitelistAdminAdded": whitelist("admin", "add"),
    "EventWhitelistAdminRemoved": whitelist("admin", "remove"),
    **{
        f"Event{place}Whitelist{done}": whitelist(name, change)
        for place, name in (
            ("Global", "global"),
            ("GlobalWorker", "global_worker"),
            ("GlobalReputer", "global_reputer"),
            ("GlobalAdmin", "global_admin"),
            ("TopicCreator", "topic_creator"),
            ("TopicWorker", "topic_worker"),
            ("TopicReputer", "topic_reputer"),
        )
        for done, change in (
            ("Added", "add"),
            ("Removed", "remove"),
            ("Enabled", "enable"),
            ("Disabled", "disable"),
        )
    },
    "EventParamsSet": params_set,
}
"""Handlers by the event's name."""

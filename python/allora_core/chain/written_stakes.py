"""Stake that the end of a block moves, and what delegators are owed and paid, as rows of the book.

A start from nothing knows neither removals under way nor what delegators earned before: it writes
none of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..engine import RewardedBatch
from ..reference.number import ZERO
from ..reference.number_text import plain_text
from ..reference.topic_reward import raised_share
from .columns import whole_units
from .ledger import Removal
from .pack import Close

if TYPE_CHECKING:
    from .life import Chain

__all__ = ["added", "asked", "paid", "removed", "shared"]

Row = tuple[int, str, str | None, str, str]
"""Topic, reputer, delegator, reason and amount."""


def add(chain: Chain, table: str, rows: Sequence[Row], height: int) -> None:
    """Rows of one of the tables of stake, but of a start from nothing."""
    if chain.warm is not None:
        return
    names = ("topic_id", "reputer", "delegator", "reason", "amount")
    columns: dict[str, Any] = {name: [row[at] for row in rows] for at, name in enumerate(names)}
    chain.book.add(table, len(rows), **columns, source="computed", height=height)


def removed(chain: Chain, done: Sequence[tuple[Removal, int]], height: int) -> None:
    """Stake whose removal is complete."""
    rows: list[Row] = [
        (each.topic_id, each.reputer, each.delegator or each.reputer, "remove", f"-{amount}")
        for each, amount in done
    ]
    add(chain, "stake_moves", rows, height)


def asked(chain: Chain, removal: Removal, amount: str, height: int) -> None:
    """Stake that somebody asked back, and when it goes."""
    if chain.warm is None:
        chain.book.add(
            "stake_removals",
            1,
            topic_id=removal.topic_id,
            reputer=removal.reputer,
            delegator=removal.delegator or removal.reputer,
            completion_height=removal.height,
            is_cancelled=False,
            amount=[amount],
            source="computed",
            height=height,
        )


def added(chain: Chain, staked: Sequence[tuple[int, str, int]], height: int) -> None:
    """Rewards of reputers, which become stake: topic, reputer and base units."""
    rows: list[Row] = [
        (topic, reputer, reputer, "add", str(amount)) for topic, reputer, amount in staked
    ]
    add(chain, "stake_moves", rows, height)


def shared(chain: Chain, closes: Sequence[Close], found: RewardedBatch, height: int) -> None:
    """What the delegators of each reputer are given, and what a unit of their stake has earned."""
    amounts = whole_units(found.columns["delegators_reward"])
    if not any(amounts):
        return
    texts, shares, rows = chain.addresses.texts, chain.ledger.shares, list[Row]()
    holders = [
        (close.topic_id, texts[code], delegated)
        for close in closes
        for code, delegated in zip(close.reputers, close.delegated, strict=True)
    ]
    for (topic, reputer, delegated), amount in zip(holders, amounts, strict=True):
        if amount:
            before = shares.get((topic, reputer), ZERO)
            share = raised_share(before, amount, Decimal(delegated))
            shares[topic, reputer] = share
            rows.append((topic, reputer, None, "reward_per_share", plain_text(share)))
            rows.append((topic, reputer, None, "distributed", str(amount)))
    add(chain, "delegate_rewards", rows, height)


def paid(
    chain: Chain, topic_id: int, reputer: str, delegator: str, amount: Decimal, height: int
) -> None:
    """What a delegator is paid on request."""
    row = (topic_id, reputer, delegator, "paid", plain_text(amount))
    add(chain, "delegate_rewards", [row], height)

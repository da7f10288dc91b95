"""Stakes and delegations, and removals that wait for their height."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from ..reference.number import ZERO, compare, multiply, subtract

__all__ = ["Ledger", "Removal"]

Holder = tuple[int, str]
"""Topic and reputer."""

Delegation = tuple[int, str, str]
"""Topic, reputer and delegator."""


class Removal(NamedTuple):
    """Stake on its way out; done at the end of the block of this height.

    Attributes:
        delegator: ``""`` for a reputer's own stake.
    """

    height: int
    topic_id: int
    reputer: str
    delegator: str


@dataclass
class Ledger:
    """Who holds what, in base units.

    Attributes:
        whole: stake upon a reputer, own and delegated.
        delegated: the part of it that delegators put in.
        delegations: by topic, reputer and delegator.
        shares: rewards of a reputer's delegators per unit of their stake, since ever.
        debts: by delegation the rewards that are paid already, or came before it did.
        topics: all stake in a topic.
        removals: amounts by removal.
        queue: removals by height, own stake before delegated one.
        changed: holders whose stake changed since `taken`.
    """

    whole: dict[Holder, int] = field(default_factory=dict)
    delegated: dict[Holder, int] = field(default_factory=dict)
    delegations: dict[Delegation, int] = field(default_factory=dict)
    shares: dict[Holder, Decimal] = field(default_factory=dict)
    debts: dict[Delegation, Decimal] = field(default_factory=dict)
    topics: dict[int, int] = field(default_factory=dict)
    removals: dict[Removal, int] = field(default_factory=dict)
    queue: list[tuple[int, bool, Removal]] = field(default_factory=list)
    changed: dict[Holder, None] = field(default_factory=dict)

    def move(self, topic_id: int, reputer: str, delegator: str, amount: int) -> None:
        """Add stake, or take it away where the amount is negative.

        Whoever changes a delegation is paid what it earned so far, of which no event tells.

        Raises:
            ValueError: more is taken away than there is.
        """
        holder = (topic_id, reputer)
        whole = self.whole.get(holder, 0) + amount
        if delegator and delegator != reputer:
            key = (topic_id, reputer, delegator)
            part = self.delegations.get(key, 0) + amount
            if part < 0 or whole < 0:
                raise ValueError(f"topic {topic_id}: {delegator} has no {-amount} upon {reputer}")
            self.delegations[key] = part
            self.debts[key] = multiply(Decimal(part), self.shares.get(holder, ZERO))
            self.delegated[holder] = self.delegated.get(holder, 0) + amount
        elif whole < self.delegated.get(holder, 0):
            raise ValueError(f"topic {topic_id}: {reputer} has no stake of {-amount}")
        self.whole[holder] = whole
        self.topics[topic_id] = self.topics.get(topic_id, 0) + amount
        self.changed[holder] = None

    def claim(self, topic_id: int, reputer: str, delegator: str) -> Decimal:
        """Pay a delegator what the delegation earned since it was paid last; not cut to units."""
        key = (topic_id, reputer, delegator)
        part = Decimal(self.delegations.get(key, 0))
        earned = multiply(part, self.shares.get((topic_id, reputer), ZERO))
        owed = subtract(earned, self.debts.get(key, ZERO))
        if compare(owed, ZERO) > 0:
            self.debts[key] = earned
        return owed

    def ask(self, removal: Removal, amount: int) -> None:
        """Queue a removal; it replaces one that the same holder asked for before."""
        self.cancel(removal.topic_id, removal.reputer, removal.delegator)
        self.removals[removal] = amount
        heapq.heappush(self.queue, (removal.height, bool(removal.delegator), removal))

    def cancel(self, topic_id: int, reputer: str, delegator: str) -> None:
        """Drop what a holder asked for."""
        asked = (topic_id, reputer, delegator)
        for removal in [each for each in self.removals if each[1:] == asked]:
            del self.removals[removal]

    @property
    def next_removal(self) -> int | None:
        """The height of the first removal that still counts."""
        while self.queue and self.queue[0][2] not in self.removals:
            heapq.heappop(self.queue)
        return self.queue[0][0] if self.queue else None

    def complete(self, height: int, most: int) -> list[tuple[Removal, int]]:
        """Take away what is due, own stake first; at most so many of each kind.

        A removal of more than there is falls away.
        """
        done: list[tuple[Removal, int]] = []
        for delegated in (False, True):
            due = sorted(
                removal
                for removal in self.removals
                if removal.height <= height and bool(removal.delegator) is delegated
            )
            for removal in due[:most]:
                amount = self.removals.pop(removal)
                try:
                    self.move(removal.topic_id, removal.reputer, removal.delegator, -amount)
                except ValueError:
                    continue
                done.append((removal, amount))
        return done

    def taken(self) -> list[tuple[int, str, int]]:
        """Topic, reputer and stake of every holder that changed since the last call."""
        found = [(*holder, self.whole[holder]) for holder in self.changed]
        self.changed.clear()
        return found

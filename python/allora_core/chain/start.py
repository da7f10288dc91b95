"""Where a replay starts: a genesis or an exported state, out of the archive's rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from ..archive.files import Archive
from ..block_rewards import TopicTable
from ..topics import Listing, Topic, Topics
from .columns import Codes, Integers
from .feed import ROLES, Feed, Payloads, order_at
from .ledger import Removal
from .life import Chain
from .mint import ECOSYSTEM, REWARDS
from .pack import accept
from .seats import Seats
from .snapshot_rows import held_rows
from .snapshot_states import fill_states

__all__ = ["Snapshot", "seat_from", "snapshot_heights", "start_from"]


class Entry(NamedTuple):
    """One entry of a state: its topic, actors and decoded value."""

    topic_id: int | None
    actor: str | None
    other: str | None
    value: Any


class Snapshot:
    """A state that an archive holds at a height.

    Attributes:
        height: the height; a genesis has that before the first block.
        entries: by name of the field.
    """

    def __init__(self, archive: Archive, height: int) -> None:
        self.height = height
        self.entries: dict[str, list[Entry]] = {}
        table = archive.read("snapshots", (height, height))
        names = ("name", "topic_id", "actor", "other_actor", "value")
        columns = [table[name].to_pylist() for name in names]
        for name, topic_id, actor, other, value in zip(*columns, strict=True):
            entry = Entry(topic_id, actor, other, decoded(value))
            self.entries.setdefault(name, []).append(entry)

    def one(self, name: str, default: str) -> str:
        """A field that is one value."""
        found = self.entries.get(name)
        return default if not found or found[0].value is None else str(found[0].value)

    def of(self, name: str) -> list[Entry]:
        """Entries of a field, those of null left out."""
        return [entry for entry in self.entries.get(name, ()) if entry.value is not None]

    def amounts(self, name: str) -> dict[int, int]:
        """Whole numbers by topic."""
        return {topic: int(value["int"]) for topic, value in self.by_topic(name)}

    def heights(self, name: str) -> dict[int, int]:
        """Block heights by topic."""
        return {topic: int(value["block_height"]) for topic, value in self.by_topic(name)}

    def by_topic(self, name: str) -> Iterator[tuple[int, Any]]:
        """Topics and values of a field that has one value a topic."""
        for entry in self.of(name):
            if entry.topic_id is None:
                raise ValueError(f"the state of height {self.height}: {name} names no topic")
            yield entry.topic_id, entry.value


def decoded(value: str | None) -> Any:
    """The value of an entry: JSON objects and lists decoded, all else as it is."""
    if value is not None and value[:1] in "{[":
        return orjson.loads(value)
    return value


def snapshot_heights(archive: Archive) -> list[int]:
    """Heights at which the archive holds a state, ascending."""
    return sorted(set(archive.read("snapshots", columns=["height"])["height"].to_pylist()))


def start_from(chain: Chain, archive: Archive, snapshot: Snapshot) -> dict[str, pa.RecordBatch]:
    """Take over a state; returns the rows of the payloads that it holds, by role."""
    params = archive.read("params", (snapshot.height, snapshot.height))
    for row in params.filter(pc.equal(params["source"], "state")).to_pylist():
        chain.module.put(row["module"], row["name"], row["value"])
    chain.parameters_changed()
    take_mint(chain, snapshot)
    for entry in snapshot.of("topics"):
        topic = entry.value["topic"]
        life = chain.create(int(topic["id"]), topic)
        life.epoch_last_ended = int(topic.get("epoch_last_ended") or 0)
    chain.next_topic = int(snapshot.one("next_topic_id", "1"))
    take_schedule(chain, snapshot)
    take_stakes(chain, snapshot)
    take_nonces(chain, snapshot)
    for name, is_reputer in (("topic_workers", False), ("topic_reputers", True)):
        for entry in snapshot.of(name):
            topic_id, actor = keyed(entry)
            chain.registered.add((topic_id, actor, is_reputer))
    fill_states(chain, snapshot)
    chain.height = chain.mint.height = snapshot.height
    return held_rows(chain, snapshot)


def take_mint(chain: Chain, snapshot: Snapshot) -> None:
    """Emission and accounts."""
    mint = chain.mint
    mint.computes = "mint.previous_block_emission" in snapshot.entries
    balances = {
        entry.actor: int(entry.value)
        for entry in snapshot.of("bank.balances")
        if entry.other == "uallo"
    }
    mint.ecosystem, mint.rewards = balances.get(ECOSYSTEM, 0), balances.get(REWARDS, 0)
    before = "mint.previous_reward_emission_per_unit_staked_token"
    share = "previous_percentage_reward_to_staked_reputers"
    mint.state = replace(
        mint.state,
        emission_per_unit_staked_token=Decimal(snapshot.one(before, "0")),
        block_emission=int(snapshot.one("mint.previous_block_emission", "0")),
        ecosystem_minted=int(snapshot.one("mint.ecosystem_tokens_minted", "0")),
        # A genesis of 0 leaves the chain's default.
        reputers_percentage=Decimal(snapshot.one(share, "0.3"))
        or (Decimal(0) if snapshot.height else mint.state.reputers_percentage),
        month_reputers=int(snapshot.one("monthly_reputer_rewards", "0")),
        month_everyone=int(snapshot.one("monthly_topic_rewards", "0")),
    )
    mint.emission = int(snapshot.one("reward_current_block_emission", "0"))


def take_schedule(chain: Chain, snapshot: Snapshot) -> None:
    """Weights, and the blocks in which topics' epochs end."""
    chain.fees |= snapshot.amounts("topic_fee_revenue")
    ends, drips = snapshot.heights("topic_to_next_possible_churning_block"), {}
    drips = snapshot.heights("last_drip_block")
    weights = {
        entry.topic_id: Decimal(entry.value["dec"])
        for entry in snapshot.of("previous_topic_weight")
    }
    active = {int(entry.value) for entry in snapshot.of("active_topics")}
    topics = {
        topic_id: Topic(
            topic_id,
            life.lengths.epoch_length,
            epoch_last_ended=life.epoch_last_ended,
            last_drip_block=drips.get(topic_id, 0),
            previous_weight=weights.get(topic_id),
            epoch_end=ends.get(topic_id),
            active=topic_id in active,
        )
        for topic_id, life in chain.lives.items()
    }
    lowest = {
        int(entry.value["block_height"]): entry.value["topic_weight"]
        for entry in snapshot.of("block_to_lowest_active_topic_weight")
    }
    listings = {}
    for entry in snapshot.of("block_to_active_topics"):
        block = int(entry.value["block_height"])
        listed = tuple(int(topic) for topic in entry.value["topic_ids"]["topic_ids"])
        if block <= snapshot.height or not listed:
            continue
        low = lowest.get(block, {"topic_id": 0, "weight": "0"})
        listings[block] = Listing(listed, int(low["topic_id"]), Decimal(low["weight"]))
    total = Decimal(snapshot.one("total_sum_previous_topic_weights", "0"))
    chain.table = TopicTable.from_topics(Topics(topics, listings, total), chain.number)
    chain.active = {topic_id: topic.active for topic_id, topic in topics.items()}
    for block in listings:
        chain.wake(block)


def take_stakes(chain: Chain, snapshot: Snapshot) -> None:
    """Stakes, delegations, and removals on their way."""
    ledger = chain.ledger
    for entry in snapshot.of("stake_reputer_authority"):
        ledger.whole[keyed(entry)] = int(entry.value["int"])
    for entry in snapshot.of("stake_from_delegators_upon_reputer"):
        ledger.delegated[keyed(entry)] = int(entry.value["int"])
    for entry in snapshot.of("delegated_stakes"):
        value = entry.value
        key = (int(value["topic_id"]), value["reputer"], value["delegator"])
        ledger.delegations[key] = int(Decimal(value["delegator_info"]["amount"]))
        ledger.debts[key] = Decimal(value["delegator_info"]["reward_debt"])
    for entry in snapshot.of("delegate_reward_per_share"):
        ledger.shares[keyed(entry)] = Decimal(entry.value["dec"])
    ledger.topics |= snapshot.amounts("topic_stake")
    for name in ("stake_removals_by_block", "delegate_stake_removals_by_block"):
        for entry in snapshot.of(name):
            told = next(part for part in entry.value.values() if isinstance(part, dict))
            removal = Removal(
                int(told["block_removal_completed"]),
                int(told["topic_id"]),
                told["reputer"],
                told.get("delegator", ""),
            )
            ledger.ask(removal, int(told["amount"]))


def keyed(entry: Entry) -> tuple[int, str]:
    """Topic and actor of an entry."""
    assert entry.topic_id is not None
    assert entry.actor is not None
    return entry.topic_id, entry.actor


def take_nonces(chain: Chain, snapshot: Snapshot) -> None:
    """Open nonces and windows."""
    for entry in snapshot.of("unfulfilled_worker_nonces"):
        listed = entry.value["nonces"]["nonces"] or ()
        chain.lives[int(entry.value["topic_id"])].open.worker = [
            int(nonce["block_height"]) for nonce in listed
        ]
    for entry in snapshot.of("unfulfilled_reputer_nonces"):
        listed = entry.value["reputer_request_nonces"]["nonces"] or ()
        chain.lives[int(entry.value["topic_id"])].open.reputer = [
            int(nonce["reputer_nonce"]["block_height"]) for nonce in listed
        ]
    for entry in snapshot.of("open_worker_windows"):
        height = int(entry.value["block_height"])
        if height > snapshot.height:
            ids = entry.value["topic_ids"]
            ids = ids["topic_ids"] if isinstance(ids, dict) else ids
            chain.windows[height] = [int(topic) for topic in ids]
            chain.wake(height)


def seat_from(chain: Chain, snapshot: Snapshot, feed: Feed) -> None:
    """Active sets, and what closed nonces took, out of the payloads that the state holds.

    Raises:
        ValueError: the state names an actor whose payload it does not hold.
    """
    done = order_at(snapshot.height, 1 << 30, 0)
    chain.done = dict.fromkeys(ROLES, done)
    for role in ROLES:
        payloads = feed.roles[role]
        held: dict[int, list[int]] = {}
        for entry in snapshot.of(f"active_{role}s"):
            topic_id, actor = keyed(entry)
            held.setdefault(topic_id, []).append(chain.addresses.code(actor))
        lowest = {
            entry.topic_id: entry.value["score"]
            for entry in snapshot.of(f"lowest_{role}_score_ema")
        }
        for topic_id, life in chain.lives.items():
            codes = held.get(topic_id, [])
            found = [latest(payloads, topic_id, code, done) for code in codes]
            low = lowest.get(topic_id)
            life.seats[role] = Seats(
                np.array(codes, np.int32),
                np.array(found, np.int64),
                None if low is None else lowest_of(chain, low),
            )
    for life in chain.lives.values():
        life.fees_done = done
        for nonce in life.open.reputer:
            inferers, forecasters = (
                Seats(*of_nonce(feed, role, life.topic_id, nonce, done)) for role in ROLES[:2]
            )
            vector = chain.release.formulas.labels == "vector"
            life.accepted[nonce] = accept(
                feed, chain.addresses, [inferers], [forecasters], [nonce], {}, vector
            )[0]


def lowest_of(chain: Chain, score: dict[str, str]) -> Any:
    """The recorded lowest member of an active set."""
    code = chain.addresses.code(score["address"])
    return code, int(score["block_height"]), chain.numbers([score["score"]])


def latest(payloads: Payloads, topic_id: int, code: int, limit: int) -> int:
    """The newest payload of an actor that a state holds."""
    first, last = payloads.topics.get(topic_id, (0, 0))
    part = slice(first, last)
    found = np.flatnonzero((payloads.actor[part] == code) & (payloads.order[part] <= limit))
    if not len(found):
        raise ValueError(f"topic {topic_id}: the state lacks the payload of an active actor")
    newest = found[np.argmax(payloads.nonce[first:last][found])]
    return first + int(newest)


def of_nonce(
    feed: Feed, role: str, topic_id: int, nonce: int, limit: int
) -> tuple[Codes, Integers]:
    """Actors and submissions of a nonce that a state holds."""
    payloads = feed.roles[role]
    first, last = payloads.topics.get(topic_id, (0, 0))
    part = slice(first, last)
    found = first + np.flatnonzero(
        (payloads.nonce[part] == nonce) & (payloads.order[part] <= limit)
    )
    return payloads.actor[found], found

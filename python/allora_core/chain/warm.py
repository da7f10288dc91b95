"""A start from nothing: recorded events fill the state, and time makes the rest small.

Nothing is known of topics' weights, so that ends of epochs, stakes and topic rewards are taken as
recorded. The first event about an actor gives the exact value that the chain holds of it from
there on. What no event tells is an exponential average: a wrong start of it fades as
(1 - alpha)^k with the epochs k that were settled since.

Sources: block data, section 6.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..archive.files import BUCKET, Archive
from ..archive.pieces import pieces_of
from .columns import integers
from .feed import SOURCES, end_of
from .submissions import submit_all

if TYPE_CHECKING:
    from .life import Chain
    from .topic import Life

__all__ = ["Warm"]

Entry = tuple[str, str, str, str]
"""Family, withheld actor, actor, text: as states hold them."""

UNKNOWN_STAKE = 10**18
"""The stake of every reputer of a topic where no stake is recorded at all."""

END_TABLES = ("topic_status", "topic_rewards", "scores", "network_losses")
"""Tables whose rows at the end of a block tell that a topic's epoch ended in it."""


@dataclass
class Warm:
    """What a warm up takes from the record.

    Attributes:
        ends: height -> topics whose epochs end there.
        rewards: height and topic -> recorded reward of the topic.
        entries: height and topic -> what events first tell about actors there.
        totals: height -> topic, reputer and recorded stake, after transactions or after the block.
        known: topic, family and actor of what is told -> the height that tells it.
        has_stakes: whether stakes are recorded.
        first: the first height of the replay.
        guessed: topics whose reputers' stakes had to be taken as equal.
        averages_until: the height up to which every average that is told counts.
        early: what was taken of epochs before the replay: topic, nonce, family and actors.
    """

    first: int = 0
    ends: dict[int, list[int]] = field(default_factory=dict)
    rewards: dict[tuple[int, int], str] = field(default_factory=dict)
    entries: dict[tuple[int, int], list[Entry]] = field(default_factory=dict)
    totals: dict[int, list[tuple[int, str, int, bool]]] = field(default_factory=dict)
    has_stakes: bool = False
    known: dict[tuple[int, str, str], int] = field(default_factory=dict)
    guessed: set[int] = field(default_factory=set)
    averages_until: int = 0
    early: set[tuple[int, int, str, str, str]] = field(default_factory=set)

    @classmethod
    def prepare(cls, chain: Chain, archive: Archive, first: int) -> Warm:
        """Take over what the archive tells about topics and parameters, whenever it does."""
        params = archive.read("params")
        for row in pa_sorted(params).to_pylist():
            if row["height"] <= first or row["name"] not in chain.module.texts.get(
                row["module"], {}
            ):
                chain.module.put(row["module"], row["name"], row["value"])
        chain.parameters_changed()
        for row in pa_sorted(archive.read("topics")).to_pylist():
            topic_id = row["topic_id"]
            whole = all(row[name] is not None for name in ("epoch_length", "ground_truth_lag"))
            if topic_id is not None and topic_id not in chain.lives and whole:
                chain.create(topic_id, row)
        warm = cls(first)
        warm.previous_losses(chain, archive)
        warm.first_stakes(chain, archive)
        return warm

    def previous_losses(self, chain: Chain, archive: Archive) -> None:
        """A topic that is not new has had a network loss; the first recorded one stands for it."""
        losses = earliest(archive, "network_losses", ["topic_id"], "value", "combined")
        for (topic_id,), text in losses:
            life = chain.lives.get(topic_id)
            if life is not None:
                put_entries(chain, life, [("previous_combined_loss", "", "", text)])

    def first_stakes(self, chain: Chain, archive: Archive) -> None:
        """The first recorded stake of a reputer stands for the time before."""
        keys = ["topic_id", "reputer"]
        for (topic_id, reputer), text in earliest(archive, "stakes", keys, "stake_authority"):
            self.has_stakes = True
            set_stake(chain, topic_id, reputer, int(text))

    def reload(self, chain: Chain, archive: Archive, heights: tuple[int, int], last: int) -> None:
        """Read what the coming blocks of a replay up to a last one tell."""
        self.ends.clear()
        self.rewards.clear()
        self.totals.clear()
        self.entries.clear()
        for height, topic_id in sorted(set(recorded_ends(archive, heights, last))):
            if height >= max(heights[0], self.first) and topic_id in chain.lives:
                self.ends.setdefault(height, []).append(topic_id)
                chain.wake(height)
        table = archive.read("topic_rewards", heights, ["height", "topic_id", "reward"])
        columns = (table[name].to_pylist() for name in ("height", "topic_id", "reward"))
        for height, topic_id, text in zip(*columns, strict=True):
            self.rewards[height, topic_id] = text
        names = ["height", "topic_id", "reputer", "stake_authority", "tx_index"]
        table = archive.read("stakes", heights, names)
        for row in pa_sorted(table).to_pylist():
            total = (row["topic_id"], row["reputer"], int(row["stake_authority"]))
            within = row["tx_index"] is not None
            self.totals.setdefault(row["height"], []).append((*total, within))
            chain.wake(row["height"])
        # No event tells the quantile that moves averages: it is known once an epoch was rewarded.
        if not self.averages_until:
            lengths = [life.lengths for life in chain.lives.values()]
            slowest = max((sum(each[:2], each.epoch_length) for each in lengths), default=0)
            self.averages_until = self.first + 2 * slowest
        for height, topic_id, early, entries in told(
            archive, heights, self.first, self.averages_until
        ):
            # Of one epoch before the replay counts what is told first.
            again = early is not None and (topic_id, early, *entries[0][:3]) in self.early
            if topic_id in chain.lives and not again:
                self.learn(chain, height, topic_id, early, entries)

    def learn(
        self, chain: Chain, height: int, topic_id: int, early: int | None, entries: list[Entry]
    ) -> None:
        """Keep what is told of epochs before the replay, and of actors for the first time."""
        if early is not None:
            self.early.add((topic_id, early, *entries[0][:3]))
        for entry in entries:
            key = (topic_id, entry[0], entry[2])
            if early is not None or key not in self.known:
                self.known.setdefault(key, height)
                self.entries.setdefault((height, topic_id), []).append(entry)
                chain.wake(height)

    def before_end(self, chain: Chain, height: int) -> None:
        """Stakes as transactions of the block left them."""
        for topic_id, reputer, amount, within in self.totals.get(height, ()):
            if within:
                set_stake(chain, topic_id, reputer, amount)

    def after_end(self, chain: Chain, height: int) -> None:
        """Stakes and states as the block left them."""
        for topic_id, reputer, amount, _ in self.totals.get(height, ()):
            set_stake(chain, topic_id, reputer, amount)
        for topic_id, life in chain.lives.items():
            entries = self.entries.get((height, topic_id))
            if entries:
                # What the block's payloads changed is in the recorded values already.
                submit_all(chain, end_of(height))
                put_entries(chain, life, entries)

    def reward(self, height: int, topic_id: int) -> str:
        """The recorded reward of a topic; 0 where none is."""
        return self.rewards.get((height, topic_id), "0")

    def assume_stakes(self, chain: Chain, life: Life) -> None:
        """Where no stake is recorded at all, reputers are taken as equal."""
        if self.has_stakes:
            return
        self.guessed.add(life.topic_id)
        for code in life.seats["reputer"].actors.tolist():
            holder = (life.topic_id, chain.addresses.texts[code])
            if holder not in chain.ledger.whole:
                set_stake(chain, *holder, UNKNOWN_STAKE)

    def remaining(self, chain: Chain) -> dict[int, float]:
        """Per topic the part of an unknown start that is left, (1 - alpha)^k."""
        found = {}
        for topic_id, life in chain.lives.items():
            life.refresh(chain.module, chain.number)
            found[topic_id] = float(1 - life.params.alpha_regret) ** life.settled
        return found


def pa_sorted(table: pa.Table) -> pa.Table:
    """Rows in the order of heights."""
    return table.take(pc.sort_indices(table, sort_keys=[("height", "ascending")]))


def firsts(table: pa.Table, keys: list[str], values: list[str]) -> Iterator[dict[str, Any]]:
    """The first row of each key, by height."""
    grouped = pa_sorted(table).group_by(keys, use_threads=False)
    wanted = [(name, "first") for name in (*values, "height")]
    yield from grouped.aggregate(wanted).to_pylist()


def earliest(
    archive: Archive, table: str, keys: list[str], value: str, kind: str | None = None
) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Of each key the text that is told first, of one kind of rows; read in pieces."""
    found: dict[tuple[Any, ...], str] = {}
    names = [*keys, "height", value, *(() if kind is None else ("kind",))]
    for piece in pieces_of(archive):
        read = archive.read(table, piece, names)
        if kind is not None:
            read = read.filter(pc.equal(read["kind"], kind))
        for row in firsts(read, keys, [value]):
            found.setdefault(tuple(row[name] for name in keys), row[f"{value}_first"])
    yield from found.items()


def set_stake(chain: Chain, topic_id: int, reputer: str, amount: int) -> None:
    """Make a stake what it is recorded to be."""
    before = chain.ledger.whole.get((topic_id, reputer), 0)
    if amount != before:
        chain.ledger.whole[topic_id, reputer] = amount
        chain.ledger.topics[topic_id] = chain.ledger.topics.get(topic_id, 0) + amount - before


def put_entries(chain: Chain, life: Life, entries: list[Entry]) -> None:
    """Give a topic's state some values."""
    kept = {
        (family, withheld, actor): text
        for family, withheld, actor, text in chain.states.entries(life.at)
    }
    kept |= {(family, withheld, actor): text for family, withheld, actor, text in entries}
    chain.states = chain.states.with_entries(life.at, [(*key, text) for key, text in kept.items()])


def recorded_ends(
    archive: Archive, heights: tuple[int, int], last: int
) -> Iterator[tuple[int, int]]:
    """Heights at which topics' epochs ended, as far as anything tells of them."""
    # Payloads tell of a nonce after the block in which it opened.
    later = heights[0], min(last, heights[1] + BUCKET)
    for table, _, _ in SOURCES.values():
        names = ["nonce", "topic_id"]
        opened = range(heights[0], heights[1] + 1)
        read = archive.read(table, later, names, nonces=opened).group_by(names).aggregate([])
        yield from zip(*(read[name].to_pylist() for name in names), strict=True)
    for table in END_TABLES:
        names = ["height", "topic_id", "tx_index"]
        read = archive.read(table, heights, names)
        read = read.filter(pc.is_null(read["tx_index"]))
        if read.num_rows:
            columns = [integers(read[name].combine_chunks()) for name in names[:2]]
            for height, topic in np.unique(np.stack(columns, 1), axis=0).tolist():
                yield int(height), int(topic)


PER_ACTOR = (
    # Table, its columns of kind and actor, its decimal, and the family by kind.
    ("regrets", "kind", "actor", "value", "{}_regret"),
    ("weights", "actor_type", "address", "weight", "{}_weight"),
    ("ema_scores", "actor_type", "address", "score", "{}_score_ema"),
    ("listening_coefficients", None, "reputer", "coefficient", "listening_coefficient"),
    ("initial_ema_scores", "actor_type", None, "score", "initial_{}_score"),
    ("regret_scales", None, None, "stdnorm", "regret_scale"),
    ("regret_scales", None, None, "initial_regret", "initial_regret"),
)


def told(
    archive: Archive, heights: tuple[int, int], first: int, averages_until: int
) -> Iterator[tuple[int, int, int | None, list[Entry]]]:
    """Height, topic, nonce if it is early, and entries of what events tell, in order of heights.

    Early is what is told of epochs before the first height, and of averages until another: all of
    it counts. Of later epochs counts what is first told of each actor.
    """
    found: list[tuple[int, int, int | None, list[Entry]]] = []
    for name, kind, actor, value, family in PER_ACTOR:
        table = archive.read(name, heights)
        table = table.filter(pc.is_valid(table[value]))
        if "use" in table.column_names:
            table = table.filter(pc.equal(table["use"], "latest"))
        keys = ["topic_id", *(column for column in (kind, actor) if column)]
        before = pc.less(table["nonce"], first)
        if name == "ema_scores":
            before = pc.or_(before, pc.less(table["height"], averages_until))
        for early, rows in ((True, table.filter(before)), (False, table.filter(pc.invert(before)))):
            names = [*keys, "nonce"] if early else keys
            for row in firsts(rows, names, [value] if early else [value, "nonce"]):
                nonce = row["nonce"] if early else row["nonce_first"]
                address = row[actor] if actor else ""
                filled = family.format(row[kind] if kind else "")
                entries = [(filled, "", address, row[f"{value}_first"])]
                if name == "ema_scores":
                    height = filled.replace("_ema", "_height")
                    entries.append((height, "", address, str(nonce)))
                number = nonce if early else None
                found.append((row["height_first"], row["topic_id"], number, entries))
    # Of one block and topic, what counts by itself comes after what is told for the first time.
    yield from sorted(found, key=lambda each: (*each[:2], each[2] is not None, each[3]))

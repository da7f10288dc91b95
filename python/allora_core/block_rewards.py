"""All topics of a block in the compiled engine: weights, schedule, selection and rewards.

>>> from allora_core import Engine
>>> from allora_core.block_rewards import TopicTable
>>> from allora_core.topics import Block, Topic, Topics
>>> engine = Engine()
>>> table = TopicTable.from_topics(Topics({1: Topic(1, 10, stake=10**6, fee_revenue=10**6)}))
>>> table = table.activated(engine, [1], height=100)
>>> ended = table.end_block(engine, Block(height=110, emission=10, rewards_balance=0))
>>> ended.value().selected
(1,)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from .batch import NumberName, Numbers, as_column, from_column, make_numbers, read_numbers
from .epoch import TopicError
from .reference.block_reward import pay_block
from .topics import Block, BlockRewards, Listing, Topic, Topics, TopicWeightParams

if TYPE_CHECKING:
    from .engine import Engine

__all__ = ["EndedBlock", "TopicTable", "pay_block"]

_INTEGERS = ("epoch_length", "epoch_last_ended", "last_drip_block", "reward_nonce")
_CHANGED = (
    "epoch_last_ended",
    "last_drip_block",
    "epoch_end",
    "reward_nonce",
    "active",
    "fee_revenue",
    "previous_weight",
    "total_weight",
    "listing_block",
    "listing_offsets",
    "listing_topic",
    "lowest_topic",
    "lowest_weight",
)


class TopicTable:
    """Topics by ascending identifier, as columns.

    Attributes:
        number: kind of its numbers.
        columns: topic_id (uint64), epoch_length, epoch_last_ended, last_drip_block, epoch_end (-1:
            in no list), reward_nonce (int64), active (uint8), stake, fee_revenue (base units),
            previous_weight (missing: none stored) per topic; listing_block, listing_offsets
            (int64), listing_topic, lowest_topic (int32 positions of topics, -1 none) and
            lowest_weight per list; total_weight (one number).
    """

    __slots__ = ("columns", "number")

    def __init__(self, number: NumberName, columns: dict[str, Any]) -> None:
        self.number = number
        self.columns = columns

    @classmethod
    def from_topics(cls, topics: Topics, number: NumberName = "decimal") -> TopicTable:
        """Pack topics.

        Raises:
            TopicError: a stored weight is not a number, or a list names an unknown topic.
        """
        order = sorted(topics.topics)
        index = {topic: at for at, topic in enumerate(order)}
        listed = [topics.topics[topic] for topic in order]
        blocks = sorted(topics.listings)
        listings = [topics.listings[block] for block in blocks]
        _require_usable(listed, listings, topics, index)
        columns: dict[str, Any] = {
            "topic_id": np.array(order, np.uint64),
            "active": np.array([topic.active for topic in listed], np.uint8),
            "epoch_end": np.array(
                [-1 if topic.epoch_end is None else topic.epoch_end for topic in listed], np.int64
            ),
            "listing_block": np.array(blocks, np.int64),
            "listing_offsets": np.cumsum(
                [0, *(len(listing.topic_ids) for listing in listings)], dtype=np.int64
            ),
            "listing_topic": np.array(
                [index[topic] for listing in listings for topic in listing.topic_ids], np.int32
            ),
            "lowest_topic": np.array(
                [index.get(listing.lowest_topic, -1) for listing in listings], np.int32
            ),
        }
        for name in _INTEGERS:
            columns[name] = np.array([getattr(topic, name) for topic in listed], np.int64)
        numbers: dict[str, list[Decimal | None]] = {
            "stake": [Decimal(topic.stake) for topic in listed],
            "fee_revenue": [Decimal(topic.fee_revenue) for topic in listed],
            "previous_weight": [topic.previous_weight for topic in listed],
            "lowest_weight": [listing.lowest_weight for listing in listings],
            "total_weight": [topics.total_weight],
        }
        for name, values in numbers.items():
            columns[name] = make_numbers(number, values)
        return cls(number, columns)

    def __len__(self) -> int:
        return len(self.columns["topic_id"])

    def to_topics(self) -> Topics:
        """The topics as plain values."""
        columns = {name: _listed(column) for name, column in self.columns.items()}
        order = columns["topic_id"]
        topics = {
            topic: Topic(
                topic_id=topic,
                stake=int(columns["stake"][at]),
                fee_revenue=int(columns["fee_revenue"][at]),
                previous_weight=columns["previous_weight"][at],
                epoch_end=None if columns["epoch_end"][at] < 0 else columns["epoch_end"][at],
                active=bool(columns["active"][at]),
                **{name: columns[name][at] for name in _INTEGERS},
            )
            for at, topic in enumerate(order)
        }
        offsets, members = columns["listing_offsets"], columns["listing_topic"]
        listings = {
            block: Listing(
                tuple(order[topic] for topic in members[offsets[at] : offsets[at + 1]]),
                order[lowest] if (lowest := columns["lowest_topic"][at]) >= 0 else 0,
                columns["lowest_weight"][at],
            )
            for at, block in enumerate(columns["listing_block"])
        }
        return Topics(topics, listings, columns["total_weight"][0])

    def activated(
        self,
        engine: Engine,
        topic_ids: Sequence[int],
        height: int,
        params: TopicWeightParams | None = None,
    ) -> TopicTable:
        """The table after topics were funded in this order: their weights count again.

        Raises:
            TopicError: a topic is unknown or its weight cannot be computed.
        """
        return self._run(engine, "activate", Block(height, 0, 0), params, topic_ids)[0]

    def inactivated(
        self,
        engine: Engine,
        topic_ids: Sequence[int],
        height: int,
        params: TopicWeightParams | None = None,
    ) -> TopicTable:
        """The table without active topics; their stored weights are kept and no longer count."""
        return self._run(engine, "inactivate", Block(height, 0, 0), params, topic_ids)[0]

    def end_block(
        self, engine: Engine, block: Block, params: TopicWeightParams | None = None
    ) -> EndedBlock:
        """Weights, selection and rewards of the topics whose epochs end in this block.

        Raises:
            TopicError: a topic's weight cannot be computed, or the total weight is 0 or negative;
                the network does none of the block's topics then.
        """
        table, columns = self._run(engine, "end_block", block, params, ())
        return EndedBlock(table, columns)

    def _run(
        self,
        engine: Engine,
        verb: str,
        block: Block,
        params: TopicWeightParams | None,
        topic_ids: Sequence[int],
    ) -> tuple[TopicTable, dict[str, Any]]:
        if engine.number != self.number:
            raise ValueError(
                f"this engine computes in {engine.number}, but the topics are in {self.number}"
            )
        packed = {name: as_column(column) for name, column in self.columns.items()}
        packed |= self._block(block, params or TopicWeightParams())
        chosen = [self._position(topic) for topic in topic_ids]
        columns, fault = _core.topic_block(
            self.number, engine._rules, engine._host, verb, packed, chosen
        )
        if fault is not None:
            field, cause, at = fault
            topic = int(self.columns["topic_id"][at]) if at >= 0 else 0
            raise TopicError(topic, "", field, cause)
        found = {name: from_column(column) for name, column in columns.items()}
        kept = {**self.columns, **{name: found[name] for name in _CHANGED}}
        return TopicTable(self.number, kept), found

    def _block(self, block: Block, params: TopicWeightParams) -> dict[str, Any]:
        for each in fields(params):
            value = getattr(params, each.name)
            if isinstance(value, Decimal) and not value.is_finite():
                raise ValueError(f"params.{each.name} is {value}, which is no number")
        for name in ("height", "emission", "rewards_balance"):
            if getattr(block, name) < 0:
                raise ValueError(f"the block's {name} must not be negative")
        total = read_numbers(self.columns["total_weight"])
        values = [
            *total,
            Decimal(block.rewards_balance),
            Decimal(block.emission),
            params.topic_reward_alpha,
            params.topic_reward_stake_importance,
            params.topic_reward_fee_revenue_importance,
            params.min_topic_weight,
        ]
        heights = [block.height, params.max_active_topics_per_block, params.blocks_per_month]
        return {
            "block": as_column(make_numbers(self.number, values)),
            "heights": np.array(heights, np.int64),
        }

    def _position(self, topic: int) -> int:
        ids = self.columns["topic_id"]
        at = int(np.searchsorted(ids, np.uint64(topic)))
        if at == len(ids) or ids[at] != topic:
            raise TopicError(topic, "", "topic_id", "unknown_topic")
        return at


class EndedBlock:
    """The end of a block.

    Attributes:
        table: all topics afterwards.
        columns: positions of topics (int32) that were ``listed`` again, ``inactivated`` and
            ``selected``; ``weight`` beside listed; ``reward`` (base units with fractions, missing:
            none), ``refund`` (whole base units, missing: none) and ``waiting`` (uint8: a closed
            reputer nonce waits, so the reward is to be paid) beside selected.
    """

    def __init__(self, table: TopicTable, columns: dict[str, Any]) -> None:
        self.table = table
        names = ("listed", "inactivated", "selected", "weight", "reward", "refund", "waiting")
        self.columns = {name: columns[name] for name in names}

    def value(self) -> BlockRewards:
        """The decisions as plain values."""
        ids = self.table.columns["topic_id"].tolist()
        columns = {name: _listed(column) for name, column in self.columns.items()}
        selected = [ids[topic] for topic in columns["selected"]]
        listed = [ids[topic] for topic in columns["listed"]]
        weights = dict(zip(listed, columns["weight"], strict=True))
        rows = list(
            zip(selected, columns["reward"], columns["refund"], columns["waiting"], strict=True)
        )
        return BlockRewards(
            weights=weights,
            inactivated=tuple(ids[topic] for topic in columns["inactivated"]),
            selected=tuple(selected),
            opened=tuple(topic for topic in selected if weights[topic] != 0),
            rewards={topic: reward for topic, reward, _, _ in rows if reward is not None},
            paid={topic: reward for topic, reward, _, waits in rows if waits},
            refunded={topic: int(back) for topic, _, back, _ in rows if back is not None},
            topics=self.table.to_topics(),
        )


def _listed(column: Any) -> list[Any]:
    """A column as Python values: numbers as decimals, the rest as integers."""
    if isinstance(column, np.ndarray) and column.dtype != np.float64:
        return list(column.tolist())
    numbers: Numbers = column
    return list(read_numbers(numbers))


def _require_usable(
    listed: list[Topic], listings: list[Listing], topics: Topics, index: dict[int, int]
) -> None:
    for topic in listed:
        weight = topic.previous_weight
        if weight is not None and not weight.is_finite():
            cause = "nan" if weight.is_nan() else "infinite"
            raise TopicError(topic.topic_id, "", "previous_weight", cause)
    for listing in listings:
        for listed_topic in listing.topic_ids:
            if listed_topic not in index:
                raise TopicError(listed_topic, "", "topic_id", "unknown_topic")
        if not listing.lowest_weight.is_finite():
            raise TopicError(listing.lowest_topic, "", "lowest_weight", "nan")
    if not topics.total_weight.is_finite():
        raise TopicError(0, "", "total_weight", "nan")

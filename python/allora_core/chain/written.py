"""What a block computed, as rows of the book."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ..batch import DecimalArray, Epochs, Numbers, from_column
from ..block_rewards import EndedBlock
from ..engine import InferredBatch, RewardedBatch, SettledBatch
from ..reference.number_text import plain_text
from .book import present
from .columns import Codes, Integers
from .feed import KINDS, ROLES
from .pack import Close, bundle_cells, bundle_kinds
from .seats import Moved, Window

if TYPE_CHECKING:
    from .life import Chain

__all__ = [
    "inferences",
    "label_registries",
    "members",
    "mint",
    "moved",
    "rewarded",
    "settled",
    "stakes",
    "steps",
    "topic_rewards",
    "weights",
]


SHARE_SET = "EventPreviousPercentageRewardToStakedReputersSet"


def named(codes: Codes, names: Sequence[str]) -> pa.DictionaryArray:
    """Codes as a column of names."""
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(names))


def steps(
    chain: Chain,
    keys: Sequence[tuple[int, int]],
    name: str,
    height: int,
    ends: Sequence[int] | None = None,
) -> None:
    """Windows opened or closed, nonces committed: topic and nonce of each, and the last heights."""
    chain.book.add(
        "epoch_steps",
        len(keys),
        topic_id=[topic for topic, _ in keys],
        nonce=[nonce for _, nonce in keys],
        step=name,
        window_end=None if ends is None else list(ends),
        height=height,
    )


def members(
    chain: Chain,
    keys: Sequence[tuple[int, int]],
    role: str,
    sets: Sequence[Codes],
    height: int,
) -> None:
    """Active sets as closes worked with them: topic and nonce of each, and its actors."""
    counts = [len(each) for each in sets]
    actors = np.concatenate([np.empty(0, np.int32), *sets])
    chain.book.add(
        "active_sets",
        len(actors),
        topic_id=np.repeat(np.array([topic for topic, _ in keys], np.int64), counts),
        nonce=np.repeat(np.array([nonce for _, nonce in keys], np.int64), counts),
        actor_type=role,
        address=actors,
        source="computed",
        height=height,
    )


def label_registries(
    chain: Chain, keys: Sequence[tuple[int, int]], labels: Sequence[Sequence[str]], height: int
) -> None:
    """The labels of each epoch, numbered from 0: topic and nonce of each close."""
    rows = [
        (*key, len(names), at, name)
        for key, names in zip(keys, labels, strict=True)
        for at, name in enumerate(names)
    ]
    columns = ("topic_id", "nonce", "registry_size", "label_id", "label_name")
    listed: dict[str, Any] = {name: [row[at] for row in rows] for at, name in enumerate(columns)}
    chain.book.add("label_registries", len(rows), **listed, height=height)


def moved(chain: Chain, role: str, windows: Sequence[Window], rows: Moved) -> None:
    """Averages of actors who did not get in or were put out."""
    topics = np.array([window.topic_id for window in windows], np.int64)
    nonces = np.array([window.nonce for window in windows], np.int64)
    chain.book.add_numbers(
        "ema_scores",
        "score",
        rows.score,
        topic_id=topics[rows.window],
        nonce=nonces[rows.window],
        actor_type=role,
        address=rows.actor,
        is_active=False,
        height=rows.height,
    )


def stakes(chain: Chain, height: int) -> None:
    """Stakes that changed in this block."""
    if not chain.ledger.changed:
        return
    rows = chain.ledger.taken()
    chain.book.add(
        "stakes",
        len(rows),
        topic_id=[topic for topic, _, _ in rows],
        reputer=[reputer for _, reputer, _ in rows],
        stake_authority=[str(amount) for _, _, amount in rows],
        height=height,
    )


def mint(chain: Chain) -> None:
    """What the mint did since the last call."""
    rows = chain.mint.rows
    for event, place in (("EventEcosystemTokenMintSet", 1), ("EventRewardCurrentBlockEmission", 2)):
        told = [row for row in rows if place == 2 or row[1]]
        heights = [row[0] for row in told]
        texts = {"block_height": map(str, heights), "token_amount": (str(r[place]) for r in told)}
        for name, values in texts.items():
            chain.book.add(
                "mint_values",
                len(told),
                event=event,
                name=name,
                value=list(values),
                height=np.array(heights, np.int64),
            )
    rows.clear()
    columns = ("height", "event", "name", "value")
    monthly = {name: [row[at] for row in chain.mint.months] for at, name in enumerate(columns)}
    chain.book.add("mint_values", len(chain.mint.months), **monthly)
    chain.mint.months.clear()
    for height, share in chain.mint.shares:
        row = {"type": SHARE_SET, "name": "percentage", "value": plain_text(share)}
        chain.book.add("other_events", 1, **row, height=height)
    chain.mint.shares.clear()


def weights(chain: Chain, ended: EndedBlock, ending: Sequence[int], height: int) -> None:
    """New weights of the topics whose epochs end, and their revenue before and after."""
    columns, table = ended.columns, ended.table
    listed = dict(
        zip(columns["listed"].tolist(), numbers_text(columns["weight"], chain.number), strict=True)
    )
    places = [chain.position(topic_id) for topic_id in ending]
    stored = numbers_text(from_column(table.columns["previous_weight"]), chain.number)
    revenue = from_column(table.columns["fee_revenue"])
    left = numbers_text(revenue[places], chain.number)
    told = [listed.get(at, stored[at]) for at in places]
    before = [chain.fees[topic_id] for topic_id in ending]
    chain.book.add(
        "topic_status",
        len(ending),
        topic_id=list(ending),
        weight=told,
        topic_stake=[str(chain.ledger.topics.get(topic_id, 0)) for topic_id in ending],
        topic_fee_revenue=[str(amount) for amount in before],
        height=height,
    )
    rows = [
        (topic_id, old, new)
        for topic_id, old, text in zip(ending, before, left, strict=True)
        if (new := int(Decimal(text or 0))) != old
    ]
    chain.book.add(
        "fee_revenue_drips",
        len(rows),
        topic_id=[topic_id for topic_id, _, _ in rows],
        old_revenue=[str(old) for _, old, _ in rows],
        new_revenue=[str(new) for _, _, new in rows],
        drip_amount=[str(old - new) for _, old, new in rows],
        height=height,
    )


def numbers_text(values: Numbers, number: str) -> list[str | None]:
    """Numbers as the chain's texts, or those of doubles."""
    if isinstance(values, DecimalArray):
        return values.texts(plain=True)
    return [None if value != value else repr(value) for value in values.tolist()]


def topic_rewards(
    chain: Chain,
    selected: Sequence[int],
    rewards: Numbers,
    refunds: Sequence[Any],
    height: int,
) -> None:
    """What each topic of the block is given; nothing where it went back."""
    texts = numbers_text(rewards, chain.number)
    rows = [
        (topic_id, "0" if back is not None else text)
        for topic_id, text, back in zip(selected, texts, refunds, strict=True)
        if text is not None
    ]
    chain.book.add(
        "topic_rewards",
        len(rows),
        topic_id=[topic_id for topic_id, _ in rows],
        reward=[text for _, text in rows],
        height=height,
    )


def per_actor(closes: Sequence[Close], role: str) -> tuple[Integers, Integers, Codes]:
    """Topic, nonce and actor of every actor of a role in a batch."""
    lists = [
        close.reputers
        if role == "reputer"
        else close.accepted.inferers
        if role == "inferer"
        else close.accepted.forecasters
        for close in closes
    ]
    counts = [len(each) for each in lists]
    topics = np.repeat(np.array([close.topic_id for close in closes], np.int64), counts)
    nonces = np.repeat(np.array([close.nonce for close in closes], np.int64), counts)
    return topics, nonces, np.concatenate([np.empty(0, np.int32), *lists])


def cells(closes: Sequence[Close], widths: Integers) -> dict[str, Any]:
    """Key columns of every slot of a batch's bundles."""
    kinds, inferers, forecasters = bundle_cells([close.accepted for close in closes])
    return {
        "topic_id": np.repeat(np.array([close.topic_id for close in closes], np.int64), widths),
        "nonce": np.repeat(np.array([close.nonce for close in closes], np.int64), widths),
        "kind": kinds,
        "inferer": inferers,
        "forecaster": forecasters,
    }


def add_cells(
    chain: Chain,
    table: str,
    keys: dict[str, Any],
    values: Numbers,
    good: Any,
    height: int,
    **fixed: Any,
) -> None:
    """One row for each value of a bundle that is there, of topics that could be computed."""
    there = present(values) & good
    kept = dict(keys)
    if not there.all():
        rows = np.flatnonzero(there)
        kept = {name: column[rows] for name, column in keys.items()}
        values = values[rows]
    kept["kind"] = named(kept["kind"], KINDS)
    if "label" in kept:
        kept["label"] = fixed.pop("names").take(pa.array(kept["label"]))
    chain.book.add(table, len(values), **kept, **fixed, height=height, value=values)


def inferences(chain: Chain, closes: Sequence[Close], inferred: InferredBatch, height: int) -> None:
    """Network inferences, with and without outliers, and what they were weighted with."""
    columns = inferred.columns
    labels = np.array([len(close.accepted.labels) for close in closes])
    slots = np.diff(inferred.epochs.columns["loss_row_offsets"])
    keys = cells(closes, slots)
    per_slot = np.repeat(labels, slots)
    keys = {name: np.repeat(column, per_slot) for name, column in keys.items()}
    good = np.array([fault is None for fault in inferred.status])
    topic_of = np.repeat(np.arange(len(closes)), slots * labels)
    fixed: dict[str, Any] = {}
    if chain.release.formulas.labels == "vector":
        names = sorted({label for close in closes for label in close.accepted.labels})
        codes = [[names.index(label) for label in close.accepted.labels] for close in closes]
        keys["label"] = np.concatenate(
            [np.tile(np.array(each), count) for each, count in zip(codes, slots, strict=True)]
        )
        fixed["names"] = pa.array(names)
    for prefix, resistant in (("", False), ("resistant_", True)):
        there = good if not resistant else good & (columns["resistant"] != 0)
        values: Numbers = columns[prefix + "values"]
        add_cells(
            chain,
            "network_inferences",
            keys,
            values,
            there[topic_of],
            height,
            outlier_resistant=resistant,
            **fixed,
        )
    for role in ROLES[:2]:
        topics, nonces, actors = per_actor(closes, role)
        key = {"topic_id": topics, "nonce": nonces, "height": height, "use": "network_inference"}
        chain.book.add_numbers(
            "weights", "weight", columns[f"{role}_weight"], **key, actor_type=role, address=actors
        )
        chain.book.add_numbers(
            "regrets", "value", columns[f"{role}_regret_used"], **key, kind=role, actor=actors
        )


def settled(
    chain: Chain, closes: Sequence[Close], batch: Epochs, found: SettledBatch, height: int
) -> None:
    """Network losses, regrets, scale and stored weights."""
    widths = np.diff(batch.columns["loss_row_offsets"])
    keys = cells(closes, widths)
    good = np.array([fault is None for fault in found.status])
    losses: Numbers = found.columns["network_losses"]
    add_cells(chain, "network_losses", keys, losses, np.repeat(good, widths), height)
    reported = present(losses) & np.repeat(good, widths)
    core, rules = found.states.core, chain.release.formulas
    for role in ROLES[:2]:
        topics, nonces, actors = per_actor(closes, role)
        heard = reported[keys["kind"] == KINDS.index(role)]
        offsets = (batch.inferers if role == "inferer" else batch.forecasters).offsets
        ids = (batch.inferers if role == "inferer" else batch.forecasters).actors
        key = {"topic_id": topics, "nonce": nonces, "use": "latest"}
        families: list[tuple[str, str]] = [(role, f"{role}_regret")]
        families += [("naive_inferer", "naive_inferer_regret")] if role == "inferer" else []
        for kind, family in families:
            values = from_column(core.list_column(family, offsets, ids))
            columns = {**key, "kind": kind, "actor": actors}
            add_heard(chain, "regrets", "value", values, heard, columns, height)
        if rules.stored_weights == "present":
            values = from_column(core.list_column(f"{role}_weight", offsets, ids))
            columns = {**key, "actor_type": role, "address": actors}
            add_heard(chain, "weights", "weight", values, heard, columns, height)
    topics = np.array([close.topic_id for close in closes], np.int64)
    nonces = np.array([close.nonce for close in closes], np.int64)
    for family, column, there in (
        ("initial_regret", "initial_regret", True),
        ("regret_scale", "stdnorm", rules.scale_storage == "stored"),
    ):
        if there:
            values = from_column(core.scalar_column(family))
            columns = {"topic_id": topics, "nonce": nonces}
            add_heard(chain, "regret_scales", column, values, good, columns, height)


def add_heard(
    chain: Chain,
    table: str,
    name: str,
    values: Numbers,
    heard: Any,
    columns: dict[str, Any],
    height: int,
) -> None:
    """Rows of the actors that a close was about."""
    rows = np.flatnonzero(present(values) & heard)
    kept = {
        key: column[rows] if isinstance(column, np.ndarray) else column
        for key, column in columns.items()
    }
    chain.book.add(table, len(rows), **kept, height=height, **{name: values[rows]})


def rewarded(
    chain: Chain,
    closes: Sequence[Close],
    batch: Epochs,
    found: RewardedBatch,
    losses: Numbers,
    height: int,
) -> None:
    """Scores, their averages, listening coefficients, rewards.

    Args:
        losses: network losses of all topics, slot by slot.
    """
    kinds = bundle_kinds([close.accepted for close in closes])
    reported = present(losses)
    bounds = batch.columns["loss_row_offsets"]
    columns, core = found.columns, found.states.core
    actors_of = {
        "inferer": batch.inferers,
        "forecaster": batch.forecasters,
        "reputer": batch.reputers,
    }
    topic_ids = np.array([close.topic_id for close in closes], np.int64)
    nonce_of = np.array([close.nonce for close in closes], np.int64)
    initial = chain.release.formulas.initial_score == "present"
    for role in ROLES:
        topics, nonces, actors = per_actor(closes, role)
        offsets, ids = actors_of[role].offsets, actors_of[role].actors
        key: dict[str, Any] = {"topic_id": topics, "nonce": nonces}
        typed = {**key, "actor_type": role, "address": actors}
        scores: Numbers = columns[f"{role}_score"]
        chain.book.add_numbers("scores", "score", scores, **typed, height=height)
        scored = present(scores)
        if role != "reputer":
            # The average of a lone worker, one with the only loss, is not touched, nor told.
            known = np.concatenate([[0], np.cumsum(reported & (kinds == KINDS.index(role)))])
            told = scored & np.repeat(np.diff(known[bounds]) != 1, np.diff(offsets))
        else:
            told = scored
        averages = from_column(core.list_column(f"{role}_score_ema", offsets, ids))
        add_heard(
            chain, "ema_scores", "score", averages, told, {**typed, "is_active": True}, height
        )
        if role == "reputer":
            heard = from_column(core.list_column("listening_coefficient", offsets, ids))
            add_heard(
                chain,
                "listening_coefficients",
                "coefficient",
                heard,
                scored,
                {**key, "reputer": actors},
                height,
            )
        if initial:
            first = from_column(core.scalar_column(f"initial_{role}_score"))
            some = np.diff(np.concatenate([[0], np.cumsum(told)])[offsets]) > 0
            row: dict[str, Any] = {
                "topic_id": topic_ids,
                "nonce": nonce_of,
                "actor_type": role,
            }
            add_heard(chain, "initial_ema_scores", "score", first, some, row, height)
        paid = present(columns[f"{role}_paid"])
        nonce_column: Any = nonces
        if chain.release.timeline.reward_height == "payout":
            nonce_column = None
        row = {**typed, "nonce": nonce_column, "payout_height": height}
        add_heard(chain, "rewards", "reward", columns[f"{role}_reward"], paid, row, height)
    named_nonce = chain.release.timeline.reward_height == "nonce"
    chain.book.add_numbers(
        "forecast_task_scores",
        "score",
        columns["forecasting_task_utility_score"],
        topic_id=topic_ids,
        nonce=nonce_of if named_nonce else None,
        height=height,
    )

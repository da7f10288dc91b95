"""What a value follows from, as the archive has it: the way to look for a difference's cause."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..archive.files import Archive
from .compare import Difference

__all__ = ["inputs_of", "stake_before", "stake_place"]

MOST = 12
Found = list[str]


def rows_of(archive: Archive, table: str, difference: Difference, **wanted: Any) -> pa.Table:
    """Rows of the difference's topic whose columns have these values; None means null."""
    nonces = [wanted.pop("nonce")] if wanted.get("nonce") is not None else None
    found = archive.read(table, (0, difference.height), topic=difference.topic_id, nonces=nonces)
    for name, value in wanted.items():
        column = found[name]
        found = found.filter(pc.is_null(column) if value is None else pc.equal(column, value))
    return found


def nonce_of(difference: Difference) -> int | None:
    """The nonce, where the value has one."""
    nonce = difference.keys.get("nonce")
    return None if nonce is None else int(nonce)


def lines(table: pa.Table, what: str, who: str | None, value: str) -> Found:
    """One line a row: what, who, value; cut where there are too many."""
    listed = [
        f"{what}{'' if who is None else ' ' + str(row[who])}: {row[value]}"
        for row in table.slice(0, MOST).to_pylist()
    ]
    return listed + ([f"… {table.num_rows - MOST} more"] if table.num_rows > MOST else [])


def stake_before(told: list[dict[str, Any]], weighed_at: tuple[int, int]) -> str | None:
    """A reputer's whole stake when losses were weighed, at a height and event of the block's end.

    Due removals come before losses at the end of a block, rewards after them.
    """
    height, event = weighed_at
    known = [
        row
        for row in told
        if row["height"] < height
        or (row["height"] == height and (row["tx_index"] is not None or row["event_index"] < event))
    ]
    if not known:
        return None
    return str(max(known, key=stake_place)["stake_authority"])


def stake_place(row: dict[str, Any]) -> tuple[int, bool, int, int]:
    """Where in the chain a stake was told; the end of a block comes after its transactions."""
    index = row["tx_index"]
    return row["height"], index is None, index or 0, row["event_index"] or 0


def of_network_losses(archive: Archive, difference: Difference) -> Found:
    """The same cell of every reputer's report, and the reputers' stakes."""
    cell = {name: difference.keys.get(name) for name in ("kind", "inferer", "forecaster")}
    reported = rows_of(
        archive,
        "reputer_losses",
        difference,
        nonce=nonce_of(difference),
        source="transaction",
        **cell,
    )
    found = lines(reported, "reported by", "reputer", "value")
    stakes = rows_of(archive, "stakes", difference)
    told = rows_of(archive, "network_losses", difference, height=difference.height)
    event = pc.min(told["event_index"]).as_py()
    weighed_at = (difference.height, 0 if event is None else event)
    for reputer in pc.unique(reported["reputer"].combine_chunks()).to_pylist():
        of_reputer = stakes.filter(pc.equal(stakes["reputer"], reputer)).to_pylist()
        held = stake_before(of_reputer, weighed_at)
        if held is not None:
            found.append(f"stake of {reputer}: {held}")
    return found


def of_scores(archive: Archive, difference: Difference) -> Found:
    """The network losses that a worker's score is a difference of; a reputer's own report."""
    nonce, actor = nonce_of(difference), difference.actor
    kind = difference.keys.get("actor_type")
    if kind == "reputer":
        own = rows_of(
            archive, "reputer_losses", difference, nonce=nonce, reputer=actor, source="transaction"
        )
        return lines(own, f"loss reported by {actor}", "kind", "value")
    losses = rows_of(archive, "network_losses", difference, nonce=nonce)
    about = pc.or_kleene(
        pc.is_in(losses["kind"], pa.array(["combined", "naive"])),
        pc.fill_null(pc.equal(losses[str(kind)], str(actor)), False),
    )
    return lines(losses.filter(about), "network loss", "kind", "value")


def of_averages(archive: Archive, difference: Difference) -> Found:
    """The score of the epoch and the average before it."""
    actor, kind = difference.actor, difference.keys.get("actor_type")
    who = {"address": actor, "actor_type": kind}
    scores = rows_of(archive, "scores", difference, nonce=nonce_of(difference), **who)
    before = rows_of(archive, "ema_scores", difference, **who)
    before = before.filter(pc.less(before["nonce"], nonce_of(difference) or 0))
    return [
        *lines(scores, "score of", "address", "score"),
        *lines(
            before.slice(max(before.num_rows - 1, 0)), "average before, nonce", "nonce", "score"
        ),
    ]


def of_regrets(archive: Archive, difference: Difference) -> Found:
    """The network losses of combined, naive and own inference, and the regret before."""
    nonce, kind = nonce_of(difference), difference.keys.get("kind", "")
    role = "forecaster" if kind == "forecaster" else "inferer"
    losses = rows_of(archive, "network_losses", difference, nonce=nonce)
    about = pc.or_kleene(
        pc.is_in(losses["kind"], pa.array(["combined", "naive"])),
        pc.and_kleene(
            pc.equal(losses["kind"], role),
            pc.fill_null(pc.equal(losses[role], str(difference.actor)), False),
        ),
    )
    before = rows_of(archive, "regrets", difference, kind=kind, actor=difference.actor)
    before = before.filter(pc.less(before["nonce"], nonce or 0))
    return [
        *lines(losses.filter(about), "network loss", "kind", "value"),
        *lines(before.slice(max(before.num_rows - 1, 0)), "regret before, nonce", "nonce", "value"),
    ]


def of_weights(archive: Archive, difference: Difference) -> Found:
    """The regrets of the epoch and their scale."""
    nonce, use = nonce_of(difference), difference.keys.get("use", "latest")
    regrets = rows_of(archive, "regrets", difference, nonce=nonce, use=use)
    scales = rows_of(archive, "regret_scales", difference)
    scales = scales.filter(pc.is_valid(scales["stdnorm"]))
    return [
        *lines(scales.slice(max(scales.num_rows - 1, 0)), "scale, nonce", "nonce", "stdnorm"),
        *lines(regrets, "regret of", "actor", "value"),
    ]


def of_inferences(archive: Archive, difference: Difference) -> Found:
    """What workers sent for the nonce."""
    nonce = nonce_of(difference)
    sent = rows_of(archive, "inferences", difference, nonce=nonce, source="transaction")
    return lines(sent, "inference of", "inferer", "value")


def of_rewards(archive: Archive, difference: Difference) -> Found:
    """The topic's reward in the block, and the scores that divide it."""
    topic = rows_of(archive, "topic_rewards", difference, height=difference.height)
    scores = rows_of(
        archive,
        "scores",
        difference,
        height=difference.height,
        actor_type=difference.keys.get("actor_type"),
    )
    return [
        *lines(topic, "reward of the topic", None, "reward"),
        *lines(scores, "score of", "address", "score"),
    ]


def of_topic(archive: Archive, difference: Difference) -> Found:
    """Weight, stake and revenue told in the block, and the block's emission."""
    status = rows_of(archive, "topic_status", difference, height=difference.height)
    minted = archive.read("mint_values", (difference.height, difference.height))
    minted = minted.filter(pc.equal(minted["event"], "EventRewardCurrentBlockEmission"))
    return [
        *lines(status, "weight", None, "weight"),
        *lines(status, "stake of the topic", None, "topic_stake"),
        *lines(status, "fee revenue", None, "topic_fee_revenue"),
        *lines(minted, "emission:", "name", "value"),
    ]


SOURCES: dict[str, Callable[[Archive, Difference], Found]] = {
    "network losses": of_network_losses,
    "scores": of_scores,
    "forecasting task scores": of_topic,
    "EMA scores": of_averages,
    "regrets": of_regrets,
    "weights": of_weights,
    "network inferences": of_inferences,
    "weights used": of_weights,
    "regrets used": of_weights,
    "rewards": of_rewards,
    "topic rewards": of_topic,
    "topic weights": of_topic,
}


def inputs_of(archive: Archive, difference: Difference) -> tuple[str, ...]:
    """What the value of a difference follows from, one line each; nothing for plain events."""
    source = SOURCES.get(difference.quantity)
    return () if source is None else tuple(source(archive, difference))

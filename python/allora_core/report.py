"""Tables for people: what a replay computed, what was compared, what a benchmark measured."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from .bench.runner import Row
from .epoch import Rewarded
from .verify import Comparison, Step

__all__ = ["bench_table", "comparison_rows", "comparison_table", "replay_rows", "replay_table"]

Record = dict[str, Any]


def shown(value: Decimal | None, digits: int = 4) -> str:
    """A number short enough for a table, small ones with an exponent."""
    if value is None:
        return "-"
    small = value != 0 and value.adjusted() < -3
    return f"{value:.{digits - 1}e}" if small else f"{value:.{digits}g}"


def paid_in_all(rewarded: Rewarded) -> int:
    """Whole base units that the epoch paid: to workers, reputers and delegators."""
    parts = (
        rewarded.inferer_paid,
        rewarded.forecaster_paid,
        rewarded.reputer_paid,
        rewarded.delegators_reward,
    )
    return sum(sum(part.values()) for part in parts)


def replay_rows(step: Step) -> list[Record]:
    """One record per topic of a step: values as texts with every digit."""
    rows = []
    for at, recorded in enumerate(step.recorded):
        epoch = recorded.epoch
        network = step.inferred.topic(at).network
        losses = step.settled.topic(at).network_losses
        rewarded = step.rewarded.topic(at)
        weights = {**network.normalized_inferer_weight, **network.normalized_forecaster_weight}
        top = max(weights, key=lambda actor: weights[actor], default=None)
        rows.append(
            {
                "topic_id": epoch.topic_id,
                "nonce": epoch.nonce,
                "kind": recorded.kind,
                "inferers": len(epoch.inferences),
                "forecasters": len(epoch.forecasts),
                "reputers": len(epoch.reports),
                "network_inference": [str(value) for value in network.combined],
                "network_loss": None if losses.combined is None else str(losses.combined),
                "paid": paid_in_all(rewarded),
                "reward_fault": None if rewarded.fault is None else str(rewarded.fault),
                "top_weight_actor": top,
                "top_weight": None if top is None else str(weights[top]),
            }
        )
    return rows


def replay_table(rows: Iterable[Record]) -> Table:
    """A table per topic and epoch."""
    table = Table(
        title="Replayed epochs: network inference and loss, rewards paid",
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    table.add_column("topic", justify="right", no_wrap=True, min_width=5)
    table.add_column("nonce", justify="right", no_wrap=True, min_width=5)
    table.add_column("case", no_wrap=True)
    table.add_column("I/F/R", justify="right", no_wrap=True, min_width=6)
    table.add_column("inference", justify="right", no_wrap=True, min_width=9)
    table.add_column("loss", justify="right", no_wrap=True, min_width=7)
    table.add_column("paid", justify="right", no_wrap=True, min_width=9)
    table.add_column("top weight", no_wrap=True)
    for row in rows:
        values = row["network_inference"]
        loss, top = row["network_loss"], row["top_weight"]
        table.add_row(
            str(row["topic_id"]),
            str(row["nonce"]),
            Text(row["kind"]),
            f"{row['inferers']}/{row['forecasters']}/{row['reputers']}",
            shown(Decimal(values[0])) + (", …" if len(values) > 1 else ""),
            shown(None if loss is None else Decimal(loss)),
            "failed" if row["reward_fault"] else shown(Decimal(row["paid"])),
            "-" if top is None else Text(f"{shown(Decimal(top), 2)} {row['top_weight_actor']}"),
        )
    return table


def comparison_rows(comparisons: Iterable[Comparison]) -> list[Record]:
    """One record per kind of recorded answers."""
    return [
        {
            "kind": comparison.kind,
            "file": comparison.file,
            "compared": comparison.compared,
            "equal": comparison.equal,
            "equal_in_value_not_in_form": comparison.equal_in_value,
            "different": comparison.different,
            "first_difference": comparison.first_difference,
            "largest_error": comparison.largest_error,
        }
        for comparison in comparisons
    ]


def comparison_table(comparisons: Iterable[Comparison]) -> Table:
    """A table by kind: compared, equal, equal in value but not in form, different.

    The first differences get a column of their own where there are any.
    """
    listed = list(comparisons)
    differ = any(each.failed for each in listed)
    table = Table(title="Recorded answers", box=SIMPLE_HEAD)
    table.add_column("kind", overflow="fold")
    for name in ("compared", "equal", "in value,\nnot in form", "different"):
        table.add_column(name, justify="right", no_wrap=True)
    if differ:
        table.add_column("first difference", overflow="fold")
    for each in listed:
        counts = (each.compared, each.equal, each.equal_in_value, each.different)
        first = [Text(each.first_difference or "-")] if differ else []
        kind = Text(f"{each.kind}\n{each.file}")
        table.add_row(kind, *(f"{count:,}" for count in counts), *first)
    return table


def bench_table(rows: Iterable[Row]) -> Table:
    """Times per topic beside those of every peer measured in the same run.

    What a run has in common stands below the table, which fits into 80 columns.
    """
    listed = list(rows)
    title = "Microseconds per topic, after the results were compared"
    table = Table(title=title, caption=bench_caption(listed), box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("scenario", "moment"):
        table.add_column(name, no_wrap=True)
    for name in ("topics", "engine"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("peer", overflow="fold")
    for name in ("peer's", "ratio"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in listed:
        peer, ratio = row["peer_seconds"], row["ratio"]
        table.add_row(
            row["scenario"],
            row["moment"],
            str(row["topics"]),
            microseconds(row["engine_seconds"]),
            row["peer"] or "-",
            "-" if peer is None else microseconds(peer),
            "-" if ratio is None else f"{ratio:.{1 if ratio >= 10 else 2}f}x",
        )
    return table


def microseconds(seconds: float) -> str:
    """A time with four digits or more."""
    value = seconds * 1e6
    return f"{value:,.{0 if value >= 1000 else 1 if value >= 100 else 2}f}"


def bench_caption(rows: list[Row]) -> str:
    """Number, rules, device and threads of a run, and the versions of its peers' software."""
    parts = dict.fromkeys(
        f"{row['number']}, {row['version']}, {row['device']}, {row['threads']} thread"
        + ("" if row["threads"] == 1 else "s")
        for row in rows
    )
    for row in rows:
        if row["peer_version"]:
            software = "NumPy" if row["peer"].startswith("NumPy") else "Python"
            parts[f"{software} {row['peer_version']}"] = None
    return "; ".join(parts)

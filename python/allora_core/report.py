"""Tables for people: what a replay computed, what was compared, what a benchmark measured."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from rich.table import Table
from rich.text import Text

from .bench.runner import Row
from .verify import Comparison, Step

__all__ = ["bench_table", "comparison_rows", "comparison_table", "replay_rows", "replay_table"]

Record = dict[str, Any]


def shown(value: Decimal | None, digits: int = 8) -> str:
    """A number short enough for a table."""
    return "-" if value is None else f"{value:.{digits}g}"


def replay_rows(step: Step) -> list[Record]:
    """One record per topic of a step: values as texts with every digit."""
    rows = []
    for at, recorded in enumerate(step.recorded):
        epoch = recorded.epoch
        network = step.inferred.topic(at).network
        losses = step.settled.topic(at).network_losses
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
                "top_weight_actor": top,
                "top_weight": None if top is None else str(weights[top]),
            }
        )
    return rows


def replay_table(rows: Iterable[Record]) -> Table:
    """A table per topic and epoch."""
    table = Table(title="Replayed epochs")
    table.add_column("topic", justify="right")
    table.add_column("nonce", justify="right")
    table.add_column("case")
    table.add_column("I/F/R", justify="right")
    table.add_column("network inference", justify="right")
    table.add_column("network loss", justify="right")
    table.add_column("top weight")
    for row in rows:
        values = [shown(Decimal(text), 6) for text in row["network_inference"][:3]]
        more = ", …" if len(row["network_inference"]) > 3 else ""
        loss, top = row["network_loss"], row["top_weight"]
        table.add_row(
            str(row["topic_id"]),
            str(row["nonce"]),
            Text(row["kind"]),
            f"{row['inferers']}/{row['forecasters']}/{row['reputers']}",
            ", ".join(values) + more,
            shown(None if loss is None else Decimal(loss)),
            "-" if top is None else Text(f"{row['top_weight_actor']} {shown(Decimal(top), 3)}"),
        )
    return table


def comparison_rows(comparisons: Iterable[Comparison]) -> list[Record]:
    """One record per kind of recorded answers."""
    return [
        {
            "kind": comparison.kind,
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
    """A table by kind: compared, equal, equal in value but not in form, different."""
    table = Table(title="Recorded answers")
    table.add_column("kind", overflow="fold")
    for name in ("compared", "equal", "equal in value, not in form", "different"):
        table.add_column(name, justify="right")
    table.add_column("first difference", overflow="fold")
    for each in comparisons:
        counts = (each.compared, each.equal, each.equal_in_value, each.different)
        first = Text(each.first_difference or "-")
        table.add_row(Text(each.kind), *(f"{count:,}" for count in counts), first)
    return table


def bench_table(rows: Iterable[Row]) -> Table:
    """Times per topic beside the peer measured in the same run."""
    table = Table(title="Seconds per topic; correctness was checked before time was taken")
    for name in ("scenario", "moment", "device", "number", "version"):
        table.add_column(name)
    for name in ("topics", "threads", "engine", "peer time", "ratio"):
        table.add_column(name, justify="right")
    table.add_column("peer")
    for row in rows:
        peer, ratio = row["peer_seconds"], row["ratio"]
        table.add_row(
            row["scenario"],
            row["moment"],
            row["device"],
            row["number"],
            row["version"],
            str(row["topics"]),
            str(row["threads"]),
            f"{row['engine_seconds'] * 1e6:,.1f} µs",
            "-" if peer is None else f"{peer * 1e6:,.1f} µs",
            "-" if ratio is None else f"{ratio:.1f}x",
            row["peer"] or "-",
        )
    return table

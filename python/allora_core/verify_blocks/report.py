"""A verification for people and for programs: first difference first, then a row a quantity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from .compare import Comparison, Difference, first_difference
from .settle import Settled

__all__ = [
    "comparison_json",
    "comparison_lines",
    "comparison_table",
    "settled_json",
    "settled_table",
]

COLUMNS = ("compared", "equal", "only in\nvalue", "differ", "missing", "not\nrecorded")


def told(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The quantities that the record tells or that something computed there."""
    return [each for each in comparisons if each.recorded or each.failed]


def comparison_lines(comparisons: Sequence[Comparison]) -> list[str]:
    """The first difference and what led there, one line each; one line where there is none."""
    first = first_difference(comparisons)
    compared = sum(each.compared for each in comparisons)
    if first is None and not compared:
        return ["nothing could be compared: the record lacks what its values follow from"]
    if first is None:
        return [f"no difference in {compared:,} compared values"]
    lines = [f"first difference: {first}"]
    if first.verdict == "form":
        lines.append("  equal in value, written differently")
    if first.verdict == "missing":
        lines.append("  recorded, and nothing computed it")
    if first.verdict == "not recorded":
        lines.append("  computed, and the record lacks it")
    return [*lines, *(f"  {line}" for line in first.inputs)]


def comparison_table(comparisons: Sequence[Comparison], title: str) -> Table:
    """A row a quantity that the record tells."""
    table = Table(title=title, box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("quantity", overflow="fold", min_width=26)
    for name in COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    for each in told(comparisons):
        counts = each.counts
        if not each.is_computed:
            table.add_row(each.quantity, "-", "-", "-", "-", "-", "-")
            continue
        numbers = (
            each.compared,
            counts["equal"],
            counts["form"],
            counts["different"],
            counts["missing"],
            counts["not recorded"],
        )
        table.add_row(each.quantity, *(f"{number:,}" for number in numbers))
    return table


def difference_json(difference: Difference | None) -> dict[str, Any] | None:
    """A difference as JSON."""
    if difference is None:
        return None
    return {
        "quantity": difference.quantity,
        "verdict": difference.verdict,
        "height": difference.height,
        "topic_id": difference.topic_id,
        "actor": difference.actor,
        "keys": difference.keys,
        "recorded": difference.recorded,
        "computed": difference.computed,
        "inputs": list(difference.inputs),
    }


def comparison_json(comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """All comparisons as JSON."""
    return {
        "first_difference": difference_json(first_difference(comparisons)),
        "quantities": [
            {
                "quantity": each.quantity,
                "recorded": each.recorded,
                "is_computed": each.is_computed,
                "compared": each.compared,
                "equal": each.counts["equal"],
                "equal_in_value_not_in_form": each.counts["form"],
                "different": each.counts["different"],
                "missing": each.counts["missing"],
                "not_recorded": each.counts["not recorded"],
                "largest_relative_error": each.largest_error,
                "first_difference": difference_json(each.first),
            }
            for each in told(comparisons)
        ],
    }


def verdict_of(settled: Settled) -> str:
    """What a record says about a rule, in words."""
    counts = {each.value: each.differing for each in settled.candidates}
    if not settled.is_settled:
        return "undecided"
    (value,) = settled.supported
    return f"supports {value}" if not counts[value] else f"closest: {value}"


def settled_table(settled: Sequence[Settled]) -> Table:
    """A row a candidate of every open rule."""
    table = Table(title="Open rules", box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for name in ("rule", "candidate", "taken", "differing", "the record"):
        table.add_column(name, justify="right" if name == "differing" else "left", overflow="fold")
    for each in settled:
        for at, candidate in enumerate(each.candidates):
            counted = "-" if candidate.differing is None else f"{candidate.differing:,}"
            head = (each.rule, verdict_of(each)) if at == 0 else ("", "")
            taken = "yes" if candidate.is_own else ""
            table.add_row(head[0], candidate.value, taken, counted, head[1])
    return table


def settled_json(settled: Sequence[Settled]) -> list[dict[str, Any]]:
    """The same as JSON."""
    return [
        {
            "rule": each.rule,
            "supported": list(each.supported),
            "is_settled": each.is_settled,
            "candidates": [
                {
                    "value": candidate.value,
                    "is_own": candidate.is_own,
                    "differing": candidate.differing,
                    "fault": candidate.fault,
                    "first_difference": difference_json(candidate.first),
                }
                for candidate in each.candidates
            ],
        }
        for each in settled
    ]

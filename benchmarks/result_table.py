"""The table that benchmarks print at the end of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields

__all__ = ["Result", "lines_of"]


@dataclass(frozen=True)
class Result:
    """One line: what was computed, where, by which rules, by which peer (the engine: "-")."""

    scenario: str
    device: str
    numeric_mode: str
    version: str
    peer: str
    time: str


def lines_of(results: Sequence[Result]) -> Iterator[str]:
    """The results as a Markdown table."""
    lines = [[field.name.replace("_", " ") for field in fields(Result)]]
    lines += [list(astuple(result)) for result in results]
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    lines.insert(1, ["-" * width for width in widths])
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        yield "| " + " | ".join(cells) + " |"

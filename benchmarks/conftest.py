"""What all benchmarks share: BLAS held at one thread, and the table of results at the end."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import astuple, dataclass, fields

import pytest

# NumPy reads these once, when it is first imported.
for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[variable] = "1"


@dataclass(frozen=True)
class Result:
    """One line of the table."""

    scenario: str
    device: str
    numeric_mode: str
    version: str
    peer: str
    time: str


RESULTS: list[Result] = []


@pytest.fixture(scope="session")
def results() -> list[Result]:
    """Where benchmarks leave their lines; a peer's own line names it, the engine's says "-"."""
    return RESULTS


def pytest_report_header() -> str:
    state = "too late for this run" if "numpy" in sys.modules else "in force"
    return f"BLAS at one thread: {state}; machine: {platform.processor() or platform.machine()}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not RESULTS:
        return
    lines = [[field.name.replace("_", " ") for field in fields(Result)]]
    lines += [list(astuple(result)) for result in RESULTS]
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    lines.insert(1, ["-" * width for width in widths])
    terminalreporter.section("times")
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        terminalreporter.write_line("| " + " | ".join(cells) + " |")

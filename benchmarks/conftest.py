"""What all benchmarks share: BLAS held at one thread, and the table of results at the end."""

from __future__ import annotations

import os
import platform
import sys

import pytest
from result_table import Result, lines_of

# NumPy reads these once, when it is first imported.
for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[variable] = "1"


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
    terminalreporter.section("times")
    for line in lines_of(RESULTS):
        terminalreporter.write_line(line)

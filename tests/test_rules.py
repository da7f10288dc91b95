"""The rules of every version: the engine's, the reference's, and the table people read."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from allora_core import _core
from allora_core.reference.rules import VERSIONS, rules_at

TABLE = Path(__file__).parent / "vectors" / "rules.md"


@pytest.mark.parametrize("version", VERSIONS)
def test_engine_and_reference_agree(version: str) -> None:
    assert _core.rules_at(version) == asdict(rules_at(version))


def table() -> str:
    """Version by rule; a blank cell is the value of the version before."""
    rows = ["| rule | " + " | ".join(VERSIONS) + " |", "|" + " --- |" * (len(VERSIONS) + 1)]
    for name in asdict(rules_at(VERSIONS[0])):
        cells, last = [], None
        for version in VERSIONS:
            value = asdict(rules_at(version))[name]
            cells.append(value if value != last else "")
            last = value
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


def test_table_is_current() -> None:
    assert TABLE.read_text() == table()

"""What docs/archive.md says: its queries run, its list of tables is whole."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from allora_core.archive.files import Archive
from allora_core.archive.schema import TABLES
from allora_core.archive.views import write_views
from allora_core.cli import app

TEXT = (Path(__file__).parents[2] / "docs" / "archive.md").read_text()
QUERIES = re.findall(r"```sql\n(.*?)```", TEXT, re.DOTALL)


def test_there_are_six() -> None:
    assert len(QUERIES) == 6


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_queries_run(query: str, recorded: Archive) -> None:
    path = str(recorded.folder / "archive.duckdb")
    with duckdb.connect(path, read_only=True) as database:
        rows = database.execute(query).fetchall()
    assert rows
    assert all(value is not None for row in rows for value in row)


def test_the_emission_is_summed_to_the_unit(recorded: Archive) -> None:
    path = str(recorded.folder / "archive.duckdb")
    with duckdb.connect(path, read_only=True) as database:
        total = sum(row[2] for row in database.execute(QUERIES[5]).fetchall())
    values = [
        int(row["value"])
        for row in recorded.read("mint_values").to_pylist()
        if (row["event"], row["name"]) == ("EventRewardCurrentBlockEmission", "token_amount")
    ]
    assert total == sum(values)
    assert len(values) == 490


def test_every_table_is_described() -> None:
    described = {}
    for line in TEXT.splitlines():
        match = re.fullmatch(r"\| `(\w+)`( \*)? \| (.*?) \| .* \| .* \|", line)
        if match:
            described[match[1]] = (match[3].replace("*", "").split(", "), match[2] is not None)
    assert described == {
        name: ([*known.keys, *known.decimals], known.origin) for name, known in TABLES.items()
    }


def test_views_of_an_empty_archive(tmp_path: Path) -> None:
    """Every view has its columns, though there is no row."""
    folder = empty_archive(tmp_path)
    with duckdb.connect(str(folder / "archive.duckdb"), read_only=True) as database:
        for table, known in TABLES.items():
            columns = [row[0] for row in database.execute(f"DESCRIBE {table}").fetchall()]
            assert columns == known.schema.names, table
        for query in QUERIES:
            assert database.execute(query).fetchall() == []


def empty_archive(tmp_path: Path) -> Path:
    """An archive whose views were written before there was anything."""
    archive = Archive.create(tmp_path / "archive", "allora-testnet-1")
    write_views(archive)
    return archive.folder


def test_help_teaches() -> None:
    result = CliRunner().invoke(app, ["ingest", "--help"], env={"COLUMNS": "120"})
    assert result.exit_code == 0
    for word in ("Examples", "--follow", "--dry-run", "--blocks", "http://"):
        assert word in result.output

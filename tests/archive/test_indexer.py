"""Tables of the chain's indexer, made from the recording: the same rows, marked as uncertain."""

from __future__ import annotations

import base64
import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from rest_forms import as_json, height_of, messages_of
from typer.testing import CliRunner

from allora_core.archive.files import Archive
from allora_core.archive.ingest import ingest
from allora_core.blocks.answers import BlockError
from allora_core.blocks.indexer import dump_chain, dump_files, dump_heights
from allora_core.cli import app

CHAIN = "allora-recording-1"
HEIGHTS = range(62, 92)
KEPT_EVENTS = ("EventScoresSet", "EventRewardsSettled", "EventNetworkLossSet", "EventEMAScoresSet")
runner = CliRunner()


@pytest.fixture(scope="module")
def tables(answers: list[Any]) -> dict[str, list[dict[str, Any]]]:
    """What the indexer would have written, the newest rows first."""
    blocks, messages, events = [], [], []
    for answer in answers:
        height = height_of(answer)
        if height not in HEIGHTS:
            continue
        if "block" in answer:
            header = answer["block"]["header"]
            blocks.append(
                {
                    "block_hash": answer["block_id"]["hash"],
                    "chain_id": header["chain_id"],
                    "height": height,
                    "block_time": header["time"][:26].replace("T", " "),
                    "proposer_address": header["proposer_address"],
                }
            )
            for text in answer["block"]["data"]["txs"]:
                for message in messages_of(base64.b64decode(text)):
                    data = as_json(message)
                    row = {"height": height, "type": data["@type"], "data": json.dumps(data)}
                    messages.append({"id": len(messages) + 1, **row})
            continue
        listed = list(answer["finalize_block_events"])
        for result in answer["txs_results"] or []:
            listed += result["events"]
        for event in listed:
            if event["type"].rpartition(".")[2] in KEPT_EVENTS:
                filled = {"height_tx": height, "height": 0} if height % 2 else {"height": height}
                row = {"height_tx": None, **filled, "type": event["type"]}
                data = json.dumps(event["attributes"])
                events.append({"id": len(events) + 1, **row, "data": data})
    return {"block_info": blocks[::-1], "messages": messages[::-1], "events": events[::-1]}


def written(folder: Path, tables: dict[str, list[dict[str, Any]]], form: str) -> Path:
    folder.mkdir()
    for name, rows in tables.items():
        path = folder / f"{name}.{form}"
        if form == "parquet":
            pq.write_table(pa.Table.from_pylist(rows), path)
        elif form == "csv.gz":
            with pa.CompressedOutputStream(str(path), "gzip") as file:
                pyarrow.csv.write_csv(pa.Table.from_pylist(rows), file)
        else:
            with path.open("w", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)
    return folder


@pytest.mark.parametrize("form", ["csv", "csv.gz", "parquet"])
def test_dumps(form: str, tables: Any, recorded: Archive, tmp_path: Path) -> None:
    dump = written(tmp_path / "dump", tables, form)
    result = runner.invoke(app, ["ingest", str(dump), "--out", str(tmp_path / "archive")])
    assert result.exit_code == 0, result.output
    archive = Archive(tmp_path / "archive")
    assert archive.chain_id == CHAIN
    assert archive.ranges == [(62, 91)]

    def plain(rows: Any, *untold: str) -> list[str]:
        names = {"tx_index", "msg_index", "event_index", "source", "num_txs", "time", *untold}
        kept = rows.drop_columns([name for name in rows.column_names if name in names])
        return sorted(map(repr, kept.to_pylist()))

    for table in ("scores", "ema_scores", "rewards", "network_losses", "inferences", "forecasts"):
        expected = recorded.read(table, (62, 91))
        assert expected.num_rows > 5, table
        assert plain(archive.read(table)) == plain(expected), table
    blocks, expected = archive.read("blocks"), recorded.read("blocks", (62, 91))
    assert plain(blocks) == plain(expected)
    micros = [str(time)[:26] for time in expected["time"].to_pylist()]
    assert [str(time)[:26] for time in blocks["time"].to_pylist()] == micros
    # Nobody knows which of these were executed: no row counts as the chain's input.
    for table in ("inferences", "forecasts", "reputer_losses"):
        assert set(archive.read(table)["source"].to_pylist()) == {"indexer"}
    assert archive.read("txs").num_rows == 0
    again = runner.invoke(app, ["ingest", str(dump), "--out", str(tmp_path / "archive")])
    assert "added 0 heights" in again.stdout


def test_messages_that_cannot_be_read_are_kept_by_name(tables: Any, tmp_path: Path) -> None:
    few = {name: [dict(row) for row in rows[-3:]] for name, rows in tables.items()}
    few["messages"][0] |= {"type": "/emissions.v1.MsgInsertBulkWorkerPayload", "data": "{}"}
    archive = Archive.create(tmp_path / "archive", CHAIN)
    ingest(dump_heights(dump_files(written(tmp_path / "dump", few, "csv"))), archive)
    unread = [row for row in archive.read("messages").to_pylist() if not row["is_decoded"]]
    assert "/emissions.v1.MsgInsertBulkWorkerPayload" in {row["type_url"] for row in unread}


def damage(table: str, **values: Any) -> Any:
    return lambda tables: tables[table][0].update(values)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (damage("block_info", height="x"), "height in block_info is 'x'"),
        (damage("block_info", block_hash="zz"), "block_hash"),
        (damage("block_info", block_time="yesterday"), "time 'yesterday"),
        (damage("messages", data="{"), "malformed data"),
        (damage("messages", data="[]"), "a message is no object"),
        (damage("events", data='[{"key": 1, "value": "a"}]'), "no text"),
        (damage("events", data='[{"value": "a"}]'), "malformed data"),
        (lambda tables: tables.update(block_info=tables["block_info"] * 2), "2 rows"),
        (lambda tables: [row.pop("type") for row in tables["messages"]], "type"),
    ],
)
def test_damaged_dumps(change: Any, words: str, tables: Any, tmp_path: Path) -> None:
    few = {name: [dict(row) for row in rows[-3:]] for name, rows in tables.items()}
    change(few)
    files = dump_files(written(tmp_path / "dump", few, "csv"))
    with pytest.raises(BlockError) as error:
        ingest(dump_heights(files), Archive.create(tmp_path / "archive", CHAIN))
    assert words in str(error.value)
    assert "dump" in str(error.value)


def test_a_dump_names_its_chain(tables: Any, tmp_path: Path) -> None:
    files = dump_files(written(tmp_path / "dump", tables, "csv"))
    assert dump_chain(files, None) == CHAIN
    archive = Archive.create(tmp_path / "archive", "allora-testnet-1")
    with pytest.raises(BlockError, match="chain allora-recording-1; the archive keeps"):
        ingest(dump_heights(files), archive)


def test_other_folders_are_no_dumps(tmp_path: Path) -> None:
    assert dump_files(tmp_path) == {}
    (tmp_path / "events.csv").write_text("a,b\n")
    assert dump_files(tmp_path) == {}


def test_tables_that_are_not_read_are_named(tables: Any, tmp_path: Path) -> None:
    few = {name: rows[-3:] for name, rows in tables.items()}
    dump = written(tmp_path / "dump", few, "csv")
    (dump / "rewards.csv").write_text("id,height\n")
    pq.write_table(pa.table({"id": [1]}), dump / "bundle_values.parquet")
    result = runner.invoke(app, ["ingest", str(dump), "--out", str(tmp_path / "archive")])
    assert result.exit_code == 0, result.output
    told = result.stdout.splitlines()[-2:]
    assert told == [
        "table bundle_values was not read: messages hold the same, as it was sent",
        "table rewards was not read: cut at 18 places; events hold every digit",
    ]


def test_a_dump_of_derived_tables_alone_is_refused(tmp_path: Path) -> None:
    (tmp_path / "scores.csv").write_text("id,height\n")
    out = tmp_path / "archive"
    result = runner.invoke(app, ["ingest", str(tmp_path), "--out", str(out)])
    assert result.exit_code == 2
    assert "not read are scores: cut at 18 places; events hold every digit" in result.output
    assert not out.exists()

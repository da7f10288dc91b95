"""The commands replay, of an archive, and state."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
from typer.testing import CliRunner, Result

from allora_core.archive.files import Archive
from allora_core.chain.replay import replay
from allora_core.cli import app


def run(*arguments: object) -> Result:
    wide = {"COLUMNS": "160"}
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env=wide)


def test_replay_tells_each_topic(recorded: Archive) -> None:
    result = run("replay", recorded.folder, "--to", 250)
    assert result.exit_code == 0, result.output
    assert "heights 1:250 from the genesis, v0.6 decimal" in result.output
    assert "fault: height 246 nonce 206 reward: topic 3 field reputer_score" in result.output
    rows = [line.split() for line in result.output.splitlines() if line[:7].strip().isdigit()]
    assert [row[0] for row in rows] == ["1", "2", "3", "4"]
    assert [row[-1] for row in rows] == ["3", "0", "1", "1"]


def test_replay_writes_tables_and_goes_on_from_a_checkpoint(
    recorded: Archive, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options = ("--number", "float64", "--checkpoint-every", 60)
    first = run("replay", recorded.folder, "--to", 120, "--out", out, *options, "--json")
    assert first.exit_code == 0, first.output
    document = json.loads(first.stdout)
    assert [each["height"] for each in document["checkpoints"]] == [60, 120]
    table = pq.read_table(out / "network_losses.parquet")
    assert set(table["engine"].to_pylist()) == {"v0.6 float64"}
    assert table.num_rows == replay(recorded, heights=(1, 120)).tables["network_losses"].num_rows
    start = out / "checkpoints" / "checkpoint-000000000060.json"
    again = run(
        "replay",
        recorded.folder,
        "--to",
        120,
        "--state",
        start,
        *options,
        "--out",
        tmp_path / "b",
        "--json",
    )
    resumed = json.loads(again.stdout)
    assert resumed["checkpoints"] == document["checkpoints"][1:]
    assert resumed["start"] == "the checkpoint of height 60"
    assert resumed["heights"] == [61, 120]


def test_state_shows_what_topics_remember(recorded: Archive) -> None:
    result = run("state", recorded.folder, "--at", 160, "--topics", "1,4", "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["start"] == "the state of height 150"
    first, fourth = document["topics"]
    assert (first["topic_id"], fourth["topic_id"]) == (1, 4)
    assert first["worker_nonces"] == [158]
    assert first["reputer_nonces"] == [146]
    assert (first["active"], first["epoch_end"]) == (True, 170)
    # Six seats; the set grew by one where the recorded lowest inferer was no member any more.
    assert first["seats"] == [7, 3, 3]
    roles = {actor["role"] for actor in first["actors"]}
    assert roles == {"inferer", "forecaster", "reputer"}
    shown = run("state", recorded.folder, "--at", 160, "--actors")
    assert shown.exit_code == 0, shown.output
    assert "after height 160, from the state of height 150, v0.6 decimal" in shown.output
    assert "listening" not in shown.output
    assert "coefficient" in shown.output


def test_what_is_wrong_is_told(recorded: Archive, tmp_path: Path) -> None:
    cases = {
        ("--to", 900): "heights 1:900 are not kept without a gap",
        ("--topics", "a"): "--topics a: write numbers with commas between",
        ("--checkpoint-every", 5): "--checkpoint-every writes into the folder of --out",
        ("--rules", "v1"): "unknown version 'v1'",
        ("--state", tmp_path / "none"): "No such file",
        ("--rule", "scale_filter=all"): "one archive at a time, and no --rule with it",
    }
    for arguments, message in cases.items():
        result = run("replay", recorded.folder, *arguments)
        assert result.exit_code == 2, arguments
        assert message in result.output, arguments
        assert result.output.startswith("error: "), arguments


def test_state_tells_what_is_wrong_before_it_begins(recorded: Archive) -> None:
    for arguments, message in {
        ("--at", 160, "--rules", "v1"): "unknown version 'v1'",
        ("--at", 900): "heights 1:900 are not kept without a gap",
    }.items():
        result = run("state", recorded.folder, *arguments)
        assert result.exit_code == 2, arguments
        assert result.output.startswith("error: "), arguments
        assert message in result.output


def test_help_has_examples() -> None:
    assert "allora-core replay archive/ --from" in run("replay", "--help").output
    assert "allora-core state archive/ --at" in run("state", "--help").output

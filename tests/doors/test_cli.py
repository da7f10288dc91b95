"""The command line: what it prints, and what its exit codes say."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import polars
import pytest
from rich.console import Console
from typer.testing import CliRunner

from allora_core import States, states_from_table, states_table
from allora_core.bench.runner import Row
from allora_core.cli import app
from allora_core.recorded import read_chain_epochs
from allora_core.report import bench_table

VECTORS = Path(__file__).parents[1] / "vectors"
EPOCHS = VECTORS / "chain_epochs_v017.jsonl.gz"
runner = CliRunner()


def lines(count: int) -> list[str]:
    with gzip.open(EPOCHS, "rt") as file:
        return [next(file) for _ in range(count)]


def recorded(path: Path, change=lambda document: None, count: int = 2) -> Path:
    documents = [json.loads(line) for line in lines(count)]
    change(documents)
    path.write_text("".join(json.dumps(document) + "\n" for document in documents))
    return path


@pytest.mark.parametrize(
    "command",
    [
        [],
        *([name] for name in ["replay", "vectors", "bench", "ingest", "verify", "state", "doctor"]),
    ],
)
def test_help_teaches(command: list[str]) -> None:
    result = runner.invoke(app, [*command, "--help"])
    assert result.exit_code == 0
    assert ("Examples" in result.output) == bool(command)


@pytest.mark.parametrize("command", ["replay", "vectors"])
def test_a_file_that_is_not_there_is_named(command: str, tmp_path: Path) -> None:
    missing = tmp_path / "epochs.jsonl"
    result = runner.invoke(app, [command, str(missing)])
    assert result.exit_code == 2
    assert f"error: {missing}: No such file or directory" in result.stderr


def test_vectors_are_equal() -> None:
    result = runner.invoke(app, ["vectors", "--json"])
    assert result.exit_code == 0
    kinds = json.loads(result.stdout)
    assert len(kinds) == 7
    assert all(kind["equal"] == kind["compared"] >= 75 for kind in kinds)


def test_vectors_in_float64() -> None:
    result = runner.invoke(app, ["vectors", "--number", "float64", "--json"])
    assert result.exit_code == 0


def test_replay_compares_and_writes(tmp_path: Path) -> None:
    path = recorded(tmp_path / "epochs.jsonl")
    out = tmp_path / "out"
    result = runner.invoke(app, ["replay", str(path), "--out", str(out)])
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].endswith("recorded values, differing: 0")
    losses = polars.read_parquet(out / "losses.parquet")
    assert set(losses["quantity"]) >= {"combined_loss", "naive_loss", "loss"}
    assert (out / "inferences.parquet").exists()
    rewards = polars.read_parquet(out / "rewards.parquet")
    assert set(rewards["quantity"]) >= {"score", "fraction", "reward"}
    states = polars.read_parquet(out / "states.parquet")
    assert set(states["nonce"]) == {100, 200}


def test_one_changed_digit_is_a_difference(tmp_path: Path) -> None:
    def change(documents) -> None:
        values = documents[1]["output"]["synthesis"]["combined"]
        values[0] = values[0][:-1] + ("1" if values[0][-1] != "1" else "2")

    result = runner.invoke(app, ["replay", str(recorded(tmp_path / "epochs.jsonl", change))])
    assert result.exit_code == 1
    assert "synthesis.combined" in result.stdout.replace("\n", "")
    assert result.stdout.splitlines()[-1].endswith("differing: 1")


@pytest.mark.parametrize(("stage", "name"), [("scores", "reputer"), ("rewards", "inferer_reward")])
def test_one_changed_digit_of_a_reward_is_a_difference(
    tmp_path: Path, stage: str, name: str
) -> None:
    with gzip.open(VECTORS / "chain_epochs_v06.jsonl.gz", "rt") as file:
        documents = [json.loads(next(file)) for _ in range(2)]
    values = documents[1]["output"][stage][name]
    actor = min(values)
    values[actor] = values[actor][:-1] + ("1" if values[actor][-1] != "1" else "2")
    path = tmp_path / "epochs.jsonl"
    path.write_text("".join(json.dumps(document) + "\n" for document in documents))
    result = runner.invoke(app, ["replay", str(path)])
    assert result.exit_code == 1
    assert f"{stage}.{name}.{actor}" in result.stdout.replace("\n", "")
    assert result.stdout.splitlines()[-1].endswith("differing: 1")


def test_other_rules_differ(tmp_path: Path) -> None:
    path = recorded(tmp_path / "epochs.jsonl")
    result = runner.invoke(app, ["replay", str(path), "--rule", "weight_rounding=once", "--json"])
    assert result.exit_code == 1
    assert json.loads(result.stdout)["comparison"]["different"] > 0


def test_a_surplus_value_is_a_difference(tmp_path: Path) -> None:
    def change(documents) -> None:
        inferers = documents[0]["output"]["regrets"]["inferer"]
        inferers.pop(sorted(inferers)[0])

    result = runner.invoke(app, ["replay", str(recorded(tmp_path / "epochs.jsonl", change))])
    assert result.exit_code == 1
    assert "recorded nothing, computed" in result.stdout.replace("\n", " ")
    assert result.stdout.splitlines()[-1].endswith("differing: 1")


def given(documents, *place):
    part = documents[1]["input"]
    for key in place:
        part = part[key]
    return part


DAMAGES = {
    "number": (
        lambda documents: given(documents, "inferences", 0).update(values=["1.2.3"]),
        ["line 2", "topic 1", "inference of f00000[y]", "'1.2.3'"],
    ),
    "stake": (
        lambda documents: given(documents, "reputers", 0).update(stake="-5"),
        ["line 2", "topic 1", "actor r00000", "field stake", "negative_stake"],
    ),
    "missing_list": (
        lambda documents: given(documents).pop("reputers"),
        ["line 2", "topic 1", "input reputers: missing"],
    ),
    "missing_field": (
        lambda documents: given(documents, "reputers", 0).pop("bundle"),
        ["line 2", "topic 1", "input reputers[r00000] bundle: missing"],
    ),
    "shape": (
        lambda documents: given(documents, "reputers", 0, "bundle").update(inferer=[1]),
        ["line 2", "topic 1", "reputers[r00000] bundle inferer: not an object"],
    ),
    "duplicate": (
        lambda documents: given(documents, "inferences").append(given(documents, "inferences", 0)),
        ["line 2", "topic 1", "inferences[f00000]: given twice"],
    ),
    "nonce": (
        lambda documents: given(documents).update(block=100),
        ["line 2", "topic 1", "block: 100 is no later nonce"],
    ),
    "state": (
        lambda documents: documents[0]["input"].pop("state"),
        ["line 1", "topic 1", "state: missing"],
    ),
    "labels": (
        lambda documents: documents[1]["output"]["synthesis"].update(combined=["1", "2"]),
        ["line 2", "topic 1", "synthesis.combined: 2 values for 1 labels"],
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("number", ["decimal", "float64"])
def test_bad_input_is_named(tmp_path: Path, damage: str, number: str) -> None:
    change, words = DAMAGES[damage]
    path = recorded(tmp_path / "epochs.jsonl", change)
    result = runner.invoke(app, ["replay", str(path), "--number", number])
    assert result.exit_code == 2
    message = result.stderr.replace("\n", " ")
    assert [word for word in ["epochs.jsonl", *words] if word not in message] == []


def flipped(content: bytes) -> bytes:
    return content[:3000] + bytes([content[3000] ^ 255]) + content[3001:]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("cut.gz", EPOCHS.read_bytes()[:500_000], "cut.gz line 19: file: damaged"),
        ("flip.gz", flipped(EPOCHS.read_bytes()), "flip.gz line 1: file: damaged"),
        ("bytes", bytes(range(128, 256)), "bytes line 1: file: damaged"),
        ("args", b'{"rules":"v0.6","op":"add","args":["1"],"result":"1"}', "args line 1: add"),
        ("op", b'{"rules":"v0.6","op":"sum","args":"1","result":"1"}', "op line 1: args: not"),
        ("no", b'{"rules":"v0.6","op":"zap","args":["1"],"result":"1"}', "operation 'zap'"),
        ("key", b'{"rules":"v0.6","op":"add","op":"sub"}', "key line 1: op: given twice"),
        ("rows", b"epoch,network_inference\n", "rows line 1: file: nothing to compare"),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    result = runner.invoke(app, ["vectors", str(tmp_path / name)])
    assert result.exit_code == 2
    assert words in result.stderr.replace("\n", " ")


def test_unknown_scenario() -> None:
    result = runner.invoke(app, ["bench", "--scenario", "none"])
    assert result.exit_code == 2
    assert "unknown scenario 'none'" in result.stderr


def test_bench_table_fits_a_terminal() -> None:
    row = Row(
        scenario="huge_dense",
        device="cpu",
        number="float64",
        version="v0.17",
        moment="settle",
        steps=0,
        topics=4096,
        threads=1,
        engine_seconds=0.8138,
        peer="NumPy, one shape",
        peer_version="2.4.6",
        peer_seconds=0.0345,
        ratio=0.0345 / 0.8138,
    )
    alone: Row = {**row, "peer": "", "peer_version": "", "peer_seconds": None, "ratio": None}
    alone["engine_seconds"] = 12.3456789
    console = Console(width=80)
    with console.capture() as capture:
        console.print(bench_table([row, alone]))
    lines = capture.get().splitlines()
    cells = ["huge_dense", "settle", "4096"]
    words = [line.split() for line in lines if "huge_dense" in line]
    assert words[0] == [*cells, "813,800", "NumPy,", "one", "shape", "34,500", "0.04x"]
    assert words[1] == [*cells, "12,345,679", "-", "-", "-"]
    assert any("float64, v0.17, cpu, 1 thread; NumPy 2.4.6" in line for line in lines)
    assert max(map(len, lines)) <= 80


def test_files_that_are_no_recordings(tmp_path: Path) -> None:
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(EPOCHS.read_bytes()[:5000])
    text = tmp_path / "notes.txt"
    text.write_text("nothing recorded")
    for arguments in (
        ["replay", str(cut)],
        ["replay", str(text)],
        ["replay", str(tmp_path / "absent.jsonl")],
        ["vectors", str(text)],
        ["replay", str(EPOCHS), "--rules", "v9"],
        ["replay", str(EPOCHS), "--rule", "colour=blue"],
        ["replay", str(EPOCHS), "--rule", "weight_rounding=twice"],
    ):
        assert runner.invoke(app, arguments).exit_code == 2, arguments


def test_states_through_tables() -> None:
    state = next(read_chain_epochs(EPOCHS)).state
    assert state is not None
    states = States.from_states([state])
    table = states_table(states)
    for form in (table, table.to_pandas(), polars.from_arrow(table)):
        assert states_from_table(form) == states

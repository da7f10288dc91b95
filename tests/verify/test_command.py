"""The command `verify`: first difference first, a table, JSON, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from made import archive_of, documents
from typer.testing import CliRunner

from allora_core.cli import app
from allora_core.verify_blocks import settle

runner = CliRunner()


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An archive whose record follows, and one with a score that does not."""
    folder = tmp_path_factory.mktemp("archives")
    listed = documents("v0.17", count=2)
    archive_of(listed, folder / "right")
    for document in listed:
        for event in document.get("result", {}).get("finalize_block_events", ()):
            if event["type"].endswith("EventScoresSet"):
                scores = next(each for each in event["attributes"] if each["key"] == "scores")
    scores["value"] = scores["value"][:-3] + ("1" if scores["value"][-3] != "1" else "2") + '"]'
    archive_of(listed, folder / "wrong")
    return folder / "right", folder / "wrong"


def test_an_archive_that_follows(archives: tuple[Path, Path]) -> None:
    result = runner.invoke(app, ["verify", str(archives[0])])
    assert result.exit_code == 0, result.output
    assert result.output.startswith("no difference in ")
    assert "network inferences" in result.output


def test_the_first_line_is_the_first_difference(archives: tuple[Path, Path]) -> None:
    result = runner.invoke(app, ["verify", str(archives[1])])
    assert result.exit_code == 1
    first, led, *_ = result.output.splitlines()
    assert first.startswith("first difference: height 10")
    assert "topic" in first
    assert "actor allo1" in first
    assert ": scores (" in first
    assert "recorded " in first
    assert "computed " in first
    assert led.strip()


def test_json(archives: tuple[Path, Path]) -> None:
    for path, code in zip(archives, (0, 1), strict=True):
        result = runner.invoke(app, ["verify", str(path), "--json"])
        assert result.exit_code == code
        document = json.loads(result.output)
        assert (document["first_difference"] is None) == (code == 0)
        counts = {each["quantity"]: each["different"] for each in document["quantities"]}
        assert counts["scores"] == code


def test_float64_and_topics(archives: tuple[Path, Path]) -> None:
    arguments = ["verify", str(archives[0]), "--number", "float64", "--topics", "1", "--json"]
    result = runner.invoke(app, arguments)
    assert result.exit_code == 0, result.output
    quantities = {each["quantity"]: each for each in json.loads(result.output)["quantities"]}
    assert quantities["scores"]["compared"] > 0
    assert 0 < quantities["scores"]["largest_relative_error"] < 1e-9


def test_one_bound_is_enough(archives: tuple[Path, Path]) -> None:
    for bound in (("--from", "1001"), ("--to", "1020")):
        result = runner.invoke(app, ["verify", str(archives[0]), *bound])
        assert result.exit_code == 0, result.output
        assert "replayed from the state of height 1000" in result.output


def test_the_record_alone(archives: tuple[Path, Path]) -> None:
    assert runner.invoke(app, ["verify", str(archives[0]), "--alone"]).exit_code == 0


def test_settled_rules(archives: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settle, "OPEN", {"topic_weight_storage": "v0.13"})
    result = runner.invoke(app, ["verify", str(archives[0]), "--settle"])
    assert result.exit_code == 0, result.output
    assert "supports after_rewards" in result.output
    result = runner.invoke(app, ["verify", str(archives[0]), "--settle", "--json"])
    rules = {each["rule"]: each["supported"] for each in json.loads(result.output)}
    assert rules == {
        "topic_weight_storage": ["after_rewards"],
        "block_order": ["windows_first"],
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "no archive"),
        (["{right}", "--topics", "one"], "write them as numbers with commas"),
        (["{right}", "--from", "9", "--to", "8"], "--from 9 lies above --to 8"),
        (["{right}", "--rules", "v9.9"], "unknown version 'v9.9'"),
    ],
)
def test_bad_input(archives: tuple[Path, Path], arguments: list[str], message: str) -> None:
    filled = [each.format(right=archives[0]) for each in arguments]
    result = runner.invoke(app, ["verify", *filled])
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())

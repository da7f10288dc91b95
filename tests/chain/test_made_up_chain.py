"""A made-up chain of v0.16, whose events tell nearly everything: odd archives, odd starts."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from written import SEATS, epochs, plan

from allora_core.archive.files import Archive
from allora_core.archive.ingest import ingest
from allora_core.archive.schema import TABLES
from allora_core.blocks.files import heights_in_order, source_files
from allora_core.chain import Replayed, replay
from allora_core.testing.block_params import ChainParams
from allora_core.testing.block_topics import TopicTimes
from allora_core.testing.block_writer import BlockPlan, TopicPlan, save_blocks
from allora_core.topics import TopicWeightParams

EPOCHS = 7
START = 1030


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Two topics of v0.16, seven epochs each."""
    folder = tmp_path_factory.mktemp("made_up")
    save_blocks(plan("v0.16", EPOCHS), folder / "blocks.jsonl")
    archive = Archive.create(folder / "archive", "allora-synthetic-1")
    ingest(heights_in_order(source_files(folder / "blocks.jsonl", None)), archive)
    return Archive(folder / "archive")


@pytest.fixture(scope="module")
def whole(made_up: Archive) -> Replayed:
    """The chain replayed from its genesis."""
    return replay(made_up, rules="v0.16")


def changed(archive: Archive, folder: Path, change: Callable[[str, pa.Table], pa.Table]) -> Archive:
    """A copy of an archive with other rows."""
    shutil.copytree(archive.folder, folder)
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    for name in list(manifest["parts"]):
        path = folder / name
        table = change(name.split("/")[0], pa.parquet.read_table(path, partitioning=None))
        if table.num_rows:
            pa.parquet.write_table(table, path)
        else:
            del manifest["parts"][name]
    (folder / "manifest.json").write_bytes(orjson.dumps(manifest))
    return Archive(folder)


def without_states(name: str, table: pa.Table) -> pa.Table:
    """An archive that began somewhere: no genesis."""
    return table.slice(0, 0) if name == "snapshots" else table


def values_of(replayed: Replayed, name: str, **fixed: Any) -> dict[tuple[Any, ...], Any]:
    """Computed values by key, of rows with some columns as given."""
    known = TABLES[name]
    keys = [key for key in known.keys if key != "source"]
    rows = {}
    for row in replayed.tables[name].to_pylist():
        if all(row[column] == value for column, value in fixed.items()):
            key = (*(row[column] for column in keys), row["height"])
            rows[key] = [row[column] for column in known.decimals]
    return rows


@pytest.fixture(scope="module")
def warmed(made_up: Archive, tmp_path_factory: pytest.TempPathFactory) -> Replayed:
    """The chain replayed from nothing, begun in its middle."""
    folder = tmp_path_factory.mktemp("warmed") / "archive"
    archive = changed(made_up, folder, without_states)
    return replay(archive, heights=(START, None), rules="v0.16", checkpoint_every=40)


@pytest.mark.parametrize(
    ("name", "fixed"),
    [
        ("network_losses", {}),
        ("scores", {}),
        ("listening_coefficients", {}),
        ("regrets", {"use": "latest"}),
        ("weights", {"use": "latest"}),
        ("regret_scales", {}),
        ("active_sets", {}),
    ],
)
def test_what_events_tell_is_exact_after_a_warm_up(
    whole: Replayed, warmed: Replayed, name: str, fixed: dict[str, Any]
) -> None:
    expected, found = values_of(whole, name, **fixed), values_of(warmed, name, **fixed)
    assert len(found) >= 6
    assert {key: expected.get(key) for key in found} == found


def test_what_is_left_of_an_unknown_start_is_told(made_up: Archive, warmed: Replayed) -> None:
    assert warmed.start == f"nothing at height {START}: recorded events fill the state"
    settled = values_of(warmed, "epoch_steps", step="reputer_committed")
    counts = {topic: sum(key[0] == topic for key in settled) for topic in (1, 2)}
    assert warmed.remaining == {topic: float(1 - 0.1) ** count for topic, count in counts.items()}
    assert min(counts.values()) >= 3
    assert warmed.faults == []


def test_one_in_regrets_are_not_told_and_fade(whole: Replayed, warmed: Replayed) -> None:
    exact = values_of(whole, "network_inferences", kind="combined", outlier_resistant=False)
    found = values_of(warmed, "network_inferences", kind="combined", outlier_resistant=False)
    assert found.keys() <= exact.keys()
    assert sum(exact[key] == value for key, value in found.items()) >= 1


def test_a_warm_up_resumes_to_the_same_hashes(
    made_up: Archive, warmed: Replayed, tmp_path: Path
) -> None:
    archive = changed(made_up, tmp_path / "archive", without_states)
    options: dict[str, Any] = {"rules": "v0.16", "checkpoint_every": 40}
    replay(archive, heights=(START, 1040), checkpoint_folder=tmp_path / "checkpoints", **options)
    start = tmp_path / "checkpoints" / "checkpoint-000000001040.json"
    found = replay(archive, start=start, **options)
    assert found.checkpoints == warmed.checkpoints[1:]
    assert len(found.checkpoints) >= 1


@pytest.mark.parametrize("blocks", [1, 9])
def test_a_warm_up_is_the_same_in_pieces(
    made_up: Archive, warmed: Replayed, tmp_path: Path, blocks: int
) -> None:
    archive = changed(made_up, tmp_path / "archive", without_states)
    options: dict[str, Any] = {"rules": "v0.16", "checkpoint_every": 40}
    found = replay(archive, heights=(START, None), blocks_at_once=blocks, **options)
    assert found.checkpoints == warmed.checkpoints
    assert found.tables.keys() == warmed.tables.keys()
    for name, table in found.tables.items():
        assert table.equals(warmed.tables[name]), name


def test_events_alone_tell_the_payloads(whole: Replayed, made_up: Archive, tmp_path: Path) -> None:
    def events_alone(name: str, table: pa.Table) -> pa.Table:
        if name in ("inferences", "forecasts", "reputer_losses", "stake_moves", "funding"):
            return table.filter(pc.equal(table["source"], "event"))
        return table

    found = replay(changed(made_up, tmp_path / "archive", events_alone), rules="v0.16")
    assert found.tables.keys() == whole.tables.keys()
    for name, table in found.tables.items():
        assert table.equals(whole.tables[name]), name


def untouched(found: Replayed, whole: Replayed, topic_id: int) -> None:
    """A topic has every epoch, and its first one is as before; then rewards, which are shared."""
    assert not [fault for fault in found.faults if fault.error.topic_id == topic_id]
    after = values_of(found, "network_losses", topic_id=topic_id)
    before = values_of(whole, "network_losses", topic_id=topic_id)
    assert after.keys() == before.keys()
    first = min(key[1] for key in before)
    for key in before:
        assert after[key] == before[key] or key[1] > first


def test_a_payload_out_of_its_window_is_told(
    whole: Replayed, made_up: Archive, tmp_path: Path
) -> None:
    rows = made_up.read("inferences", topic=2)
    nonce, sender = rows["nonce"][0].as_py(), rows["inferer"][0].as_py()

    def late(name: str, table: pa.Table) -> pa.Table:
        if name != "inferences":
            return table
        mine = pc.and_(pc.equal(table["nonce"], nonce), pc.equal(table["inferer"], sender))
        height = pc.if_else(mine, pc.add(table["height"], 6), table["height"])
        return table.set_column(table.column_names.index("height"), "height", height)

    found = replay(changed(made_up, tmp_path / "archive", late), rules="v0.16")
    told = [str(fault) for fault in found.faults if fault.stage == "submission"]
    height = rows["height"][0].as_py() + 6
    window = f"height {height} nonce {nonce} submission: topic 2 actor {sender}"
    assert f"{window} field inferer_submission: unknown_nonce" in told
    # The active set that the chain told of has a member more; the other topic is as before.
    assert any("field active_inferers: recorded_only" in each for each in told)
    untouched(found, whole, 1)


def test_a_forecast_about_a_stranger_is_dropped(made_up: Archive, tmp_path: Path) -> None:
    """The chain's transaction succeeds; here, where its record says otherwise, that is told."""
    stranger = "allo1inferer1f"

    def unregistered(name: str, table: pa.Table) -> pa.Table:
        if name != "registrations":
            return table
        return table.filter(pc.not_equal(table["address"], stranger))

    found = replay(changed(made_up, tmp_path / "archive", unregistered), rules="v0.16")
    told = {(fault.error.topic_id, fault.error.field) for fault in found.faults}
    assert (1, "active_forecasters") in told
    rows = found.tables["active_sets"]
    mine = pc.and_(pc.equal(rows["topic_id"], 1), pc.equal(rows["actor_type"], "forecaster"))
    assert rows.filter(mine).num_rows == 0
    # Whoever infers is not asked here: its own transaction succeeded.
    assert stranger in rows["address"].to_pylist()


def test_a_value_that_is_no_number_is_told(
    whole: Replayed, made_up: Archive, tmp_path: Path
) -> None:
    rows = made_up.read("inferences", topic=2)
    nonce, sender = rows["nonce"][0].as_py(), rows["inferer"][0].as_py()

    def endless(name: str, table: pa.Table) -> pa.Table:
        if name != "inferences":
            return table
        mine = pc.and_(pc.equal(table["nonce"], nonce), pc.equal(table["inferer"], sender))
        texts = pc.if_else(mine, "Infinity", table["value"])
        return table.set_column(table.column_names.index("value"), "value", texts)

    found = replay(changed(made_up, tmp_path / "archive", endless), rules="v0.16")
    first = found.faults[0]
    assert (first.stage, first.nonce, first.error.topic_id) == ("input", nonce, 2)
    assert (first.error.actor, first.error.cause) == (sender, "parse")
    assert first.error.detail == "Infinity"
    assert values_of(found, "network_losses", topic_id=1)
    assert not [fault for fault in found.faults if fault.error.topic_id == 1]


def test_a_topic_that_fails_leaves_the_others_alone(
    whole: Replayed, made_up: Archive, tmp_path: Path
) -> None:
    nonce = made_up.read("reputer_losses", topic=1)["nonce"][0].as_py()

    def boundless(name: str, table: pa.Table) -> pa.Table:
        if name != "reputer_losses":
            return table
        mine = pc.and_(pc.equal(table["nonce"], nonce), pc.equal(table["topic_id"], 1))
        mine = pc.and_(mine, pc.equal(table["kind"], "combined"))
        texts = pc.if_else(mine, "1E+90000", table["value"])
        return table.set_column(table.column_names.index("value"), "value", texts)

    found = replay(changed(made_up, tmp_path / "archive", boundless), rules="v0.16")
    first = found.faults[0]
    assert (first.stage, first.nonce, first.error.topic_id) == ("settle", nonce, 1)
    assert first.error.actor.startswith("allo1reputer1")
    assert (first.error.field, first.error.cause) == ("loss", "out_of_range")
    untouched(found, whole, 2)


def test_a_displaced_topic_comes_back_with_the_next_fee(tmp_path: Path) -> None:
    """One topic a block: the lighter one is put out where both would end, until it is paid."""
    topics = (
        TopicPlan(epochs(1, 5)),
        TopicPlan(epochs(2, 6), TopicTimes(7, 7, 3), funding=10**16),
    )
    chain = ChainParams(params=SEATS, weights=TopicWeightParams(max_active_topics_per_block=1))
    blocks = tmp_path / "blocks.jsonl"
    save_blocks(BlockPlan(topics, "v0.16", chain=chain), blocks)
    archive = Archive.create(tmp_path / "archive", "allora-synthetic-1")
    ingest(heights_in_order(source_files(blocks, None)), archive)
    found = replay(archive, rules="v0.16")
    assert found.faults == []
    told = archive.read("topic_status", topic=1)
    told = told.filter(pc.is_valid(told["is_active"]))
    switched = [(row["height"], row["is_active"]) for row in told.to_pylist()]
    computed = [
        (row["height"], row["is_active"])
        for row in found.tables["topic_status"].to_pylist()
        if row["topic_id"] == 1 and row["is_active"] is not None
    ]
    # Put out at 1047 by the heavier topic, back in the next block, by the fee of a payload.
    assert computed[:3] == [(1004, True), (1047, False), (1048, True)]
    assert [each for each in computed if each[1]] == switched
    for name in ("network_losses", "scores", "rewards", "topic_rewards"):
        recorded = archive.read(name)
        expected = {
            tuple(row[key] for key in (*TABLES[name].keys, "height")): row[TABLES[name].decimals[0]]
            for row in recorded.to_pylist()
        }
        values = {key: value[0] for key, value in values_of(found, name).items()}
        assert {key: values.get(key) for key in expected if expected[key] != "NaN"} == {
            key: value for key, value in expected.items() if value != "NaN"
        }

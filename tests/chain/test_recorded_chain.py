"""A chain that really ran follows from its genesis and its transactions, digit for digit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest

from allora_core.archive.files import Archive
from allora_core.archive.schema import TABLES
from allora_core.chain.checkpoint import CheckpointError, read, write
from allora_core.chain.replay import Replayed, replay
from allora_core.states import States

KEYS = {
    "network_losses": ("topic_id", "nonce", "kind", "inferer", "forecaster"),
    "scores": ("topic_id", "nonce", "actor_type", "address"),
    "ema_scores": ("topic_id", "nonce", "actor_type", "address", "is_active"),
    "rewards": ("topic_id", "payout_height", "actor_type", "address"),
    "topic_rewards": ("topic_id",),
    "forecast_task_scores": ("topic_id",),
    "epoch_steps": ("topic_id", "nonce", "step"),
    "mint_values": ("event", "name", "value"),
}
"""What identifies a row, beside its height."""

RECORDED_ROWS = {
    "network_losses": 2720,
    "scores": 859,
    "ema_scores": 945,
    "rewards": 857,
    "topic_rewards": 120,
    "forecast_task_scores": 99,
    "epoch_steps": 219,
    "mint_values": 1968,
}
CHECKPOINTS = 50


@pytest.fixture(scope="module")
def whole(recorded: Archive, tmp_path_factory: pytest.TempPathFactory) -> tuple[Replayed, Path]:
    """The whole chain replayed, and the folder of its checkpoints."""
    folder = tmp_path_factory.mktemp("checkpoints")
    found = replay(recorded, checkpoint_every=CHECKPOINTS, checkpoint_folder=folder)
    return found, folder


def keyed(table: pa.Table, name: str) -> dict[tuple[Any, ...], Any]:
    """Values by key; rows of a reported NaN, inputs and what is never told left out."""
    rows = {}
    decimals = TABLES[name].decimals
    for row in table.to_pylist():
        if row.get("name") == "staked_token_amount":  # an input
            continue
        if row.get("event") == "EventRecalculateTargetEmission":  # not told by this release
            continue
        key = (*(row[column] for column in KEYS[name]), row["height"])
        rows[key] = tuple(row[column] for column in decimals)
    return rows


@pytest.mark.parametrize("name", KEYS)
def test_every_recorded_value_follows(
    recorded: Archive, whole: tuple[Replayed, Path], name: str
) -> None:
    expected = keyed(recorded.read(name), name)
    found = keyed(whole[0].tables[name], name)
    assert len({key for key in expected if None not in expected[key]}) == RECORDED_ROWS[name]
    assert {key: found.get(key) for key in expected} == expected
    if name != "epoch_steps":  # this release told of commits alone
        assert found.keys() == expected.keys()


def test_what_failed_there_fails_here(whole: tuple[Replayed, Path]) -> None:
    faults = whole[0].faults
    rewards = [fault for fault in faults if fault.stage == "reward"]
    listed = [(fault.error.topic_id, fault.error.field, fault.height) for fault in rewards]
    assert [height for topic, _, height in listed if topic == 3] == [246, 306, 326, 446, 466]
    assert [height for topic, _, height in listed if topic == 4] == [222, 376]
    assert str(rewards[1]) == (
        "height 246 nonce 206 reward: topic 3 field reputer_score: div_undefined"
    )
    # New inferers all have the score 0: which of them a long forecast is about, is drawn by lot.
    others = [fault for fault in faults if fault.stage != "reward"]
    assert [(fault.height, fault.error.field, fault.error.cause) for fault in others] == [
        (height, "forecast_elements", "tie") for height in (39, 51, 51)
    ]


def carried(replayed: Replayed) -> tuple[dict[str, Any], list[Any]]:
    """Everything carried as plain values, and the states of the formulas."""
    document = orjson.loads(write(replayed.chain)[0])
    states = States(replayed.chain.states, replayed.chain.number)
    document.pop("states")
    # Only told when a month begins.
    document["mint"].pop("staked")
    return document, [states.state(at) for at in range(len(states))]


@pytest.mark.parametrize("height", [150, 300, 488])
def test_exported_states_are_met(recorded: Archive, height: int) -> None:
    """The node's own export after a height, and the replay up to it, are one state."""
    through = replay(recorded, heights=(1, height + 1))
    after = replay(recorded, heights=(height + 1, height + 1))
    assert after.start == f"the state of height {height}"
    assert carried(after) == carried(through)
    assert not any(fault.height > height for fault in (*through.faults, *after.faults))


def test_what_follows_an_exported_state_is_the_same(
    recorded: Archive, whole: tuple[Replayed, Path]
) -> None:
    found = replay(recorded, heights=(301, 490), checkpoint_every=CHECKPOINTS)
    assert found.start == "the state of height 300"
    for name, table in found.tables.items():
        rows = whole[0].tables[name]
        assert table.equals(rows.filter(pa.compute.greater(rows["height"], 300))), name
    # Past the next month the hashes meet too.
    assert found.checkpoints[2:] == whole[0].checkpoints[8:]


@pytest.mark.parametrize("height", [50, 200, 450])
def test_resumed_from_a_checkpoint(
    recorded: Archive, whole: tuple[Replayed, Path], height: int
) -> None:
    replayed, folder = whole
    start = folder / f"checkpoint-{height:012d}.json"
    found = replay(recorded, start=start, checkpoint_every=CHECKPOINTS)
    assert found.heights == (height + 1, 490)
    assert found.checkpoints == [each for each in replayed.checkpoints if each[0] > height]
    assert write(found.chain) == write(replayed.chain)
    for name, table in found.tables.items():
        rows = replayed.tables[name]
        assert table.equals(rows.filter(pa.compute.greater(rows["height"], height))), name


@pytest.mark.parametrize("options", [{"blocks_at_once": 37}, {"threads": 1}, {"threads": 3}])
def test_reading_and_threads_do_not_show(
    recorded: Archive, whole: tuple[Replayed, Path], options: dict[str, int]
) -> None:
    found = replay(recorded, heights=(1, 200), checkpoint_every=CHECKPOINTS, **options)  # type: ignore[arg-type]
    assert found.checkpoints == whole[0].checkpoints[:4]


KILLED = """
import sys
from pathlib import Path
from allora_core.archive.files import Archive
from allora_core.chain.replay import replay
replay(Archive(sys.argv[1]), checkpoint_every=10, checkpoint_folder=Path(sys.argv[2]))
"""


def test_killed_and_resumed(recorded: Archive, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    running = subprocess.Popen([sys.executable, "-c", KILLED, recorded.folder, folder])
    deadline = time.monotonic() + 60
    while len(list(folder.glob("*.json"))) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    last = max(folder.glob("*.json"))
    height = read(last).height
    assert 50 <= height <= 490
    found = replay(recorded, start=last) if height < 490 else None
    straight = replay(recorded)
    assert found is None or write(found.chain) == write(straight.chain)


def test_float64_is_close(recorded: Archive, whole: tuple[Replayed, Path]) -> None:
    found = replay(recorded, number="float64")
    assert [str(fault) for fault in found.faults] == [str(fault) for fault in whole[0].faults]
    for name in ("network_losses", "scores", "ema_scores", "topic_rewards"):
        column = f"{TABLES[name].decimals[0]}_f64"
        exact, near = whole[0].tables[name], found.tables[name]
        assert exact.num_rows == near.num_rows
        scale = max(abs(value) for value in exact[column].to_pylist())
        for expected, value in zip(
            exact[column].to_pylist(), near[column].to_pylist(), strict=True
        ):
            assert abs(value - expected) <= 1e-9 * max(abs(expected), 1e-3 * scale)


def test_float64_resumes_to_the_bit(recorded: Archive, tmp_path: Path) -> None:
    straight = replay(recorded, number="float64", checkpoint_every=100, checkpoint_folder=tmp_path)
    start = tmp_path / "checkpoint-000000000200.json"
    found = replay(recorded, number="float64", start=start, checkpoint_every=100)
    assert found.checkpoints == straight.checkpoints[2:]
    with pytest.raises(CheckpointError, match="is in float64, the replay in decimal"):
        replay(recorded, start=start)


def test_topics_are_chosen_after_all_were_replayed(
    recorded: Archive, whole: tuple[Replayed, Path]
) -> None:
    found = replay(recorded, topics=[2], heights=(1, 120))
    rows = found.tables["network_losses"]
    assert set(rows["topic_id"].to_pylist()) == {2}
    expected = whole[0].tables["network_losses"]
    kept = pa.compute.and_(
        pa.compute.equal(expected["topic_id"], 2), pa.compute.less_equal(expected["height"], 120)
    )
    assert rows.equals(expected.filter(kept))


def test_a_damaged_checkpoint_is_refused(whole: tuple[Replayed, Path], tmp_path: Path) -> None:
    good = (whole[1] / "checkpoint-000000000050.json").read_bytes()
    bad = tmp_path / "bad.json"
    for data, message in (
        (good[:-1], "damaged"),
        (good.replace(b'"height":50', b'"height":51'), "damaged"),
        (b"{}", "no checkpoint"),
    ):
        bad.write_bytes(data)
        with pytest.raises(CheckpointError, match=message):
            read(bad)


def test_a_gap_is_not_bridged(recorded: Archive) -> None:
    with pytest.raises(ValueError, match=r"heights 1:491 are not kept without a gap; kept: 1:490"):
        replay(recorded, heights=(1, 491))
    with pytest.raises(ValueError, match="the first is beyond the last"):
        replay(recorded, heights=(5, 4))


def test_the_release_follows_from_the_events(recorded: Archive) -> None:
    assert replay(recorded, heights=(1, 2)).chain.release.name == "v0.6"


def test_upgrades_come_at_their_height(recorded: Archive, whole: tuple[Replayed, Path]) -> None:
    table = (("allora-recording-1", 0, "v0.6"), ("allora-recording-1", 101, "v0.12"))
    found = replay(recorded, heights=(1, 150), upgrades=table)
    assert found.chain.release.name == "v0.12"
    inferences = found.tables["network_inferences"]
    assert min(inferences["height"].to_pylist()) == 103  # the first close of a worker window since
    losses, expected = found.tables["network_losses"], whole[0].tables["network_losses"]
    before = pa.compute.less_equal
    assert losses.filter(before(losses["height"], 100)).equals(
        expected.filter(before(expected["height"], 100))
    )
    # Kept by checkpoints, too.
    assert replay(recorded, heights=(1, 100), upgrades=table).chain.release.name == "v0.12"


def test_an_upgrade_between_a_state_and_the_first_height(recorded: Archive) -> None:
    table = (("allora-recording-1", 0, "v0.6"), ("allora-recording-1", 190, "v0.12"))
    found = replay(recorded, heights=(200, 215), upgrades=table)
    assert found.start == "the state of height 150"
    assert found.chain.release.name == "v0.12"
    heights = found.tables["network_inferences"]["height"].to_pylist()
    assert (min(heights) >= 200, max(heights) <= 215) == (True, True)
    assert found.tables["ema_scores"]["height"].to_pylist()


def test_a_resumed_replay_keeps_the_release(recorded: Archive, tmp_path: Path) -> None:
    replay(recorded, heights=(1, 40), rules="v0.7", checkpoint_every=40, checkpoint_folder=tmp_path)
    start = tmp_path / "checkpoint-000000000040.json"
    options: dict[str, Any] = {"heights": (None, 45), "start": start}
    assert replay(recorded, **options).chain.release.name == "v0.7"
    assert replay(recorded, **options, rules="v0.6").chain.release.name == "v0.6"
    with pytest.raises(CheckpointError, match="of height 40, which is not before 30"):
        replay(recorded, heights=(30, 45), start=start)

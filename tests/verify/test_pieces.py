"""Replay and verification piece by piece: the pieces never show."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from made import Documents, archive_of, documents

from allora_core.archive import pieces
from allora_core.archive.files import Archive
from allora_core.archive.pieces import pieces_of
from allora_core.archive.schema import TABLES, arrow_table
from allora_core.chain.replay import Replay, Replayed, replay
from allora_core.chain.results import TableFiles
from allora_core.verify_blocks.check import check
from allora_core.verify_blocks.compare import Comparer, Comparison, compare, first_difference
from allora_core.verify_blocks.quantities import QUANTITIES
from allora_core.verify_blocks.record import compare_sent, verify, verify_replay

BY_NAME = {each.name: each for each in QUANTITIES}


def rows_of(table: str, rows: list[dict[str, Any]]) -> pa.Table:
    """Rows in the archive's schema; what is not given is null."""
    known = TABLES[table]
    table_of = {name: [row.get(name) for row in rows] for name in known.written}
    return arrow_table(known, table_of)


def spans(last: int, blocks: int) -> Iterator[tuple[int, int]]:
    return ((low, min(last, low + blocks - 1)) for low in range(1, last + 1, blocks))


def in_pieces(
    name: str, recorded: pa.Table, computed: pa.Table, told: list[int], blocks: int
) -> Comparison:
    """One quantity compared so many heights at a time."""
    quantity = BY_NAME[name]
    with Comparer([quantity]) as comparer:
        for low, high in spans(20, blocks):
            sides = [
                table.filter((pc.field("height") >= low) & (pc.field("height") <= high))
                for table in (recorded, computed)
            ]
            heights = pa.array([each for each in told if low <= each <= high], pa.int64())
            comparer.take(*({quantity.table: side} for side in sides), heights)
        (found,) = comparer.finish()
    return found


def drawn(rng: Random, columns: dict[str, list[Any]], count: int) -> list[dict[str, Any]]:
    """Rows of few keys at many heights, so that a key's partners lie far apart."""
    return [
        {"height": rng.randint(1, 20), **{name: rng.choice(each) for name, each in columns.items()}}
        for _ in range(count)
    ]


DRAWN: dict[str, dict[str, list[Any]]] = {
    "scores": {
        "topic_id": [1, 2],
        "nonce": [5, 6, None],
        "actor_type": ["inferer", "reputer"],
        "address": ["a", "b"],
        "score": ["1", "1.0", "2", None],
        "api_version": ["v9"],
    },
    "rewards": {
        "topic_id": [1],
        "payout_height": [4, 9, None],
        "actor_type": ["inferer", "reputer"],
        "address": ["a", "b"],
        "reward": ["1" + "0" * 41, "1" + "0" * 40],
        "api_version": ["v9", "v10"],
    },
    "stakes": {
        "topic_id": [1],
        "reputer": ["a", "b"],
        "stake_authority": ["1", "2"],
        "tx_index": [None, 0, 1],
    },
    "initial regrets": {"topic_id": [1, 2], "nonce": [5, 6], "initial_regret": ["1", "2", None]},
    "network inferences": {
        "topic_id": [1],
        "nonce": [5, 6],
        "outlier_resistant": [False, True],
        "kind": ["one_out_inferer_forecaster", "inferer"],
        "forecaster": ["f", "g"],
        "inferer": ["a", "b", "c"],
        "value": ["1", "2", "NaN"],
        "api_version": ["v10"],
    },
}


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("seed", range(3))
def test_partners_are_found_across_pieces(name: str, seed: int) -> None:
    rng = Random(seed)
    table, columns = BY_NAME[name].table, DRAWN[name]
    recorded, computed = (drawn(rng, columns, rng.randint(5, 40)) for _ in range(2))
    if BY_NAME[name].unnamed:
        # A bundle's event is in one block, and names all of its pairs or none.
        for row in recorded:
            row["height"] = 3 * row["nonce"] + row["outlier_resistant"]
            if row["kind"].endswith("_inferer_forecaster") and row["nonce"] == 5:
                row |= {"forecaster": None, "inferer": None}
    sides = rows_of(table, recorded), rows_of(table, computed)
    told = sorted(rng.sample(range(1, 21), 15))
    whole = in_pieces(name, *sides, told, 20)
    assert whole.compared
    for blocks in (1, 3, 7):
        assert in_pieces(name, *sides, told, blocks) == whole, blocks


@pytest.mark.parametrize("seed", range(4))
def test_counts_are_those_of_pairs_one_by_one(seed: int) -> None:
    rng = Random(seed)
    columns = {**DRAWN["scores"], "nonce": [5, 6]}
    recorded, computed = (drawn(rng, columns, 30) for _ in range(2))
    told = sorted(rng.sample(range(1, 21), 15))
    expected = dict.fromkeys(("equal", "form", "different", "missing", "not recorded"), 0)
    keys = BY_NAME["scores"].key_names
    lists: list[dict[tuple[Any, ...], list[dict[str, Any]]]] = [{}, {}]
    for side, rows in zip(lists, (recorded, computed), strict=True):
        for row in sorted(rows, key=lambda row: row["height"]):
            if row["score"] is not None:
                side.setdefault(tuple(row[key] for key in keys), []).append(row)
    since: dict[str, int] = {}
    for listed in lists[0].values():
        for row in listed:
            kind = row["actor_type"]
            since[kind] = min(since.get(kind, 99), row["height"])
    for key in {**lists[0], **lists[1]}:
        own, known = lists[1].get(key, []), lists[0].get(key, [])
        for mine, theirs in zip(own, known, strict=False):
            equal, alike = mine["score"] == theirs["score"], mine["score"][0] == theirs["score"][0]
            expected["equal" if equal else "form" if alike else "different"] += 1
        expected["missing"] += len(known[len(own) :])
        expected["not recorded"] += sum(
            row["height"] >= since.get(row["actor_type"], 99) and row["height"] in told
            for row in own[len(known) :]
        )
    sides = rows_of("scores", recorded), rows_of("scores", computed)
    for blocks in (1, 6, 20):
        assert in_pieces("scores", *sides, told, blocks).counts == expected


def test_what_is_computed_late_or_never_counts_as_if_all_were_at_hand() -> None:
    early = rows_of("scores", [{**ONE, "height": 2, "score": "1"}])
    late = rows_of("scores", [{**ONE, "height": 15, "score": "1"}])
    assert in_pieces("scores", early, late, [2, 15], 4).counts["equal"] == 1
    assert in_pieces("scores", late, early, [2, 15], 4).counts["equal"] == 1
    with Comparer([BY_NAME["scores"]]) as comparer:
        comparer.take({"scores": early}, {}, pa.array([2]))
        comparer.take({"scores": late}, {}, pa.array([15]))
        (found,) = comparer.finish()
    assert (found.recorded, found.is_computed, found.failed, found.first) == (2, False, 0, None)


ONE = {"topic_id": 1, "nonce": 2, "actor_type": "inferer", "address": "a", "api_version": "v9"}


def moved(listed: Documents, event: str, blocks: int) -> Documents:
    """Documents in which events of one kind are told so many blocks later."""
    results = [
        each["result"] for each in listed if "finalize_block_events" in each.get("result", ())
    ]
    taken: list[list[Any]] = []
    for answer in results:
        events = answer["finalize_block_events"]
        taken.append([each for each in events if each["type"].endswith(event)])
        answer["finalize_block_events"] = [each for each in events if each not in taken[-1]]
    for answer, events in zip(results[blocks:], taken, strict=False):
        answer["finalize_block_events"] += events
    return listed


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """A short chain in which losses are told three blocks after they are computed."""
    listed = moved(documents("v0.17", count=1), "EventNetworkLossSet", 3)
    return archive_of(listed, tmp_path_factory.mktemp("pieces") / "archive")


@pytest.fixture(scope="module")
def whole(archive: Archive) -> Replayed:
    return replay(archive, blocks_at_once=100_000, checkpoint_every=10)


@pytest.fixture(scope="module")
def compared(archive: Archive, whole: Replayed) -> list[Comparison]:
    return verify(archive, whole.tables, None, whole.heights)


@pytest.mark.parametrize("blocks", [1, 7])
def test_pieces_of_replay_do_not_show(
    archive: Archive, whole: Replayed, blocks: int, tmp_path: Path
) -> None:
    run = Replay(archive, blocks_at_once=blocks, checkpoint_every=10)
    with TableFiles(tmp_path) as files:
        for piece in run.pieces():
            for name in piece.names:
                files.add(name, piece.table(name, plain=False), piece.engine)
    assert run.checkpoints == whole.checkpoints
    assert [str(fault) for fault in run.chain.faults] == [str(fault) for fault in whole.faults]
    assert {path.stem for path in tmp_path.iterdir()} == whole.tables.keys()
    for name, expected in whole.tables.items():
        rows = pq.read_table(tmp_path / f"{name}.parquet")
        assert set(rows["engine"].to_pylist()) <= {"v0.17 decimal"}
        assert by_height(rows.drop_columns("engine")).equals(by_height(expected)), name


def test_pieces_of_verification_do_not_show(archive: Archive, compared: list[Comparison]) -> None:
    assert verify_replay(archive, Replay(archive, blocks_at_once=7)) == compared


def by_height(table: pa.Table) -> pa.Table:
    """Rows in the order of heights; those of one height stay as they are."""
    return table.take(pc.sort_indices(table["height"]))


def test_late_events_find_their_values(compared: list[Comparison]) -> None:
    losses = next(each for each in compared if each.quantity == "network losses")
    assert losses.compared == losses.counts["equal"] == losses.recorded > 0


def test_checks_of_the_record_alone_do_not_show_pieces(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(pieces_of(archive)) == 1
    alone, sent = check(archive), compare_sent(archive)
    monkeypatch.setattr(pieces, "ROWS_AT_ONCE", 700)
    assert len(pieces_of(archive)) > 5
    assert check(archive) == alone
    assert compare_sent(archive) == sent
    assert sum(each.compared for each in alone) > 300


def test_pieces_hold_every_height_once(archive: Archive) -> None:
    first = archive.ranges[0][0]
    for blocks in (1, 7, None):
        found = pieces_of(archive, (first - 5, 2**62), blocks)
        assert (found[0][0], found[-1][1]) == (first - 5, 2**62)
        for before, after in pairwise(found):
            assert before[1] + 1 == after[0]
    assert pieces_of(archive, (2**40, 2**41)) == [(2**40, 2**41)]


def test_no_half_file_remains(whole: Replayed, tmp_path: Path) -> None:
    def spoilt() -> None:
        with TableFiles(tmp_path / "out") as files:
            files.add("scores", whole.table("scores", plain=False), "v0.17 decimal")
            files.add("scores", whole.table("rewards", plain=False), "v0.17 decimal")

    with pytest.raises(ValueError, match="names"):
        spoilt()
    assert list((tmp_path / "out").iterdir()) == []


def test_equal_tables_compare_as_equal(whole: Replayed) -> None:
    heights = pa.array(range(*whole.heights), pa.int64())
    assert first_difference(compare(whole.tables, whole.tables, heights)) is None

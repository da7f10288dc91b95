"""Joining recorded and computed tables: what counts as equal, and which difference is first."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from made import archive_of, documents, record_of, with_digit_changed

from allora_core.archive.schema import TABLES, arrow_table
from allora_core.verify_blocks.compare import Comparison, compare, first_difference
from allora_core.verify_blocks.quantities import QUANTITIES, Quantity
from allora_core.verify_blocks.record import told_heights

SCORES = next(each for each in QUANTITIES if each.name == "scores")
LOSSES = next(each for each in QUANTITIES if each.name == "network losses")


def scores(*rows: tuple[int, str, str], version: str = "v9") -> pa.Table:
    """Rows of height, address and score."""
    columns = {name: [None] * len(rows) for name in TABLES["scores"].written}
    columns |= {
        "topic_id": [1] * len(rows),
        "nonce": [7] * len(rows),
        "actor_type": ["inferer"] * len(rows),
        "height": [height for height, _, _ in rows],
        "address": [address for _, address, _ in rows],
        "score": [score for _, _, score in rows],
        "api_version": [version] * len(rows),
    }
    return arrow_table(TABLES["scores"], columns)


def compared(
    recorded: pa.Table, computed: pa.Table | None, relative: float | None = None
) -> Comparison:
    told = pa.array(range(1, 100), pa.int64())
    tables = {} if computed is None else {"scores": computed}
    (found,) = compare({"scores": recorded}, tables, told, [SCORES], relative)
    return found


@pytest.mark.parametrize(
    ("recorded", "computed", "verdict"),
    [
        ("1.50", "1.50", "equal"),
        ("1.50", "1.5", "form"),
        ("100", "100.00", "form"),
        ("0", "-0.00", "form"),
        ("1.5", "-1.5", "different"),
        ("1.5", "15", "different"),
        ("10", "1", "different"),
        (
            "0.1000000000000000000000000000000001",
            "0.1000000000000000000000000000000002",
            "different",
        ),
    ],
)
def test_verdicts(recorded: str, computed: str, verdict: str) -> None:
    found = compared(scores((10, "a", recorded)), scores((10, "a", computed)))
    assert {name: n for name, n in found.counts.items() if n} == {verdict: 1}
    assert (found.first is None) == (verdict == "equal")


CLAMPED = "0." + "0" * 39 + "1"


@pytest.mark.parametrize(
    ("computed", "recorded"),
    [
        ("0." + "0" * 45 + "7", CLAMPED),
        ("-0." + "0" * 40 + "9999", "-" + CLAMPED),
        ("2" + "0" * 40, "1" + "0" * 40),
        ("-1" + "0" * 40 + ".5", "-1" + "0" * 40),
        ("1" + "0" * 40, "1" + "0" * 40),
        (CLAMPED, CLAMPED),
        (CLAMPED[:-1] + "09", CLAMPED),
        (CLAMPED + "5", CLAMPED + "5"),
        ("0." + "0" * 60, "0." + "0" * 60),
        ("9" * 40, "9" * 40),
    ],
)
def test_own_values_are_clamped_as_v10_does(computed: str, recorded: str) -> None:
    for version, expected in (("v10", 0), ("v9", int(computed != recorded))):
        known = scores((10, "a", recorded), version=version)
        assert compared(known, scores((10, "a", computed))).failed == expected


def test_what_is_missing_and_what_is_not_recorded() -> None:
    found = compared(
        scores((10, "a", "1"), (10, "b", "2"), (11, "d", "3")),
        scores((5, "x", "0"), (10, "a", "1"), (10, "c", "4"), (200, "z", "5")),
    )
    # Nothing is told before height 10, nor of heights that the record does not have.
    assert found.counts == {"equal": 1, "form": 0, "different": 0, "missing": 2, "not recorded": 1}
    assert found.first is not None
    assert (found.first.height, found.first.actor, found.first.verdict) == (10, "b", "missing")


def test_a_quantity_that_nothing_computes_is_not_compared() -> None:
    found = compared(scores((10, "a", "1")), None)
    assert not found.is_computed
    assert (found.recorded, found.compared, found.failed) == (1, 0, 0)


def test_repeated_keys_are_compared_in_order() -> None:
    rows = ((10, "a", "1"), (11, "a", "2"))
    assert compared(scores(*rows), scores(*rows)).counts["equal"] == 2
    swapped = compared(scores(*rows), scores((10, "a", "2"), (11, "a", "1")))
    assert swapped.counts["different"] == 2


def test_float64_values_may_be_close() -> None:
    known, own = scores((10, "a", "1.0000000000000002")), scores((10, "a", "1"))
    assert compared(known, own).counts["different"] == 1
    assert compared(known, own, 1e-15).counts["form"] == 1
    assert compared(known, own, 1e-15).largest_error == pytest.approx(2.2e-16, rel=0.1)


def test_nan_in_a_bundle_is_nothing(tmp_path: Path) -> None:
    record = record_of(archive_of(documents("v0.16"), tmp_path / "archive"))
    losses = record["network_losses"]
    nan = pc.equal(losses["value"], "NaN")
    assert pc.any(nan).as_py()
    own = losses.filter(pc.invert(nan))
    told = losses["height"].combine_chunks()
    (found,) = compare({"network_losses": losses}, {"network_losses": own}, told, [LOSSES])
    assert found.failed == 0
    assert found.compared == own.num_rows


@pytest.mark.parametrize("release", ["v0.6", "v0.17"])
def test_one_digit_is_found_in_every_quantity(release: str, tmp_path: Path) -> None:
    archive = archive_of(documents(release, count=2), tmp_path / "archive")
    record = record_of(archive)
    told = told_heights(archive)
    assert first_difference(compare(record, record, told)) is None
    tampered = 0
    for quantity in QUANTITIES:
        if quantity.is_whole:
            continue
        assert quantity.value is not None
        table = record[quantity.table]
        row = some_row(table, quantity)
        if row is None:
            continue
        tampered += 1
        changed = {**record, quantity.table: with_digit_changed(table, quantity.value, row)}
        beside = [each for each in QUANTITIES if each.table == quantity.table]
        found = compare(changed, record, told, beside)
        first = first_difference(found)
        assert first is not None
        assert sum(each.failed for each in found) == 1
        assert first.quantity == quantity.name
        assert first.verdict in ("different", "form")
        assert first.height == table["height"][row].as_py()
        if "topic_id" in quantity.key_names:
            assert first.topic_id == table["topic_id"][row].as_py()
        if quantity.actor is not None:
            assert first.actor == table[quantity.actor][row].as_py()
    assert tampered > 5


def some_row(table: pa.Table, quantity: Quantity) -> int | None:
    """A row of the quantity in the middle of the table that has a digit to change."""
    with duckdb.connect() as database:
        database.register("rows", table.append_column("place", pa.array(range(table.num_rows))))
        found = database.execute(
            f"SELECT place FROM rows WHERE ({quantity.where}) "
            f"AND regexp_matches(\"{quantity.value}\", '[0-9]$') ORDER BY place"
        ).fetchall()
    return found[len(found) // 2][0] if found else None

"""The compiled pass over rows of payloads, and reports put into the slots of value bundles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from allora_core import _core
from allora_core.batch import DecimalArray, NumberName, bundle_width
from allora_core.chain.columns import Addresses
from allora_core.chain.feed import ALL_HEIGHTS, KINDS, Payloads, Runs, height_of

NAMES = ("kind", "inferer", "forecaster")
LONG = "1." + "0123456789" * 30
TEXTS: list[str | None] = ["1.50", None, "", "NaN", "1.5e-7", LONG, "-0", "+2E3"]
READ = ["1.50", None, "0", None, "1.5E-7", LONG, "-0", "2E+3"]
COLUMNS = ("topic_id", "nonce", "height", "tx_index", "msg_index", "value", "value_f64", "reputer")
INTEGERS = {"topic_id", "nonce", "height", "tx_index", "msg_index"}


def batch_of(*rows: dict[str, Any], texts: pa.DataType | None = None) -> pa.RecordBatch:
    """Rows of losses; what a row does not tell is null."""
    arrays = {}
    for name in (*COLUMNS, "source", *NAMES):
        known = pa.int64() if name in INTEGERS else pa.string()
        known = pa.float64() if name == "value_f64" else known
        column = pa.array([row.get(name) for row in rows], known)
        dictionary = texts is not None and name in ("reputer", "source", *NAMES)
        arrays[name] = column.dictionary_encode().cast(texts) if dictionary else column
    return pa.RecordBatch.from_pydict(arrays)


def loss(text: str | None = "1", **changed: Any) -> dict[str, Any]:
    """One row."""
    given = {"topic_id": 1, "nonce": 10, "height": 12, "tx_index": 3, "msg_index": 0}
    named = {"reputer": "m", "source": "transaction", "kind": "inferer", "inferer": "j"}
    return {**given, **named, "value": text, **changed}


def payloads_of(
    *batches: pa.RecordBatch, number: NumberName = "decimal", heights: Any = ALL_HEIGHTS
) -> tuple[Runs, Payloads]:
    """What the batches hold."""
    runs = Runs("reputer", NAMES, number, Addresses())
    for batch in batches:
        runs.take(batch, heights)
    return runs, runs.payloads()


def texts_of(payloads: Payloads) -> list[str | None]:
    """All values of decimals."""
    assert isinstance(payloads.values, DecimalArray)
    return payloads.values.texts()


def named(runs: Runs, payloads: Payloads, name: str) -> list[str | None]:
    """Whom a column names, row by row."""
    codes = payloads.columns[name].tolist()
    return [None if code < 0 else runs.addresses.texts[code] for code in codes]


@pytest.mark.parametrize("texts", [None, pa.dictionary(pa.int32(), pa.string())], ids=str)
def test_numbers_and_names_are_taken_as_they_stand(texts: pa.DataType | None) -> None:
    rows = [loss(text, inferer=f"j{at % 3}" if at else None) for at, text in enumerate(TEXTS)]
    runs, payloads = payloads_of(batch_of(*rows, texts=texts))
    assert texts_of(payloads) == READ
    assert (payloads.begin.tolist(), payloads.end.tolist()) == ([0], [len(TEXTS)])
    assert named(runs, payloads, "inferer") == [row["inferer"] for row in rows]
    assert payloads.columns["kind"].tolist() == [KINDS.index("inferer")] * len(TEXTS)
    assert payloads.columns["forecaster"].tolist() == [-1] * len(TEXTS)
    assert runs.unreadable == []


@pytest.mark.parametrize("text", ["abc", "Infinity", "1.-5", "1e", "0x1", " 1", "1e999999"])
def test_what_is_no_number_is_told_and_missing(text: str) -> None:
    runs, payloads = payloads_of(batch_of(loss("7"), loss(text, topic_id=5, nonce=9, height=13)))
    assert runs.unreadable == [(13, 5, 9, "m", text)]
    assert texts_of(payloads) == ["7", None]


def test_doubles_keep_their_bits_and_nan_is_missing() -> None:
    doubles = [0.1, -0.0, float("inf"), float("nan"), None]
    rows = [loss(None, value_f64=value) for value in doubles]
    _, payloads = payloads_of(batch_of(*rows), number="float64")
    missing = np.array([_core.MISSING_FLOAT64_BITS] * 2, np.uint64)
    bits = np.asarray(payloads.values).view(np.uint64)
    assert bits[:3].tolist() == np.array(doubles[:3], float).view(np.uint64).tolist()
    assert bits[3:].tolist() == missing.tolist()


@pytest.mark.parametrize("number", ["decimal", "float64"])
def test_no_rows_are_no_payloads(number: NumberName) -> None:
    for batches in ((), (batch_of(),), (batch_of(loss()).slice(1, 0),)):
        _, payloads = payloads_of(*batches, number=number)
        assert (len(payloads.values), len(payloads.order), payloads.topics) == (0, 0, {})


@pytest.mark.parametrize("texts", [None, pa.dictionary(pa.int8(), pa.string())], ids=str)
def test_parts_of_a_batch_give_what_the_whole_gives(texts: pa.DataType | None) -> None:
    rows = [
        loss(str(at), reputer=f"m{at // 5}", inferer=f"j{at % 5}" if at % 5 else None)
        for at in range(20)
    ]
    # Flags of nulls begin within a byte where a batch is cut.
    batch = batch_of(*rows, texts=texts)
    runs, whole = payloads_of(batch)
    assert named(runs, whole, "inferer") == [row["inferer"] for row in rows]
    for cut in (1, 7, 13):
        again, parts = payloads_of(batch.slice(0, cut), batch.slice(cut))
        assert texts_of(parts) == texts_of(whole)
        assert (parts.begin.tolist(), parts.end.tolist()) == ([0, 5, 10, 15], [5, 10, 15, 20])
        assert parts.columns["kind"].tolist() == whole.columns["kind"].tolist()
        assert named(again, parts, "inferer") == named(runs, whole, "inferer")
        assert named(again, parts, "forecaster") == [None] * len(rows)


def test_rows_of_other_heights_are_passed_over() -> None:
    rows = [loss(str(height), height=height) for height in (9, 10, 12, 13)]
    _, payloads = payloads_of(batch_of(*rows), heights=(10, 12))
    assert texts_of(payloads) == ["10", "12"]
    assert height_of(payloads.order).tolist() == [10, 12]


def test_rows_of_two_sources_that_stand_among_each_other_are_two_runs() -> None:
    rows = [loss(text, source=source) for text in "12" for source in ("transaction", "event")]
    _, alone = payloads_of(batch_of(*rows[::2]))
    _, both = payloads_of(batch_of(*rows))
    assert [texts_of(both)[at] for at in range(both.begin[0], both.end[0])] == texts_of(alone)
    assert len(both.order) == 1
    later = [{**row, "tx_index": None} if row["source"] == "event" else row for row in rows]
    _, apart = payloads_of(batch_of(*later))
    assert len(apart.order) == 2


def test_rows_of_one_payload_that_stand_apart_are_put_together() -> None:
    rows = [
        loss(text, reputer=reputer, inferer=f"j{text[:1]}")
        for reputer, text in zip("babab", ("1", LONG, "2", "3" * 90, "4"), strict=True)
    ]
    for batches in ([batch_of(*rows)], [batch_of(row) for row in rows]):
        runs, payloads = payloads_of(*batches)
        # By address within one message, each in the order of its rows.
        assert [runs.addresses.texts[code] for code in payloads.actor.tolist()] == ["a", "b"]
        assert (payloads.begin.tolist(), payloads.end.tolist()) == ([0, 2], [2, 5])
        assert texts_of(payloads) == [LONG, "3" * 90, "1", "2", "4"]
        assert named(runs, payloads, "inferer") == ["j1", "j3", "j1", "j2", "j4"]


def test_an_actor_without_a_rank_is_refused() -> None:
    runs = Runs("reputer", NAMES, "decimal", Addresses())
    runs.take(batch_of(loss()), ALL_HEIGHTS)
    with pytest.raises(ValueError, match="no place in address order"):
        runs.rows.finish(np.empty(0, np.int64))


def test_a_batch_of_another_form_is_refused() -> None:
    rows = _core.PayloadRows("decimal", 0)
    names = ["topic_id", "nonce", "height", "tx_index", "msg_index", "value", "reputer", "source"]
    whole = pa.array([1], pa.int64())
    text = pa.array(["a"]).dictionary_encode()
    good: list[Any] = [whole] * 5 + [pa.array(["1"]), text, text]
    tables = [np.zeros(1, np.int32)] * 2

    def take(columns: list[Any], tables: list[Any] = tables) -> list[int]:
        batch = pa.RecordBatch.from_arrays(columns, names=names[: len(columns)])
        return rows.take(batch, tables, 0, 9)

    with pytest.raises(ValueError, match="the column 'nonce' has Arrow's type 'i', not 'l'"):
        take([whole, whole.cast(pa.int32()), *good[2:]])
    with pytest.raises(ValueError, match="the column 'source' has Arrow's type 'u'"):
        take([*good[:7], pa.array(["a"])])
    with pytest.raises(ValueError, match="the column 'value' has Arrow's type 'g', not 'u'"):
        take([*good[:5], pa.array([1.0]), *good[6:]])
    with pytest.raises(ValueError, match="other columns than were announced"):
        take(good[:7])
    with pytest.raises(ValueError, match="an entry that its dictionary lacks"):
        take(good, [np.empty(0, np.int32)] * 2)
    assert take(good) == []


def expected_slots(
    columns: dict[str, Any], close: int, begin: int, end: int
) -> tuple[list[float], int]:
    """One report's losses by the rule, slot by slot."""
    lists = {}
    for role in ("inferer", "forecaster"):
        offsets = columns[f"{role}_offsets"]
        lists[role] = columns[role][offsets[close] : offsets[close + 1]].tolist()
    cells: dict[tuple[str, int, int], float] = {}
    for row in range(begin, end):
        if 0 <= (kind := columns["kind"][row]) < len(KINDS):
            name = KINDS[kind]
            inferer = int(columns["about_inferer"][row]) if "inferer" in name else -1
            forecaster = int(columns["about_forecaster"][row]) if "forecaster" in name else -1
            cells.setdefault((name, inferer, forecaster), columns["values"][row])
    heard = [
        row
        for row in range(begin, end)
        if columns["kind"][row] == KINDS.index("inferer")
        and columns["about_inferer"][row] in lists["inferer"]
    ]
    keys = [("combined", -1, -1), ("naive", -1, -1)]
    keys += [("inferer", i, -1) for i in lists["inferer"]]
    keys += [("forecaster", -1, f) for f in lists["forecaster"]]
    pairs = [(i, f) for f in lists["forecaster"] for i in lists["inferer"]]
    keys += [("one_out_inferer_forecaster", *pair) for pair in pairs]
    keys += [("one_out_inferer" if len(heard) > 1 else "", i, -1) for i in lists["inferer"]]
    keys += [("one_out_forecaster", -1, f) for f in lists["forecaster"]]
    keys += [("one_in_forecaster", -1, f) for f in lists["forecaster"]]
    width = bundle_width(len(lists["inferer"]), len(lists["forecaster"]))
    return [cells.get(key, float("nan")) for key in keys], width


def drawn_reports(seed: int) -> dict[str, Any]:
    """Reports on three closes: rows repeat, name strangers or nobody, or lack a kind."""
    rng = np.random.default_rng(seed)
    lists = {
        role: [rng.permutation(10)[: rng.integers(0, 6)] for _ in range(3)]
        for role in ("inferer", "forecaster")
    }
    rows = 400
    begin = np.sort(rng.integers(0, rows, 7))
    return {
        **{f"{role}_offsets": np.cumsum([0, *map(len, listed)]) for role, listed in lists.items()},
        **{role: np.concatenate(listed).astype(np.int32) for role, listed in lists.items()},
        "report_offsets": np.array([0, 2, 2, 7]),
        "begin": begin,
        "end": np.minimum(begin + rng.integers(0, 90, 7), rows),
        "values": rng.normal(size=rows),
        "kind": rng.integers(-1, 9, rows).astype(np.int32),
        "about_inferer": rng.integers(-1, 10, rows).astype(np.int32),
        "about_forecaster": rng.integers(-1, 10, rows).astype(np.int32),
    }


@pytest.mark.parametrize("seed", range(20))
def test_reports_fill_the_slots_of_their_bundles(seed: int) -> None:
    columns = drawn_reports(seed)
    expected: list[float] = []
    for close in range(3):
        for report in range(*columns["report_offsets"][close : close + 2]):
            slots, width = expected_slots(
                columns, close, columns["begin"][report], columns["end"][report]
            )
            assert len(slots) == width
            expected += slots
    found = _core.fill_reports("float64", columns, 10)
    assert np.array_equal(found, np.array(expected), equal_nan=True)
    texts = [repr(value) for value in columns["values"].tolist()]
    decimals = DecimalArray.from_texts(texts)
    slots = _core.fill_reports("decimal", {**columns, "values": decimals.values}, 10)
    read = [float("nan") if each is None else float(each) for each in DecimalArray(slots).texts()]
    assert np.array_equal(np.array(read), np.array(expected), equal_nan=True)


@pytest.mark.parametrize(
    ("name", "at", "value"),
    [
        ("inferer", 0, 10),
        ("forecaster", 0, -1),
        ("about_inferer", None, 10),
        ("about_forecaster", None, 11),
        ("begin", 0, -1),
        ("end", 6, 401),
        ("report_offsets", 3, 8),
    ],
)
def test_reports_that_lead_outside_are_refused(name: str, at: int | None, value: int) -> None:
    columns = drawn_reports(3)
    assert min(map(len, (columns["inferer"], columns["forecaster"]))) > 0
    columns[name] = columns[name].copy()
    columns[name][slice(None) if at is None else at] = value
    with pytest.raises(ValueError, match=r"code of nobody|must be rows|must rise"):
        _core.fill_reports("float64", columns, 10)
    with pytest.raises(ValueError, match="'values'"):
        _core.fill_reports("decimal", drawn_reports(3), 10)

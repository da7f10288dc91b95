"""What the comparison says about a difference."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from allora_core.epoch import Epoch, Settled, State, TopicError, ValueBundle
from allora_core.testing import assert_equal, attempt, first_difference

D = Decimal
SETTLED = Settled(ValueBundle(combined=D("1.0"), one_out_inferer={"allo1a": D("1.20")}), State(3))
EPOCH = Epoch(3, 100, {})


def with_loss(loss: object) -> Settled:
    losses = replace(SETTLED.network_losses, one_out_inferer={"allo1a": loss})  # type: ignore[dict-item]
    return replace(SETTLED, network_losses=losses)


def test_equal() -> None:
    assert first_difference(SETTLED, with_loss(D("1.20")), EPOCH) is None
    assert_equal(SETTLED, SETTLED)


def test_form_and_value() -> None:
    place = 'topic 3 nonce 100: network_losses.one_out_inferer["allo1a"]: '
    assert first_difference(SETTLED, with_loss(D("1.2")), EPOCH) == (
        place + "expected 1.20, got 1.2 (equal in value, not in form)"
    )
    assert first_difference(SETTLED, with_loss(D("1.3")), EPOCH) == (
        place + "expected 1.20, got 1.3"
    )
    with pytest.raises(AssertionError, match="not in form"):
        assert_equal(SETTLED, with_loss(D("1.2")))


def test_topic_is_named_without_an_epoch() -> None:
    found = first_difference(SETTLED, with_loss(D(2)))
    assert found is not None
    assert found.startswith("topic 3: network_losses")


def test_signs_of_zeros_are_form() -> None:
    assert first_difference(D("0"), D("-0")) is not None
    assert first_difference(D("0"), D("-0"), absolute=0.0, relative=0.0) is None


def test_missing_and_surplus_entries() -> None:
    assert first_difference({"a": D(1)}, {}) == '["a"]: expected 1, got no entry'
    assert first_difference({}, {"a": D(1)}) == '["a"]: expected no entry, got 1'
    assert first_difference((D(1), D(2)), (D(1),)) == ": expected (1, 2), got (1)"


def test_tolerances() -> None:
    assert first_difference(SETTLED, with_loss(1.2 + 1e-14), relative=1e-12) is None
    found = first_difference(SETTLED, with_loss(1.2 + 1e-9), relative=1e-12)
    assert found is not None
    assert "off by 1e-09, 8.33e-10 relative" in found
    assert first_difference(D("1E-17"), 0.0, relative=1e-12) is not None
    assert first_difference(D("1E-17"), 0.0, relative=1e-12, absolute=1e-15) is None
    assert first_difference(D(1), float("nan"), relative=1e-12) is not None


def test_rows_without_entries_count_as_absent() -> None:
    empty = State(3, one_in_forecaster_regret={"k": {}})
    assert first_difference(State(3), empty) is None
    rows = ValueBundle(one_out_inferer_forecaster={"k": {}})
    assert first_difference(ValueBundle(), rows) is None


def test_faults() -> None:
    error = TopicError(3, "a", "combined", "range")
    other = TopicError(3, "b", "naive", "range")
    assert first_difference(error, other) is None
    assert first_difference(error, TopicError(3, "a", "combined", "nan")) == (
        "result: expected fault topic 3 actor a field combined: range, "
        "got fault topic 3 actor a field combined: nan"
    )
    assert first_difference(SETTLED, error, EPOCH) == (
        "topic 3 nonce 100: result: expected a result, "
        "got fault topic 3 actor a field combined: range"
    )


def test_attempt() -> None:
    def fail() -> None:
        raise TopicError(1, "", "combined", "range")

    assert isinstance(attempt(fail), TopicError)
    assert attempt(lambda: 5) == 5


def test_whole_units_have_the_tolerance_of_numbers() -> None:
    expected, actual = {"allo1a": 1_000_000}, {"allo1a": 1_000_001}
    assert first_difference(expected, actual) is not None
    assert first_difference(expected, actual, relative=1e-7) is not None
    assert first_difference(expected, actual, relative=1e-5) is None
    assert first_difference(expected, actual, absolute=1.0) is None

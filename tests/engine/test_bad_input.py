"""Bad input: a clear error that names topic, actor and field, or the chain's own behaviour."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from allora_core import DecimalArray, Engine, Epochs, States
from allora_core.epoch import Epoch, Report, State, ValueBundle

GOOD = Epoch(
    topic_id=7,
    nonce=100,
    inferences={"allo1a": {"y": Decimal("1.5")}, "allo1b": {"y": Decimal("2.5")}},
    forecasts={"allo1f": (("allo1a", Decimal("-1")), ("allo1b", Decimal("-2")))},
    reports={
        "allo1r": Report(
            stake=Decimal(10),
            bundle=ValueBundle(
                combined=Decimal("-1"),
                naive=Decimal("-0.5"),
                inferer={"allo1a": Decimal("-1"), "allo1b": Decimal("-2")},
            ),
        )
    },
)


def settle_fault(epoch: Epoch, rules: str = "v0.17"):
    batch = Engine(rules=rules).settle([epoch, replace(GOOD, topic_id=8)])
    assert batch.status[1] is None
    assert batch.states.state(0) == State(epoch.topic_id)
    return batch.status[0]


def with_report(**changes) -> Epoch:
    return replace(GOOD, reports={"allo1r": replace(GOOD.reports["allo1r"], **changes)})


def test_negative_stake() -> None:
    fault = settle_fault(with_report(stake=Decimal(-1)))
    assert (fault.topic_id, fault.actor, fault.field, fault.cause) == (
        7,
        "allo1r",
        "stake",
        "negative_stake",
    )


def test_stakes_of_zero() -> None:
    assert settle_fault(with_report(stake=Decimal(0))).cause == "zero_stake"


def test_no_report() -> None:
    assert settle_fault(replace(GOOD, reports={})).cause == "no_report"


def test_report_of_another_nonce_by_version() -> None:
    assert settle_fault(with_report(nonce=99), "v0.6").cause == "wrong_nonce"
    assert settle_fault(with_report(nonce=99), "v0.17").cause == "no_report"


def test_entries_about_unknown_actors_are_dropped() -> None:
    bundle = replace(
        GOOD.reports["allo1r"].bundle, inferer={"allo1a": Decimal(-1), "allo1z": Decimal(-9)}
    )
    batch = Engine().settle([with_report(bundle=bundle)])
    assert set(batch.topic(0).network_losses.inferer) == {"allo1a"}


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_float64_that_is_not_finite(bad: float) -> None:
    epochs = Epochs.from_epochs([GOOD, replace(GOOD, topic_id=8)], "float64")
    epochs.columns["inferences"][1] = bad
    batch = Engine("float64").infer(epochs)
    fault = batch.status[0]
    assert fault is not None
    assert (fault.actor, fault.field) == ("allo1b", "inference")
    assert batch.status[1] is None


@pytest.mark.parametrize("number", ["decimal", "float64"])
@pytest.mark.parametrize("text", ["1.1e40", "-2e40", "9.9e-41", "-1e-41"])
def test_numbers_out_of_the_bounds_of_the_chain(number, text: str) -> None:
    value = Decimal(text)
    report = GOOD.reports["allo1r"]
    losses = replace(report.bundle, inferer={"allo1a": value, "allo1b": Decimal(-2)})
    places = {
        ("allo1b", "inference"): replace(
            GOOD, inferences={**GOOD.inferences, "allo1b": {"y": value}}
        ),
        ("allo1f", "forecast"): replace(GOOD, forecasts={"allo1f": (("allo1a", value),)}),
        ("allo1r", "loss"): replace(GOOD, reports={"allo1r": replace(report, bundle=losses)}),
    }
    for (actor, field), epoch in places.items():
        for rules, accepted in (("v0.6", True), ("v0.17", False)):
            engine = Engine(number, rules=rules)
            both = [epoch, replace(GOOD, topic_id=8)]
            batch = engine.settle(both) if field == "loss" else engine.infer(both)
            assert batch.status[1] is None
            fault = batch.status[0]
            if accepted:
                assert fault is None
            else:
                assert fault is not None
                found = (fault.topic_id, fault.actor, fault.field, fault.cause)
                assert found == (7, actor, field, "out_of_range")


@pytest.mark.parametrize("text", ["1e40", "-1e-40", "0", "0e-90"])
def test_numbers_at_the_bounds_of_the_chain(text: str) -> None:
    epoch = replace(GOOD, inferences={**GOOD.inferences, "allo1b": {"y": Decimal(text)}})
    for number in ("decimal", "float64"):
        assert Engine(number).infer([epoch]).status == [None]


def test_decimal_texts() -> None:
    for text in ("abc", "1.2.3", "inf", "nan", "1e200000"):
        with pytest.raises(ValueError, match="not a number"):
            DecimalArray.from_texts([text])


def test_long_decimals_lose_no_digit() -> None:
    text = "1." + "123456789" * 40
    assert DecimalArray.from_texts([text, None]).texts() == [text, None]


def test_duplicate_addresses_in_columns() -> None:
    epochs = Epochs.from_epochs([GOOD])
    epochs.columns["inferer"] = epochs.columns["inferer"][[0, 0]]
    fault = Engine().infer(epochs).status[0]
    assert fault is not None
    assert (fault.actor, fault.cause) == ("allo1a", "duplicate_address")


def test_shapes_are_checked() -> None:
    epochs = Epochs.from_epochs([GOOD])
    epochs.columns["value_offsets"] = np.array([0, 1])
    with pytest.raises(ValueError, match="value_offsets"):
        Engine().infer(epochs)
    with pytest.raises(ValueError, match="1 epochs, but 2 states"):
        Engine().infer([GOOD], States.new([7, 8]))


def test_a_state_of_another_topic_is_refused() -> None:
    epochs = [replace(GOOD, topic_id=1), replace(GOOD, topic_id=2)]
    assert Engine().infer(epochs, States.new([1, 2])).status == [None, None]
    with pytest.raises(ValueError, match="topic 1: the state at its position 0 is of topic 2"):
        Engine().infer(epochs, States.new([2, 1]))


def test_arguments_of_the_engine() -> None:
    with pytest.raises(ValueError, match="float32"):
        Engine("float32")
    with pytest.raises(ValueError, match=r"v0\.99"):
        Engine(rules="v0.99")
    with pytest.raises(ValueError, match="threads"):
        Engine(threads=0)
    with pytest.raises(ValueError, match="tpu"):
        Engine(device="tpu")


def test_unknown_label() -> None:
    epoch = replace(GOOD, inferences={"allo1a": {"z": Decimal(1)}, "allo1b": {"y": Decimal(1)}})
    fault = Engine().infer([epoch]).status[0]
    assert fault is not None
    assert (fault.actor, fault.field, fault.cause) == ("allo1a", "inference", "label")


class TestStateBytes:
    def states(self) -> States:
        return Engine().settle([GOOD]).states

    def test_round_trip(self, tmp_path) -> None:
        states = self.states()
        states.save(tmp_path / "states")
        assert States.load(tmp_path / "states") == states

    @pytest.mark.parametrize("at", [0, 5, 20, -1])
    def test_damage_is_found(self, tmp_path, at: int) -> None:
        data = bytearray(self.states().to_bytes())
        data[at] ^= 0x40
        (tmp_path / "states").write_bytes(data)
        with pytest.raises(ValueError, match="states: "):
            States.load(tmp_path / "states")

    def test_every_cut_is_found(self) -> None:
        data = self.states().to_bytes()
        for length in range(len(data)):
            with pytest.raises(ValueError, match="saved states"):
                States.from_bytes(data[:length])

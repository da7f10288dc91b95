"""Losses of whole bundles and reports of synthetic reputers."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from allora_core import Engine, Epoch, Params, TopicError, ValueBundle
from allora_core.batch import NumberName
from allora_core.losses import LossBatch, LossFunction, bundle_losses
from allora_core.reference import rules_at
from allora_core.reference.loss_function import loss
from allora_core.reference.number import NumberError, same_form
from allora_core.reputers import Bias, Missing, Noise, Reputer

D = Decimal
NUMBERS: list[NumberName] = ["decimal", "float64"]
RULES = rules_at("v0.17")


def topic(topic_id: int, labels: tuple[str, ...] = ("y",)) -> Epoch:
    workers = [f"allo1inferer{i}" for i in range(4)]
    inferences = {
        worker: {label: D(f"0.{i + 2}{at + 1}") for at, label in enumerate(labels)}
        for i, worker in enumerate(workers)
    }
    forecasts = {
        f"allo1forecaster{k}": tuple((w, D(f"-{i + 1}.{k}")) for i, w in enumerate(workers))
        for k in range(2)
    }
    return Epoch(topic_id, 100 + topic_id, inferences, forecasts, labels=labels, params=Params())


def judged(
    number: NumberName, epochs: list[Epoch], truths: list[Any], methods: Any, **options: Any
) -> LossBatch:
    engine = Engine(number)
    # A second epoch, so that regrets and forecasts weigh something.
    first = engine.infer(epochs)
    settled = engine.settle(
        bundle_losses(
            first, [default_truth(epoch) for epoch in epochs], defaults(epochs), scale="log10"
        ).epochs_with_reports([Reputer("allo1reputer0", D(1000))]),
        first.states,
    )
    return bundle_losses(engine.infer(epochs, settled.states), truths, methods, **options)


def defaults(epochs: list[Epoch]) -> list[str]:
    return ["sqe" if len(epoch.labels) == 1 else "brier" for epoch in epochs]


def default_truth(epoch: Epoch) -> list[Decimal]:
    return [D("0.77")] * len(epoch.labels)


def entries(bundle: ValueBundle) -> dict[tuple[str, ...], Decimal]:
    found: dict[tuple[str, ...], Decimal] = {}
    for name in ValueBundle.__dataclass_fields__:
        value = getattr(bundle, name)
        rows = value if isinstance(value, dict) else {"": value}
        for actor, item in rows.items():
            for other, number in (item if isinstance(item, dict) else {"": item}).items():
                found[name, actor, other] = number
    return found


def judged_values(batch: LossBatch, at: int) -> dict[tuple[str, ...], tuple[Decimal, ...]]:
    network = batch.inferred.topic(at).network
    values: dict[tuple[str, ...], tuple[Decimal, ...]] = {
        ("combined", "", ""): network.combined,
        ("naive", "", ""): network.naive,
    }
    lists = {
        "forecaster": network.forecast_implied,
        "one_out_inferer": network.one_out_inferer,
        "one_out_forecaster": network.one_out_forecaster,
        "one_in_forecaster": network.one_in_forecaster,
    }
    for name, table in lists.items():
        values |= {(name, actor, ""): row for actor, row in table.items()}
    for k, row in network.one_out_inferer_forecaster.items():
        values |= {("one_out_inferer_forecaster", k, w): row[w] for w in row}
    epoch = batch.inferred.epochs.epochs[at]
    for j, inference in epoch.inferences.items():
        values["inferer", j, ""] = tuple(inference[label] for label in epoch.labels)
    return values


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("scale", ["raw", "log10", "log10_floor"])
def test_every_entry_of_every_bundle(number: NumberName, scale: Any) -> None:
    epochs = [topic(1), topic(2, ("a", "b", "c")), topic(3)]
    truths = [D("0.123"), {"a": D(0), "b": D(1), "c": D(0)}, 0.5]
    methods = ["MSE", "brier", LossFunction("zptae", std="0.25")]
    batch = judged(number, epochs, truths, methods, scale=scale)
    assert batch.status == [None] * 3
    for at, rows in enumerate(([D("0.123")], [D(0), D(1), D(0)], [D("0.5")])):
        function = methods[at] if isinstance(methods[at], LossFunction) else None
        function = function or LossFunction(str(methods[at]))
        values, found = judged_values(batch, at), entries(batch.topic(at))
        assert found.keys() == values.keys()
        assert len(found) == 2 + 2 * 4 + 3 * 2 + 4 * 2
        for place, value in values.items():
            expected = loss(function, rows, value, RULES, scale)
            if number == "decimal":
                assert same_form(found[place], expected), place
            else:
                assert float(found[place]) == pytest.approx(float(expected), rel=1e-12), place


@pytest.mark.parametrize("number", NUMBERS)
def test_the_sequence_settles(number: NumberName) -> None:
    reputers = [
        Reputer("allo1reputer0", D(500), (Noise(0.1), Bias(-0.02))),
        Reputer("allo1reputer1", D(300), (Noise(0.08), Missing(0.3)), delegated=D(100)),
    ]
    batch = judged(number, [topic(1), topic(2)], [D("0.4"), D("0.1")], "abse", scale="log10")
    epochs = batch.epochs_with_reports(reputers, seed=3)
    assert [sorted(epoch.reports) for epoch in epochs] == [["allo1reputer0", "allo1reputer1"]] * 2
    assert epochs[0].reports["allo1reputer1"].delegated == 100
    settled = Engine(number).settle(epochs, batch.inferred.states)
    for at in range(2):
        exact, network = batch.topic(at), settled.topic(at).network_losses
        assert network.combined is not None
        assert exact.combined is not None
        assert abs(float(network.combined - exact.combined)) < 0.5


def test_reports_depend_on_seed_topic_nonce_and_reputer_alone() -> None:
    reputers = [Reputer(f"allo1reputer{m}", D(1), (Noise(0.1),)) for m in range(3)]
    both = judged("float64", [topic(1), topic(2)], [0.4, 0.4], "sqe", scale="log10")
    alone = judged("float64", [topic(2)], [0.4], "sqe", scale="log10")
    assert both.reports(1, reputers) == alone.reports(0, reputers)
    assert both.reports(1, reputers[::-1]) == both.reports(1, reputers)
    assert both.reports(1, reputers, seed=1) != both.reports(1, reputers)
    assert both.reports(1, reputers) != both.reports(0, reputers)


@pytest.mark.parametrize("number", NUMBERS)
def test_deviations(number: NumberName) -> None:
    batch = judged(number, [topic(1)], [D("0.4")], "sqe", scale="log10")
    exact = entries(batch.topic(0))
    reports = batch.reports(
        0,
        [
            Reputer("allo1exact", D(1)),
            Reputer("allo1biased", D(1), (Bias(0.5), Bias(-0.25))),
            Reputer("allo1sparse", D(1), (Missing(1.0),)),
            Reputer("allo1noisy", D(1), (Noise(0.1),)),
        ],
    )
    assert entries(reports["allo1exact"].bundle) == exact
    for place, number_ in entries(reports["allo1biased"].bundle).items():
        assert float(number_ - exact[place]) == pytest.approx(0.25, rel=1e-12)
    sparse = entries(reports["allo1sparse"].bundle)
    assert sparse == {place: exact[place] for place in sparse}
    assert set(sparse) == {("combined", "", ""), ("naive", "", "")}
    errors = [
        float(number_ - exact[place])
        for place, number_ in entries(reports["allo1noisy"].bundle).items()
    ]
    assert len(set(errors)) == len(exact)
    assert 0.05 < np.std(errors) < 0.2


def test_draws_have_the_stated_law() -> None:
    source = np.random.default_rng(0)
    drawn = Noise(0.1).draw(source, 100_000)
    assert np.mean(drawn) == pytest.approx(0, abs=0.002)
    assert np.std(drawn) == pytest.approx(0.1, rel=0.02)
    absent = np.isnan(Missing(0.25).draw(source, 100_000))
    assert not absent[:2].any()
    assert absent.mean() == pytest.approx(0.25, abs=0.01)


# Faults


@pytest.mark.parametrize("number", NUMBERS)
def test_a_loss_of_zero_names_its_entry(number: NumberName) -> None:
    """An exact hit has no logarithm; the other topics are not touched, nor is another scale."""
    epochs = [topic(1), topic(2)]
    hit = epochs[0].inferences["allo1inferer2"]["y"]
    batch = judged(number, epochs, [hit, D("0.9")], "sqe", scale="log10")
    assert batch.status[1] is None
    with pytest.raises(TopicError) as caught:
        batch.topic(0)
    fault = caught.value
    assert (fault.topic_id, fault.actor, fault.field, fault.cause) == (
        1,
        "allo1inferer2",
        "inferer",
        "domain",
    )
    floored = judged(number, epochs, [hit, D("0.9")], "sqe", scale="log10_floor")
    assert floored.topic(0).inferer["allo1inferer2"] == -100
    epochs_with = batch.epochs_with_reports([Reputer("allo1reputer0", D(1))])
    assert [len(epoch.reports) for epoch in epochs_with] == [0, 1]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize(
    ("truth", "method", "field", "cause"),
    [
        (math.nan, "sqe", "truth", "nan"),
        (D("Infinity"), "sqe", "truth", "infinite"),
        ([D(1), D(2)], "sqe", "truth", "length"),
        ({"z": D(1)}, "sqe", "truth", "label"),
        (D(2), "bce", "combined", "domain"),
    ],
)
def test_bad_truths(number: NumberName, truth: Any, method: str, field: str, cause: str) -> None:
    batch = judged(number, [topic(1), topic(2)], [truth, D("0.5")], method, scale="raw")
    fault = batch.status[0]
    assert fault is not None
    assert (fault.topic_id, fault.field, fault.cause) == (1, field, cause)
    assert batch.status[1] is None


def test_a_scalar_method_has_no_loss_of_several_labels() -> None:
    batch = judged("decimal", [topic(2, ("a", "b"))], [[D(0), D(1)]], "sqe", scale="raw")
    fault = batch.status[0]
    assert fault is not None
    assert fault.cause == "several_labels"
    with pytest.raises(NumberError, match="several_labels"):
        loss(LossFunction(), [D(0), D(1)], [D(0), D(1)], RULES)


def test_a_topic_without_inferences_keeps_its_own_fault() -> None:
    engine = Engine("decimal")
    empty = replace(topic(1), inferences={})
    batch = bundle_losses(engine.infer([empty, topic(2)]), [D(1), D(1)], "sqe", scale="raw")
    fault = batch.status[0]
    assert fault is not None
    assert fault.cause == "no_inference"
    assert batch.status[1] is None


def test_noise_needs_a_logarithm() -> None:
    batch = judged("float64", [topic(1)], [0.4], "sqe", scale="raw")
    with pytest.raises(ValueError, match="topic 1 reputer allo1reputer0: noise and bias"):
        batch.reports(0, [Reputer("allo1reputer0", D(1), (Noise(0.1),))])
    assert batch.reports(0, [Reputer("allo1reputer0", D(1), (Missing(0.5),))])


def test_lists_of_the_wrong_length() -> None:
    inferred = Engine("float64").infer([topic(1), topic(2)])
    with pytest.raises(ValueError, match="truths: 1 entries for 2 topics"):
        bundle_losses(inferred, [1.0], "sqe", scale="raw")
    with pytest.raises(ValueError, match="methods: 1 entries"):
        bundle_losses(inferred, [1.0, 1.0], ["sqe"], scale="raw")
    with pytest.raises(ValueError, match="scale: 1 entries"):
        bundle_losses(inferred, [1.0, 1.0], "sqe", scale=["raw"])
    with pytest.raises(ValueError, match="unknown scale 'ln'"):
        bundle_losses(inferred, [1.0, 1.0], "sqe", scale="ln")  # type: ignore[arg-type]

"""Input that no network accepts is refused with topic, actor, field and cause."""

from __future__ import annotations

import pickle
from dataclasses import replace
from decimal import Decimal

import pytest

from allora_core.epoch import Epoch, Params, Report, State, TopicError, ValueBundle
from allora_core.reference import infer, rules_at, settle

D = Decimal
RULES = rules_at("v0.17")
STATE = State(7, D("0.1"), D("0.5"), D("-1"))
BUNDLE = ValueBundle(D(-1), D(-1), {"a": D(-2), "b": D(0)})
EPOCH = Epoch(
    7,
    10,
    {"a": {"y": D(1)}, "b": {"y": D(2)}},
    {"k": (("a", D(-2)), ("b", D(-1)))},
    {"m": Report(D(5), BUNDLE)},
)


@pytest.mark.parametrize(
    ("changes", "actor", "field", "cause"),
    [
        ({"inferences": {}}, "", "inferences", "no_inference"),
        ({"inferences": {"a": {"y": D("NaN")}}}, "a", "inference", "nan"),
        ({"inferences": {"a": {"y": D("Infinity")}}}, "a", "inference", "infinite"),
        ({"inferences": {"a": {"z": D(1)}}}, "a", "inference", "label"),
        ({"labels": ()}, "", "labels", "label"),
        ({"labels": ("y", "y")}, "", "labels", "label"),
        ({"forecasts": {"k": (("a", D("NaN")),)}}, "k", "forecast", "nan"),
        ({"topic_id": 8}, "", "state", "wrong_topic"),
        ({"params": Params(p_norm=D("NaN"))}, "k", "forecast_implied", "nan"),
    ],
)
def test_infer_refuses(changes: dict[str, object], actor: str, field: str, cause: str) -> None:
    epoch = replace(EPOCH, **changes)  # type: ignore[arg-type]
    with pytest.raises(TopicError) as caught:
        infer(epoch, STATE, RULES)
    error = caught.value
    assert (error.topic_id, error.actor) == (epoch.topic_id, actor)
    assert (error.field, error.cause) == (field, cause)
    for part in (f"topic {epoch.topic_id}", actor, field, cause):
        assert part in str(error)


@pytest.mark.parametrize(
    ("report", "actor", "field", "cause"),
    [
        (None, "", "reports", "no_report"),
        (Report(D(-1), BUNDLE), "m", "stake", "negative_stake"),
        (Report(D("NaN"), BUNDLE), "m", "stake", "nan"),
        (Report(D(0), BUNDLE), "", "combined", "zero_stake"),
        (Report(D(5), replace(BUNDLE, naive=None)), "", "naive", "zero_stake"),
        (Report(D(5), replace(BUNDLE, combined=D("NaN"))), "m", "loss", "nan"),
        (Report(D(5), replace(BUNDLE, inferer={"a": D("Infinity")})), "m", "loss", "infinite"),
        (Report(D(5), replace(BUNDLE, inferer={})), "", "stored_weights", "no_regret"),
        (Report(D(5), BUNDLE, nonce=9), "", "reports", "no_report"),
        (Report(D(5), BUNDLE, topic_id=9), "", "reports", "no_report"),
    ],
)
def test_settle_refuses(report: Report | None, actor: str, field: str, cause: str) -> None:
    epoch = replace(EPOCH, reports={} if report is None else {"m": report})
    with pytest.raises(TopicError) as caught:
        settle(epoch, STATE, RULES)
    error = caught.value
    assert (error.topic_id, error.actor, error.field, error.cause) == (7, actor, field, cause)


def test_scalar_versions_refuse_several_labels() -> None:
    with pytest.raises(TopicError, match="several_labels"):
        infer(replace(EPOCH, labels=("y", "z")), STATE, rules_at("v0.6"))


def test_alpha_zero_has_no_number_of_inclusions() -> None:
    epoch = replace(EPOCH, params=Params(alpha_regret=D(0)))
    with pytest.raises(TopicError, match="field initial_regret: div_zero"):
        settle(epoch, STATE, RULES)


def test_numbers_beyond_the_limits() -> None:
    huge = {"a": D("9E+99999"), "b": D("1E-99999")}
    with pytest.raises(TopicError, match="range"):
        settle(
            replace(EPOCH, reports={"m": Report(D(5), replace(BUNDLE, inferer=huge))}),
            STATE,
            RULES,
        )


def test_errors_survive_pickling() -> None:
    error = TopicError(7, "a", "inference", "label", "z")
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error) == "topic 7 actor a field inference: label (z)"
    assert copy.cause == "label"

"""Rules that no recorded epoch decides, each on a small example of its own."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from allora_core.epoch import Epoch, Params, Report, State, TopicError, ValueBundle
from allora_core.reference import Rules, infer, rules_at, settle
from allora_core.reference.curves import exp1_div_exp1
from allora_core.reference.number import quotient
from allora_core.reference.outlier import kept_inferers, updated_median
from allora_core.reference.regret import topic_initial_regret
from allora_core.reference.weight import regret_scale, weights

V06, V16, V17 = rules_at("v0.6"), rules_at("v0.16"), rules_at("v0.17")
D = Decimal

CHAIN_EXAMPLE = [
    D("0.6445506208021189"),
    D("1.0216386898413485"),
    D("0.6092049398135028"),
    D("0.6971588004566455"),
    D("0.9030751421888253"),
    D("0.8219035038858344"),
]


def test_initial_regret_of_the_chains_own_test() -> None:
    """allora-chain v0.7, x/emissions/keeper/inference_synthesis/network_regrets_test.go."""
    params = Params(epsilon=D("0.0001"))
    got = topic_initial_regret(CHAIN_EXAMPLE, [], params, V06)
    assert str(got) == "0.3354820760526412097325669544281814"


@pytest.mark.parametrize(
    ("experienced", "everyone", "expected"),
    [(10, 12, "formula"), (9, 12, "quantile"), (0, 10, "quantile"), (9, 9, None), (0, 0, None)],
)
def test_initial_regret_with_few_experienced(
    experienced: int, everyone: int, expected: str | None
) -> None:
    regrets = [D(at) for at in range(everyone)]
    got = topic_initial_regret(regrets[:experienced], regrets, Params(), rules_at("v0.7"))
    quantile = {10: D("2.25"), 12: D("2.75")}.get(everyone)
    if expected == "quantile":
        assert got == quantile
    else:
        assert (got is None) == (expected is None)


def test_initial_regret_takes_a_fixed_c() -> None:
    params = Params(c_norm=D("0.5"), min_experienced_worker_regrets=D(2))
    fixed = topic_initial_regret(CHAIN_EXAMPLE, [], params, V16)
    assert fixed == topic_initial_regret(CHAIN_EXAMPLE, [], Params(), V06)
    assert fixed != topic_initial_regret(CHAIN_EXAMPLE, [], params, V06)


@pytest.mark.parametrize("rounding", ["each_step", "once"])
@pytest.mark.parametrize(
    ("a", "b"), [("-1", "-0.5"), ("0", "0"), ("-2", "3"), ("2", "7"), ("1", "-1"), ("5", "5")]
)
def test_ratio_forms_agree_with_the_definition(a: str, b: str, rounding: str) -> None:
    rules = replace(V17, weight_rounding=rounding)
    expected = quotient(D(a).exp() + 1, D(b).exp() + 1)
    assert abs(exp1_div_exp1(D(a), D(b), rules) - expected) < D("1E-25")


def test_ratio_far_away_is_zero_and_not_a_fault() -> None:
    assert exp1_div_exp1(D(-1), D(10) ** 9, V17) == 0


def test_scales() -> None:
    regrets = [D(1), D(2), D(4), D(8)]
    assert regret_scale(regrets, Params(), V17) == D("1.4826") * D("1.5") + D("0.01")
    deviation = regret_scale(regrets, Params(), V06)
    assert abs(deviation - D("3.1058") + D("0.01")) < D("0.02")


def test_stored_scale_serves_every_call() -> None:
    regret = {"a": D(1), "b": D(3)}
    assert weights(["a", "b"], [], regret, {}, D("0.5"), Params(), V17).scale == D("0.5")
    assert weights(["a", "b"], [], regret, {}, D("0.5"), Params(), V06).scale != D("0.5")
    assert weights(["a", "b"], [], regret, {}, D(0), Params(), V17).scale == D("1.4926")


def test_outlier_filter() -> None:
    params = Params()
    state = updated_median([D(1), D(2), D(3), D(100)], State(1), params)
    assert (state.inference_median, state.inference_median_absolute_deviation) == (D("2.5"), D(1))
    values = {"a": D("13.5"), "b": D("13.6"), "c": D("-8.5")}
    assert kept_inferers(values, state, params) == ["a", "c"]
    again = updated_median([D(1), D(5)], state, params)
    assert again.inference_median_absolute_deviation == D("0.2") * 2 + D("0.8") * 1
    assert kept_inferers(values, State(1), params) == ["a", "b", "c"]


def inferences(**values: str) -> dict[str, dict[str, Decimal]]:
    return {worker: {"y": D(text)} for worker, text in values.items()}


def known(**parts: object) -> State:
    """A topic with a history: nobody is new, one loss has closed."""
    state = State(1, D("0.1"), D("0.5"), D("-1"))
    return replace(state, **parts)  # type: ignore[arg-type]


def test_second_inference_without_outliers() -> None:
    epoch = Epoch(1, 10, inferences(a="1", b="2", c="3", d="1000"))
    inferred = infer(epoch, known(), V17)
    assert inferred.outlier_resistant is not None
    assert set(inferred.outlier_resistant.inferer_weight) == {"a", "b", "c"}
    assert inferred.outlier_resistant.combined[0] == 2
    calm = infer(replace(epoch, inferences=inferences(a="1", b="2", c="3")), known(), V17)
    assert calm.outlier_resistant is calm.network
    assert infer(epoch, known(), V06).outlier_resistant is None
    assert infer(epoch, known(), V06).state == known()


def test_several_labels_have_no_outlier_filter() -> None:
    values = {j: {"p": D(1), "q": D(2)} for j in ("a", "b")}
    inferred = infer(Epoch(1, 10, values, labels=("p", "q")), known(), V17)
    assert inferred.outlier_resistant is None
    assert inferred.state == known()
    assert inferred.network.confidence_interval == ()


def test_labels_left_out_take_the_default() -> None:
    values = {"a": {"p": D(1)}, "b": {"q": D(3)}}
    params = Params(label_default_value=D(5))
    epoch = Epoch(1, 10, values, labels=("p", "q"), params=params)
    assert infer(epoch, known(), V17).network.combined == (D(3), D(4))


def test_withheld_inferer_and_its_forecast() -> None:
    """k forecasts only a: stripped, k has no value without a; kept, a's value stays k's."""
    epoch = Epoch(1, 10, inferences(a="1", b="2", c="4"), forecasts={"k": (("a", D("-2")),)})
    regrets = {w: {"k": D(9)} for w in "abc"}
    state = known(one_out_inferer_forecaster_regret=regrets)
    stripped = infer(epoch, state, V17).network
    kept = infer(epoch, state, replace(V17, withheld_forecast="kept_without_weight")).network
    assert stripped.one_out_inferer["a"] == (D(3),)
    assert kept.one_out_inferer["a"][0] < D("1.5")
    assert stripped.one_out_inferer["b"] == kept.one_out_inferer["b"]
    row = stripped.one_out_inferer_forecaster["k"]
    assert set(row) == {"b", "c"}
    assert row["b"] == stripped.forecast_implied["k"]


def test_nobody_usable() -> None:
    """Without a, k is skipped in the mean, but its regret leaves the others without weight."""
    epoch = Epoch(1, 10, inferences(a="1", b="2"), forecasts={"k": (("a", D("-2")),)})
    state = known(
        one_out_inferer_inferer_regret={"a": {"b": -(D(10) ** 6)}},
        one_out_inferer_forecaster_regret={"a": {"k": D(1)}},
    )
    with pytest.raises(TopicError) as caught:
        infer(epoch, state, V17)
    assert (caught.value.field, caught.value.actor) == ("one_out_inferer", "a")
    assert caught.value.cause == "no_usable_participant"
    lenient = replace(V17, no_usable_participant="zero")
    assert infer(epoch, state, lenient).network.one_out_inferer["a"] == (D(0),)


def report(**parts: object) -> Report:
    bundle = ValueBundle(D("-1"), D("-1"), {"a": D("-2"), "b": D(0)}, {"k": D("-3")})
    return Report(D(10), replace(bundle, **parts))  # type: ignore[arg-type]


def settled_epoch(**reports: Report) -> Epoch:
    return Epoch(1, 10, inferences(a="1", b="2"), {"k": (("a", D("-2")),)}, reports)


@pytest.mark.parametrize(("rule", "touched"), [("zero", True), ("untouched", False)])
def test_missing_pair_in_an_existing_row(rule: str, touched: bool) -> None:
    bundle = report(
        one_out_inferer={"a": D("-1"), "b": D("-1")},
        one_out_inferer_forecaster={"k": {"a": D("-4")}},
    )
    rules = replace(V06, missing_one_out_pair=rule)
    state = settle(settled_epoch(m=bundle), known(), rules).state
    table = state.one_out_inferer_forecaster_regret
    assert table["a"] == {"k": D("0.1") * 3 + D("0.9") * D("0.1")}
    assert ("b" in table) == touched


@pytest.mark.parametrize(("rules", "skips"), [(V06, False), (V17, True)])
def test_report_of_another_nonce(rules: Rules, skips: bool) -> None:
    epoch = settled_epoch(m=report(), n=replace(report(combined=D(5)), nonce=9))
    if skips:
        assert settle(epoch, known(), rules).network_losses.combined == -1
    else:
        with pytest.raises(TopicError, match=r"topic 1 actor n field report: wrong_nonce"):
            settle(epoch, known(), rules)


def test_entries_about_others_are_dropped() -> None:
    epoch = settled_epoch(m=report(inferer={"a": D(-2), "x": D(1)}, one_out_inferer={"a": D(1)}))
    losses = settle(epoch, known(), V17).network_losses
    assert losses.inferer == {"a": D(-2)}
    assert losses.one_out_inferer == {}


def test_absent_workers_keep_weight_and_regret() -> None:
    state = known(inferer_weight={"z": D("0.3")}, inferer_regret={"z": D(7)})
    after = settle(settled_epoch(m=report()), state, V17).state
    assert after.inferer_weight["z"] == D("0.3")
    assert after.inferer_regret["z"] == 7
    shares = after.inferer_weight["a"] + after.inferer_weight["b"] + after.forecaster_weight["k"]
    assert abs(shares - 1) < D("1E-32")


def test_scale_filter_by_previous_weight() -> None:
    rules = replace(V17, scale_filter="previous_weight")
    weight = {"a": D("0.5"), "b": D("0.000001")}
    few = settle(settled_epoch(m=report()), known(inferer_weight=weight), rules).state
    assert few.regret_scale == settle(settled_epoch(m=report()), known(), V17).state.regret_scale
    both = {"a": D("0.5"), "b": D("0.2")}
    state = settle(settled_epoch(m=report()), known(inferer_weight=both), rules).state
    regrets = [state.inferer_regret["a"], state.inferer_regret["b"]]
    assert state.regret_scale == regret_scale(regrets, Params(), rules)


def test_self_forecast_shares_one_entry() -> None:
    """(q, q) is averaged as an inferer, then from that value as the forecaster."""
    bundle = ValueBundle(
        D(-1), D(-1), {"a": D(-2), "b": D(0)}, {"a": D(-3)}, one_in_forecaster={"a": D(-1)}
    )
    epoch = Epoch(
        1, 10, inferences(a="1", b="2"), {"a": (("a", D(-2)),)}, {"m": Report(D(1), bundle)}
    )
    state = settle(epoch, known(), V06).state
    first = D("0.1") * 1 + D("0.9") * D("0.1")
    assert state.one_in_forecaster_regret["a"]["a"] == D("0.1") * 2 + D("0.9") * first

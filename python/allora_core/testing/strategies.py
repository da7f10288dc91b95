"""Hypothesis strategies for epochs, states and whole histories of topics.

Everything drawn is valid input under the given rules. One *style* per history decides what kind of
numbers it is made of (:data:`STYLES`), so that examples stay about something: a history of ties, of
zeros, of 300-digit numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random
from typing import Any, Literal, NamedTuple

from hypothesis import strategies as st

from allora_core.epoch import Epoch, Params, Report, State, ValueBundle
from allora_core.reference.rules import Rules, rules_at

__all__ = [
    "STYLES",
    "Cast",
    "History",
    "Style",
    "addresses",
    "casts",
    "epochs",
    "histories",
    "numbers",
    "params",
    "states",
    "topics",
]

Style = Literal["ordinary", "ties", "zeros", "extreme", "long", "mixed"]

STYLES: tuple[Style, ...] = ("ordinary", "ties", "zeros", "extreme", "long", "mixed")
"""ordinary: a few digits around 1. ties: few values in several forms. zeros: of all forms and
signs. extreme: magnitudes from 1e-40 to 1e40. long: 34 to 300 digits. mixed: all of these."""

_TIES = tuple(Decimal(text) for text in ("1", "1.0", "1.00", "-0.5", "-0.50", "0.25", "2E+1", "20"))
_COEFFICIENTS = tuple(Decimal(text) for text in ("0", "1", "1.000", "0.4", "0.05", "0.9995"))
_ZEROS = tuple(Decimal(text) for text in ("0", "0.000", "-0", "-0.00", "0E+3", "1", "-1.5"))
# What every version accepts: a single label and reports of the epoch's own nonce.
_ANY_VERSION = replace(rules_at("v0.17"), labels="scalar", wrong_nonce_report="fault")
# So many epochs fit into what hypothesis draws for one example, number by number.
_DRAWN_EPOCHS = 6
_ADDRESS_LETTERS = "023456789acdefghjklmnpqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Cast:
    """The actors who may take part in a topic, and its labels."""

    inferers: tuple[str, ...]
    forecasters: tuple[str, ...]
    reputers: tuple[str, ...]
    labels: tuple[str, ...] = ("y",)


class History(NamedTuple):
    """A topic's state at some point and the epochs that follow, nonces ascending."""

    state: State
    epochs: tuple[Epoch, ...]


def _written(coefficient: int, exponent: int) -> Decimal:
    return Decimal(f"{coefficient}E{exponent}")


def numbers(style: Style = "mixed") -> st.SearchStrategy[Decimal]:
    """Draw numbers that an actor can submit: 0 or a magnitude from 1e-40 to 1e40."""
    if style == "mixed":
        return st.one_of([numbers(each) for each in _MADE])
    make, ranges = _MADE[style]
    return st.builds(make, *(st.integers(least, most) for least, most in ranges))


def _numbers_of(seed: int, style: Style) -> st.SearchStrategy[Decimal]:
    """The same numbers one after another from a seed: they cost nothing to draw."""
    source = Random(seed)

    def following() -> Decimal:
        make, ranges = _MADE[source.choice(tuple(_MADE)) if style == "mixed" else style]
        return make(*(source.randint(least, most) for least, most in ranges))

    return st.builds(following)


def _long(digits: int, seed: int, magnitude: int) -> Decimal:
    """Return a number of that many digits; the digits follow from a seed, shrinking stays fast."""
    coefficient = (10**digits * (seed + 1)) // (2**64 + 13) + seed % 1000
    text = str(coefficient * 7919 + 10**digits)[:digits]
    return _written(int(text) * (-1 if seed % 2 else 1), magnitude - digits)


# How a number of each style is made, and of which whole numbers.
_MADE: dict[Style, tuple[Callable[..., Decimal], tuple[tuple[int, int], ...]]] = {
    "ordinary": (_written, ((-9_999_999, 9_999_999), (-8, -5))),
    "ties": (_TIES.__getitem__, ((0, len(_TIES) - 1),)),
    "zeros": (_ZEROS.__getitem__, ((0, len(_ZEROS) - 1),)),
    "extreme": (_written, ((-9_999, 9_999), (-40, 36))),
    "long": (_long, ((34, 300), (0, 2**64), (-5, 5))),
}


def addresses(minimum: int, maximum: int) -> st.SearchStrategy[tuple[str, ...]]:
    """Draw distinct bech32-like addresses, in no particular order."""
    address = st.text(_ADDRESS_LETTERS, min_size=3, max_size=5).map(lambda tail: f"allo1{tail}")
    return st.lists(address, min_size=minimum, max_size=maximum, unique=True).map(tuple)


@st.composite
def casts(draw: st.DrawFn, rules: Rules, inferers: int = 6, forecasters: int = 3) -> Cast:
    """Draw a topic's cast; a worker may have both roles, several labels only where rules allow."""
    everyone = draw(addresses(2, inferers))
    others = draw(addresses(0, forecasters))
    both = draw(st.lists(st.sampled_from(everyone), max_size=forecasters, unique=True))
    labels: tuple[str, ...] = ("y",)
    if rules.labels == "vector":
        labels = draw(st.sampled_from((("y",), ("y",), ("a", "b"), ("up", "flat", "down"))))
    return Cast(
        inferers=everyone,
        forecasters=tuple(dict.fromkeys((*others, *both)))[:forecasters],
        reputers=draw(addresses(1, 4)),
        labels=labels,
    )


def params() -> st.SearchStrategy[Params]:
    """Draw parameters within what the network accepts."""

    def among(*texts: str) -> st.SearchStrategy[Decimal]:
        return st.sampled_from([Decimal(text) for text in texts])

    drawn = st.builds(
        Params,
        epsilon=among("0.01", "0.0001", "0.05"),
        p_norm=among("3", "2.5", "4.5", "3.00"),
        c_norm=among("0.75", "0.5", "0.9"),
        alpha_regret=among("0.1", "0.35", "0.5", "1"),
        epsilon_safe_div=among("0.0000001", "0.01"),
        initial_regret_quantile=among("0.25", "0.5", "0", "1"),
        min_weight_threshold_for_stdnorm=among("0.000001", "0.2"),
        min_experienced_worker_regrets=among("10", "2"),
        inference_outlier_detection_alpha=among("0.2", "0.5"),
        inference_outlier_detection_threshold=among("11", "1.5"),
        label_default_value=among("0", "0.5"),
        epsilon_reputer=among("0.01", "0.1"),
        learning_rate=among("0.05", "0.5", "3"),
        gradient_descent_max_iters=among("10", "3", "1", "0"),
        max_gradient_threshold=among("0.001", "0.2"),
        min_stake_fraction=among("0.5", "0.9", "0"),
        merit_sortition_alpha=among("0.1", "0.50", "0"),
        active_inferer_quantile=among("0.2", "0.25", "0", "1"),
        active_forecaster_quantile=among("0.2", "0.5"),
        active_reputer_quantile=among("0.2", "0.05"),
        max_samples_to_scale_scores=among("10", "3", "1"),
        max_top_inferers_to_reward=among("32", "2", "1"),
        max_top_forecasters_to_reward=among("6", "1"),
        task_reward_alpha=among("0.1", "0.5", "1"),
        beta_entropy=among("0.25", "1", "0.5"),
        lambda_initial_score=among("2", "0.5"),
        p_reward_inference=among("3", "1", "2.5"),
        p_reward_forecast=among("3", "1"),
        p_reward_reputer=among("1", "3", "0.5"),
        c_reward_inference=among("0.75", "0.5"),
        c_reward_forecast=among("0.75", "0"),
    )
    return st.one_of(st.just(Params()), drawn)


@st.composite
def states(
    draw: st.DrawFn, topic_id: int, cast: Cast, rules: Rules, style: Style = "ordinary"
) -> State:
    """Draw a topic's state: new, or grown, with regrets and averages missing for some actors."""
    if draw(st.booleans()):
        return State(topic_id=topic_id)
    number = numbers(style)
    positive = st.builds(_written, st.integers(1, 99_999), st.integers(-6, -2))

    def some(workers: tuple[str, ...]) -> dict[str, Decimal]:
        absent = draw(st.sets(st.sampled_from(workers), max_size=2)) if workers else set()
        return {worker: draw(number) for worker in workers if worker not in absent}

    def pairs(outer: tuple[str, ...], inner: tuple[str, ...]) -> dict[str, dict[str, Decimal]]:
        return {withheld: some(inner) for withheld in outer}

    def counts(workers: tuple[str, ...]) -> dict[str, int]:
        return {worker: draw(st.integers(0, 12)) for worker in workers}

    def shares(workers: tuple[str, ...]) -> dict[str, Decimal]:
        if rules.stored_weights == "absent":
            return {}
        return {worker: draw(positive) for worker in workers[1:]}

    inferers, forecasters = cast.inferers, cast.forecasters
    everyone = tuple(dict.fromkeys((*inferers, *forecasters)))
    scale = draw(positive) if rules.scale_storage == "stored" else Decimal(0)
    filtered = rules.outlier_resistant != "absent" and draw(st.booleans())
    scored = draw(_scored(cast, rules, style)) if draw(st.booleans()) else {}
    return State(
        topic_id=topic_id,
        initial_regret=draw(number),
        regret_scale=scale,
        previous_combined_loss=draw(st.one_of(number, number, st.none())),
        inferer_regret=some(inferers),
        forecaster_regret=some(forecasters),
        naive_inferer_regret=some(inferers),
        one_out_inferer_inferer_regret=pairs(inferers, inferers),
        one_out_inferer_forecaster_regret=pairs(inferers, forecasters),
        one_out_forecaster_inferer_regret=pairs(forecasters, inferers),
        one_out_forecaster_forecaster_regret=pairs(forecasters, forecasters),
        one_in_forecaster_regret=pairs(forecasters, everyone),
        inferer_weight=shares(inferers),
        forecaster_weight=shares(forecasters),
        inferer_inclusions=counts(inferers),
        forecaster_inclusions=counts(forecasters),
        inference_median=draw(number) if filtered else Decimal(0),
        inference_median_absolute_deviation=draw(positive) if filtered else Decimal(0),
        **scored,
    )


@st.composite
def _scored(draw: st.DrawFn, cast: Cast, rules: Rules, style: Style) -> dict[str, Any]:
    """Draw what scores and rewards of earlier epochs left, by the names of the state's fields."""
    number = numbers(style)
    positive = st.builds(_written, st.integers(1, 99_999), st.integers(-6, -2))
    scored: dict[str, Any] = {"forecaster_score_ratio": draw(number)}

    def some(actors: tuple[str, ...], values: st.SearchStrategy[Any]) -> dict[str, Any]:
        absent = draw(st.sets(st.sampled_from(actors), max_size=2)) if actors else set()
        return {actor: draw(values) for actor in actors if actor not in absent}

    for role in ("inferer", "forecaster", "reputer"):
        actors = getattr(cast, f"{role}s")
        averages = some(actors, number)
        heights = {actor: draw(st.sampled_from((0, 70))) for actor in averages}
        scored[f"{role}_score_ema"] = averages
        scored[f"{role}_score_height"] = heights
        scored[f"{role}_score_quantile"] = draw(number)
        scored[f"{role}_reward_fraction"] = some(actors, positive)
        if rules.initial_score == "present":
            scored[f"initial_{role}_score"] = draw(number)
    for role in ("inferer", "forecaster"):
        actors = tuple(sorted(getattr(cast, f"{role}s")))
        blocks = {block: tuple(some(actors, number).items()) for block in (30, 70)}
        scored[f"{role}_score_history"] = {block: own for block, own in blocks.items() if own}
    scored["listening_coefficient"] = some(cast.reputers, st.sampled_from(_COEFFICIENTS))
    scored["delegate_reward_per_share"] = some(cast.reputers, positive)
    return scored


@st.composite
def epochs(
    draw: st.DrawFn,
    topic_id: int,
    nonce: int,
    cast: Cast,
    rules: Rules,
    style: Style = "ordinary",
    parameters: Params | None = None,
    number: st.SearchStrategy[Decimal] | None = None,
) -> Epoch:
    """Draw one epoch by some of the cast, with reports of most entries.

    Seldom a reputer has no stake; the topic fails if nobody else's report counts. ``number`` draws
    inferences, forecasts and losses in place of the style's own numbers.
    """
    number = numbers(style) if number is None else number
    leavers = draw(st.sets(st.sampled_from(cast.inferers), max_size=len(cast.inferers) - 1))
    inferers = tuple(worker for worker in cast.inferers if worker not in leavers)
    forecasters = cast.forecasters
    if forecasters:
        absent = draw(st.sets(st.sampled_from(forecasters), max_size=1))
        forecasters = tuple(worker for worker in forecasters if worker not in absent)
    inferences = {worker: draw(_labeled(cast.labels, number)) for worker in inferers}
    forecasts = {worker: draw(_elements(cast.inferers, number)) for worker in forecasters}
    silent = draw(st.sets(st.sampled_from(cast.reputers), max_size=len(cast.reputers) - 1))
    reports = {
        reputer: draw(_reports(draw(_bundles(inferers, forecasters, number))))
        for reputer in cast.reputers
        if reputer not in silent
    }
    if len(reports) > 1 and draw(st.integers(0, 5)) == 5:
        poor = next(iter(reports))
        reports[poor] = replace(reports[poor], stake=Decimal(0), delegated=Decimal(0))
    if rules.wrong_nonce_report == "skip" and len(reports) > 1 and draw(st.booleans()):
        late = list(reports)[-1]
        reports[late] = replace(reports[late], nonce=nonce - 1)
    held = rules.initial_regret == "held"
    return Epoch(
        topic_id=topic_id,
        nonce=nonce,
        inferences=inferences,
        forecasts=forecasts,
        reports=reports,
        labels=cast.labels,
        params=draw(params()) if parameters is None else parameters,
        initial_regret=draw(st.one_of(number, st.none())) if held else None,
        reward=draw(st.builds(_written, st.integers(0, 10**6), st.integers(-3, 12))),
    )


def _without_stake(epoch: Epoch) -> Epoch:
    nothing = Decimal(0)
    reports = {
        reputer: replace(report, stake=nothing, delegated=nothing)
        for reputer, report in epoch.reports.items()
    }
    return replace(epoch, reports=reports)


@st.composite
def _reports(draw: st.DrawFn, bundle: ValueBundle) -> Report:
    """Draw the stake behind a report; delegators hold a part of it, from nothing to all."""
    stake = draw(st.builds(_written, st.integers(1, 10**6), st.integers(0, 15)))
    eighths = draw(st.integers(0, 8))
    return Report(stake, bundle, Decimal(int(stake) * eighths // 8))


@st.composite
def _labeled(
    draw: st.DrawFn, labels: tuple[str, ...], number: st.SearchStrategy[Decimal]
) -> dict[str, Decimal]:
    """Draw one worker's values; of several labels some may be left out."""
    left_out: set[str] = set()
    if len(labels) > 1:
        left_out = draw(st.sets(st.sampled_from(labels), max_size=len(labels) - 1))
    return {label: draw(number) for label in labels if label not in left_out}


@st.composite
def _elements(
    draw: st.DrawFn, inferers: tuple[str, ...], number: st.SearchStrategy[Decimal]
) -> tuple[tuple[str, Decimal], ...]:
    """Draw a forecast about some of the cast, absent inferers and the forecaster included."""
    about = draw(st.lists(st.sampled_from(inferers), max_size=len(inferers), unique=True))
    return tuple((inferer, draw(number)) for inferer in about)


@st.composite
def _bundles(
    draw: st.DrawFn,
    inferers: tuple[str, ...],
    forecasters: tuple[str, ...],
    number: st.SearchStrategy[Decimal],
) -> ValueBundle:
    """Draw a report that lacks a few entries; the first inferer is never missing."""
    names = [f"inferer {j}" for j in inferers[1:]]
    names += [f"one_out_inferer {j}" for j in inferers]
    for entry in ("forecaster", "one_out_forecaster", "one_in_forecaster", "row"):
        names += [f"{entry} {k}" for k in forecasters]
    names += [f"pair {k} {w}" for k in forecasters for w in inferers]
    missing = draw(st.sets(st.sampled_from(names), max_size=4)) if names else set()

    def family(name: str, workers: tuple[str, ...]) -> dict[str, Decimal]:
        return {worker: draw(number) for worker in workers if f"{name} {worker}" not in missing}

    several_inferers = inferers if len(inferers) > 1 else ()
    several_forecasters = forecasters if len(forecasters) > 1 else ()
    return ValueBundle(
        combined=draw(number),
        naive=draw(number),
        inferer=family("inferer", inferers),
        forecaster=family("forecaster", forecasters),
        one_out_inferer=family("one_out_inferer", several_inferers),
        one_out_forecaster=family("one_out_forecaster", several_forecasters),
        one_in_forecaster=family("one_in_forecaster", several_forecasters),
        one_out_inferer_forecaster={
            k: family(f"pair {k}", several_inferers)
            for k in forecasters
            if f"row {k}" not in missing
        },
    )


@st.composite
def histories(
    draw: st.DrawFn,
    rules: Rules | None = None,
    topic_id: int = 1,
    styles: tuple[Style, ...] = STYLES,
    max_epochs: int = 4,
    inferers: int = 6,
    forecasters: int = 3,
    min_epochs: int = 1,
) -> History:
    """Draw a state and one or more epochs of one topic.

    In more than six epochs the numbers follow from one drawn seed; who takes part, who reports what
    and with which stake is drawn as ever. A few of so many epochs have no stake at all behind their
    reports, so that they do not settle.

    Args:
        rules: decide about labels, held initial regrets and reports of another nonce; without
            them histories are such that every version accepts them.
        topic_id: of the topic.
        styles: kinds of numbers to choose from.
        max_epochs, inferers, forecasters: upper limits of the sizes.
        min_epochs: least number of epochs.
    """
    rules = _ANY_VERSION if rules is None else rules
    style = draw(st.sampled_from(styles))
    cast = draw(casts(rules, inferers, forecasters))
    parameters = draw(params())
    state = draw(states(topic_id, cast, rules, style))
    count = draw(st.integers(min_epochs, max_epochs))
    number = None
    if count > _DRAWN_EPOCHS:
        number = _numbers_of(draw(st.integers(0, 2**64)), style)
    drawn = [
        draw(epochs(topic_id, 100 * (at + 1), cast, rules, style, parameters, number))
        for at in range(count)
    ]
    if count > _DRAWN_EPOCHS:
        poor = draw(st.sets(st.integers(0, count - 1), max_size=3))
        drawn = [_without_stake(epoch) if at in poor else epoch for at, epoch in enumerate(drawn)]
    return History(state, tuple(drawn))


@st.composite
def topics(
    draw: st.DrawFn, rules: Rules | None = None, max_topics: int = 4, max_epochs: int = 2
) -> tuple[History, ...]:
    """Draw histories of several topics, for engines that work on batches."""
    count = draw(st.integers(1, max_topics))
    return tuple(
        draw(histories(rules, topic_id=at + 1, max_epochs=max_epochs)) for at in range(count)
    )

"""What goes into an epoch of a topic and what comes out of it, as plain immutable values.

Every number is a :class:`decimal.Decimal`. Its sign, digits and exponent are the written form that
the network stores and hashes: ``Decimal("1.20")`` and ``Decimal("1.2")`` are equal in value and
different in form, and both survive a round trip through these classes. Build numbers from text
(``Decimal("0.1")``), never from binary floating point.

Actors are bech32 address strings. The two worker roles are separate: one address may infer and
forecast, with its own regrets and weights per role. Losses are log10 losses unless the topic allows
negative losses.

Sources: allora-chain v0.6, ``x/emissions/keeper/inference_synthesis/types.go``; later versions as
described at the single fields.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

__all__ = [
    "Branch",
    "Epoch",
    "Inferred",
    "Params",
    "Report",
    "Rewarded",
    "Settled",
    "State",
    "Synthesis",
    "TopicError",
    "ValueBundle",
]

Branch = Literal["weighted", "median", "no_previous_loss", "single"]


class TopicError(ValueError):
    """A topic could not be computed; every other topic is untouched.

    Attributes:
        topic_id: the topic.
        actor: address of the inferer, forecaster or reputer at fault, ``""`` if it is nobody's.
        field: where it happened, named like the fields of this module
            (``"one_out_inferer[allo1..]"``).
        cause: short code of the reason, such as ``"div_undefined"``, ``"range"``,
            ``"no_inference"``, ``"wrong_nonce"``.
    """

    def __init__(self, topic_id: int, actor: str, field: str, cause: str, detail: str = "") -> None:
        who = f" actor {actor}" if actor else ""
        tail = f" ({detail})" if detail else ""
        super().__init__(f"topic {topic_id}{who} field {field}: {cause}{tail}")
        self.topic_id = topic_id
        self.actor = actor
        self.field = field
        self.cause = cause
        self.detail = detail

    def __reduce__(self) -> tuple[type[TopicError], tuple[int, str, str, str, str]]:
        """Keep every attribute across processes."""
        return type(self), (self.topic_id, self.actor, self.field, self.cause, self.detail)


@dataclass(frozen=True, slots=True)
class Params:
    """Parameters of the module and of the topic, with the defaults of the network.

    Attributes:
        epsilon: floor added to every regret scale (topic).
        p_norm: exponent p of the potential phi (topic).
        c_norm: offset c of the potential phi (module up to v0.14, topic since v0.15).
        alpha_regret: smoothing alpha of the regrets (topic); must not be 0.
        epsilon_safe_div: floor under the sum of weights (module).
        p_norm_safe_div: 8.25, numerator of the offset in the initial regret (module).
        initial_regret_quantile: quantile of the experienced regrets (module).
        min_weight_threshold_for_stdnorm: weight above which a regret enters the scale (module).
        min_experienced_worker_regrets: experienced regrets needed since v0.7 (module).
        inference_outlier_detection_alpha: smoothing of the topic's deviation (module).
        inference_outlier_detection_threshold: deviations an inference may be away (module).
        label_default_value: value of a label that a worker leaves out (topic).
        epsilon_reputer: added to the distance in a reputer's score (module).
        learning_rate: step eta of the listening coefficients (module).
        gradient_descent_max_iters: most steps of the descent (module).
        max_gradient_threshold: the descent ends below this gradient (module).
        min_stake_fraction: least share of the stake that is listened to (module).
        merit_sortition_alpha: smoothing of the average scores (topic).
        active_inferer_quantile: quantile of the inferers' scores (topic).
        active_forecaster_quantile: quantile of the forecasters' scores (topic).
        active_reputer_quantile: quantile of the reputers' scores (topic).
        max_samples_to_scale_scores: samples in the deviation of scores, per seat since v0.8
            (module).
        max_top_inferers_to_reward: seats of the active set of inferers (module).
        max_top_forecasters_to_reward: seats of the active set of forecasters (module).
        max_top_reputers_to_reward: seats of the active set of reputers (module).
        task_reward_alpha: smoothing of reward fractions and of the score ratio (module).
        beta_entropy: exponent beta of the entropies (module).
        lambda_initial_score: deviations that the initial score lies below the least one (module).
        p_reward_inference: exponent p of the inferers' reward fractions (module).
        p_reward_forecast: exponent p of the forecasters' reward fractions (module).
        p_reward_reputer: exponent p of the reputers' reward fractions (module).
        c_reward_inference: offset c of the inferers' reward fractions (module).
        c_reward_forecast: offset c of the forecasters' reward fractions (module).
    """

    epsilon: Decimal = Decimal("0.01")
    p_norm: Decimal = Decimal("3")
    c_norm: Decimal = Decimal("0.75")
    alpha_regret: Decimal = Decimal("0.1")
    epsilon_safe_div: Decimal = Decimal("0.0000001")
    p_norm_safe_div: Decimal = Decimal("8.25")
    initial_regret_quantile: Decimal = Decimal("0.25")
    min_weight_threshold_for_stdnorm: Decimal = Decimal("0.000001")
    min_experienced_worker_regrets: Decimal = Decimal("10")
    inference_outlier_detection_alpha: Decimal = Decimal("0.2")
    inference_outlier_detection_threshold: Decimal = Decimal("11")
    label_default_value: Decimal = Decimal("0")
    epsilon_reputer: Decimal = Decimal("0.01")
    learning_rate: Decimal = Decimal("0.05")
    gradient_descent_max_iters: Decimal = Decimal("10")
    max_gradient_threshold: Decimal = Decimal("0.001")
    min_stake_fraction: Decimal = Decimal("0.5")
    merit_sortition_alpha: Decimal = Decimal("0.1")
    active_inferer_quantile: Decimal = Decimal("0.2")
    active_forecaster_quantile: Decimal = Decimal("0.2")
    active_reputer_quantile: Decimal = Decimal("0.2")
    max_samples_to_scale_scores: Decimal = Decimal("10")
    max_top_inferers_to_reward: Decimal = Decimal("32")
    max_top_forecasters_to_reward: Decimal = Decimal("6")
    max_top_reputers_to_reward: Decimal = Decimal("6")
    task_reward_alpha: Decimal = Decimal("0.1")
    beta_entropy: Decimal = Decimal("0.25")
    lambda_initial_score: Decimal = Decimal("2")
    p_reward_inference: Decimal = Decimal("3")
    p_reward_forecast: Decimal = Decimal("3")
    p_reward_reputer: Decimal = Decimal("1")
    c_reward_inference: Decimal = Decimal("0.75")
    c_reward_forecast: Decimal = Decimal("0.75")


@dataclass(frozen=True, slots=True)
class ValueBundle:
    """One loss per entry of the network's value bundle; log10 losses, entries may be missing.

    Attributes:
        combined: loss of the combined network inference, ``None`` if not reported.
        naive: loss of the inference without forecasters, ``None`` if not reported.
        inferer: loss of each inference.
        forecaster: loss of each forecast-implied inference.
        one_out_inferer: loss of the combined inference without this inferer.
        one_out_forecaster: loss of the combined inference without this forecaster.
        one_in_forecaster: loss of the naive inference with this forecaster added.
        one_out_inferer_forecaster: forecaster -> withheld inferer -> loss of the
            forecast-implied inference without that inferer. An empty row has a meaning of its own
            (synthesis, section 7), so rows are kept.
    """

    combined: Decimal | None = None
    naive: Decimal | None = None
    inferer: dict[str, Decimal] = field(default_factory=dict)
    forecaster: dict[str, Decimal] = field(default_factory=dict)
    one_out_inferer: dict[str, Decimal] = field(default_factory=dict)
    one_out_forecaster: dict[str, Decimal] = field(default_factory=dict)
    one_in_forecaster: dict[str, Decimal] = field(default_factory=dict)
    one_out_inferer_forecaster: dict[str, dict[str, Decimal]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """What one reputer reports, and the stake it reports with.

    Attributes:
        stake: the reputer's whole stake in the topic, own and delegated, in base units.
        bundle: its losses.
        delegated: the part of the stake that delegators put in, in base units.
        nonce: its own nonce, only when that differs from the epoch's.
        topic_id: its own topic, only when that differs from the epoch's.
    """

    stake: Decimal
    bundle: ValueBundle
    delegated: Decimal = Decimal("0")
    nonce: int | None = None
    topic_id: int | None = None


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch of one topic: everything the actors delivered for one nonce.

    Attributes:
        topic_id: the topic.
        nonce: block height at which the worker window of this epoch opened.
        inferences: inferer -> label -> inferred value. A label that is left out takes
            ``params.label_default_value``.
        forecasts: forecaster -> its elements in order of submission, each ``(inferer, forecasted
            loss)``; elements may name inferers that have no inference.
        reports: reputer -> its report.
        labels: the topic's labels in the order of its registry; ``("y",)`` for a single output.
        params: parameters in force.
        initial_regret: when given, replaces the state's from the start of the epoch.
        reward: the topic's reward for this epoch, in base units; may have a fraction.
    """

    topic_id: int
    nonce: int
    inferences: dict[str, dict[str, Decimal]]
    forecasts: dict[str, tuple[tuple[str, Decimal], ...]] = field(default_factory=dict)
    reports: dict[str, Report] = field(default_factory=dict)
    labels: tuple[str, ...] = ("y",)
    params: Params = field(default_factory=Params)
    initial_regret: Decimal | None = None
    reward: Decimal = Decimal("0")


@dataclass(frozen=True, slots=True)
class State:
    """What a topic carries from one epoch into the next.

    A worker without an entry has never been settled; its regret then reads as ``initial_regret``.

    Attributes:
        topic_id: the topic.
        initial_regret: regret of newcomers; exactly 0 means that all inferers count as new.
        regret_scale: scale stored by the last settled epoch; 0 means none was stored.
        previous_combined_loss: network loss of the combined inference of the last settled epoch.
        inferer_regret, forecaster_regret, naive_inferer_regret: worker -> regret.
        one_out_inferer_inferer_regret, one_out_inferer_forecaster_regret: withheld inferer ->
            worker -> regret.
        one_out_forecaster_inferer_regret, one_out_forecaster_forecaster_regret: withheld forecaster
            -> worker -> regret.
        one_in_forecaster_regret: forecaster -> worker -> regret; inferers and the forecaster's own
            entry share this table.
        inferer_weight, forecaster_weight: last normalized weights (since v0.9).
        inferer_inclusions, forecaster_inclusions: how many epochs paid the worker a reward.
        inference_median, inference_median_absolute_deviation: of the outlier filter (since v0.8).
        listening_coefficient: reputer -> listening coefficient; 1 without an entry.
        inferer_score_ema, forecaster_score_ema, reputer_score_ema: actor -> average score.
        inferer_score_height, forecaster_score_height, reputer_score_height: actor -> block height
            stored with its average score: of its last submission since v0.8, of its last score
            before.
        inferer_score_quantile, forecaster_score_quantile, reputer_score_quantile: of the last
            scored epoch.
        initial_inferer_score, initial_forecaster_score, initial_reputer_score: average score that
            a first submission starts from (since v0.8).
        inferer_score_history, forecaster_score_history: block -> scores of that epoch, in the
            order of its output.
        inferer_reward_fraction, forecaster_reward_fraction, reputer_reward_fraction: actor ->
            smoothed fraction of its task's reward.
        forecaster_score_ratio: the smoothed ratio tau of the forecasting task.
        delegate_reward_per_share: reputer -> rewards of its delegators per unit of their stake,
            since ever.
    """

    topic_id: int
    initial_regret: Decimal = Decimal("0")
    regret_scale: Decimal = Decimal("0")
    previous_combined_loss: Decimal | None = None
    inferer_regret: dict[str, Decimal] = field(default_factory=dict)
    forecaster_regret: dict[str, Decimal] = field(default_factory=dict)
    naive_inferer_regret: dict[str, Decimal] = field(default_factory=dict)
    one_out_inferer_inferer_regret: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    one_out_inferer_forecaster_regret: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    one_out_forecaster_inferer_regret: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    one_out_forecaster_forecaster_regret: dict[str, dict[str, Decimal]] = field(
        default_factory=dict
    )
    one_in_forecaster_regret: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    inferer_weight: dict[str, Decimal] = field(default_factory=dict)
    forecaster_weight: dict[str, Decimal] = field(default_factory=dict)
    inferer_inclusions: dict[str, int] = field(default_factory=dict)
    forecaster_inclusions: dict[str, int] = field(default_factory=dict)
    inference_median: Decimal = Decimal("0")
    inference_median_absolute_deviation: Decimal = Decimal("0")
    listening_coefficient: dict[str, Decimal] = field(default_factory=dict)
    inferer_score_ema: dict[str, Decimal] = field(default_factory=dict)
    forecaster_score_ema: dict[str, Decimal] = field(default_factory=dict)
    reputer_score_ema: dict[str, Decimal] = field(default_factory=dict)
    inferer_score_height: dict[str, int] = field(default_factory=dict)
    forecaster_score_height: dict[str, int] = field(default_factory=dict)
    reputer_score_height: dict[str, int] = field(default_factory=dict)
    inferer_score_quantile: Decimal = Decimal("0")
    forecaster_score_quantile: Decimal = Decimal("0")
    reputer_score_quantile: Decimal = Decimal("0")
    initial_inferer_score: Decimal = Decimal("0")
    initial_forecaster_score: Decimal = Decimal("0")
    initial_reputer_score: Decimal = Decimal("0")
    inferer_score_history: dict[int, tuple[tuple[str, Decimal], ...]] = field(default_factory=dict)
    forecaster_score_history: dict[int, tuple[tuple[str, Decimal], ...]] = field(
        default_factory=dict
    )
    inferer_reward_fraction: dict[str, Decimal] = field(default_factory=dict)
    forecaster_reward_fraction: dict[str, Decimal] = field(default_factory=dict)
    reputer_reward_fraction: dict[str, Decimal] = field(default_factory=dict)
    forecaster_score_ratio: Decimal = Decimal("0")
    delegate_reward_per_share: dict[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Synthesis:
    """The network inference bundle of one epoch and what it was weighted with.

    Inference values are tuples over the epoch's labels.

    Attributes:
        branch: the path taken: ``weighted``; ``median`` or ``no_previous_loss`` while no network
            loss exists (up to v0.9, since v0.10); ``single`` for a lone inference.
        all_inferers_are_new: the topic's initial regret was exactly 0.
        regret_scale: scale of the combined call, ``None`` where no weights were computed.
        inferer_regret_used, forecaster_regret_used: regrets of the combined call.
        inferer_weight, forecaster_weight: weights of the combined call.
        forecast_inferer_weight: forecaster -> inferer -> weight in its forecast-implied inference.
        forecast_implied: forecaster -> forecast-implied inference.
        combined, naive: network inference with and without forecasters.
        one_out_inferer, one_out_forecaster: withheld worker -> combined inference without it.
        one_in_forecaster: forecaster -> naive inference with that forecaster added.
        one_out_inferer_forecaster: forecaster -> withheld inferer -> forecast-implied inference
            (since v0.10).
        confidence_interval: weighted percentiles 2.28, 15.87, 50, 84.13, 97.72 of a single-label
            topic, ``()`` for several labels and where no weights were computed.
        normalized_inferer_weight, normalized_forecaster_weight: combined weights divided by their
            sum.
    """

    branch: Branch
    all_inferers_are_new: bool
    regret_scale: Decimal | None = None
    inferer_regret_used: dict[str, Decimal] = field(default_factory=dict)
    forecaster_regret_used: dict[str, Decimal] = field(default_factory=dict)
    inferer_weight: dict[str, Decimal] = field(default_factory=dict)
    forecaster_weight: dict[str, Decimal] = field(default_factory=dict)
    forecast_inferer_weight: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    forecast_implied: dict[str, tuple[Decimal, ...]] = field(default_factory=dict)
    combined: tuple[Decimal, ...] = ()
    naive: tuple[Decimal, ...] = ()
    one_out_inferer: dict[str, tuple[Decimal, ...]] = field(default_factory=dict)
    one_out_forecaster: dict[str, tuple[Decimal, ...]] = field(default_factory=dict)
    one_in_forecaster: dict[str, tuple[Decimal, ...]] = field(default_factory=dict)
    one_out_inferer_forecaster: dict[str, dict[str, tuple[Decimal, ...]]] = field(
        default_factory=dict
    )
    confidence_interval: tuple[Decimal, ...] = ()
    normalized_inferer_weight: dict[str, Decimal] = field(default_factory=dict)
    normalized_forecaster_weight: dict[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Inferred:
    """Result of ``infer``, at the close of a worker nonce.

    Attributes:
        network: the network inference bundle.
        outlier_resistant: the bundle without outlying inferences; ``None`` where the rules or the
            topic have none. The same object as ``network`` when nothing was an outlier.
        state: the state with the outlier filter's median and deviation updated, nothing else.
    """

    network: Synthesis
    outlier_resistant: Synthesis | None
    state: State


@dataclass(frozen=True, slots=True)
class Settled:
    """Result of ``settle``, at the close of a reputer nonce.

    Attributes:
        network_losses: stake-weighted mean of the reports.
        state: regrets, initial regret, regret scale and stored weights after the epoch.
    """

    network_losses: ValueBundle
    state: State


@dataclass(frozen=True, slots=True)
class Rewarded:
    """Result of ``reward``, once the losses of an epoch are settled.

    Scores, fractions and rewards name the actors of this epoch. A stage that fails leaves its
    entries and those of the stages after it empty, and ``fault`` says why; the state is then the
    one that the stages before it left.

    Attributes:
        inferer_score, forecaster_score, reputer_score: actor -> score of this epoch.
        listening_coefficient_used: reputer -> coefficient that the scores belong to, at the start
            of the last iteration run.
        adjusted_stake_used: reputer -> adjusted stake at those coefficients.
        adjusted_stake: reputer -> adjusted stake at the coefficients that are stored.
        iterations: iterations of the descent.
        inferer_fraction, forecaster_fraction, reputer_fraction: unsmoothed fractions of the task's
            reward.
        inference_entropy, forecasting_entropy, reputer_entropy: F, G and H.
        forecasting_task_utility_score: T, naive minus combined network loss.
        forecaster_score_ratio: tau.
        chi, gamma: utility of the forecasting task and its normalisation.
        inference_task_reward, forecasting_task_reward, reputer_task_reward: U, V and W.
        inferer_reward, forecaster_reward: worker -> reward.
        reputer_reward: reputer -> reward without the delegators' part.
        delegators_reward: reputer -> what its delegators get, whole base units.
        inferer_paid, forecaster_paid, reputer_paid: actor -> whole base units paid, where at least
            one is.
        state: the state after.
        fault: why the rewards failed, or None. One in a ``_paid`` field is of the first actor whose
            payout failed; everybody else is paid all the same.
    """

    inferer_score: dict[str, Decimal] = field(default_factory=dict)
    forecaster_score: dict[str, Decimal] = field(default_factory=dict)
    reputer_score: dict[str, Decimal] = field(default_factory=dict)
    listening_coefficient_used: dict[str, Decimal] = field(default_factory=dict)
    adjusted_stake_used: dict[str, Decimal] = field(default_factory=dict)
    adjusted_stake: dict[str, Decimal] = field(default_factory=dict)
    iterations: int = 0
    inferer_fraction: dict[str, Decimal] = field(default_factory=dict)
    forecaster_fraction: dict[str, Decimal] = field(default_factory=dict)
    reputer_fraction: dict[str, Decimal] = field(default_factory=dict)
    inference_entropy: Decimal | None = None
    forecasting_entropy: Decimal | None = None
    reputer_entropy: Decimal | None = None
    forecasting_task_utility_score: Decimal | None = None
    forecaster_score_ratio: Decimal | None = None
    chi: Decimal | None = None
    gamma: Decimal | None = None
    inference_task_reward: Decimal | None = None
    forecasting_task_reward: Decimal | None = None
    reputer_task_reward: Decimal | None = None
    inferer_reward: dict[str, Decimal] = field(default_factory=dict)
    forecaster_reward: dict[str, Decimal] = field(default_factory=dict)
    reputer_reward: dict[str, Decimal] = field(default_factory=dict)
    delegators_reward: dict[str, int] = field(default_factory=dict)
    inferer_paid: dict[str, int] = field(default_factory=dict)
    forecaster_paid: dict[str, int] = field(default_factory=dict)
    reputer_paid: dict[str, int] = field(default_factory=dict)
    state: State = field(default_factory=lambda: State(0))
    fault: TopicError | None = None

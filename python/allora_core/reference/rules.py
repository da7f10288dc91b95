"""What changed from version to version of the network, as named choices.

Formulas read a choice (``rules.scale_measure``), never a version. ``rules_at`` builds the choices
of a version by overlay in historical order. Choices that the public sources leave open are fields
as well, with the likeliest reading as the version's value: :func:`dataclasses.replace` gives
another one.

Sources: synthesis, sections 8 and 12; rewards, section 15; decimal, section 13.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["CHOICES", "VERSIONS", "Rules", "rules_at"]


@dataclass(frozen=True, slots=True)
class Rules:
    """The choices of one version; the defaults are those of v0.6.

    Attributes:
        decimal_functions: ``library`` (exp, ln, log10, pow of the decimal library) or ``programs``
            (the network's own fixed programs at 36 digits).
        scale_measure: ``standard_deviation`` (sample) or ``median_absolute_deviation`` (times
            1.4826).
        scale_storage: ``per_call`` (every weight call has its own regret scale) or ``stored`` (one
            scale per topic, stored when the epoch before was settled).
        scale_filter: ``all`` regrets enter the stored scale, or only those of workers whose
            ``previous_weight`` exceeds a threshold.
        weight_function: ``bounded_gradient`` or ``ratio`` (gradient relative to the best worker).
        weight_rounding: of the ratio: ``each_step`` rounds every exponential to 34 digits,
            ``once`` keeps 36 digits inside and rounds the weight.
        no_previous_loss: without a network loss yet, ``median`` of the inferences or
            ``inferers_only``, the weighted path without forecasters.
        withheld_forecast: in a one-out inferer pass the withheld inferer's forecast element is
            ``kept_without_weight`` or ``stripped``.
        one_out_inferer_forecaster: whether that list of inferences is ``absent`` or ``present``.
        no_usable_participant: a weighted mean over nobody is ``zero`` or a ``fault``.
        initial_regret: ``any_experienced`` worker moves it, a ``minimum_experienced`` count is
            needed, or it is ``held`` (given with every epoch).
        initial_regret_c: its offset uses ``c_norm`` or a ``fixed`` 0.75.
        initial_regret_deviation: ``standard_deviation`` or ``median_absolute_deviation``.
        stored_weights: whether normalized weights are stored: ``absent`` or ``present``.
        missing_one_out_pair: a pair without loss in an existing row counts as loss ``zero`` or its
            regret stays ``untouched``.
        outlier_resistant: second network inference without outliers: ``absent``, ``present``, or
            ``single_label`` topics only.
        labels: one ``scalar`` output or a ``vector`` over labels.
        wrong_nonce_report: a report of another topic or nonce is a ``fault`` or a ``skip``.
        submitted_numbers: inferences, forecasts and reported losses may be of any size
            (``unbounded``), or are 0 or of a magnitude from 1e-40 to 1e40 (``bounded``).
        zero_listening_coefficients: when the listening coefficients of all reputers are zero,
            ``fault`` or ``raised`` to ``epsilon_reputer`` before the descent.
        first_score: an actor's first score is its average ``whole``, or ``averaged`` with the
            topic's initial score.
        score_quantile: the topic's quantile is of the epoch's ``scores`` or of their ``averages``.
        score_samples: samples for the deviation of scores: a ``fixed`` number, or that many
            ``per_seat`` of the active set.
        initial_score: whether a topic keeps an initial average score per role: ``absent`` or
            ``present``.
        initial_score_refresh: it is taken anew ``every_epoch``, or of a ``full_set`` only, when as
            many actors were scored as the active set has seats.
        initial_score_place: it is stored ``with_averages`` of its role, or ``after_scores`` of all
            roles, so that a role that cannot be scored leaves those before it the old one.
        liveness_penalty: whether missed epochs move an average score: ``absent`` or ``present``.
        liveness_penalty_steps: all missed epochs ``at_once``, by a power of 1 - alpha, or
            ``one_by_one``.
        recorded_lowest: the recorded lowest active actor is ``kept_across_epochs`` or found
            ``per_epoch``.
        first_reputer_score: a reputer's first submission competes with score ``zero`` or with the
            ``initial`` one that is stored for it.
        topic_weight_revenue: fee revenue enters a topic's weight ``per_block`` of its epoch or
            ``whole``.
        topic_weight_smoothing: the alpha of a topic's weight holds ``per_epoch`` or ``per_week``.
        topic_weight_storage: a block's topic weights are stored ``before_rewards`` or
            ``after_rewards``.
        unrewarded_topic: the reward of a topic with nothing to reward is ``kept`` in the rewards
            account or ``refunded`` to the ecosystem.
        refund_truncation: a refund is whole units ``per_topic``, or of all refunded topics
            together, ``per_block``.
        reputers_percentage: the reputers' share that the mint uses is of the ``last_block`` of the
            month or ``monthly``.
        month_counters: the month's counters rise by the whole units ``paid``, or by whole units of
            ``task_rewards``: of the reputers' task reward, and of the topic's reward.
        supply_cap: at the supply cap a block's emission is ``overpaid`` or ``limited`` to what is
            minted.
        emission_height: months count by the height of the ``chain`` or ``since_start`` of the
            emission.
        vesting: locked tokens by a ``rounded_quotient`` of months or in ``whole_months``.
        foundation_lock: of the foundation's tokens the ``share`` that the mint's parameters name
            starts locked, or the ``whole``.
        block_end_order: at the end of a block ``rewards_first``, so that worker windows stay open
            where the block's rewards cannot be computed, or ``windows_first``.
    """

    decimal_functions: str = "library"
    scale_measure: str = "standard_deviation"
    scale_storage: str = "per_call"
    scale_filter: str = "all"
    weight_function: str = "bounded_gradient"
    weight_rounding: str = "each_step"
    no_previous_loss: str = "median"
    withheld_forecast: str = "kept_without_weight"
    one_out_inferer_forecaster: str = "absent"
    no_usable_participant: str = "zero"
    initial_regret: str = "any_experienced"
    initial_regret_c: str = "c_norm"
    initial_regret_deviation: str = "standard_deviation"
    stored_weights: str = "absent"
    missing_one_out_pair: str = "zero"
    outlier_resistant: str = "absent"
    labels: str = "scalar"
    wrong_nonce_report: str = "fault"
    submitted_numbers: str = "unbounded"
    zero_listening_coefficients: str = "fault"
    first_score: str = "whole"
    score_quantile: str = "scores"
    score_samples: str = "fixed"
    initial_score: str = "absent"
    initial_score_refresh: str = "every_epoch"
    initial_score_place: str = "with_averages"
    liveness_penalty: str = "absent"
    liveness_penalty_steps: str = "at_once"
    recorded_lowest: str = "kept_across_epochs"
    first_reputer_score: str = "zero"
    topic_weight_revenue: str = "per_block"
    topic_weight_smoothing: str = "per_epoch"
    topic_weight_storage: str = "before_rewards"
    unrewarded_topic: str = "kept"
    refund_truncation: str = "per_topic"
    reputers_percentage: str = "last_block"
    month_counters: str = "paid"
    supply_cap: str = "overpaid"
    emission_height: str = "chain"
    vesting: str = "rounded_quotient"
    foundation_lock: str = "share"
    block_end_order: str = "rewards_first"

    def __post_init__(self) -> None:
        """Refuse a misspelt choice here, where it can still be named."""
        for name, values in CHOICES.items():
            value = getattr(self, name)
            if value not in values:
                known = ", ".join(values)
                raise ValueError(f"rule {name}: {value!r} is not one of {known}")


CHOICES: dict[str, tuple[str, ...]] = {
    "decimal_functions": ("library", "programs"),
    "scale_measure": ("standard_deviation", "median_absolute_deviation"),
    "scale_storage": ("per_call", "stored"),
    "scale_filter": ("all", "previous_weight"),
    "weight_function": ("bounded_gradient", "ratio"),
    "weight_rounding": ("each_step", "once"),
    "no_previous_loss": ("median", "inferers_only"),
    "withheld_forecast": ("kept_without_weight", "stripped"),
    "one_out_inferer_forecaster": ("absent", "present"),
    "no_usable_participant": ("zero", "fault"),
    "initial_regret": ("any_experienced", "minimum_experienced", "held"),
    "initial_regret_c": ("c_norm", "fixed"),
    "initial_regret_deviation": ("standard_deviation", "median_absolute_deviation"),
    "stored_weights": ("absent", "present"),
    "missing_one_out_pair": ("zero", "untouched"),
    "outlier_resistant": ("absent", "present", "single_label"),
    "labels": ("scalar", "vector"),
    "wrong_nonce_report": ("fault", "skip"),
    "submitted_numbers": ("unbounded", "bounded"),
    "zero_listening_coefficients": ("fault", "raised"),
    "first_score": ("whole", "averaged"),
    "score_quantile": ("scores", "averages"),
    "score_samples": ("fixed", "per_seat"),
    "initial_score": ("absent", "present"),
    "initial_score_refresh": ("every_epoch", "full_set"),
    "initial_score_place": ("with_averages", "after_scores"),
    "liveness_penalty": ("absent", "present"),
    "liveness_penalty_steps": ("at_once", "one_by_one"),
    "recorded_lowest": ("kept_across_epochs", "per_epoch"),
    "first_reputer_score": ("zero", "initial"),
    "topic_weight_revenue": ("per_block", "whole"),
    "topic_weight_smoothing": ("per_epoch", "per_week"),
    "topic_weight_storage": ("before_rewards", "after_rewards"),
    "unrewarded_topic": ("kept", "refunded"),
    "refund_truncation": ("per_topic", "per_block"),
    "reputers_percentage": ("last_block", "monthly"),
    "month_counters": ("paid", "task_rewards"),
    "supply_cap": ("overpaid", "limited"),
    "emission_height": ("chain", "since_start"),
    "vesting": ("rounded_quotient", "whole_months"),
    "foundation_lock": ("share", "whole"),
    "block_end_order": ("rewards_first", "windows_first"),
}

_CHANGES: tuple[tuple[str, dict[str, str]], ...] = (
    ("v0.6", {}),
    ("v0.7", {"initial_regret": "minimum_experienced", "zero_listening_coefficients": "raised"}),
    (
        "v0.8",
        {
            "outlier_resistant": "present",
            "first_score": "averaged",
            "score_samples": "per_seat",
            "initial_score": "present",
            "liveness_penalty": "present",
            "recorded_lowest": "per_epoch",
        },
    ),
    (
        "v0.9",
        {
            "scale_storage": "stored",
            "scale_filter": "previous_weight",
            "weight_function": "ratio",
            "stored_weights": "present",
        },
    ),
    (
        "v0.10",
        {
            "no_previous_loss": "inferers_only",
            "one_out_inferer_forecaster": "present",
            "submitted_numbers": "bounded",
            "topic_weight_revenue": "whole",
            "topic_weight_smoothing": "per_week",
            "supply_cap": "limited",
        },
    ),
    ("v0.11", {"wrong_nonce_report": "skip"}),
    (
        "v0.12",
        {
            "decimal_functions": "programs",
            "unrewarded_topic": "refunded",
            "reputers_percentage": "monthly",
        },
    ),
    ("v0.13", {"emission_height": "since_start", "vesting": "whole_months"}),
    ("v0.14", {}),
    ("v0.15", {}),
    (
        "v0.16",
        {
            "scale_measure": "median_absolute_deviation",
            "initial_regret_c": "fixed",
            "score_quantile": "averages",
            "first_reputer_score": "initial",
        },
    ),
    (
        "v0.17",
        {
            "withheld_forecast": "stripped",
            "scale_filter": "all",
            "labels": "vector",
            "outlier_resistant": "single_label",
            "no_usable_participant": "fault",
            "weight_rounding": "once",
            "topic_weight_storage": "after_rewards",
            "block_end_order": "windows_first",
        },
    ),
)

VERSIONS: tuple[str, ...] = tuple(version for version, _ in _CHANGES)


def rules_at(version: str) -> Rules:
    """Return the rules of a version of the network, such as ``"v0.17"``.

    Raises:
        ValueError: the version is unknown; the message names the known ones.
    """
    if version not in VERSIONS:
        raise ValueError(f"unknown version {version!r}; known: {', '.join(VERSIONS)}")
    rules = Rules()
    for name, changes in _CHANGES:
        rules = replace(rules, **changes)
        if name == version:
            break
    return rules

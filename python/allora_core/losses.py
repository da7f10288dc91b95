"""From ground truth to reports: losses of values, and of whole batches of network inferences.

What a reputer computes before the chain sees anything. `losses` is the loss of single values,
`bundle_losses` that of every entry of the bundles of an `InferredBatch`, and its result turns into
reports of reputers with noise, bias and missing entries, so that worlds run without a chain::

    inferred = engine.infer(epochs, states)
    judged = bundle_losses(inferred, truths, "mse", scale="log10")
    settled = engine.settle(judged.epochs_with_reports(reputers), inferred.states)

Float64 losses are computed with more than twice the digits and rounded once; decimal ones are those
of `allora_core.reference.loss_function`, digit for digit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from . import _core
from .batch import (
    DecimalArray,
    NumberName,
    Numbers,
    as_column,
    from_column,
    make_numbers,
    offsets_of,
    read_numbers,
)
from .engine import InferredBatch
from .epoch import Epoch, Report, TopicError, ValueBundle
from .reference.loss_function import SCALES, LossFunction, LossScale
from .reference.rules import Rules, rules_at
from .reputers import Reputer, reported_losses
from .results import read_loss_bundle

__all__ = ["LossBatch", "LossFunction", "LossScale", "Truth", "bundle_losses", "losses"]

Truth: TypeAlias = "Decimal | float | Sequence[Decimal | float] | Mapping[str, Decimal | float]"
"""Ground truth of a topic: a number, or one number per label in the topic's order or by label."""

LOSS_PARAMS: list[str] = _core.LOSS_PARAMS

# Starting threads takes longer than fewer losses.
WORTH_THREADS = 4096


def losses(
    method: LossFunction | str,
    truth: Any,
    values: Any,
    *,
    scale: LossScale = "raw",
    number: NumberName = "float64",
    rules: str | Rules = "v0.17",
    threads: int | None = None,
    **params: Decimal | float | int | str,
) -> Any:
    """Losses of values against ground truths, elementwise.

    Args:
        method: a `LossFunction`, or its name with its parameters as further arguments.
        truth, values: arrays that broadcast against each other; for ``cross_entropy`` and ``brier``
            the last axis holds the labels. float64: anything that NumPy takes; decimal: `Decimal`
            numbers, nested or not, or a `DecimalArray`.
        scale: ``raw``; ``log10``, where a loss of 0 is an error; or ``log10_floor``, which is
            log10(loss + 1e-100).
        number: ``float64``, at most 1 ulp from the exact loss of the given numbers, or ``decimal``.
        rules: decides which exponential and logarithm ``decimal`` has.
        threads: as of `Engine`.

    Returns:
        float64: an array of the broadcast shape (without the labels). decimal: a flat
        `DecimalArray` in C order. A loss can be +infinity (``bce``, ``cross_entropy``).

    Raises:
        ValueError: unknown method or parameter, a parameter out of its range, shapes that do not
            fit, a value that is not finite or outside the method's domain, a logarithm of no
            positive loss; the message names method, cause and index.
    """
    function = method if isinstance(method, LossFunction) else LossFunction(method, **params)
    if isinstance(method, LossFunction) and params:
        raise ValueError("parameters belong into the LossFunction")
    check_defined(function, number)
    given_truth, given = as_array(truth, number), as_array(values, number)
    given_truth, given = np.broadcast_arrays(given_truth, given)
    if function.takes_labels and not given.ndim:
        raise ValueError(f"loss {function.method}: the last axis must hold the labels")
    labels = given.shape[-1] if function.takes_labels else 1
    shape = given.shape[:-1] if function.takes_labels else given.shape
    rows = int(np.prod(shape, dtype=np.int64))
    result, causes = compute(
        number,
        rules,
        threads,
        [(function, scale)],
        {
            "labels": np.array([max(labels, 1)], np.int32),
            "truth_offsets": offsets_of([given_truth.size]),
            "value_offsets": offsets_of([given.size]),
            "loss_offsets": offsets_of([rows]),
            "truths": packed(number, given_truth),
            "values": packed(number, given),
        },
    )
    for at in np.flatnonzero(causes):
        cause = _core.CAUSES[causes[at]]
        if cause != "infinite" or scale != "raw":
            index = [int(i) for i in np.unravel_index(at, shape)] if shape else []
            raise ValueError(f"loss {function.method} at {index}: {cause}")
    return result.reshape(shape) if isinstance(result, np.ndarray) else result


def check_defined(function: LossFunction, number: NumberName) -> None:
    """Refuse a loss that the number does not have."""
    if number not in ("decimal", "float64"):
        raise ValueError(f"unknown number {number!r}: choose 'decimal' or 'float64'")
    if number == "decimal" and function.method == "czar":
        raise ValueError("loss czar needs the arc tangent, which decimal does not have")


def as_array(values: Any, number: NumberName) -> npt.NDArray[Any]:
    """Numbers as an array: float64, or objects of `Decimal`."""
    if isinstance(values, DecimalArray):
        values = values.decimals()
    return np.asarray(values, np.float64 if number == "float64" else object)


def packed(number: NumberName, values: npt.NDArray[Any]) -> Any:
    """A column for the compiled module; C order."""
    if number == "float64":
        return np.ascontiguousarray(values.ravel())
    return as_column(make_numbers(number, [as_decimal(value) for value in values.ravel()]))


def as_decimal(value: Any) -> Decimal | None:
    """A number as it is given, a float as its exact value; only finite numbers."""
    if value is None:
        return None
    result = Decimal(value)
    if not result.is_finite():
        raise ValueError(f"{value} is not a finite number")
    return result


def compute(
    number: NumberName,
    rules: str | Rules,
    threads: int | None,
    kinds: Sequence[tuple[LossFunction, LossScale]],
    columns: dict[str, Any],
) -> tuple[Numbers, npt.NDArray[np.uint16]]:
    """Losses and causes of all parts by the compiled module."""
    chosen = rules_at(rules) if isinstance(rules, str) else rules
    for _, scale in kinds:
        if scale not in SCALES:
            raise ValueError(f"unknown scale {scale!r}: {', '.join(SCALES)}")
    # A parameter that a method has not is not looked at either.
    params: list[Decimal | None] = [
        function.params.get(name, Decimal(1)) for function, _ in kinds for name in LOSS_PARAMS
    ]
    columns["params"] = as_column(make_numbers(number, params))
    if int(columns["loss_offsets"][-1]) < WORTH_THREADS:
        threads = 1
    losses, causes = _core.losses(
        number,
        chosen.decimal_functions,
        _core.Host(threads or 0),
        [(function.method, scale) for function, scale in kinds],
        columns,
    )
    return from_column(losses), causes


def bundle_losses(
    inferred: InferredBatch,
    truths: Sequence[Truth],
    methods: LossFunction | str | Sequence[LossFunction | str],
    *,
    scale: LossScale | Sequence[LossScale],
    rules: str | Rules = "v0.17",
    threads: int | None = None,
) -> LossBatch:
    """Losses of every entry of the network inference bundles of a batch.

    Args:
        inferred: the bundles; its number is the number of the losses.
        truths: one ground truth per topic, in the order of the batch.
        methods: one method for all topics, or one per topic; a name stands for its defaults.
        scale: as of `losses`, for all topics or one per topic. Reputers report ``log10`` of a
            method that is never negative (`LossFunction.never_negative`), else ``raw``.
        rules: decides which exponential and logarithm ``decimal`` has.
        threads: as of `Engine`.

    Returns:
        The losses; a topic that has none says why in `LossBatch.status`, and spoils no other.

    Raises:
        ValueError: as `losses`, about methods and scales; lists of the wrong length.
    """
    batch = inferred.epochs
    count = len(batch)
    chosen = [methods] * count if isinstance(methods, (str, LossFunction)) else list(methods)
    functions = [m if isinstance(m, LossFunction) else LossFunction(m) for m in chosen]
    scales = [scale] * count if isinstance(scale, str) else list(scale)
    for name, given in (("truths", truths), ("methods", functions), ("scale", scales)):
        if len(given) != count:
            raise ValueError(f"{name}: {len(given)} entries for {count} topics")
    for function in functions:
        check_defined(function, batch.number)
    status = list(inferred.status)
    rows: list[Decimal | None] = []
    for at, epoch in enumerate(batch.epochs):
        try:
            rows += truth_row(epoch, truths[at])
        except TopicError as fault:
            status[at] = status[at] or fault
            rows += [None] * len(epoch.labels)
    columns = {
        "labels": batch.columns["labels"],
        "truth_offsets": offsets_of(len(epoch.labels) for epoch in batch.epochs),
        "value_offsets": batch.columns["inference_row_offsets"],
        "loss_offsets": batch.columns["loss_row_offsets"],
        "truths": as_column(make_numbers(batch.number, rows)),
        "values": as_column(inferred.columns["values"]),
    }
    kinds = list(zip(functions, scales, strict=True))
    result, causes = compute(batch.number, rules, threads, kinds, columns)
    return LossBatch(inferred, scales, result, causes, status)


def truth_row(epoch: Epoch, truth: Truth) -> list[Decimal | None]:
    """One topic's truth in the order of its labels."""
    if isinstance(truth, Mapping):
        unknown = set(truth) ^ set(epoch.labels)
        if unknown:
            raise TopicError(epoch.topic_id, "", "truth", "label", min(unknown))
        values: list[Any] = [truth[label] for label in epoch.labels]
    else:
        values = list(truth) if isinstance(truth, (Sequence, np.ndarray)) else [truth]
    if len(values) != len(epoch.labels):
        raise TopicError(epoch.topic_id, "", "truth", "length")
    numbers = [Decimal(value) for value in values]
    for number in numbers:
        if not number.is_finite():
            raise TopicError(epoch.topic_id, "", "truth", "nan" if number.is_nan() else "infinite")
    return list(numbers)


class LossBatch:
    """Losses of the bundles of a batch.

    Attributes:
        inferred: the bundles that were judged.
        scales: per topic, the scale of its losses.
        losses: all losses as one column, laid out as the reports of `Epochs`.
        status: per topic None, or why it has no losses; the field names the entry.
    """

    def __init__(
        self,
        inferred: InferredBatch,
        scales: list[LossScale],
        losses: Numbers,
        causes: npt.NDArray[np.uint16],
        status: list[TopicError | None],
    ) -> None:
        self.inferred = inferred
        self.scales = scales
        self.losses = losses
        self.status = status
        self._offsets = inferred.epochs.columns["loss_row_offsets"]
        for row in np.flatnonzero(causes):
            at = int(np.searchsorted(self._offsets, row, side="right")) - 1
            if status[at] is None:
                actor, field = self._entry(at, int(row) - int(self._offsets[at]))
                topic_id = inferred.epochs.epochs[at].topic_id
                status[at] = TopicError(topic_id, actor, field, _core.CAUSES[causes[row]])

    def __len__(self) -> int:
        return len(self.status)

    def _entry(self, at: int, slot: int) -> tuple[str, str]:
        """Actor and name of an entry of the topic's bundle."""
        inferers = self.inferred.epochs.inferers.addresses[at]
        forecasters = self.inferred.epochs.forecasters.addresses[at]
        names = [("", "combined"), ("", "naive")]
        names += [(j, "inferer") for j in inferers]
        names += [(k, "forecaster") for k in forecasters]
        names += [(k, f"one_out_inferer_forecaster[{w}]") for k in forecasters for w in inferers]
        names += [(w, "one_out_inferer") for w in inferers]
        names += [(q, "one_out_forecaster") for q in forecasters]
        names += [(q, "one_in_forecaster") for q in forecasters]
        return names[slot]

    def _column(self, at: int) -> Numbers:
        fault = self.status[at]
        if fault is not None:
            raise fault
        return self.losses[int(self._offsets[at]) : int(self._offsets[at + 1])]

    def topic(self, at: int) -> ValueBundle:
        """The losses of the topic at this position, as one exact reputer reports them.

        Raises:
            TopicError: the topic has none.
        """
        return read_loss_bundle(self.inferred.epochs, read_numbers(self._column(at)), at)

    def reports(self, at: int, reputers: Sequence[Reputer], seed: int = 0) -> dict[str, Report]:
        """Reports about the topic at this position: reputer -> report.

        Args:
            at: position of the topic.
            reputers: who reports, and how far off.
            seed: of all draws; a draw depends on seed, topic, nonce and reputer, and nothing else.

        Raises:
            TopicError: the topic has no losses.
            ValueError: noise or bias on raw losses; both are in log10 of the loss.
        """
        batch = self.inferred.epochs
        epoch = batch.epochs[at]
        column = self._column(at)
        found = {}
        for reputer in reputers:
            deviations = reputer.deviations(seed, epoch.topic_id, epoch.nonce, len(column))
            if self.scales[at] == "raw" and np.any(np.nan_to_num(deviations)):
                raise ValueError(
                    f"topic {epoch.topic_id} reputer {reputer.address}: noise and bias are in "
                    "log10 of the loss, but its losses are raw"
                )
            losses = reported_losses(column, deviations)
            found[reputer.address] = Report(
                reputer.stake, read_loss_bundle(batch, losses, at), reputer.delegated
            )
        return found

    def epochs_with_reports(self, reputers: Sequence[Reputer], seed: int = 0) -> list[Epoch]:
        """The batch's epochs with reports of these reputers, ready to be settled.

        A topic without losses gets no reports: its settlement says so.
        """
        return [
            replace(epoch, reports=self.reports(at, reputers, seed) if fault is None else {})
            for at, (epoch, fault) in enumerate(
                zip(self.inferred.epochs.epochs, self.status, strict=True)
            )
        ]

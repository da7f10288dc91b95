"""The float64 peer of the compiled engine: one v0.17 epoch in NumPy as fast as NumPy allows.

It covers what a running topic does: two or more inferers and forecasters who all reported and were
settled before, a stored regret scale, a network loss of the epoch before, one label, no outlier.
There is no loop over topics or participants; the only Python loop walks over chunks of topics (and,
where one topic fills the cache, of its passes), so that the exponentials, the reciprocals and the
sums of one chunk all find their numbers in the cache.

Source: synthesis, sections 2 to 9. Shortcuts that are right in float64: a forecast's weights are
computed once and its leave-one-out sums anew from the remaining terms; the factor (e^a + 1), common
to the weights of a pass, cancels in every mean.
"""

from __future__ import annotations

import numpy as np

from ..epoch import Params
from .arrays import EpochArrays, Float64, InferredArrays, Layout, SettledArrays, StateArrays
from .numpy_sums import chunks, sums_without_each

__all__ = ["CHUNK_BYTES", "NumpyPeer"]

CHUNK_BYTES = 2 * 1024 * 1024
"""Size of one chunk's regret matrices. Measured, not derived: smaller chunks would sit in the
second-level cache but cost more in calls per topic, larger ones gain nothing."""

SMALLEST_DENOMINATOR = 1e-100
"""Below this sum of 1/(e^-pc + e^(-pR/s)) some e^(-pR/s) may have overflowed and been lost."""

PARAMS = Params()
MAD_FACTOR = 1.4826
OUTLIER_ALPHA = float(PARAMS.inference_outlier_detection_alpha)
OUTLIER_THRESHOLD = float(PARAMS.inference_outlier_detection_threshold)
QUANTILE = float(PARAMS.initial_regret_quantile)
SAFE_DIVISION_P = float(PARAMS.p_norm_safe_div)
EXPERIENCED_WORKERS = int(PARAMS.min_experienced_worker_regrets)
INITIAL_REGRET_C = 0.75


class NumpyPeer:
    """Computes epochs of one shape, with work buffers that live as long as it does.

    Args:
        layout: slots of the arrays.
        elements: elements per forecast, two or more.
        chunk_bytes: size of one chunk's regret matrices.
    """

    def __init__(self, layout: Layout, elements: int, chunk_bytes: int = CHUNK_BYTES) -> None:
        if layout.inferers < 2 or layout.forecasters < 2:
            raise ValueError("the NumPy peer covers topics of two or more inferers and forecasters")
        if elements < 2:
            raise ValueError("the NumPy peer covers forecasts of two or more elements")
        self.layout = layout
        self.elements = elements
        row_bytes = 8 * layout.workers
        self.rows_per_chunk = min(layout.rows, max(1, chunk_bytes // row_bytes))
        self.topics_per_chunk = max(1, chunk_bytes // (row_bytes * layout.rows))
        # Several arrays of the forecasts' size are alive at once.
        self.forecasts_per_chunk = max(1, chunk_bytes // (96 * layout.forecasters * elements))
        self.work = np.empty(self.topics_per_chunk * self.rows_per_chunk * layout.workers)
        self.ones = np.ones(layout.workers)

    def infer(
        self, epoch: EpochArrays, state: StateArrays, out: InferredArrays | None = None
    ) -> InferredArrays:
        """Network inferences of a batch.

        Raises:
            ValueError: a topic is outside of what the peer covers.
        """
        if not (np.all(state.regret_scale > 0) and np.all(state.initial_regret != 0)):
            raise ValueError("the NumPy peer covers topics with a stored scale and initial regret")
        result = InferredArrays.empty(epoch) if out is None else out
        result.bundle[:, self.layout.inferer] = epoch.inferences
        # w = (e^a + 1)/(e^b + 1) with b = p(c - R/s): e^-pc times its denominator is
        # e^-pc + e^(-pR/s), and what stands before it cancels in a mean.
        slope = -epoch.p_norm / state.regret_scale
        floor = np.exp(-epoch.p_norm * epoch.c_norm)
        with np.errstate(over="ignore"):
            for chunk in chunks(epoch.topics, self.forecasts_per_chunk):
                self._forecast_implied(epoch, state, result, chunk, slope[chunk], floor[chunk])
            for chunk in chunks(epoch.topics, self.topics_per_chunk):
                for rows in chunks(self.layout.rows, self.rows_per_chunk):
                    self._passes(state, result, chunk, rows, slope[chunk], floor[chunk])
        self._outlier_filter(epoch, state, result)
        return result

    def _forecast_implied(
        self,
        epoch: EpochArrays,
        state: StateArrays,
        result: InferredArrays,
        chunk: slice,
        slope: Float64,
        floor: Float64,
    ) -> None:
        """Forecast-implied inferences, and those without one inferer (synthesis, section 2)."""
        layout, bundle = self.layout, result.bundle[chunk]
        topics, inferers, forecasters = len(bundle), layout.inferers, layout.forecasters
        weight, element = result.element_weight[chunk], epoch.element_inferer[chunk]
        previous = state.previous_combined_loss[chunk, None, None]
        np.subtract(previous, epoch.element_loss[chunk], out=weight)
        weight *= slope[:, None, None]
        reciprocal_of_gradient(weight, floor)
        np.divide(1.0, weight, out=weight)
        begin = np.arange(topics)[:, None, None]
        value = epoch.inferences[chunk].reshape(-1)[element + begin * inferers]
        value *= weight
        denominator = sums_without_each(weight)
        refuse_lost_weights(denominator)
        mean = sums_without_each(value)
        mean /= denominator
        bundle[:, layout.forecaster] = mean[..., -1]
        withheld = bundle[:, layout.withheld].reshape(topics, inferers, forecasters)
        withheld[:] = mean[..., -1][:, None, :]
        slot = element * forecasters
        slot += begin * layout.width + (np.arange(forecasters) + layout.withheld.start)[:, None]
        bundle.reshape(-1)[slot] = mean[..., :-1]
        weight /= weight.max(axis=-1, keepdims=True)

    def _passes(
        self,
        state: StateArrays,
        result: InferredArrays,
        chunk: slice,
        rows: slice,
        slope: Float64,
        floor: Float64,
    ) -> None:
        """Network inferences of some passes (synthesis, sections 3 to 5)."""
        layout, bundle = self.layout, result.bundle[chunk]
        regrets = state.regrets[chunk, rows]
        gradient = self.work[: regrets.size].reshape(regrets.shape)
        np.multiply(regrets, slope[:, None, None], out=gradient)
        reciprocal_of_gradient(gradient, floor)
        np.divide(1.0, gradient, out=gradient)
        self._withhold(gradient, rows)
        denominator = gradient.reshape(-1, layout.workers) @ self.ones
        refuse_lost_weights(denominator)
        self._numerators(gradient, rows, bundle)
        bundle[:, rows] /= denominator.reshape(gradient.shape[:2])
        if rows.start == 0:
            combined = gradient[:, 0]
            best = combined.max(axis=-1, keepdims=True)
            np.divide(combined, best, out=result.weights[chunk])

    def _withhold(self, gradient: Float64, rows: slice) -> None:
        """Weight 0 for the worker that a one-out pass withholds: a diagonal of its block."""
        layout = self.layout
        flat = gradient.reshape(len(gradient), -1)
        step = layout.workers + 1
        for passes, column in (
            (layout.one_out_forecaster, layout.inferers),
            (layout.one_out_inferer, 0),
        ):
            begin, end = max(passes.start, rows.start), min(passes.stop, rows.stop)
            if begin < end:
                first = (begin - rows.start) * layout.workers + column + begin - passes.start
                flat[:, first : first + (end - begin - 1) * step + 1 : step] = 0.0

    def _numerators(self, gradient: Float64, rows: slice, bundle: Float64) -> None:
        """Sums of weight times value; a pass without an inferer takes forecasts without it too."""
        layout, inferers = self.layout, self.layout.inferers
        common = max(0, min(layout.one_out_inferer.start, rows.stop) - rows.start)
        border = rows.start + common
        value = bundle[:, layout.worker, None]
        if common:
            bundle[:, rows.start : border] = np.matmul(gradient[:, :common], value)[..., 0]
        if border == rows.stop:
            return
        own = gradient[:, common:]
        sums = np.matmul(own[..., :inferers], value[:, :inferers])[..., 0]
        first = border - layout.one_out_inferer.start
        withheld = bundle[:, layout.withheld].reshape(-1, inferers, layout.forecasters)
        terms = own[..., inferers:] * withheld[:, first : first + own.shape[1]]
        forecasts = terms.reshape(-1, layout.forecasters) @ self.ones[: layout.forecasters]
        np.add(sums, forecasts.reshape(sums.shape), out=bundle[:, border : rows.stop])

    def _outlier_filter(
        self, epoch: EpochArrays, state: StateArrays, result: InferredArrays
    ) -> None:
        """Median and deviation of the inferences (synthesis, section 9); no outlier allowed."""
        median, deviation, distance = median_and_deviation(epoch.inferences)
        stored = state.inference_median_absolute_deviation
        average = OUTLIER_ALPHA * deviation + (1.0 - OUTLIER_ALPHA) * stored
        average = np.where(stored == 0.0, deviation, average)
        if np.any((distance[:, -1] > OUTLIER_THRESHOLD * average) & (average != 0.0)):
            raise ValueError("the NumPy peer covers topics without outlying inferences")
        result.inference_median[:] = median
        result.inference_median_absolute_deviation[:] = average

    def settle(
        self, epoch: EpochArrays, state: StateArrays, out: SettledArrays | None = None
    ) -> SettledArrays:
        """Network losses, regrets, initial regret, scale and stored weights of a batch."""
        result = SettledArrays.empty(epoch) if out is None else out
        losses, after = result.network_losses, result.state
        for chunk in chunks(epoch.topics, self.topics_per_chunk):
            part, stakes = losses[chunk], epoch.stakes[chunk]
            np.matmul(stakes[:, None, :], epoch.reports[chunk], out=part[:, None, :])
            part /= stakes.sum(axis=-1, keepdims=True)
            for rows in chunks(self.layout.rows, self.rows_per_chunk):
                old, new = state.regrets[chunk, rows], after.regrets[chunk, rows]
                self._regrets(epoch.alpha_regret[chunk], part, rows, old, new)
        combined = after.regrets[:, 0]
        self._initial_regret(epoch, state, combined, after)
        deviation = median_and_deviation(combined)[1]
        np.multiply(MAD_FACTOR, deviation, out=after.regret_scale)
        after.regret_scale[:] += epoch.epsilon
        slope = -epoch.p_norm / after.regret_scale
        weight = np.multiply(combined, slope[:, None], out=after.weights)
        with np.errstate(over="ignore"):
            reciprocal_of_gradient(weight, np.exp(-epoch.p_norm * epoch.c_norm))
        np.divide(1.0, weight, out=weight)
        weight /= weight.sum(axis=-1, keepdims=True)
        after.previous_combined_loss[:] = losses[:, 0]
        after.inference_median[:] = state.inference_median
        after.inference_median_absolute_deviation[:] = state.inference_median_absolute_deviation
        return result

    def _regrets(
        self, alpha: Float64, losses: Float64, rows: slice, old: Float64, new: Float64
    ) -> None:
        """R' = alpha (l_pass - l_worker) + (1 - alpha) R (synthesis, section 7)."""
        layout, inferers = self.layout, self.layout.inferers
        scaled = losses * alpha[:, None]
        passes, workers = scaled[:, rows], scaled[:, layout.worker]
        # l_pass - l_worker over all pairs is a product of rank 2, (l_pass, 1) times (1, -l_worker):
        # BLAS writes it three times faster than NumPy broadcasts such short rows.
        left, right = np.ones((*passes.shape, 2)), np.ones((len(workers), 2, layout.workers))
        left[..., 0] = passes
        np.negative(workers, out=right[:, 1])
        update = self.work[: old.size].reshape(old.shape)
        np.matmul(left, right, out=update)
        begin = max(layout.one_out_inferer.start, rows.start)
        if begin < rows.stop:
            first, count = begin - layout.one_out_inferer.start, rows.stop - begin
            withheld = scaled[:, layout.withheld].reshape(-1, inferers, layout.forecasters)
            np.subtract(
                passes[:, begin - rows.start :, None],
                withheld[:, first : first + count],
                out=update[:, begin - rows.start :, inferers:],
            )
        np.multiply(old, (1.0 - alpha)[:, None, None], out=new)
        new += update

    def _initial_regret(
        self, epoch: EpochArrays, state: StateArrays, combined: Float64, after: StateArrays
    ) -> None:
        """R0 = Q + (0.75 - 8.25/p) D over the combined regrets (synthesis, section 8)."""
        workers = self.layout.workers
        if workers < EXPERIENCED_WORKERS:
            after.initial_regret[:] = state.initial_regret
            return
        ordered = np.sort(combined, axis=-1)
        position = (1.0 - QUANTILE) * (workers - 1)
        whole = int(position)
        low = ordered[:, workers - 1 - whole]
        high = ordered[:, max(workers - 2 - whole, 0)]
        quantile = low + (position - whole) * (high - low)
        spread = combined.std(axis=-1, ddof=1) + epoch.epsilon
        offset = INITIAL_REGRET_C - SAFE_DIVISION_P / epoch.p_norm
        after.initial_regret[:] = quantile + offset * spread


def reciprocal_of_gradient(exponent: Float64, floor: Float64) -> None:
    """In place, -pR/s to e^-pc + e^(-pR/s); `floor` holds the topics' e^-pc."""
    np.exp(exponent, out=exponent)
    if floor.min() == floor.max():
        # NumPy adds a scalar about twice as fast as a broadcast column.
        exponent += floor[0]
    else:
        exponent += floor.reshape(-1, *[1] * (exponent.ndim - 1))


def refuse_lost_weights(denominator: Float64) -> None:
    """Refuse regrets so far below the scale that the cancelled factor was needed."""
    if denominator.min() < SMALLEST_DENOMINATOR:
        raise ValueError("the NumPy peer covers regrets of less than 75 scales below zero")


def median_and_deviation(values: Float64) -> tuple[Float64, Float64, Float64]:
    """Median and median absolute deviation of each row, and the row's sorted distances."""
    middle = values.shape[-1] // 2
    even = values.shape[-1] % 2 == 0

    def middle_of(ordered: Float64) -> Float64:
        centre = ordered[:, middle]
        return (ordered[:, middle - 1] + centre) * 0.5 if even else centre.copy()

    median = middle_of(np.sort(values, axis=-1))
    distance = np.abs(values - median[:, None])
    distance.sort(axis=-1)
    return median, middle_of(distance), distance

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

__all__ = ["CHUNK_BYTES", "NumpyPeer"]

CHUNK_BYTES = 256 * 1024
"""Size of one chunk's regret matrices: with the matrices read and the results written, a chunk then
fits the 1 MiB of second-level cache that current server cores have."""

SMALLEST_DENOMINATOR = 1e-100
"""Below this sum of 1/(e^-pc + e^(-pn)) some e^(-pn) may have overflowed and been lost."""

MATRIX_ELEMENTS = 64
"""Longest forecast whose leave-one-out sums are one matrix product; prefix sums beyond."""

PARAMS = Params()
MAD_FACTOR = 1.4826
OUTLIER_ALPHA = float(PARAMS.inference_outlier_detection_alpha)
OUTLIER_THRESHOLD = float(PARAMS.inference_outlier_detection_threshold)
QUANTILE = float(PARAMS.initial_regret_quantile)
SAFE_DIVISION_P = float(PARAMS.p_norm_safe_div)
EXPERIENCED_WORKERS = int(PARAMS.min_experienced_worker_regrets)
INITIAL_REGRET_C = 0.75


class NumpyPeer:
    """Computes epochs of one shape with work buffers that live as long as it does.

    Args:
        layout: slots of the arrays.
        elements: elements per forecast, two or more.
        chunk_bytes: size of one chunk's regret matrices.
    """

    def __init__(self, layout: Layout, elements: int, chunk_bytes: int = CHUNK_BYTES) -> None:
        if elements < 2:
            raise ValueError("the NumPy peer covers forecasts of two or more elements")
        self.layout = layout
        self.elements = elements
        row_bytes = 8 * layout.workers
        self.rows_per_chunk = min(layout.rows, max(1, chunk_bytes // row_bytes))
        self.topics_per_chunk = max(1, chunk_bytes // (row_bytes * layout.rows))
        self.gradient = np.empty(self.topics_per_chunk * self.rows_per_chunk * layout.workers)
        self.ones = np.ones(layout.workers)
        # Column e < K sums all elements but e, column K sums them all.
        self.leave_one_out = np.hstack([1.0 - np.eye(elements), np.ones((elements, 1))])

    def chunks(self, topics: int) -> list[slice]:
        """The topics of each chunk."""
        size = self.topics_per_chunk
        return [slice(at, min(at + size, topics)) for at in range(0, topics, size)]

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
        bundle = result.bundle
        bundle[:, self.layout.inferer] = epoch.inferences
        slot = self._withheld_slots(epoch)
        with np.errstate(over="ignore"):
            for chunk in self.chunks(epoch.topics):
                # w = (e^a + 1)/(e^b + 1) with b = p(c - R/s): e^-pc times its denominator is
                # e^-pc + e^(-pR/s).
                slope = -epoch.p_norm[chunk] / state.regret_scale[chunk]
                floor = np.exp(-epoch.p_norm[chunk] * epoch.c_norm[chunk])
                self._forecast_implied(epoch, state, result, slot, chunk, slope, floor)
                self._passes(state, result, chunk, slope, floor)
        self._outlier_filter(epoch, state, result)
        return result

    def _withheld_slots(self, epoch: EpochArrays) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        """(T, F, K) flat bundle slot of (withheld inferer, forecaster) for every element."""
        layout = self.layout
        slot = epoch.element_inferer * layout.forecasters
        slot += np.arange(layout.forecasters)[:, None] + layout.withheld.start
        slot += (np.arange(epoch.topics) * layout.width)[:, None, None]
        return slot

    def _forecast_implied(
        self,
        epoch: EpochArrays,
        state: StateArrays,
        result: InferredArrays,
        slot: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
        chunk: slice,
        slope: Float64,
        floor: Float64,
    ) -> None:
        """Forecast-implied inferences, and those without one inferer (synthesis, section 2)."""
        layout, bundle = self.layout, result.bundle[chunk]
        topics = len(bundle)
        weight = result.element_weight[chunk]
        np.subtract(
            state.previous_combined_loss[chunk, None, None], epoch.element_loss[chunk], out=weight
        )
        weight *= slope[:, None, None]
        np.exp(weight, out=weight)
        weight += floor[:, None, None]
        np.reciprocal(weight, out=weight)
        value = np.take_along_axis(
            epoch.inferences[chunk, None, :],
            epoch.element_inferer[chunk].reshape(topics, 1, -1),
            axis=-1,
        ).reshape(weight.shape)
        value *= weight
        numerator, denominator = self._leave_one_out(value), self._leave_one_out(weight)
        if denominator.min() < SMALLEST_DENOMINATOR:
            raise FloatingPointError("forecast")
        numerator /= denominator
        bundle[:, layout.forecaster] = numerator[..., -1]
        withheld = bundle[:, layout.withheld].reshape(topics, layout.inferers, layout.forecasters)
        withheld[:] = numerator[..., -1][:, None, :]
        result.bundle.reshape(-1)[slot[chunk]] = numerator[..., :-1]
        weight /= weight.max(axis=-1, keepdims=True)

    def _leave_one_out(self, terms: Float64) -> Float64:
        """(T, F, K + 1) sums without each element, and of all; no sum is got by subtraction."""
        topics, forecasters, elements = terms.shape
        if elements <= MATRIX_ELEMENTS:
            flat = terms.reshape(-1, elements) @ self.leave_one_out
            return flat.reshape(topics, forecasters, elements + 1)
        sums = np.zeros((topics, forecasters, elements + 1))
        np.cumsum(terms, axis=-1, out=sums[..., 1:])
        after = np.cumsum(terms[..., :0:-1], axis=-1)
        sums[..., : elements - 1] += after[..., ::-1]
        return sums

    def _passes(
        self,
        state: StateArrays,
        result: InferredArrays,
        chunk: slice,
        slope: Float64,
        floor: Float64,
    ) -> None:
        """Network inferences of all passes (synthesis, sections 3 to 5)."""
        layout, bundle = self.layout, result.bundle[chunk]
        for first in range(0, layout.rows, self.rows_per_chunk):
            rows = slice(first, min(first + self.rows_per_chunk, layout.rows))
            gradient = self._gradients(state.regrets[chunk, rows], rows, slope, floor)
            denominator = (gradient.reshape(-1, layout.workers) @ self.ones).reshape(
                gradient.shape[:2]
            )
            if denominator.min() < SMALLEST_DENOMINATOR:
                raise FloatingPointError("passes")
            self._numerators(gradient, rows, bundle)
            bundle[:, rows] /= denominator
            if first == 0:
                combined = gradient[:, 0]
                np.divide(
                    combined, combined.max(axis=-1, keepdims=True), out=result.weights[chunk]
                )

    def _gradients(self, regrets: Float64, rows: slice, slope: Float64, floor: Float64) -> Float64:
        """1/(e^-pc + e^(-pR/s)), 0 for the withheld worker of a pass."""
        layout = self.layout
        topics, count, workers = regrets.shape
        gradient = self.gradient[: topics * count * workers].reshape(regrets.shape)
        np.multiply(regrets, slope[:, None, None], out=gradient)
        np.exp(gradient, out=gradient)
        gradient += floor[:, None, None]
        np.reciprocal(gradient, out=gradient)
        flat = gradient.reshape(topics, -1)
        for passes, column in (
            (layout.one_out_forecaster, layout.inferers),
            (layout.one_out_inferer, 0),
        ):
            begin, end = max(passes.start, rows.start), min(passes.stop, rows.stop)
            if begin < end:
                start = (begin - rows.start) * workers + column + begin - passes.start
                stop = start + (end - begin - 1) * (workers + 1) + 1
                flat[:, start : stop : workers + 1] = 0.0
        return gradient

    def _numerators(self, gradient: Float64, rows: slice, bundle: Float64) -> None:
        """Sums of weight times value; a pass without an inferer takes forecasts without it too."""
        layout = self.layout
        common = max(0, min(layout.one_out_inferer.start, rows.stop) - rows.start)
        value = bundle[:, layout.worker, None]
        if common:
            part = slice(rows.start, rows.start + common)
            bundle[:, part] = np.matmul(gradient[:, :common], value)[..., 0]
        if common == gradient.shape[1]:
            return
        part = slice(rows.start + common, rows.stop)
        own = gradient[:, common:]
        inferers = layout.inferers
        bundle[:, part] = np.matmul(own[..., :inferers], value[:, :inferers])[..., 0]
        first = part.start - layout.one_out_inferer.start
        withheld = bundle[:, layout.withheld].reshape(-1, inferers, layout.forecasters)
        terms = own[..., inferers:] * withheld[:, first : first + own.shape[1]]
        forecasts = terms.reshape(-1, layout.forecasters) @ self.ones[: layout.forecasters]
        bundle[:, part] += forecasts.reshape(own.shape[:2])

    def _outlier_filter(
        self, epoch: EpochArrays, state: StateArrays, result: InferredArrays
    ) -> None:
        """Median and deviation of the inferences (synthesis, section 9); nobody may be an outlier."""
        median, deviation, distance = median_and_deviation(epoch.inferences)
        stored = state.inference_median_absolute_deviation
        average = OUTLIER_ALPHA * deviation + (1.0 - OUTLIER_ALPHA) * stored
        average = np.where(stored == 0.0, deviation, average)
        if np.any((distance[:, -1] > OUTLIER_THRESHOLD * average) & (average != 0.0)):
            raise ValueError("the NumPy peer covers topics without outlying inferences")
        result.inference_median[:] = median
        result.inference_median_absolute_deviation[:] = average

    def settle(
        self,
        epoch: EpochArrays,
        state: StateArrays,
        out: SettledArrays | None = None,
    ) -> SettledArrays:
        """Network losses, regrets, initial regret, scale and stored weights of a batch."""
        layout = self.layout
        result = SettledArrays.empty(epoch) if out is None else out
        losses, after = result.network_losses, result.state
        for chunk in self.chunks(epoch.topics):
            part = losses[chunk]
            stakes = epoch.stakes[chunk]
            np.matmul(stakes[:, None, :], epoch.reports[chunk], out=part[:, None, :])
            part /= stakes.sum(axis=-1, keepdims=True)
            self._regrets(epoch.alpha_regret[chunk], part, state.regrets[chunk], after.regrets[chunk])
        combined = after.regrets[:, 0]
        self._initial_regret(epoch, state, combined, after)
        deviation = median_and_deviation(combined)[1]
        np.abs(MAD_FACTOR * deviation, out=after.regret_scale)
        after.regret_scale[:] += epoch.epsilon
        weight = np.multiply(
            combined, (-epoch.p_norm / after.regret_scale)[:, None], out=after.weights
        )
        np.exp(weight, out=weight)
        weight += np.exp(-epoch.p_norm * epoch.c_norm)[:, None]
        np.reciprocal(weight, out=weight)
        weight /= weight.sum(axis=-1, keepdims=True)
        after.previous_combined_loss[:] = losses[:, 0]
        after.inference_median[:] = state.inference_median
        after.inference_median_absolute_deviation[:] = state.inference_median_absolute_deviation
        return result

    def _regrets(self, alpha: Float64, losses: Float64, old: Float64, new: Float64) -> None:
        """R' = alpha (l_pass - l_worker) + (1 - alpha) R (synthesis, section 7)."""
        layout = self.layout
        scaled = losses * alpha[:, None]
        passes = scaled[:, : layout.rows, None]
        worker = scaled[:, None, layout.worker]
        shared, withheld = slice(0, layout.one_out_inferer.start), layout.one_out_inferer
        np.multiply(old, (1.0 - alpha)[:, None, None], out=new)
        new += passes
        new[:, shared] -= worker
        new[:, withheld, : layout.inferers] -= worker[..., : layout.inferers]
        new[:, withheld, layout.inferers :] -= scaled[:, layout.withheld].reshape(
            -1, layout.inferers, layout.forecasters
        )

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

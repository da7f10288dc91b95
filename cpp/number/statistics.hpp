// Statistics of the chain over any number, in the chain's order of steps. Sums and differences are
// exact in decimals, products and quotients keep 34 digits, and loops run left to right.
// Source: allora-chain v0.17, math/utils.go.
//
// Nothing here allocates: sorted copies live in a scratch span of the caller's, at least as long as
// the values unless said otherwise. A fault of a value travels in the result; functions with faults
// of their own return a Cause.
//
// Ties: equal values may have different written forms. Up to 12 elements the chain sorts by
// insertion, stable, as here. Above, its pattern-defeating quicksort orders ties in a way of its
// own, which shows in the form of a median alone and in the value of a weighted percentile only for
// ties of different weights (queries, not consensus); the stable order is kept here.
#pragma once

#include "decimal_functions.hpp"
#include "float64_real.hpp"
#include "float64_sort.hpp"
#include "list.hpp"
#include "real.hpp"
#include "stable_sort.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace allora {

template <class Real>
ALLORA_HD bool carries_fault(const Real& x) {
    return Number<Real>::fault(x) != Cause::none;
}

template <class Real>
ALLORA_HD const Real* first_fault(std::span<const Real> values) {
    for (const Real& value : values) {
        if (carries_fault(value)) {
            return &value;
        }
    }
    return nullptr;
}

// Any arithmetic turns a NaN or an absence into a fault with its cause.
template <class Real>
ALLORA_HD Real spread_fault(const Real& x) {
    return x + Number<Real>::from_int(0);
}

// alpha * current + (1 - alpha) * previous. The shortcuts come first: a previous value that is
// equal, or the first of a series, leaves `current` in its own form.
template <class Real>
ALLORA_HD Real ema(const Real& alpha, const Real& current, const Real& previous, bool first) {
    if (carries_fault(current)) {
        return spread_fault(current);
    }
    if (first || compare(current, previous) == 0) {
        return current;
    }
    if (carries_fault(previous)) {
        return spread_fault(previous);
    }
    const Real rest = Number<Real>::from_int(1) - alpha;
    return alpha * current + rest * previous;
}

// n steps of the EMA at once towards an asymptote: g * x + asymptote * (1 - g), g = (1 - alpha)^n.
template <class Real>
ALLORA_HD Real ncalc_ema(DecimalFunctions functions, const Real& alpha, const Real& asymptote,
                         const Real& x, const Real& n) {
    const Real one = Number<Real>::from_int(1);
    const Real g = pow(functions, one - alpha, n);
    return g * x + asymptote * (one - g);
}

// 1 - (1 - alpha)^(epoch_length / base_interval). Fault: out_of_range unless both are positive.
template <class Real>
ALLORA_HD Cause smoothed_alpha(DecimalFunctions functions, const Real& epoch_length,
                               const Real& base_interval, const Real& alpha, Real& result) {
    const Real zero = Number<Real>::from_int(0);
    if (compare(epoch_length, zero) <= 0 || compare(base_interval, zero) <= 0) {
        return Cause::out_of_range;
    }
    const Real one = Number<Real>::from_int(1);
    result = one - pow(functions, one - alpha, epoch_length / base_interval);
    return Number<Real>::fault(result);
}

// blocks_per_month / 4.345
template <class Real>
ALLORA_HD Real blocks_per_week(const Real& blocks_per_month) {
    return blocks_per_month / Number<Real>::constant(4345, -3);
}

template <class Real>
ALLORA_HD Real sum(std::span<const Real> values) {
    Real total = Number<Real>::from_int(0);
    for (const Real& value : values) {
        total = total + value;
    }
    return total;
}

// `result` has the length of `values` and may be the same memory.
template <class Real>
ALLORA_HD Cause cumulative_sum(std::span<const Real> values, std::span<Real> result) {
    Real total = Number<Real>::from_int(0);
    for (std::size_t i = 0; i < values.size(); ++i) {
        total = total + values[i];
        result[i] = total;
    }
    return Number<Real>::fault(total);
}

// The sample deviation sqrt(sum (v - mean)^2 / (N - 1)); 0 of one value or none.
template <class Real>
ALLORA_HD Real standard_deviation(std::span<const Real> values) {
    if (values.size() < 2) {
        return Number<Real>::from_int(0);
    }
    const Real count = Number<Real>::from_int(static_cast<std::int64_t>(values.size()));
    const Real mean = sum(values) / count;
    Real squares = Number<Real>::from_int(0);
    for (const Real& value : values) {
        const Real deviation = value - mean;
        squares = squares + deviation * deviation;
    }
    return sqrt(squares / (count - Number<Real>::from_int(1)));
}

template <class Real>
ALLORA_HD void sort_ascending(std::span<Real> values) {
    StableSort([values](std::size_t i, std::size_t j) { return compare(values[i], values[j]) < 0; },
               [values](std::size_t i, std::size_t j) { std::swap(values[i], values[j]); })(
        values.size());
}

ALLORA_HD inline void sort_ascending(std::span<double> values) {
    if (!float64::sort_by_ranks(values)) {
        sort_ascending<double>(values);
    }
}

// Equal values come out in reverse input order, in blocks of 20, as on the chain.
template <class Real>
ALLORA_HD void sort_descending(std::span<Real> values) {
    StableSort(
        [values](std::size_t i, std::size_t j) { return compare(values[i], values[j]) >= 0; },
        [values](std::size_t i, std::size_t j) { std::swap(values[i], values[j]); })(values.size());
}

// The order of equal values shows in zeros alone, which have two signs.
ALLORA_HD inline void sort_descending(std::span<double> values) {
    if (std::find(values.begin(), values.end(), 0.0) == values.end() &&
        float64::sort_by_ranks(values)) {
        std::reverse(values.begin(), values.end());
    } else {
        sort_descending<double>(values);
    }
}

// Values ascending, each with its weight.
template <class Real>
ALLORA_HD void sort_with_weights(std::span<Real> values, std::span<Real> weights) {
    StableSort([values](std::size_t i, std::size_t j) { return compare(values[i], values[j]) < 0; },
               [values, weights](std::size_t i, std::size_t j) {
                   std::swap(values[i], values[j]);
                   std::swap(weights[i], weights[j]);
               })(values.size());
}

ALLORA_HD inline void sort_with_weights(std::span<double> values, std::span<double> weights) {
    if (!float64::sort_by_ranks(values, weights)) {
        sort_with_weights<double>(values, weights);
    }
}

// The median of values that are sorted in place.
template <class Real>
ALLORA_HD Real median_of_scratch(std::span<Real> values) {
    if (values.empty()) {
        return Number<Real>::from_int(0);
    }
    sort_ascending(values);
    const std::size_t middle = values.size() / 2;
    if (values.size() % 2 == 1) {
        return values[middle];
    }
    return (values[middle - 1] + values[middle]) / Number<Real>::from_int(2);
}

template <class Real>
ALLORA_HD Real median(std::span<const Real> values, std::span<Real> scratch) {
    if (const Real* fault = first_fault(values)) {
        return spread_fault(*fault);
    }
    const std::span<Real> sorted = scratch.first(values.size());
    copy_entries(values.begin(), values.end(), sorted.begin());
    return median_of_scratch(sorted);
}

template <class Real>
struct MedianDeviation {
    Real deviation;
    Real median;
};

// median(|v_i - median(v)|), without a scale factor, and the median.
template <class Real>
ALLORA_HD MedianDeviation<Real> median_absolute_deviation(std::span<const Real> values,
                                                          std::span<Real> scratch) {
    const Real zero = Number<Real>::from_int(0);
    const Real center = median(values, scratch);
    if (values.size() < 2 || carries_fault(center)) {
        return {carries_fault(center) ? center : zero, center};
    }
    const std::span<Real> deviations = scratch.first(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
        deviations[i] = abs(values[i] - center);
        // A difference too long for a fixed width must not be sorted as if it were a number.
        if (carries_fault(deviations[i])) {
            return {deviations[i], center};
        }
    }
    return {median_of_scratch(deviations), center};
}

// Of values in ascending order, the one or two in the middle of their distances from their median:
// those distances rise to either side of it, so that the middle is found without sorting them.
ALLORA_HD inline double middle_distance(std::span<const double> sorted, double center) {
    std::size_t right = sorted.size() / 2;
    std::size_t left = right; // the values before it are on the other side
    double before = 0.0;
    double last = 0.0;
    for (std::size_t taken = 0; taken <= sorted.size() / 2; ++taken) {
        before = last;
        const bool ends = right == sorted.size();
        const double above = ends ? 0.0 : abs(sorted[right] - center);
        const double below = left == 0 ? 0.0 : abs(sorted[left - 1] - center);
        const bool takes_left = left > 0 && (ends || below < above);
        last = takes_left ? below : above;
        left -= takes_left ? 1 : 0;
        right += takes_left ? 0 : 1;
    }
    return sorted.size() % 2 == 1 ? last : (before + last) / 2.0;
}

// The same bits with one sort, where no zero is among the values, whose two signs would show in
// which of two equal ones comes first.
ALLORA_HD inline MedianDeviation<double> median_absolute_deviation(std::span<const double> values,
                                                                   std::span<double> scratch) {
    const std::span<double> sorted = scratch.first(values.size());
    copy_entries(values.begin(), values.end(), sorted.begin());
    if (values.size() < 2 || std::find(sorted.begin(), sorted.end(), 0.0) != sorted.end() ||
        !float64::sort_by_ranks(sorted)) {
        return median_absolute_deviation<double>(values, scratch);
    }
    const std::size_t middle = sorted.size() / 2;
    const double center =
        sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2.0;
    // The greatest distances are those of the ends.
    if (carries_fault(center) || carries_fault(sorted.front() - center) ||
        carries_fault(sorted.back() - center)) {
        return median_absolute_deviation<double>(values, scratch);
    }
    return {middle_distance(sorted, center), center};
}

// The q-quantile: sorted descending, pos = (1 - q)(N - 1), linear between the neighbours of pos.
// Fault: out_of_range for a position outside of the values.
template <class Real>
ALLORA_HD Real quantile(std::span<const Real> values, const Real& q, std::span<Real> scratch) {
    if (values.empty()) {
        return Number<Real>::from_int(0);
    }
    const std::span<Real> sorted = scratch.first(values.size());
    copy_entries(values.begin(), values.end(), sorted.begin());
    sort_descending(sorted);
    const auto last = static_cast<std::int64_t>(sorted.size() - 1);
    const Real position = (Number<Real>::from_int(1) - q) * Number<Real>::from_int(last);
    if (carries_fault(position)) {
        return spread_fault(position);
    }
    if (compare(position, Number<Real>::from_int(0)) < 0 ||
        compare(position, Number<Real>::from_int(last)) > 0) {
        return Number<Real>::faulted(Cause::out_of_range);
    }
    std::int64_t lower = 0;
    while (lower < last && compare(Number<Real>::from_int(lower + 1), position) <= 0) {
        ++lower;
    }
    const Real floor = Number<Real>::from_int(lower);
    const Real& low = sorted[static_cast<std::size_t>(lower)];
    if (lower == last || compare(position, floor) == 0) {
        return low;
    }
    const Real& high = sorted[static_cast<std::size_t>(lower) + 1];
    return low + (position - floor) * (high - low);
}

// Linear between the points (xp, fp), constant outside; xp ascends and is not empty.
template <class Real>
ALLORA_HD Real interpolate(const Real& x, std::span<const Real> xp, std::span<const Real> fp) {
    const std::size_t last = xp.size() - 1;
    if (compare(x, xp[0]) <= 0) {
        return fp[0];
    }
    if (compare(x, xp[last]) >= 0) {
        return fp[last];
    }
    std::size_t j = 0;
    std::size_t end = last;
    while (j < end) {
        const std::size_t half = (j + end) / 2;
        if (compare(x, xp[half + 1]) < 0) {
            end = half;
        } else {
            j = half + 1;
        }
    }
    const Real t = (x - xp[j]) / (xp[j + 1] - xp[j]);
    return fp[j] * (Number<Real>::from_int(1) - t) + fp[j + 1] * t;
}

// Faults: the first fault among x, xp, fp; length where xp and fp differ or are empty.
template <class Real>
ALLORA_HD Cause linear_interpolation(std::span<const Real> x, std::span<const Real> xp,
                                     std::span<const Real> fp, std::span<Real> result) {
    for (const std::span<const Real>& values : {x, xp, fp}) {
        if (const Real* fault = first_fault(values)) {
            return Number<Real>::fault(*fault);
        }
    }
    if (xp.size() != fp.size() || xp.empty()) {
        return Cause::length;
    }
    for (std::size_t i = 0; i < x.size(); ++i) {
        result[i] = interpolate(x[i], xp, fp);
        if (carries_fault(result[i])) {
            return Number<Real>::fault(result[i]);
        }
    }
    return Cause::none;
}

template <class Real>
ALLORA_HD Cause percentile_arguments(std::span<const Real> values, std::span<const Real> weights,
                                     std::span<const Real> percentiles) {
    for (const std::span<const Real>& arguments : {values, weights, percentiles}) {
        if (const Real* fault = first_fault(arguments)) {
            return Number<Real>::fault(*fault);
        }
    }
    if (values.size() != weights.size() || values.empty()) {
        return Cause::length;
    }
    for (const Real& percentile : percentiles) {
        if (compare(percentile, Number<Real>::from_int(100)) > 0 ||
            compare(percentile, Number<Real>::from_int(0)) < 0) {
            return Cause::out_of_range;
        }
    }
    return Cause::none;
}

// Values at the given percentiles of the weight: pos_i = (cs_i - w_i/2) / cs_last over the values
// sorted ascending, cs the prefix sums of weights. `scratch` holds three times the values.
template <class Real>
ALLORA_HD Cause weighted_percentile(std::span<const Real> values, std::span<const Real> weights,
                                    std::span<const Real> percentiles, std::span<Real> scratch,
                                    std::span<Real> result) {
    if (const Cause cause = percentile_arguments(values, weights, percentiles);
        cause != Cause::none) {
        return cause;
    }
    const std::size_t count = values.size();
    const std::span<Real> sorted = scratch.subspan(0, count);
    const std::span<Real> carried = scratch.subspan(count, count);
    const std::span<Real> position = scratch.subspan(2 * count, count);
    copy_entries(values.begin(), values.end(), sorted.begin());
    copy_entries(weights.begin(), weights.end(), carried.begin());
    sort_with_weights(sorted, carried);
    const std::span<const Real> ordered(carried);
    if (const Cause cause = cumulative_sum(ordered, position); cause != Cause::none) {
        return cause;
    }
    const Real total = position[count - 1]; // a copy: the loop overwrites it
    for (std::size_t i = 0; i < count; ++i) {
        position[i] = (position[i] - carried[i] / Number<Real>::from_int(2)) / total;
        if (carries_fault(position[i])) {
            return Number<Real>::fault(position[i]);
        }
    }
    for (std::size_t i = 0; i < percentiles.size(); ++i) {
        result[i] = interpolate(percentiles[i] / Number<Real>::from_int(100),
                                std::span<const Real>(position), std::span<const Real>(sorted));
        if (carries_fault(result[i])) {
            return Number<Real>::fault(result[i]);
        }
    }
    return Cause::none;
}

// The order of keys by weight descending, ties by key ascending: `weights` stand in key order, and
// `order`, of the same length, receives their indices.
template <class Real>
ALLORA_HD void order_by_weight_descending(std::span<const Real> weights,
                                          std::span<std::size_t> order) {
    for (std::size_t i = 0; i < order.size(); ++i) {
        order[i] = i;
    }
    StableSort(
        [weights, order](std::size_t i, std::size_t j) {
            return compare(weights[order[i]], weights[order[j]]) > 0;
        },
        [order](std::size_t i, std::size_t j) { std::swap(order[i], order[j]); })(order.size());
}

} // namespace allora

// Confidence intervals and normalized weights of the combined inference, which the chain served
// until v0.9. allora-chain v0.6, x/emissions/keeper/queryserver/query_server_inferences.go.
#pragma once

#include "prepared.hpp"

#include <array>
#include <span>
#include <type_traits>

namespace allora {

// The percentiles themselves. Sums of weights of very different size outgrow the fixed width, and
// only the percentiles are stored: such an interval is computed without a width.
template <class Real>
ALLORA_HD Cause weighted_interval(std::span<const Real> values, std::span<const Real> weights,
                                  List<Real>& scratch, List<Real>& interval) {
    const std::array<Real, 5> percentiles = {
        Number<Real>::constant(228, -2), Number<Real>::constant(1587, -2),
        Number<Real>::constant(50, 0), Number<Real>::constant(8413, -2),
        Number<Real>::constant(9772, -2)};
    scratch.resize(3 * values.size());
    interval.resize(percentiles.size());
    const Cause cause = weighted_percentile(values, weights, std::span<const Real>(percentiles),
                                            std::span<Real>(scratch), std::span<Real>(interval));
    if constexpr (std::is_same_v<Real, Decimal>) {
        if (cause == Cause::does_not_fit) {
            List<BigDecimal> long_values, long_weights, long_scratch, long_interval;
            for (std::size_t i = 0; i < values.size(); ++i) {
                long_values.push_back(to_big(values[i]));
                long_weights.push_back(to_big(weights[i]));
            }
            const Cause long_cause = weighted_interval<BigDecimal>(
                std::span<const BigDecimal>(long_values), std::span<const BigDecimal>(long_weights),
                long_scratch, long_interval);
            bool fits = true;
            for (std::size_t i = 0; i < interval.size(); ++i) {
                interval[i] = from_big(long_interval[i]);
                fits = fits && Number<Real>::fault(interval[i]) != Cause::does_not_fit;
            }
            return fits ? long_cause : Cause::does_not_fit;
        }
    }
    return cause;
}

// Percentiles 2.28, 15.87, 50, 84.13, 97.72 of inferences and forecast-implied inferences, weighted
// as in the combined call. None for several labels, or where no weights were computed.
template <class Real>
ALLORA_HD void set_confidence_interval(const TopicEpoch<Real>& epoch,
                                       const Prepared<Real>& prepared, PassScratch<Real>& scratch,
                                       TopicInference<Real>& out) {
    if (epoch.labels != 1) {
        return;
    }
    scratch.values.clear();
    scratch.weights.clear();
    for (std::size_t j = 0; j < out.inferer_weight.size(); ++j) {
        scratch.values.push_back(prepared.inference(static_cast<std::int32_t>(j), 0));
        scratch.weights.push_back(out.inferer_weight[j]);
    }
    for (std::int32_t k = 0; k < prepared.forecasters; ++k) {
        const Real& weight = out.forecaster_weight[static_cast<std::size_t>(k)];
        if (!Number<Real>::is_missing(weight)) {
            scratch.values.push_back(prepared.implied_value(k)[0]);
            scratch.weights.push_back(weight);
        }
    }
    const Cause cause = weighted_interval(std::span<const Real>(scratch.values),
                                          std::span<const Real>(scratch.weights), scratch.sorted,
                                          out.confidence_interval);
    // A query that fails on the chain leaves the epoch as it is; a missing width is no failure.
    if (cause == Cause::does_not_fit) {
        out.status = {cause, "confidence_interval", -1, ""};
    } else if (cause != Cause::none) {
        out.confidence_interval.clear();
    }
}

// w / sum(w), inferers first.
template <class Real>
ALLORA_HD void set_normalized_weights(TopicInference<Real>& out) {
    Sum<Real> total;
    for (const List<Real>* weights : {&out.inferer_weight, &out.forecaster_weight}) {
        for (const Real& weight : *weights) {
            if (!Number<Real>::is_missing(weight)) {
                total.add(weight);
            }
        }
    }
    if (total.is_zero()) {
        return;
    }
    const auto share = [&](const Real& weight) {
        Sum<Real> numerator;
        numerator.add(weight);
        return numerator.quotient(total);
    };
    for (std::size_t j = 0; j < out.inferer_weight.size(); ++j) {
        if (!Number<Real>::is_missing(out.inferer_weight[j])) {
            out.normalized_inferer_weight[j] = share(out.inferer_weight[j]);
        }
    }
    for (std::size_t k = 0; k < out.forecaster_weight.size(); ++k) {
        if (!Number<Real>::is_missing(out.forecaster_weight[k])) {
            out.normalized_forecaster_weight[k] = share(out.forecaster_weight[k]);
        }
    }
}

} // namespace allora

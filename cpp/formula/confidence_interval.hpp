// Confidence intervals and normalized weights of the combined inference, which the chain served
// until v0.9. allora-chain v0.6, x/emissions/keeper/queryserver/query_server_inferences.go.
#pragma once

#include "prepared.hpp"

#include <array>
#include <span>

namespace allora {

// Percentiles 2.28, 15.87, 50, 84.13, 97.72 of inferences and forecast-implied inferences, weighted
// as in the combined call. None for several labels, or where no weights were computed.
template <class Real>
void set_confidence_interval(const TopicEpoch<Real>& epoch, const Prepared<Real>& prepared,
                             PassScratch<Real>& scratch, TopicInference<Real>& out) {
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
    const std::array<Real, 5> percentiles = {
        Number<Real>::constant(228, -2), Number<Real>::constant(1587, -2),
        Number<Real>::constant(50, 0), Number<Real>::constant(8413, -2),
        Number<Real>::constant(9772, -2)};
    scratch.sorted.resize(3 * scratch.values.size());
    out.confidence_interval.resize(percentiles.size());
    const Cause cause = weighted_percentile(
        std::span<const Real>(scratch.values), std::span<const Real>(scratch.weights),
        std::span<const Real>(percentiles), std::span<Real>(scratch.sorted),
        std::span<Real>(out.confidence_interval));
    // A query that fails on the chain leaves the epoch as it is.
    if (cause != Cause::none) {
        out.confidence_interval.clear();
    }
}

// w / sum(w), inferers first.
template <class Real>
void set_normalized_weights(TopicInference<Real>& out) {
    Sum<Real> total;
    for (const std::vector<Real>* weights : {&out.inferer_weight, &out.forecaster_weight}) {
        for (const Real& weight : *weights) {
            if (!Number<Real>::is_missing(weight)) {
                total.add(weight);
            }
        }
    }
    const Real divisor = total.value();
    if (Number<Real>::is_zero(divisor) || Number<Real>::fault(divisor) != Cause::none) {
        return;
    }
    for (std::size_t j = 0; j < out.inferer_weight.size(); ++j) {
        if (!Number<Real>::is_missing(out.inferer_weight[j])) {
            out.normalized_inferer_weight[j] = out.inferer_weight[j] / divisor;
        }
    }
    for (std::size_t k = 0; k < out.forecaster_weight.size(); ++k) {
        if (!Number<Real>::is_missing(out.forecaster_weight[k])) {
            out.normalized_forecaster_weight[k] = out.forecaster_weight[k] / divisor;
        }
    }
}

} // namespace allora

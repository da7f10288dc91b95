// Forecast-implied inferences, with all inferers and with each one withheld.
// allora-chain v0.17, x/emissions/keeper/inference_synthesis/forecast_implied.go.
#pragma once

#include "prepared.hpp"
#include "weight.hpp"
#include "weighted_mean.hpp"

#include <algorithm>
#include <span>

namespace allora {

// The elements of one forecast whose inferer has an inference, and what is computed from them.
template <class Real>
struct ForecastRow {
    const TopicEpoch<Real>& epoch;
    const Prepared<Real>& prepared;
    std::span<const std::int32_t> inferers; // of the elements, by inferer
    std::span<const Real> regrets;          // r = L_prev - v
    std::int32_t forecaster;
    std::size_t submitted; // elements of the forecast, absent inferers' included
};

// value = median of x over the elements; `withheld` < 0: all of them. Nothing left: 0, a value.
template <class Real>
void imply_median(const ForecastRow<Real>& row, std::int32_t withheld, PassScratch<Real>& scratch,
                  Real* value) {
    const std::int32_t labels = row.epoch.labels;
    for (std::int32_t l = 0; l < labels; ++l) {
        scratch.values.clear();
        for (const std::int32_t j : row.inferers) {
            if (j != withheld) {
                scratch.values.push_back(row.prepared.inference(j, l));
            }
        }
        scratch.sorted.resize(scratch.values.size());
        value[l] = median(std::span<const Real>(scratch.values), std::span<Real>(scratch.sorted));
    }
}

// value = sum(w x) / sum(w) over the elements that have a weight; false where the weights sum to 0.
template <class Real>
bool imply_mean(const ForecastRow<Real>& row, std::span<const Real> weights,
                PassScratch<Real>& scratch, Real* value) {
    for (std::int32_t l = 0; l < row.epoch.labels; ++l) {
        scratch.values.resize(weights.size());
        for (std::size_t e = 0; e < weights.size(); ++e) {
            scratch.values[e] = row.prepared.inference(row.inferers[e], l);
        }
        const WeightedSums<Real> sums =
            weighted_sums(weights, std::span<const Real>(scratch.values));
        if (sums.is_zero()) {
            return false;
        }
        value[l] = sums.quotient();
    }
    return true;
}

// Weights over the elements without the withheld inferer's; one element weighs 1.
template <class Real>
void imply_weights(const Rules& rules, WithheldForecast how, const TopicState<Real>& state,
                   const ForecastRow<Real>& row, std::int32_t withheld, PassScratch<Real>& scratch,
                   std::span<Real> weights) {
    const bool keeps = how == WithheldForecast::kept_without_weight;
    const bool keeps_element = keeps && row.inferers.size() == 1;
    scratch.regrets.assign(row.regrets.begin(), row.regrets.end());
    std::size_t left = row.inferers.size();
    for (std::size_t e = 0; e < row.inferers.size(); ++e) {
        if (row.inferers[e] == withheld && !keeps_element) {
            scratch.regrets[e] = Number<Real>::missing();
            --left;
        }
    }
    const std::size_t size = keeps ? row.inferers.size() : left;
    if (size == 1) {
        for (std::size_t e = 0; e < row.inferers.size(); ++e) {
            weights[e] = Number<Real>::is_missing(scratch.regrets[e]) ? Number<Real>::missing()
                                                                      : Number<Real>::from_int(1);
        }
        return;
    }
    if (left == 0) {
        std::fill(weights.begin(), weights.end(), Number<Real>::missing());
        return;
    }
    weights_of_call(rules, row.epoch.params, std::span<const Real>(scratch.regrets),
                    state.regret_scale, scratch.weight, weights);
}

// Whether the other weights stay as they are without this element: the scale is stored, and someone
// else still holds the maximum.
template <class Real>
bool weights_stay(const Rules& rules, const TopicState<Real>& state, const ForecastRow<Real>& row,
                  std::int32_t withheld) {
    if (rules.scale_storage != ScaleStorage::stored ||
        !(state.regret_scale > Number<Real>::from_int(0))) {
        return false;
    }
    const Real best = *std::max_element(row.regrets.begin(), row.regrets.end());
    std::size_t left = 0;
    bool held = false;
    for (std::size_t e = 0; e < row.inferers.size(); ++e) {
        if (row.inferers[e] != withheld) {
            ++left;
            held = held || row.regrets[e] == best;
        }
    }
    return held && left > 1;
}

// One withheld inferer: the same weights without it where they stay, else a call of its own.
template <class Real>
bool imply_without(const Rules& rules, WithheldForecast how, const TopicState<Real>& state,
                   const ForecastRow<Real>& row, std::span<const Real> weights,
                   std::int32_t withheld, PassScratch<Real>& scratch, Real* value) {
    if (row.prepared.all_inferers_are_new) {
        const bool keeps = how == WithheldForecast::kept_without_weight;
        const auto stripped = std::count(row.inferers.begin(), row.inferers.end(), withheld);
        if (!keeps && row.submitted == static_cast<std::size_t>(stripped)) {
            return false;
        }
        imply_median(row, keeps ? -1 : withheld, scratch, value);
        return true;
    }
    scratch.withheld_weights.assign(weights.begin(), weights.end());
    if (weights_stay(rules, state, row, withheld)) {
        for (std::size_t e = 0; e < row.inferers.size(); ++e) {
            if (row.inferers[e] == withheld) {
                scratch.withheld_weights[e] = Number<Real>::missing();
            }
        }
    } else {
        imply_weights(rules, how, state, row, withheld, scratch,
                      std::span<Real>(scratch.withheld_weights));
    }
    return imply_mean(row, std::span<const Real>(scratch.withheld_weights), scratch, value);
}

// One entry of the row: its own computation where the forecast has an element about the withheld
// inferer, else the forecast-implied inference as it is.
template <class Real>
void imply_one_out(const Rules& rules, WithheldForecast how, const TopicState<Real>& state,
                   const ForecastRow<Real>& row, bool has, std::int32_t withheld,
                   PassScratch<Real>& scratch, Real* without) {
    const std::int32_t labels = row.epoch.labels;
    const bool element =
        std::find(row.inferers.begin(), row.inferers.end(), withheld) != row.inferers.end();
    if (has && element) {
        has = imply_without(rules, how, state, row, std::span<const Real>(scratch.element_weights),
                            withheld, scratch, without);
    } else if (has) {
        const Real* value = row.prepared.implied_value(row.forecaster);
        std::copy(value, value + labels, without);
    }
    if (!has) {
        std::fill(without, without + labels, Number<Real>::missing());
    }
}

// The row feeds the one-out-inferer pass and is a list of the bundle itself. Up to v0.16 the pass
// keeps the withheld inferer's element, while the list strips it.
template <class Real>
void imply_one_outs(const Rules& rules, const TopicState<Real>& state, const ForecastRow<Real>& row,
                    bool has, PassScratch<Real>& scratch, Prepared<Real>& prepared) {
    for (std::int32_t w = 0; w < row.epoch.inferers; ++w) {
        imply_one_out(rules, rules.withheld_forecast, state, row, has, w, scratch,
                      prepared.withheld_value(row.forecaster, w));
        if (!prepared.listed_implied.empty()) {
            imply_one_out(rules, WithheldForecast::stripped, state, row, has, w, scratch,
                          prepared.listed_value(row.forecaster, w));
        }
    }
}

// Forecast-implied inference of forecaster k, and the row of its one-out inferences.
template <class Real>
void imply_forecast(const Rules& rules, const TopicEpoch<Real>& epoch,
                    const TopicState<Real>& state, Prepared<Real>& prepared, std::int32_t k,
                    PassScratch<Real>& scratch, TopicInference<Real>& out) {
    const auto at = static_cast<std::size_t>(k);
    scratch.element_inferers.clear();
    scratch.element_regrets.clear();
    scratch.elements.clear();
    for (std::int32_t e = epoch.element_offsets[at]; e < epoch.element_offsets[at + 1]; ++e) {
        const std::int32_t j = epoch.element_inferers[static_cast<std::size_t>(e)];
        if (j >= 0) {
            scratch.elements.push_back(e);
            scratch.element_inferers.push_back(j);
            scratch.element_regrets.push_back(state.previous_combined_loss -
                                              epoch.element_losses[static_cast<std::size_t>(e)]);
        }
    }
    const auto submitted =
        static_cast<std::size_t>(epoch.element_offsets[at + 1] - epoch.element_offsets[at]);
    const ForecastRow<Real> row{epoch, prepared, scratch.element_inferers, scratch.element_regrets,
                                k,     submitted};
    Real* value = prepared.implied_value(k);
    std::vector<Real>& weights = scratch.element_weights;
    weights.assign(row.inferers.size(), Number<Real>::missing());
    bool has = submitted > 0 && (prepared.all_inferers_are_new || !row.inferers.empty());
    if (has && prepared.all_inferers_are_new) {
        imply_median(row, -1, scratch, value);
    } else if (has) {
        imply_weights(rules, rules.withheld_forecast, state, row, -1, scratch,
                      std::span<Real>(weights));
        for (std::size_t e = 0; e < weights.size(); ++e) {
            out.element_weight[static_cast<std::size_t>(scratch.elements[e])] = weights[e];
        }
        has = imply_mean(row, std::span<const Real>(weights), scratch, value);
    }
    prepared.has_implied[at] = has ? 1 : 0;
    imply_one_outs(rules, state, row, has, scratch, prepared);
}

} // namespace allora

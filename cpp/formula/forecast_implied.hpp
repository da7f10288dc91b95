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
    std::span<const Real> values;           // labels x elements: the inferences
    std::int32_t forecaster;
    std::size_t submitted; // elements of the forecast, absent inferers' included
};

// value = median of x over the elements; `withheld` < 0: all of them. Nothing left: 0, a value.
template <class Real>
ALLORA_HD void imply_median(const ForecastRow<Real>& row, std::int32_t withheld,
                            PassScratch<Real>& scratch, Real* value) {
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
ALLORA_HD bool imply_mean(const ForecastRow<Real>& row, std::span<const Real> weights,
                          Real* value) {
    const std::size_t elements = weights.size();
    for (std::int32_t l = 0; l < row.epoch.labels; ++l) {
        const WeightedSums<Real> sums = weighted_sums(
            weights, row.values.subspan(static_cast<std::size_t>(l) * elements, elements));
        if (sums.is_zero()) {
            return false;
        }
        value[l] = sums.quotient();
    }
    return true;
}

// Weights over the elements without the withheld inferer's; one element weighs 1.
template <class Real>
ALLORA_HD void imply_weights(const Rules& rules, WithheldForecast how,
                             const TopicState<Real>& state, const ForecastRow<Real>& row,
                             std::int32_t withheld, PassScratch<Real>& scratch,
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

// The weights that all entries of a row share, with what it takes to lose one of them. They stay as
// they are without an element if the scale is stored and someone else still holds the maximum.
template <class Real>
struct SharedWeights {
    std::span<const Real> weights;
    // By label: the sums, from which a term is taken away, or the mean without each element.
    std::span<const WeightedSums<Real>> sums;
    std::span<const Real> means; // labels x elements
    // The element about an inferer, or one of:
    static constexpr std::int32_t none = -1;
    static constexpr std::int32_t several = -2;
    std::span<const std::int32_t> element_of;
    bool scale_is_stored;
    Real best;
    std::size_t holders; // of the maximum

    ALLORA_HD bool stay_without(const ForecastRow<Real>& row, std::size_t e) const {
        return scale_is_stored && weights.size() > 2 && (row.regrets[e] != best || holders > 1);
    }
    // The one value without inferer w where it is computed already.
    ALLORA_HD const Real* mean_without(const ForecastRow<Real>& row, std::int32_t w) const {
        const std::int32_t element = element_of[static_cast<std::size_t>(w)];
        const auto e = static_cast<std::size_t>(element);
        return means.size() == weights.size() && element >= 0 && stay_without(row, e) ? &means[e]
                                                                                      : nullptr;
    }
};

// What the means without each element are made of.
template <class Real>
ALLORA_HD void share_means(const ForecastRow<Real>& row, SharedWeights<Real>& shared,
                           PassScratch<Real>& scratch) {
    const std::size_t elements = shared.weights.size();
    scratch.element_sums.clear();
    scratch.element_means.clear();
    for (std::size_t l = 0; l < static_cast<std::size_t>(row.epoch.labels); ++l) {
        const std::span<const Real> values = row.values.subspan(l * elements, elements);
        if (!append_means_without(shared.weights, values, scratch.element_means)) {
            scratch.element_sums.push_back(weighted_sums(shared.weights, values));
        }
    }
    shared.sums = scratch.element_sums;
    shared.means = scratch.element_means;
}

template <class Real>
ALLORA_HD SharedWeights<Real> share_weights(const Rules& rules, const TopicState<Real>& state,
                                            const ForecastRow<Real>& row,
                                            PassScratch<Real>& scratch) {
    using Shared = SharedWeights<Real>;
    scratch.element_of.assign(static_cast<std::size_t>(row.epoch.inferers),
                              std::int32_t{Shared::none});
    for (std::size_t e = 0; e < row.inferers.size(); ++e) {
        std::int32_t& element = scratch.element_of[static_cast<std::size_t>(row.inferers[e])];
        element = element == Shared::none ? static_cast<std::int32_t>(e) : Shared::several;
    }
    Shared shared{scratch.element_weights, {}, {}, scratch.element_of, false, {}, 0};
    if (row.prepared.all_inferers_are_new || row.regrets.empty()) {
        return shared;
    }
    shared.scale_is_stored = rules.scale_storage == ScaleStorage::stored &&
                             state.regret_scale > Number<Real>::from_int(0);
    shared.best = *std::max_element(row.regrets.begin(), row.regrets.end());
    shared.holders =
        static_cast<std::size_t>(std::count(row.regrets.begin(), row.regrets.end(), shared.best));
    if (shared.scale_is_stored && shared.weights.size() > 2) {
        share_means(row, shared, scratch);
    }
    return shared;
}

// The mean that loses one term, the weights staying; false where the others sum to 0.
template <class Real>
ALLORA_HD bool imply_lost(const ForecastRow<Real>& row, const SharedWeights<Real>& shared,
                          std::size_t e, Real* value) {
    const std::size_t elements = shared.weights.size();
    if (shared.sums.empty()) {
        for (std::size_t l = 0; l * elements < shared.means.size(); ++l) {
            value[l] = shared.means[l * elements + e];
            if (Number<Real>::is_missing(value[l])) {
                return false;
            }
        }
        return true;
    }
    for (std::size_t l = 0; l < shared.sums.size(); ++l) {
        const WeightedSums<Real> sums = sums_without(shared.sums[l], shared.weights,
                                                     row.values.subspan(l * elements, elements), e);
        if (sums.is_zero()) {
            return false;
        }
        value[l] = sums.quotient();
    }
    return true;
}

// One withheld inferer about whom the forecast has an element: false where no value is left.
template <class Real>
ALLORA_HD bool imply_without(const Rules& rules, WithheldForecast how,
                             const TopicState<Real>& state, const ForecastRow<Real>& row,
                             const SharedWeights<Real>& shared, std::int32_t withheld,
                             PassScratch<Real>& scratch, Real* value) {
    if (row.prepared.all_inferers_are_new) {
        const bool keeps = how == WithheldForecast::kept_without_weight;
        const auto stripped = std::count(row.inferers.begin(), row.inferers.end(), withheld);
        if (!keeps && row.submitted == static_cast<std::size_t>(stripped)) {
            return false;
        }
        imply_median(row, keeps ? -1 : withheld, scratch, value);
        return true;
    }
    const std::int32_t element = shared.element_of[static_cast<std::size_t>(withheld)];
    if (element >= 0 && shared.stay_without(row, static_cast<std::size_t>(element))) {
        return imply_lost(row, shared, static_cast<std::size_t>(element), value);
    }
    scratch.withheld_weights.assign(shared.weights.begin(), shared.weights.end());
    imply_weights(rules, how, state, row, withheld, scratch,
                  std::span<Real>(scratch.withheld_weights));
    return imply_mean(row, std::span<const Real>(scratch.withheld_weights), value);
}

// One entry of the row: its own computation where the forecast has an element about the withheld
// inferer, else the forecast-implied inference as it is.
template <class Real>
ALLORA_HD void imply_one_out(const Rules& rules, WithheldForecast how,
                             const TopicState<Real>& state, const ForecastRow<Real>& row,
                             const SharedWeights<Real>& shared, bool has, std::int32_t withheld,
                             PassScratch<Real>& scratch, Real* without) {
    const std::int32_t labels = row.epoch.labels;
    if (has && shared.element_of[static_cast<std::size_t>(withheld)] != SharedWeights<Real>::none) {
        has = imply_without(rules, how, state, row, shared, withheld, scratch, without);
    } else if (has) {
        copy_labels(row.prepared.implied_value(row.forecaster), labels, without);
    }
    for (std::int32_t l = 0; !has && l < labels; ++l) {
        without[l] = Number<Real>::missing();
    }
}

// The row feeds the one-out-inferer pass and is a list of the bundle itself. Up to v0.16 the pass
// keeps the withheld inferer's element, while the list strips it.
template <class Real>
ALLORA_HD void imply_one_outs(const Rules& rules, const TopicState<Real>& state,
                              const ForecastRow<Real>& row, bool has, PassScratch<Real>& scratch,
                              Prepared<Real>& prepared) {
    const SharedWeights<Real> shared = share_weights(rules, state, row, scratch);
    for (std::int32_t w = 0; w < row.epoch.inferers; ++w) {
        if (const Real* mean = shared.mean_without(row, w); mean != nullptr) {
            *prepared.withheld_value(row.forecaster, w) = *mean;
            *prepared.listed_value(row.forecaster, w) = *mean;
            continue;
        }
        imply_one_out(rules, rules.withheld_forecast, state, row, shared, has, w, scratch,
                      prepared.withheld_value(row.forecaster, w));
        if (!prepared.listed_implied.empty()) {
            imply_one_out(rules, WithheldForecast::stripped, state, row, shared, has, w, scratch,
                          prepared.listed_value(row.forecaster, w));
        }
    }
}

// Forecast-implied inference of forecaster k, and the row of its one-out inferences.
template <class Real>
ALLORA_HD void imply_forecast(const Rules& rules, const TopicEpoch<Real>& epoch,
                              const TopicState<Real>& state, Prepared<Real>& prepared,
                              std::int32_t k, PassScratch<Real>& scratch,
                              TopicInference<Real>& out) {
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
    scratch.element_values.clear();
    for (std::int32_t l = 0; l < epoch.labels; ++l) {
        for (const std::int32_t j : scratch.element_inferers) {
            scratch.element_values.push_back(prepared.inference(j, l));
        }
    }
    const auto submitted =
        static_cast<std::size_t>(epoch.element_offsets[at + 1] - epoch.element_offsets[at]);
    const ForecastRow<Real> row{
        epoch, prepared, scratch.element_inferers, scratch.element_regrets, scratch.element_values,
        k,     submitted};
    Real* value = prepared.implied_value(k);
    List<Real>& weights = scratch.element_weights;
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
        has = imply_mean(row, std::span<const Real>(weights), value);
    }
    prepared.has_implied[at] = has ? 1 : 0;
    imply_one_outs(rules, state, row, has, scratch, prepared);
}

} // namespace allora

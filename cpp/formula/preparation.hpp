// The start of an inference: which branch it takes, and what all passes share.
// allora-chain v0.17, x/emissions/keeper/inference_synthesis/network_inferences.go.
#pragma once

#include "prepared.hpp"

#include <algorithm>
#include <span>

namespace allora {

template <class Real>
ALLORA_HD void set_fault(TopicInference<Real>& out, Cause cause, const char* field,
                         const char* role, std::int32_t actor) {
    if (out.status.ok()) {
        out.status = {cause, field, actor, role};
    }
}

template <class Real>
ALLORA_HD void clear_results(const TopicEpoch<Real>& epoch, TopicInference<Real>& out) {
    const BundleLayout layout{epoch.inferers, epoch.forecasters};
    const Real missing = Number<Real>::missing();
    const auto inferers = static_cast<std::size_t>(epoch.inferers);
    const auto forecasters = static_cast<std::size_t>(epoch.forecasters);
    out.status = {};
    out.regret_scale = missing;
    out.values.assign(static_cast<std::size_t>(layout.width() * epoch.labels), missing);
    for (List<Real>* column :
         {&out.inferer_weight, &out.inferer_regret_used, &out.normalized_inferer_weight}) {
        column->assign(inferers, missing);
    }
    for (List<Real>* column :
         {&out.forecaster_weight, &out.forecaster_regret_used, &out.normalized_forecaster_weight}) {
        column->assign(forecasters, missing);
    }
    out.element_weight.assign(epoch.element_losses.size(), missing);
    out.confidence_interval.clear();
}

template <class Real>
ALLORA_HD void set_value(const TopicEpoch<Real>& epoch, std::int64_t slot, const Real* value,
                         TopicInference<Real>& out) {
    copy_labels(value, epoch.labels, out.values.data() + slot * epoch.labels);
}

// v0.6 to v0.9 without an earlier loss: the median of the inferences, and a naive value of 0.
template <class Real>
ALLORA_HD void infer_median(const TopicEpoch<Real>& epoch, const Prepared<Real>& prepared,
                            TopicInference<Real>& out) {
    List<Real> values(static_cast<std::size_t>(epoch.inferers));
    List<Real> sorted(values.size());
    const Real zero = Number<Real>::from_int(0);
    for (std::int32_t l = 0; l < epoch.labels; ++l) {
        for (std::int32_t j = 0; j < epoch.inferers; ++j) {
            values[static_cast<std::size_t>(j)] = prepared.inference(j, l);
        }
        out.values[static_cast<std::size_t>(l)] =
            median(std::span<const Real>(values), std::span<Real>(sorted));
        out.values[static_cast<std::size_t>(epoch.labels) + static_cast<std::size_t>(l)] = zero;
    }
}

// Checks and shares; false where the passes have nothing to do (a fault, a single inference, the
// median branch).
template <class Real>
ALLORA_HD bool prepare(const Rules& rules, const TopicEpoch<Real>& epoch,
                       const TopicState<Real>& state, Prepared<Real>& prepared,
                       TopicInference<Real>& out) {
    clear_results(epoch, out);
    if (epoch.inferers == 0) {
        set_fault(out, Cause::no_inference, "inferences", "", -1);
        return false;
    }
    if (rules.labels == Labels::scalar && epoch.labels > 1) {
        set_fault(out, Cause::several_labels, "labels", "", -1);
        return false;
    }
    prepared.inferers = epoch.inferers;
    prepared.labels = epoch.labels;
    prepared.all_inferers_are_new = Number<Real>::is_zero(state.initial_regret);
    prepared.inferences = epoch.inferences;
    for (Real& value : prepared.inferences) {
        if (Number<Real>::is_missing(value)) {
            value = epoch.params.label_default_value;
        }
    }
    out.all_inferers_are_new = prepared.all_inferers_are_new;
    const BundleLayout layout{epoch.inferers, epoch.forecasters};
    for (std::int32_t j = 0; j < epoch.inferers; ++j) {
        set_value(epoch, layout.inferer(j), &prepared.inference(j, 0), out);
    }
    if (epoch.inferers == 1) {
        out.branch = Branch::single;
        set_value(epoch, BundleLayout::combined(), prepared.inferences.data(), out);
        set_value(epoch, BundleLayout::naive(), prepared.inferences.data(), out);
        return false;
    }
    const bool has_loss = !Number<Real>::is_missing(state.previous_combined_loss);
    if (!has_loss && rules.no_previous_loss == NoPreviousLoss::median) {
        out.branch = Branch::median;
        infer_median(epoch, prepared, out);
        return false;
    }
    out.branch = has_loss ? Branch::weighted : Branch::no_previous_loss;
    prepared.forecasters = has_loss ? epoch.forecasters : 0;
    const auto forecasters = static_cast<std::size_t>(prepared.forecasters);
    prepared.has_implied.assign(forecasters, 0);
    prepared.implied.resize(forecasters * static_cast<std::size_t>(epoch.labels));
    prepared.withheld_implied.resize(prepared.implied.size() *
                                     static_cast<std::size_t>(epoch.inferers));
    const bool differs = rules.one_out_inferer_forecaster == Presence::present &&
                         rules.withheld_forecast == WithheldForecast::kept_without_weight;
    prepared.listed_implied.resize(differs ? prepared.withheld_implied.size() : 0);
    return true;
}

// Forecast-implied inferences into their slots; forecasters without one leave the epoch.
template <class Real>
ALLORA_HD void join_forecasts(const Rules& rules, const TopicEpoch<Real>& epoch,
                              Prepared<Real>& prepared, TopicInference<Real>& out) {
    const BundleLayout layout{epoch.inferers, epoch.forecasters};
    prepared.implied_count = 0;
    for (std::int32_t k = 0; k < prepared.forecasters; ++k) {
        if (prepared.has_implied[static_cast<std::size_t>(k)] == 0) {
            continue;
        }
        ++prepared.implied_count;
        const Real* value = prepared.implied_value(k);
        for (std::int32_t l = 0; l < epoch.labels; ++l) {
            if (const Cause cause = Number<Real>::fault(value[l]); cause != Cause::none) {
                set_fault(out, cause, "forecast_implied", "forecaster", k);
            }
        }
        set_value(epoch, layout.forecaster(k), value, out);
        if (rules.one_out_inferer_forecaster == Presence::present) {
            for (std::int32_t w = 0; w < epoch.inferers; ++w) {
                const Real* without = prepared.listed_value(k, w);
                // An error in one pair leaves that pair out, and only does_not_fit is not one.
                const Cause cause = Number<Real>::fault(without[0]);
                if (cause == Cause::does_not_fit) {
                    set_fault(out, cause, "one_out_inferer_forecaster", "forecaster", k);
                } else if (cause == Cause::none) {
                    set_value(epoch, layout.one_out_inferer_forecaster(k, w), without, out);
                }
            }
        }
    }
}

} // namespace allora

// After the regrets: the topic's initial regret, its regret scale and the stored weights.
// allora-chain v0.6 and v0.7, x/emissions/keeper/inference_synthesis/network_regrets.go; v0.9,
// x/emissions/keeper/inference_synthesis/weight.go.
#pragma once

#include "regret.hpp"
#include "weight.hpp"

#include <span>

namespace allora {

// Participants whose regret was updated in this epoch, inferers first.
template <class Real>
struct Updated {
    List<Real> regrets;
    List<Real> previous_weights;
    List<std::uint8_t> experienced;
    List<std::int32_t> actors;
    std::size_t inferers = 0;
};

// Buffers of one thread, reused from topic to topic.
template <class Real>
struct ClosingScratch {
    WeightScratch<Real> weight;
    List<Real> chosen;
    List<Real> weights;
};

// Experienced: a stored regret of this role before the epoch, and inclusions of at least 1/alpha.
template <class Real>
ALLORA_HD void collect_updated(const TopicEpoch<Real>& epoch, const List<Real>& losses,
                               const List<Real>& inferers_before,
                               const List<Real>& forecasters_before, const TopicState<Real>& state,
                               Updated<Real>& updated) {
    const BundleLayout layout{epoch.inferers, epoch.forecasters};
    const Real needed = Number<Real>::from_int(1) / epoch.params.alpha_regret;
    updated.regrets.clear();
    updated.previous_weights.clear();
    updated.experienced.clear();
    updated.actors.clear();
    const auto add = [&](std::int32_t actor, const Real& old, const Real& regret,
                         const Real& weight, std::uint64_t inclusions) {
        updated.actors.push_back(actor);
        updated.regrets.push_back(regret);
        updated.previous_weights.push_back(weight);
        const Real count = Number<Real>::from_int(static_cast<std::int64_t>(inclusions));
        updated.experienced.push_back(!Number<Real>::is_missing(old) && count >= needed ? 1 : 0);
    };
    for (std::size_t j = 0; j < inferers_before.size(); ++j) {
        const auto slot = static_cast<std::size_t>(layout.inferer(static_cast<std::int64_t>(j)));
        if (!Number<Real>::is_missing(losses[slot])) {
            add(static_cast<std::int32_t>(j), inferers_before[j], state.inferer_regret[j],
                state.inferer_weight[j], state.inferer_inclusions[j]);
        }
    }
    updated.inferers = updated.actors.size();
    for (std::size_t k = 0; k < forecasters_before.size(); ++k) {
        const auto slot = static_cast<std::size_t>(layout.forecaster(static_cast<std::int64_t>(k)));
        if (!Number<Real>::is_missing(losses[slot])) {
            add(static_cast<std::int32_t>(k), forecasters_before[k], state.forecaster_regret[k],
                state.forecaster_weight[k], state.forecaster_inclusions[k]);
        }
    }
}

// R0 = Q + (c - 8.25/p) D: Q the quantile of the experienced regrets, D their deviation + epsilon.
// Since v0.7, with too few of them: Q over all updated regrets if those are enough, else unchanged.
template <class Real>
ALLORA_HD Real next_initial_regret(const Rules& rules, const Params<Real>& params,
                                   const Updated<Real>& updated, const Real& current,
                                   ClosingScratch<Real>& scratch) {
    if (rules.initial_regret == InitialRegret::held) {
        return current;
    }
    List<Real>& experienced = scratch.chosen;
    experienced.clear();
    for (std::size_t i = 0; i < updated.regrets.size(); ++i) {
        if (updated.experienced[i] != 0) {
            experienced.push_back(updated.regrets[i]);
        }
    }
    const auto count = [](const List<Real>& values) {
        return Number<Real>::from_int(static_cast<std::int64_t>(values.size()));
    };
    scratch.weight.sorted.resize(updated.regrets.size());
    const std::span<Real> sorted(scratch.weight.sorted);
    const bool any = rules.initial_regret == InitialRegret::any_experienced;
    const Real& minimum = params.min_experienced_worker_regrets;
    if (any ? !experienced.empty() : count(experienced) >= minimum) {
        const std::span<const Real> values(experienced);
        const Real low = quantile(values, params.initial_regret_quantile, sorted);
        const Real c = rules.initial_regret_c == InitialRegretC::fixed
                           ? Number<Real>::constant(75, -2)
                           : params.c_norm;
        Rules deviation = rules;
        deviation.scale_measure = rules.initial_regret_deviation;
        const Real spread = regret_scale<Real>(deviation, params, values, scratch.weight);
        return low + (c - params.p_norm_safe_div / params.p_norm) * spread;
    }
    if (!any && count(updated.regrets) >= minimum) {
        return quantile(std::span<const Real>(updated.regrets), params.initial_regret_quantile,
                        sorted);
    }
    return current;
}

// The scale of the next epoch's calls, over the regrets whose previous weight exceeds the threshold
// where the rules filter; over all where fewer than two would remain.
template <class Real>
ALLORA_HD Real next_regret_scale(const Rules& rules, const Params<Real>& params,
                                 const Updated<Real>& updated, ClosingScratch<Real>& scratch) {
    if (rules.scale_filter == ScaleFilter::previous_weight) {
        List<Real>& weighty = scratch.chosen;
        weighty.clear();
        for (std::size_t i = 0; i < updated.regrets.size(); ++i) {
            if (!Number<Real>::is_missing(updated.previous_weights[i]) &&
                updated.previous_weights[i] > params.min_weight_threshold_for_stdnorm) {
                weighty.push_back(updated.regrets[i]);
            }
        }
        if (weighty.size() >= 2) {
            return regret_scale<Real>(rules, params, weighty, scratch.weight);
        }
    }
    return regret_scale<Real>(rules, params, updated.regrets, scratch.weight);
}

// w / sum(w) of everyone updated in this epoch, under the new scale.
template <class Real>
ALLORA_HD Cause store_weights(const Rules& rules, const Params<Real>& params,
                              const Updated<Real>& updated, ClosingScratch<Real>& scratch,
                              TopicState<Real>& state) {
    List<Real>& weights = scratch.weights;
    weights.resize(updated.regrets.size());
    weights_of_call(rules, params, std::span<const Real>(updated.regrets), state.regret_scale,
                    scratch.weight, std::span<Real>(weights));
    Sum<Real> total;
    for (const Real& weight : weights) {
        total.add(weight);
    }
    if (total.is_zero()) {
        return Cause::zero_weight;
    }
    for (std::size_t i = 0; i < weights.size(); ++i) {
        const auto actor = static_cast<std::size_t>(updated.actors[i]);
        Sum<Real> numerator;
        numerator.add(weights[i]);
        const Real share = numerator.quotient(total);
        if (const Cause cause = Number<Real>::fault(share); cause != Cause::none) {
            return cause;
        }
        (i < updated.inferers ? state.inferer_weight : state.forecaster_weight)[actor] = share;
    }
    return Cause::none;
}

} // namespace allora

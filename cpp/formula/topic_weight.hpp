// What a topic weighs, and how its fee revenue drips away:
// w = alpha S^mu P^nu + (1 - alpha) w_before.
// allora-chain v0.6 to v0.17, x/emissions/keeper/topic_weight.go, keeper.go.
#pragma once

#include "../number/statistics.hpp"
#include "../number/whole_units.hpp"
#include "../protocol/rules.hpp"

#include <cstdint>

namespace allora {

template <class Real>
struct TopicWeightParams {
    Real topic_reward_alpha;
    Real topic_reward_stake_importance;
    Real topic_reward_fee_revenue_importance;
    Real min_topic_weight;
    std::int64_t max_active_topics_per_block = 1;
    std::int64_t blocks_per_month = 0;
};

// S^mu * P^nu; until v0.9 the revenue counts per block of the epoch, P / l.
template <class Real>
Real target_weight(const Rules& rules, const TopicWeightParams<Real>& params, const Real& stake,
                   const Real& fee_revenue, std::int64_t epoch_length) {
    const Real basis = rules.topic_weight_revenue == TopicWeightRevenue::per_block
                           ? fee_revenue / Number<Real>::from_int(epoch_length)
                           : fee_revenue;
    return pow(rules.decimal_functions, stake, params.topic_reward_stake_importance) *
           pow(rules.decimal_functions, basis, params.topic_reward_fee_revenue_importance);
}

// The smoothed weight; 0 without fee revenue, the target without a previous one (missing).
template <class Real>
Cause topic_weight(const Rules& rules, const TopicWeightParams<Real>& params, const Real& stake,
                   const Real& fee_revenue, std::int64_t epoch_length, const Real& previous,
                   Real& weight) {
    weight = Number<Real>::from_int(0);
    if (Number<Real>::is_zero(fee_revenue)) {
        return Cause::none;
    }
    const Real target = target_weight(rules, params, stake, fee_revenue, epoch_length);
    if (carries_fault(target)) {
        return Number<Real>::fault(target);
    }
    Real alpha = params.topic_reward_alpha;
    if (rules.topic_weight_smoothing == TopicWeightSmoothing::per_week) {
        const Real week = blocks_per_week(Number<Real>::from_int(params.blocks_per_month));
        const Cause cause =
            smoothed_alpha(rules.decimal_functions, Number<Real>::from_int(epoch_length), week,
                           params.topic_reward_alpha, alpha);
        if (cause != Cause::none) {
            return cause;
        }
    }
    const bool first = Number<Real>::is_missing(previous);
    weight = ema(alpha, target, first ? weight : previous, first);
    return Number<Real>::fault(weight);
}

// trunc(max(P - P / (blocks per week / l), 0)).
template <class Real>
Real dripped_revenue(const TopicWeightParams<Real>& params, const Real& fee_revenue,
                     std::int64_t epoch_length) {
    const Real week = blocks_per_week(Number<Real>::from_int(params.blocks_per_month));
    const Real epochs_per_week = week / Number<Real>::from_int(epoch_length);
    if (Number<Real>::is_zero(epochs_per_week)) {
        return whole_units(fee_revenue);
    }
    const Real left = fee_revenue - fee_revenue / epochs_per_week;
    const Real zero = Number<Real>::from_int(0);
    return whole_units(!carries_fault(left) && compare(left, zero) < 0 ? zero : left);
}

} // namespace allora

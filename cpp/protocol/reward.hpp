// What scores and rewards of one topic start from and what they give: plain values over dense
// arrays in address order.
#pragma once

#include "topic.hpp"

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>

namespace allora {

// A count that was never stored; it reads as 0.
inline constexpr std::uint64_t no_count = ~std::uint64_t{0};

struct EpochActors {
    std::span<const std::uint32_t> inferers;
    std::span<const std::uint32_t> forecasters;
    std::span<const std::uint32_t> reputers;
};

// One role's averages and fractions, one per actor of the epoch; missing, no_count: never stored.
template <class Real>
struct RoleRewardState {
    List<Real> score_ema;
    List<std::uint64_t> score_height;
    List<Real> reward_fraction; // smoothed
    Real score_quantile;
    Real initial_score;
    List<Real> past_scores; // of all actors, newest block first, each in its stored order
    // This epoch's entries of the history: at most `kept` of the last ones stay, and so many blocks
    // that this number of scores can be read.
    bool has_record = false;
    List<Real> record; // missing: no score
    std::size_t kept = 0;
};

template <class Real>
struct RewardState {
    RoleRewardState<Real> inferers, forecasters, reputers;
    List<Real> listening_coefficient;
    List<Real> delegate_reward_per_share;
    Real forecaster_score_ratio;
    // Whether this epoch paid the worker.
    List<std::uint8_t> inferer_included, forecaster_included;
};

enum class Role : std::uint8_t { inferer, forecaster, reputer, topic };

// Missing: no such value, in particular after a stage that failed.
template <class Real>
struct TopicReward {
    Status status;
    std::int32_t iterations = 0; // of the descent
    List<Real> inferer_score, forecaster_score, reputer_score;
    List<Real> listening_coefficient_used, adjusted_stake_used, adjusted_stake;
    List<Real> inferer_fraction, forecaster_fraction, reputer_fraction;
    List<Real> inferer_reward, forecaster_reward, reputer_reward, delegators_reward;
    List<Real> inferer_paid, forecaster_paid, reputer_paid;
    List<Real> inference_entropy, forecasting_entropy, reputer_entropy; // one number each
    List<Real> forecasting_task_utility_score, forecaster_score_ratio, chi, gamma;
    List<Real> inference_task_reward, forecasting_task_reward, reputer_task_reward;
};

// One list of results: a number per actor of the role, or one for the topic.
template <class Real>
struct RewardField {
    const char* name;
    Role role;
    List<Real> TopicReward<Real>::* member;
};

template <class Real>
inline constexpr RewardField<Real> reward_fields[] = {
    {"inferer_score", Role::inferer, &TopicReward<Real>::inferer_score},
    {"forecaster_score", Role::forecaster, &TopicReward<Real>::forecaster_score},
    {"reputer_score", Role::reputer, &TopicReward<Real>::reputer_score},
    {"listening_coefficient_used", Role::reputer, &TopicReward<Real>::listening_coefficient_used},
    {"adjusted_stake_used", Role::reputer, &TopicReward<Real>::adjusted_stake_used},
    {"adjusted_stake", Role::reputer, &TopicReward<Real>::adjusted_stake},
    {"inferer_fraction", Role::inferer, &TopicReward<Real>::inferer_fraction},
    {"forecaster_fraction", Role::forecaster, &TopicReward<Real>::forecaster_fraction},
    {"reputer_fraction", Role::reputer, &TopicReward<Real>::reputer_fraction},
    {"inferer_reward", Role::inferer, &TopicReward<Real>::inferer_reward},
    {"forecaster_reward", Role::forecaster, &TopicReward<Real>::forecaster_reward},
    {"reputer_reward", Role::reputer, &TopicReward<Real>::reputer_reward},
    {"delegators_reward", Role::reputer, &TopicReward<Real>::delegators_reward},
    {"inferer_paid", Role::inferer, &TopicReward<Real>::inferer_paid},
    {"forecaster_paid", Role::forecaster, &TopicReward<Real>::forecaster_paid},
    {"reputer_paid", Role::reputer, &TopicReward<Real>::reputer_paid},
    {"inference_entropy", Role::topic, &TopicReward<Real>::inference_entropy},
    {"forecasting_entropy", Role::topic, &TopicReward<Real>::forecasting_entropy},
    {"reputer_entropy", Role::topic, &TopicReward<Real>::reputer_entropy},
    {"forecasting_task_utility_score", Role::topic,
     &TopicReward<Real>::forecasting_task_utility_score},
    {"forecaster_score_ratio", Role::topic, &TopicReward<Real>::forecaster_score_ratio},
    {"chi", Role::topic, &TopicReward<Real>::chi},
    {"gamma", Role::topic, &TopicReward<Real>::gamma},
    {"inference_task_reward", Role::topic, &TopicReward<Real>::inference_task_reward},
    {"forecasting_task_reward", Role::topic, &TopicReward<Real>::forecasting_task_reward},
    {"reputer_task_reward", Role::topic, &TopicReward<Real>::reputer_task_reward},
};

inline constexpr std::size_t reward_field_count = std::size(reward_fields<int>);

// visit(role, list) for every field, by indices that are constants: a device cannot read the table.
template <std::size_t at = 0, class Real, class Visit>
ALLORA_HD void each_reward_list(TopicReward<Real>& reward, const Visit& visit) {
    if constexpr (at < reward_field_count) {
        constexpr RewardField<Real> field = reward_fields<Real>[at];
        visit(field.role, reward.*field.member);
        each_reward_list<at + 1>(reward, visit);
    }
}

} // namespace allora

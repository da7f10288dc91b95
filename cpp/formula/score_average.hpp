// Averages of scores, their quantile, the initial score, and which scores a deviation is taken of.
// allora-chain v0.6 and v0.16, x/emissions/keeper/ema_scores.go and score_utils.go.
#pragma once

#include "../number/statistics.hpp"
#include "../protocol/reward.hpp"
#include "../protocol/rules.hpp"

#include <algorithm>
#include <cstdint>
#include <span>

namespace allora {

template <class Real>
ALLORA_HD List<Real> present_of(const List<Real>& values) {
    List<Real> present;
    present.reserve(values.size());
    for (const Real& value : values) {
        if (!Number<Real>::is_missing(value)) {
            present.push_back(value);
        }
    }
    return present;
}

// min(x) - lambda s of the averages just updated, s their sample deviation; 0 of none.
template <class Real>
ALLORA_HD Real initial_score_of(std::span<const Real> averages, const Real& lambda) {
    if (averages.empty()) {
        return Number<Real>::from_int(0);
    }
    Real low = averages[0];
    for (const Real& average : averages) {
        low = average < low ? average : low;
    }
    return low - lambda * standard_deviation(averages);
}

// A score enters the actor's average. Up to v0.7 it does so whole where nothing is stored, which a
// stored 0 of height 0 says too, and the block height becomes the nonce's. Since v0.8 a first
// submission has stored the topic's initial score, which is averaged like any other, 0 included.
template <class Real>
ALLORA_HD Real average_score(const Rules& rules, const Params<Real>& params, const Real& score,
                             std::uint64_t height, const RoleRewardState<Real>& state,
                             const Real& stored) {
    const bool absent = Number<Real>::is_missing(stored);
    if (rules.first_score == FirstScore::averaged) {
        return ema(params.merit_sortition_alpha, score, absent ? state.initial_score : stored,
                   false);
    }
    const bool unsubmitted = height == no_count || height == 0;
    const bool first = absent || (unsubmitted && Number<Real>::is_zero(stored));
    return ema(params.merit_sortition_alpha, score, first ? score : stored, first);
}

// Whether the initial score is taken anew of the averages of so many actors.
template <class Real>
ALLORA_HD bool refreshes_initial_score(const Rules& rules, std::size_t scored, const Real& seats) {
    return rules.initial_score == Presence::present &&
           (rules.initial_score_refresh == InitialScoreRefresh::every_epoch ||
            compare(Number<Real>::from_int(static_cast<std::int64_t>(scored)), seats) >= 0);
}

// A role's part in the active set: which quantile of its scores is kept, and its seats.
template <class Real>
struct RoleSeats {
    const Real& quantile;
    const Real& seats;
};

// Averages of a role's scored actors, the quantile of their scores (since v0.16: of their
// averages), and in `initial` the initial score to store. Everything stays as it was on a fault.
template <class Real>
ALLORA_HD Cause update_averages(const Rules& rules, const Params<Real>& params, std::int64_t nonce,
                                const RoleSeats<Real>& role, const List<Real>& scores,
                                RoleRewardState<Real>& state, Real& initial) {
    List<Real> averages;
    averages.reserve(scores.size());
    List<Real> stored = state.score_ema;
    List<std::uint64_t> heights = state.score_height;
    for (std::size_t i = 0; i < scores.size(); ++i) {
        if (Number<Real>::is_missing(scores[i])) {
            continue;
        }
        stored[i] = average_score(rules, params, scores[i], heights[i], state, stored[i]);
        if (rules.first_score == FirstScore::whole) {
            heights[i] = static_cast<std::uint64_t>(nonce);
        }
        if (const Cause cause = Number<Real>::fault(stored[i]); cause != Cause::none) {
            return cause;
        }
        averages.push_back(stored[i]);
    }
    List<Real> scratch(averages.size());
    const Real value =
        rules.score_quantile == ScoreQuantile::averages
            ? quantile(std::span<const Real>(averages), role.quantile, std::span<Real>(scratch))
            : quantile(std::span<const Real>(present_of(scores)), role.quantile,
                       std::span<Real>(scratch));
    if (const Cause cause = Number<Real>::fault(value); cause != Cause::none) {
        return cause;
    }
    initial = state.initial_score;
    if (refreshes_initial_score(rules, averages.size(), role.seats)) {
        initial = initial_score_of(std::span<const Real>(averages), params.lambda_initial_score);
        if (const Cause cause = Number<Real>::fault(initial); cause != Cause::none) {
            return cause;
        }
    }
    state.score_quantile = value;
    state.score_ema = std::move(stored);
    state.score_height = std::move(heights);
    return Cause::none;
}

// The least count in [0, limit] that is not below x; counts above the limit make no difference.
template <class Real>
ALLORA_HD std::size_t count_up_to(const Real& x, std::size_t limit) {
    std::size_t low = 0;
    while (low < limit) {
        const std::size_t middle = low + (limit - low) / 2;
        if (Number<Real>::from_int(static_cast<std::int64_t>(middle)) < x) {
            low = middle + 1;
        } else {
            limit = middle;
        }
    }
    return low;
}

// How many scores of the history are read back: a fixed number, since v0.8 that many per seat of
// the active set.
template <class Real>
ALLORA_HD Real scores_read_back(const Rules& rules, const Params<Real>& params, const Real& seats) {
    return rules.score_samples == ScoreSamples::per_seat
               ? params.max_samples_to_scale_scores * seats
               : params.max_samples_to_scale_scores;
}

// This epoch's scores enter the history.
template <class Real>
ALLORA_HD void record_scores(const Rules& rules, const Params<Real>& params, const Real& seats,
                             const List<Real>& scores, RoleRewardState<Real>& state) {
    const Real wanted = scores_read_back(rules, params, seats);
    state.record = scores;
    state.kept = count_up_to(wanted, state.past_scores.size() + scores.size());
    state.has_record = true;
}

// The scores that the deviation is taken of: from this epoch's block backwards, each block from its
// first entry. A block with more entries than are read holds its last ones only.
template <class Real>
ALLORA_HD List<Real> sampled_scores(const RoleRewardState<Real>& state) {
    List<Real> sample = present_of(state.record);
    if (sample.size() > state.kept) {
        const std::size_t surplus = sample.size() - state.kept;
        copy_entries(sample.begin() + surplus, sample.end(), sample.begin());
        sample.resize(state.kept);
    }
    const std::size_t wanted = std::min(state.kept - sample.size(), state.past_scores.size());
    sample.append(state.past_scores.begin(), state.past_scores.begin() + wanted);
    return sample;
}

} // namespace allora

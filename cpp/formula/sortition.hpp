// Active sets: who may take part in a nonce, decided one submission at a time. Free seats go to
// whoever comes; in a full set a submission competes with the recorded lowest average score, and
// whoever loses has its average moved once toward the topic's last saved quantile.
// allora-chain v0.6, x/emissions/keeper/keeper.go, score_utils.go; v0.8, actor_penalties.go.
#pragma once

#include "../number/statistics.hpp"
#include "../protocol/reward.hpp"
#include "../protocol/rules.hpp"
#include "../protocol/topic.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace allora {

enum class Outcome : std::uint8_t {
    entered,
    displaced,
    outside,
    already_active,
    already_updated,
    failed
};

template <class Real>
struct SubmissionWindow {
    Role role = Role::inferer;
    std::int64_t nonce = 0;
    std::int64_t seats = 0;
    std::int64_t epoch_last_ended = 0;
    std::int64_t epoch_length = 0;
    std::int64_t ground_truth_lag = 0;
    Real merit_sortition_alpha;
};

template <class Real>
struct LowestScore {
    std::int32_t actor = -1; // -1: none is recorded
    Real score;
    std::int64_t height = 0;
};

// Everybody of the window, in address order; a missing score was never stored.
template <class Real>
struct ActiveSet {
    std::vector<Real> score;
    std::vector<std::int64_t> height;
    std::vector<std::uint8_t> active;
    std::int64_t members = 0;
    LowestScore<Real> lowest;
    Real quantile;
    Real initial_score;
};

struct Submitted {
    Outcome outcome = Outcome::failed;
    std::int32_t displaced = -1;
    Cause cause = Cause::none;
};

// floor((start - 1 - last) / epoch_length) + 1 of the epochs before
// start = epoch_last_ended - epoch_length, for reputers minus ground_truth_lag as well.
template <class Real>
std::int64_t missed_epochs(const SubmissionWindow<Real>& window, std::int64_t height) {
    std::int64_t start = window.epoch_last_ended - window.epoch_length;
    if (window.role == Role::reputer) {
        start -= window.ground_truth_lag;
    }
    start = std::max<std::int64_t>(start, 0);
    const std::int64_t last = std::max<std::int64_t>(height, 0);
    return last >= start ? 0 : (start - 1 - last) / window.epoch_length + 1;
}

// An average score moved `missed` times toward the initial one; a score equal to that stays. One by
// one, the moves end where another would not change the score.
template <class Real>
Real penalized(const Rules& rules, const Real& alpha, const Real& initial_score, const Real& score,
               std::int64_t missed) {
    if (missed == 0 || compare(score, initial_score) == 0) {
        return score;
    }
    if (rules.liveness_penalty_steps == LivenessPenaltySteps::at_once) {
        return ncalc_ema(rules.decimal_functions, alpha, initial_score, score,
                         Number<Real>::from_int(missed));
    }
    Real moved = score;
    for (std::int64_t epoch = 0; epoch < missed; ++epoch) {
        const Real before = moved;
        moved = ema(alpha, initial_score, before, false);
        if (carries_fault(moved) || compare(moved, before) == 0) {
            break;
        }
    }
    return moved;
}

template <class Real>
class Sortition {
public:
    Sortition(const Rules& rules, const SubmissionWindow<Real>& window, ActiveSet<Real>& set)
        : rules_(rules), window_(window), set_(set) {}

    // A submission that fails changes nothing.
    Submitted submit(std::int32_t actor) {
        const auto at = static_cast<std::size_t>(actor);
        if (set_.active[at] != 0) {
            return {Outcome::already_active};
        }
        const bool free = set_.members < window_.seats;
        if (free && rules_.recorded_lowest == RecordedLowest::kept_across_epochs) {
            enter(actor);
            return {Outcome::entered};
        }
        if (set_.height[at] >= window_.nonce) {
            return {Outcome::already_updated};
        }
        const Real score_before = set_.score[at];
        const std::int64_t height_before = set_.height[at];
        const LowestScore<Real> lowest_before = set_.lowest;
        LowestScore<Real> candidate;
        Submitted result = arrive(actor, candidate);
        if (result.cause == Cause::none) {
            const bool moves_own = height_before != 0 || rules_.initial_score == Presence::absent;
            result = free ? seat(candidate) : compete(candidate, moves_own);
        }
        if (result.cause != Cause::none) {
            set_.score[at] = score_before;
            set_.height[at] = height_before;
            set_.lowest = lowest_before;
        }
        return result;
    }

private:
    // Stores the submitter's average since v0.8, and says what it competes with. Forecasters, and
    // reputers until v0.15, compete with score 0 and height 0 the first time.
    Submitted arrive(std::int32_t actor, LowestScore<Real>& candidate) {
        const auto at = static_cast<std::size_t>(actor);
        candidate = stored(actor);
        if (rules_.initial_score == Presence::absent) {
            return {};
        }
        if (set_.height[at] == 0) {
            keep(actor, set_.initial_score);
            const bool zero = window_.role == Role::forecaster ||
                              (window_.role == Role::reputer &&
                               rules_.first_reputer_score == FirstReputerScore::zero);
            candidate =
                zero ? LowestScore<Real>{actor, Number<Real>::from_int(0), 0} : stored(actor);
            return {};
        }
        if (rules_.liveness_penalty == Presence::present) {
            candidate.score = penalized(rules_, window_.merit_sortition_alpha, set_.initial_score,
                                        candidate.score, missed_epochs(window_, candidate.height));
        }
        if (const Cause cause = Number<Real>::fault(candidate.score); cause != Cause::none) {
            return {Outcome::failed, -1, cause};
        }
        keep(actor, candidate.score);
        candidate.height = window_.nonce;
        return {};
    }

    Submitted seat(const LowestScore<Real>& candidate) {
        find_lowest();
        if (set_.lowest.actor < 0 || set_.members == 0 ||
            compare(set_.lowest.score, candidate.score) > 0) {
            set_.lowest = candidate;
        }
        enter(candidate.actor);
        return {Outcome::entered};
    }

    // Of equal scores the incumbent stays. The recorded lowest may be stale and not in the set at
    // all: its average then moves from the recorded score, and the set grows by one.
    Submitted compete(const LowestScore<Real>& candidate, bool moves_own) {
        find_lowest();
        const LowestScore<Real> lowest = set_.lowest;
        if (compare(candidate.score, lowest.score) <= 0) {
            const Cause cause = moves_own ? move(stored(candidate.actor)) : Cause::none;
            return {cause == Cause::none ? Outcome::outside : Outcome::failed, -1, cause};
        }
        if (const Cause cause = move(lowest); cause != Cause::none) {
            return {Outcome::failed, -1, cause};
        }
        const auto out = static_cast<std::size_t>(lowest.actor);
        set_.members -= set_.active[out];
        set_.active[out] = 0;
        set_.lowest.actor = -1;
        find_lowest();
        // The newcomer stands last in the list that is searched.
        const LowestScore<Real> newcomer = stored(candidate.actor);
        if (set_.lowest.actor < 0 || compare(set_.lowest.score, newcomer.score) > 0) {
            set_.lowest = newcomer;
        }
        enter(candidate.actor);
        return {Outcome::displaced, lowest.actor};
    }

    // alpha * quantile + (1 - alpha) * score; an average that never was becomes the quantile.
    Cause move(const LowestScore<Real>& average) {
        const bool first = average.height == 0 && Number<Real>::is_zero(average.score);
        const Real score = ema(window_.merit_sortition_alpha, set_.quantile, average.score, first);
        const Cause cause = Number<Real>::fault(score);
        if (cause == Cause::none) {
            keep(average.actor, score);
        }
        return cause;
    }

    void keep(std::int32_t actor, const Real& score) {
        set_.score[static_cast<std::size_t>(actor)] = score;
        set_.height[static_cast<std::size_t>(actor)] = window_.nonce;
    }

    void enter(std::int32_t actor) {
        set_.active[static_cast<std::size_t>(actor)] = 1;
        set_.members += 1;
    }

    LowestScore<Real> stored(std::int32_t actor) const {
        const auto at = static_cast<std::size_t>(actor);
        const Real& score = set_.score[at];
        return {actor, Number<Real>::is_missing(score) ? Number<Real>::from_int(0) : score,
                set_.height[at]};
    }

    // Where none is recorded: the first minimal one in address order.
    void find_lowest() {
        if (set_.lowest.actor >= 0) {
            return;
        }
        for (std::size_t at = 0; at < set_.active.size(); ++at) {
            if (set_.active[at] == 0) {
                continue;
            }
            const LowestScore<Real> average = stored(static_cast<std::int32_t>(at));
            if (set_.lowest.actor < 0 || compare(set_.lowest.score, average.score) > 0) {
                set_.lowest = average;
            }
        }
    }

    const Rules& rules_;
    const SubmissionWindow<Real>& window_;
    ActiveSet<Real>& set_;
};

} // namespace allora

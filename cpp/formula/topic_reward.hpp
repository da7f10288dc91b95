// The split of a topic's reward among its three tasks and their actors, and what is paid of it.
// allora-chain v0.6, x/emissions/module/rewards/worker_rewards.go, reputer_rewards.go and
// rewards.go.
#pragma once

#include "../number/statistics.hpp"
#include "../number/whole_units.hpp"
#include "../protocol/reward.hpp"

#include <span>

namespace allora {

// tau = alpha (T / M) + (1 - alpha) tau_before, M the greatest inferer score above 0; where there
// is none, |T|. With T = 0 as well, tau is 0 and chi its middle. chi = 0.1 below tau = 0, 0.5 from
// tau = 1 on, 0.4 tau + 0.1 between.
template <class Real>
struct Utility {
    Real ratio;
    Real chi;

    ALLORA_HD Utility(const Params<Real>& params, const List<Real>& inferer_scores,
                      const Real& score, const Real& previous) {
        const Real zero = Number<Real>::from_int(0);
        const Real one = Number<Real>::from_int(1);
        Real best = zero;
        for (const Real& other : inferer_scores) {
            if (!Number<Real>::is_missing(other) && other > best) {
                best = other;
            }
        }
        if (Number<Real>::is_zero(best)) {
            if (Number<Real>::is_zero(score)) {
                ratio = zero;
                chi = Number<Real>::constant(5, -1);
                return;
            }
            best = abs(score);
        }
        const Real& alpha = params.task_reward_alpha;
        ratio = alpha * (score / best) + (one - alpha) * previous;
        if (ratio < zero) {
            chi = Number<Real>::constant(1, -1);
        } else if (ratio >= one) {
            chi = Number<Real>::constant(5, -1);
        } else {
            chi = ratio * Number<Real>::constant(4, -1) + Number<Real>::constant(1, -1);
        }
    }
};

// gamma = (F + G) / ((1 - chi) F + chi G)
template <class Real>
ALLORA_HD Real normalisation(const Real& inference, const Real& forecasting, const Real& chi) {
    const Real rest = Number<Real>::from_int(1) - chi;
    return (inference + forecasting) / (rest * inference + chi * forecasting);
}

// U = ((((1 - chi) gamma) F) E) / Z, V = (((chi gamma) G) E) / Z, W = (H E) / Z, Z = (F + G) + H.
template <class Real>
struct TaskRewards {
    Real inference;
    Real forecasting;
    Real reputer;
};

template <class Real>
struct Entropies {
    Real inference;   // F
    Real forecasting; // G
    Real reputer;     // H
};

template <class Real>
ALLORA_HD TaskRewards<Real> task_rewards(const Entropies<Real>& entropies, const Real& chi,
                                         const Real& gamma, const Real& reward) {
    const Real all = (entropies.inference + entropies.forecasting) + entropies.reputer;
    const Real rest = Number<Real>::from_int(1) - chi;
    return {(((rest * gamma) * entropies.inference) * reward) / all,
            (((chi * gamma) * entropies.forecasting) * reward) / all,
            (entropies.reputer * reward) / all};
}

// The actors' parts of a task's reward, by their unsmoothed fractions.
template <class Real>
ALLORA_HD Cause divide_reward(const List<Real>& fractions, const Real& reward,
                              List<Real>& rewards) {
    rewards.assign(fractions.size(), Number<Real>::missing());
    for (std::size_t i = 0; i < fractions.size(); ++i) {
        if (!Number<Real>::is_missing(fractions[i])) {
            rewards[i] = fractions[i] * reward;
            if (const Cause cause = Number<Real>::fault(rewards[i]); cause != Cause::none) {
                return cause;
            }
        }
    }
    return Cause::none;
}

// The delegators' part of a reputer's reward r: d = trunc(r (S_d / S)) in whole units, which raises
// the reward per share of delegated stake by d / S_d. The reputer keeps r - d.
template <class Real>
ALLORA_HD Cause share_with_delegators(const Real& stake, const Real& delegated, Real& reward,
                                      Real& delegators, Real& per_share) {
    delegators = whole_units(reward * (delegated / stake));
    if (const Cause cause = Number<Real>::fault(delegators); cause != Cause::none) {
        return cause;
    }
    if (delegators > Number<Real>::from_int(0)) {
        const Real before =
            Number<Real>::is_missing(per_share) ? Number<Real>::from_int(0) : per_share;
        const Real after = before + delegators / delegated;
        if (const Cause cause = Number<Real>::fault(after); cause != Cause::none) {
            return cause;
        }
        per_share = after;
    }
    reward = reward - delegators;
    return Number<Real>::fault(reward);
}

// What is paid of the rewards: whole units, at least one; missing: nothing. A payout that fails
// leaves out its actor alone; the first of them is told.
template <class Real>
ALLORA_HD Status pay(const List<Real>& rewards, const char* role, const char* field,
                     List<Real>& paid) {
    const Real zero = Number<Real>::from_int(0);
    Status status;
    paid.assign(rewards.size(), Number<Real>::missing());
    for (std::size_t i = 0; i < rewards.size(); ++i) {
        if (Number<Real>::is_missing(rewards[i]) || !(rewards[i] > zero)) {
            continue;
        }
        const Real units = whole_units(rewards[i]);
        if (const Cause cause = Number<Real>::fault(units); cause != Cause::none) {
            // What only needs more digits than these numbers have comes before any real fault.
            if (status.ok() || cause == Cause::does_not_fit) {
                status = {cause, field, static_cast<std::int32_t>(i), role};
            }
        } else if (units > zero) {
            paid[i] = units;
        }
    }
    return status;
}

} // namespace allora

// How a task's reward is divided among its actors, and the entropy of that division.
// allora-chain v0.6, x/emissions/module/rewards/worker_rewards.go, reputer_rewards.go and
// rewards_internal.go.
#pragma once

#include "../number/curves.hpp"
#include "../number/float64_array.hpp"
#include "../number/statistics.hpp"
#include "../protocol/reward.hpp"

#include <span>

namespace allora {

// phi(T_j / scale) of every score that is not missing.
template <class Real>
ALLORA_HD void potentials(DecimalFunctions functions, const Real& p, const Real& c,
                          const Real& scale, const List<Real>& scores, List<Real>& values) {
    for (std::size_t i = 0; i < scores.size(); ++i) {
        if (!Number<Real>::is_missing(scores[i])) {
            values[i] = phi(functions, p, c, scores[i] / scale);
        }
    }
}

// The same steps, the exponentials of all scores before their logarithms.
ALLORA_HD inline void potentials(DecimalFunctions functions, double p, double c, double scale,
                                 const List<double>& scores, List<double>& values) {
    if (one_at_a_time()) {
        potentials<double>(functions, p, c, scale, scores, values);
        return;
    }
    const std::size_t count = scores.size();
    List<double> argument(count);
    List<double> power(count);
    List<double> logarithm(count);
    for (std::size_t i = 0; i < count; ++i) {
        argument[i] = p * (scores[i] / scale - c);
        power[i] = -abs(argument[i]);
    }
    float64::apply(float64::Function::exp, power.data(), power.data(), count);
    for (std::size_t i = 0; i < count; ++i) {
        logarithm[i] = 1.0 + power[i];
    }
    float64::apply(float64::Function::log, logarithm.data(), logarithm.data(), count);
    for (std::size_t i = 0; i < count; ++i) {
        const double w = power[i];
        const double y = 1.0 + w;
        const double tail = y == 1.0 ? w : (logarithm[i] * w) / (y - 1.0);
        const double value = argument[i] > 0.0 ? argument[i] + tail : tail;
        values[i] = Number<double>::is_missing(scores[i]) ? values[i] : value;
    }
}

// u_j = M_j / sum M, M_j = phi(T_j / (s + epsilon)); M_j = 1 where the deviation s of the sampled
// scores is below epsilon. Missing where an actor has no score.
template <class Real>
ALLORA_HD Cause worker_fractions(DecimalFunctions functions, const Real& p, const Real& c,
                                 const Real& epsilon, std::span<const Real> sample,
                                 const List<Real>& scores, List<Real>& fractions) {
    const Real deviation = standard_deviation(sample);
    if (const Cause cause = Number<Real>::fault(deviation); cause != Cause::none) {
        return cause;
    }
    const bool alike = deviation < epsilon;
    const Real scale = deviation + epsilon;
    Sum<Real> total;
    fractions.assign(scores.size(), Number<Real>::missing());
    if (!alike) {
        potentials(functions, p, c, scale, scores, fractions);
    }
    for (std::size_t i = 0; i < scores.size(); ++i) {
        if (!Number<Real>::is_missing(scores[i])) {
            fractions[i] = alike ? Number<Real>::from_int(1) : fractions[i];
            total.add(fractions[i]);
        }
    }
    const Real all = total.value();
    for (Real& fraction : fractions) {
        if (Number<Real>::is_missing(fraction)) {
            continue;
        }
        fraction = fraction / all;
        if (const Cause cause = Number<Real>::fault(fraction); cause != Cause::none) {
            return cause;
        }
    }
    return Cause::none;
}

// w_m = (S_m T_m)^p / sum_i (S_i T_i)^p; a numerator of 0 stays, so that of zeros alone none is
// divided.
template <class Real>
ALLORA_HD Cause reputer_fractions(DecimalFunctions functions, const Real& p,
                                  std::span<const Real> stakes, std::span<const Real> scores,
                                  List<Real>& fractions) {
    Sum<Real> total;
    fractions.resize(scores.size());
    for (std::size_t m = 0; m < scores.size(); ++m) {
        fractions[m] = pow(functions, stakes[m] * scores[m], p);
        if (const Cause cause = Number<Real>::fault(fractions[m]); cause != Cause::none) {
            return cause;
        }
        total.add(fractions[m]);
    }
    const Real all = total.value();
    for (Real& fraction : fractions) {
        if (!Number<Real>::is_zero(fraction)) {
            fraction = fraction / all;
        }
        if (const Cause cause = Number<Real>::fault(fraction); cause != Cause::none) {
            return cause;
        }
    }
    return Cause::none;
}

// sum_i x_i ln x_i over the shares that are not missing.
template <class Real>
ALLORA_HD void add_information(DecimalFunctions functions, const List<Real>& shares,
                               Sum<Real>& information) {
    for (const Real& share : shares) {
        if (!Number<Real>::is_missing(share)) {
            information.add_product(share, ln(functions, share));
        }
    }
}

ALLORA_HD inline void add_information(DecimalFunctions functions, const List<double>& shares,
                                      Sum<double>& information) {
    if (one_at_a_time()) {
        add_information<double>(functions, shares, information);
        return;
    }
    List<double> logarithm(shares.size());
    float64::apply(float64::Function::log, shares.data(), logarithm.data(), shares.size());
    for (std::size_t i = 0; i < shares.size(); ++i) {
        if (!Number<double>::is_missing(shares[i])) {
            information.add_product(shares[i], logarithm[i]);
        }
    }
}

// e_i smooths the fractions; f_i = e_i / sum e is stored; N_eff = 1 / sum e_i^2.
// Entropy = ((sum f_i ln f_i)(-1)) (N_eff / N)^beta, and ln 2 / 4 for a lone actor. An entropy that
// fails leaves the smoothed fractions stored.
template <class Real>
ALLORA_HD Cause task_entropy(DecimalFunctions functions, const Params<Real>& params,
                             const List<Real>& fractions, RoleRewardState<Real>& state,
                             Real& entropy) {
    List<Real> smooth(fractions.size(), Number<Real>::missing());
    Sum<Real> total;
    Sum<Real> squares;
    std::int64_t count = 0;
    for (std::size_t i = 0; i < fractions.size(); ++i) {
        if (!Number<Real>::is_missing(fractions[i])) {
            const Real& previous = state.reward_fraction[i];
            const bool first = Number<Real>::is_missing(previous);
            smooth[i] =
                ema(params.task_reward_alpha, fractions[i], first ? fractions[i] : previous, first);
            total.add(smooth[i]);
            squares.add_product(smooth[i], smooth[i]);
            ++count;
        }
    }
    if (count == 0) {
        return Cause::no_score;
    }
    const Real effective = Number<Real>::from_int(1) / squares.value();
    if (const Cause cause = Number<Real>::fault(effective); cause != Cause::none) {
        return cause;
    }
    const Real all = total.value();
    Sum<Real> information;
    for (std::size_t i = 0; i < smooth.size(); ++i) {
        if (!Number<Real>::is_missing(smooth[i])) {
            smooth[i] = smooth[i] / all;
            if (const Cause cause = Number<Real>::fault(smooth[i]); cause != Cause::none) {
                return cause;
            }
        }
    }
    for (std::size_t i = 0; i < smooth.size(); ++i) {
        if (!Number<Real>::is_missing(smooth[i])) {
            state.reward_fraction[i] = smooth[i];
        }
    }
    if (count == 1) {
        entropy = Number<Real>::constant(173286795139986, -15);
        return Cause::none;
    }
    add_information(functions, smooth, information);
    const Real crowd = effective / Number<Real>::from_int(count);
    entropy = (information.value() * Number<Real>::from_int(-1)) *
              pow(functions, crowd, params.beta_entropy);
    return Number<Real>::fault(entropy);
}

} // namespace allora

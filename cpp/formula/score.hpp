// Scores of inferers and forecasters: what the network's loss would be without them.
// allora-chain v0.6, x/emissions/module/rewards/scores.go and rewards_internal.go.
#pragma once

#include "../number/decimal_real.hpp"
#include "../number/float64_real.hpp"
#include "../protocol/topic.hpp"

#include <cstdint>

namespace allora {

// A role's scores, missing where an actor has none. A lone worker scores 0, which goes into the
// history and touches nothing else.
template <class Real>
struct WorkerScores {
    List<Real>& scores;
    std::int32_t count = 0;
    bool lone = false;

    ALLORA_HD void set(std::int32_t actor, const Real& score) {
        scores[static_cast<std::size_t>(actor)] = score;
        ++count;
    }
    ALLORA_HD void set_lone(std::int32_t actor) {
        set(actor, Number<Real>::from_int(0));
        lone = true;
    }
};

// The one present loss among `count` from a slot on, or -1 if there is not exactly one.
template <class Real>
ALLORA_HD std::int32_t lone_worker(const List<Real>& losses, std::int64_t first,
                                   std::int32_t count) {
    std::int32_t found = -1;
    for (std::int32_t i = 0; i < count; ++i) {
        if (!Number<Real>::is_missing(losses[static_cast<std::size_t>(first + i)])) {
            if (found >= 0) {
                return -1;
            }
            found = i;
        }
    }
    return found;
}

// T_j = L-_j - L: the combined loss without inferer j, against the combined loss.
template <class Real>
ALLORA_HD void score_inferers(const TopicEpoch<Real>& epoch, const List<Real>& losses,
                              WorkerScores<Real>& out) {
    const BundleLayout layout{epoch.inferers, epoch.forecasters};
    out.scores.assign(static_cast<std::size_t>(epoch.inferers), Number<Real>::missing());
    if (const std::int32_t lone = lone_worker(losses, layout.inferer(0), epoch.inferers);
        lone >= 0) {
        out.set_lone(lone);
        return;
    }
    for (std::int32_t j = 0; j < epoch.inferers; ++j) {
        const Real& without = losses[static_cast<std::size_t>(layout.one_out_inferer(j))];
        if (!Number<Real>::is_missing(without)) {
            out.set(j, without - losses[0]);
        }
    }
}

// T_k = f (N - L+_k) + (1 - f)(L-_k - L), f = 1 / 2^(K-1): one-in losses against the naive loss,
// one-out losses against the combined one, paired by their position in the lists. Fault: length,
// where there are more one-in than one-out losses.
template <class Real>
ALLORA_HD Cause score_forecasters(DecimalFunctions functions, const TopicEpoch<Real>& epoch,
                                  const List<Real>& losses, WorkerScores<Real>& out) {
    const BundleLayout layout{epoch.inferers, epoch.forecasters};
    out.scores.assign(static_cast<std::size_t>(epoch.forecasters), Number<Real>::missing());
    if (const std::int32_t lone = lone_worker(losses, layout.forecaster(0), epoch.forecasters);
        lone >= 0) {
        out.set_lone(lone);
        return Cause::none;
    }
    List<Real> without;
    for (std::int32_t k = 0; k < epoch.forecasters; ++k) {
        const Real& loss = losses[static_cast<std::size_t>(layout.one_out_forecaster(k))];
        if (!Number<Real>::is_missing(loss)) {
            without.push_back(loss);
        }
    }
    const Real one = Number<Real>::from_int(1);
    const auto others = static_cast<std::int64_t>(without.size()) - 1;
    const Real f = one / pow(functions, Number<Real>::from_int(2), Number<Real>::from_int(others));
    for (std::int32_t k = 0; k < epoch.forecasters; ++k) {
        const Real& within = losses[static_cast<std::size_t>(layout.one_in_forecaster(k))];
        if (Number<Real>::is_missing(within)) {
            continue;
        }
        const auto position = static_cast<std::size_t>(out.count);
        if (position >= without.size()) {
            return Cause::length;
        }
        out.set(k, f * (losses[1] - within) + (one - f) * (without[position] - losses[0]));
    }
    return Cause::none;
}

} // namespace allora

// Reputers' scores, and the descent of their listening coefficients.
// allora-chain v0.6, x/emissions/module/rewards/rewards_internal.go.
#pragma once

#include "../number/statistics.hpp"
#include "../protocol/rules.hpp"
#include "pair_distances.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace allora {

// min and max of the chain: on a tie the second argument, whose written form stays.
template <class Real>
ALLORA_HD Real least(const Real& x, const Real& y) {
    return x < y ? x : y;
}
template <class Real>
ALLORA_HD Real greatest(const Real& x, const Real& y) {
    return x > y ? x : y;
}

// S_m = min(((R a_m) S_m) / sum_i a_i S_i, 1)
template <class Real>
ALLORA_HD Cause adjust_stakes(std::span<const Real> coefficients, std::span<const Real> stakes,
                              List<Real>& adjusted) {
    Sum<Real> listened;
    for (std::size_t i = 0; i < stakes.size(); ++i) {
        listened.add_product(coefficients[i], stakes[i]);
    }
    const Real one = Number<Real>::from_int(1);
    const Real count = Number<Real>::from_int(static_cast<std::int64_t>(stakes.size()));
    const Real total = listened.value();
    adjusted.resize(stakes.size());
    for (std::size_t m = 0; m < stakes.size(); ++m) {
        const Real share = ((count * coefficients[m]) * stakes[m]) / total;
        if (const Cause cause = Number<Real>::fault(share); cause != Cause::none) {
            return cause;
        }
        adjusted[m] = least(share, one);
    }
    return Cause::none;
}

// Buffers of one thread, reused from topic to topic.
template <class Real>
struct ReputationScratch {
    LossMatrix<Real> matrix;
    List<Real> adjusted;
    SquaredDistances<Real> squares{};
    PairDistances<Real> pairs; // only where sums round
};

// What one topic's reputers are scored with.
template <class Real>
struct Reputation {
    const Params<Real>& params;
    std::span<const Real> stakes;
    LossMatrix<Real>& matrix;
    List<Real>& adjusted;
    SquaredDistances<Real>& squares;
    PairDistances<Real>& pairs;

    ALLORA_HD Reputation(const TopicEpoch<Real>& epoch, ReputationScratch<Real>& scratch)
        : params(epoch.params), stakes(epoch.stakes), matrix(scratch.matrix),
          adjusted(scratch.adjusted), squares(scratch.squares), pairs(scratch.pairs) {
        arrange_losses(epoch, matrix);
    }

    ALLORA_HD Cause measure() {
        const std::span<const Real> shares(adjusted);
        if constexpr (!Number<Real>::exact_sums) {
            if (pairs.covers(shares)) {
                return pairs.measure(matrix, shares, squares);
            }
        }
        return measure_columns(matrix, shares, squares);
    }
};

// T_m = 1 / (dist_m / norm + epsilon_r), at these coefficients.
template <class Real>
ALLORA_HD Cause score_reputers(Reputation<Real>& reputation, std::span<const Real> coefficients,
                               List<Real>& scores) {
    Cause cause = adjust_stakes(coefficients, reputation.stakes, reputation.adjusted);
    if (cause != Cause::none) {
        return cause;
    }
    cause = reputation.measure();
    if (cause != Cause::none) {
        return cause;
    }
    const Real one = Number<Real>::from_int(1);
    Real norm = sqrt(reputation.squares.norm);
    if (Number<Real>::is_zero(norm)) {
        norm = reputation.params.epsilon_safe_div;
    }
    scores.resize(reputation.stakes.size());
    for (std::size_t m = 0; m < scores.size(); ++m) {
        const Real distance = sqrt(reputation.squares.distance[m]);
        scores[m] = one / (distance / norm + reputation.params.epsilon_reputer);
        if (const Cause fault = Number<Real>::fault(scores[m]); fault != Cause::none) {
            return fault;
        }
    }
    return Cause::none;
}

// sum_m x_m S_m
template <class Real>
ALLORA_HD Real stake_weighted(std::span<const Real> values, std::span<const Real> stakes) {
    Sum<Real> sum;
    for (std::size_t m = 0; m < stakes.size(); ++m) {
        sum.add_product(values[m], stakes[m]);
    }
    return sum.value();
}

// What the descent came to. The scores belong to the coefficients at the start of the last
// iteration, `used`; the coefficients to its end.
template <class Real>
struct Listened {
    List<Real> coefficients;
    List<Real> used;
    List<Real> scores;
    std::int32_t iterations = 0;
};

template <class Real>
class Descent {
public:
    ALLORA_HD Descent(Reputation<Real>& reputation, Listened<Real>& out)
        : reputation_(reputation), out_(out), count_(reputation.stakes.size()),
          total_(sum(reputation.stakes)) {}

    ALLORA_HD Cause run() {
        const Params<Real>& params = reputation_.params;
        Real greatest_gradient = one_;
        bool stopped = false;
        out_.scores.assign(count_, zero_);
        out_.used = out_.coefficients;
        while (!stopped && greatest_gradient >= params.max_gradient_threshold &&
               Number<Real>::from_int(out_.iterations) < params.gradient_descent_max_iters) {
            out_.used = out_.coefficients;
            Cause cause = Cause::none;
            if (!step_at_once()) {
                cause = score_reputers(reputation_, std::span<const Real>(out_.used), out_.scores);
                if (cause == Cause::none) {
                    cause = step();
                }
            }
            if (cause == Cause::none) {
                cause = move(stopped);
            }
            if (cause != Cause::none) {
                return cause;
            }
            greatest_gradient = distance_moved() / params.learning_rate;
            if (const Cause fault = Number<Real>::fault(greatest_gradient); fault != Cause::none) {
                return fault;
            }
            ++out_.iterations;
        }
        return Cause::none;
    }

private:
    ALLORA_HD Real delta_of(std::size_t l) const {
        return Number<Real>::constant(out_.used[l] == one_ ? -1 : 1, -3);
    }

    // n_l = min(max(a_l + eta g_l, 0), 1), g_l = (1 - B / B') / delta: B the stake-weighted sum of
    // scores, B' with a_l moved by delta.
    ALLORA_HD Cause set_next(std::size_t l, const Real& base, const Real& there) {
        const Real gradient = (one_ - base / there) / delta_of(l);
        const Real next = out_.used[l] + reputation_.params.learning_rate * gradient;
        if (const Cause fault = Number<Real>::fault(next); fault != Cause::none) {
            return fault;
        }
        next_[l] = least(greatest(next, zero_), one_);
        return Cause::none;
    }

    ALLORA_HD Cause step() {
        const std::span<const Real> stakes = reputation_.stakes;
        const Real base = stake_weighted(std::span<const Real>(out_.scores), stakes);
        next_.resize(count_);
        for (std::size_t l = 0; l < count_; ++l) {
            List<Real>& moved = out_.coefficients;
            moved[l] = out_.used[l] + delta_of(l);
            const Cause cause = score_reputers(reputation_, std::span<const Real>(moved), scores_);
            moved[l] = out_.used[l];
            if (cause != Cause::none) {
                return cause;
            }
            const Real there = stake_weighted(std::span<const Real>(scores_), stakes);
            if (const Cause fault = set_next(l, base, there); fault != Cause::none) {
                return fault;
            }
        }
        return Cause::none;
    }

    // Scores and step with the same bits, the coefficients as they are and with each one moved
    // side by side. False, and nothing done, where sums are exact or something fails.
    ALLORA_HD bool step_at_once() {
        if constexpr (!Number<Real>::exact_sums) {
            constexpr std::size_t side = float64::scored_lists;
            Real base = zero_;
            next_.resize(count_);
            lists_.resize(side * count_);
            for (std::size_t first = 0; first <= count_; first += side) {
                std::array<Real, side> totals;
                place_lists(first);
                if (!reputation_.pairs.score_lists(reputation_.params, reputation_.stakes, lists_,
                                                   scores_, totals)) {
                    return false;
                }
                if (first == 0) {
                    base = totals[0];
                    kept_ = scores_;
                }
                for (std::size_t at = first == 0 ? 1 : 0; at < side && first + at <= count_; ++at) {
                    if (set_next(first + at - 1, base, totals[at]) != Cause::none) {
                        return false;
                    }
                }
            }
            for (std::size_t m = 0; m < count_; ++m) {
                out_.scores[m] = kept_[side * m];
            }
            return true;
        }
        return false;
    }

    // Lists from `first` on: the first of all is that of the coefficients in use, list l + 1 the
    // one where a_l is moved.
    ALLORA_HD void place_lists(std::size_t first) {
        constexpr std::size_t side = float64::scored_lists;
        for (std::size_t m = 0; m < count_; ++m) {
            std::fill_n(lists_.data() + side * m, side, out_.used[m]);
        }
        for (std::size_t at = first == 0 ? 1 : 0; at < side && first + at <= count_; ++at) {
            const std::size_t l = first + at - 1;
            lists_[side * l + at] = out_.used[l] + delta_of(l);
        }
    }

    // Takes the step, or as much of it as leaves the least share of the stake listened to:
    // a_l = old_l + ((n_l - old_l)(f_min - f_old)) / (f_new - f_old).
    ALLORA_HD Cause move(bool& stopped) {
        const std::span<const Real> old(out_.used);
        const Real& minimum = reputation_.params.min_stake_fraction;
        const Real before = stake_weighted(old, reputation_.stakes) / total_;
        const Real after =
            stake_weighted(std::span<const Real>(next_), reputation_.stakes) / total_;
        const Real change = after - before;
        if (const Cause fault = Number<Real>::fault(change); fault != Cause::none) {
            return fault;
        }
        if (after >= minimum) {
            out_.coefficients = next_;
            return Cause::none;
        }
        if (Number<Real>::is_zero(change)) {
            stopped = true;
            return Cause::none;
        }
        for (std::size_t l = 0; l < count_; ++l) {
            out_.coefficients[l] = old[l] + ((next_[l] - old[l]) * (minimum - before)) / change;
            if (const Cause fault = Number<Real>::fault(out_.coefficients[l]);
                fault != Cause::none) {
                return fault;
            }
        }
        return Cause::none;
    }

    ALLORA_HD Real distance_moved() const {
        Real farthest = zero_;
        for (std::size_t l = 0; l < count_; ++l) {
            farthest = greatest(abs(out_.coefficients[l] - out_.used[l]), farthest);
        }
        return farthest;
    }

    Reputation<Real>& reputation_;
    Listened<Real>& out_;
    std::size_t count_;
    Real total_;
    Real zero_ = Number<Real>::from_int(0);
    Real one_ = Number<Real>::from_int(1);
    List<Real> next_;
    List<Real> scores_;
    List<Real> lists_; // reputers x lists side by side
    List<Real> kept_;
};

// Scores and new coefficients of an epoch's reputers; `stored` is missing for one that never had a
// coefficient, which counts as 1.
template <class Real>
ALLORA_HD Cause listen(const Rules& rules, const List<Real>& stored, Reputation<Real>& reputation,
                       Listened<Real>& out) {
    if constexpr (!Number<Real>::exact_sums) {
        reputation.pairs.prepare(reputation.matrix);
    }
    out.coefficients = stored;
    out.iterations = 0;
    bool all_zero = true;
    for (Real& coefficient : out.coefficients) {
        if (Number<Real>::is_missing(coefficient)) {
            coefficient = Number<Real>::from_int(1);
        }
        all_zero = all_zero && Number<Real>::is_zero(coefficient);
    }
    if (all_zero && rules.zero_listening_coefficients == ZeroListeningCoefficients::raised) {
        for (Real& coefficient : out.coefficients) {
            coefficient = reputation.params.epsilon_reputer;
        }
    }
    return Descent<Real>(reputation, out).run();
}

} // namespace allora

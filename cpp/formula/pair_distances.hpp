// The same norms and distances as measure_columns, where sums round: from the distances between
// reputers, which no coefficient changes, so that an evaluation costs no pass over the columns.
#pragma once

#include "../number/float64_array.hpp"
#include "consensus.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace allora {

// With weights w_i = S_i / D of a group's reporters, which sum to 1, and c = sum_i w_i x_i:
//   |x_m - c|^2 = sum_i w_i P_mi - h,  |c|^2 = sum_i w_i |x_i|^2 - h,
//   h = sum_ik w_i w_k P_ik / 2,  P_ik = |x_i - x_k|^2.
// The terms of x_m - c itself are small where x_m outweighs the others: nothing large cancels.
template <class Real>
class PairDistances {
public:
    // Where nearly every column has reporters of its own, passes over the columns are cheaper.
    void prepare(const LossMatrix<Real>& matrix) {
        const std::size_t reputers = matrix.reputers;
        usable_ = matrix.groups.size() * reputers <= matrix.columns;
        if (!usable_) {
            return;
        }
        stride_ = matrix.stride;
        sums_.resize(matrix.groups.size() * reputers * stride_);
        reported_.clear();
        for (std::size_t g = 0; g < matrix.groups.size(); ++g) {
            const ColumnGroup& group = matrix.groups[g];
            float64::array_kernels().square_sums(matrix.column(group.begin), group.columns, stride_,
                                                 sums_.data() + g * reputers * stride_, reputers);
            reported_.insert(reported_.end(), group.reported.begin(), group.reported.end());
        }
    }

    // Scores at eight lists of coefficients at once; false: not done.
    bool score_lists(const Params<Real>& params, std::span<const Real> stakes,
                     const std::vector<Real>& lists, std::vector<Real>& scores,
                     std::array<Real, float64::scored_lists>& totals) {
        const std::size_t reputers = stakes.size();
        scores.resize(float64::scored_lists * reputers);
        scratch_.resize(4 * scores.size());
        return usable_ && reputers > 0 &&
               float64::array_kernels().score_lists({reputers, reported_.size() / reputers, stride_,
                                                     reported_.data(), sums_.data(), stakes.data(),
                                                     params.epsilon_safe_div,
                                                     params.epsilon_reputer, scratch_.data()},
                                                    lists.data(), scores.data(), totals.data());
    }

    // A negative adjusted stake can lead to a most distant value of 0: that is not prepared.
    bool covers(std::span<const Real> adjusted) const {
        return usable_ && std::none_of(adjusted.begin(), adjusted.end(),
                                       [this](const Real& stake) { return stake < zero_; });
    }

    Cause measure(const LossMatrix<Real>& matrix, std::span<const Real> adjusted,
                  SquaredDistances<Real>& out) {
        out.norm = zero_;
        out.distance.assign(matrix.reputers, zero_);
        weights_.resize(matrix.reputers);
        spread_.resize(matrix.reputers);
        for (std::size_t g = 0; g < matrix.groups.size(); ++g) {
            Real total;
            const Cause cause = group_stake(matrix.groups[g], adjusted, total);
            if (cause != Cause::none) {
                return cause;
            }
            for (std::size_t i = 0; i < weights_.size(); ++i) {
                weights_[i] = matrix.groups[g].reported[i] != 0 ? adjusted[i] / total : zero_;
            }
            add_group(g, out);
        }
        return Cause::none;
    }

private:
    void add_group(std::size_t g, SquaredDistances<Real>& out) {
        const std::size_t reputers = weights_.size();
        const Real* pairs = sums_.data() + g * reputers * stride_;
        Real length = zero_;
        Real twice = zero_;
        for (std::size_t m = 0; m < reputers; ++m) {
            Real sum = zero_;
            for (std::size_t i = 0; i < reputers; ++i) {
                sum = sum + weights_[i] * pairs[m * stride_ + i];
            }
            spread_[m] = sum;
            twice = twice + weights_[m] * sum;
            length = length + weights_[m] * pairs[m * stride_ + reputers];
        }
        const Real half = twice * Number<Real>::constant(5, -1);
        // Rounding may leave less than nothing of a distance of 0.
        out.norm = out.norm + std::max(length - half, zero_);
        for (std::size_t m = 0; m < reputers; ++m) {
            out.distance[m] = out.distance[m] + std::max(spread_[m] - half, zero_);
        }
    }

    Real zero_ = Number<Real>::from_int(0);
    bool usable_ = false;
    std::size_t stride_ = 0;
    std::vector<Real> sums_;             // groups x reputers x stride: P, and |x_i|^2 after its row
    std::vector<std::uint8_t> reported_; // groups x reputers
    std::vector<Real> scratch_;
    std::vector<Real> weights_;
    std::vector<Real> spread_;
};

} // namespace allora

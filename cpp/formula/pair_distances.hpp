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

namespace allora {

// sums[r][i] = sum_c (x_r - x_i)^2 over a group's columns, in their order; x is 0 beyond the
// reputers.
template <class Real>
ALLORA_HD void square_sums(const LossMatrix<Real>& matrix, const ColumnGroup& group, Real* sums) {
    std::fill_n(sums, matrix.reputers * matrix.stride, Number<Real>::from_int(0));
    for (std::size_t at = 0; at < group.columns; ++at) {
        const Real* losses = matrix.column(group.begin + at);
        for (std::size_t r = 0; r < matrix.reputers; ++r) {
            for (std::size_t i = 0; i <= matrix.reputers; ++i) {
                const Real apart = losses[r] - losses[i];
                Real& sum = sums[r * matrix.stride + i];
                sum = sum + apart * apart;
            }
        }
    }
}

ALLORA_HD inline void square_sums(const LossMatrix<double>& matrix, const ColumnGroup& group,
                                  double* sums) {
    if (one_at_a_time()) {
        return square_sums<double>(matrix, group, sums);
    }
    float64::array_kernels().square_sums(matrix.column(group.begin), group.columns, matrix.stride,
                                         sums, matrix.reputers);
}

// With weights w_i = S_i / D of a group's reporters, which sum to 1, and c = sum_i w_i x_i:
//   |x_m - c|^2 = sum_i w_i P_mi - h,  |c|^2 = sum_i w_i |x_i|^2 - h,
//   h = sum_ik w_i w_k P_ik / 2,  P_ik = |x_i - x_k|^2.
// The terms of x_m - c itself are small where x_m outweighs the others: nothing large cancels.
template <class Real>
class PairDistances {
public:
    // Where nearly every column has reporters of its own, passes over the columns are cheaper.
    ALLORA_HD void prepare(const LossMatrix<Real>& matrix) {
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
            square_sums(matrix, group, sums_.data() + g * reputers * stride_);
            for (const std::uint8_t reports : group.reported) {
                reported_.push_back(reports);
            }
        }
    }

    // Scores at eight lists of coefficients at once; false: not done.
    ALLORA_HD bool score_lists(const Params<Real>& params, std::span<const Real> stakes,
                               const List<Real>& lists, List<Real>& scores,
                               std::array<Real, float64::scored_lists>& totals) {
        const std::size_t reputers = stakes.size();
        if (one_at_a_time()) {
            return false;
        }
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
    ALLORA_HD bool covers(std::span<const Real> adjusted) const {
        bool negative = false;
        for (const Real& stake : adjusted) {
            negative = negative || stake < zero_;
        }
        return usable_ && !negative;
    }

    ALLORA_HD Cause measure(const LossMatrix<Real>& matrix, std::span<const Real> adjusted,
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
    ALLORA_HD void add_group(std::size_t g, SquaredDistances<Real>& out) {
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
    List<Real> sums_;             // groups x reputers x stride: P, and |x_i|^2 after its row
    List<std::uint8_t> reported_; // groups x reputers
    List<Real> scratch_;
    List<Real> weights_;
    List<Real> spread_;
};

} // namespace allora

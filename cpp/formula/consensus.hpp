// Reputers' losses as vectors, their consensus under adjusted stakes, and the distance of each
// reputer from it. allora-chain v0.6, x/emissions/module/rewards/rewards_internal.go.
#pragma once

#include "../number/shared_operand.hpp"
#include "network_loss.hpp"

#include <algorithm>
#include <cstdint>
#include <span>

namespace allora {

// Columns that the same reputers report; they share the sum of those reputers' adjusted stakes.
struct ColumnGroup {
    List<std::uint8_t> reported; // per reputer
    bool complete = false;       // nobody misses them
    std::size_t columns = 0;
    std::size_t begin = 0;
};

// The losses of an epoch, columns x reputers, group after group; where sums round, columns lie
// `stride` apart, as float64::SquareSums reads them. A reputer that misses an entry is
// measured at the entry's least loss, the first one on ties, whatever the consensus: that is where
// consensus - loss is greatest. Entries that nobody reports count nowhere and are left out.
template <class Real>
struct LossMatrix {
    std::size_t reputers = 0;
    std::size_t columns = 0;
    std::size_t stride = 0;
    List<ColumnGroup> groups;
    List<Real> losses;
    List<typename SharedShare<Real>::Operand> operands; // where sums are exact

    ALLORA_HD const Real* column(std::size_t at) const { return losses.data() + at * stride; }
};

// Which reputers report each slot of the bundle; empty where nobody does.
template <class Real>
class ReportedSlots {
public:
    ALLORA_HD explicit ReportedSlots(const TopicEpoch<Real>& epoch)
        : epoch_(epoch), layout_{epoch.inferers, epoch.forecasters},
          counts_(reports_one_out_inferers(epoch)),
          reported_(static_cast<std::size_t>(epoch.reputers)) {}

    ALLORA_HD const Real& loss(std::size_t reputer, std::int64_t slot) const {
        return epoch_.reports[reputer * static_cast<std::size_t>(layout_.width()) +
                              static_cast<std::size_t>(slot)];
    }

    // Who reports the slot; false: nobody.
    ALLORA_HD bool find(std::int64_t slot) {
        const bool one_out_inferer =
            slot >= layout_.one_out_inferer(0) && slot < layout_.one_out_forecaster(0);
        std::size_t count = 0;
        for (std::size_t m = 0; m < reported_.size(); ++m) {
            const bool has =
                !Number<Real>::is_missing(loss(m, slot)) && (!one_out_inferer || counts_[m] != 0);
            reported_[m] = has ? 1 : 0;
            count += reported_[m];
        }
        complete_ = count == reported_.size();
        return count > 0;
    }
    ALLORA_HD const List<std::uint8_t>& reported() const { return reported_; }
    ALLORA_HD bool complete() const { return complete_; }

private:
    const TopicEpoch<Real>& epoch_;
    BundleLayout layout_;
    List<std::uint8_t> counts_;
    List<std::uint8_t> reported_;
    bool complete_ = false;
};

// The group of columns that exactly these reputers report; `hint` is the group found last.
ALLORA_HD inline std::size_t group_of(List<ColumnGroup>& groups, const List<std::uint8_t>& reported,
                                      bool complete, std::size_t hint) {
    if (hint < groups.size() &&
        (complete ? groups[hint].complete : groups[hint].reported == reported)) {
        return hint;
    }
    std::size_t found = 0;
    while (found < groups.size() && !(groups[found].reported == reported)) {
        ++found;
    }
    if (found == groups.size()) {
        groups.push_back({reported, complete});
    }
    return found;
}

template <class Real>
ALLORA_HD void fill_column(const ReportedSlots<Real>& slots, std::int64_t slot,
                           const ColumnGroup& group, Real* column) {
    std::size_t least = 0;
    bool any = false;
    for (std::size_t m = 0; !group.complete && m < group.reported.size(); ++m) {
        if (group.reported[m] != 0 && (!any || slots.loss(m, slot) < slots.loss(least, slot))) {
            least = m;
            any = true;
        }
    }
    for (std::size_t m = 0; m < group.reported.size(); ++m) {
        column[m] = slots.loss(group.reported[m] != 0 ? m : least, slot);
    }
}

template <class Real>
ALLORA_HD bool any_missing(const List<Real>& values) {
    for (const Real& value : values) {
        if (Number<Real>::is_missing(value)) {
            return true;
        }
    }
    return false;
}

ALLORA_HD inline bool any_missing(const List<double>& values) {
    if (one_at_a_time()) {
        return any_missing<double>(values);
    }
    return float64::array_kernels().any_missing(values.data(), Number<double>::missing_bits,
                                                values.size());
}

// Columns by group, in the order of their slots.
template <class Real>
ALLORA_HD void fill_groups(const TopicEpoch<Real>& epoch, LossMatrix<Real>& matrix) {
    constexpr std::size_t nobody = ~std::size_t{0};
    const BundleLayout layout{epoch.inferers, epoch.forecasters};
    ReportedSlots<Real> slots(epoch);
    List<std::size_t> group(static_cast<std::size_t>(layout.width()), nobody);
    std::size_t last = 0;
    for (std::int64_t slot = 0; slot < layout.width(); ++slot) {
        if (slots.find(slot)) {
            last = group_of(matrix.groups, slots.reported(), slots.complete(), last);
            group[static_cast<std::size_t>(slot)] = last;
            ++matrix.groups[last].columns;
            ++matrix.columns;
        }
    }
    List<std::size_t> next;
    std::size_t begin = 0;
    for (ColumnGroup& part : matrix.groups) {
        part.begin = begin;
        next.push_back(begin);
        begin += part.columns;
    }
    matrix.losses.assign(matrix.columns * matrix.stride, Number<Real>::from_int(0));
    for (std::size_t slot = 0; slot < group.size(); ++slot) {
        if (group[slot] != nobody) {
            const std::size_t column = next[group[slot]]++;
            fill_column(slots, static_cast<std::int64_t>(slot), matrix.groups[group[slot]],
                        matrix.losses.data() + column * matrix.stride);
        }
    }
}

// Where every reputer reports everything: one group, and nothing to look for.
template <class Real>
ALLORA_HD void fill_one_group(const TopicEpoch<Real>& epoch, LossMatrix<Real>& matrix) {
    const BundleLayout layout{epoch.inferers, epoch.forecasters};
    matrix.columns = static_cast<std::size_t>(layout.width());
    matrix.groups.push_back({List<std::uint8_t>(matrix.reputers, 1), true, matrix.columns, 0});
    matrix.losses.resize(matrix.columns * matrix.stride);
    const Real zero = Number<Real>::from_int(0);
    for (std::size_t column = 0; column < matrix.columns; ++column) {
        const Real* report = epoch.reports.data() + column;
        Real* losses = matrix.losses.data() + column * matrix.stride;
        for (std::size_t m = 0; m < matrix.reputers; ++m) {
            losses[m] = report[m * matrix.columns];
        }
        for (std::size_t m = matrix.reputers; m < matrix.stride; ++m) {
            losses[m] = zero;
        }
    }
}

template <class Real>
ALLORA_HD void arrange_losses(const TopicEpoch<Real>& epoch, LossMatrix<Real>& matrix) {
    matrix.reputers = static_cast<std::size_t>(epoch.reputers);
    matrix.stride = Number<Real>::exact_sums ? matrix.reputers : 8 * (matrix.reputers / 8 + 1);
    matrix.columns = 0;
    matrix.groups.clear();
    // A lone inferer's one-out losses do not count.
    if (epoch.reputers > 0 && epoch.inferers > 1 && !any_missing(epoch.reports)) {
        fill_one_group(epoch, matrix);
    } else {
        fill_groups(epoch, matrix);
    }
    matrix.operands.clear();
    if constexpr (Number<Real>::exact_sums) {
        matrix.operands.reserve(matrix.losses.size());
        for (const Real& loss : matrix.losses) {
            matrix.operands.emplace_back(loss);
        }
    }
}

// sum_j c_j^2 and, per reputer, sum_j (x_j - c_j)^2.
template <class Real>
struct SquaredDistances {
    Real norm;
    List<Real> distance;
};

// The sum of a group's adjusted stakes; its quotients are undefined where it is 0.
template <class Real>
ALLORA_HD Cause group_stake(const ColumnGroup& group, std::span<const Real> adjusted, Real& total) {
    Sum<Real> sum;
    for (std::size_t i = 0; i < adjusted.size(); ++i) {
        if (group.reported[i] != 0) {
            sum.add(adjusted[i]);
        }
    }
    total = sum.value();
    if (!Number<Real>::is_zero(total)) {
        return Number<Real>::fault(total);
    }
    const auto first = static_cast<std::size_t>(
        std::find(group.reported.begin(), group.reported.end(), 1) - group.reported.begin());
    return Number<Real>::is_zero(adjusted[first]) ? Cause::div_undefined : Cause::div_zero;
}

// S_i / D of the reputers that report a group's columns.
template <class Real>
ALLORA_HD List<SharedShare<Real>> shares_of(std::span<const Real> adjusted, const Real& total) {
    List<SharedShare<Real>> shares;
    shares.reserve(adjusted.size());
    for (const Real& stake : adjusted) {
        shares.emplace_back(stake, total);
    }
    return shares;
}

// c_j = sum_i (L_ij S_i) / D, each term on its own, over the reputers that report the column.
template <class Real>
ALLORA_HD Real consensus_of(const LossMatrix<Real>& matrix, const ColumnGroup& group,
                            std::size_t column, const List<SharedShare<Real>>& shares) {
    const Real* losses = matrix.column(column);
    ShortSum<Real> sum;
    for (std::size_t i = 0; i < shares.size(); ++i) {
        if (group.reported[i] != 0) {
            if constexpr (Number<Real>::exact_sums) {
                sum.add(shares[i](losses[i], matrix.operands[column * matrix.stride + i]));
            } else {
                sum.add(shares[i](losses[i], typename SharedShare<Real>::Operand(losses[i])));
            }
        }
    }
    return sum.value();
}

template <class Real>
ALLORA_HD Cause measure_columns(const LossMatrix<Real>& matrix, std::span<const Real> adjusted,
                                SquaredDistances<Real>& out) {
    const Real zero = Number<Real>::from_int(0);
    const Real bound = Number<Real>::from_int(1);
    LongSum<Real> norm;
    List<LongSum<Real>> distance(matrix.reputers);
    for (const ColumnGroup& group : matrix.groups) {
        Real total;
        if (const Cause cause = group_stake(group, adjusted, total); cause != Cause::none) {
            return cause;
        }
        const List<SharedShare<Real>> shares = shares_of(adjusted, total);
        for (std::size_t j = group.begin; j < group.begin + group.columns; ++j) {
            const Real* losses = matrix.column(j);
            const Real consensus = consensus_of(matrix, group, j, shares);
            norm.add(squared(consensus));
            for (std::size_t m = 0; m < matrix.reputers; ++m) {
                const Real away = losses[m] - consensus;
                // The most distant value is sought among differences c - L above -1; else it is 0.
                const bool kept = group.reported[m] != 0 || away < bound;
                distance[m].add(squared(kept ? away : zero - consensus));
            }
        }
    }
    out.norm = norm.value();
    out.distance.clear();
    for (const LongSum<Real>& sum : distance) {
        out.distance.push_back(sum.value());
    }
    return Cause::none;
}

} // namespace allora

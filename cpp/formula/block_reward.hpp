// Which topics of a block are rewarded, and with how much: E_t = ((w_t / W) e) l_t, W the total
// weight of all active topics and e the rewards part of one block's emission.
// allora-chain v0.6, x/emissions/module/rewards/rewards.go, topic_skimming.go.
#pragma once

#include "../number/statistics.hpp"
#include "../protocol/topic.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace allora {

// Positions of the heaviest, by weight descending; `weights` stand by topic id ascending.
template <class Real>
std::vector<std::size_t> select_topics(std::span<const Real> weights, std::int64_t most) {
    std::vector<std::size_t> order(weights.size());
    order_by_weight_descending(weights, std::span<std::size_t>(order));
    const auto count = static_cast<std::size_t>(most < 0 ? 0 : most);
    order.resize(std::min(order.size(), count));
    return order;
}

// What a block's selected topics share.
template <class Real>
struct BlockShares {
    Real total_weight;
    Real rewards_balance;
    Real emission;
};

// (B (w_t l_t)) / sum (w_i l_i): what the balance of the rewards account allows.
template <class Real>
Status share_balance(const BlockShares<Real>& block, std::span<const Real> weights,
                     std::span<const std::int64_t> epoch_lengths, std::span<Real> rewards) {
    Sum<Real> whole;
    for (std::size_t i = 0; i < weights.size(); ++i) {
        rewards[i] = weights[i] * Number<Real>::from_int(epoch_lengths[i]);
        whole.add(rewards[i]);
    }
    const Real divisor = whole.value();
    for (std::size_t i = 0; i < weights.size(); ++i) {
        rewards[i] = (block.rewards_balance * rewards[i]) / divisor;
        if (const Cause cause = Number<Real>::fault(rewards[i]); cause != Cause::none) {
            return {cause, "reward", static_cast<std::int32_t>(i)};
        }
    }
    return {};
}

// Rewards of the selected topics; missing: its share of the weight is 0, so it gets none.
template <class Real>
Status topic_rewards(const BlockShares<Real>& block, std::span<const Real> weights,
                     std::span<const std::int64_t> epoch_lengths, std::span<Real> rewards) {
    Sum<Real> whole;
    for (std::size_t i = 0; i < weights.size(); ++i) {
        const Real fraction = weights[i] / block.total_weight;
        if (!carries_fault(fraction) && Number<Real>::is_zero(fraction)) {
            rewards[i] = Number<Real>::missing();
            continue;
        }
        rewards[i] = (fraction * block.emission) * Number<Real>::from_int(epoch_lengths[i]);
        if (const Cause cause = Number<Real>::fault(rewards[i]); cause != Cause::none) {
            return {cause, "reward", static_cast<std::int32_t>(i)};
        }
        whole.add(rewards[i]);
    }
    const Real sum = whole.value();
    if (const Cause cause = Number<Real>::fault(sum); cause != Cause::none) {
        return {cause, "reward", 0};
    }
    if (compare(sum, block.rewards_balance) <= 0) {
        return {};
    }
    if (weights.size() == 1) {
        rewards[0] = block.rewards_balance;
        return {};
    }
    return share_balance(block, weights, epoch_lengths, rewards);
}

} // namespace allora

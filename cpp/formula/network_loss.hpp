// Network losses: the stake-weighted mean of the reputers' losses, entry by entry.
// allora-chain v0.11, x/emissions/keeper/actor_utils/losses.go; v0.6,
// x/emissions/keeper/inference_synthesis/network_losses.go.
#pragma once

#include "../number/decimal_real.hpp"
#include "../number/float64_array.hpp"
#include "../number/float64_real.hpp"
#include "../protocol/topic.hpp"

#include <algorithm>

namespace allora {

// Per reputer: whether its one-out-inferer losses count, which they do not beside at most one
// accepted inferer loss.
template <class Real>
ALLORA_HD List<std::uint8_t> reports_one_out_inferers(const TopicEpoch<Real>& epoch) {
    const BundleLayout layout{epoch.inferers, epoch.forecasters};
    List<std::uint8_t> counts(static_cast<std::size_t>(epoch.reputers));
    for (std::size_t m = 0; m < counts.size(); ++m) {
        const Real* report = epoch.reports.data() + static_cast<std::ptrdiff_t>(m) * layout.width();
        int losses = 0;
        for (std::int32_t j = 0; j < epoch.inferers; ++j) {
            losses += Number<Real>::is_missing(report[layout.inferer(j)]) ? 0 : 1;
        }
        counts[m] = losses > 1 ? 1 : 0;
    }
    return counts;
}

// L = sum_m(l_m S_m) / sum_m S_m over the reputers that report the entry; missing where none does
// or their stakes sum to 0.
template <class Real>
ALLORA_HD Real network_loss(const TopicEpoch<Real>& epoch, std::int64_t slot,
                            const List<std::uint8_t>* counts) {
    const std::int64_t width = BundleLayout{epoch.inferers, epoch.forecasters}.width();
    Sum<Real> numerator;
    Sum<Real> denominator;
    bool any = false;
    for (std::size_t m = 0; m < epoch.stakes.size(); ++m) {
        const Real& loss =
            epoch.reports[m * static_cast<std::size_t>(width) + static_cast<std::size_t>(slot)];
        if (Number<Real>::is_missing(loss) || (counts != nullptr && (*counts)[m] == 0)) {
            continue;
        }
        numerator.add_product(loss, epoch.stakes[m]);
        denominator.add(epoch.stakes[m]);
        any = true;
    }
    return any && !denominator.is_zero() ? numerator.quotient(denominator)
                                         : Number<Real>::missing();
}

// Whether a forecaster's row of one-out-inferer-forecaster losses exists, reported by anyone.
template <class Real>
ALLORA_HD bool has_pair_row(const TopicEpoch<Real>& epoch, std::int32_t k) {
    const BundleLayout layout{epoch.inferers, epoch.forecasters};
    for (std::int32_t m = 0; m < epoch.reputers; ++m) {
        const Real* report = epoch.reports.data() + m * layout.width();
        for (std::int32_t w = 0; w < epoch.inferers; ++w) {
            if (!Number<Real>::is_missing(report[layout.one_out_inferer_forecaster(k, w)])) {
                return true;
            }
        }
    }
    return false;
}

// Every entry of the bundle, from all reputers.
template <class Real>
ALLORA_HD void all_network_losses(const TopicEpoch<Real>& epoch, List<Real>& losses) {
    for (std::size_t slot = 0; slot < losses.size(); ++slot) {
        losses[slot] = network_loss<Real>(epoch, static_cast<std::int64_t>(slot), nullptr);
    }
}

// The same bits, eight entries side by side.
ALLORA_HD inline void all_network_losses(const TopicEpoch<double>& epoch, List<double>& losses) {
    if (one_at_a_time()) {
        return all_network_losses<double>(epoch, losses);
    }
    float64::array_kernels().column_means(epoch.reports.data(), epoch.stakes.data(),
                                          epoch.stakes.size(), losses.size(),
                                          Number<double>::missing_bits, losses.data());
}

// Takes out what a worker without a loss of its own has no claim to, and the one-out-inferer losses
// of reputers whose do not count.
template <class Real>
ALLORA_HD void correct_worker_losses(const TopicEpoch<Real>& epoch, List<Real>& losses) {
    const BundleLayout layout{epoch.inferers, epoch.forecasters};
    const auto at = [&](std::int64_t slot) -> Real& {
        return losses[static_cast<std::size_t>(slot)];
    };
    const Real missing = Number<Real>::missing();
    const List<std::uint8_t> counts = reports_one_out_inferers(epoch);
    const bool all_count = std::find(counts.begin(), counts.end(), 0) == counts.end();
    for (std::int32_t j = 0; j < epoch.inferers; ++j) {
        const std::int64_t slot = layout.one_out_inferer(j);
        if (Number<Real>::is_missing(at(layout.inferer(j)))) {
            at(slot) = missing;
            for (std::int32_t k = 0; k < epoch.forecasters; ++k) {
                at(layout.one_out_inferer_forecaster(k, j)) = missing;
            }
        } else if (!all_count) {
            at(slot) = network_loss<Real>(epoch, slot, &counts);
        }
    }
    for (std::int32_t k = 0; k < epoch.forecasters; ++k) {
        if (Number<Real>::is_missing(at(layout.forecaster(k)))) {
            at(layout.one_out_forecaster(k)) = missing;
            at(layout.one_in_forecaster(k)) = missing;
            for (std::int32_t w = 0; w < epoch.inferers; ++w) {
                at(layout.one_out_inferer_forecaster(k, w)) = missing;
            }
        }
    }
}

// A worker without a loss of its own has no one-out or one-in loss either.
template <class Real>
ALLORA_HD void network_losses(const TopicEpoch<Real>& epoch, TopicSettlement<Real>& out) {
    const BundleLayout layout{epoch.inferers, epoch.forecasters};
    out.status = {};
    out.network_losses.assign(static_cast<std::size_t>(layout.width()), Number<Real>::missing());
    if (epoch.reputers == 0) {
        out.status = {Cause::no_report, "reports", -1, ""};
        return;
    }
    all_network_losses(epoch, out.network_losses);
    for (std::int64_t slot = 0; slot < 2; ++slot) {
        if (Number<Real>::is_missing(out.network_losses[static_cast<std::size_t>(slot)])) {
            out.status = {Cause::zero_stake, slot == 0 ? "combined" : "naive", -1, ""};
            return;
        }
    }
    correct_worker_losses(epoch, out.network_losses);
    for (const Real& loss : out.network_losses) {
        const Cause cause = Number<Real>::fault(loss);
        if (cause != Cause::none && !Number<Real>::is_missing(loss)) {
            out.status = {cause, "network_losses", -1, ""};
            return;
        }
    }
}

} // namespace allora

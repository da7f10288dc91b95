// Network losses: the stake-weighted mean of the reputers' losses, entry by entry.
// allora-chain v0.11, x/emissions/keeper/actor_utils/losses.go; v0.6,
// x/emissions/keeper/inference_synthesis/network_losses.go.
#pragma once

#include "../number/decimal_real.hpp"
#include "../number/float64_real.hpp"
#include "../protocol/topic.hpp"

#include <vector>

namespace allora {

// Per reputer: whether its one-out-inferer losses count, which they do not beside at most one
// accepted inferer loss.
template <class Real>
std::vector<std::uint8_t> reports_one_out_inferers(const TopicEpoch<Real>& epoch) {
    const BundleLayout layout{epoch.inferers, epoch.forecasters};
    std::vector<std::uint8_t> counts(static_cast<std::size_t>(epoch.reputers));
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
Real network_loss(const TopicEpoch<Real>& epoch, std::int64_t slot,
                  const std::vector<std::uint8_t>* counts) {
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
bool has_pair_row(const TopicEpoch<Real>& epoch, std::int32_t k) {
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

template <class Real>
void set_worker_losses(const TopicEpoch<Real>& epoch, std::vector<Real>& losses) {
    const BundleLayout layout{epoch.inferers, epoch.forecasters};
    const auto at = [&](std::int64_t slot) -> Real& {
        return losses[static_cast<std::size_t>(slot)];
    };
    const std::vector<std::uint8_t> counts = reports_one_out_inferers(epoch);
    for (std::int32_t j = 0; j < epoch.inferers; ++j) {
        at(layout.inferer(j)) = network_loss<Real>(epoch, layout.inferer(j), nullptr);
        if (!Number<Real>::is_missing(at(layout.inferer(j)))) {
            const std::int64_t slot = layout.one_out_inferer(j);
            at(slot) = network_loss<Real>(epoch, slot, &counts);
        }
    }
    for (std::int32_t k = 0; k < epoch.forecasters; ++k) {
        at(layout.forecaster(k)) = network_loss<Real>(epoch, layout.forecaster(k), nullptr);
        if (Number<Real>::is_missing(at(layout.forecaster(k)))) {
            continue;
        }
        for (const std::int64_t slot :
             {layout.one_out_forecaster(k), layout.one_in_forecaster(k)}) {
            at(slot) = network_loss<Real>(epoch, slot, nullptr);
        }
        for (std::int32_t w = 0; w < epoch.inferers; ++w) {
            if (!Number<Real>::is_missing(at(layout.inferer(w)))) {
                const std::int64_t slot = layout.one_out_inferer_forecaster(k, w);
                at(slot) = network_loss<Real>(epoch, slot, nullptr);
            }
        }
    }
}

// A worker without a loss of its own has no one-out or one-in loss either.
template <class Real>
void network_losses(const TopicEpoch<Real>& epoch, TopicSettlement<Real>& out) {
    const BundleLayout layout{epoch.inferers, epoch.forecasters};
    out.status = {};
    out.network_losses.assign(static_cast<std::size_t>(layout.width()), Number<Real>::missing());
    if (epoch.reputers == 0) {
        out.status = {Cause::no_report, "reports", -1, ""};
        return;
    }
    constexpr const char* fields[] = {"combined", "naive"};
    for (std::int64_t slot = 0; slot < 2; ++slot) {
        Real& loss = out.network_losses[static_cast<std::size_t>(slot)];
        loss = network_loss<Real>(epoch, slot, nullptr);
        if (Number<Real>::is_missing(loss)) {
            out.status = {Cause::zero_stake, fields[slot], -1, ""};
            return;
        }
    }
    set_worker_losses(epoch, out.network_losses);
    for (const Real& loss : out.network_losses) {
        const Cause cause = Number<Real>::fault(loss);
        if (cause != Cause::none && !Number<Real>::is_missing(loss)) {
            out.status = {cause, "network_losses", -1, ""};
            return;
        }
    }
}

} // namespace allora

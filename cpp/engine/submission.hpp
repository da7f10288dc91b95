// What a topic's numbers must be before anything is computed of them, told by the host while it
// packs and by a device that finds them in columns. The first fault counts.
#pragma once

#include "../number/bounded.hpp"
#include "../protocol/rules.hpp"
#include "../protocol/topic.hpp"

#include <cstddef>
#include <cstdint>

namespace allora {

// What an actor may submit: finite, and of a size that the rules accept.
template <class Real>
ALLORA_HD Cause submission_fault(const Rules& rules, const Real& value) {
    const Cause cause = Number<Real>::fault(value);
    const bool bounded = rules.submitted_numbers == SubmittedNumbers::bounded;
    return cause == Cause::none && bounded ? check_bounded(value) : cause;
}

// One or more submitted numbers of each actor; missing ones are left to the formulas.
template <class Real>
ALLORA_HD Status submitted_fault(const Rules& rules, const List<Real>& values,
                                 std::int64_t numbers_per_actor, const char* field,
                                 const char* role) {
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (Number<Real>::is_missing(values[i])) {
            continue;
        }
        if (const Cause cause = submission_fault(rules, values[i]); cause != Cause::none) {
            const auto actor = static_cast<std::int64_t>(i) / numbers_per_actor;
            return {cause, field, static_cast<std::int32_t>(actor), role};
        }
    }
    return {};
}

template <class Real>
ALLORA_HD Status forecast_fault(const Rules& rules, const TopicEpoch<Real>& epoch) {
    for (std::size_t e = 0; e < epoch.element_losses.size(); ++e) {
        const Cause cause = submission_fault(rules, epoch.element_losses[e]);
        if (cause != Cause::none) {
            std::size_t k = 0;
            while (static_cast<std::size_t>(epoch.element_offsets[k + 1]) <= e) {
                ++k;
            }
            return {cause, "forecast", static_cast<std::int32_t>(k), "forecaster"};
        }
    }
    return {};
}

// One amount of coins per reputer: finite, and not negative.
template <class Real>
ALLORA_HD Status amount_fault(const List<Real>& amounts, const char* field, Cause negative) {
    const Real zero = Number<Real>::from_int(0);
    for (std::size_t i = 0; i < amounts.size(); ++i) {
        Cause cause = Number<Real>::fault(amounts[i]);
        if (cause == Cause::none && amounts[i] < zero) {
            cause = negative;
        }
        if (cause != Cause::none) {
            return {cause, field, static_cast<std::int32_t>(i), "reputer"};
        }
    }
    return {};
}

// Of what scores and rewards need besides: 0 <= delegated <= stake, and a reward of at least 0.
template <class Real>
ALLORA_HD Status reward_fault(const TopicEpoch<Real>& epoch) {
    const Status status = amount_fault(epoch.delegated, "delegated", Cause::negative_amount);
    if (!status.ok()) {
        return status;
    }
    for (std::size_t m = 0; m < epoch.delegated.size(); ++m) {
        if (epoch.delegated[m] > epoch.stakes[m]) {
            return {Cause::delegated_exceeds_stake, "delegated", static_cast<std::int32_t>(m),
                    "reputer"};
        }
    }
    Cause cause = Number<Real>::fault(epoch.reward);
    if (cause == Cause::none && epoch.reward < Number<Real>::from_int(0)) {
        cause = Cause::negative_amount;
    }
    return {cause, cause == Cause::none ? "" : "reward"};
}

// Combined and naive are always there once a loss bundle has closed.
template <class Real>
ALLORA_HD Status loss_fault(const List<Real>& losses) {
    for (std::size_t slot = 0; slot < losses.size(); ++slot) {
        const Cause cause = Number<Real>::fault(losses[slot]);
        if (cause != Cause::none && (slot < 2 || !Number<Real>::is_missing(losses[slot]))) {
            return {cause, "network_losses"};
        }
    }
    return {};
}

// A given initial regret replaces the state's; missing: it does not.
template <class Real>
ALLORA_HD Status take_initial_regret(const Real& given, TopicState<Real>& state) {
    if (Number<Real>::is_missing(given)) {
        return {};
    }
    state.initial_regret = given;
    const Cause cause = Number<Real>::fault(given);
    return {cause, "initial_regret"};
}

} // namespace allora

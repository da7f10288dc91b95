// One topic on a device: out of its parcel, through the same steps as on the host, and into the
// room for its results. A topic that fails, or for which the room does not suffice, is left to the
// host, which also finds the words for what failed.
#pragma once

#include "../protocol/parcel.hpp"
#include "infer_epoch.hpp"
#include "reward.hpp"
#include "settle.hpp"

#include <cstddef>
#include <cstdint>

namespace allora {

enum class EpochVerb : std::uint8_t { infer, settle, reward };

enum class NumberKind : std::uint8_t { float64, decimal };

template <class Real>
inline constexpr NumberKind number_kind = NumberKind::decimal;
template <>
inline constexpr NumberKind number_kind<double> = NumberKind::float64;

// What infer gives of the state.
template <class Real, class Visit>
ALLORA_HD void each_filter_member(TopicState<Real>& state, Visit& visit) {
    visit(state.inference_median);
    visit(state.inference_median_absolute_deviation);
}

// The second inference is written only where it differs from the first.
template <class Real, class Visit>
ALLORA_HD void each_member(EpochInference<Real>& inference, Visit& visit) {
    visit(inference.has_resistant);
    visit(inference.resistant_differs);
    each_member(inference.network, visit);
    if (inference.resistant_differs) {
        each_member(inference.resistant, visit);
    }
}

// What each verb takes and gives; settle and reward leave behind what no later step looks at.
template <class Real, EpochVerb verb>
struct TopicTask;

template <class Real>
struct TopicTask<Real, EpochVerb::infer> {
    TopicEpoch<Real> epoch;
    TopicState<Real> state;
    EpochInference<Real> result;

    ALLORA_HD bool run(const Rules& rules) {
        InferScratch<Real> scratch;
        infer_epoch(rules, epoch, state, scratch, result);
        return result.status.ok();
    }
    template <class Visit>
    ALLORA_HD void each_input(Visit& visit) {
        each_member(epoch, visit);
        each_member(state, visit);
    }
    template <class Visit>
    ALLORA_HD void each_result(Visit& visit) {
        each_member(result, visit);
        each_filter_member(state, visit);
    }
};

template <class Real>
struct TopicTask<Real, EpochVerb::settle> {
    TopicEpoch<Real> epoch;
    TopicState<Real> state;
    TopicSettlement<Real> result;

    ALLORA_HD bool run(const Rules& rules) {
        SettleScratch<Real> scratch;
        settle_topic(rules, epoch, state, scratch, result);
        state.inferer_inclusions.clear();
        state.forecaster_inclusions.clear();
        return result.status.ok();
    }
    template <class Visit>
    ALLORA_HD void each_input(Visit& visit) {
        each_member(epoch, visit);
        each_member(state, visit);
    }
    template <class Visit>
    ALLORA_HD void each_result(Visit& visit) {
        visit(result.network_losses);
        each_member(state, visit);
    }
};

template <class Real>
struct TopicTask<Real, EpochVerb::reward> {
    TopicEpoch<Real> epoch;
    List<Real> losses;
    RewardState<Real> state;
    TopicReward<Real> result;

    ALLORA_HD bool run(const Rules& rules) {
        ReputationScratch<Real> scratch;
        Rewarding<Real>(rules, epoch, losses, state, scratch, result).run();
        for (RoleRewardState<Real>* role : {&state.inferers, &state.forecasters, &state.reputers}) {
            role->past_scores.clear();
        }
        return result.status.ok();
    }
    template <class Visit>
    ALLORA_HD void each_input(Visit& visit) {
        each_member(epoch, visit);
        visit(losses);
        each_member(state, visit);
    }
    template <class Visit>
    ALLORA_HD void each_result(Visit& visit) {
        each_member(result, visit);
        each_member(state, visit);
    }
};

// Where one topic's parcels lie and what room it has.
struct TopicPlace {
    std::size_t in = 0;
    std::size_t in_size = 0; // 0: not for the device
    std::size_t out = 0;
    std::size_t out_size = 0;
    std::size_t room = 0; // of the arena
};

inline constexpr std::size_t done_size = parcel_alignment; // before the results: 1 once they stand

// The body of the kernels; thread_arena() is empty and as large as the topic's room, or larger.
template <class Real, EpochVerb verb>
ALLORA_HD void run_topic(const Rules& rules, const TopicPlace& place, std::byte* in,
                         std::byte* out) {
    TopicTask<Real, verb> task;
    Reader reader(in + place.in);
    task.each_input(reader);
    if (!task.run(rules)) {
        return;
    }
    Writer writer(out + place.out + done_size, place.out_size - done_size);
    task.each_result(writer);
    *reinterpret_cast<std::uint64_t*>(out + place.out) = 1;
}

} // namespace allora

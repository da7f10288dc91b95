// A topic's dense values in one stretch of bytes, for the way to a device and back: the members of
// each struct in one fixed order, numbers as they are, lists as their length and their entries.
#pragma once

#include "../number/list.hpp"
#include "reward.hpp"

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace allora {

template <class Real, class Visit>
ALLORA_HD void each_member(TopicEpoch<Real>& epoch, Visit& visit) {
    visit(epoch.inferers);
    visit(epoch.forecasters);
    visit(epoch.reputers);
    visit(epoch.labels);
    visit(epoch.nonce);
    visit(epoch.reward);
    visit(epoch.params);
    visit(epoch.shared);
    visit(epoch.inferences);
    visit(epoch.element_offsets);
    visit(epoch.element_inferers);
    visit(epoch.element_losses);
    visit(epoch.stakes);
    visit(epoch.reports);
    visit(epoch.delegated);
}

template <class Real, class Visit>
ALLORA_HD void each_member(TopicState<Real>& state, Visit& visit) {
    visit(state.initial_regret);
    visit(state.regret_scale);
    visit(state.previous_combined_loss);
    visit(state.inference_median);
    visit(state.inference_median_absolute_deviation);
    visit(state.inferer_regret);
    visit(state.forecaster_regret);
    visit(state.naive_inferer_regret);
    visit(state.one_out_inferer_inferer_regret);
    visit(state.one_out_inferer_forecaster_regret);
    visit(state.one_out_forecaster_inferer_regret);
    visit(state.one_out_forecaster_forecaster_regret);
    visit(state.one_in_forecaster_regret);
    visit(state.inferer_weight);
    visit(state.forecaster_weight);
    visit(state.inferer_inclusions);
    visit(state.forecaster_inclusions);
}

// Of a topic that did not fail: its status stays behind.
template <class Real, class Visit>
ALLORA_HD void each_member(TopicInference<Real>& inference, Visit& visit) {
    visit(inference.branch);
    visit(inference.all_inferers_are_new);
    visit(inference.regret_scale);
    visit(inference.values);
    visit(inference.inferer_weight);
    visit(inference.forecaster_weight);
    visit(inference.inferer_regret_used);
    visit(inference.forecaster_regret_used);
    visit(inference.element_weight);
    visit(inference.normalized_inferer_weight);
    visit(inference.normalized_forecaster_weight);
    visit(inference.confidence_interval);
}

template <class Real, class Visit>
ALLORA_HD void each_member(RoleRewardState<Real>& role, Visit& visit) {
    visit(role.score_quantile);
    visit(role.initial_score);
    visit(role.has_record);
    visit(role.kept);
    visit(role.score_ema);
    visit(role.score_height);
    visit(role.reward_fraction);
    visit(role.past_scores);
    visit(role.record);
}

template <class Real, class Visit>
ALLORA_HD void each_member(RewardState<Real>& state, Visit& visit) {
    each_member(state.inferers, visit);
    each_member(state.forecasters, visit);
    each_member(state.reputers, visit);
    visit(state.forecaster_score_ratio);
    visit(state.listening_coefficient);
    visit(state.delegate_reward_per_share);
    visit(state.inferer_included);
    visit(state.forecaster_included);
}

template <class Real, class Visit>
ALLORA_HD void each_member(TopicReward<Real>& reward, Visit& visit) {
    visit(reward.iterations);
    each_reward_list(reward, [&visit](Role, List<Real>& list) { visit(list); });
}

inline constexpr std::size_t parcel_alignment = 8;

// Bytes that the members of a struct take.
class Measure {
public:
    template <class T>
    ALLORA_HD void operator()(const T&) {
        bytes_ += Arena::rounded(sizeof(T));
    }
    template <class T>
    ALLORA_HD void operator()(const List<T>& list) {
        bytes_ += sizeof(std::uint64_t) + Arena::rounded(list.size() * sizeof(T));
    }
    ALLORA_HD std::size_t bytes() const { return bytes_; }

private:
    std::size_t bytes_ = 0;
};

// Writes members one after the other; what does not fit ends the topic's thread.
class Writer {
public:
    ALLORA_HD Writer(std::byte* begin, std::size_t size) : at_(begin), left_(size) {}

    template <class T>
    ALLORA_HD void operator()(const T& value) {
        put(&value, 1);
    }
    template <class T>
    ALLORA_HD void operator()(const List<T>& list) {
        const std::uint64_t size = list.size();
        put(&size, 1);
        put(list.data(), list.size());
    }

private:
    template <class T>
    ALLORA_HD void put(const T* values, std::size_t count) {
        static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= parcel_alignment);
        const std::size_t bytes = Arena::rounded(count * sizeof(T));
        if (bytes > left_) {
            leave();
        }
        T* to = reinterpret_cast<T*>(at_);
        for (std::size_t i = 0; i < count; ++i) {
            to[i] = values[i];
        }
        at_ += bytes;
        left_ -= bytes;
    }

    std::byte* at_;
    std::size_t left_;
};

// Numbers are copied out; lists stay where they are, and are borrowed.
class Reader {
public:
    ALLORA_HD explicit Reader(std::byte* begin) : at_(begin) {}

    template <class T>
    ALLORA_HD void operator()(T& value) {
        value = *reinterpret_cast<const T*>(at_);
        at_ += Arena::rounded(sizeof(T));
    }
    template <class T>
    ALLORA_HD void operator()(List<T>& list) {
        std::uint64_t size = 0;
        (*this)(size);
        list.borrow(reinterpret_cast<T*>(at_), size, size);
        at_ += Arena::rounded(size * sizeof(T));
    }

private:
    std::byte* at_;
};

} // namespace allora

// What infer, settle and reward share around one topic: buffers, names for faults, and the way in
// and out.
#pragma once

#include "infer_epoch.hpp"
#include "pack.hpp"
#include "reward.hpp"
#include "settle.hpp"

#include "../protocol/state_batch.hpp"

#include <algorithm>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace allora {

template <class Real>
struct Workspace {
    TopicEpoch<Real> epoch;
    TopicState<Real> state;
    InferScratch<Real> infer;
    SettleScratch<Real> settle;
    EpochInference<Real> inference;
    TopicSettlement<Real> settlement;
    RewardState<Real> reward_state;
    ReputationScratch<Real> reputation;
    TopicReward<Real> reward;
};

// One per thread: both numbers that a column can need.
template <class Stored>
struct ThreadSpace {
    ActorIndex index;
    Workspace<Stored> narrow;
    Workspace<BigDecimal> wide;
};

template <>
struct ThreadSpace<double> {
    ActorIndex index;
    Workspace<double> narrow;
};

template <class Stored>
struct TopicActors {
    std::span<const std::uint32_t> inferers;
    std::span<const std::uint32_t> forecasters;
    std::span<const std::uint32_t> reputers;

    TopicActors(const EpochColumns<Stored>& columns, std::int64_t t)
        : inferers(columns.inferer + columns.inferer_offsets[t],
                   columns.inferer + columns.inferer_offsets[t + 1]),
          forecasters(columns.forecaster + columns.forecaster_offsets[t],
                      columns.forecaster + columns.forecaster_offsets[t + 1]),
          reputers(columns.reputer + columns.reputer_offsets[t],
                   columns.reputer + columns.reputer_offsets[t + 1]) {}
};

// The actor of a formula's status, as an address.
template <class Stored>
TopicStatus named(const Status& status, const TopicActors<Stored>& actors) {
    TopicStatus topic{status.cause, status.field, ""};
    if (status.actor >= 0) {
        const auto at = static_cast<std::size_t>(status.actor);
        const std::string_view role(status.role);
        topic.actor = address_text(role == "inferer"   ? actors.inferers[at]
                                   : role == "reputer" ? actors.reputers[at]
                                                       : actors.forecasters[at]);
    }
    return topic;
}

// Packs the topic and gathers its state; a fault names what is wrong.
template <class Real, class Stored>
TopicStatus start_topic(const Rules& rules, const EpochColumns<Stored>& columns, std::int64_t t,
                        bool with_reports, const StoredState<Real>& stored, ActorIndex& index,
                        Workspace<Real>& space) {
    TopicStatus status = pack_topic(rules, columns, t, with_reports, index, space.epoch);
    if (status.cause != Cause::none) {
        return status;
    }
    const TopicActors<Stored> actors(columns, t);
    stored.gather(actors.inferers, actors.forecasters, space.epoch.shared, space.state);
    Real given;
    load(columns.initial_regret, t, given);
    return fault_of(take_initial_regret(given, space.state), nullptr);
}

// Runs a topic in the number that its state is stored in, and where its digits do not fit, again
// with numbers of any length. run(stored state, workspace) gives its status.
template <class Stored, class Run>
TopicStatus run_with_room(const AnyState& state, ThreadSpace<Stored>& space, const Run& run) {
    if constexpr (std::is_same_v<Stored, double>) {
        return run(std::get<StoredState<double>>(state), space.narrow);
    } else {
        if (const auto* narrow = std::get_if<StoredState<Decimal>>(&state)) {
            TopicStatus status = run(*narrow, space.narrow);
            if (status.cause != Cause::does_not_fit) {
                return status;
            }
        }
        return run(widened(state), space.wide);
    }
}

// A topic's new state, in the narrowest number that holds it.
template <class Real>
std::shared_ptr<const Shelf> shelved(const Shelf& before, StoredState<Real> next) {
    if constexpr (std::is_same_v<Real, BigDecimal>) {
        return std::make_shared<const Shelf>(Shelf{before.topic_id, narrowed(std::move(next))});
    } else {
        return std::make_shared<const Shelf>(Shelf{before.topic_id, std::move(next)});
    }
}

template <class Stored, class Real>
void write_list(Stored* column, std::int64_t begin, const List<Real>& values, Overflow& overflow) {
    for (std::size_t i = 0; i < values.size(); ++i) {
        store(column, begin + static_cast<std::int64_t>(i), values[i], overflow);
    }
}

inline void write_list(double* column, std::int64_t begin, const List<double>& values, Overflow&) {
    std::copy(values.begin(), values.end(), column + begin);
}

} // namespace allora

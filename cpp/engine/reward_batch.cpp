// The batch loop of reward.
#include "device_batch.hpp"
#include "engine.hpp"
#include "workspace.hpp"

#include <algorithm>
#include <type_traits>

namespace allora {

namespace {

template <class Stored>
class RewardingBatch {
public:
    RewardingBatch(const Rules& rules, Host& host, const EpochColumns<Stored>& columns,
                   const std::int64_t* rows, const Column<Stored>& losses, const States& states,
                   RewardResults<Stored>& results)
        : rules_(rules), columns_(columns), rows_(rows), losses_(losses), states_(states),
          results_(results), spaces_(static_cast<std::size_t>(host.threads())) {}

    void topic(std::int64_t t, int thread) {
        ThreadSpace<Stored>& space = spaces_[static_cast<std::size_t>(thread)];
        const auto at = static_cast<std::size_t>(t);
        results_.status[at] =
            run_with_room(states_[at]->state, space, [&](const auto& stored, auto& workspace) {
                return run(t, stored, space.index, workspace);
            });
    }

    bool pack(std::int64_t t, int thread, std::vector<std::byte>& in, TopicPlace& place) {
        ThreadSpace<Stored>& space = spaces_[static_cast<std::size_t>(thread)];
        const auto at = static_cast<std::size_t>(t);
        const auto* stored = std::get_if<StoredState<Stored>>(&states_[at]->state);
        if (stored == nullptr) {
            return false;
        }
        const TopicStatus& status = results_.status[at] =
            start(t, *stored, space.index, space.narrow);
        if (status.cause == Cause::does_not_fit) {
            return false;
        }
        if (status.cause == Cause::none) {
            pack_space<EpochVerb::reward>(rules_, space.narrow, in, place);
        }
        return true;
    }

    void unpack(std::int64_t t, int thread, std::byte* in, std::byte* out) {
        Workspace<Stored>& space = spaces_[static_cast<std::size_t>(thread)].narrow;
        const auto& stored =
            std::get<StoredState<Stored>>(states_[static_cast<std::size_t>(t)]->state);
        with_results<EpochVerb::reward>(space, in, out, [&] { finish(t, stored, space); });
    }

private:
    template <class Real>
    TopicStatus run(std::int64_t t, const StoredState<Real>& stored, ActorIndex& index,
                    Workspace<Real>& space) {
        TopicStatus status = start(t, stored, index, space);
        if (status.cause != Cause::none) {
            return status;
        }
        Rewarding<Real>(rules_, space.epoch, space.settlement.network_losses, space.reward_state,
                        space.reputation, space.reward)
            .run();
        return finish(t, stored, space);
    }

    template <class Real>
    TopicStatus finish(std::int64_t t, const StoredState<Real>& stored, Workspace<Real>& space) {
        const TopicActors<Stored> topic(columns_, t);
        const EpochActors actors{topic.inferers, topic.forecasters, topic.reputers};
        if (std::is_same_v<Real, Decimal> && space.reward.status.cause == Cause::does_not_fit) {
            return named(space.reward.status, topic);
        }
        write(t, space.reward);
        StoredState<Real> next = stored;
        next.scores.replace(stored.scores->after(actors, columns_.nonce[t], space.reward_state));
        count_inclusions(actors, space.reward_state, next);
        const auto at = static_cast<std::size_t>(t);
        results_.states[at] = shelved(*states_[at], std::move(next));
        return named(space.reward.status, topic);
    }

    // A topic that cannot start is left out.
    template <class Real>
    TopicStatus start(std::int64_t t, const StoredState<Real>& stored, ActorIndex& index,
                      Workspace<Real>& space) {
        const TopicStatus status = load_topic(t, index, space);
        if (status.cause != Cause::none) {
            leave_out(t);
            return status;
        }
        const TopicActors<Stored> topic(columns_, t);
        stored.scores->gather({topic.inferers, topic.forecasters, topic.reputers},
                              columns_.nonce[t], space.reward_state);
        return status;
    }

    template <class Real>
    TopicStatus load_topic(std::int64_t t, ActorIndex& index, Workspace<Real>& space) {
        TopicStatus status = pack_topic(rules_, columns_, t, true, index, space.epoch);
        if (status.cause == Cause::none) {
            status = pack_reward(columns_, t, space.epoch);
        }
        if (status.cause != Cause::none) {
            return status;
        }
        List<Real>& losses = space.settlement.network_losses;
        losses.resize(static_cast<std::size_t>(rows_[t + 1] - rows_[t]));
        for (std::size_t slot = 0; slot < losses.size(); ++slot) {
            load(losses_, rows_[t] + static_cast<std::int64_t>(slot), losses[slot]);
        }
        return fault_of(loss_fault(losses), nullptr);
    }

    std::pair<std::int64_t, std::int64_t> part_of(Role role, std::int64_t t) const {
        switch (role) {
        case Role::inferer:
            return {columns_.inferer_offsets[t], columns_.inferer_offsets[t + 1]};
        case Role::forecaster:
            return {columns_.forecaster_offsets[t], columns_.forecaster_offsets[t + 1]};
        case Role::reputer:
            return {columns_.reputer_offsets[t], columns_.reputer_offsets[t + 1]};
        case Role::topic:
            break;
        }
        return {t, t + 1};
    }

    void leave_out(std::int64_t t) {
        const auto at = static_cast<std::size_t>(t);
        for (std::size_t i = 0; i < reward_field_count; ++i) {
            const auto [begin, end] = part_of(reward_fields<Stored>[i].role, t);
            std::fill(results_.columns[i] + begin, results_.columns[i] + end,
                      Number<Stored>::missing());
        }
        results_.iterations[t] = 0;
        results_.computed[t] = 0;
        results_.states[at] = states_[at];
    }

    template <class Real>
    void write(std::int64_t t, const TopicReward<Real>& reward) {
        const auto at = static_cast<std::size_t>(t);
        for (std::size_t i = 0; i < reward_field_count; ++i) {
            const RewardField<Real>& field = reward_fields<Real>[i];
            write_list(results_.columns[i], part_of(field.role, t).first, reward.*field.member,
                       results_.overflow[i][at]);
        }
        results_.iterations[t] = reward.iterations;
        results_.computed[t] = 1;
    }

    template <class Real>
    static void count_inclusions(const EpochActors& actors, const RewardState<Real>& reward,
                                 StoredState<Real>& next) {
        const auto raise = [](std::uint64_t& count) { count = count == no_count ? 1 : count + 1; };
        StoredInclusions& counts = next.inclusions.edit();
        const bool all_inferers = next.inferers.is(actors.inferers);
        const bool all_forecasters = next.forecasters.is(actors.forecasters);
        for (std::size_t j = 0; j < actors.inferers.size(); ++j) {
            if (reward.inferer_included[j] != 0) {
                raise(counts.inferers[all_inferers ? j : next.add_inferer(actors.inferers[j])]);
            }
        }
        for (std::size_t k = 0; k < actors.forecasters.size(); ++k) {
            if (reward.forecaster_included[k] != 0) {
                raise(counts.forecasters[all_forecasters
                                             ? k
                                             : next.add_forecaster(actors.forecasters[k])]);
            }
        }
    }

    const Rules& rules_;
    const EpochColumns<Stored>& columns_;
    const std::int64_t* rows_;
    const Column<Stored>& losses_;
    const States& states_;
    RewardResults<Stored>& results_;
    std::vector<ThreadSpace<Stored>> spaces_;
};

} // namespace

template <class Stored>
void reward_batch(const Rules& rules, Host& host, const EpochColumns<Stored>& epochs,
                  const std::int64_t* loss_row_offsets, const Column<Stored>& losses,
                  const States& states, RewardResults<Stored>& results, Device* device) {
    const auto topics = static_cast<std::size_t>(epochs.topics);
    results.status.assign(topics, {});
    results.states.resize(topics);
    for (std::vector<Overflow>& overflow : results.overflow) {
        overflow.assign(topics, {});
    }
    RewardingBatch<Stored> rewarding(rules, host, epochs, loss_row_offsets, losses, states,
                                     results);
    if (device != nullptr) {
        run_on_device<Stored, EpochVerb::reward>(host, *device, rules, epochs.topics, rewarding);
        return;
    }
    host.for_each(epochs.topics, [&](std::int64_t t, int thread) { rewarding.topic(t, thread); });
}

template void reward_batch(const Rules&, Host&, const EpochColumns<double>&, const std::int64_t*,
                           const Column<double>&, const States&, RewardResults<double>&, Device*);
template void reward_batch(const Rules&, Host&, const EpochColumns<Decimal>&, const std::int64_t*,
                           const Column<Decimal>&, const States&, RewardResults<Decimal>&, Device*);

} // namespace allora

// The batch loop of settle.
#include "device_batch.hpp"
#include "engine.hpp"
#include "workspace.hpp"

#include <algorithm>

namespace allora {

namespace {

template <class Stored>
class Settling {
public:
    Settling(const Rules& rules, Host& host, const EpochColumns<Stored>& columns,
             const std::int64_t* rows, const States& states, SettlementResults<Stored>& results)
        : rules_(rules), columns_(columns), rows_(rows), states_(states), results_(results),
          spaces_(static_cast<std::size_t>(host.threads())) {}

    void topic(std::int64_t t, int thread) {
        ThreadSpace<Stored>& space = spaces_[static_cast<std::size_t>(thread)];
        const auto at = static_cast<std::size_t>(t);
        const TopicStatus& status = results_.status[at] =
            run_with_room(states_[at]->state, space, [&](const auto& stored, auto& workspace) {
                return run(t, stored, space.index, workspace);
            });
        if (status.cause != Cause::none) {
            leave_out(t);
        }
    }

    bool pack(std::int64_t t, int thread, std::vector<std::byte>& in, TopicPlace& place) {
        ThreadSpace<Stored>& space = spaces_[static_cast<std::size_t>(thread)];
        const auto at = static_cast<std::size_t>(t);
        const auto* stored = std::get_if<StoredState<Stored>>(&states_[at]->state);
        if (stored == nullptr) {
            return false;
        }
        const TopicStatus& status = results_.status[at] =
            start_topic(rules_, columns_, t, true, *stored, space.index, space.narrow);
        if (status.cause == Cause::does_not_fit) {
            return false;
        }
        if (status.cause == Cause::none) {
            pack_space<EpochVerb::settle>(rules_, space.narrow, in, place);
        } else {
            leave_out(t);
        }
        return true;
    }

    void unpack(std::int64_t t, int thread, std::byte* in, std::byte* out) {
        Workspace<Stored>& space = spaces_[static_cast<std::size_t>(thread)].narrow;
        const auto& stored =
            std::get<StoredState<Stored>>(states_[static_cast<std::size_t>(t)]->state);
        with_results<EpochVerb::settle>(space, in, out, [&] { finish(t, stored, space); });
    }

private:
    void leave_out(std::int64_t t) {
        const auto at = static_cast<std::size_t>(t);
        results_.overflow[at].clear();
        std::fill(results_.network_losses + rows_[t], results_.network_losses + rows_[t + 1],
                  Number<Stored>::missing());
        results_.states[at] = states_[at];
    }

    template <class Real>
    TopicStatus run(std::int64_t t, const StoredState<Real>& stored, ActorIndex& index,
                    Workspace<Real>& space) {
        TopicStatus status = start_topic(rules_, columns_, t, true, stored, index, space);
        if (status.cause != Cause::none) {
            return status;
        }
        settle_topic(rules_, space.epoch, space.state, space.settle, space.settlement);
        return finish(t, stored, space);
    }

    template <class Real>
    TopicStatus finish(std::int64_t t, const StoredState<Real>& stored, Workspace<Real>& space) {
        const TopicActors<Stored> actors(columns_, t);
        if (!space.settlement.status.ok()) {
            return named(space.settlement.status, actors);
        }
        const auto at = static_cast<std::size_t>(t);
        write_list(results_.network_losses, rows_[t], space.settlement.network_losses,
                   results_.overflow[at]);
        StoredState<Real> next = stored;
        next.scatter(actors.inferers, actors.forecasters, space.epoch.shared, space.state);
        results_.states[at] = shelved(*states_[at], std::move(next));
        return {};
    }

    const Rules& rules_;
    const EpochColumns<Stored>& columns_;
    const std::int64_t* rows_;
    const States& states_;
    SettlementResults<Stored>& results_;
    std::vector<ThreadSpace<Stored>> spaces_;
};

} // namespace

template <class Stored>
void settle_batch(const Rules& rules, Host& host, const EpochColumns<Stored>& epochs,
                  const std::int64_t* loss_row_offsets, const States& states,
                  SettlementResults<Stored>& results, Device* device) {
    const auto topics = static_cast<std::size_t>(epochs.topics);
    results.status.assign(topics, {});
    results.states.resize(topics);
    results.overflow.assign(topics, {});
    Settling<Stored> settling(rules, host, epochs, loss_row_offsets, states, results);
    if (device != nullptr) {
        run_on_device<Stored, EpochVerb::settle>(host, *device, rules, epochs.topics, settling);
        return;
    }
    host.for_each(epochs.topics, [&](std::int64_t t, int thread) { settling.topic(t, thread); });
}

template void settle_batch(const Rules&, Host&, const EpochColumns<double>&, const std::int64_t*,
                           const States&, SettlementResults<double>&, Device*);
template void settle_batch(const Rules&, Host&, const EpochColumns<Decimal>&, const std::int64_t*,
                           const States&, SettlementResults<Decimal>&, Device*);

} // namespace allora

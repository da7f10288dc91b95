// The batch loop of infer.
#include "engine.hpp"

#include "device_batch.hpp"
#include "workspace.hpp"

namespace allora {

namespace {

// Topics above this many pairs are computed one at a time, their passes on all threads.
constexpr std::int64_t large_topic_pairs = 40'000;

struct OnPool {
    Host& host;

    template <class Kernel>
    void operator()(std::int64_t count, const Kernel& kernel) const {
        host.for_each(count, kernel);
    }
};

template <class Stored>
struct Output {
    InferenceColumns<Stored>& columns;
    std::vector<Overflow>* overflow;

    Overflow& of(int column, std::int64_t t) const {
        return overflow[column][static_cast<std::size_t>(t)];
    }
};

template <class Stored>
TopicParts parts_of(const EpochColumns<Stored>& columns, const std::int64_t* rows, std::int64_t t) {
    const auto part = [](const std::int64_t* offsets, std::int64_t at) {
        return ColumnPart{offsets[at], offsets[at + 1] - offsets[at]};
    };
    TopicParts parts{};
    parts.topic = {t, 1};
    parts.inferers = part(columns.inferer_offsets, t);
    parts.forecasters = part(columns.forecaster_offsets, t);
    const std::int64_t begin = columns.element_offsets[parts.forecasters.begin];
    const std::int64_t end =
        columns.element_offsets[parts.forecasters.begin + parts.forecasters.count];
    parts.elements = {begin, end - begin};
    parts.values = part(rows, t);
    return parts;
}

template <class Stored, class Real>
void write_inference(const EpochColumns<Stored>& columns, const std::int64_t* rows, std::int64_t t,
                     const TopicInference<Real>& result, const Output<Stored>& out) {
    InferenceColumns<Stored>& to = out.columns;
    each_inference_column(
        to, parts_of(columns, rows, t), result,
        [&](int i, Stored* column, const ColumnPart& part, const List<Real>& list) {
            write_list(column, part.begin, list, out.of(i, t));
            std::fill(column + part.begin + list.size(), column + part.begin + part.count,
                      Number<Stored>::missing());
        });
    store(to.regret_scale, t, result.regret_scale, out.of(9, t));
    to.branch[t] = static_cast<std::uint8_t>(result.branch);
    to.all_inferers_are_new[t] = static_cast<std::uint8_t>(result.all_inferers_are_new);
}

template <class Stored>
class Inferring {
public:
    Inferring(const Rules& rules, Host& host, const EpochColumns<Stored>& columns,
              const std::int64_t* rows, const States& states, InferenceResults<Stored>& results)
        : rules_(rules), host_(host), columns_(columns), rows_(rows), states_(states),
          results_(results), spaces_(static_cast<std::size_t>(host.threads())) {}

    void topic(std::int64_t t, int thread, bool large) {
        ThreadSpace<Stored>& space = spaces_[static_cast<std::size_t>(thread)];
        const auto at = static_cast<std::size_t>(t);
        const TopicStatus& status = results_.status[at] =
            run_with_room(states_[at]->state, space, [&](const auto& stored, auto& workspace) {
                return run(t, large, stored, space.index, workspace);
            });
        if (status.cause != Cause::none) {
            clear(t, space.narrow);
        }
    }

    void topic(std::int64_t t, int thread) { topic(t, thread, false); }

    bool pack(std::int64_t t, int thread, std::vector<std::byte>& in, TopicPlace& place) {
        ThreadSpace<Stored>& space = spaces_[static_cast<std::size_t>(thread)];
        const auto at = static_cast<std::size_t>(t);
        const auto* stored = std::get_if<StoredState<Stored>>(&states_[at]->state);
        if (stored == nullptr) {
            return false;
        }
        const TopicStatus& status = results_.status[at] =
            start_topic(rules_, columns_, t, false, *stored, space.index, space.narrow);
        if (status.cause == Cause::does_not_fit) {
            return false;
        }
        if (status.cause == Cause::none) {
            pack_space<EpochVerb::infer>(rules_, space.narrow, in, place);
        } else {
            clear(t, space.narrow);
        }
        return true;
    }

    void unpack(std::int64_t t, int thread, std::byte* in, std::byte* out) {
        Workspace<Stored>& space = spaces_[static_cast<std::size_t>(thread)].narrow;
        const auto& stored =
            std::get<StoredState<Stored>>(states_[static_cast<std::size_t>(t)]->state);
        with_results<EpochVerb::infer>(space, in, out, [&] { finish(t, stored, space); });
    }

private:
    template <class Real>
    TopicStatus run(std::int64_t t, bool large, const StoredState<Real>& stored, ActorIndex& index,
                    Workspace<Real>& space) {
        TopicStatus status = start_topic(rules_, columns_, t, false, stored, index, space);
        if (status.cause != Cause::none) {
            return status;
        }
        if (large) {
            space.infer.pass.resize(static_cast<std::size_t>(host_.threads()));
            infer_epoch(rules_, space.epoch, space.state, space.infer, space.inference,
                        OnPool{host_});
        } else {
            infer_epoch(rules_, space.epoch, space.state, space.infer, space.inference);
        }
        return finish(t, stored, space);
    }

    template <class Real>
    TopicStatus finish(std::int64_t t, const StoredState<Real>& stored, Workspace<Real>& space) {
        const EpochInference<Real>& result = space.inference;
        if (!result.status.ok()) {
            return named(result.status, TopicActors<Stored>(columns_, t));
        }
        write_inference(columns_, rows_, t, result.network,
                        Output<Stored>{results_.network, results_.overflow});
        results_.resistant[t] = result.has_resistant ? 1 : 0;
        if (result.has_resistant) {
            write_inference(columns_, rows_, t,
                            result.resistant_differs ? result.resistant : result.network,
                            outlier_resistant());
        } else {
            write_nothing(t, space.epoch, space.inference.resistant, outlier_resistant());
        }
        keep_state(t, stored, space);
        return {};
    }

    Output<Stored> outlier_resistant() const {
        return {results_.outlier_resistant, results_.overflow + inference_columns};
    }

    // Missing results, where there are none.
    template <class Real>
    void write_nothing(std::int64_t t, const TopicEpoch<Real>& epoch, TopicInference<Real>& nothing,
                       const Output<Stored>& out) {
        nothing.branch = Branch::weighted;
        nothing.all_inferers_are_new = false;
        clear_results(epoch, nothing);
        write_inference(columns_, rows_, t, nothing, out);
    }

    // infer changes the outlier filter's numbers, nothing else.
    template <class Real>
    void keep_state(std::int64_t t, const StoredState<Real>& stored, const Workspace<Real>& space) {
        const std::shared_ptr<const Shelf>& before = states_[static_cast<std::size_t>(t)];
        if (results_.resistant[t] == 0) {
            results_.states[static_cast<std::size_t>(t)] = before;
            return;
        }
        StoredState<Real> next = stored;
        next.inference_median = space.state.inference_median;
        next.inference_median_absolute_deviation = space.state.inference_median_absolute_deviation;
        results_.states[static_cast<std::size_t>(t)] = shelved(*before, std::move(next));
    }

    // A topic that failed has missing results and keeps its state.
    template <class Real>
    void clear(std::int64_t t, Workspace<Real>& space) {
        TopicEpoch<Real> shape;
        const TopicActors<Stored> actors(columns_, t);
        shape.inferers = static_cast<std::int32_t>(actors.inferers.size());
        shape.forecasters = static_cast<std::int32_t>(actors.forecasters.size());
        shape.labels = columns_.labels[t];
        const std::int64_t first = columns_.forecaster_offsets[t];
        shape.element_losses.resize(static_cast<std::size_t>(
            columns_.element_offsets[first + shape.forecasters] - columns_.element_offsets[first]));
        for (int column = 0; column < 2 * inference_columns; ++column) {
            results_.overflow[column][static_cast<std::size_t>(t)].clear();
        }
        TopicInference<Real>& nothing = space.inference.network;
        write_nothing(t, shape, nothing, Output<Stored>{results_.network, results_.overflow});
        write_nothing(t, shape, nothing, outlier_resistant());
        results_.resistant[t] = 0;
        results_.states[static_cast<std::size_t>(t)] = states_[static_cast<std::size_t>(t)];
    }

    const Rules& rules_;
    Host& host_;
    const EpochColumns<Stored>& columns_;
    const std::int64_t* rows_;
    const States& states_;
    InferenceResults<Stored>& results_;
    std::vector<ThreadSpace<Stored>> spaces_;
};

} // namespace

template <class Stored>
void infer_batch(const Rules& rules, Host& host, const EpochColumns<Stored>& epochs,
                 const std::int64_t* value_row_offsets, const States& states,
                 InferenceResults<Stored>& results, Device* device) {
    const auto topics = static_cast<std::size_t>(epochs.topics);
    results.status.assign(topics, {});
    results.states.resize(topics);
    for (std::vector<Overflow>& column : results.overflow) {
        column.assign(topics, {});
    }
    Inferring<Stored> inferring(rules, host, epochs, value_row_offsets, states, results);
    if (device != nullptr) {
        run_on_device<Stored, EpochVerb::infer>(host, *device, rules, epochs.topics, inferring);
        return;
    }
    const auto is_large = [&](std::int64_t t) {
        const std::int64_t inferers = epochs.inferer_offsets[t + 1] - epochs.inferer_offsets[t];
        return inferers * inferers > large_topic_pairs;
    };
    host.for_each(epochs.topics, [&](std::int64_t t, int thread) {
        if (!is_large(t)) {
            inferring.topic(t, thread, false);
        }
    });
    for (std::int64_t t = 0; t < epochs.topics; ++t) {
        if (is_large(t)) {
            inferring.topic(t, 0, true);
        }
    }
}

template void infer_batch(const Rules&, Host&, const EpochColumns<double>&, const std::int64_t*,
                          const States&, InferenceResults<double>&, Device*);
template void infer_batch(const Rules&, Host&, const EpochColumns<Decimal>&, const std::int64_t*,
                          const States&, InferenceResults<Decimal>&, Device*);

} // namespace allora

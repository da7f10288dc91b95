// The batch loop of infer.
#include "engine.hpp"

#include "../formula/outlier.hpp"
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

template <class Stored, class Real>
void write_inference(const EpochColumns<Stored>& columns, const std::int64_t* rows, std::int64_t t,
                     const TopicInference<Real>& result, const Output<Stored>& out) {
    const std::int64_t inferer = columns.inferer_offsets[t];
    const std::int64_t forecaster = columns.forecaster_offsets[t];
    InferenceColumns<Stored>& to = out.columns;
    write_list(to.values, rows[t], result.values, out.of(0, t));
    write_list(to.inferer_weight, inferer, result.inferer_weight, out.of(1, t));
    write_list(to.forecaster_weight, forecaster, result.forecaster_weight, out.of(2, t));
    write_list(to.inferer_regret_used, inferer, result.inferer_regret_used, out.of(3, t));
    write_list(to.forecaster_regret_used, forecaster, result.forecaster_regret_used, out.of(4, t));
    write_list(to.element_weight, columns.element_offsets[forecaster], result.element_weight,
               out.of(5, t));
    write_list(to.normalized_inferer_weight, inferer, result.normalized_inferer_weight,
               out.of(6, t));
    write_list(to.normalized_forecaster_weight, forecaster, result.normalized_forecaster_weight,
               out.of(7, t));
    write_list(to.confidence_interval, 5 * t, result.confidence_interval, out.of(8, t));
    std::fill(to.confidence_interval + 5 * t + result.confidence_interval.size(),
              to.confidence_interval + 5 * (t + 1), Number<Stored>::missing());
    store(to.regret_scale, t, result.regret_scale, out.of(9, t));
    to.branch[t] = static_cast<std::uint8_t>(result.branch);
    to.all_inferers_are_new[t] = static_cast<std::uint8_t>(result.all_inferers_are_new);
}

// A result over the kept inferers, spread over all of them.
template <class Real>
TopicInference<Real> spread(const TopicInference<Real>& rest, const TopicEpoch<Real>& epoch,
                            const std::vector<std::uint8_t>& kept) {
    TopicInference<Real> all = rest;
    clear_results(epoch, all);
    all.regret_scale = rest.regret_scale;
    all.element_weight = rest.element_weight;
    all.forecaster_weight = rest.forecaster_weight;
    all.forecaster_regret_used = rest.forecaster_regret_used;
    all.normalized_forecaster_weight = rest.normalized_forecaster_weight;
    all.confidence_interval = rest.confidence_interval;
    std::vector<std::int64_t> slots = {0, 1};
    const BundleLayout layout{epoch.inferers, epoch.forecasters};
    std::vector<std::int32_t> inferers;
    for (std::size_t j = 0; j < kept.size(); ++j) {
        if (kept[j] != 0) {
            inferers.push_back(static_cast<std::int32_t>(j));
        }
    }
    for (std::size_t i = 0; i < inferers.size(); ++i) {
        const auto j = static_cast<std::size_t>(inferers[i]);
        all.inferer_weight[j] = rest.inferer_weight[i];
        all.inferer_regret_used[j] = rest.inferer_regret_used[i];
        all.normalized_inferer_weight[j] = rest.normalized_inferer_weight[i];
        slots.push_back(layout.inferer(inferers[i]));
    }
    for (std::int32_t k = 0; k < epoch.forecasters; ++k) {
        slots.push_back(layout.forecaster(k));
    }
    for (std::int32_t k = 0; k < epoch.forecasters; ++k) {
        for (const std::int32_t w : inferers) {
            slots.push_back(layout.one_out_inferer_forecaster(k, w));
        }
    }
    for (const std::int32_t w : inferers) {
        slots.push_back(layout.one_out_inferer(w));
    }
    for (std::int32_t q = 0; q < 2 * epoch.forecasters; ++q) {
        slots.push_back(layout.one_out_forecaster(q));
    }
    for (std::size_t slot = 0; slot < slots.size(); ++slot) {
        all.values[static_cast<std::size_t>(slots[slot])] = rest.values[slot];
    }
    return all;
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

private:
    template <class Real>
    TopicStatus run(std::int64_t t, bool large, const StoredState<Real>& stored, ActorIndex& index,
                    Workspace<Real>& space) {
        TopicStatus status = start_topic(rules_, columns_, t, false, stored, index, space);
        if (status.cause != Cause::none) {
            return status;
        }
        const TopicActors<Stored> actors(columns_, t);
        if (large) {
            space.infer.pass.resize(static_cast<std::size_t>(host_.threads()));
            infer_topic(rules_, space.epoch, space.state, space.infer, space.inference,
                        OnPool{host_});
        } else {
            infer_topic(rules_, space.epoch, space.state, space.infer, space.inference);
        }
        if (!space.inference.status.ok()) {
            return named(space.inference.status, actors);
        }
        write_inference(columns_, rows_, t, space.inference,
                        Output<Stored>{results_.network, results_.overflow});
        status = resist_outliers(t, space);
        if (status.cause == Cause::none) {
            keep_state(t, stored, space);
        }
        return status;
    }

    template <class Real>
    TopicStatus resist_outliers(std::int64_t t, Workspace<Real>& space) {
        const bool wanted = rules_.outlier_resistant == OutlierResistant::present ||
                            rules_.outlier_resistant == OutlierResistant::single_label;
        results_.resistant[t] = wanted && space.epoch.labels == 1 ? 1 : 0;
        if (results_.resistant[t] == 0) {
            return {};
        }
        const std::vector<Real>& inferences = space.infer.prepared.inferences;
        const Cause cause =
            update_outlier_state(space.epoch, inferences, space.state, space.infer.pass[0].sorted);
        if (cause != Cause::none) {
            return {cause, "inference_median_absolute_deviation", ""};
        }
        std::vector<std::uint8_t>& kept = space.infer.kept;
        const Cause filtered = keep_inferences(space.epoch, inferences, space.state, kept);
        if (filtered != Cause::none) {
            return {filtered, "outlier_resistant", ""};
        }
        const Output<Stored> out{results_.outlier_resistant, results_.overflow + inference_columns};
        if (std::find(kept.begin(), kept.end(), 0) == kept.end()) {
            write_inference(columns_, rows_, t, space.inference, out);
            return {};
        }
        const TopicEpoch<Real> rest = without_outliers(space.epoch, kept);
        const TopicState<Real> state = state_without_outliers(space.epoch, space.state, kept);
        infer_topic(rules_, rest, state, space.infer, space.inference);
        if (!space.inference.status.ok()) {
            return {space.inference.status.cause, "outlier_resistant", ""};
        }
        write_inference(columns_, rows_, t, spread(space.inference, space.epoch, kept), out);
        return {};
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
        space.inference.branch = Branch::weighted;
        space.inference.all_inferers_are_new = false;
        clear_results(shape, space.inference);
        for (int column = 0; column < 2 * inference_columns; ++column) {
            results_.overflow[column][static_cast<std::size_t>(t)].clear();
        }
        write_inference(columns_, rows_, t, space.inference,
                        Output<Stored>{results_.network, results_.overflow});
        write_inference(
            columns_, rows_, t, space.inference,
            Output<Stored>{results_.outlier_resistant, results_.overflow + inference_columns});
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
                 InferenceResults<Stored>& results) {
    const auto topics = static_cast<std::size_t>(epochs.topics);
    results.status.assign(topics, {});
    results.states.resize(topics);
    for (std::vector<Overflow>& column : results.overflow) {
        column.assign(topics, {});
    }
    Inferring<Stored> inferring(rules, host, epochs, value_row_offsets, states, results);
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
                          const States&, InferenceResults<double>&);
template void infer_batch(const Rules&, Host&, const EpochColumns<Decimal>&, const std::int64_t*,
                          const States&, InferenceResults<Decimal>&);

} // namespace allora

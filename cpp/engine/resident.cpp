// Topics that live on a device: how they get there, and their epochs.
#include "resident.hpp"

#include "device_batch.hpp"

#include <algorithm>

namespace allora {

namespace {

// More scores than these cannot live on a device; record_scores asks for some hundreds.
constexpr std::size_t most_scores = 1 << 16;

ResidentFault written(const TopicStatus& status) {
    ResidentFault fault;
    fault.cause = status.cause;
    status.field.copy(fault.field, sizeof fault.field - 1);
    return fault;
}

// The lists of who is paid have no place in a parcel here.
template <EpochVerb verb>
std::size_t room(const Rules& rules, Workspace<double>& space) {
    TopicTask<double, verb> task;
    exchange(task, space);
    const std::size_t actors = static_cast<std::size_t>(task.epoch.inferers) +
                               static_cast<std::size_t>(task.epoch.forecasters);
    const std::size_t bytes = Arena::rounded(arena_room(task, rules) + actors + small_change);
    exchange(task, space);
    return bytes;
}

} // namespace

Resident::Resident(const Rules& rules, Host& host, Device& device,
                   const EpochColumns<double>& epochs, const std::int64_t* value_rows,
                   const std::int64_t* loss_rows, const States& states)
    : rules_(rules), host_(host), memory_(device.memory()), epochs_(epochs),
      value_rows_(value_rows), loss_rows_(loss_rows), before_(states) {
    check_roster();
    name_columns();
    lay_out();
    upload();
}

Resident::~Resident() {
    memory_->end();
}

void Resident::name_columns() {
    const std::int64_t topics = epochs_.topics;
    const std::int64_t inferers = epochs_.inferer_offsets[topics];
    const std::int64_t forecasters = epochs_.forecaster_offsets[topics];
    const std::int64_t reputers = epochs_.reputer_offsets[topics];
    const std::int64_t elements = epochs_.element_offsets[forecasters];
    const auto number = [](std::vector<ResidentColumn>& columns, const std::string& name,
                           std::int64_t count) {
        columns.push_back({name, "f8", sizeof(double), count});
    };
    number(inputs_, "inferences", epochs_.value_offsets[topics]);
    number(inputs_, "element_losses", elements);
    number(inputs_, "stakes", reputers);
    number(inputs_, "reports", epochs_.report_offsets[topics]);
    number(inputs_, "delegated", reputers);
    number(inputs_, "reward", topics);
    number(inputs_, "initial_regret", topics);
    inputs_.push_back({"nonce", "i8", sizeof(std::int64_t), topics});
    inputs_.push_back({"element_index", "i4", sizeof(std::int32_t), elements});
    const std::int64_t counts[inference_columns] = {
        value_rows_[topics], inferers,   forecasters, inferers, forecasters, elements, inferers,
        forecasters,         5 * topics, topics};
    for (const std::string prefix : {"", "resistant_"}) {
        for (int i = 0; i < inference_columns; ++i) {
            number(outputs_, prefix + inference_column_names[i], counts[i]);
        }
        outputs_.push_back({prefix + "branch", "u1", 1, topics});
        outputs_.push_back({prefix + "all_inferers_are_new", "u1", 1, topics});
    }
    outputs_.push_back({"resistant", "u1", 1, topics});
    number(outputs_, "network_losses", loss_rows_[topics]);
    for (const RewardField<double>& field : reward_fields<double>) {
        const std::int64_t count = field.role == Role::inferer      ? inferers
                                   : field.role == Role::forecaster ? forecasters
                                   : field.role == Role::reputer    ? reputers
                                                                    : topics;
        number(outputs_, field.name, count);
    }
    outputs_.push_back({"iterations", "i4", sizeof(std::int32_t), topics});
    outputs_.push_back({"computed", "u1", 1, topics});
    for (const char* name : {"infer_cause", "settle_cause", "reward_cause"}) {
        outputs_.push_back({name, "u2", sizeof(std::uint16_t), topics});
    }
    own_inputs_.resize(inputs_.size());
    own_outputs_.resize(outputs_.size());
    standing_.resize(outputs_.size());
}

void Resident::check_roster() const {
    const auto check = [&](const std::uint32_t* actors, const std::int64_t* offsets,
                           const char* role) {
        for (std::int64_t t = 0; t < epochs_.topics; ++t) {
            const TopicStatus status =
                check_order(actors + offsets[t], offsets[t + 1] - offsets[t], role);
            if (status.cause != Cause::none) {
                throw std::invalid_argument("topic " + std::to_string(epochs_.topic_id[t]) + ": " +
                                            role + " " + status.actor + ": " +
                                            cause_name(status.cause));
            }
        }
    };
    check(epochs_.inferer, epochs_.inferer_offsets, "inferer");
    check(epochs_.forecaster, epochs_.forecaster_offsets, "forecaster");
    check(epochs_.reputer, epochs_.reputer_offsets, "reputer");
}

void Resident::lay_out() {
    const auto topics = static_cast<std::size_t>(epochs_.topics);
    const auto forecasters = static_cast<std::size_t>(epochs_.forecaster_offsets[epochs_.topics]);
    places_.resize(topics);
    params_.resize(topics);
    extra_.resize(topics);
    shared_.resize(forecasters);
    element_starts_.resize(forecasters + topics);
    element_index_.resize(
        static_cast<std::size_t>(epochs_.element_offsets[epochs_.forecaster_offsets[topics]]));
    std::vector<std::size_t> most(topics + 1, 0);
    std::vector<ThreadSpace<double>> spaces(static_cast<std::size_t>(host_.threads()));
    host_.for_each(epochs_.topics, [&](std::int64_t t, int thread) {
        ThreadSpace<double>& space = spaces[static_cast<std::size_t>(thread)];
        most[static_cast<std::size_t>(t)] = lay_out_topic(t, space.index, space.narrow);
    });
    rooms_.size = *std::max_element(most.begin(), most.end());
    for (ResidentPlace& place : places_) {
        place.state[0] = states_size_;
        place.scores[0] = place.state[0] + place.state_size;
        states_size_ = place.scores[0] + place.scores_size +
                       ResidentHistory<double>::bytes(place.history[0]) +
                       ResidentHistory<double>::bytes(place.history[1]);
    }
    for (ResidentPlace& place : places_) {
        place.state[1] = states_size_ + place.state[0];
        place.scores[1] = states_size_ + place.scores[0];
    }
}

// The topic's shape and what stays the same of it; its numbers are none of this.
std::size_t Resident::lay_out_topic(std::int64_t t, ActorIndex& index, Workspace<double>& space) {
    const auto at = static_cast<std::size_t>(t);
    ResidentPlace& place = places_[at];
    const TopicActors<double> actors(epochs_, t);
    place.fault = written(load_params(epochs_, t, params_[at]));
    for (std::size_t j = 0; j < actors.inferers.size(); ++j) {
        index.insert(actors.inferers[j], static_cast<std::int32_t>(j));
    }
    const std::int64_t first = epochs_.forecaster_offsets[t];
    const auto count = static_cast<std::int64_t>(actors.forecasters.size());
    const std::int64_t begin = epochs_.element_offsets[first];
    for (std::int64_t k = 0; k <= count; ++k) {
        element_starts_[static_cast<std::size_t>(first + t + k)] =
            static_cast<std::int32_t>(epochs_.element_offsets[first + k] - begin);
    }
    for (std::int64_t k = 0; k < count; ++k) {
        shared_[static_cast<std::size_t>(first + k)] = index.find(epochs_.forecaster[first + k]);
    }
    for (std::int64_t e = begin; e < epochs_.element_offsets[first + count]; ++e) {
        element_index_[static_cast<std::size_t>(e)] = index.find(epochs_.element_inferer[e]);
    }
    index.erase(actors.inferers.data(), static_cast<std::int64_t>(actors.inferers.size()));

    const auto& stored = std::get<StoredState<double>>(before_[at]->state);
    const std::span<const std::int32_t> shared(shared_.data() + first,
                                               static_cast<std::size_t>(count));
    stored.gather(actors.inferers, actors.forecasters, shared, space.state);
    stored.scores->gather({actors.inferers, actors.forecasters, actors.reputers}, 0,
                          space.reward_state);
    Measure state;
    each_member(space.state, state);
    Measure scores;
    each_lasting_member(space.reward_state, scores);
    place.state_size = state.bytes();
    place.scores_size = scores.bytes();
    const auto history_room = [&](const double& seats, const ScoreHistory<double>& history,
                                  std::size_t entries) {
        const std::size_t read =
            place.fault.cause == Cause::none
                ? count_up_to(scores_read_back(rules_, params_[at], seats), most_scores)
                : 0;
        const std::size_t blocks = history.blocks();
        const std::size_t kept = blocks == 0 ? 0 : history.end(blocks - 1);
        // A block is kept whole: of this epoch's actors, or of those that were there before.
        for (std::size_t block = 0; block < blocks; ++block) {
            entries = std::max(entries, history.end(block) - history.begin(block));
        }
        return HistoryRoom{std::max(blocks, read + 1), std::max(kept, read + entries)};
    };
    place.history[0] = history_room(params_[at].max_top_inferers_to_reward,
                                    stored.scores->inferers.history, actors.inferers.size());
    place.history[1] = history_room(params_[at].max_top_forecasters_to_reward,
                                    stored.scores->forecasters.history, actors.forecasters.size());
    return lay_out_rooms(t, space);
}

// Rooms as for a topic whose reporters miss nothing, and for one whose reporters miss everything:
// one that lacks the first is given the second.
std::size_t Resident::lay_out_rooms(std::int64_t t, Workspace<double>& space) {
    ResidentPlace& place = places_[static_cast<std::size_t>(t)];
    const TopicActors<double> actors(epochs_, t);
    TopicEpoch<double>& epoch = space.epoch;
    epoch.inferers = static_cast<std::int32_t>(actors.inferers.size());
    epoch.forecasters = static_cast<std::int32_t>(actors.forecasters.size());
    epoch.reputers = static_cast<std::int32_t>(actors.reputers.size());
    epoch.labels = epochs_.labels[t];
    const std::int32_t* starts = element_starts_.data() + epochs_.forecaster_offsets[t] + t;
    epoch.shared.assign(actors.forecasters.size(), -1);
    epoch.element_offsets.assign(starts, starts + epoch.forecasters + 1);
    epoch.element_inferers.assign(static_cast<std::size_t>(starts[epoch.forecasters]), -1);
    epoch.element_losses.assign(epoch.element_inferers.size(), 0.0);
    epoch.inferences.assign(actors.inferers.size() * static_cast<std::size_t>(epoch.labels), 0.0);
    epoch.stakes.assign(actors.reputers.size(), 0.0);
    epoch.delegated.assign(actors.reputers.size(), 0.0);
    epoch.reports.assign(
        static_cast<std::size_t>(epochs_.report_offsets[t + 1] - epochs_.report_offsets[t]), 0.0);
    space.reward_state.inferers.past_scores.resize(place.history[0].scores);
    space.reward_state.forecasters.past_scores.resize(place.history[1].scores);
    place.room[0] = room<EpochVerb::infer>(rules_, space);
    place.room[1] = room<EpochVerb::settle>(rules_, space);
    place.room[2] = room<EpochVerb::reward>(rules_, space);
    std::fill(epoch.reports.begin(), epoch.reports.end(), Number<double>::missing());
    return std::max({place.room[0], place.room[1], room<EpochVerb::reward>(rules_, space)});
}

} // namespace allora

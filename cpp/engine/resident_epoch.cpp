// Topics that live on a device: their states to it, their epochs, and what is brought back.
#include "resident.hpp"

#include <algorithm>
#include <type_traits>

namespace allora {

namespace {

// Arenas in the device's memory: for so many topics at a time at most.
constexpr std::size_t most_rooms = std::size_t{16} * 1024;

} // namespace

void Resident::require(std::size_t bytes) {
    const std::size_t free = memory_->free_bytes();
    if (bytes > free) {
        throw OutOfDeviceMemory(static_cast<std::size_t>(epochs_.topics), held_ + bytes,
                                held_ + free);
    }
}

std::byte* Resident::take(std::size_t bytes) {
    require(bytes);
    std::byte* taken = memory_->take(bytes);
    taken_.emplace_back(taken, Give{memory_.get()});
    held_ += bytes;
    return taken;
}

void Resident::copy_in(void* to, const void* from, std::size_t bytes) {
    memory_->copy_in(to, from, bytes);
    in_ += bytes;
}

void Resident::copy_out(void* to, const void* from, std::size_t bytes) {
    memory_->copy_out(to, from, bytes);
    out_ += bytes;
}

template <class Value>
const Value* Resident::keep(const Value* values, std::size_t count) {
    std::byte* to = take(count * sizeof(Value));
    copy_in(to, values, count * sizeof(Value));
    return reinterpret_cast<const Value*>(to);
}

void Resident::upload() {
    const auto topics = static_cast<std::size_t>(epochs_.topics);
    // The least that all of it takes, before any of it is copied.
    const std::size_t places = topics * (sizeof(ResidentPlace) + sizeof(Params<double>) +
                                         resident_verbs * sizeof(ResidentFault));
    require(2 * states_size_ + places + rooms_.size);
    memory_->begin(0);
    upload_roster();
    std::vector<std::byte> states(states_size_);
    std::vector<ThreadSpace<double>> spaces(static_cast<std::size_t>(host_.threads()));
    host_.for_each(epochs_.topics, [&](std::int64_t t, int thread) {
        write_topic(t, spaces[static_cast<std::size_t>(thread)].narrow, states.data());
    });
    world_.states = take(2 * states_size_);
    copy_in(world_.states, states.data(), states_size_);
    world_.places = keep(places_.data(), topics);
    world_.newest = reinterpret_cast<std::uint8_t*>(take(2 * topics));
    memory_->fill(world_.newest, 0, 2 * topics);
    world_.results.fault =
        reinterpret_cast<ResidentFault*>(take(resident_verbs * topics * sizeof(ResidentFault)));
    const std::size_t affordable =
        memory_->free_bytes() / 4 / std::max<std::size_t>(rooms_.size, 1);
    rooms_.count = std::clamp<std::size_t>(affordable, 1, std::min(topics + 1, most_rooms));
    rooms_.begin = take(rooms_.count * rooms_.size);
    memory_->wait(); // for what is copied out of the host's memory
}

void Resident::upload_roster() {
    ResidentRoster<double>& roster = world_.roster;
    const auto topics = static_cast<std::size_t>(epochs_.topics);
    const auto forecasters = shared_.size();
    roster.topics = epochs_.topics;
    roster.labels = keep(epochs_.labels, topics);
    roster.inferer_offsets = keep(epochs_.inferer_offsets, topics + 1);
    roster.value_offsets = keep(epochs_.value_offsets, topics + 1);
    roster.forecaster_offsets = keep(epochs_.forecaster_offsets, topics + 1);
    roster.element_offsets = keep(epochs_.element_offsets, forecasters + 1);
    roster.reputer_offsets = keep(epochs_.reputer_offsets, topics + 1);
    roster.report_offsets = keep(epochs_.report_offsets, topics + 1);
    roster.inference_row_offsets = keep(value_rows_, topics + 1);
    roster.loss_row_offsets = keep(loss_rows_, topics + 1);
    roster.shared = keep(shared_.data(), forecasters);
    roster.element_starts = keep(element_starts_.data(), element_starts_.size());
    roster.params = keep(params_.data(), topics);
}

void Resident::write_topic(std::int64_t t, Workspace<double>& space, std::byte* states) {
    const auto at = static_cast<std::size_t>(t);
    const ResidentPlace& place = places_[at];
    const TopicActors<double> actors(epochs_, t);
    const auto& stored = std::get<StoredState<double>>(before_[at]->state);
    const std::span<const std::int32_t> shared(shared_.data() + epochs_.forecaster_offsets[t],
                                               actors.forecasters.size());
    stored.gather(actors.inferers, actors.forecasters, shared, space.state);
    stored.scores->gather({actors.inferers, actors.forecasters, actors.reputers}, 0,
                          space.reward_state);
    Writer state(states + place.state[0], place.state_size);
    each_member(space.state, state);
    Writer scores(states + place.scores[0], place.scores_size);
    each_lasting_member(space.reward_state, scores);
    std::byte* histories = states + place.scores[0] + place.scores_size;
    write_history(stored.scores->inferers.history, actors.inferers, extra_[at][0],
                  ResidentHistory<double>(histories, place.history[0]));
    histories += ResidentHistory<double>::bytes(place.history[0]);
    write_history(stored.scores->forecasters.history, actors.forecasters, extra_[at][1],
                  ResidentHistory<double>(histories, place.history[1]));
}

void Resident::write_history(const ScoreHistory<double>& history,
                             std::span<const std::uint32_t> actors,
                             std::vector<std::uint32_t>& extra, ResidentHistory<double> to) const {
    const auto index_of = [&](std::uint32_t actor) {
        const auto found = std::find(actors.begin(), actors.end(), actor);
        if (found != actors.end()) {
            return static_cast<std::size_t>(found - actors.begin());
        }
        const auto other = std::find(extra.begin(), extra.end(), actor);
        const auto at = static_cast<std::size_t>(other - extra.begin());
        if (other == extra.end()) {
            extra.push_back(actor);
        }
        return actors.size() + at;
    };
    to.clear();
    for (std::size_t block = history.blocks(); block-- > 0;) {
        to.begin_block(history.block(block));
        for (std::size_t entry = history.begin(block); entry < history.end(block); ++entry) {
            to.add(index_of(history.actor(entry)), history.score(entry));
        }
    }
}

void Resident::place_inputs(std::span<const GivenColumn> inputs) {
    const void* initial[] = {epochs_.inferences.data,     epochs_.element_losses.data,
                             epochs_.stakes.data,         epochs_.reports.data,
                             epochs_.delegated.data,      epochs_.reward.data,
                             epochs_.initial_regret.data, epochs_.nonce,
                             element_index_.data()};
    std::size_t at = 0;
    const auto next = [&](auto*& place) {
        const ResidentColumn& column = inputs_[at];
        const GivenColumn& given = inputs[at];
        const void* now = place;
        if (given.is_on_device) {
            now = given.data;
        } else if (given.data != nullptr || now == nullptr) {
            if (own_inputs_[at] == nullptr) {
                own_inputs_[at] = take(column.bytes());
            }
            copy_in(own_inputs_[at], given.data != nullptr ? given.data : initial[at],
                    column.bytes());
            now = own_inputs_[at];
        }
        place = static_cast<std::remove_reference_t<decltype(place)>>(now);
        ++at;
    };
    ResidentNumbers<double>& numbers = world_.numbers;
    next(numbers.inferences);
    next(numbers.element_losses);
    next(numbers.stakes);
    next(numbers.reports);
    next(numbers.delegated);
    next(numbers.reward);
    next(numbers.initial_regret);
    next(numbers.nonce);
    next(numbers.element_index);
}

void Resident::place_outputs(std::span<void* const> outputs) {
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
        if (outputs[i] == nullptr && own_outputs_[i] == nullptr) {
            own_outputs_[i] = take(outputs_[i].bytes());
        }
        standing_[i] = outputs[i] != nullptr ? outputs[i] : own_outputs_[i];
    }
    std::size_t at = 0;
    const auto next = [&](auto*& place) {
        place = static_cast<std::remove_reference_t<decltype(place)>>(standing_[at++]);
    };
    ResidentResults<double>& to = world_.results;
    for (InferenceColumns<double>* columns : {&to.network, &to.outlier_resistant}) {
        next(columns->values);
        next(columns->inferer_weight);
        next(columns->forecaster_weight);
        next(columns->inferer_regret_used);
        next(columns->forecaster_regret_used);
        next(columns->element_weight);
        next(columns->normalized_inferer_weight);
        next(columns->normalized_forecaster_weight);
        next(columns->confidence_interval);
        next(columns->regret_scale);
        next(columns->branch);
        next(columns->all_inferers_are_new);
    }
    next(to.resistant);
    next(to.network_losses);
    for (double*& column : to.reward) {
        next(column);
    }
    next(to.iterations);
    next(to.computed);
    for (std::uint16_t*& cause : to.cause) {
        next(cause);
    }
}

void Resident::epoch(std::span<const GivenColumn> inputs, std::span<void* const> outputs,
                     StreamHandle stream, std::span<const StreamHandle> after) {
    memory_->begin(stream);
    for (const StreamHandle other : after) {
        memory_->follow(other);
    }
    place_inputs(inputs);
    place_outputs(outputs);
    for (std::uint16_t* cause : world_.results.cause) {
        memory_->fill(cause, 0xff,
                      sizeof(std::uint16_t) * static_cast<std::size_t>(epochs_.topics));
    }
    memory_->epoch(rules_, world_, rooms_);
}

void Resident::read(std::size_t output, void* to) {
    if (standing_[output] != nullptr) {
        copy_out(to, standing_[output], outputs_[output].bytes());
    }
    memory_->wait();
}

std::vector<TopicStatus> Resident::status(EpochVerb verb) {
    const auto topics = static_cast<std::size_t>(epochs_.topics);
    std::vector<TopicStatus> status(topics);
    const std::uint16_t* on_device = world_.results.cause[static_cast<int>(verb)];
    if (on_device == nullptr) {
        return status;
    }
    std::vector<std::uint16_t> causes(topics);
    copy_out(causes.data(), on_device, topics * sizeof(std::uint16_t));
    memory_->wait();
    if (std::all_of(causes.begin(), causes.end(), [](std::uint16_t cause) { return cause == 0; })) {
        return status;
    }
    std::vector<ResidentFault> faults(topics);
    copy_out(faults.data(), world_.results.fault + static_cast<std::size_t>(verb) * topics,
             topics * sizeof(ResidentFault));
    memory_->wait();
    for (std::size_t t = 0; t < topics; ++t) {
        if (causes[t] == not_done) {
            status[t] = {Cause::does_not_fit, "", ""};
        } else if (causes[t] != 0) {
            const ResidentFault& fault = faults[t];
            status[t] = named({fault.cause, fault.field, fault.actor, fault.role},
                              TopicActors<double>(epochs_, static_cast<std::int64_t>(t)));
        }
    }
    return status;
}

States Resident::states() {
    const auto topics = static_cast<std::size_t>(epochs_.topics);
    std::vector<std::byte> states(2 * states_size_);
    std::vector<std::uint8_t> newest(2 * topics);
    copy_out(states.data(), world_.states, states.size());
    copy_out(newest.data(), world_.newest, newest.size());
    memory_->wait();
    States result(topics);
    host_.for_each(epochs_.topics, [&](std::int64_t t, int) {
        result[static_cast<std::size_t>(t)] = state(t, states.data(), newest.data());
    });
    return result;
}

// What was uploaded, with what the epochs made of it: everything else of the topic's state is as it
// was before.
std::shared_ptr<const Shelf> Resident::state(std::int64_t t, std::byte* states,
                                             const std::uint8_t* newest) const {
    const auto at = static_cast<std::size_t>(t);
    const ResidentPlace& place = places_[at];
    const TopicActors<double> actors(epochs_, t);
    StoredState<double> next = std::get<StoredState<double>>(before_[at]->state);
    TopicState<double> dense;
    Reader reader(states + place.state[newest[2 * at]]);
    each_member(dense, reader);
    next.scatter(actors.inferers, actors.forecasters,
                 {shared_.data() + epochs_.forecaster_offsets[t], actors.forecasters.size()},
                 dense);
    const auto count = [](const std::uint64_t& now, std::uint64_t& stored) {
        stored = now == 0 ? stored : now; // never stored reads as 0
    };
    StoredInclusions& counts = next.inclusions.edit();
    for (std::size_t j = 0; j < actors.inferers.size(); ++j) {
        count(dense.inferer_inclusions[j], counts.inferers[next.add_inferer(actors.inferers[j])]);
    }
    for (std::size_t k = 0; k < actors.forecasters.size(); ++k) {
        count(dense.forecaster_inclusions[k],
              counts.forecasters[next.add_forecaster(actors.forecasters[k])]);
    }
    std::byte* kept = states + place.scores[newest[2 * at + 1]];
    RewardState<double> scores;
    Reader lasting(kept);
    each_lasting_member(scores, lasting);
    StoredScores<double>& stored = next.scores.edit();
    stored = stored.after({actors.inferers, actors.forecasters, actors.reputers}, 0, scores);
    kept += place.scores_size;
    stored.inferers.history =
        history(actors.inferers, extra_[at][0], ResidentHistory<double>(kept, place.history[0]));
    kept += ResidentHistory<double>::bytes(place.history[0]);
    stored.forecasters.history =
        history(actors.forecasters, extra_[at][1], ResidentHistory<double>(kept, place.history[1]));
    return shelved(*before_[at], std::move(next));
}

ScoreHistory<double> Resident::history(std::span<const std::uint32_t> actors,
                                       const std::vector<std::uint32_t>& extra,
                                       ResidentHistory<double> from) const {
    ScoreHistory<double> history;
    std::size_t end = from.scores();
    for (std::size_t block = from.blocks(); block-- > 0;) {
        const std::size_t begin = end - from.count(block);
        for (std::size_t at = begin; at < end; ++at) {
            const std::size_t actor = from.actor(at);
            *history.add(from.height(block),
                         actor < actors.size() ? actors[actor] : extra[actor - actors.size()]) =
                from.score()[at];
        }
        end = begin;
    }
    return history;
}

} // namespace allora

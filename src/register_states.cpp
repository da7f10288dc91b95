// States at the door: immutable values, read and written entry by entry or as canonical bytes.
#include "registers.hpp"

#include "../cpp/number/decimal_text.hpp"
#include "../cpp/protocol/state_batch.hpp"
#include "epoch_columns.hpp"

#include <algorithm>
#include <pybind11/stl.h>
#include <string>
#include <tuple>
#include <vector>

namespace allora::door {

namespace py = pybind11;

namespace {

using Entry = std::tuple<std::string, std::string, std::string, std::string>;

StatesValue make_states(const std::string& number, const std::vector<std::uint64_t>& topics) {
    return {number, new_states(number == "float64", topics)};
}

StatesValue with_entries(const StatesValue& value, std::size_t at,
                         const std::vector<Entry>& entries) {
    StatesValue changed = value;
    std::vector<StateEntry> converted;
    converted.reserve(entries.size());
    for (const auto& [family, withheld, actor, text] : entries) {
        converted.push_back({family, withheld, actor, text});
    }
    const std::string problem =
        replace_state(changed.states.at(at), value.number == "float64", converted);
    if (!problem.empty()) {
        throw py::value_error("topic " + std::to_string(value.states.at(at)->topic_id) + ": " +
                              problem);
    }
    return changed;
}

std::vector<Entry> entries(const StatesValue& value, std::size_t at) {
    std::vector<Entry> listed;
    for (const StateEntry& entry : state_entries(*value.states.at(at))) {
        listed.emplace_back(entry.family, entry.withheld, entry.actor, entry.text);
    }
    return listed;
}

std::vector<std::uint64_t> topic_ids(const StatesValue& value) {
    std::vector<std::uint64_t> topics;
    for (const auto& shelf : value.states) {
        topics.push_back(shelf->topic_id);
    }
    return topics;
}

StatesValue take(const StatesValue& value, const std::vector<std::size_t>& positions) {
    StatesValue taken{value.number, {}};
    for (const std::size_t at : positions) {
        taken.states.push_back(value.states.at(at));
    }
    return taken;
}

StatesValue put(const StatesValue& value, const std::vector<std::size_t>& positions,
                const StatesValue& others) {
    if (positions.size() != others.states.size()) {
        throw py::value_error("there must be one state per position");
    }
    StatesValue changed = value;
    for (std::size_t i = 0; i < positions.size(); ++i) {
        changed.states.at(positions[i]) = others.states[i];
    }
    return changed;
}

StatesValue join(const StatesValue& value, const StatesValue& others) {
    if (value.number != others.number) {
        throw py::value_error("the states are of different numbers");
    }
    StatesValue joined = value;
    joined.states.insert(joined.states.end(), others.states.begin(), others.states.end());
    return joined;
}

// Average scores of single actors.

template <class Scores>
auto& role_of(Scores& scores, const std::string& role) {
    if (role == "inferer") {
        return scores.inferers;
    }
    if (role == "forecaster") {
        return scores.forecasters;
    }
    if (role != "reputer") {
        throw py::value_error("unknown role '" + role + "'");
    }
    return scores.reputers;
}

using Offsets = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>;
using Actors = py::array_t<std::uint32_t, py::array::c_style | py::array::forcecast>;

void check_parts(const StatesValue& value, const Offsets& offsets, const Actors& actors) {
    check_offsets(offsets, static_cast<std::int64_t>(value.states.size()), actors.size(),
                  "offsets");
    check_actors(actors, "actors");
}

template <class Stored>
py::tuple averages_of(const StatesValue& value, const std::string& role, const Offsets& offsets,
                      const Actors& actors) {
    const std::size_t topics = value.states.size();
    py::array score = empty(actors.size(), Stored{});
    py::array quantile = empty(static_cast<py::ssize_t>(topics), Stored{});
    py::array initial = empty(static_cast<py::ssize_t>(topics), Stored{});
    py::array_t<std::int64_t> height(actors.size());
    auto* scores = static_cast<Stored*>(score.mutable_data());
    auto* quantiles = static_cast<Stored*>(quantile.mutable_data());
    auto* initials = static_cast<Stored*>(initial.mutable_data());
    std::vector<Overflow> long_scores(topics), long_quantiles(topics), long_initials(topics);
    const auto read = [&]<class Real>(std::size_t t, const StoredState<Real>& state) {
        const RoleScores<Real>& part = role_of(*state.scores, role);
        const auto topic = static_cast<std::int64_t>(t);
        store(quantiles, topic, part.score_quantile, long_quantiles[t]);
        store(initials, topic, part.initial_score, long_initials[t]);
        for (std::int64_t i = offsets.data()[t]; i < offsets.data()[t + 1]; ++i) {
            const std::int64_t at = part.actors.find(actors.data()[i]);
            const auto place = static_cast<std::size_t>(at);
            store(scores, i, at < 0 ? Number<Real>::missing() : part.score_ema[place],
                  long_scores[t]);
            const std::uint64_t stored = at < 0 ? no_count : part.score_height[place];
            height.mutable_data()[i] = stored == no_count ? 0 : static_cast<std::int64_t>(stored);
        }
    };
    for (std::size_t t = 0; t < topics; ++t) {
        const AnyState& state = value.states[t]->state;
        if constexpr (std::is_same_v<Stored, double>) {
            read(t, std::get<StoredState<double>>(state));
        } else if (const auto* narrow = std::get_if<StoredState<Decimal>>(&state)) {
            read(t, *narrow);
        } else {
            read(t, std::get<StoredState<BigDecimal>>(state));
        }
    }
    return py::make_tuple(with_pool(score, scores, long_scores), height,
                          with_pool(quantile, quantiles, long_quantiles),
                          with_pool(initial, initials, long_initials));
}

// Lists and single numbers of a family, read across topics.

template <class Real>
struct FamilyList {
    const Roster* actors = nullptr;
    const std::vector<Real>* values = nullptr;
};

template <class Real>
FamilyList<Real> list_of(const StoredState<Real>& state, const std::string& family) {
    const std::pair<const char*, FamilyList<Real>> lists[] = {
        {"inferer_regret", {&state.inferers, &state.regrets->inferer_regret}},
        {"naive_inferer_regret", {&state.inferers, &state.regrets->naive_inferer_regret}},
        {"inferer_weight", {&state.inferers, &state.regrets->inferer_weight}},
        {"forecaster_regret", {&state.forecasters, &state.regrets->forecaster_regret}},
        {"forecaster_weight", {&state.forecasters, &state.regrets->forecaster_weight}},
        {"listening_coefficient",
         {&state.scores->reputers.actors, &state.scores->listening_coefficient}},
        {"delegate_reward_per_share",
         {&state.scores->reputers.actors, &state.scores->delegate_reward_per_share}},
        {"inferer_score_ema", {&state.scores->inferers.actors, &state.scores->inferers.score_ema}},
        {"forecaster_score_ema",
         {&state.scores->forecasters.actors, &state.scores->forecasters.score_ema}},
        {"reputer_score_ema", {&state.scores->reputers.actors, &state.scores->reputers.score_ema}},
    };
    for (const auto& [name, list] : lists) {
        if (family == name) {
            return list;
        }
    }
    throw py::value_error("no list '" + family + "' is read by actor");
}

template <class Real>
const Real& scalar_of(const StoredState<Real>& state, const std::string& family) {
    const std::pair<const char*, const Real*> scalars[] = {
        {"initial_regret", &state.initial_regret},
        {"regret_scale", &state.regret_scale},
        {"previous_combined_loss", &state.previous_combined_loss},
        {"inference_median", &state.inference_median},
        {"inference_median_absolute_deviation", &state.inference_median_absolute_deviation},
        {"initial_inferer_score", &state.scores->inferers.initial_score},
        {"initial_forecaster_score", &state.scores->forecasters.initial_score},
        {"initial_reputer_score", &state.scores->reputers.initial_score},
    };
    for (const auto& [name, value] : scalars) {
        if (family == name) {
            return *value;
        }
    }
    throw py::value_error("no number '" + family + "' is read by topic");
}

template <class Visit>
void visit_state(const Shelf& shelf, const Visit& visit) {
    std::visit(visit, shelf.state);
}

template <class Stored, class Real>
inline constexpr bool keeps = std::is_same_v<Stored, double> == std::is_same_v<Real, double>;

template <class Stored>
py::object list_column(const StatesValue& value, const std::string& family, const Offsets& offsets,
                       const Actors& actors) {
    py::array array = empty(actors.size(), Stored{});
    auto* data = static_cast<Stored*>(array.mutable_data());
    std::vector<Overflow> overflow(value.states.size());
    for (std::size_t t = 0; t < value.states.size(); ++t) {
        visit_state(*value.states[t], [&]<class Real>(const StoredState<Real>& state) {
            if constexpr (keeps<Stored, Real>) {
                const FamilyList<Real> list = list_of(state, family);
                for (std::int64_t i = offsets.data()[t]; i < offsets.data()[t + 1]; ++i) {
                    const std::int64_t at = list.actors->find(actors.data()[i]);
                    store(data, i,
                          at < 0 ? Number<Real>::missing()
                                 : (*list.values)[static_cast<std::size_t>(at)],
                          overflow[t]);
                }
            }
        });
    }
    return with_pool(array, data, overflow);
}

template <class Stored>
py::object scalar_column(const StatesValue& value, const std::string& family) {
    py::array array = empty(static_cast<py::ssize_t>(value.states.size()), Stored{});
    auto* data = static_cast<Stored*>(array.mutable_data());
    std::vector<Overflow> overflow(value.states.size());
    for (std::size_t t = 0; t < value.states.size(); ++t) {
        visit_state(*value.states[t], [&]<class Real>(const StoredState<Real>& state) {
            if constexpr (keeps<Stored, Real>) {
                store(data, static_cast<std::int64_t>(t), scalar_of(state, family), overflow[t]);
            }
        });
    }
    return with_pool(array, data, overflow);
}

bool is_wide(const Decimal& value) {
    return value.form == Form::wide;
}

template <class Real, class Stored>
void set_averages(StoredState<Real>& state, const std::string& role, const Column<Stored>& scores,
                  const std::int64_t* heights, const Actors& actors, std::int64_t begin,
                  std::int64_t end) {
    StoredScores<Real>& all = state.scores.edit();
    RoleScores<Real>& part = role_of(all, role);
    for (std::int64_t i = begin; i < end; ++i) {
        Real score;
        load(scores, i, score);
        if (Number<Real>::is_missing(score)) {
            continue;
        }
        if (Number<Real>::fault(score) != Cause::none) {
            throw py::value_error("an average score is not a number");
        }
        const std::size_t at = part.add(actors.data()[i]);
        part.score_ema[at] = std::move(score);
        part.score_height[at] = static_cast<std::uint64_t>(heights[i]);
    }
    all.align();
}

template <class Stored>
StatesValue with_averages(const StatesValue& value, const std::string& role, const Offsets& offsets,
                          const Actors& actors, const py::dict& columns) {
    Held<Stored> held;
    hold(columns, "score", held);
    const auto heights = contiguous<std::int64_t>(columns, "height");
    if (held.column.size != actors.size() || heights.size() != actors.size()) {
        throw py::value_error("there must be one score and one height per actor");
    }
    StatesValue changed = value;
    for (std::size_t t = 0; t < value.states.size(); ++t) {
        const std::int64_t begin = offsets.data()[t];
        const std::int64_t end = offsets.data()[t + 1];
        if (begin == end) {
            continue;
        }
        auto shelf = std::make_shared<Shelf>(*value.states[t]);
        const auto fill = [&](auto& state) {
            set_averages(state, role, held.column, heights.data(), actors, begin, end);
        };
        if constexpr (std::is_same_v<Stored, double>) {
            fill(std::get<StoredState<double>>(shelf->state));
        } else {
            auto* narrow = std::get_if<StoredState<Decimal>>(&shelf->state);
            if (narrow != nullptr &&
                std::none_of(held.column.data + begin, held.column.data + end, is_wide)) {
                fill(*narrow);
            } else {
                StoredState<BigDecimal> wide = widened(shelf->state);
                fill(wide);
                shelf->state = narrowed(std::move(wide));
            }
        }
        changed.states[t] = std::move(shelf);
    }
    return changed;
}

StatesValue from_bytes(const py::bytes& data) {
    StatesValue value;
    const std::string problem = decode_states(std::string_view(data), value.number, value.states);
    if (!problem.empty()) {
        throw py::value_error(problem);
    }
    return value;
}

} // namespace

py::object wrap_states(const std::string& number, States states) {
    return py::cast(StatesValue{number, std::move(states)});
}

void register_states(py::module_& module) {
    py::class_<StatesValue>(module, "States", "States of a batch of topics; immutable.")
        .def(py::init(&make_states), py::arg("number"), py::arg("topic_ids"))
        .def("__len__", [](const StatesValue& value) { return value.states.size(); })
        .def_readonly("number", &StatesValue::number)
        .def_property_readonly("topic_ids", &topic_ids)
        .def("entries", &entries, py::arg("at"),
             "(family, withheld actor, actor, stored text) of every value of one topic.")
        .def("with_entries", &with_entries, py::arg("at"), py::arg("entries"),
             "A copy whose topic at this position holds exactly these entries.")
        .def("take", &take, py::arg("positions"))
        .def("put", &put, py::arg("positions"), py::arg("others"),
             "A copy with other states at these positions.")
        .def("join", &join, py::arg("others"), "These states, and the others after them.")
        .def(
            "averages",
            [](const StatesValue& value, const std::string& role, const Offsets& offsets,
               const Actors& actors) {
                check_parts(value, offsets, actors);
                return value.number == "float64"
                           ? averages_of<double>(value, role, offsets, actors)
                           : averages_of<Decimal>(value, role, offsets, actors);
            },
            py::arg("role"), py::arg("offsets"), py::arg("actors"),
            "Average scores and heights of actors (missing, 0: none stored), and per topic the "
            "quantile and the initial score.")
        .def(
            "list_column",
            [](const StatesValue& value, const std::string& family, const Offsets& offsets,
               const Actors& actors) {
                check_parts(value, offsets, actors);
                return value.number == "float64"
                           ? list_column<double>(value, family, offsets, actors)
                           : list_column<Decimal>(value, family, offsets, actors);
            },
            py::arg("family"), py::arg("offsets"), py::arg("actors"),
            "One family's numbers of actors, topic by topic; missing: none stored.")
        .def(
            "scalar_column",
            [](const StatesValue& value, const std::string& family) {
                return value.number == "float64" ? scalar_column<double>(value, family)
                                                 : scalar_column<Decimal>(value, family);
            },
            py::arg("family"), "One number per topic.")
        .def(
            "with_averages",
            [](const StatesValue& value, const std::string& role, const Offsets& offsets,
               const Actors& actors, const py::dict& columns) {
                check_parts(value, offsets, actors);
                return value.number == "float64"
                           ? with_averages<double>(value, role, offsets, actors, columns)
                           : with_averages<Decimal>(value, role, offsets, actors, columns);
            },
            py::arg("role"), py::arg("offsets"), py::arg("actors"), py::arg("columns"),
            "A copy with these average scores (column score) and heights (column height); a "
            "missing score leaves the actor as it is.")
        .def("to_bytes",
             [](const StatesValue& value) {
                 return py::bytes(encode_states(value.number == "float64", value.states));
             })
        .def_static("from_bytes", &from_bytes, py::arg("data"));
}

} // namespace allora::door

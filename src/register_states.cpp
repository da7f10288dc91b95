// States at the door: immutable values, read and written entry by entry or as canonical bytes.
#include "registers.hpp"

#include "../cpp/number/decimal_text.hpp"
#include "../cpp/protocol/state_batch.hpp"

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
        .def("to_bytes",
             [](const StatesValue& value) {
                 return py::bytes(encode_states(value.number == "float64", value.states));
             })
        .def_static("from_bytes", &from_bytes, py::arg("data"));
}

} // namespace allora::door

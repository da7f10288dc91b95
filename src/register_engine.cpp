// The door to the engine: columns in, columns out, the interpreter's lock released while it
// computes.
#include "registers.hpp"

#include "epoch_columns.hpp"

#include <optional>
#include <pybind11/stl.h>

namespace allora::door {

namespace {

template <class Stored>
struct InferenceArrays {
    std::vector<py::array> numbers;
    py::array_t<std::uint8_t> branch, all_new;
    InferenceColumns<Stored> columns;

    explicit InferenceArrays(const HeldEpochs<Stored>& held)
        : branch(held.columns.topics), all_new(held.columns.topics) {
        const py::ssize_t topics = held.columns.topics;
        const py::ssize_t sizes[inference_columns] = {held.inference_row_offsets.data()[topics],
                                                      held.inferer.size(),
                                                      held.forecaster.size(),
                                                      held.inferer.size(),
                                                      held.forecaster.size(),
                                                      held.element_inferer.size(),
                                                      held.inferer.size(),
                                                      held.forecaster.size(),
                                                      5 * topics,
                                                      topics};
        Stored** targets[inference_columns] = {&columns.values,
                                               &columns.inferer_weight,
                                               &columns.forecaster_weight,
                                               &columns.inferer_regret_used,
                                               &columns.forecaster_regret_used,
                                               &columns.element_weight,
                                               &columns.normalized_inferer_weight,
                                               &columns.normalized_forecaster_weight,
                                               &columns.confidence_interval,
                                               &columns.regret_scale};
        for (int i = 0; i < inference_columns; ++i) {
            numbers.push_back(empty(sizes[i], Stored{}));
            *targets[i] = static_cast<Stored*>(numbers.back().mutable_data());
        }
        columns.branch = branch.mutable_data();
        columns.all_inferers_are_new = all_new.mutable_data();
    }

    void put(py::dict& result, const std::string& prefix, const std::vector<Overflow>* overflow) {
        for (int i = 0; i < inference_columns; ++i) {
            auto* data = static_cast<Stored*>(numbers[static_cast<std::size_t>(i)].mutable_data());
            result[py::str(prefix + inference_column_names[i])] =
                with_pool(numbers[static_cast<std::size_t>(i)], data, overflow[i]);
        }
        result[py::str(prefix + "branch")] = branch;
        result[py::str(prefix + "all_inferers_are_new")] = all_new;
    }
};

template <class Stored>
py::tuple infer_columns(const Rules& rules, Host& host, const py::dict& columns,
                        const States& states, Device* device) {
    HeldEpochs<Stored> held;
    hold_epochs(columns, held);
    check_states(states, held.columns.topics);
    InferenceArrays<Stored> network(held);
    InferenceArrays<Stored> resistant(held);
    py::array_t<std::uint8_t> has_resistant(held.columns.topics);
    InferenceResults<Stored> results;
    results.network = network.columns;
    results.outlier_resistant = resistant.columns;
    results.resistant = has_resistant.mutable_data();
    {
        const py::gil_scoped_release release;
        infer_batch(rules, host, held.columns, held.inference_row_offsets.data(), states, results,
                    device);
    }
    py::dict result;
    network.put(result, "", results.overflow);
    resistant.put(result, "resistant_", results.overflow + inference_columns);
    result["resistant"] = has_resistant;
    return py::make_tuple(result, status_list(results.status),
                          wrap_states(number_name(Stored{}), results.states));
}

template <class Stored>
py::tuple settle_columns(const Rules& rules, Host& host, const py::dict& columns,
                         const States& states, Device* device) {
    HeldEpochs<Stored> held;
    hold_epochs(columns, held);
    check_states(states, held.columns.topics);
    py::array losses = empty(held.loss_row_offsets.data()[held.columns.topics], Stored{});
    SettlementResults<Stored> results;
    results.network_losses = static_cast<Stored*>(losses.mutable_data());
    {
        const py::gil_scoped_release release;
        settle_batch(rules, host, held.columns, held.loss_row_offsets.data(), states, results,
                     device);
    }
    py::dict result;
    result["network_losses"] = with_pool(losses, results.network_losses, results.overflow);
    return py::make_tuple(result, status_list(results.status),
                          wrap_states(number_name(Stored{}), results.states));
}

} // namespace

void register_engine(py::module_& module) {
    py::class_<Host>(module, "Host", "Threads of the engine; 0: as many as this process may use.")
        .def(py::init<int>(), py::arg("threads") = 0)
        .def_property_readonly("threads", &Host::threads);
    module.def(
        "infer",
        [](const std::string& number, const py::dict& rules, Host& host, const py::dict& columns,
           const StatesValue& states, std::optional<Device*> device) {
            return number == "float64"
                       ? infer_columns<double>(rules_from(rules), host, columns, states.states,
                                               device.value_or(nullptr))
                       : infer_columns<Decimal>(rules_from(rules), host, columns, states.states,
                                                device.value_or(nullptr));
        },
        py::arg("number"), py::arg("rules"), py::arg("host"), py::arg("columns"), py::arg("states"),
        py::arg("device") = py::none(),
        "Network inferences of a batch: (columns, status per topic, states).");
    module.def(
        "settle",
        [](const std::string& number, const py::dict& rules, Host& host, const py::dict& columns,
           const StatesValue& states, std::optional<Device*> device) {
            return number == "float64"
                       ? settle_columns<double>(rules_from(rules), host, columns, states.states,
                                                device.value_or(nullptr))
                       : settle_columns<Decimal>(rules_from(rules), host, columns, states.states,
                                                 device.value_or(nullptr));
        },
        py::arg("number"), py::arg("rules"), py::arg("host"), py::arg("columns"), py::arg("states"),
        py::arg("device") = py::none(),
        "Network losses of a batch and the states they lead to: (columns, status, states).");
    module.def(
        "rules_at",
        [](const std::string& version) {
            const auto rules = rules_at(version);
            if (!rules) {
                throw py::value_error("unknown version '" + version + "'");
            }
            py::dict fields;
            for (const auto& [name, value] : rule_values(*rules)) {
                fields[py::str(name)] = value;
            }
            return fields;
        },
        py::arg("version"), "The rules of a version, by the names of `Rules`.");
}

} // namespace allora::door

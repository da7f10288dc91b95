// The door to scores and rewards.
#include "epoch_columns.hpp"

#include <optional>

namespace allora::door {

namespace {

template <class Stored>
py::ssize_t reward_size(const HeldEpochs<Stored>& held, Role role) {
    switch (role) {
    case Role::inferer:
        return held.inferer.size();
    case Role::forecaster:
        return held.forecaster.size();
    case Role::reputer:
        return held.reputer.size();
    case Role::topic:
        break;
    }
    return held.topic_id.size();
}

template <class Stored>
py::tuple reward_columns(const Rules& rules, Host& host, const py::dict& columns,
                         const py::dict& settled, const States& states, Device* device) {
    HeldEpochs<Stored> held;
    hold_epochs(columns, held);
    check_states(states, held.columns.topics);
    Held<Stored> losses;
    hold(settled, "network_losses", losses);
    if (losses.column.size != held.loss_row_offsets.data()[held.columns.topics]) {
        throw py::value_error("the column 'network_losses' must have one entry per slot of the "
                              "topics' bundles");
    }
    py::array_t<std::int32_t> iterations(held.columns.topics);
    py::array_t<std::uint8_t> computed(held.columns.topics);
    std::vector<py::array> arrays;
    RewardResults<Stored> results;
    results.iterations = iterations.mutable_data();
    results.computed = computed.mutable_data();
    for (std::size_t i = 0; i < reward_field_count; ++i) {
        arrays.push_back(empty(reward_size(held, reward_fields<Stored>[i].role), Stored{}));
        results.columns[i] = static_cast<Stored*>(arrays[i].mutable_data());
    }
    {
        const py::gil_scoped_release release;
        reward_batch(rules, host, held.columns, held.loss_row_offsets.data(), losses.column, states,
                     results, device);
    }
    py::dict result;
    for (std::size_t i = 0; i < reward_field_count; ++i) {
        result[reward_fields<Stored>[i].name] =
            with_pool(arrays[i], results.columns[i], results.overflow[i]);
    }
    result["iterations"] = iterations;
    result["computed"] = computed;
    return py::make_tuple(result, status_list(results.status),
                          wrap_states(number_name(Stored{}), results.states));
}

} // namespace

void register_reward(py::module_& module) {
    module.def(
        "reward",
        [](const std::string& number, const py::dict& rules, Host& host, const py::dict& columns,
           const py::dict& settled, const StatesValue& states, std::optional<Device*> device) {
            return number == "float64"
                       ? reward_columns<double>(rules_from(rules), host, columns, settled,
                                                states.states, device.value_or(nullptr))
                       : reward_columns<Decimal>(rules_from(rules), host, columns, settled,
                                                 states.states, device.value_or(nullptr));
        },
        py::arg("number"), py::arg("rules"), py::arg("host"), py::arg("columns"),
        py::arg("settled"), py::arg("states"), py::arg("device") = py::none(),
        "Scores and rewards of a batch after its network losses: (columns, status, states).");
}

} // namespace allora::door

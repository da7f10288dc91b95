// The doors' parts: each registers one subject with the module.
#pragma once

#include "../cpp/engine/engine.hpp"

#include <pybind11/pybind11.h>
#include <utility>

namespace allora::door {

// States of a batch as an immutable Python value.
struct StatesValue {
    std::string number;
    States states;
};

pybind11::object wrap_states(const std::string& number, States states);

void register_numbers(pybind11::module_& module);
void register_operations(pybind11::module_& module);
void register_states(pybind11::module_& module);
void register_engine(pybind11::module_& module);
void register_losses(pybind11::module_& module);
void register_reward(pybind11::module_& module);
void register_topics(pybind11::module_& module);
void register_devices(pybind11::module_& module);
void register_resident(pybind11::module_& module);
void register_wire(pybind11::module_& module);
void register_payloads(pybind11::module_& module);

} // namespace allora::door

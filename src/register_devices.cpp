// Devices at the door: what was built and found, and the float64 functions on any of them.
#include "registers.hpp"

#include "../cpp/engine/device.hpp"
#include "../cpp/number/float64_array.hpp"
#include "../cuda/device.hpp"

#include <array>
#include <optional>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <string>

namespace allora::door {

namespace py = pybind11;

namespace {

using Doubles = py::array_t<double, py::array::c_style | py::array::forcecast>;

constexpr std::array<const char*, 9> function_names = {"exp",  "expm1", "log",  "log1p", "log10",
                                                       "log2", "pow",   "tanh", "sqrt"};

float64::Function function_named(const std::string& name) {
    for (std::size_t i = 0; i < function_names.size(); ++i) {
        if (name == function_names[i]) {
            return static_cast<float64::Function>(i);
        }
    }
    throw py::value_error("unknown function '" + name +
                          "': exp, expm1, log, log1p, log10, log2, pow, tanh, sqrt");
}

// The ordinal of "cuda:N"; nothing for "cpu".
std::optional<int> device_named(const std::string& name) {
    if (name == "cpu") {
        return std::nullopt;
    }
    const std::string digits = name.rfind("cuda:", 0) == 0 ? name.substr(5) : "";
    if (digits.empty() || digits.size() > 3 ||
        digits.find_first_not_of("0123456789") != std::string::npos) {
        throw py::value_error("unknown device '" + name + "': write 'cpu' or 'cuda:0'");
    }
    const int ordinal = std::stoi(digits);
    const cuda::Report found = cuda::report();
    if (ordinal >= static_cast<int>(found.devices.size())) {
        throw py::value_error("no device '" + name + "': " +
                              (found.devices.empty()
                                   ? found.reason
                                   : std::to_string(found.devices.size()) + " found"));
    }
    return ordinal;
}

const double* second_of(float64::Function function, const Doubles& x,
                        const std::optional<Doubles>& y) {
    if (function != float64::Function::pow) {
        return nullptr;
    }
    if (!y || y->size() != x.size()) {
        throw py::value_error("pow needs y, as long as x");
    }
    return y->data();
}

Doubles apply_float64(const std::string& name, const Doubles& x, const std::optional<Doubles>& y,
                      const std::string& device) {
    const float64::Function function = function_named(name);
    const std::optional<int> ordinal = device_named(device);
    const double* first = x.data();
    const double* second = second_of(function, x, y);
    Doubles result(x.size());
    double* out = result.mutable_data();
    const auto n = static_cast<std::size_t>(x.size());
    const py::gil_scoped_release released;
    if (ordinal) {
        cuda::apply(*ordinal, function, first, second, out, n);
    } else {
        float64::apply(chosen_variant().variant, function, first, second, out, n);
    }
    return result;
}

double time_float64(const std::string& name, const Doubles& x, const std::optional<Doubles>& y,
                    const std::string& device, int repeats) {
    const float64::Function function = function_named(name);
    const std::optional<int> ordinal = device_named(device);
    if (!ordinal || repeats < 1) {
        throw py::value_error("time_float64 needs a CUDA device and at least one repeat");
    }
    const double* first = x.data();
    const double* second = second_of(function, x, y);
    const auto n = static_cast<std::size_t>(x.size());
    const py::gil_scoped_release released;
    return cuda::time(*ordinal, function, first, second, n, repeats);
}

// Nothing for "cpu".
std::optional<std::unique_ptr<Device>> opened(const std::string& name) {
    if (name == "emulated") {
        return emulated_device(0, 0);
    }
    if (const std::string limited = "emulated:"; name.rfind(limited, 0) == 0) {
        std::size_t digits = 0;
        const std::string limits = name.substr(limited.size());
        const std::size_t room = std::stoul(limits, &digits);
        const bool more = digits < limits.size() && limits[digits] == ':';
        return emulated_device(room, more ? std::stoul(limits.substr(digits + 1)) : 0);
    }
    const std::optional<int> ordinal = device_named(name);
    if (!ordinal) {
        return std::nullopt;
    }
    return cuda::open_device(*ordinal);
}

// What float64 runs with on the processor; a wish that cannot be met is refused, not passed over.
std::string variant() {
    const VariantChoice choice = chosen_variant();
    if (!choice.error.empty()) {
        throw py::value_error(choice.error);
    }
    return variant_name(choice.variant);
}

py::dict cuda_report() {
    const cuda::Report found = cuda::report();
    py::list devices;
    for (const cuda::FoundDevice& device : found.devices) {
        py::dict entry;
        entry["device"] = "cuda:" + std::to_string(device.ordinal);
        entry["name"] = device.name;
        entry["capability"] = py::make_tuple(device.major, device.minor);
        entry["multiprocessors"] = device.multiprocessors;
        entry["memory"] = device.memory;
        devices.append(entry);
    }
    py::dict report;
    report["built"] = found.built;
    report["build"] = found.build;
    report["reason"] = found.reason;
    report["devices"] = devices;
    return report;
}

} // namespace

void register_devices(py::module_& module) {
    py::class_<Device>(module, "Device",
                       "What computes whole topics beside the host: a CUDA device, or "
                       "\"emulated\", its kernels' bodies run by the host.")
        .def_readonly("finished", &Device::finished, "Topics that it finished so far.")
        .def_readonly("left", &Device::left, "Topics that it left to the host so far.")
        .def_readonly("fullest", &Device::fullest,
                      "The largest part of its room that a topic used; 0: not known.")
        .def_readonly("milliseconds", &Device::milliseconds,
                      "What the kernels of the last call took; 0: not measured.");
    module.def("open_device", &opened, py::arg("name"),
               "The device 'cuda:0' or 'emulated', or None for 'cpu'. ValueError: there is no such "
               "device. RuntimeError: it could not be opened.");
    module.def("cuda_report", &cuda_report,
               "built, build (nvcc and architectures), reason (why there is no device) and "
               "devices: device, name, capability, multiprocessors, memory in bytes.");
    module.def("variant", &variant,
               "The instruction set that float64 runs with: base, avx2 or avx512. ValueError: "
               "ALLORA_CORE_VARIANT asks for one that is unknown or that this processor lacks.");
    module.def("apply_float64", &apply_float64, py::arg("function"), py::arg("x"),
               py::arg("y") = py::none(), py::arg("device") = "cpu",
               "function(x) or pow(x, y) of float64 arrays: the same bits on every device. "
               "ValueError: an unknown function or device. RuntimeError: the device failed.");
    module.def("time_float64", &time_float64, py::arg("function"), py::arg("x"), py::arg("y"),
               py::arg("device"), py::arg("repeats"),
               "Milliseconds of the fastest of `repeats` passes over arrays on a CUDA device.");
}

} // namespace allora::door

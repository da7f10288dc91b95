// The door to topics that live on a device: arrays of the host and of the device, taken and given
// by their interfaces without a copy.
#include "epoch_columns.hpp"

#include "../cpp/engine/resident.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>

namespace allora::door {

namespace {

// A column in the device's memory; what it shows lasts until the next epoch.
struct DeviceColumn {
    ResidentColumn column;
    void* data;
    StreamHandle stream;
};

py::object interface_of(const DeviceColumn& column) {
    py::dict shown;
    shown["shape"] = py::make_tuple(column.column.count);
    shown["typestr"] = (column.column.item == 1 ? "|" : "<") + column.column.type;
    shown["data"] = py::make_tuple(reinterpret_cast<std::uintptr_t>(column.data), false);
    shown["strides"] = py::none();
    shown["version"] = 3;
    shown["stream"] = column.stream == 0 ? py::object(py::none()) : py::cast(column.stream);
    return shown;
}

[[noreturn]] void refuse(const ResidentColumn& column, const std::string& what) {
    throw py::value_error("the column '" + column.name + "' " + what);
}

// What `__cuda_array_interface__` says, checked.
class Shown {
public:
    Shown(const ResidentColumn& column, const py::dict& shown) : column_(column), shown_(shown) {
        const auto type = py::cast<std::string>(entry("typestr"));
        const std::string wanted = (column.item == 1 ? "|" : "<") + column.type;
        if (type != wanted) {
            refuse(column, "must be of type " + wanted + ", not " + type);
        }
        const auto shape = py::cast<py::tuple>(entry("shape"));
        std::int64_t count = 1;
        for (const py::handle& extent : shape) {
            count *= py::cast<std::int64_t>(extent);
        }
        if (count != column.count) {
            refuse(column, "must have " + std::to_string(column.count) + " entries, not " +
                               std::to_string(count));
        }
        check_strides(shape);
    }

    void* data() const {
        return reinterpret_cast<void*>(
            py::cast<std::uintptr_t>(py::cast<py::tuple>(entry("data"))[0]));
    }
    bool is_read_only() const { return py::cast<bool>(py::cast<py::tuple>(entry("data"))[1]); }
    // 0: nothing to wait for.
    StreamHandle stream() const {
        if (!shown_.contains("stream") || shown_["stream"].is_none()) {
            return 0;
        }
        const auto stream = py::cast<StreamHandle>(shown_["stream"]);
        if (stream == 0) {
            refuse(column_, "names stream 0, which the interface forbids: 1 is the default stream");
        }
        return stream;
    }

private:
    py::object entry(const char* name) const {
        if (!shown_.contains(name)) {
            refuse(column_, std::string("has an interface without '") + name + "'");
        }
        return shown_[name];
    }
    void check_strides(const py::tuple& shape) const {
        if (!shown_.contains("strides") || shown_["strides"].is_none() || column_.count == 0) {
            return;
        }
        const auto strides = py::cast<py::tuple>(shown_["strides"]);
        auto expected = static_cast<std::int64_t>(column_.item);
        for (std::size_t axis = strides.size(); axis-- > 0;) {
            const auto extent = py::cast<std::int64_t>(shape[axis]);
            if (extent > 1 && py::cast<std::int64_t>(strides[axis]) != expected) {
                refuse(column_, "must be contiguous, in C order");
            }
            expected *= extent;
        }
    }

    const ResidentColumn& column_;
    const py::dict& shown_;
};

// The arrays of one call, alive until the device has finished with them.
struct Call {
    std::vector<GivenColumn> inputs;
    std::vector<void*> outputs;
    std::vector<StreamHandle> after;
    std::vector<py::object> arrays;
};

StreamHandle handle_of(const py::object& stream) {
    if (py::hasattr(stream, "__cuda_stream__")) {
        return py::cast<StreamHandle>(py::cast<py::tuple>(stream.attr("__cuda_stream__")())[1]);
    }
    for (const char* name : {"ptr", "cuda_stream"}) { // of CuPy, of PyTorch
        if (py::hasattr(stream, name)) {
            return py::cast<StreamHandle>(stream.attr(name));
        }
    }
    return py::cast<StreamHandle>(stream);
}

// 0: none was named. CUDA's 0, the default stream, has the name 1 in the interface.
StreamHandle stream_from(const py::object& stream) {
    return stream.is_none() ? 0 : std::max<StreamHandle>(handle_of(stream), 1);
}

class ResidentValue {
public:
    ResidentValue(const py::dict& rules, Host& host, Device& device, const py::dict& columns,
                  const StatesValue& states)
        : states_(states.states) {
        hold_epochs(columns, held_);
        check_states(states_, held_.columns.topics);
        const Rules chosen = rules_from(rules);
        const py::gil_scoped_release release;
        resident_ = std::make_unique<Resident>(chosen, host, device, held_.columns,
                                               held_.inference_row_offsets.data(),
                                               held_.loss_row_offsets.data(), states_);
    }

    void epoch(const py::dict& inputs, const py::dict& outputs, const py::object& stream) {
        Call call;
        take_inputs(inputs, call);
        take_outputs(outputs, call);
        const StreamHandle on = stream_from(stream);
        if (resident_->memory().is_idle()) {
            arrays_.clear();
        }
        arrays_.insert(arrays_.end(), call.arrays.begin(), call.arrays.end());
        const py::gil_scoped_release release;
        resident_->epoch(call.inputs, call.outputs, on, call.after);
    }

    DeviceColumn column(const std::string& name) {
        const std::size_t at = output_named(name);
        if (resident_->output(at) == nullptr) {
            throw py::value_error("no epoch has been computed yet");
        }
        return {resident_->outputs()[at], resident_->output(at), resident_->memory().stream()};
    }

    py::array read(const std::string& name) {
        const DeviceColumn shown = column(name);
        py::array array(py::dtype(shown.column.type), std::vector<py::ssize_t>{shown.column.count});
        void* to = array.mutable_data();
        const py::gil_scoped_release release;
        resident_->read(output_named(name), to);
        return array;
    }

    py::list status(const std::string& moment) {
        const std::map<std::string, EpochVerb> verbs = {{"infer", EpochVerb::infer},
                                                        {"settle", EpochVerb::settle},
                                                        {"reward", EpochVerb::reward}};
        std::vector<TopicStatus> status;
        {
            const py::gil_scoped_release release;
            status = resident_->status(verbs.at(moment));
        }
        return status_list(status);
    }

    py::object states() {
        States states;
        {
            const py::gil_scoped_release release;
            states = resident_->states();
        }
        return wrap_states("float64", std::move(states));
    }

    double milliseconds() {
        const py::gil_scoped_release release;
        return resident_->memory().milliseconds();
    }
    void wait() {
        const py::gil_scoped_release release;
        resident_->memory().wait();
    }

    py::dict moved() const {
        py::dict bytes;
        bytes["held"] = resident_->bytes_held();
        bytes["in"] = resident_->bytes_in();
        bytes["out"] = resident_->bytes_out();
        return bytes;
    }

    py::list names(bool inputs) const {
        py::list names;
        for (const ResidentColumn& column : inputs ? resident_->inputs() : resident_->outputs()) {
            names.append(column.name);
        }
        return names;
    }

private:
    std::size_t output_named(const std::string& name) const {
        return named(resident_->outputs(), name, "result");
    }

    static std::size_t named(const std::vector<ResidentColumn>& columns, const std::string& name,
                             const char* what) {
        for (std::size_t i = 0; i < columns.size(); ++i) {
            if (columns[i].name == name) {
                return i;
            }
        }
        std::string known;
        for (const ResidentColumn& column : columns) {
            known += (known.empty() ? "" : ", ") + column.name;
        }
        throw py::value_error(std::string("there is no ") + what + " '" + name + "': " + known);
    }

    void* on_device(const ResidentColumn& column, const py::object& array, bool is_output,
                    Call& call) {
        const auto shown = py::cast<py::dict>(array.attr("__cuda_array_interface__"));
        const Shown checked(column, shown);
        if (is_output && checked.is_read_only()) {
            refuse(column, "is for results, but may only be read");
        }
        void* data = checked.data();
        if (column.count > 0) {
            const std::string problem =
                data == nullptr ? "points nowhere" : resident_->memory().stranger(data);
            if (!problem.empty()) {
                refuse(column, problem);
            }
        }
        if (const StreamHandle stream = checked.stream(); stream != 0) {
            call.after.push_back(stream);
        }
        call.arrays.push_back(array);
        return data;
    }

    void take_inputs(const py::dict& given, Call& call) {
        const std::vector<ResidentColumn>& columns = resident_->inputs();
        call.inputs.resize(columns.size());
        std::vector<std::pair<std::string, py::object>> kept;
        for (const auto& [name, value] : given) {
            const std::size_t at = named(columns, py::cast<std::string>(name), "input");
            const auto array = py::reinterpret_borrow<py::object>(value);
            if (py::hasattr(array, "__cuda_array_interface__")) {
                call.inputs[at] = {on_device(columns[at], array, false, call), true};
            } else {
                call.inputs[at] = {on_host(columns[at], array, call), false};
            }
            kept.emplace_back(columns[at].name, array);
        }
        for (const auto& [name, array] : kept) {
            inputs_[py::str(name)] = array;
        }
    }

    static const void* on_host(const ResidentColumn& column, const py::object& value, Call& call) {
        const auto array = py::array::ensure(value);
        if (!array || !array.dtype().equal(py::dtype(column.type))) {
            refuse(column, "must be an array of type " + column.type);
        }
        if ((array.flags() & py::array::c_style) == 0) {
            refuse(column, "must be contiguous, in C order");
        }
        if (array.size() != column.count) {
            refuse(column, "must have " + std::to_string(column.count) + " entries, not " +
                               std::to_string(array.size()));
        }
        call.arrays.push_back(array);
        return array.data();
    }

    void take_outputs(const py::dict& wanted, Call& call) {
        const std::vector<ResidentColumn>& columns = resident_->outputs();
        call.outputs.resize(columns.size());
        py::dict kept;
        for (const auto& [name, value] : wanted) {
            const std::size_t at = output_named(py::cast<std::string>(name));
            const auto array = py::reinterpret_borrow<py::object>(value);
            if (!py::hasattr(array, "__cuda_array_interface__")) {
                refuse(columns[at], "is for results: it needs __cuda_array_interface__");
            }
            call.outputs[at] = on_device(columns[at], array, true, call);
            kept[name] = value;
        }
        outputs_ = kept;
    }

    States states_;
    HeldEpochs<double> held_;
    std::vector<py::object> arrays_; // of calls that may not have ended
    py::dict inputs_, outputs_;      // that stay in use
    std::unique_ptr<Resident> resident_;
};

} // namespace

void register_resident(py::module_& module) {
    py::class_<DeviceColumn>(module, "DeviceColumn",
                             "A column in a device's memory, as __cuda_array_interface__ shows it.")
        .def_property_readonly("__cuda_array_interface__", &interface_of)
        .def("__len__", [](const DeviceColumn& column) { return column.column.count; });
    py::class_<ResidentValue>(module, "Resident",
                              "A float64 batch whose states live on a device; use it through "
                              "allora_core.Resident.")
        .def(py::init<const py::dict&, Host&, Device&, const py::dict&, const StatesValue&>(),
             py::arg("rules"), py::arg("host"), py::arg("device"), py::arg("columns"),
             py::arg("states"), py::keep_alive<1, 3>(), py::keep_alive<1, 4>())
        .def("epoch", &ResidentValue::epoch, py::arg("inputs"), py::arg("outputs"),
             py::arg("stream"), "Puts an epoch of all topics on the stream; waits for nothing.")
        .def("column", &ResidentValue::column, py::arg("name"), py::keep_alive<0, 1>(),
             "A result of the last epoch, where it stands on the device.")
        .def("read", &ResidentValue::read, py::arg("name"), "A result of the last epoch, copied.")
        .def("status", &ResidentValue::status, py::arg("moment"),
             "Per topic None or (actor, field, cause), of infer, settle or reward.")
        .def("states", &ResidentValue::states, "The states now, copied.")
        .def("wait", &ResidentValue::wait, "Waits for the device.")
        .def("names", &ResidentValue::names, py::arg("inputs"), "Names of inputs or results.")
        .def_property_readonly("milliseconds", &ResidentValue::milliseconds,
                               "What the kernels of the last epoch took; 0: not measured. Waits.")
        .def_property_readonly("moved", &ResidentValue::moved,
                               "Bytes: held on the device, moved in and out so far.");
}

} // namespace allora::door

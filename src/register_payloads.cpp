// Payloads at the door: an archive's rows in as Arrow hands them over, the engine's columns out.
#include "registers.hpp"

#include "../cpp/protocol/value_bundle.hpp"
#include "../cpp/wire/payload_rows.hpp"
#include "../cpp/wire/report_slots.hpp"
#include "arrays.hpp"

#include <memory>
#include <pybind11/stl.h>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace allora::door {

namespace {

using Integers = py::array_t<std::int64_t, py::array::c_style>;
using Codes = py::array_t<std::int32_t, py::array::c_style>;

// A vector as an array that owns it, without a copy.
template <class Value>
py::array owned(std::vector<Value>&& values, const py::dtype& dtype) {
    auto held = std::make_unique<std::vector<Value>>(std::move(values));
    const auto size = static_cast<py::ssize_t>(held->size());
    const Value* data = held->data();
    py::capsule owner(held.release(),
                      [](void* given) { delete static_cast<std::vector<Value>*>(given); });
    return py::array(dtype, {size}, {static_cast<py::ssize_t>(sizeof(Value))}, data, owner);
}

py::object numbers(wire::PayloadRows<double>& rows) {
    return owned(std::exchange(rows.values, {}), py::dtype::of<double>());
}

py::object numbers(wire::PayloadRows<Decimal>& rows) {
    const std::vector<Overflow> long_values{std::exchange(rows.long_values, {})};
    Decimal* data = rows.values.data(); // stays where it is
    return with_pool(owned(std::exchange(rows.values, {}), decimal_dtype()), data, long_values);
}

class PayloadRows {
public:
    PayloadRows(const std::string& number, std::int64_t names)
        : rows(number == "decimal" ? Rows(wire::PayloadRows<Decimal>(names))
                                   : Rows(wire::PayloadRows<double>(names))) {}

    std::vector<std::int64_t> take(const py::object& batch, const std::vector<Codes>& tables,
                                   std::int64_t first, std::int64_t last) {
        const auto capsules = py::cast<py::tuple>(batch.attr("__arrow_c_array__")());
        const auto schema = py::cast<py::capsule>(capsules[0]);
        const auto array = py::cast<py::capsule>(capsules[1]);
        std::vector<wire::Codes> codes;
        codes.reserve(tables.size());
        for (const Codes& table : tables) {
            codes.emplace_back(table.data(), static_cast<std::size_t>(table.size()));
        }
        const auto* form = schema.get_pointer<wire::ArrowSchema>();
        const auto* columns = array.get_pointer<wire::ArrowArray>();
        const py::gil_scoped_release released;
        return std::visit([&](auto& own) { return own.take(*form, *columns, codes, first, last); },
                          rows);
    }

    py::dict finish(const Integers& ranks) {
        const std::span<const std::int64_t> places(ranks.data(),
                                                   static_cast<std::size_t>(ranks.size()));
        return std::visit(
            [places](auto& own) {
                {
                    const py::gil_scoped_release released;
                    own.settle(places);
                }
                py::dict found;
                const auto column = [&](const char* name, auto field) {
                    using Value = std::decay_t<decltype(own.runs[0].*field)>;
                    std::vector<Value> values;
                    values.reserve(own.runs.size());
                    for (const wire::PayloadRun& run : own.runs) {
                        values.push_back(run.*field);
                    }
                    found[name] = owned(std::move(values), py::dtype::of<Value>());
                };
                column("topic", &wire::PayloadRun::topic);
                column("nonce", &wire::PayloadRun::nonce);
                column("height", &wire::PayloadRun::height);
                column("transaction", &wire::PayloadRun::transaction);
                column("message", &wire::PayloadRun::message);
                column("actor", &wire::PayloadRun::actor);
                column("begin", &wire::PayloadRun::begin);
                column("end", &wire::PayloadRun::end);
                py::list coded;
                for (auto& codes : own.coded) {
                    coded.append(owned(std::exchange(codes, {}), py::dtype::of<std::int32_t>()));
                }
                found["codes"] = coded;
                found["values"] = numbers(own);
                own.runs.clear();
                return found;
            },
            rows);
    }

private:
    using Rows = std::variant<wire::PayloadRows<double>, wire::PayloadRows<Decimal>>;
    Rows rows;
};

// Every code is one of an actor, or -1 where nobody is named.
void check_codes(const Codes& codes, std::int64_t actors, std::int64_t least, const char* name) {
    for (py::ssize_t at = 0; at < codes.size(); ++at) {
        if (codes.data()[at] < least || codes.data()[at] >= actors) {
            throw py::value_error(std::string("the column '") + name + "' holds a code of nobody");
        }
    }
}

// Values that are copied alone are looked at where they arrive.
const double* values_of(const py::array& values, double) {
    if (!values.dtype().equal(py::dtype::of<double>())) {
        throw py::value_error("the column 'values' is not one of float64");
    }
    return static_cast<const double*>(values.data());
}
const Decimal* values_of(const py::array& values, const Decimal&) {
    if (!values.dtype().equal(decimal_dtype())) {
        throw py::value_error("the column 'values' is not one of decimals (DECIMAL_DTYPE)");
    }
    return static_cast<const Decimal*>(values.data());
}

template <class Stored>
py::object filled(const py::dict& columns, std::int64_t actors) {
    const auto array = py::cast<py::array>(columns["values"]);
    if ((array.flags() & py::array::c_style) == 0) {
        throw py::value_error("the column 'values' is not contiguous");
    }
    const Stored* values = values_of(array, Stored{});
    const auto inferer_offsets = contiguous<std::int64_t>(columns, "inferer_offsets");
    const auto inferer = contiguous<std::int32_t>(columns, "inferer");
    const auto forecaster_offsets = contiguous<std::int64_t>(columns, "forecaster_offsets");
    const auto forecaster = contiguous<std::int32_t>(columns, "forecaster");
    const auto report_offsets = contiguous<std::int64_t>(columns, "report_offsets");
    const auto begin = contiguous<std::int64_t>(columns, "begin");
    const auto end = contiguous<std::int64_t>(columns, "end");
    const auto kind = contiguous<std::int32_t>(columns, "kind");
    const auto about_inferer = contiguous<std::int32_t>(columns, "about_inferer");
    const auto about_forecaster = contiguous<std::int32_t>(columns, "about_forecaster");
    const std::int64_t closes = report_offsets.size() - 1;
    const std::int64_t rows = array.size();
    check_offsets(inferer_offsets, closes, inferer.size(), "inferer_offsets");
    check_offsets(forecaster_offsets, closes, forecaster.size(), "forecaster_offsets");
    check_offsets(report_offsets, closes, begin.size(), "report_offsets");
    check_codes(inferer, actors, 0, "inferer");
    check_codes(forecaster, actors, 0, "forecaster");
    bool good = end.size() == begin.size() && kind.size() == rows && about_inferer.size() == rows &&
                about_forecaster.size() == rows;
    for (py::ssize_t at = 0; good && at < begin.size(); ++at) {
        good =
            0 <= begin.data()[at] && begin.data()[at] <= end.data()[at] && end.data()[at] <= rows;
        for (std::int64_t row = begin.data()[at]; good && row < end.data()[at]; ++row) {
            good = about_inferer.data()[row] < actors && about_forecaster.data()[row] < actors;
        }
    }
    if (!good) {
        throw py::value_error("begin and end must be rows of the values, which have a kind, an "
                              "inferer and a forecaster each");
    }
    std::int64_t size = 0;
    for (std::int64_t close = 0; close < closes; ++close) {
        const auto count = [close](const auto& offsets) {
            return offsets.data()[close + 1] - offsets.data()[close];
        };
        const BundleLayout layout{count(inferer_offsets), count(forecaster_offsets)};
        size += count(report_offsets) * layout.width();
    }
    py::array slots = empty(size, Stored{});
    auto* data = static_cast<Stored*>(slots.mutable_data());
    const wire::ReportRows<Stored> all{closes,
                                       actors,
                                       inferer_offsets.data(),
                                       inferer.data(),
                                       forecaster_offsets.data(),
                                       forecaster.data(),
                                       report_offsets.data(),
                                       begin.data(),
                                       end.data(),
                                       values,
                                       kind.data(),
                                       about_inferer.data(),
                                       about_forecaster.data()};
    {
        const py::gil_scoped_release released;
        wire::fill_reports(all, data);
    }
    return slots;
}

py::object fill_reports(const std::string& number, const py::dict& columns, std::int64_t actors) {
    return number == "decimal" ? filled<Decimal>(columns, actors) : filled<double>(columns, actors);
}

} // namespace

void register_payloads(py::module_& module) {
    py::class_<PayloadRows>(module, "PayloadRows",
                            "An archive's rows of payloads on their way into submissions.")
        .def(py::init<const std::string&, std::int64_t>(), py::arg("number"), py::arg("names"))
        .def("take", &PayloadRows::take, py::arg("batch"), py::arg("tables"), py::arg("first"),
             py::arg("last"),
             "Adds the rows of an Arrow batch from the first to the last height. Its columns: "
             "topic, nonce, height, transaction, message, value, then dictionaries: actor, source "
             "and the names. Tables give the code of each entry of these; 1 is the source of an "
             "event. Returns the rows whose value is no number of the chain.")
        .def("finish", &PayloadRows::finish, py::arg("ranks"),
             "Everything taken, as payloads in the order of topic, chain, address (by the ranks of "
             "codes) and nonce: topic, nonce, height, transaction, message, actor, begin and end "
             "of each; codes by name and values of their rows. Nothing is kept.");
    module.def("fill_reports", &fill_reports, py::arg("number"), py::arg("columns"),
               py::arg("actors"),
               "Reports in the slots of their closes' value bundles, reports x width each.");
}

} // namespace allora::door

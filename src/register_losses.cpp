// The door to the losses: one call for values of any number of topics.
#include "registers.hpp"

#include "../cpp/engine/loss_batch.hpp"
#include "../cpp/protocol/rules.hpp"
#include "arrays.hpp"

#include <pybind11/stl.h>

namespace allora::door {

namespace {

LossKind kind_of(const std::string& method, const std::string& scale) {
    const auto known = loss_method_of(method);
    if (!known) {
        throw py::value_error("unknown loss method '" + method + "'");
    }
    if (scale == "raw") {
        return {*known, LossScale::raw};
    }
    if (scale == "log10") {
        return {*known, LossScale::log10};
    }
    if (scale == "log10_floor") {
        return {*known, LossScale::log10_floor};
    }
    throw py::value_error("unknown scale '" + scale + "': raw, log10, log10_floor");
}

// The columns of a call and the arrays that own them.
template <class Stored>
struct HeldLosses {
    std::vector<LossKind> kinds;
    py::array_t<std::int32_t> labels;
    py::array_t<std::int64_t> truth_offsets, value_offsets, loss_offsets;
    Held<Stored> params, truths, values;
    LossColumns<Stored> columns;
};

template <class Stored>
void check_parts(const HeldLosses<Stored>& held) {
    const auto parts = static_cast<std::int64_t>(held.kinds.size());
    const auto fields = static_cast<std::int64_t>(loss_param_fields<Stored>.size());
    if (held.labels.size() != parts || held.params.column.size != parts * fields) {
        throw py::value_error("labels and params must have their entries for every part");
    }
    check_offsets(held.truth_offsets, parts, held.truths.column.size, "truth_offsets");
    check_offsets(held.value_offsets, parts, held.values.column.size, "value_offsets");
    std::int64_t rows = 0;
    for (std::int64_t part = 0; part < parts; ++part) {
        const std::int64_t labels = held.labels.data()[part];
        const auto count = [&](const py::array_t<std::int64_t>& offsets) {
            return offsets.data()[part + 1] - offsets.data()[part];
        };
        const std::int64_t values = count(held.value_offsets);
        const std::int64_t truths = count(held.truth_offsets);
        if (labels < 1 || values % labels != 0 || (truths != labels && truths != values)) {
            throw py::value_error("part " + std::to_string(part) +
                                  ": values must be rows x labels, and truths one row or as many");
        }
        rows += values / labels;
    }
    check_offsets(held.loss_offsets, parts, rows, "loss_offsets");
    for (std::int64_t part = 0; part < parts; ++part) {
        const auto count = [&](const py::array_t<std::int64_t>& offsets) {
            return offsets.data()[part + 1] - offsets.data()[part];
        };
        if (count(held.loss_offsets) * held.labels.data()[part] != count(held.value_offsets)) {
            throw py::value_error("loss_offsets must count the rows of every part");
        }
    }
}

template <class Stored>
void hold_losses(const std::vector<std::pair<std::string, std::string>>& kinds,
                 const py::dict& columns, HeldLosses<Stored>& held) {
    for (const auto& [method, scale] : kinds) {
        held.kinds.push_back(kind_of(method, scale));
    }
    held.labels = contiguous<std::int32_t>(columns, "labels");
    held.truth_offsets = contiguous<std::int64_t>(columns, "truth_offsets");
    held.value_offsets = contiguous<std::int64_t>(columns, "value_offsets");
    held.loss_offsets = contiguous<std::int64_t>(columns, "loss_offsets");
    hold(columns, "params", held.params);
    hold(columns, "truths", held.truths);
    hold(columns, "values", held.values);
    check_parts(held);
    held.columns = {static_cast<std::int64_t>(held.kinds.size()),
                    held.kinds.data(),
                    held.params.column,
                    held.labels.data(),
                    held.truth_offsets.data(),
                    held.truths.column,
                    held.value_offsets.data(),
                    held.values.column,
                    held.loss_offsets.data()};
}

template <class Stored>
py::tuple losses_of(DecimalFunctions functions, Host& host,
                    const std::vector<std::pair<std::string, std::string>>& kinds,
                    const py::dict& columns) {
    HeldLosses<Stored> held;
    hold_losses(kinds, columns, held);
    const std::int64_t rows = held.loss_offsets.data()[held.columns.parts];
    py::array losses = empty(rows, Stored{});
    py::array_t<std::uint16_t> causes(rows);
    LossResults<Stored> results;
    results.losses = static_cast<Stored*>(losses.mutable_data());
    results.causes = causes.mutable_data();
    {
        const py::gil_scoped_release release;
        loss_batch(functions, host, held.columns, results);
    }
    return py::make_tuple(with_pool(losses, results.losses, results.overflow), causes);
}

} // namespace

void register_losses(py::module_& module) {
    module.attr("CAUSES") =
        py::cast(std::vector<std::string>(cause_names.begin(), cause_names.end()));
    py::list fields;
    for (const auto& [name, member] : loss_param_fields<double>) {
        fields.append(name);
    }
    module.attr("LOSS_PARAMS") = fields;
    module.def(
        "losses",
        [](const std::string& number, const std::string& decimal_functions, Host& host,
           const std::vector<std::pair<std::string, std::string>>& kinds, const py::dict& columns) {
            Rules rules;
            const std::string problem = set_rule(rules, "decimal_functions", decimal_functions);
            if (!problem.empty()) {
                throw py::value_error(problem);
            }
            return number == "float64"
                       ? losses_of<double>(rules.decimal_functions, host, kinds, columns)
                       : losses_of<Decimal>(rules.decimal_functions, host, kinds, columns);
        },
        py::arg("number"), py::arg("decimal_functions"), py::arg("host"), py::arg("kinds"),
        py::arg("columns"),
        "Losses of rows of values against their truths, part by part: (losses, causes), the latter "
        "indices into CAUSES. kinds: (method, scale) per part.");
}

} // namespace allora::door

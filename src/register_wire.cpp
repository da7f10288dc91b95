// The wire decoder at the door: transactions in, columns as Arrow lays them out.
#include "registers.hpp"

#include "../cpp/wire/decode.hpp"

#include <memory>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <string>
#include <vector>

namespace allora::door {

namespace py = pybind11;

namespace {

// A vector as an array that owns it, without a copy.
template <class Value>
py::array_t<Value> array_of(std::vector<Value>&& values) {
    auto owned = std::make_unique<std::vector<Value>>(std::move(values));
    const auto size = static_cast<py::ssize_t>(owned->size());
    const Value* data = owned->data();
    py::capsule owner(owned.release(),
                      [](void* held) { delete static_cast<std::vector<Value>*>(held); });
    return py::array_t<Value>(size, data, owner);
}

std::vector<std::uint8_t> packed(const std::vector<std::uint8_t>& flags) {
    std::vector<std::uint8_t> bits((flags.size() + 7) / 8, 0);
    for (std::size_t i = 0; i < flags.size(); ++i) {
        bits[i / 8] |= static_cast<std::uint8_t>(flags[i] << (i % 8));
    }
    return bits;
}

// Arrow's offsets of texts: one more than there are rows.
std::vector<std::int32_t> offsets_of(const std::vector<std::int32_t>& ends) {
    std::vector<std::int32_t> offsets;
    offsets.reserve(ends.size() + 1);
    offsets.push_back(0);
    offsets.insert(offsets.end(), ends.begin(), ends.end());
    return offsets;
}

// (name, type, nulls, buffers): the validity bits (None without nulls), then numbers, or offsets
// and bytes.
py::tuple column_tuple(const wire::ColumnForm& form, wire::Column& column) {
    py::list buffers;
    if (column.nulls == 0) {
        buffers.append(py::none());
    } else {
        buffers.append(array_of(packed(column.present)));
    }
    const char* type = "text";
    if (form.type == wire::ColumnType::text) {
        buffers.append(array_of(offsets_of(column.ends)));
        buffers.append(array_of(std::move(column.data)));
    } else if (form.type == wire::ColumnType::number) {
        type = "number";
        buffers.append(array_of(std::move(column.numbers)));
    } else {
        type = "flag";
        buffers.append(array_of(packed({column.numbers.begin(), column.numbers.end()})));
    }
    return py::make_tuple(form.name, type, column.nulls, buffers);
}

py::dict tables_dict(wire::Tables& tables) {
    py::dict found;
    for (wire::Table& table : tables) {
        py::list columns;
        for (std::size_t i = 0; i < table.columns.size(); ++i) {
            columns.append(column_tuple(table.form->columns[i], table.columns[i]));
        }
        found[table.form->name] = py::make_tuple(table.rows(), columns);
    }
    return found;
}

py::list decode_transactions(const py::sequence& transactions) {
    const py::tuple held(transactions); // nobody may take them away while they are read
    std::vector<wire::Span> spans;
    spans.reserve(held.size());
    for (std::size_t i = 0; i < held.size(); ++i) {
        if (!py::isinstance<py::bytes>(held[i])) {
            throw py::type_error("transaction " + std::to_string(i) + " is no bytes object");
        }
        spans.emplace_back(PyBytes_AS_STRING(held[i].ptr()),
                           static_cast<std::size_t>(PyBytes_GET_SIZE(held[i].ptr())));
    }
    std::vector<wire::Tables> parts;
    {
        const py::gil_scoped_release released;
        std::size_t at = 0;
        do {
            parts.push_back(wire::empty_tables());
            at = wire::decode_transactions(spans, at, {}, parts.back());
        } while (at < spans.size());
    }
    py::list found;
    for (wire::Tables& part : parts) {
        found.append(tables_dict(part));
    }
    return found;
}

} // namespace

void register_wire(py::module_& module) {
    module.def("decode_transactions", &decode_transactions, py::arg("transactions"),
               "The transactions' messages as columns: for each part of the rows a dict of tables, "
               "(rows, columns), a column being (name, type, nulls, Arrow buffers).");
}

} // namespace allora::door

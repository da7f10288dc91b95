// NumPy arrays at the door: checked once, then read and written in place.
#pragma once

#include "../cpp/engine/columns.hpp"

#include <memory>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <string>
#include <utility>
#include <vector>

namespace allora::door {

namespace py = pybind11;

// Long decimals beside an array; shared, since arrays are sliced and passed on.
struct Pool {
    LongDecimals values;
};

// The structured dtype of `Decimal`: the same bytes as the C struct.
inline py::dtype decimal_dtype() {
    py::list fields;
    fields.append(py::make_tuple("coefficient", "<u8", py::make_tuple(4)));
    fields.append(py::make_tuple("exponent", "<i4"));
    fields.append(py::make_tuple("negative", "u1"));
    fields.append(py::make_tuple("form", "u1"));
    fields.append(py::make_tuple("cause", "<u2"));
    return py::dtype::from_args(fields);
}

// An array of the wanted layout, unchanged where it has it already.
template <class Value>
py::array_t<Value> contiguous(const py::dict& columns, const char* name) {
    if (!columns.contains(name)) {
        throw py::value_error(std::string("the column '") + name + "' is missing");
    }
    auto array =
        py::array_t<Value, py::array::c_style | py::array::forcecast>::ensure(columns[name]);
    if (!array) {
        throw py::value_error(std::string("the column '") + name + "' is not an array of numbers");
    }
    return array;
}

// Where each of the parts begins among `size` entries, and the end of the last.
inline void check_offsets(const py::array_t<std::int64_t>& offsets, std::int64_t parts,
                          std::int64_t size, const char* name) {
    const std::int64_t* at = offsets.data();
    bool good = offsets.size() == parts + 1 && at[0] == 0 && at[parts] == size;
    for (std::int64_t i = 0; good && i < parts; ++i) {
        good = at[i] <= at[i + 1];
    }
    if (!good) {
        throw py::value_error(std::string("the column '") + name +
                              "' must rise from 0 to the number of entries it divides, with one "
                              "entry more than there are parts");
    }
}

// A column of numbers: float64, or decimals as a pair of the structured array and its pool.
template <class Stored>
struct Held {
    py::array array;
    py::object pool;
    Column<Stored> column;
};

inline void hold(const py::dict& columns, const char* name, Held<double>& held) {
    held.array = contiguous<double>(columns, name);
    held.column = {static_cast<const double*>(held.array.data()), held.array.size(), nullptr};
}

inline void hold(const py::dict& columns, const char* name, Held<Decimal>& held) {
    if (!columns.contains(name)) {
        throw py::value_error(std::string("the column '") + name + "' is missing");
    }
    const auto pair = py::cast<py::tuple>(columns[name]);
    held.array = py::cast<py::array>(pair[0]);
    held.pool = pair[1];
    if (!held.array.dtype().equal(decimal_dtype()) ||
        (held.array.flags() & py::array::c_style) == 0) {
        throw py::value_error(std::string("the column '") + name +
                              "' is not a contiguous array of decimals (DECIMAL_DTYPE)");
    }
    const LongDecimals* pool =
        held.pool.is_none() ? nullptr : &py::cast<const Pool&>(held.pool).values;
    const auto* data = static_cast<const Decimal*>(held.array.data());
    for (py::ssize_t i = 0; i < held.array.size(); ++i) {
        if (data[i].form > Form::wide ||
            (data[i].form == Form::wide &&
             (pool == nullptr || data[i].coefficient.limb[0] >= pool->size()))) {
            throw py::value_error(std::string("the column '") + name + "' holds no decimal at " +
                                  std::to_string(i));
        }
    }
    held.column = {data, held.array.size(), pool};
}

inline py::array empty(py::ssize_t size, double) {
    return py::array_t<double>(size);
}
inline py::array empty(py::ssize_t size, const Decimal&) {
    return py::array(decimal_dtype(), std::vector<py::ssize_t>{size});
}

inline py::object with_pool(const py::array& array, double*, const std::vector<Overflow>&) {
    return array;
}

// Long results move to one pool, in topic order, whatever thread found them.
inline py::object with_pool(py::array array, Decimal* data, const std::vector<Overflow>& topics) {
    auto pool = std::make_shared<Pool>();
    for (const Overflow& topic : topics) {
        for (const auto& [index, value] : topic) {
            data[index] =
                Decimal{Wide<4>{{pool->values.size(), 0, 0, 0}}, 0, 0, Form::wide, Cause::none};
            pool->values.push_back(value);
        }
    }
    return py::make_tuple(std::move(array), py::cast(pool));
}

} // namespace allora::door

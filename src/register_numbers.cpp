// Numbers at the door: decimals from and to text, addresses, elementary functions over arrays.
#include "registers.hpp"

#include "../cpp/number/decimal_text.hpp"
#include "../cpp/number/float64_array.hpp"
#include "../cpp/number/variant.hpp"
#include "../cpp/protocol/addresses.hpp"
#include "arrays.hpp"

#include <optional>
#include <pybind11/stl.h>
#include <string>
#include <vector>

namespace allora::door {

namespace {

py::tuple parse_decimals(const std::vector<std::optional<std::string>>& texts) {
    py::array values = empty(static_cast<py::ssize_t>(texts.size()), Decimal{});
    auto* data = static_cast<Decimal*>(values.mutable_data());
    std::vector<Overflow> overflow(1);
    for (std::size_t i = 0; i < texts.size(); ++i) {
        if (!texts[i]) {
            data[i] = Decimal::missing();
            continue;
        }
        const BigDecimal value = parse(*texts[i]);
        if (!value.is_finite()) {
            throw py::value_error("'" + *texts[i] + "' is not a number of the chain (" +
                                  cause_name(value.fault()) + ")");
        }
        store(data, static_cast<std::int64_t>(i), value, overflow[0]);
    }
    return py::cast<py::tuple>(with_pool(values, data, overflow));
}

std::vector<std::optional<std::string>> format_decimals(const py::array& values,
                                                        const py::object& pool, bool plain) {
    py::dict columns;
    columns["values"] = py::make_tuple(values, pool);
    Held<Decimal> held;
    hold(columns, "values", held);
    std::vector<std::optional<std::string>> texts(static_cast<std::size_t>(held.column.size));
    for (std::int64_t i = 0; i < held.column.size; ++i) {
        BigDecimal value;
        load(held.column, i, value);
        if (value.is_finite()) {
            texts[static_cast<std::size_t>(i)] = plain ? to_plain(value) : to_stored(value);
        } else if (value.is_infinite()) {
            texts[static_cast<std::size_t>(i)] = value.negative ? "-Infinity" : "Infinity";
        }
    }
    return texts;
}

py::array_t<std::uint32_t> intern(const std::vector<std::string>& addresses) {
    py::array_t<std::uint32_t> identifiers(static_cast<py::ssize_t>(addresses.size()));
    std::uint32_t* data = identifiers.mutable_data();
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        data[i] = intern_address(addresses[i]);
    }
    return identifiers;
}

} // namespace

void register_numbers(py::module_& module) {
    module.attr("DECIMAL_DTYPE") = decimal_dtype();
    module.attr("MISSING_FLOAT64_BITS") = Number<double>::missing_bits;
    py::class_<Pool, std::shared_ptr<Pool>>(module, "LongDecimals",
                                            "Decimals of more than 77 digits beside an array.")
        .def("__len__", [](const Pool& pool) { return pool.values.size(); });
    module.def("parse_decimals", &parse_decimals, py::arg("texts"),
               "Texts, or None for missing, to (array of DECIMAL_DTYPE, LongDecimals). ValueError: "
               "a text is not a number.");
    module.def("format_decimals", &format_decimals, py::arg("values"), py::arg("pool"),
               py::arg("plain") = false, "Stored or plain texts; None for missing.");
    module.def("intern", &intern, py::arg("addresses"), "Identifiers of addresses, uint32.");
}

} // namespace allora::door

// Single decimal operations at the door: for recorded answers and for measuring what each costs.
#include "registers.hpp"

#include "../cpp/number/decimal_operation.hpp"
#include "../cpp/number/decimal_real.hpp"
#include "../cpp/number/decimal_text.hpp"
#include "arrays.hpp"

#include <chrono>
#include <pybind11/stl.h>
#include <string>
#include <vector>

namespace allora::door {

namespace {

// Into a given place, as the peer's functions do.
using Operation = void (*)(const Decimal&, const Decimal&, Decimal&);

struct Timed {
    const char* name;
    Operation run;
};

constexpr Timed timed[] = {
    {"add", [](const Decimal& x, const Decimal& y, Decimal& z) { z = x + y; }},
    {"mul", [](const Decimal& x, const Decimal& y, Decimal& z) { z = x * y; }},
    {"quo", [](const Decimal& x, const Decimal& y, Decimal& z) { z = x / y; }},
    {"sqrt", [](const Decimal& x, const Decimal&, Decimal& z) { z = sqrt(x); }},
    {"exp",
     [](const Decimal& x, const Decimal&, Decimal& z) { z = exp(DecimalFunctions::programs, x); }},
    {"ln",
     [](const Decimal& x, const Decimal&, Decimal& z) { z = ln(DecimalFunctions::programs, x); }},
};

std::vector<Decimal> operands(const std::vector<std::string>& texts) {
    std::vector<Decimal> values;
    values.reserve(texts.size());
    for (const std::string& text : texts) {
        values.push_back(from_big(parse(text)));
        if (!values.back().is_finite()) {
            throw py::value_error("'" + text + "' is not a decimal of up to 77 digits");
        }
    }
    return values;
}

// Nanoseconds per operation and the results, so that correctness is looked at before time.
py::tuple time_decimal_operation(const std::string& name, const std::vector<std::string>& first,
                                 const std::vector<std::string>& second, int repeats) {
    Operation run = nullptr;
    for (const Timed& operation : timed) {
        run = name == operation.name ? operation.run : run;
    }
    if (run == nullptr) {
        throw py::value_error("unknown operation '" + name + "': add, mul, quo, sqrt, exp, ln");
    }
    if (first.empty() || first.size() != second.size() || repeats < 1) {
        throw py::value_error("both operand lists must have the same length, above 0");
    }
    const std::vector<Decimal> x = operands(first);
    const std::vector<Decimal> y = operands(second);
    std::vector<Decimal> results(x.size());
    const auto start = std::chrono::steady_clock::now();
    for (int repeat = 0; repeat < repeats; ++repeat) {
        for (std::size_t i = 0; i < x.size(); ++i) {
            run(x[i], y[i], results[i]);
        }
    }
    const std::chrono::duration<double, std::nano> elapsed =
        std::chrono::steady_clock::now() - start;
    std::vector<std::string> texts;
    for (const Decimal& result : results) {
        texts.push_back(to_stored(to_big(result)));
    }
    return py::make_tuple(elapsed.count() / static_cast<double>(x.size()) / repeats, texts);
}

std::string decimal_operation(const std::string& rules, const std::string& name,
                              const std::vector<std::string>& arguments) {
    const auto version = rules_at(rules);
    if (!version) {
        throw py::value_error("unknown version '" + rules + "'");
    }
    std::string answer = run_operation(version->decimal_functions, name, arguments);
    if (answer == "unknown") {
        throw py::value_error("unknown decimal operation '" + name + "'");
    }
    return answer;
}

} // namespace

void register_operations(py::module_& module) {
    module.def(
        "decimal_operation", &decimal_operation, py::arg("rules"), py::arg("op"), py::arg("args"),
        "One operation on stored texts (lists as [a;b]): 'result' or 'error', a tab, and the "
        "stored text or the code of the chain's error.");
    module.def("time_decimal_operation", &time_decimal_operation, py::arg("op"), py::arg("a"),
               py::arg("b"), py::arg("repeats"),
               "(nanoseconds per operation, stored texts of the results) of add, mul, quo, sqrt, "
               "exp or ln over pairs of operands.");
}

} // namespace allora::door

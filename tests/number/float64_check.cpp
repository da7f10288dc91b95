// Drives the array functions for test_float64.py: hashes of their results, their error against the
// C library's long double functions, their properties, and their speed.
//
//   hash VARIANT COUNT       one line per function: name, hash of all results
//   accuracy VARIANT COUNT [SEED [FUNCTION]]
//                            one line per range: function, range, error in ulp, worst x and y, size
//   widths VARIANT           "wide" if long double can tell the error of a float64, else "narrow"
//   properties VARIANT       one line per violated property; none is success
//   evaluate VARIANT         reads "function x y" as hex floats, writes the results the same way
//   time VARIANT             one line per function: name, nanoseconds per element
//   supported VARIANT        yes or no
//   choose                   the variant in force, or the reason why there is none (exit status 1)
#include "float64_arguments.hpp"

#include <algorithm>
#include <cfloat>
#include <chrono>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

namespace allora::check {
namespace {

constexpr std::array<const char*, 9> function_names = {"exp",  "expm1", "log",  "log1p", "log10",
                                                       "log2", "pow",   "tanh", "sqrt"};

const char* name_of(Function function) {
    return function_names[static_cast<std::size_t>(function)];
}

long double reference(Function function, long double x, long double y) {
    switch (function) {
    case Function::exp:
        return std::exp(x);
    case Function::expm1:
        return std::expm1(x);
    case Function::log:
        return std::log(x);
    case Function::log1p:
        return std::log1p(x);
    case Function::log10:
        return std::log10(x);
    case Function::log2:
        return std::log2(x);
    case Function::pow:
        return std::pow(x, y);
    case Function::tanh:
        return std::tanh(x);
    case Function::sqrt:
        return std::sqrt(x);
    }
    return 0.0L;
}

// |got - truth| in units of the last place that a float64 has in the binade of the truth. All that
// lies at or beyond 2^1024, infinity too, counts as 2^1024.
double error_in_ulp(double got, long double truth) {
    int exponent = 0;
    std::frexp(truth, &exponent);
    const int last_place = std::max(std::min(exponent, 1024) - 53, -1074);
    const long double end = 0x1p1024L;
    const long double value = std::clamp(static_cast<long double>(got), -end, end);
    const long double wanted = std::clamp(truth, -end, end);
    return static_cast<double>(std::ldexp(std::fabs(value - wanted), -last_place));
}

struct Worst {
    double error = -1.0;
    Arguments at = {0.0, 0.0};
};

constexpr std::size_t block = 4096;

Worst measure(const Range& range, Variant variant, std::uint64_t seed, std::size_t first,
              std::size_t last) {
    Worst worst;
    std::vector<double> x(block);
    std::vector<double> y(block);
    std::vector<double> out(block);
    for (std::size_t start = first; start < last; start += block) {
        const std::size_t n = std::min(block, last - start);
        for (std::size_t i = 0; i < n; ++i) {
            const Arguments arguments = argument(range, seed, start + i);
            x[i] = arguments.x;
            y[i] = arguments.y;
        }
        float64::apply(variant, range.function, x.data(), y.data(), out.data(), n);
        for (std::size_t i = 0; i < n; ++i) {
            const double error = error_in_ulp(out[i], reference(range.function, x[i], y[i]));
            // Not `error > worst`, so that NaN counts as the worst.
            if (!(error <= worst.error)) {
                worst = {error, {x[i], y[i]}};
            }
        }
    }
    return worst;
}

int accuracy(Variant variant, std::size_t count, std::uint64_t seed, const char* only) {
    for (std::size_t index = 0; index < ranges.size(); ++index) {
        const Range& range = ranges[index];
        if (only != nullptr && std::string(only) != name_of(range.function)) {
            continue;
        }
        const auto share = static_cast<std::size_t>(
            std::count_if(ranges.begin(), ranges.end(),
                          [&](const Range& other) { return other.function == range.function; }));
        const std::size_t size = (count + share - 1) / share;
        Worst second;
        const std::uint64_t stream = seed * 1000 + index;
        std::thread helper([&] { second = measure(range, variant, stream, size / 2, size); });
        const Worst first = measure(range, variant, stream, 0, size / 2);
        helper.join();
        const Worst worst = first.error >= second.error ? first : second;
        std::printf("%s %s %.6f %a %a %zu\n", name_of(range.function), range.name, worst.error,
                    worst.at.x, worst.at.y, size);
    }
    return 0;
}

int hash(Variant variant, std::size_t count) {
    const std::vector<Arguments> arguments = hashed_arguments(count);
    std::vector<double> x;
    std::vector<double> y;
    for (const Arguments& pair : arguments) {
        x.push_back(pair.x);
        y.push_back(pair.y);
    }
    std::vector<double> out(x.size());
    for (std::size_t index = 0; index < function_names.size(); ++index) {
        const auto function = static_cast<Function>(index);
        float64::apply(variant, function, x.data(), y.data(), out.data(), out.size());
        std::uint64_t state = 0xcbf29ce484222325u;
        for (const double result : out) {
            state = (state ^ to_bits(result)) * 0x9e3779b97f4a7c15u;
            state ^= state >> 29;
        }
        std::printf("%s %016" PRIx64 "\n", function_names[index], state);
    }
    return 0;
}

double apply_one(Variant variant, Function function, double x, double y) {
    float64::apply(variant, function, &x, &y, &x, 1);
    return x;
}

// Results at 64 neighbours on either side of x never fall where the function rises.
void check_rising(Variant variant, Function function, double x) {
    constexpr std::size_t reach = 64;
    std::array<double, 2 * reach + 1> near;
    near[reach] = x;
    for (std::size_t i = 1; i <= reach; ++i) {
        near[reach + i] = std::nextafter(near[reach + i - 1], INFINITY);
        near[reach - i] = std::nextafter(near[reach - i + 1], -INFINITY);
    }
    std::array<double, near.size()> out;
    float64::apply(variant, function, near.data(), nullptr, out.data(), near.size());
    for (std::size_t i = 1; i < out.size(); ++i) {
        if (out[i - 1] > out[i]) {
            std::printf("%s falls from %a to %a at %a\n", name_of(function), out[i - 1], out[i],
                        near[i]);
        }
    }
}

void check_equal(const char* what, double x, double got, double wanted) {
    if (to_bits(got) != to_bits(wanted)) {
        std::printf("%s at %a: %a instead of %a\n", what, x, got, wanted);
    }
}

void check_exact(Variant variant) {
    double ten_to_k = 1.0;
    for (int k = 0; k <= 22; ++k, ten_to_k *= 10.0) {
        check_equal("log10(10^k) = k", ten_to_k, apply_one(variant, Function::log10, ten_to_k, 0.0),
                    k);
        check_equal("pow(10, k)", k, apply_one(variant, Function::pow, 10.0, k), ten_to_k);
    }
    for (int k = -1074; k <= 1023; ++k) {
        const double power = std::ldexp(1.0, k);
        check_equal("pow(2, k) = 2^k", k, apply_one(variant, Function::pow, 2.0, k), power);
        check_equal("log2(2^k) = k", power, apply_one(variant, Function::log2, power, 0.0), k);
    }
    check_equal("exp(0) = 1", 0.0, apply_one(variant, Function::exp, 0.0, 0.0), 1.0);
    check_equal("log(1) = 0", 1.0, apply_one(variant, Function::log, 1.0, 0.0), 0.0);
}

void check_identities(Variant variant, std::uint64_t index) {
    const double x = to_double(random_bits(7, index));
    if (std::isnan(x)) {
        return;
    }
    check_equal("pow(x, 1) = x", x, apply_one(variant, Function::pow, x, 1.0), x);
    check_equal("tanh(-x) = -tanh(x)", x, apply_one(variant, Function::tanh, -x, 0.0),
                -apply_one(variant, Function::tanh, x, 0.0));
    // A square of 26 digits is exact, and so are both functions that undo or repeat it.
    const double short_x = std::fabs(to_double(to_bits(x) & ~std::uint64_t{0x7ffffff}));
    const double square = short_x * short_x;
    if (square > 0x1p-960 && square < INFINITY) {
        check_equal("pow(x, 2) = x^2", short_x, apply_one(variant, Function::pow, short_x, 2.0),
                    square);
        check_equal("sqrt(x^2) = x", square, apply_one(variant, Function::sqrt, square, 0.0),
                    short_x);
    }
}

int properties(Variant variant) {
    check_exact(variant);
    for (std::uint64_t i = 0; i < 200000; ++i) {
        check_identities(variant, i);
    }
    for (std::uint64_t i = 0; i < 20000; ++i) {
        for (const Range& range : ranges) {
            if (range.draw != Draw::power) {
                check_rising(variant, range.function, argument(range, 8, i).x);
            }
        }
    }
    // Where the algorithm itself changes: e^x from one k to the next, ln x from one m to the next.
    for (int k = -1074; k <= 1023; ++k) {
        check_rising(variant, Function::exp, (k + 0.5) * 0x1.62e42fefa39efp-1);
        check_rising(variant, Function::expm1, (k + 0.5) * 0x1.62e42fefa39efp-1);
        check_rising(variant, Function::log, std::ldexp(0x1.6a09e667f3bcdp0, k));
    }
    return 0;
}

int evaluate(Variant variant) {
    char name[16];
    char x[64];
    char y[64];
    while (std::scanf("%15s %63s %63s", name, x, y) == 3) {
        const auto* at =
            std::find_if(function_names.begin(), function_names.end(),
                         [&](const char* known) { return std::string(known) == name; });
        if (at == function_names.end()) {
            std::printf("unknown function %s\n", name);
            return 1;
        }
        const auto function = static_cast<Function>(at - function_names.begin());
        const double result =
            apply_one(variant, function, std::strtod(x, nullptr), std::strtod(y, nullptr));
        std::printf("%016" PRIx64 "\n", to_bits(result));
    }
    return 0;
}

int time_functions(Variant variant) {
    std::vector<double> x(block);
    std::vector<double> y(block);
    std::vector<double> out(block);
    for (std::size_t i = 0; i < block; ++i) {
        x[i] = 0.01 + 20.0 * unit(random_bits(5, i));
        y[i] = 20.0 * unit(random_bits(6, i)) - 10.0;
    }
    for (std::size_t index = 0; index < function_names.size(); ++index) {
        double best = INFINITY;
        for (int repeat = 0; repeat < 200; ++repeat) {
            const auto start = std::chrono::steady_clock::now();
            float64::apply(variant, static_cast<Function>(index), x.data(), y.data(), out.data(),
                           block);
            const std::chrono::duration<double, std::nano> taken =
                std::chrono::steady_clock::now() - start;
            best = std::min(best, taken.count() / block);
        }
        std::printf("%s %.3f\n", function_names[index], best);
    }
    return 0;
}

int run(int argc, char** argv) {
    const std::string mode = argc > 1 ? argv[1] : "";
    if (mode == "choose") {
        const VariantChoice choice = chosen_variant();
        std::puts(choice.error.empty() ? variant_name(choice.variant) : choice.error.c_str());
        return choice.error.empty() ? 0 : 1;
    }
    const VariantChoice choice = choose_variant(argc > 2 ? argv[2] : nullptr);
    if (mode == "supported") {
        std::puts(choice.error.empty() ? "yes" : choice.error.c_str());
        return 0;
    }
    if (!choice.error.empty()) {
        std::puts(choice.error.c_str());
        return 1;
    }
    const std::size_t count = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 0;
    if (mode == "widths") {
        std::puts(LDBL_MANT_DIG < 64 ? "narrow" : "wide");
        return 0;
    }
    if (mode == "hash") {
        return hash(choice.variant, count);
    }
    if (mode == "accuracy") {
        const std::uint64_t seed = argc > 4 ? std::strtoull(argv[4], nullptr, 10) : 1;
        return accuracy(choice.variant, count, seed, argc > 5 ? argv[5] : nullptr);
    }
    if (mode == "properties") {
        return properties(choice.variant);
    }
    if (mode == "evaluate") {
        return evaluate(choice.variant);
    }
    if (mode == "time") {
        return time_functions(choice.variant);
    }
    std::puts("usage: see the head of float64_check.cpp");
    return 1;
}

} // namespace
} // namespace allora::check

int main(int argc, char** argv) {
    return allora::check::run(argc, argv);
}

// Drives the functions over pairs of float64 for test_float64_pair.py.
//
//   evaluate      reads "function x_high x_low y_high y_low" as hex floats, writes the pair's parts
//   hash COUNT    one line per function: name, hash of all results over seeded arguments
#include "../../cpp/number/float64_pair_atan.hpp"
#include "float64_arguments.hpp"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace allora::check {
namespace {

constexpr auto rules = DecimalFunctions::programs;

struct Named {
    const char* name;
    Float64Pair (*run)(const Float64Pair& x, const Float64Pair& y);
};

using P = const Float64Pair&;

constexpr std::array<Named, 11> functions = {{
    {"add", [](P x, P y) { return x + y; }},
    {"multiply", [](P x, P y) { return x * y; }},
    {"divide", [](P x, P y) { return x / y; }},
    {"exp", [](P x, P) { return exp(rules, x); }},
    {"expm1", [](P x, P) { return expm1(rules, x); }},
    {"log", [](P x, P) { return ln(rules, x); }},
    {"log1p", [](P x, P) { return log1p(rules, x); }},
    {"pow", [](P x, P y) { return pow(rules, x, y); }},
    {"sqrt", [](P x, P) { return sqrt(x); }},
    {"atan", [](P x, P) { return atan(x); }},
    {"abs", [](P x, P) { return abs(x); }},
}};

int evaluate() {
    char name[16];
    char parts[4][64];
    while (std::scanf("%15s %63s %63s %63s %63s", name, parts[0], parts[1], parts[2], parts[3]) ==
           5) {
        double number[4];
        for (int i = 0; i < 4; ++i) {
            number[i] = std::strtod(parts[i], nullptr);
        }
        for (const Named& function : functions) {
            if (std::string(name) == function.name) {
                const Float64Pair result =
                    function.run(Float64Pair(float64::Pair{number[0], number[1]}),
                                 Float64Pair(float64::Pair{number[2], number[3]}));
                std::printf("%a %a\n", result.value.high, result.value.low);
            }
        }
    }
    return 0;
}

// A pair out of any two numbers: the smaller one is brought below half an ulp of the larger.
Float64Pair pair_of(const Arguments& arguments) {
    const double low = std::isfinite(arguments.x) && std::isfinite(arguments.y)
                           ? arguments.x * std::fmod(arguments.y, 1.0) * 0x1p-54
                           : 0.0;
    return Float64Pair(float64::two_sum_ordered(arguments.x, low));
}

int hash(std::size_t count) {
    const std::vector<Arguments> arguments = hashed_arguments(count);
    for (const Named& function : functions) {
        std::uint64_t state = 0xcbf29ce484222325u;
        for (std::size_t i = 0; i < arguments.size(); ++i) {
            const Float64Pair x = pair_of(arguments[i]);
            const Float64Pair y = pair_of(arguments[(i * 7 + 3) % arguments.size()]);
            const float64::Pair result = function.run(x, y).value;
            for (const double part : {result.high, result.low}) {
                // Of NaN only that it is one: its bits differ between processors.
                const std::uint64_t bits = std::isnan(part) ? 1 : to_bits(part);
                state = (state ^ bits) * 0x9e3779b97f4a7c15u;
                state ^= state >> 29;
            }
        }
        std::printf("%s %016" PRIx64 "\n", function.name, state);
    }
    return 0;
}

} // namespace
} // namespace allora::check

int main(int argc, char** argv) {
    const std::string mode = argc > 1 ? argv[1] : "";
    if (mode == "hash") {
        return allora::check::hash(std::strtoull(argv[2], nullptr, 10));
    }
    return allora::check::evaluate();
}

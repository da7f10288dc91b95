// One line per loss method: name, hash of its float64 losses over seeded arguments.
#include "../../cpp/formula/loss_function.hpp"
#include "../number/float64_arguments.hpp"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>

namespace allora::check {
namespace {

std::uint64_t mixed(std::uint64_t state, std::uint64_t bits) {
    state = (state ^ bits) * 0x9e3779b97f4a7c15u;
    return state ^ (state >> 29);
}

// Log-uniform between 2^-20 and 2^20, made of bits alone; or a share of 1.
double drawn(std::uint64_t random, bool share) {
    if (share) {
        return unit(random);
    }
    const std::uint64_t first = to_bits(0x1p-20);
    const std::uint64_t width = to_bits(0x1p20) - first;
    const std::uint64_t sign = random & (std::uint64_t{1} << 63);
    return to_double((first + (random & ~(std::uint64_t{1} << 63)) % width) | sign);
}

LossParams<Float64Pair> params_of(LossMethod method) {
    LossParams<Float64Pair> params;
    for (const auto& [name, member] : loss_param_fields<Float64Pair>) {
        params.*member = Float64Pair(1.0);
    }
    params.mean = Float64Pair(0.125);
    params.alpha = Float64Pair(0.3);
    params.beta = Float64Pair(2.0);
    params.gamma = Float64Pair(4.0);
    params.penalty_norm = Float64Pair(0.01);
    params.tau = Float64Pair(0.05);
    params.epsilon = Float64Pair(method == LossMethod::czar ? 1.0 : 1e-7);
    return params;
}

std::uint64_t hash(LossMethod method, LossScale scale, std::size_t count) {
    const LossFunction<Float64Pair> loss(DecimalFunctions::programs, method, scale,
                                         params_of(method));
    const bool shares = method == LossMethod::bce || takes_labels(method);
    const std::size_t labels = takes_labels(method) ? 3 : 1;
    std::uint64_t state = 0xcbf29ce484222325u;
    for (std::uint64_t i = 0; i < count; ++i) {
        std::vector<Float64Pair> y;
        std::vector<Float64Pair> x;
        for (std::uint64_t l = 0; l < labels; ++l) {
            const double truth = drawn(random_bits(11, 3 * i + l), shares);
            const double value = drawn(random_bits(12, 3 * i + l), shares);
            const bool count_like = method == LossMethod::poisson;
            y.emplace_back(count_like ? std::fabs(truth) : truth);
            x.emplace_back(count_like ? std::fabs(value) : value);
        }
        const Loss<Float64Pair> result = loss(y, x);
        state = mixed(state, to_bits(result.value.rounded()));
        state = mixed(state, static_cast<std::uint64_t>(result.cause));
    }
    return state;
}

} // namespace
} // namespace allora::check

int main(int argc, char** argv) {
    using namespace allora;
    const std::size_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1000;
    for (const char* name : loss_method_names) {
        const LossMethod method = *loss_method_of(name);
        std::printf("%s %016" PRIx64 " %016" PRIx64 "\n", name,
                    check::hash(method, LossScale::raw, count),
                    check::hash(method, LossScale::log10, count));
    }
    return 0;
}

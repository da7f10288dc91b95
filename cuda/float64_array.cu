// The functions of cpp/number/float64.hpp over arrays, on a device: the headers that the host
// compiles, one element per step.
#include "../cpp/number/float64.hpp"

#include "device.hpp"
#include "for_each.hpp"

#include <algorithm>
#include <optional>

namespace allora::cuda {

namespace {

using float64::Function;

template <Function function>
__device__ double value_of(double x, double y) {
    if constexpr (function == Function::exp) {
        return float64::exp(x);
    } else if constexpr (function == Function::expm1) {
        return float64::expm1(x);
    } else if constexpr (function == Function::log) {
        return float64::log(x);
    } else if constexpr (function == Function::log1p) {
        return float64::log1p(x);
    } else if constexpr (function == Function::log10) {
        return float64::log10(x);
    } else if constexpr (function == Function::log2) {
        return float64::log2(x);
    } else if constexpr (function == Function::pow) {
        return float64::pow(x, y);
    } else if constexpr (function == Function::tanh) {
        return float64::tanh(x);
    } else {
        static_assert(function == Function::sqrt);
        return float64::sqrt(x);
    }
}

template <Function function>
struct Apply {
    const double* in;
    const double* in2;
    double* out;

    __device__ void operator()(std::size_t i) const {
        out[i] = value_of<function>(in[i], function == Function::pow ? in2[i] : 0.0);
    }
};

void launch(const Stream& stream, Function function, const double* in, const double* in2,
            double* out, std::size_t n) {
    switch (function) {
    case Function::exp:
        return for_each(stream, n, Apply<Function::exp>{in, in2, out});
    case Function::expm1:
        return for_each(stream, n, Apply<Function::expm1>{in, in2, out});
    case Function::log:
        return for_each(stream, n, Apply<Function::log>{in, in2, out});
    case Function::log1p:
        return for_each(stream, n, Apply<Function::log1p>{in, in2, out});
    case Function::log10:
        return for_each(stream, n, Apply<Function::log10>{in, in2, out});
    case Function::log2:
        return for_each(stream, n, Apply<Function::log2>{in, in2, out});
    case Function::pow:
        return for_each(stream, n, Apply<Function::pow>{in, in2, out});
    case Function::tanh:
        return for_each(stream, n, Apply<Function::tanh>{in, in2, out});
    case Function::sqrt:
        return for_each(stream, n, Apply<Function::sqrt>{in, in2, out});
    }
}

// The operands on the device; the second only for the function that reads it.
struct Operands {
    Array<double> first;
    std::optional<Array<double>> second;

    Operands(const Stream& stream, Function function, const double* in, const double* in2,
             std::size_t n)
        : first(n) {
        first.from_host(in, stream.get());
        if (function == Function::pow) {
            second.emplace(n);
            second->from_host(in2, stream.get());
        }
    }
    const double* second_data() const { return second ? second->data() : nullptr; }
};

} // namespace

void apply(int device, Function function, const double* in, const double* in2, double* out,
           std::size_t n) {
    const Current current(device);
    const Stream stream;
    const Operands operands(stream, function, in, in2, n);
    const Array<double> result(n);
    launch(stream, function, operands.first.data(), operands.second_data(), result.data(), n);
    result.to_host(out, stream.get());
    stream.wait();
}

double time(int device, Function function, const double* in, const double* in2, std::size_t n,
            int repeats) {
    const Current current(device);
    const Stream stream;
    const Operands operands(stream, function, in, in2, n);
    const Array<double> result(n);
    Event start;
    Event end;
    double best = 0.0;
    // The first pass loads the code and is not counted.
    for (int repeat = 0; repeat <= repeats; ++repeat) {
        start.record(stream);
        launch(stream, function, operands.first.data(), operands.second_data(), result.data(), n);
        end.record(stream);
        stream.wait();
        const double milliseconds = end.milliseconds_since(start);
        best = repeat <= 1 ? milliseconds : std::min(best, milliseconds);
    }
    return best;
}

} // namespace allora::cuda

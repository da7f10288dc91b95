// Devices found at run time, and the array functions on them. Plain C++: what calls this needs no
// CUDA headers, and a build without CUDA links without_cuda.cpp instead.
#pragma once

#include "../cpp/engine/device.hpp"
#include "../cpp/number/float64_array.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace allora::cuda {

struct FoundDevice {
    int ordinal;
    std::string name;
    int major;
    int minor;
    int multiprocessors;
    std::size_t memory;
};

// What was built and found; `reason` is one sentence, empty where there is a device.
struct Report {
    bool built;
    std::string build;
    std::string reason;
    std::vector<FoundDevice> devices;
};

Report report();

// float64_array.hpp's `apply` on arrays of the host, computed on a device: the same bits. Throws
// std::runtime_error with a sentence that says why the device could not do it.
void apply(int device, float64::Function function, const double* in, const double* in2, double* out,
           std::size_t n);

// A device that computes whole topics. Throws as `apply` does.
std::unique_ptr<allora::Device> open_device(int device);

// Milliseconds of one pass over arrays that live on the device: the best of `repeats`, by events.
double time(int device, float64::Function function, const double* in, const double* in2,
            std::size_t n, int repeats);

} // namespace allora::cuda

// The device's one verb: kernel(i) for every i below a count, as a grid-stride launch.
#pragma once

#include "runtime.hpp"

#include <algorithm>
#include <cstddef>

namespace allora::cuda {

inline constexpr int threads_per_block = 256;
// Enough blocks to fill every multiprocessor, few enough that threads stride.
inline constexpr int blocks_per_multiprocessor = 32;

template <class Kernel>
__global__ void each(std::size_t count, Kernel kernel) {
    const std::size_t stride = static_cast<std::size_t>(gridDim.x) * blockDim.x;
    for (std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
         i += stride) {
        kernel(i);
    }
}

// On the current device; does not wait.
template <class Kernel>
void for_each(const Stream& stream, std::size_t count, const Kernel& kernel) {
    if (count == 0) {
        return;
    }
    int device = 0;
    int multiprocessors = 0;
    check(cudaGetDevice(&device), "asking for the current device");
    check(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device),
          "asking for the multiprocessors");
    const std::size_t wanted = (count + threads_per_block - 1) / threads_per_block;
    const std::size_t most = static_cast<std::size_t>(multiprocessors) * blocks_per_multiprocessor;
    const auto blocks = static_cast<unsigned>(std::min(wanted, most));
    each<<<blocks, threads_per_block, 0, stream.get()>>>(count, kernel);
    check(cudaGetLastError(), "launching on the device");
}

} // namespace allora::cuda

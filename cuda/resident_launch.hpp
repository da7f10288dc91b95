// The kernels of topics that live on a device: one topic per thread, its arena in the thread's
// local memory; then the topics for which that did not suffice, in arenas in global memory, several
// topics per thread where there are more of them than arenas.
#pragma once

#include "../cpp/engine/device_memory.hpp"
#include "launch.hpp"

#include <algorithm>
#include <cstddef>

namespace allora::cuda {

using World = ResidentWorld<double>;

template <EpochVerb verb>
__global__ void __launch_bounds__(arena_threads, blocks_at_a_time)
    residents(const __grid_constant__ Rules rules, const __grid_constant__ World world,
              ResidentRooms rooms) {
    alignas(Arena::alignment) std::byte local[local_room<verb>];
    const bool is_local = rooms.begin == nullptr;
    const std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    const auto topics = static_cast<std::size_t>(world.roster.topics);
    const std::size_t threads = is_local ? topics : rooms.count;
    if (i >= threads) {
        return;
    }
    const std::size_t size = is_local ? sizeof local : rooms.size;
    for (std::size_t t = i; t < topics; t += threads) {
        *thread_arena() = {is_local ? local : rooms.begin + i * size, size, 0, 0};
        run_resident<double, verb>(rules, world, static_cast<std::int64_t>(t), size);
    }
}

// On the current device; does not wait. Instantiated once per verb, each in its own file.
template <EpochVerb verb>
void launch_residents(cudaStream_t stream, const Rules& rules, const World& world,
                      const ResidentRooms& rooms);

#define ALLORA_LAUNCH_RESIDENTS(verb)                                                              \
    template <>                                                                                    \
    void launch_residents<verb>(cudaStream_t stream, const Rules& rules, const World& world,       \
                                const ResidentRooms& rooms) {                                      \
        for (const ResidentRooms& arenas : {ResidentRooms{}, rooms}) {                             \
            const auto topics = static_cast<std::size_t>(world.roster.topics);                     \
            const std::size_t threads = arenas.begin == nullptr ? topics : arenas.count;           \
            const auto blocks = (threads + arena_threads - 1) / arena_threads;                     \
            residents<verb><<<static_cast<unsigned>(blocks), arena_threads, 0, stream>>>(          \
                rules, world, arenas);                                                             \
            check(cudaGetLastError(), "launching on the device");                                  \
        }                                                                                          \
    }

} // namespace allora::cuda

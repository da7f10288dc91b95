// The kernel of a verb: one topic per thread. A topic's arena lies in the thread's local memory,
// which the hardware interleaves by thread, so that a warp's accesses coalesce; a topic that needs
// more has it in global memory.
#pragma once

#include "../cpp/engine/topic_task.hpp"
#include "runtime.hpp"

#include <cstddef>

namespace allora::cuda {

// The topics of a launch. `rooms` is null, or holds `room` bytes for each of them.
struct Work {
    const TopicPlace* places;
    std::size_t count;
    std::byte* in;
    std::byte* out;
    std::byte* rooms;
    std::size_t room;
};

// Bytes of local memory per thread: what a topic of 32 inferers, 6 forecasters and 6 reputers asks
// for. The driver sets it aside for every thread that can run at a time.
template <EpochVerb verb>
inline constexpr std::size_t local_room = 48 * 1024;
template <>
inline constexpr std::size_t local_room<EpochVerb::settle> = 12 * 1024;

// Most of the time goes into waiting for local memory: as many warps as 128 registers allow for.
inline constexpr int blocks_at_a_time = 16;

template <EpochVerb verb>
__global__ void __launch_bounds__(arena_threads, blocks_at_a_time) topics(Rules rules, Work work) {
    alignas(Arena::alignment) std::byte local[local_room<verb>];
    const std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i >= work.count) {
        return;
    }
    const bool is_local = work.rooms == nullptr;
    *thread_arena() = {is_local ? local : work.rooms + i * work.room,
                       is_local ? sizeof local : work.room, 0, 0};
    run_topic<double, verb>(rules, work.places[i], work.in, work.out);
}

// On the current device; does not wait. Instantiated once per verb, each in its own file.
template <EpochVerb verb>
void launch(const Stream& stream, const Rules& rules, const Work& work);

#define ALLORA_LAUNCH(verb)                                                                        \
    template <>                                                                                    \
    void launch<verb>(const Stream& stream, const Rules& rules, const Work& work) {                \
        const auto blocks = (work.count + arena_threads - 1) / arena_threads;                      \
        topics<verb>                                                                               \
            <<<static_cast<unsigned>(blocks), arena_threads, 0, stream.get()>>>(rules, work);      \
        check(cudaGetLastError(), "launching on the device");                                      \
    }

} // namespace allora::cuda

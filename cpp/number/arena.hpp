// The room of one topic on a device: handed out from its front, taken back from its end, given up
// as a whole. A thread of a device has one; a thread of the host has one where it stands in for a
// device, and none elsewhere.
#pragma once

#include "host_device.hpp"

#include <atomic>
#include <cstddef>
#include <exception>

namespace allora {

// Leaves what the thread is computing: its room does not suffice.
#if !defined(__CUDA_ARCH__)
struct NoRoom : std::exception {};
#endif

ALLORA_HD [[noreturn]] inline void leave() {
#if defined(__CUDA_ARCH__)
    asm volatile("exit;");
    __builtin_unreachable();
#else
    throw NoRoom{};
#endif
}

struct Arena {
    static constexpr std::size_t alignment = 8;

    std::byte* room;
    std::size_t size;
    std::size_t used;
    std::size_t most; // ever used

    ALLORA_HD static std::size_t rounded(std::size_t bytes) {
        return (bytes + alignment - 1) / alignment * alignment;
    }
    ALLORA_HD void* take(std::size_t bytes) {
        const std::size_t wanted = rounded(bytes);
        if (wanted > size - used) {
            leave();
        }
        std::byte* place = room + used;
        raise(wanted);
        return place;
    }
    // Makes what was handed out last larger where it stands, if it is what begins and ends there.
    ALLORA_HD bool extend(const void* begin, std::size_t bytes, std::size_t more) {
        if (!is_last(begin, bytes) || rounded(more) - rounded(bytes) > size - used) {
            return false;
        }
        raise(rounded(more) - rounded(bytes));
        return true;
    }
    // Takes back what was handed out last.
    ALLORA_HD void retract(const void* begin, std::size_t bytes) {
        if (is_last(begin, bytes)) {
            used -= rounded(bytes);
        }
    }

private:
    ALLORA_HD void raise(std::size_t bytes) {
        used += bytes;
        most = used > most ? used : most;
    }
    ALLORA_HD bool is_last(const void* begin, std::size_t bytes) const {
        const auto* place = static_cast<const std::byte*>(begin);
        return place >= room && place < room + used && place + rounded(bytes) == room + used;
    }
};

// Threads of a block: one warp, so that a small batch spreads over all multiprocessors too.
inline constexpr int arena_threads = 32;

#if defined(__CUDACC__)
__device__ inline Arena* device_arena() {
    __shared__ Arena arenas[arena_threads];
    return arenas + threadIdx.x;
}
#endif

inline thread_local Arena* host_arena = nullptr;
// Threads of the host that have an arena. Asked first, because a variable of a thread is dear in a
// shared library: the runtime of CUDA brings such variables of an alignment that only the slow way
// to them allows for.
inline std::atomic<int> host_arenas{0};

// The calling thread's arena while it stands in for a device.
class HostArena {
public:
    explicit HostArena(Arena& arena) {
        host_arenas.fetch_add(1, std::memory_order_relaxed);
        host_arena = &arena;
    }
    HostArena(const HostArena&) = delete;
    HostArena& operator=(const HostArena&) = delete;
    ~HostArena() {
        host_arena = nullptr;
        host_arenas.fetch_sub(1, std::memory_order_relaxed);
    }
};

ALLORA_INLINE Arena* thread_arena() {
#if defined(__CUDA_ARCH__)
    return device_arena();
#else
    return host_arenas.load(std::memory_order_relaxed) == 0 ? nullptr : host_arena;
#endif
}

// Whether numbers are taken one at a time: on a device and where the host stands in for one. Else
// the host takes a vector of them at a time, with the same bits.
ALLORA_INLINE bool one_at_a_time() {
#if defined(__CUDA_ARCH__)
    return true;
#else
    return thread_arena() != nullptr;
#endif
}

} // namespace allora

// A device's memory and the order of what happens in it: what topics that live on a device need
// of it. Nothing here waits but what says so.
#pragma once

#include "resident_topic.hpp"

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace allora {

class OutOfDeviceMemory : public std::runtime_error {
public:
    OutOfDeviceMemory(std::size_t topics, std::size_t needed, std::size_t free)
        : std::runtime_error(
              "out of device memory: a batch of " + std::to_string(topics) + " topics needs " +
              std::to_string(needed) + " bytes, " + std::to_string(free) + " are free; " +
              std::to_string(fitting(topics, needed, free)) + " topics like these would fit") {}

private:
    static std::size_t fitting(std::size_t topics, std::size_t needed, std::size_t free) {
        return static_cast<std::size_t>(static_cast<double>(topics) * static_cast<double>(free) /
                                        static_cast<double>(needed));
    }
};

// Arenas for topics that need more than a thread has: `count` of `size` bytes each.
struct ResidentRooms {
    std::byte* begin = nullptr;
    std::size_t count = 0;
    std::size_t size = 0;
};

using StreamHandle = std::uintptr_t; // as in __cuda_array_interface__; 0: none

class DeviceMemory {
public:
    DeviceMemory() = default;
    DeviceMemory(const DeviceMemory&) = delete;
    DeviceMemory& operator=(const DeviceMemory&) = delete;
    virtual ~DeviceMemory() = default;

    virtual std::byte* take(std::size_t bytes) = 0;
    virtual void give(std::byte* taken) noexcept = 0;
    virtual std::size_t free_bytes() = 0;
    // Empty, or why this is no place in the memory.
    virtual std::string stranger(const void* data) = 0;

    // What follows happens on this stream (0: the memory's own), after all that came before.
    virtual void begin(StreamHandle stream) = 0;
    // It also comes after what was put on another's stream so far.
    virtual void follow(StreamHandle stream) = 0;
    virtual void fill(void* to, std::uint8_t value, std::size_t bytes) = 0;
    virtual void copy_in(void* to, const void* from, std::size_t bytes) = 0;
    virtual void copy_out(void* to, const void* from, std::size_t bytes) = 0;
    // infer, settle and reward of every topic.
    virtual void epoch(const Rules& rules, const ResidentWorld<double>& world,
                       const ResidentRooms& rooms) = 0;
    // The stream that all of it is on.
    virtual StreamHandle stream() const = 0;

    // Whether all of it has happened; waits in wait(), which throws what went wrong.
    virtual bool is_idle() = 0;
    virtual void wait() = 0;
    // Waits, too, and tells nothing: whoever asks for results has been told.
    virtual void end() noexcept = 0;
    // Of the last epoch's kernels, after waiting for them; 0: not measured.
    virtual double milliseconds() = 0;
};

} // namespace allora

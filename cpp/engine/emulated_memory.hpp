// The host's memory in place of a device's: what happens in it happens at once.
#pragma once

#include "device.hpp"
#include "device_memory.hpp"

#include <memory>

namespace allora {

// Arenas of `most_room` bytes at most, and `memory` bytes at most, where those are not 0; the
// fullest arena is noted in `device`.
std::unique_ptr<DeviceMemory> emulated_memory(Device& device, std::size_t most_room,
                                              std::size_t memory);

} // namespace allora

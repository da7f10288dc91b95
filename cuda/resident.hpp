// The memory of a CUDA device as the engine's.
#pragma once

#include "../cpp/engine/device_memory.hpp"

#include <memory>

namespace allora::cuda {

std::unique_ptr<DeviceMemory> device_memory(int ordinal);

} // namespace allora::cuda

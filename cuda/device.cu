// What this build can run on, asked at run time: the runtime is linked in, the driver is not.
#include "device.hpp"

#include "runtime.hpp"

namespace allora::cuda {

Report report() {
    Report found{true, ALLORA_CUDA_REASON, "", {}};
    int count = 0;
    const cudaError_t error = cudaGetDeviceCount(&count);
    if (error != cudaSuccess) {
        static_cast<void>(cudaGetLastError());
        found.reason = error_text(error);
        return found;
    }
    for (int i = 0; i < count; ++i) {
        cudaDeviceProp properties{};
        check(cudaGetDeviceProperties(&properties, i), "asking for a device's properties");
        found.devices.push_back({i, properties.name, properties.major, properties.minor,
                                 properties.multiProcessorCount, properties.totalGlobalMem});
    }
    return found;
}

} // namespace allora::cuda

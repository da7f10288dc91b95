// Linked instead of the CUDA side where the build has none: says so, and why.
#include "device.hpp"

#include <stdexcept>

namespace allora::cuda {

namespace {

[[noreturn]] void refuse() {
    throw std::runtime_error("this build has no CUDA side: " ALLORA_CUDA_REASON);
}

} // namespace

Report report() {
    return {false, "", "built without CUDA: " ALLORA_CUDA_REASON, {}};
}

void apply(int, float64::Function, const double*, const double*, double*, std::size_t) {
    refuse();
}

std::unique_ptr<allora::Device> open_device(int) {
    refuse();
}

double time(int, float64::Function, const double*, const double*, std::size_t, int) {
    refuse();
}

} // namespace allora::cuda

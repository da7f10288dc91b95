// infer on a device.
#include "launch.hpp"

namespace allora::cuda {

ALLORA_LAUNCH(EpochVerb::infer)

} // namespace allora::cuda

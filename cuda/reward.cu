// reward on a device.
#include "launch.hpp"

namespace allora::cuda {

ALLORA_LAUNCH(EpochVerb::reward)

} // namespace allora::cuda

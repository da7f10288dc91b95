// settle on a device.
#include "launch.hpp"

namespace allora::cuda {

ALLORA_LAUNCH(EpochVerb::settle)

} // namespace allora::cuda

// infer of topics that live on a device.
#include "resident_launch.hpp"

namespace allora::cuda {

ALLORA_LAUNCH_RESIDENTS(EpochVerb::infer)

} // namespace allora::cuda

// The Python module: nothing but its parts.
#include "registers.hpp"

#if defined(ALLORA_PLANTED_FAULT)
#include <vector>

namespace {

// Reads one past the end: a sanitizer that is silent about this would be silent about anything.
int planted_fault() {
    const std::vector<int> values(4, 1);
    const volatile int* data = values.data();
    return data[values.size()];
}

} // namespace
#endif

PYBIND11_MODULE(_core, module) {
    module.doc() = "The compiled engine of allora_core; use it through allora_core.";
    allora::door::register_numbers(module);
    allora::door::register_operations(module);
    allora::door::register_states(module);
    allora::door::register_devices(module);
    allora::door::register_engine(module);
    allora::door::register_resident(module);
    allora::door::register_losses(module);
    allora::door::register_reward(module);
    allora::door::register_topics(module);
    allora::door::register_wire(module);
    allora::door::register_payloads(module);
#if defined(ALLORA_PLANTED_FAULT)
    module.def("planted_fault", &planted_fault);
#endif
}

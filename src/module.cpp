// The Python module: nothing but its parts.
#include "registers.hpp"

PYBIND11_MODULE(_core, module) {
    module.doc() = "The compiled engine of allora_core; use it through allora_core.";
    allora::door::register_numbers(module);
    allora::door::register_operations(module);
    allora::door::register_states(module);
    allora::door::register_engine(module);
}

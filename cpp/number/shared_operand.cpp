// Shared operands.
#include "shared_operand_impl.hpp"

// The parts of decimals of any length.
#include "big_decimal_parts_impl.hpp"

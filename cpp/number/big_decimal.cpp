// Arithmetic of decimals of any length.
#include "big_decimal_impl.hpp"

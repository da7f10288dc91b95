// Decimals of fixed width where they leave it.
#include "decimal_impl.hpp"

// Sums of decimals.
#include "decimal_sum_impl.hpp"

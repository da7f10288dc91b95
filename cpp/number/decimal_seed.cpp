// The double logarithm under the library's.
#include "decimal_seed_impl.hpp"

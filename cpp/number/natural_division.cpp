// Division of integers of any length.
#include "natural_division_impl.hpp"

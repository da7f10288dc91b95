// What the host keeps in objects, for the compiler of a device.
#pragma once

#include "big_decimal_impl.hpp"
#include "big_decimal_parts_impl.hpp"
#include "decimal_functions_impl.hpp"
#include "decimal_impl.hpp"
#include "decimal_library_impl.hpp"
#include "decimal_seed_impl.hpp"
#include "decimal_sum_impl.hpp"
#include "integer_conversion_impl.hpp"
#include "natural_division_impl.hpp"
#include "natural_impl.hpp"

// What every number offers to the formulas, whatever its kind: construction, absence, faults and
// sums. Arithmetic and comparison are the usual operators.
#pragma once

#include "cause.hpp"
#include "host_device.hpp"

#include <cstdint>

namespace allora {

// Specialised per number with: from_int, constant (coefficient * 10^exponent, exact and in that
// form), missing, faulted, is_missing, is_zero, fault (Cause::none for a usable value) and
// exact_sums (addition never rounds, so any order of a sum gives the same digits).
template <class Real>
struct Number;

// Specialised per exact number: add, add_product (the product rounded, the sum exact), value.
template <class Real>
class Sum;

// Declared here because templates find the functions of a built-in type only where they are
// written; defined in float64_real.hpp.
enum class DecimalFunctions : std::uint8_t;
ALLORA_HD int compare(double x, double y);
ALLORA_HD double abs(double x);
ALLORA_HD double sqrt(double x);
ALLORA_HD double exp(DecimalFunctions functions, double x);
ALLORA_HD double ln(DecimalFunctions functions, double x);
ALLORA_HD double pow(DecimalFunctions functions, double x, double y);

} // namespace allora

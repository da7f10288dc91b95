// Single decimal operations by name, on texts: what recorded operations are replayed through.
#pragma once

#include "decimal_functions.hpp"

#include <string>
#include <vector>

namespace allora {

// Arguments are stored texts; lists are bracketed and separated by semicolons. The answer is
// "result", a tab and the text, or "error", a tab and the code; "unknown" for an unknown name.
std::string run_operation(DecimalFunctions functions, const std::string& name,
                          const std::vector<std::string>& arguments);

} // namespace allora

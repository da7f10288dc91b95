// The host's table of powers of ten between 1 and 10.
#include "decimal_tables.hpp"

namespace allora {

const std::array<DecimalParts, table_size> exp_table_parts = fixed::exp_table;

} // namespace allora

// Functions of decimals of any length.
#include "decimal_functions_impl.hpp"

namespace allora {

BigDecimal exp10(const BigDecimal& x) {
    return library::pow(BigDecimal::from_int(10), x);
}

} // namespace allora

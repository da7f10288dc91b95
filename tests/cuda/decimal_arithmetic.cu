// The decimals' arithmetic in a kernel: compiled by tests/cuda/test_ptx.py, and run nowhere.
#include "../../cpp/number/decimal_real.hpp"
#include "../../cpp/number/shared_operand.hpp"

using namespace allora;

__global__ void decimal_arithmetic(const Decimal* x, const Decimal* y, Decimal* out) {
    const unsigned i = threadIdx.x;
    Sum<Decimal> sum;
    sum.add((x[i] + y[i]) * (x[i] - y[i]));
    sum.subtract(x[i] / y[i]);
    const SharedShare<Decimal> share(x[i], y[i]);
    LongSum<Decimal> shares;
    shares.add(share(sum.value(), SharedShare<Decimal>::Operand(sum.value())));
    out[i] = sqrt(shares.value());
    for (const DecimalFunctions functions :
         {DecimalFunctions::library, DecimalFunctions::programs}) {
        out[i] = pow(functions, exp(functions, out[i]), ln(functions, y[i]));
        out[i] = log10(functions, out[i]);
    }
}

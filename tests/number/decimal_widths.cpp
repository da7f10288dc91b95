// Decimal against BigDecimal on operands that force every width: 34, 36 and 38 digits, one and two
// limbs, 76 to 78 digits, 256 bits, and exponents that drive sums apart; shared operands, squares
// and long sums likewise. Prints the first disagreements and how many there were.
#include "number/decimal_real.hpp"
#include "number/decimal_text.hpp"
#include "number/shared_operand.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

using namespace allora;

namespace {

std::mt19937_64 generator;

int below(int bound) {
    return static_cast<int>(generator() % static_cast<std::uint64_t>(bound));
}

int digits_of_interest() {
    constexpr int lengths[] = {1,  2,  17, 18, 19, 20, 21, 33, 34, 35,
                               36, 37, 38, 39, 43, 57, 75, 76, 77};
    return below(3) == 0 ? lengths[below(19)] : 1 + below(77);
}

BigDecimal operand() {
    const int digits = digits_of_interest();
    std::string text;
    switch (below(6)) {
    case 0:
        text.assign(static_cast<std::size_t>(digits), '0');
        text[0] = '1';
        break;
    case 1:
        text.assign(static_cast<std::size_t>(digits), '9');
        break;
    case 2:
        text.assign(1, below(2) == 0 ? '0' : '1');
        break;
    default:
        for (int i = 0; i < digits; ++i) {
            text += static_cast<char>('0' + (i == 0 ? 1 + below(9) : below(10)));
        }
    }
    const int spread = below(4) == 0 ? 400 : 60;
    text.append("E").append(std::to_string(below(spread) - spread / 2));
    BigDecimal value = parse(text);
    value.negative = below(2) == 0;
    return value;
}

// A result that needs more than 256 bits is a fault of the fixed width, nothing else is.
bool same(const Decimal& narrow, const BigDecimal& big) {
    if (big.is_finite() && big.coefficient.bit_length() > 256) {
        return narrow.fault() == Cause::does_not_fit;
    }
    return narrow.fault() == big.fault() && to_stored(to_big(narrow)) == to_stored(big);
}

int disagreements = 0;

void check(const char* name, const BigDecimal& x, const BigDecimal& y, const Decimal& narrow,
           const BigDecimal& big) {
    if (!same(narrow, big) && ++disagreements <= 5) {
        std::printf("%s %s %s: %s, not %s\n", name, to_stored(x).c_str(), to_stored(y).c_str(),
                    to_stored(to_big(narrow)).c_str(), to_stored(big).c_str());
    }
}

void check_pair() {
    const BigDecimal x = operand();
    const BigDecimal y = operand();
    const Decimal a = from_big(x);
    const Decimal b = from_big(y);
    if (!a.is_finite() || !b.is_finite()) {
        return;
    }
    check("add", x, y, a + b, x + y);
    check("sub", x, y, a - b, x - y);
    check("mul", x, y, a * b, x * y);
    check("quo", x, y, a / b, x / y);
    check("neg", x, y, -a, -x);
    check("squared", x, x, squared(a), x * x);
    if (compare(a, b) != compare(x, y)) {
        std::printf("compare %s %s\n", to_stored(x).c_str(), to_stored(y).c_str());
        ++disagreements;
    }
}

void check_sum() {
    Sum<Decimal> narrow;
    Sum<BigDecimal> big;
    const int terms = 1 + below(20);
    for (int i = 0; i < terms; ++i) {
        const BigDecimal term = round(decimal128(), operand());
        narrow.add(from_big(term));
        big.add(term);
    }
    check("sum", big.value(), big.value(), narrow.value(), big.value());
    const BigDecimal divisor = operand();
    Sum<Decimal> narrow_divisor;
    Sum<BigDecimal> big_divisor;
    narrow_divisor.add(from_big(round(decimal128(), divisor)));
    big_divisor.add(round(decimal128(), divisor));
    check("quotient", big.value(), divisor, narrow.quotient(narrow_divisor),
          big.quotient(big_divisor));
}

// (x y) / z, where the operators do not need more than the fixed width on the way.
void check_share() {
    const BigDecimal x = operand();
    const BigDecimal y = below(4) == 0 ? BigDecimal::from_int(1) : operand();
    const BigDecimal z = operand();
    const Decimal a = from_big(x);
    const Decimal b = from_big(y);
    const Decimal c = from_big(z);
    if (a.is_finite() && b.is_finite() && c.is_finite()) {
        check("share", x, y, SharedShare<Decimal>(b, c)(a, SharedShare<Decimal>::Operand(a)),
              (x * y) / z);
    }
}

void check_short_sum() {
    ShortSum<Decimal> narrow;
    ShortSum<BigDecimal> big;
    const int terms = 1 + below(25);
    const int spread = 1 + below(30);
    for (int i = 0; i < terms; ++i) {
        BigDecimal term = round(decimal128(), operand());
        term.exponent = below(10) == 0 ? term.exponent : below(spread) - 30;
        narrow.add(from_big(term));
        big.add(term);
    }
    check("short sum", big.value(), big.value(), narrow.value(), big.value());
}

void check_long_sum() {
    LongSum<Decimal> narrow;
    LongSum<BigDecimal> big;
    const int terms = 1 + below(200);
    for (int i = 0; i < terms; ++i) {
        BigDecimal term = round(decimal128(), operand());
        term.negative = below(50) == 0;
        narrow.add(from_big(term));
        big.add(term);
    }
    check("long sum", big.value(), big.value(), narrow.value(), big.value());
}

void check_functions() {
    const BigDecimal x = operand();
    const Decimal a = from_big(x);
    if (!a.is_finite()) {
        return;
    }
    for (const auto functions : {DecimalFunctions::programs, DecimalFunctions::library}) {
        if (x.exponent > -300 && x.exponent < 8) {
            check("exp", x, x, exp(functions, a), exp(functions, x));
            check("ln", x, x, ln(functions, a), ln(functions, x));
        }
    }
    check("sqrt", x, x, sqrt(a), sqrt(x));
}

// Cuts on both sides of a whole quotient and of a half, where the estimate alone cannot decide.
void check_cut() {
    const int k = 1 + below(largest_cut);
    const int digits = 1 + below(std::min(36, largest_power - k));
    const u128 spread = (static_cast<u128>(generator()) << 64) | generator();
    const u128 quotient = below(4) == 0 ? short_powers[digits] - 1 : spread % short_powers[digits];
    const Wide<4>& unit = powers_of_ten[k];
    Wide<4> rest =
        shift_right(multiply_low<4>(unit, Wide<1>{{static_cast<unsigned>(below(3))}}), 1);
    const Wide<4> step{{static_cast<std::uint64_t>(below(3)), 0, 0, 0}};
    const bool below_it = below(2) == 0 && compare(rest, step) >= 0;
    const bool at_unit = compare(rest, unit) == 0;
    if (below_it || at_unit) {
        subtract_from(rest, at_unit && !below_it ? Wide<4>{{1, 0, 0, 0}} : step);
    } else {
        add_to(rest, step);
    }
    if (compare(rest, unit) >= 0) {
        return;
    }
    Wide<4> product = multiply_low<4>(unit, wide2(quotient));
    add_to(product, rest);
    Wide<4> twice = rest;
    add_to(twice, rest);
    const int half = compare(twice, unit);
    const bool up = half > 0 || (half == 0 && (quotient & 1) != 0);
    if (cut_floor(product, k) != quotient ||
        cut_half_even(product, k) != quotient + static_cast<u128>(up)) {
        std::printf("cut by %d digits\n", k);
        ++disagreements;
    }
}

} // namespace

int main(int count, char** arguments) {
    const int rounds = count > 1 ? std::atoi(arguments[1]) : 1000;
    for (int i = 0; i < rounds; ++i) {
        check_pair();
        check_cut();
        check_share();
        if (i % 4 == 0) {
            check_sum();
            check_short_sum();
        }
        if (i % 50 == 0) {
            check_long_sum();
            check_functions();
        }
    }
    std::printf("%d rounds, %d disagreements\n", rounds, disagreements);
    return disagreements == 0 ? 0 : 1;
}

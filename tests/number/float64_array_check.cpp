// Compares the array kernels of a variant bit by bit with their definitions, written here as plain
// loops over single numbers, on lists of 0 to 130 numbers that nobody would submit.
//
//   VARIANT          one line per kernel: its name, how many results were compared, how many differ
//   supported VARIANT
#include "../../cpp/number/curves.hpp"
#include "../../cpp/number/float64_real.hpp"
#include "float64_arguments.hpp"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <span>
#include <string>

namespace allora::check {
namespace {

using float64::ArrayKernels;

constexpr std::uint64_t missing_bits = Number<double>::missing_bits;
constexpr std::size_t longest = 130;

bool is_missing(double x) {
    return to_bits(x) == missing_bits;
}

bool same(double x, double y) {
    return to_bits(x) == to_bits(y);
}

bool is_finite(double x) {
    return Number<double>::fault(x) == Cause::none;
}

// A source of numbers: how nasty they are is chosen per list, so that clean lists occur as well.
class Numbers {
public:
    explicit Numbers(std::uint64_t seed) : seed_(seed) {}

    std::uint64_t next() { return random_bits(seed_, index_++); }
    double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }
    double between(double low, double high) { return low + (high - low) * unit(); }

    // Near 0, with absent ones; nasty: every special value as well, and any size.
    double entry(bool absent, bool nasty) {
        const std::uint64_t kind = next() % 16;
        if (absent && kind == 0) {
            return to_double(missing_bits);
        }
        if (!nasty || kind > 4) {
            return between(-3.0, 3.0);
        }
        const double special[] = {0.0,
                                  -0.0,
                                  HUGE_VAL,
                                  -HUGE_VAL,
                                  to_double(0x7ff8000000000000u),
                                  to_double(missing_bits | (std::uint64_t{1} << 63)),
                                  to_double(0x7ff0000000000001u),
                                  to_double(0xfff8000000000000u),
                                  largest,
                                  -largest,
                                  smallest,
                                  -smallest,
                                  normal,
                                  1.0,
                                  -1.0};
        return kind == 1 ? to_double(next()) : special[next() % std::size(special)];
    }
    std::vector<double> list(std::size_t n, bool absent, bool nasty) {
        std::vector<double> values(n);
        for (double& value : values) {
            value = entry(absent, nasty);
        }
        return values;
    }

private:
    std::uint64_t seed_;
    std::uint64_t index_ = 0;
};

struct Tally {
    std::size_t compared = 0;
    std::size_t different = 0;

    void add(bool equal) {
        ++compared;
        different += equal ? 0 : 1;
    }
};

using Tallies = std::map<std::string, Tally>;

void check_ranks(const ArrayKernels& kernels, Numbers& numbers, std::size_t n, Tally& tally) {
    if (n > float64::most_ranked) {
        return;
    }
    std::vector<double> values = numbers.list(n, false, numbers.next() % 2 == 0);
    for (double& value : values) { // ties
        value = numbers.next() % 4 == 0 ? values[numbers.next() % n] : value;
    }
    std::vector<std::uint64_t> ranks(n, 7);
    const bool ordered = kernels.ranks(values.data(), ranks.data(), n);
    const bool has_order =
        std::none_of(values.begin(), values.end(), [](double x) { return x != x; });
    tally.add(ordered == has_order);
    for (std::size_t i = 0; has_order && i < n; ++i) {
        std::uint64_t rank = 0;
        for (std::size_t j = 0; j < n; ++j) {
            rank += values[j] < values[i] || (values[j] == values[i] && j < i) ? 1 : 0;
        }
        tally.add(ranks[i] == rank);
    }
}

struct Sums {
    std::array<double, 8> numerator{};
    std::array<double, 8> denominator{};
    std::size_t terms = 0;
    bool finite = true;
};

Sums weighed(const float64::WeighedRow& row) {
    double best = -HUGE_VAL;
    for (std::size_t i = 0; i < row.n; ++i) {
        const double quotient = row.regrets[i] / row.scale;
        best = !is_missing(row.regrets[i]) && quotient > best ? quotient : best;
    }
    const ExpRatio<StepArithmetic<double>, double> ratio(DecimalFunctions{},
                                                         -(row.p * (best - row.c)));
    Sums sums;
    for (std::size_t i = 0; i < row.n; ++i) {
        if (is_missing(row.regrets[i])) {
            continue;
        }
        const double weight = ratio(-(row.p * (row.regrets[i] / row.scale - row.c)));
        sums.finite = sums.finite && is_finite(weight);
        if (!is_missing(row.values[i]) && weight != 0.0) {
            sums.numerator[i % 8] += weight * row.values[i];
            sums.denominator[i % 8] += weight;
            ++sums.terms;
        }
    }
    return sums;
}

void check_weigh_row(const ArrayKernels& kernels, Numbers& numbers, std::size_t n, Tally& tally) {
    const double scales[] = {1.0, 0.3, 1e-3, 1e-9, 1e9, smallest, largest};
    const bool nasty = numbers.next() % 2 == 0;
    std::vector<double> regrets = numbers.list(n, true, nasty && numbers.next() % 2 == 0);
    const double shift = numbers.next() % 3 == 0 ? 0.0 : numbers.between(-40.0, 40.0);
    for (double& regret : regrets) {
        regret = is_missing(regret) ? regret : regret + shift;
    }
    const std::vector<double> values = numbers.list(n, true, false);
    std::vector<double> normalized(n);
    const float64::WeighedRow row{nasty ? scales[numbers.next() % std::size(scales)] : 1.0,
                                  nasty ? numbers.between(-4.0, 8.0) : 3.0,
                                  nasty ? numbers.between(-2.0, 2.0) : 0.75,
                                  missing_bits,
                                  regrets.data(),
                                  values.data(),
                                  normalized.data(),
                                  n};
    const Sums expected = weighed(row);
    Sums given;
    float64::LaneSums lanes{given.numerator.data(), given.denominator.data(), 0};
    const bool finite = kernels.weigh_row(row, lanes);
    tally.add(finite == expected.finite);
    if (!finite || !expected.finite) {
        return;
    }
    tally.add(lanes.terms == expected.terms);
    for (std::size_t lane = 0; lane < 8; ++lane) {
        tally.add(same(given.numerator[lane], expected.numerator[lane]));
        tally.add(same(given.denominator[lane], expected.denominator[lane]));
    }
}

void check_fill_missing(const ArrayKernels& kernels, Numbers& numbers, std::size_t n,
                        Tally& tally) {
    const std::vector<double> values = numbers.list(n, true, true);
    std::vector<double> filled(n + 1, 7.0);
    kernels.fill_missing(values.data(), 0.25, missing_bits, filled.data(), n);
    for (std::size_t i = 0; i < n; ++i) {
        tally.add(same(filled[i], is_missing(values[i]) ? 0.25 : values[i]));
    }
    tally.add(filled[n] == 7.0); // nothing beyond the end
}

void check_any_missing(const ArrayKernels& kernels, Numbers& numbers, std::size_t n, Tally& tally) {
    std::vector<double> values = numbers.list(n, false, true);
    std::replace_if(values.begin(), values.end(), is_missing, 1.0);
    tally.add(!kernels.any_missing(values.data(), missing_bits, n));
    if (n > 0) {
        values[numbers.next() % n] = to_double(missing_bits);
        tally.add(kernels.any_missing(values.data(), missing_bits, n));
    }
}

// One topic's reputers: square sums of their losses by group, and lists of coefficients.
struct Topic {
    std::size_t reputers;
    std::size_t groups;
    std::size_t stride;
    std::vector<std::uint8_t> reported;
    std::vector<double> sums;
    std::vector<double> stakes;
    std::vector<double> lists;
};

void check_square_sums(const ArrayKernels& kernels, Numbers& numbers, Topic& topic, bool nasty,
                       Tally& tally) {
    for (std::size_t group = 0; group < topic.groups; ++group) {
        const std::size_t columns = numbers.next() % 30;
        std::vector<double> table(columns * topic.stride + topic.stride);
        for (std::size_t at = 0; at < columns * topic.stride; ++at) {
            table[at] = at % topic.stride < topic.reputers ? numbers.entry(false, nasty) : 0.0;
        }
        double* sums = topic.sums.data() + group * topic.reputers * topic.stride;
        kernels.square_sums(table.data(), columns, topic.stride, sums, topic.reputers);
        for (std::size_t m = 0; m < topic.reputers; ++m) {
            for (std::size_t i = 0; i < topic.stride; ++i) {
                double sum = 0.0;
                for (std::size_t column = 0; column < columns; ++column) {
                    const double* entries = table.data() + column * topic.stride;
                    const double other = i < topic.reputers ? entries[i] : 0.0;
                    sum += (entries[m] - other) * (entries[m] - other);
                }
                const double given = sums[m * topic.stride + i];
                tally.add(same(given, sum) || (given != given && sum != sum));
            }
        }
    }
}

// A list's scores as the formulas give them; false: a fault, or a stake below 0.
bool scored(const Topic& topic, std::size_t list, double safe, double epsilon,
            std::vector<double>& scores, double& total) {
    const std::size_t count = topic.reputers;
    const auto coefficient = [&](std::size_t m) { return topic.lists[8 * m + list]; };
    double listened = 0.0;
    for (std::size_t m = 0; m < count; ++m) {
        listened += coefficient(m) * topic.stakes[m];
    }
    std::vector<double> adjusted(count), weights(count), distance(count, 0.0), spread(count);
    for (std::size_t m = 0; m < count; ++m) {
        const double share =
            static_cast<double>(count) * coefficient(m) * topic.stakes[m] / listened;
        if (!is_finite(share) || share < 0.0) {
            return false;
        }
        adjusted[m] = share < 1.0 ? share : 1.0;
    }
    double norm = 0.0;
    for (std::size_t group = 0; group < topic.groups; ++group) {
        const std::uint8_t* reported = topic.reported.data() + group * count;
        const double* sums = topic.sums.data() + group * count * topic.stride;
        double stake = 0.0;
        for (std::size_t m = 0; m < count; ++m) {
            stake += reported[m] != 0 ? adjusted[m] : 0.0;
        }
        if (!is_finite(stake) || stake == 0.0) {
            return false;
        }
        double length = 0.0;
        double twice = 0.0;
        for (std::size_t m = 0; m < count; ++m) {
            weights[m] = reported[m] != 0 ? adjusted[m] / stake : 0.0;
        }
        for (std::size_t m = 0; m < count; ++m) {
            spread[m] = 0.0;
            for (std::size_t i = 0; i < count; ++i) {
                spread[m] += weights[i] * sums[m * topic.stride + i];
            }
            twice += weights[m] * spread[m];
            length += weights[m] * sums[m * topic.stride + count];
        }
        norm += std::max(length - twice * 0.5, 0.0);
        for (std::size_t m = 0; m < count; ++m) {
            distance[m] += std::max(spread[m] - twice * 0.5, 0.0);
        }
    }
    norm = std::sqrt(norm) == 0.0 ? safe : std::sqrt(norm);
    total = 0.0;
    for (std::size_t m = 0; m < count; ++m) {
        scores[m] = 1.0 / (std::sqrt(distance[m]) / norm + epsilon);
        if (!is_finite(scores[m])) {
            return false;
        }
        total += scores[m] * topic.stakes[m];
    }
    return true;
}

void check_reputers(const ArrayKernels& kernels, Numbers& numbers, std::size_t reputers,
                    Tallies& tallies) {
    const bool nasty = numbers.next() % 3 == 0;
    Topic topic{reputers, 1 + numbers.next() % 3, 8 * (reputers / 8 + 1), {}, {}, {}, {}};
    topic.sums.resize(topic.groups * reputers * topic.stride);
    check_square_sums(kernels, numbers, topic, nasty, tallies["square_sums"]);
    for (std::size_t at = 0; at < topic.groups * reputers; ++at) {
        topic.reported.push_back(at < reputers || numbers.next() % 4 != 0 ? 1 : 0);
    }
    for (std::size_t m = 0; m < reputers; ++m) {
        topic.stakes.push_back(numbers.next() % 8 == 0 ? 0.0 : numbers.between(0.0, 1e20));
        for (std::size_t list = 0; list < 8; ++list) {
            topic.lists.push_back(nasty ? numbers.entry(false, numbers.next() % 8 == 0)
                                        : numbers.between(0.0, 1.0));
        }
    }
    const double safe = 1e-8;
    const double epsilon = numbers.next() % 4 == 0 ? 0.0 : 0.01;
    std::vector<double> scratch(32 * reputers), scores(8 * reputers);
    std::array<double, 8> totals{};
    const bool done =
        kernels.score_lists({reputers, topic.groups, topic.stride, topic.reported.data(),
                             topic.sums.data(), topic.stakes.data(), safe, epsilon, scratch.data()},
                            topic.lists.data(), scores.data(), totals.data());
    Tally& tally = tallies["score_lists"];
    bool all = true;
    std::vector<double> expected(reputers);
    for (std::size_t list = 0; list < 8; ++list) {
        double total = 0.0;
        const bool sound = scored(topic, list, safe, epsilon, expected, total);
        all = all && sound;
        for (std::size_t m = 0; done && sound && m < reputers; ++m) {
            tally.add(same(scores[8 * m + list], expected[m]));
        }
        if (done && sound) {
            tally.add(same(totals[list], total));
        }
    }
    tally.add(done == all);
}

int compare_all(const ArrayKernels& kernels) {
    Tallies tallies;
    Numbers numbers(20);
    for (std::size_t round = 0; round < 40; ++round) {
        for (std::size_t n = 0; n <= longest; ++n) {
            check_ranks(kernels, numbers, n, tallies["ranks"]);
            check_weigh_row(kernels, numbers, n, tallies["weigh_row"]);
            check_fill_missing(kernels, numbers, n, tallies["fill_missing"]);
            check_any_missing(kernels, numbers, n, tallies["any_missing"]);
        }
        for (std::size_t reputers = 1; reputers <= 26; ++reputers) {
            check_reputers(kernels, numbers, reputers, tallies);
        }
    }
    for (const auto& [name, tally] : tallies) {
        std::printf("%s %zu %zu\n", name.c_str(), tally.compared, tally.different);
    }
    return 0;
}

int run(int argc, char** argv) {
    const VariantChoice choice = choose_variant(argc > 1 ? argv[argc - 1] : nullptr);
    if (argc == 3) {
        std::puts(choice.error.empty() ? "yes" : choice.error.c_str());
        return 0;
    }
    if (!choice.error.empty()) {
        std::puts(choice.error.c_str());
        return 1;
    }
    return compare_all(*float64::array_kernel_copies.of(choice.variant));
}

} // namespace
} // namespace allora::check

int main(int argc, char** argv) {
    return allora::check::run(argc, argv);
}

// Compares the array kernels of a variant bit by bit with their definitions, written here as plain
// loops over single numbers, on lists of 0 to 130 numbers that nobody would submit.
//
//   VARIANT          one line per kernel: its name, how many results were compared, how many differ
//   supported VARIANT
#include "../../cpp/number/curves.hpp"
#include "../../cpp/number/statistics.hpp"
#include "float64_array_numbers.hpp"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <span>
#include <string>

namespace allora::check {
namespace {

using float64::ArrayKernels;

constexpr std::size_t longest = 130;

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

    void add(std::size_t i, double weight, double value) {
        if (!is_missing(weight) && !is_missing(value) && weight != 0.0) {
            numerator[i % 8] += weight * value;
            denominator[i % 8] += weight;
            ++terms;
        }
    }
};

double total(const std::array<double, 8>& lane) {
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
           ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

std::vector<double> weights_of(const float64::WeightCall& call,
                               const std::vector<double>& regrets) {
    double best = -HUGE_VAL;
    for (const double regret : regrets) {
        const double quotient = regret / call.scale;
        best = !is_missing(regret) && quotient > best ? quotient : best;
    }
    const ExpRatio<StepArithmetic<double>, double> ratio(DecimalFunctions{},
                                                         -(call.p * (best - call.c)));
    std::vector<double> weights(regrets);
    for (double& weight : weights) {
        weight = is_missing(weight) ? weight : ratio(-(call.p * (weight / call.scale - call.c)));
    }
    return weights;
}

float64::WeightCall random_call(Numbers& numbers, bool nasty) {
    const double scales[] = {1.0, 0.3, 1e-3, 1e-9, 1e9, smallest, largest};
    return {nasty ? scales[numbers.next() % std::size(scales)] : 1.0,
            nasty ? numbers.between(-4.0, 8.0) : 3.0, nasty ? numbers.between(-2.0, 2.0) : 0.75,
            missing_bits};
}

// Now and then exponents on either side of where one exponential no longer serves.
std::vector<double> random_regrets(Numbers& numbers, std::size_t n, bool nasty) {
    std::vector<double> regrets = numbers.list(n, true, nasty && numbers.next() % 2 == 0);
    const double range = numbers.next() % 4 == 0 ? 260.0 : 40.0;
    const double shift = numbers.next() % 3 == 0 ? 0.0 : numbers.between(-range, range);
    const bool wide = numbers.next() % 4 == 0;
    for (double& regret : regrets) {
        const double apart = wide ? numbers.between(-range, range) : 0.0;
        regret = is_missing(regret) ? regret : regret + shift + apart;
    }
    return regrets;
}

void check_ratio_weights(const ArrayKernels& kernels, Numbers& numbers, std::size_t n,
                         Tally& tally) {
    const bool nasty = numbers.next() % 2 == 0;
    const float64::WeightCall call = random_call(numbers, nasty);
    const std::vector<double> regrets = random_regrets(numbers, n, nasty);
    const std::vector<double> expected = weights_of(call, regrets);
    std::vector<double> given(n + 1, 7.0);
    kernels.ratio_weights(call, regrets.data(), given.data(), n);
    for (std::size_t i = 0; i < n; ++i) {
        const bool both_nan = given[i] != given[i] && expected[i] != expected[i] &&
                              !is_missing(given[i]) && !is_missing(expected[i]);
        tally.add(same(given[i], expected[i]) || both_nan);
    }
    tally.add(given[n] == 7.0); // nothing beyond the end
}

void check_weigh_rows(const ArrayKernels& kernels, Numbers& numbers, std::size_t n, Tally& tally) {
    const bool nasty = numbers.next() % 2 == 0;
    const float64::WeightCall call = random_call(numbers, nasty);
    const std::size_t rows = 1 + numbers.next() % float64::most_rows;
    const std::size_t stride = n + numbers.next() % 3;
    std::vector<double> regrets(rows * stride + 1);
    std::vector<double> values(rows * stride + 1);
    std::vector<double> weights(n + 1);
    Sums expected[float64::most_rows];
    bool finite[float64::most_rows];
    for (std::size_t row = 0; row < rows; ++row) {
        const std::vector<double> given = random_regrets(numbers, n, nasty);
        const std::vector<double> others = numbers.list(n, true, false);
        std::copy(given.begin(), given.end(), regrets.data() + row * stride);
        std::copy(others.begin(), others.end(), values.data() + row * stride);
        const std::vector<double> weighs = weights_of(call, given);
        finite[row] = std::all_of(weighs.begin(), weighs.end(),
                                  [](double w) { return is_missing(w) || is_finite(w); });
        for (std::size_t i = 0; i < n; ++i) {
            expected[row].add(i, weighs[i], others[i]);
        }
    }
    float64::RowSums sums[float64::most_rows];
    const unsigned sound = kernels.weigh_rows(
        call, {regrets.data(), values.data(), n, stride, rows, weights.data()}, sums);
    tally.add(sound >> rows == 0);
    for (std::size_t row = 0; row < rows; ++row) {
        tally.add(finite[row] == ((sound >> row & 1U) != 0));
        if (finite[row]) {
            tally.add(sums[row].terms == expected[row].terms);
            tally.add(same(sums[row].numerator, total(expected[row].numerator)));
            tally.add(same(sums[row].denominator, total(expected[row].denominator)));
        }
    }
}

void check_means_without(const ArrayKernels& kernels, Numbers& numbers, std::size_t n,
                         Tally& tally) {
    std::vector<double> weights = numbers.list(n, true, false);
    const bool alone = numbers.next() % 4 == 0;
    for (double& weight : weights) {
        const bool none = alone ? numbers.next() % 16 != 0 : numbers.next() % 8 == 0;
        weight = is_missing(weight) ? weight : none ? 0.0 : weight * weight;
    }
    const std::vector<double> values = numbers.list(n, true, false);
    std::vector<double> means(n + 1, 7.0);
    kernels.means_without(weights.data(), values.data(), missing_bits, means.data(), n);
    for (std::size_t e = 0; e < n; ++e) {
        Sums others;
        for (std::size_t i = 0; i < n; ++i) {
            others.add(i, i == e ? 0.0 : weights[i], values[i]);
        }
        const double divisor = total(others.denominator);
        tally.add(divisor == 0.0 ? is_missing(means[e])
                                 : same(means[e], total(others.numerator) / divisor));
    }
    tally.add(means[n] == 7.0);
}

// What the formulas make of one entry (formula/regret.hpp).
double averaged(const float64::AverageStep& step, double whole, double part, double before) {
    if (is_missing(whole) || is_missing(part)) {
        return before;
    }
    return ema(step.alpha, whole - part, is_missing(before) ? step.initial : before, false);
}

void check_averages(const ArrayKernels& kernels, Numbers& numbers, std::size_t n, Tally& tally) {
    const bool huge = numbers.next() % 8 == 0;
    const double size = huge ? 1e308 : 1.0;
    const float64::AverageStep step{numbers.unit(), numbers.between(-1.0, 1.0), missing_bits};
    const auto list = [&](std::size_t count) {
        std::vector<double> values = numbers.list(count, true, false);
        for (double& value : values) { // some equal ones, zeros of either sign among them
            const bool plain = numbers.next() % 4 == 0;
            value = is_missing(value) ? value : plain ? (value < 0.0 ? -0.0 : 0.0) : value * size;
        }
        return values;
    };
    const std::size_t rows = numbers.next() % 4;
    const std::size_t stride = n + numbers.next() % 2;
    const std::vector<double> wholes = list(rows);
    const std::vector<double> parts = list(n);
    const std::vector<double> before = list(rows * stride + 1);
    std::vector<double> expected = before;
    bool finite = true;
    for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t i = 0; i < n; ++i) {
            double& average = expected[row * stride + i];
            const bool stays = is_missing(wholes[row]) || is_missing(parts[i]);
            average = averaged(step, wholes[row], parts[i], average);
            finite = finite && (stays || is_finite(average));
        }
    }
    std::vector<double> given = before;
    tally.add(kernels.update_rows(step, {wholes.data(), rows, parts.data(), n, stride},
                                  given.data()) == finite);
    for (std::size_t i = 0; finite && i < given.size(); ++i) {
        tally.add(same(given[i], expected[i]));
    }
    const std::vector<double> own = list(n);
    given = list(n);
    expected = given;
    finite = true;
    for (std::size_t i = 0; i < n; ++i) {
        expected[i] = averaged(step, own[i], parts[i], given[i]);
        finite = finite && (is_missing(own[i]) || is_missing(parts[i]) || is_finite(expected[i]));
    }
    tally.add(kernels.update_averages(step, own.data(), parts.data(), given.data(), n) == finite);
    for (std::size_t i = 0; finite && i < n; ++i) {
        tally.add(same(given[i], expected[i]));
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
            check_ratio_weights(kernels, numbers, n, tallies["ratio_weights"]);
            check_weigh_rows(kernels, numbers, n, tallies["weigh_rows"]);
            check_means_without(kernels, numbers, n, tallies["means_without"]);
            check_averages(kernels, numbers, n, tallies["averages"]);
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

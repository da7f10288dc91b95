// Single decimal operations by name, on texts: what recorded operations are replayed through.
#include "decimal_operation.hpp"

#include "bounded.hpp"
#include "curves.hpp"
#include "decimal_text.hpp"
#include "integer_conversion.hpp"
#include "statistics.hpp"

#include <functional>
#include <map>

namespace allora {

namespace {

using Numbers = std::vector<BigDecimal>;

struct Case {
    DecimalFunctions functions;
    std::vector<std::string> arguments;

    const std::string& text(std::size_t i) const { return arguments.at(i); }
    BigDecimal number(std::size_t i) const { return parse_stored(text(i)); }
    std::int64_t integer(std::size_t i) const { return std::stoll(text(i)); }
    std::vector<std::string> texts(std::size_t i) const;
    Numbers list(std::size_t i) const;
};

using Operation = std::function<std::string(const Case&)>;
using Operations = std::map<std::string, Operation>;
using Span = std::span<const BigDecimal>;

std::vector<std::string> split_text(const std::string& line, char separator) {
    std::vector<std::string> fields;
    std::size_t start = 0;
    for (std::size_t end = line.find(separator); end != std::string::npos;
         start = end + 1, end = line.find(separator, start)) {
        fields.push_back(line.substr(start, end - start));
    }
    fields.push_back(line.substr(start));
    return fields;
}

std::vector<std::string> Case::texts(std::size_t i) const {
    const std::string inside = text(i).substr(1, text(i).size() - 2);
    return inside.empty() ? std::vector<std::string>{} : split_text(inside, ';');
}

Numbers Case::list(std::size_t i) const {
    Numbers numbers;
    for (const std::string& element : texts(i)) {
        numbers.push_back(parse_stored(element));
    }
    return numbers;
}

std::string error(Cause cause) {
    return std::string("error\t").append(cause_name(cause));
}

std::string answer(const std::string& text) {
    return std::string("result\t").append(text);
}

std::string answer(const BigDecimal& x) {
    const bool fault = !x.is_finite() && !x.is_infinite();
    return fault ? error(x.fault()) : answer(to_stored(x));
}

std::string answer(const std::vector<std::string>& texts) {
    std::string joined = "[";
    for (const std::string& text : texts) {
        joined.append(joined.size() > 1 ? ";" : "").append(text);
    }
    return answer(joined.append("]"));
}

std::string answer(const Numbers& numbers) {
    std::vector<std::string> texts;
    for (const BigDecimal& number : numbers) {
        texts.push_back(to_stored(number));
    }
    return answer(texts);
}

template <class Integer>
std::string answer(const IntegerResult<Integer>& result) {
    return result.cause != Cause::none ? error(result.cause) : answer(std::to_string(result.value));
}

std::string answer(Cause cause, const Numbers& numbers) {
    return cause != Cause::none ? error(cause) : answer(numbers);
}

using Unary = BigDecimal (*)(const BigDecimal&);
using Binary = BigDecimal (*)(const BigDecimal&, const BigDecimal&);
using UnaryFunction = BigDecimal (*)(DecimalFunctions, const BigDecimal&);

void put_basic(Operations& operations) {
    const std::map<std::string, Unary> unary = {{"neg", neg},
                                                {"abs", abs},
                                                {"ceil", ceil},
                                                {"floor", floor},
                                                {"sqrt", sqrt},
                                                {"exp10", exp10},
                                                {"blocksperweek", blocks_per_week<BigDecimal>}};
    const std::map<std::string, Binary> binary = {{"add", add},
                                                  {"sub", sub},
                                                  {"mul", mul},
                                                  {"mulexact", mul_exact},
                                                  {"quo", quo},
                                                  {"quoexact", quo_exact},
                                                  {"quointeger", quo_integer},
                                                  {"rem", rem},
                                                  {"max", max},
                                                  {"min", min}};
    const std::map<std::string, UnaryFunction> functions = {
        {"exp", exp}, {"ln", ln}, {"log10", log10}};
    for (const auto& [name, operation] : unary) {
        operations[name] = [operation](const Case& c) { return answer(operation(c.number(0))); };
    }
    for (const auto& [name, operation] : binary) {
        operations[name] = [operation](const Case& c) {
            return answer(operation(c.number(0), c.number(1)));
        };
    }
    for (const auto& [name, operation] : functions) {
        operations[name] = [operation](const Case& c) {
            return answer(operation(c.functions, c.number(0)));
        };
    }
    operations["pow"] = [](const Case& c) {
        return answer(pow(c.functions, c.number(0), c.number(1)));
    };
}

void put_texts(Operations& operations) {
    operations["parse"] = [](const Case& c) { return answer(parse(c.text(0))); };
    operations["string"] = [](const Case& c) { return answer(to_plain(c.number(0))); };
    operations["cmp"] = [](const Case& c) {
        return answer(std::to_string(compare(c.number(0), c.number(1))));
    };
    operations["numdecimalplaces"] = [](const Case& c) {
        return answer(std::to_string(num_decimal_places(c.number(0))));
    };
    operations["truncate"] = [](const Case& c) {
        return answer(truncate_places(c.number(0), c.integer(1)));
    };
    operations["reduce"] = [](const Case& c) {
        const Reduced reduced = reduce(c.number(0));
        return answer(std::vector<std::string>{to_stored(reduced.value),
                                               std::to_string(reduced.zeros_removed)});
    };
    operations["int64"] = [](const Case& c) { return answer(to_int64(c.number(0))); };
    operations["uint64"] = [](const Case& c) { return answer(to_uint64(c.number(0))); };
    operations["sdkinttrim"] = [](const Case& c) {
        const auto amount = to_coin_amount(c.number(0));
        return amount.cause != Cause::none ? error(amount.cause)
                                           : answer(BigDecimal::from_parts(
                                                 amount.value.negative, amount.value.magnitude, 0));
    };
    operations["boundedcheck"] = [](const Case& c) {
        const Cause cause = check_bounded(c.number(0));
        return cause != Cause::none ? error(cause) : answer(std::string("ok"));
    };
    operations["boundedcap"] = [](const Case& c) {
        BigDecimal result;
        const Cause cause = capped(c.number(0), result);
        return cause != Cause::none ? error(cause) : answer(result);
    };
    operations["clampmagnitude"] = [](const Case& c) {
        return answer(clamp_magnitude(c.number(0), c.number(1), c.number(2)));
    };
}

void put_helpers(Operations& operations) {
    operations["calcema"] = [](const Case& c) {
        return answer(ema(c.number(0), c.number(1), c.number(2), c.text(3) == "true"));
    };
    operations["ncalcema"] = [](const Case& c) {
        return answer(ncalc_ema(c.functions, c.number(0), c.number(1), c.number(2), c.number(3)));
    };
    operations["smoothedalpha"] = [](const Case& c) {
        BigDecimal result;
        const Cause cause =
            smoothed_alpha(c.functions, c.number(0), c.number(1), c.number(2), result);
        return cause != Cause::none ? error(cause) : answer(result);
    };
    operations["gradient"] = [](const Case& c) {
        return answer(gradient(c.functions, c.number(0), c.number(1), c.number(2)));
    };
    operations["phi"] = [](const Case& c) {
        return answer(phi(c.functions, c.number(0), c.number(1), c.number(2)));
    };
    operations["ratio_each_step"] = [](const Case& c) {
        return answer(exp_ratio_each_step(c.functions, c.number(0), c.number(1)));
    };
    operations["ratio_once"] = [](const Case& c) {
        return answer(exp_ratio_once(c.functions, c.number(0), c.number(1)));
    };
    operations["exptable"] = [](const Case&) {
        Numbers entries;
        for (const DecimalParts& parts : exp_table_parts) {
            entries.push_back(WorkNumber<BigDecimal>::from_parts(parts));
        }
        return answer(entries);
    };
}

void put_lists(Operations& operations) {
    operations["sum"] = [](const Case& c) { return answer(sum(Span(c.list(0)))); };
    operations["cumsum"] = [](const Case& c) {
        const Numbers values = c.list(0);
        Numbers result(values.size());
        return answer(cumulative_sum(Span(values), std::span(result)), result);
    };
    operations["stddev"] = [](const Case& c) {
        return answer(standard_deviation(Span(c.list(0))));
    };
    operations["median"] = [](const Case& c) {
        const Numbers values = c.list(0);
        Numbers scratch(values.size());
        return answer(median(Span(values), std::span(scratch)));
    };
    operations["mad"] = [](const Case& c) {
        const Numbers values = c.list(0);
        Numbers scratch(values.size());
        const auto result = median_absolute_deviation(Span(values), std::span(scratch));
        return answer(result.median.fault(), {result.deviation, result.median});
    };
    operations["quantile"] = [](const Case& c) {
        const Numbers values = c.list(0);
        Numbers scratch(values.size());
        return answer(quantile(Span(values), c.number(1), std::span(scratch)));
    };
    operations["lininterp"] = [](const Case& c) {
        const Numbers x = c.list(0);
        Numbers result(x.size());
        const Numbers xp = c.list(1);
        const Numbers fp = c.list(2);
        return answer(linear_interpolation(Span(x), Span(xp), Span(fp), std::span(result)), result);
    };
    operations["wpercentile"] = [](const Case& c) {
        const Numbers values = c.list(0);
        const Numbers weights = c.list(1);
        const Numbers percentiles = c.list(2);
        Numbers scratch(3 * values.size());
        Numbers result(percentiles.size());
        return answer(weighted_percentile(Span(values), Span(weights), Span(percentiles),
                                          std::span(scratch), std::span(result)),
                      result);
    };
    operations["sorteddesc"] = [](const Case& c) {
        const std::vector<std::string> keys = c.texts(0);
        const Numbers weights = c.list(1);
        std::vector<std::size_t> order(keys.size());
        order_by_weight_descending(Span(weights), std::span(order));
        std::vector<std::string> sorted;
        sorted.reserve(order.size());
        for (const std::size_t i : order) {
            sorted.push_back(keys[i]);
        }
        return answer(sorted);
    };
}

Context context_of(const Case& c) {
    const std::map<std::string, Rounding> roundings = {{"down", Rounding::down},
                                                       {"half_even", Rounding::half_even},
                                                       {"half_up", Rounding::half_up}};
    return {static_cast<std::size_t>(c.integer(0)), roundings.at(c.text(1))};
}

// What the recorded cases cannot show: any context, and the integers below the decimals.
void put_contexts(Operations& operations) {
    operations["round_at"] = [](const Case& c) {
        return answer(round(context_of(c), c.number(2)));
    };
    operations["add_at"] = [](const Case& c) {
        return answer(add(context_of(c), c.number(2), c.number(3)));
    };
    operations["sub_at"] = [](const Case& c) {
        return answer(sub(context_of(c), c.number(2), c.number(3)));
    };
    operations["mul_at"] = [](const Case& c) {
        return answer(mul(context_of(c), c.number(2), c.number(3)));
    };
    operations["quo_at"] = [](const Case& c) {
        return answer(quo(context_of(c), c.number(2), c.number(3)));
    };
    operations["natural"] = [](const Case& c) {
        const Natural x = Natural::from_decimal_text(c.text(0));
        const Natural y = Natural::from_decimal_text(c.text(1));
        const NaturalQuotient division = divmod(x, y);
        return answer(std::vector<std::string>{
            add(x, y).to_decimal_text(), mul(x, y).to_decimal_text(),
            division.quotient.to_decimal_text(), division.remainder.to_decimal_text(),
            std::to_string(x.digit_count()), std::to_string(x.bit_length())});
    };
    operations["shifts"] = [](const Case& c) {
        const Natural x = Natural::from_decimal_text(c.text(0));
        const auto n = static_cast<std::size_t>(c.integer(1));
        const NaturalQuotient cut = div_pow10(x, n);
        return answer(std::vector<std::string>{
            shift_left(x, n).to_decimal_text(), shift_right(x, n).to_decimal_text(),
            mul_pow10(x, n).to_decimal_text(), cut.quotient.to_decimal_text(),
            cut.remainder.to_decimal_text()});
    };
}

} // namespace

std::string run_operation(DecimalFunctions functions, const std::string& name,
                          const std::vector<std::string>& arguments) {
    static const Operations operations = [] {
        Operations all;
        put_basic(all);
        put_texts(all);
        put_helpers(all);
        put_lists(all);
        put_contexts(all);
        return all;
    }();
    const auto found = operations.find(name);
    return found == operations.end() ? "unknown" : found->second({functions, arguments});
}

} // namespace allora

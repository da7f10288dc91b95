#include "payload_rows.hpp"

#include "../number/decimal_text.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_map>

namespace allora::wire {

namespace {

constexpr std::int32_t no_code = -1;

std::string_view format_of(double) {
    return "g";
}
std::string_view format_of(const Decimal&) {
    return "u";
}

// A column of a dictionary, and what its entries mean.
struct Coded {
    ArrowColumn column;
    Codes codes;

    std::int32_t index(std::int64_t row) const { return column.value<std::int32_t>(row, no_code); }

    std::int32_t code(std::int32_t index) const {
        if (index == no_code) {
            return no_code;
        }
        if (index < 0 || static_cast<std::size_t>(index) >= codes.size()) {
            throw std::invalid_argument("a column names an entry that its dictionary lacks");
        }
        return codes[static_cast<std::size_t>(index)];
    }

    std::int32_t at(std::int64_t row) const { return code(index(row)); }
};

// Whose payload a row is of; the actor by its place in the batch's dictionary.
struct Sender {
    std::int64_t topic;
    std::int64_t nonce;
    std::int64_t height;
    std::int64_t transaction;
    std::int64_t message;
    std::int32_t actor;

    friend bool operator==(const Sender&, const Sender&) = default;
};

auto place_of(const PayloadRun& run) {
    return std::tie(run.topic, run.height, run.transaction, run.message, run.actor, run.nonce);
}

// False: the row holds no number of the chain.
bool append(const ArrowColumn& column, std::int64_t row, std::vector<double>& values, LongValues&) {
    const double value = column.value<double>(row, Number<double>::missing());
    values.push_back(value == value ? value : Number<double>::missing());
    return true;
}

bool append(const ArrowColumn& column, std::int64_t row, std::vector<Decimal>& values,
            LongValues& long_values) {
    values.push_back(Decimal::missing());
    if (column.is_null(row)) {
        return true;
    }
    const std::string_view text = column.text(row);
    if (text == "NaN") {
        return true;
    }
    BigDecimal value = parse(text);
    if (!value.is_finite()) {
        return false;
    }
    values.back() = from_big(value);
    if (!values.back().is_finite()) {
        long_values.emplace_back(static_cast<std::int64_t>(values.size()) - 1, std::move(value));
    }
    return true;
}

} // namespace

template <class Stored>
std::vector<std::int64_t>
PayloadRows<Stored>::take(const ArrowSchema& schema, const ArrowArray& batch,
                          std::span<const Codes> tables, std::int64_t first, std::int64_t last) {
    constexpr auto place = [](PayloadColumn column) { return static_cast<std::int64_t>(column); };
    const std::int64_t names = place(PayloadColumn::names);
    const auto expected = names + static_cast<std::int64_t>(coded.size());
    if (schema.child_count != expected || batch.child_count != expected ||
        tables.size() != coded.size() + 2) {
        throw std::invalid_argument("a batch of payloads has other columns than were announced");
    }
    const auto whole = [&](PayloadColumn column) {
        return ArrowColumn(schema, batch, place(column), "l");
    };
    const auto dictionary = [&](std::int64_t column) {
        const auto table = static_cast<std::size_t>(column - place(PayloadColumn::actor));
        return Coded{ArrowColumn(schema, batch, column, "i", true), tables[table]};
    };
    const ArrowColumn topic = whole(PayloadColumn::topic);
    const ArrowColumn nonce = whole(PayloadColumn::nonce);
    const ArrowColumn height = whole(PayloadColumn::height);
    const ArrowColumn transaction = whole(PayloadColumn::transaction);
    const ArrowColumn message = whole(PayloadColumn::message);
    const ArrowColumn value(schema, batch, place(PayloadColumn::value), format_of(Stored{}));
    const Coded actor = dictionary(place(PayloadColumn::actor));
    const Coded source = dictionary(place(PayloadColumn::source));
    std::vector<Coded> named;
    for (std::int64_t column = names; column < expected; ++column) {
        named.push_back(dictionary(column));
    }
    const auto is_wanted = [&](std::int64_t row) {
        const auto at = height.value<std::int64_t>(row, 0);
        return first <= at && at <= last;
    };
    std::vector<std::int32_t> sources; // as they first come
    for (std::int64_t row = 0; row < batch.length; ++row) {
        const std::int32_t index = source.index(row);
        if ((sources.empty() || index != sources.back()) && is_wanted(row) &&
            std::find(sources.begin(), sources.end(), index) == sources.end()) {
            sources.push_back(index);
        }
    }
    std::vector<std::int64_t> unreadable;
    for (const std::int32_t from : sources) {
        const bool event = source.code(from) == 1;
        const std::size_t done = runs.size(); // a run never goes on from one source to the next
        Sender before{};
        for (std::int64_t row = 0; row < batch.length; ++row) {
            if (source.index(row) != from || !is_wanted(row)) {
                continue;
            }
            const Sender own{
                topic.value<std::int64_t>(row, 0),   nonce.value<std::int64_t>(row, 0),
                height.value<std::int64_t>(row, 0),  transaction.value<std::int64_t>(row, 0),
                message.value<std::int64_t>(row, 0), actor.index(row)};
            const auto at = static_cast<std::int64_t>(values.size());
            if (runs.size() == done || own != before) {
                runs.push_back({own.topic, own.nonce, own.height, own.transaction, own.message, at,
                                at, actor.code(own.actor), event});
                before = own;
            }
            runs.back().end = at + 1;
            for (std::size_t name = 0; name < named.size(); ++name) {
                coded[name].push_back(named[name].at(row));
            }
            if (!append(value, row, values, long_values)) {
                unreadable.push_back(row);
            }
        }
    }
    return unreadable;
}

template <class Stored>
void PayloadRows<Stored>::settle(std::span<const std::int64_t> ranks) {
    const auto rank = [&](const PayloadRun& run) {
        return run.actor < 0 ? -1 : ranks[static_cast<std::size_t>(run.actor)];
    };
    for (const PayloadRun& run : runs) {
        if (run.actor >= 0 && static_cast<std::size_t>(run.actor) >= ranks.size()) {
            throw std::invalid_argument("a payload's actor has no place in address order");
        }
    }
    std::sort(runs.begin(), runs.end(), [&](const PayloadRun& one, const PayloadRun& other) {
        const auto order = [&](const PayloadRun& run) {
            return std::make_tuple(run.topic, run.height, run.transaction, run.message, rank(run),
                                   run.nonce, run.begin);
        };
        return order(one) < order(other);
    });
    std::vector<PayloadRun> kept;
    kept.reserve(runs.size());
    for (auto first = runs.begin(); first != runs.end();) {
        const auto last = std::find_if(first, runs.end(), [&](const PayloadRun& run) {
            return place_of(run) != place_of(*first);
        });
        const bool sent = std::any_of(first, last, [](const auto& run) { return !run.event; });
        std::copy_if(first, last, std::back_inserter(kept),
                     [&](const PayloadRun& run) { return !sent || !run.event; });
        first = last;
    }
    runs = std::move(kept);
    const auto parted = [](const PayloadRun& one, const PayloadRun& next) {
        return place_of(one) == place_of(next) && one.end != next.begin;
    };
    if (std::adjacent_find(runs.begin(), runs.end(), parted) != runs.end()) {
        gather();
    }
    std::size_t count = 0;
    for (const PayloadRun& run : runs) {
        if (count > 0 && place_of(runs[count - 1]) == place_of(run)) {
            runs[count - 1].end = run.end; // only cut where one batch ended and the next began
        } else {
            runs[count++] = run;
        }
    }
    runs.resize(count);
}

// Puts the rows in the order of the runs; those of no run are left behind.
template <class Stored>
void PayloadRows<Stored>::gather() {
    std::vector<std::int64_t> rows;
    for (PayloadRun& run : runs) {
        const auto begin = static_cast<std::int64_t>(rows.size());
        for (std::int64_t row = run.begin; row < run.end; ++row) {
            rows.push_back(row);
        }
        run.begin = begin;
        run.end = static_cast<std::int64_t>(rows.size());
    }
    const auto taken = [&](auto& column) {
        std::remove_reference_t<decltype(column)> found;
        found.reserve(rows.size());
        for (const std::int64_t row : rows) {
            found.push_back(column[static_cast<std::size_t>(row)]);
        }
        column = std::move(found);
    };
    taken(values);
    std::for_each(coded.begin(), coded.end(), taken);
    std::unordered_map<std::int64_t, BigDecimal> by_row(
        std::make_move_iterator(long_values.begin()), std::make_move_iterator(long_values.end()));
    long_values.clear();
    for (std::size_t at = 0; at < rows.size(); ++at) {
        if (const auto found = by_row.find(rows[at]); found != by_row.end()) {
            long_values.emplace_back(static_cast<std::int64_t>(at), found->second);
        }
    }
}

template class PayloadRows<double>;
template class PayloadRows<Decimal>;

} // namespace allora::wire

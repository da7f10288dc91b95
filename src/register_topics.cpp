// The door to active sets, the topics of a block and the emission.
#include "registers.hpp"

#include "../cpp/engine/active_set.hpp"
#include "../cpp/engine/topic_block.hpp"
#include "../cpp/formula/emission.hpp"
#include "../cpp/number/decimal_text.hpp"
#include "../cpp/protocol/rules.hpp"
#include "arrays.hpp"
#include "epoch_columns.hpp"

#include <initializer_list>
#include <map>
#include <pybind11/stl.h>
#include <string>
#include <vector>

namespace allora::door {

namespace {

using Texts = std::map<std::string, std::string>;

void require(bool holds, const char* problem) {
    if (!holds) {
        throw py::value_error(problem);
    }
}

// (field, cause, index of the actor or topic) or None.
py::object status_value(const Status& status) {
    if (status.ok()) {
        return py::none();
    }
    return py::make_tuple(status.field, cause_name(status.cause), status.actor);
}

template <class Column>
struct ColumnField {
    const char* name;
    Column& column;
};

// Columns by name, kept alive while the engine reads them.
template <class Stored>
class HeldColumns {
public:
    explicit HeldColumns(const py::dict& columns) : columns_(columns) {}

    template <class Value>
    const Value* take(const char* name, py::ssize_t size) {
        auto array = contiguous<Value>(columns_, name);
        require(array.size() == size, "columns of one group must be of equal length");
        kept_.push_back(array);
        return array.data();
    }

    void integers(py::ssize_t size,
                  std::initializer_list<ColumnField<const std::int64_t*>> columns) {
        for (const auto& [name, column] : columns) {
            column = take<std::int64_t>(name, size);
        }
    }

    void numbers(py::ssize_t size, std::initializer_list<ColumnField<Column<Stored>>> columns) {
        for (const auto& [name, column] : columns) {
            Held<Stored> held;
            hold(columns_, name, held);
            require(held.column.size == size, "columns of one group must be of equal length");
            column = held.column;
            numbers_.push_back(std::move(held));
        }
    }

    // Offsets rise from 0 to the number of entries, with one entry more than there are parts.
    const std::int64_t* offsets(const char* name, py::ssize_t parts, py::ssize_t entries) {
        const std::int64_t* at = take<std::int64_t>(name, parts + 1);
        bool good = at[0] == 0 && at[parts] == entries;
        for (py::ssize_t i = 0; good && i < parts; ++i) {
            good = at[i] <= at[i + 1];
        }
        require(good, "offsets must rise from 0 to the number of entries they divide");
        return at;
    }

    py::ssize_t size(const char* name) const {
        return contiguous<std::int64_t>(columns_, name).size();
    }

private:
    const py::dict& columns_;
    std::vector<py::array> kept_;
    std::vector<Held<Stored>> numbers_;
};

void check_indices(const std::int32_t* index, std::int64_t count, std::int64_t least,
                   std::int64_t size) {
    bool good = true;
    for (std::int64_t i = 0; i < count; ++i) {
        good = good && index[i] >= least && index[i] < size;
    }
    require(good, "an index names nobody");
}

// Active sets.

template <class Stored>
void take_windows(HeldColumns<Stored>& held, ActiveSetColumns<Stored>& to) {
    const py::ssize_t windows = held.size("nonce");
    const py::ssize_t actors = held.size("height");
    const py::ssize_t submissions = held.size("submission_actor");
    to.windows = windows;
    to.role = held.template take<std::uint8_t>("role", windows);
    to.lowest_actor = held.template take<std::int32_t>("lowest_actor", windows);
    held.integers(windows, {{"nonce", to.nonce},
                            {"seats", to.seats},
                            {"epoch_last_ended", to.epoch_last_ended},
                            {"epoch_length", to.epoch_length},
                            {"ground_truth_lag", to.ground_truth_lag},
                            {"lowest_height", to.lowest_height}});
    held.numbers(windows, {{"merit_sortition_alpha", to.merit_sortition_alpha},
                           {"quantile", to.quantile},
                           {"initial_score", to.initial_score},
                           {"lowest_score", to.lowest_score}});
    to.actor_offsets = held.offsets("actor_offsets", windows, actors);
    held.numbers(actors, {{"score", to.score}});
    held.integers(actors, {{"height", to.height}});
    to.active = held.template take<std::uint8_t>("active", actors);
    to.submission_offsets = held.offsets("submission_offsets", windows, submissions);
    to.submission_actor = held.template take<std::int32_t>("submission_actor", submissions);
    for (py::ssize_t w = 0; w < windows; ++w) {
        const std::int64_t size = to.actor_offsets[w + 1] - to.actor_offsets[w];
        require(to.role[w] <= static_cast<std::uint8_t>(Role::reputer),
                "an active set has no such role");
        check_indices(to.lowest_actor + w, 1, -1, size);
        check_indices(to.submission_actor + to.submission_offsets[w],
                      to.submission_offsets[w + 1] - to.submission_offsets[w], 0, size);
    }
    for (py::ssize_t a = 0; a < actors; ++a) {
        require(to.active[a] <= 1, "active must be 0 or 1");
    }
}

template <class Stored>
py::tuple submit_columns(const Rules& rules, Host& host, const py::dict& from) {
    HeldColumns<Stored> held(from);
    ActiveSetColumns<Stored> columns;
    take_windows(held, columns);
    const py::ssize_t windows = columns.windows;
    const py::ssize_t actors = columns.actor_offsets[windows];
    const py::ssize_t submissions = columns.submission_offsets[windows];
    py::array_t<std::uint8_t> outcome(submissions);
    py::array_t<std::uint8_t> active(actors);
    py::array_t<std::int32_t> displaced(submissions);
    py::array_t<std::int32_t> lowest_actor(windows);
    py::array_t<std::int64_t> height(actors);
    py::array_t<std::int64_t> lowest_height(windows);
    py::array score = empty(actors, Stored{});
    py::array lowest_score = empty(windows, Stored{});
    ActiveSetResults<Stored> results;
    results.outcome = outcome.mutable_data();
    results.displaced = displaced.mutable_data();
    results.score = static_cast<Stored*>(score.mutable_data());
    results.height = height.mutable_data();
    results.active = active.mutable_data();
    results.lowest_actor = lowest_actor.mutable_data();
    results.lowest_height = lowest_height.mutable_data();
    results.lowest_score = static_cast<Stored*>(lowest_score.mutable_data());
    {
        const py::gil_scoped_release release;
        submit_batch(rules, host, columns, results);
    }
    py::dict result;
    result["outcome"] = outcome;
    result["displaced"] = displaced;
    result["score"] = with_pool(score, results.score, results.score_overflow);
    result["height"] = height;
    result["active"] = active;
    result["lowest_actor"] = lowest_actor;
    result["lowest_height"] = lowest_height;
    result["lowest_score"] = with_pool(lowest_score, results.lowest_score, results.lowest_overflow);
    py::list status;
    for (const Status& submission : results.status) {
        status.append(status_value(submission));
    }
    return py::make_tuple(result, status);
}

// Topics of a block.

template <class Stored>
void take_topics(HeldColumns<Stored>& held, TopicColumns<Stored>& to) {
    const py::ssize_t topics = held.size("epoch_length");
    const py::ssize_t listings = held.size("listing_block");
    const py::ssize_t entries = held.size("listing_topic");
    to.topics = topics;
    to.topic_id = held.template take<std::uint64_t>("topic_id", topics);
    held.integers(topics, {{"epoch_length", to.epoch_length},
                           {"epoch_last_ended", to.epoch_last_ended},
                           {"last_drip_block", to.last_drip_block},
                           {"epoch_end", to.epoch_end},
                           {"reward_nonce", to.reward_nonce}});
    to.active = held.template take<std::uint8_t>("active", topics);
    held.numbers(topics, {{"stake", to.stake},
                          {"fee_revenue", to.fee_revenue},
                          {"previous_weight", to.previous_weight}});
    to.listings = listings;
    held.integers(listings, {{"listing_block", to.listing_block}});
    to.listing_offsets = held.offsets("listing_offsets", listings, entries);
    to.listing_topic = held.template take<std::int32_t>("listing_topic", entries);
    to.lowest_topic = held.template take<std::int32_t>("lowest_topic", listings);
    held.numbers(listings, {{"lowest_weight", to.lowest_weight}});
    held.numbers(static_cast<py::ssize_t>(BlockNumber::count), {{"block", to.numbers}});
    check_indices(to.listing_topic, entries, 0, topics);
    check_indices(to.lowest_topic, listings, -1, topics);
    for (py::ssize_t t = 1; t < topics; ++t) {
        require(to.topic_id[t - 1] < to.topic_id[t], "topics must stand by ascending identifier");
    }
    const auto* heights = held.template take<std::int64_t>("heights", 3);
    to.height = heights[0];
    to.max_active_topics_per_block = heights[1];
    to.blocks_per_month = heights[2];
    require(to.height >= 0, "the block's height must not be negative");
}

template <class Value>
py::array_t<Value> array_of(const std::vector<Value>& values) {
    return py::array_t<Value>(static_cast<py::ssize_t>(values.size()), values.data());
}

template <class Stored>
py::object written(const Written<Stored>& column) {
    py::array array = empty(static_cast<py::ssize_t>(column.values.size()), Stored{});
    auto* data = static_cast<Stored*>(array.mutable_data());
    std::copy(column.values.begin(), column.values.end(), data);
    return with_pool(array, data, std::vector<Overflow>{column.overflow});
}

template <class Stored>
py::tuple topic_columns(const Rules& rules, Host& host, TopicVerb verb, const py::dict& from,
                        const std::vector<std::int32_t>& chosen) {
    HeldColumns<Stored> held(from);
    TopicColumns<Stored> columns;
    take_topics(held, columns);
    check_indices(chosen.data(), static_cast<std::int64_t>(chosen.size()), 0, columns.topics);
    columns.chosen = chosen;
    TopicBlockResults<Stored> results;
    {
        const py::gil_scoped_release release;
        run_topic_block(rules, host, verb, columns, results);
    }
    py::dict result;
    result["epoch_last_ended"] = array_of(results.epoch_last_ended);
    result["last_drip_block"] = array_of(results.last_drip_block);
    result["epoch_end"] = array_of(results.epoch_end);
    result["reward_nonce"] = array_of(results.reward_nonce);
    result["active"] = array_of(results.active);
    result["fee_revenue"] = written(results.fee_revenue);
    result["previous_weight"] = written(results.previous_weight);
    result["total_weight"] = written(results.total_weight);
    result["listing_block"] = array_of(results.listing_block);
    result["listing_offsets"] = array_of(results.listing_offsets);
    result["listing_topic"] = array_of(results.listing_topic);
    result["lowest_topic"] = array_of(results.lowest_topic);
    result["lowest_weight"] = written(results.lowest_weight);
    result["listed"] = array_of(results.listed);
    result["inactivated"] = array_of(results.inactivated);
    result["selected"] = array_of(results.selected);
    result["waiting"] = array_of(results.waiting);
    result["weight"] = written(results.weight);
    result["reward"] = written(results.reward);
    result["refund"] = written(results.refund);
    return py::make_tuple(result, status_value(results.status));
}

TopicVerb verb_of(const std::string& name) {
    if (name == "activate") {
        return TopicVerb::activate;
    }
    require(name == "end_block" || name == "inactivate", "unknown verb");
    return name == "inactivate" ? TopicVerb::inactivate : TopicVerb::end_block;
}

// The emission.

struct AmountField {
    const char* name;
    Integer& value;
};

struct DecimalField {
    const char* name;
    BigDecimal& value;
};

const std::string& text_of(const Texts& texts, const char* name) {
    const auto found = texts.find(name);
    if (found == texts.end()) {
        throw py::value_error(std::string("the text '") + name + "' is missing");
    }
    return found->second;
}

void read(const Texts& texts, const std::vector<AmountField>& amounts,
          const std::vector<DecimalField>& decimals) {
    for (const AmountField& field : amounts) {
        field.value = Integer::from_text(text_of(texts, field.name));
        require(field.value.cause != Cause::parse, "an amount is no whole number");
    }
    for (const DecimalField& field : decimals) {
        field.value = parse(text_of(texts, field.name));
    }
}

MintParams mint_params(const Texts& texts, std::int64_t blocks_per_month) {
    MintParams params;
    params.blocks_per_month = blocks_per_month;
    read(texts, {{"max_supply", params.max_supply}},
         {{"f_emission", params.f_emission},
          {"one_month_smoothing_degree", params.one_month_smoothing_degree},
          {"maximum_monthly_percentage_yield", params.maximum_monthly_percentage_yield},
          {"ecosystem_treasury_percent_of_total_supply",
           params.ecosystem_treasury_percent_of_total_supply},
          {"foundation_treasury_percent_of_total_supply",
           params.foundation_treasury_percent_of_total_supply},
          {"investors_percent_of_total_supply", params.investors_percent_of_total_supply},
          {"investors_preseed_percent_of_total_supply",
           params.investors_preseed_percent_of_total_supply},
          {"team_percent_of_total_supply", params.team_percent_of_total_supply},
          {"foundation_locked_share", params.foundation_locked_share},
          {"validators_vs_allora_percent_reward", params.validators_vs_allora_percent_reward}});
    return params;
}

py::object emission_block(const Rules& rules, const Texts& texts, std::int64_t height,
                          std::int64_t emission_start, std::int64_t months_unlocked,
                          bool emission_enabled, std::int64_t blocks_per_month) {
    const MintParams params = mint_params(texts, blocks_per_month);
    EmissionState state;
    EmissionBlock block{height, emission_start, months_unlocked, emission_enabled, {}, {}};
    read(texts,
         {{"block_emission", state.block_emission},
          {"ecosystem_minted", state.ecosystem_minted},
          {"month_reputers", state.month_reputers},
          {"month_everyone", state.month_everyone},
          {"ecosystem_balance", block.ecosystem_balance},
          {"staked", block.staked}},
         {{"emission_per_unit_staked_token", state.emission_per_unit_staked_token},
          {"reputers_percentage", state.reputers_percentage}});
    MintedBlock minted;
    if (const Status status = begin_block(rules, block, params, state, minted); !status.ok()) {
        return py::make_tuple(status.field, cause_name(status.cause));
    }
    const EmissionState& after = minted.state;
    return py::cast(Texts{
        {"minted", minted.minted.to_text()},
        {"emission", minted.emission.to_text()},
        {"validators", minted.validators.to_text()},
        {"rewards", minted.rewards.to_text()},
        {"emission_per_unit_staked_token", to_stored(after.emission_per_unit_staked_token)},
        {"block_emission", after.block_emission.to_text()},
        {"ecosystem_minted", after.ecosystem_minted.to_text()},
        {"reputers_percentage", to_stored(after.reputers_percentage)},
        {"month_reputers", after.month_reputers.to_text()},
        {"month_everyone", after.month_everyone.to_text()},
    });
}

std::string fixed18_operation(const std::string& name, const std::string& x, const std::string& y) {
    const Fixed18 first = Fixed18::from_decimal(parse(x), false);
    const Fixed18 second = Fixed18::from_decimal(parse(y), false);
    Fixed18 result;
    if (name == "add") {
        result = first + second;
    } else if (name == "sub") {
        result = first - second;
    } else if (name == "mul") {
        result = first * second;
    } else if (name == "quo") {
        result = first / second;
    } else {
        require(name == "truncate", "unknown operation");
        result = Fixed18::from_integer(first.truncated());
    }
    return result.cause == Cause::none ? to_stored(result.to_decimal()) : cause_name(result.cause);
}

} // namespace

void register_topics(py::module_& module) {
    module.def(
        "submit",
        [](const std::string& number, const py::dict& rules, Host& host, const py::dict& columns) {
            return number == "float64" ? submit_columns<double>(rules_from(rules), host, columns)
                                       : submit_columns<Decimal>(rules_from(rules), host, columns);
        },
        py::arg("number"), py::arg("rules"), py::arg("host"), py::arg("columns"),
        "Submissions to many active sets: (columns, status per submission).");
    module.def(
        "topic_block",
        [](const std::string& number, const py::dict& rules, Host& host, const std::string& verb,
           const py::dict& columns, const std::vector<std::int32_t>& chosen) {
            const Rules chosen_rules = rules_from(rules);
            const TopicVerb chosen_verb = verb_of(verb);
            return number == "float64"
                       ? topic_columns<double>(chosen_rules, host, chosen_verb, columns, chosen)
                       : topic_columns<Decimal>(chosen_rules, host, chosen_verb, columns, chosen);
        },
        py::arg("number"), py::arg("rules"), py::arg("host"), py::arg("verb"), py::arg("columns"),
        py::arg("chosen"),
        "end_block, activate or inactivate over a table of topics: (columns, status).");
    module.def(
        "emission_block",
        [](const py::dict& rules, const Texts& texts, std::int64_t height,
           std::int64_t emission_start, std::int64_t months_unlocked, bool emission_enabled,
           std::int64_t blocks_per_month) {
            return emission_block(rules_from(rules), texts, height, emission_start, months_unlocked,
                                  emission_enabled, blocks_per_month);
        },
        py::arg("rules"), py::arg("texts"), py::arg("height"), py::arg("emission_start"),
        py::arg("months_unlocked"), py::arg("emission_enabled"), py::arg("blocks_per_month"),
        "What a block mints, as texts by name, or (field, cause).");
    module.def("fixed18_operation", &fixed18_operation, py::arg("op"), py::arg("x"), py::arg("y"),
               "add, sub, mul, quo or truncate on texts of the mint's fixed-point numbers: the "
               "stored text, or the code of the fault.");
}

} // namespace allora::door

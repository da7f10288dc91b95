// States of a batch, entry by entry, and between their numbers.
#include "state_batch.hpp"

#include "../number/decimal_text.hpp"
#include "state_entries.hpp"

#include <array>
#include <charconv>

namespace allora {

namespace {

std::string text_of(double value) {
    std::array<char, 32> buffer;
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
    return {buffer.data(), end};
}

std::string text_of(const Decimal& value) {
    return to_stored(to_big(value));
}
std::string text_of(const BigDecimal& value) {
    return to_stored(value);
}

bool value_of(const std::string& text, double& value) {
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    return parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size() &&
           Number<double>::fault(value) == Cause::none;
}

bool value_of(const std::string& text, BigDecimal& value) {
    value = parse(text);
    return value.is_finite();
}

template <class Real>
std::string set_entry(StoredState<Real>& state, const StateEntry& entry) {
    const std::string where = "entry " + entry.family +
                              (entry.withheld.empty() ? "" : "[" + entry.withheld + "]") +
                              (entry.actor.empty() ? "" : "[" + entry.actor + "]");
    if (entry.family.ends_with("_inclusions") || entry.family.ends_with("_score_height")) {
        std::uint64_t count = 0;
        const char* end = entry.text.data() + entry.text.size();
        const auto parsed = std::from_chars(entry.text.data(), end, count);
        if (parsed.ec != std::errc{} || parsed.ptr != end) {
            return where + ": '" + entry.text + "' is not a count";
        }
        std::uint64_t* place = count_place(state, entry.family, entry.actor);
        if (place == nullptr) {
            return where + ": a state has no such entry";
        }
        *place = count;
        return {};
    }
    Real value;
    if (!value_of(entry.text, value)) {
        return where + ": '" + entry.text + "' is not a number";
    }
    Real* place = state_place(state, entry.family, entry.withheld, entry.actor);
    if (place == nullptr) {
        return where + ": a state has no such entry";
    }
    *place = std::move(value);
    return {};
}

template <class Real>
std::string fill(StoredState<Real>& state, const std::vector<StateEntry>& entries) {
    for (const StateEntry& entry : entries) {
        if (std::string problem = set_entry(state, entry); !problem.empty()) {
            return problem;
        }
    }
    return {};
}

} // namespace

States new_states(bool is_float64, const std::vector<std::uint64_t>& topics) {
    States states;
    states.reserve(topics.size());
    for (const std::uint64_t topic : topics) {
        auto shelf = std::make_shared<Shelf>();
        shelf->topic_id = topic;
        if (!is_float64) {
            shelf->state = StoredState<Decimal>{};
        }
        states.push_back(std::move(shelf));
    }
    return states;
}

std::vector<StateEntry> state_entries(const Shelf& shelf) {
    std::vector<StateEntry> entries;
    std::visit(
        [&](const auto& state) {
            visit_values(state, [&](const char* family, const std::string& withheld,
                                    const std::string& actor, const auto& value) {
                entries.push_back({family, withheld, actor, text_of(value)});
            });
            visit_counts(state,
                         [&](const char* family, const std::string& actor, std::uint64_t count) {
                             entries.push_back({family, "", actor, std::to_string(count)});
                         });
        },
        shelf.state);
    return entries;
}

std::string replace_state(std::shared_ptr<const Shelf>& shelf, bool is_float64,
                          const std::vector<StateEntry>& entries) {
    auto changed = std::make_shared<Shelf>();
    changed->topic_id = shelf->topic_id;
    std::string problem;
    if (is_float64) {
        StoredState<double> state;
        problem = fill(state, entries);
        changed->state = std::move(state);
    } else {
        StoredState<BigDecimal> state;
        problem = fill(state, entries);
        changed->state = narrowed(std::move(state));
    }
    if (problem.empty()) {
        shelf = std::move(changed);
    }
    return problem;
}

AnyState narrowed(StoredState<BigDecimal> state) {
    bool fits = true;
    visit_values(state,
                 [&](const char*, const std::string&, const std::string&, const BigDecimal& value) {
                     fits = fits && value.coefficient.bit_length() <= 256;
                 });
    if (!fits) {
        return state;
    }
    return convert_state<Decimal>(state, [](const BigDecimal& value) { return from_big(value); });
}

StoredState<BigDecimal> widened(const AnyState& state) {
    if (const auto* big = std::get_if<StoredState<BigDecimal>>(&state)) {
        return *big;
    }
    return convert_state<BigDecimal>(std::get<StoredState<Decimal>>(state),
                                     [](const Decimal& value) { return to_big(value); });
}

} // namespace allora

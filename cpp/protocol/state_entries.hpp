// A walk over every value of a state in canonical order, for reading, writing and saving alike.
#pragma once

#include "state_store.hpp"

#include <charconv>
#include <optional>
#include <string>

namespace allora {

// A block height of a score history, as text where other families have a withheld actor.
inline std::optional<std::int64_t> block_of(const std::string& text) {
    std::int64_t block = 0;
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, block);
    return parsed.ec == std::errc{} && parsed.ptr == end ? std::optional(block) : std::nullopt;
}

// The three roles of a state's scores, with the prefix of their families.
template <class Scores, class Visit>
void visit_roles(Scores& scores, const Visit& visit) {
    visit("inferer", scores.inferers);
    visit("forecaster", scores.forecasters);
    visit("reputer", scores.reputers);
}

// The place of a score family; null: no such family or place.
template <class Real>
Real* score_place(StoredScores<Real>& scores, std::string_view family, const std::string& withheld,
                  const std::string& actor) {
    if (family == "forecaster_score_ratio") {
        return &scores.forecaster_score_ratio;
    }
    const bool single = withheld.empty() && !actor.empty();
    if (family == "listening_coefficient" || family == "delegate_reward_per_share") {
        std::vector<Real>& list = family == "listening_coefficient"
                                      ? scores.listening_coefficient
                                      : scores.delegate_reward_per_share;
        return single ? &list[scores.add_reputer(intern_address(actor))] : nullptr;
    }
    Real* place = nullptr;
    visit_roles(scores, [&](const std::string& role, RoleScores<Real>& part) {
        if (family == role + "_score_quantile") {
            place = &part.score_quantile;
        } else if (family == "initial_" + role + "_score") {
            place = &part.initial_score;
        } else if (family == role + "_score_ema" && single) {
            place = &part.score_ema[part.add(intern_address(actor))];
        } else if (family == role + "_reward_fraction" && single) {
            place = &part.reward_fraction[part.add(intern_address(actor))];
        } else if (family == role + "_score_history" && role != "reputer" && !actor.empty()) {
            const auto block = block_of(withheld);
            place = block ? part.history.add(*block, intern_address(actor)) : nullptr;
        }
    });
    scores.align();
    return place;
}

// The place of a value of a family at (withheld, actor); the actors join the roster. Null: no such
// family or place.
template <class Real>
Real* state_place(StoredState<Real>& state, std::string_view family, const std::string& withheld,
                  const std::string& actor) {
    const auto inferer = [&](const std::string& text) {
        return state.add_inferer(intern_address(text));
    };
    const auto forecaster = [&](const std::string& text) {
        return state.add_forecaster(intern_address(text));
    };
    const auto pair = [](Grid<Real>& grid, std::size_t row, std::size_t column) {
        return &grid.at(row, column);
    };
    struct Scalar {
        std::string_view name;
        Real* value;
    };
    const Scalar scalars[] = {
        {"initial_regret", &state.initial_regret},
        {"regret_scale", &state.regret_scale},
        {"previous_combined_loss", &state.previous_combined_loss},
        {"inference_median", &state.inference_median},
        {"inference_median_absolute_deviation", &state.inference_median_absolute_deviation}};
    for (const Scalar& scalar : scalars) {
        if (scalar.name == family) {
            return scalar.value;
        }
    }
    if (!family.ends_with("_regret") && !family.ends_with("r_weight")) {
        return score_place(state.scores.edit(), family, withheld, actor);
    }
    if (actor.empty()) {
        return nullptr;
    }
    if (withheld.empty()) {
        if (family == "inferer_regret") {
            return &state.regrets.edit().inferer_regret[inferer(actor)];
        }
        if (family == "naive_inferer_regret") {
            return &state.regrets.edit().naive_inferer_regret[inferer(actor)];
        }
        if (family == "inferer_weight") {
            return &state.regrets.edit().inferer_weight[inferer(actor)];
        }
        if (family == "forecaster_regret") {
            return &state.regrets.edit().forecaster_regret[forecaster(actor)];
        }
        return family == "forecaster_weight"
                   ? &state.regrets.edit().forecaster_weight[forecaster(actor)]
                   : nullptr;
    }
    if (family == "one_in_forecaster_regret") {
        const std::size_t row = forecaster(withheld);
        if (actor != withheld) {
            inferer(actor);
        }
        return state.one_in_entry(row, intern_address(actor));
    }
    const bool by_inferer = family.starts_with("one_out_inferer_");
    const bool of_inferer = family.ends_with("_inferer_regret");
    if ((!by_inferer && !family.starts_with("one_out_forecaster_")) ||
        (!of_inferer && !family.ends_with("_forecaster_regret"))) {
        return nullptr;
    }
    const std::size_t row = by_inferer ? inferer(withheld) : forecaster(withheld);
    const std::size_t column = of_inferer ? inferer(actor) : forecaster(actor);
    PairFamilies<Real>& pairs = state.regrets.edit().pairs;
    return by_inferer
               ? pair(of_inferer ? pairs.one_out_inferer_inferer : pairs.one_out_inferer_forecaster,
                      row, column)
               : pair(of_inferer ? pairs.one_out_forecaster_inferer
                                 : pairs.one_out_forecaster_forecaster,
                      row, column);
}

// visit(family, withheld, actor, value) for every value of scores and rewards that is present.
template <class Real, class Visit>
void visit_score_values(const StoredScores<Real>& scores, const Visit& visit) {
    const std::string none;
    visit_roles(scores, [&](const std::string& role, const RoleScores<Real>& part) {
        visit((role + "_score_quantile").c_str(), none, none, part.score_quantile);
        visit(("initial_" + role + "_score").c_str(), none, none, part.initial_score);
    });
    visit("forecaster_score_ratio", none, none, scores.forecaster_score_ratio);
    const auto list = [&](const std::string& family, const Roster& roster,
                          const std::vector<Real>& values) {
        for (const std::size_t at : roster.sorted()) {
            if (!Number<Real>::is_missing(values[at])) {
                visit(family.c_str(), none, address_text(roster.actor(at)), values[at]);
            }
        }
    };
    visit_roles(scores, [&](const std::string& role, const RoleScores<Real>& part) {
        list(role + "_score_ema", part.actors, part.score_ema);
        list(role + "_reward_fraction", part.actors, part.reward_fraction);
        const ScoreHistory<Real>& history = part.history;
        for (std::size_t block = 0; block < history.blocks(); ++block) {
            const std::string height = std::to_string(history.block(block));
            for (std::size_t at = history.begin(block); at < history.end(block); ++at) {
                visit((role + "_score_history").c_str(), height, address_text(history.actor(at)),
                      history.score(at));
            }
        }
    });
    list("listening_coefficient", scores.reputers.actors, scores.listening_coefficient);
    list("delegate_reward_per_share", scores.reputers.actors, scores.delegate_reward_per_share);
}

// visit(family, withheld, actor, value) for every value that is present.
template <class Real, class Visit>
void visit_values(const StoredState<Real>& state, const Visit& visit) {
    const std::string none;
    const auto one = [&](const char* family, const std::string& withheld, const std::string& actor,
                         const Real& value) {
        if (!Number<Real>::is_missing(value)) {
            visit(family, withheld, actor, value);
        }
    };
    one("initial_regret", none, none, state.initial_regret);
    one("regret_scale", none, none, state.regret_scale);
    one("previous_combined_loss", none, none, state.previous_combined_loss);
    one("inference_median", none, none, state.inference_median);
    one("inference_median_absolute_deviation", none, none,
        state.inference_median_absolute_deviation);
    const std::vector<std::size_t> i = state.inferers.sorted();
    const std::vector<std::size_t> f = state.forecasters.sorted();
    const auto list = [&](const char* family, const Roster& roster,
                          const std::vector<std::size_t>& order, const std::vector<Real>& values) {
        for (const std::size_t at : order) {
            one(family, none, address_text(roster.actor(at)), values[at]);
        }
    };
    list("inferer_regret", state.inferers, i, state.regrets->inferer_regret);
    list("forecaster_regret", state.forecasters, f, state.regrets->forecaster_regret);
    list("naive_inferer_regret", state.inferers, i, state.regrets->naive_inferer_regret);
    const auto grid = [&](const char* family, const Roster& rows,
                          const std::vector<std::size_t>& row_order, const Roster& columns,
                          const std::vector<std::size_t>& column_order, const Grid<Real>& values) {
        for (const std::size_t row : row_order) {
            for (const std::size_t column : column_order) {
                one(family, address_text(rows.actor(row)), address_text(columns.actor(column)),
                    values.at(row, column));
            }
        }
    };
    const PairFamilies<Real>& pairs = state.regrets->pairs;
    grid("one_out_inferer_inferer_regret", state.inferers, i, state.inferers, i,
         pairs.one_out_inferer_inferer);
    grid("one_out_inferer_forecaster_regret", state.inferers, i, state.forecasters, f,
         pairs.one_out_inferer_forecaster);
    grid("one_out_forecaster_inferer_regret", state.forecasters, f, state.inferers, i,
         pairs.one_out_forecaster_inferer);
    grid("one_out_forecaster_forecaster_regret", state.forecasters, f, state.forecasters, f,
         pairs.one_out_forecaster_forecaster);
    for (const std::size_t q : f) {
        const std::string& brought_in = address_text(state.forecasters.actor(q));
        bool own_done = Number<Real>::is_missing(pairs.one_in_self[q]);
        for (const std::size_t j : i) {
            const std::string& actor = address_text(state.inferers.actor(j));
            if (!own_done && brought_in < actor) {
                one("one_in_forecaster_regret", brought_in, brought_in, pairs.one_in_self[q]);
                own_done = true;
            }
            one("one_in_forecaster_regret", brought_in, actor, pairs.one_in_inferer.at(q, j));
        }
        if (!own_done) {
            one("one_in_forecaster_regret", brought_in, brought_in, pairs.one_in_self[q]);
        }
    }
    list("inferer_weight", state.inferers, i, state.regrets->inferer_weight);
    list("forecaster_weight", state.forecasters, f, state.regrets->forecaster_weight);
    visit_score_values(*state.scores, visit);
}

// The count of a family; the actor joins the roster. Null: no such family.
template <class Real>
std::uint64_t* count_place(StoredState<Real>& state, std::string_view family,
                           const std::string& actor) {
    if (actor.empty()) {
        return nullptr;
    }
    const std::uint32_t identifier = intern_address(actor);
    if (family == "inferer_inclusions") {
        return &state.inclusions.edit().inferers[state.add_inferer(identifier)];
    }
    if (family == "forecaster_inclusions") {
        return &state.inclusions.edit().forecasters[state.add_forecaster(identifier)];
    }
    std::uint64_t* place = nullptr;
    StoredScores<Real>& scores = state.scores.edit();
    visit_roles(scores, [&](const std::string& role, RoleScores<Real>& part) {
        if (family == role + "_score_height") {
            place = &part.score_height[part.add(identifier)];
        }
    });
    scores.align();
    return place;
}

// visit(family, actor, count) for every count that is stored.
template <class Real, class Visit>
void visit_counts(const StoredState<Real>& state, const Visit& visit) {
    const auto list = [&](const std::string& family, const Roster& roster,
                          const std::vector<std::uint64_t>& counts) {
        for (const std::size_t at : roster.sorted()) {
            if (counts[at] != no_count) {
                visit(family.c_str(), address_text(roster.actor(at)), counts[at]);
            }
        }
    };
    list("inferer_inclusions", state.inferers, state.inclusions->inferers);
    list("forecaster_inclusions", state.forecasters, state.inclusions->forecasters);
    visit_roles(*state.scores, [&](const std::string& role, const RoleScores<Real>& part) {
        list(role + "_score_height", part.actors, part.score_height);
    });
}

} // namespace allora

// Submissions to many topics' active sets, each topic's in their order.
#pragma once

#include "../formula/sortition.hpp"
#include "columns.hpp"
#include "host.hpp"

#include <cstdint>
#include <vector>

namespace allora {

// One window per topic and role. Actors are those with a stored score, the active ones, the
// recorded lowest and everybody who submits, in address order; indices count within the window.
template <class Stored>
struct ActiveSetColumns {
    std::int64_t windows = 0;
    const std::uint8_t* role = nullptr;
    const std::int64_t* nonce = nullptr;
    const std::int64_t* seats = nullptr;
    const std::int64_t* epoch_last_ended = nullptr;
    const std::int64_t* epoch_length = nullptr;
    const std::int64_t* ground_truth_lag = nullptr;
    Column<Stored> merit_sortition_alpha;
    Column<Stored> quantile;
    Column<Stored> initial_score;
    const std::int32_t* lowest_actor = nullptr; // -1: none
    const std::int64_t* lowest_height = nullptr;
    Column<Stored> lowest_score;
    const std::int64_t* actor_offsets = nullptr;
    Column<Stored> score; // missing: never stored
    const std::int64_t* height = nullptr;
    const std::uint8_t* active = nullptr;
    const std::int64_t* submission_offsets = nullptr;
    const std::int32_t* submission_actor = nullptr;
};

template <class Stored>
struct ActiveSetResults {
    std::uint8_t* outcome = nullptr;   // per submission
    std::int32_t* displaced = nullptr; // per submission; -1: nobody
    Stored* score = nullptr;           // per actor
    std::int64_t* height = nullptr;
    std::uint8_t* active = nullptr;
    std::int32_t* lowest_actor = nullptr; // per window
    std::int64_t* lowest_height = nullptr;
    Stored* lowest_score = nullptr;
    std::vector<Status> status; // per submission; the actor is an index within the window
    std::vector<Overflow> score_overflow;
    std::vector<Overflow> lowest_overflow;
};

template <class Stored>
void submit_batch(const Rules& rules, Host& host, const ActiveSetColumns<Stored>& columns,
                  ActiveSetResults<Stored>& results);

} // namespace allora

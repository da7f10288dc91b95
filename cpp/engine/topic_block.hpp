// All topics of a block in one call: weights, schedule, selection and rewards.
#pragma once

#include "../formula/block_reward.hpp"
#include "../formula/topic_activation.hpp"
#include "columns.hpp"
#include "host.hpp"

#include <cstdint>
#include <vector>

namespace allora {

// Numbers of the whole call, in this order.
enum class BlockNumber : std::uint8_t {
    total_weight,
    rewards_balance,
    emission,
    topic_reward_alpha,
    topic_reward_stake_importance,
    topic_reward_fee_revenue_importance,
    min_topic_weight,
    count
};

enum class TopicVerb : std::uint8_t { end_block, activate, inactivate };

// Topics by ascending identifier; elsewhere they are indices into this list. The verbs activate
// and inactivate take `chosen` in their order.
template <class Stored>
struct TopicColumns {
    std::int64_t topics = 0;
    const std::uint64_t* topic_id = nullptr;
    const std::int64_t* epoch_length = nullptr;
    const std::int64_t* epoch_last_ended = nullptr;
    const std::int64_t* last_drip_block = nullptr;
    const std::int64_t* epoch_end = nullptr; // -1: in no list
    const std::int64_t* reward_nonce = nullptr;
    const std::uint8_t* active = nullptr;
    Column<Stored> stake;
    Column<Stored> fee_revenue;
    Column<Stored> previous_weight; // missing: none is stored
    std::int64_t listings = 0;
    const std::int64_t* listing_block = nullptr;
    const std::int64_t* listing_offsets = nullptr;
    const std::int32_t* listing_topic = nullptr;
    const std::int32_t* lowest_topic = nullptr; // -1: none
    Column<Stored> lowest_weight;
    Column<Stored> numbers; // BlockNumber
    std::int64_t height = 0;
    std::int64_t max_active_topics_per_block = 0;
    std::int64_t blocks_per_month = 0;
    std::vector<std::int32_t> chosen;
};

// A column whose numbers may be longer than their place.
template <class Stored>
struct Written {
    std::vector<Stored> values;
    Overflow overflow;
};

template <class Stored>
struct TopicBlockResults {
    Status status; // the actor is the topic's index
    std::vector<std::int64_t> epoch_last_ended, last_drip_block, epoch_end, reward_nonce;
    std::vector<std::uint8_t> active;
    Written<Stored> fee_revenue, previous_weight, total_weight;
    std::vector<std::int64_t> listing_block, listing_offsets;
    std::vector<std::int32_t> listing_topic, lowest_topic;
    Written<Stored> lowest_weight;
    // Of end_block, as indices in order; weights and rewards stand beside `listed` and `selected`.
    std::vector<std::int32_t> listed, inactivated, selected;
    std::vector<std::uint8_t> waiting; // beside `selected`: a closed nonce waits for its rewards
    Written<Stored> weight, reward, refund; // missing: none
};

// Weights are computed on all threads; what depends on the order of the topics, on one.
template <class Stored>
void run_topic_block(const Rules& rules, Host& host, TopicVerb verb,
                     const TopicColumns<Stored>& columns, TopicBlockResults<Stored>& results);

} // namespace allora

// Batches of topics through infer, settle and reward: packing a topic's columns, choosing the
// number that holds its digits, running it, and writing its results where the caller wants them.
#pragma once

#include "../protocol/rules.hpp"
#include "../protocol/state_batch.hpp"
#include "columns.hpp"
#include "host.hpp"
#include "inference_columns.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace allora {

class Device;

// Where a topic failed, in the caller's terms.
struct TopicStatus {
    Cause cause = Cause::none;
    std::string field;
    std::string actor;
};

template <class Stored>
struct InferenceResults {
    InferenceColumns<Stored> network;
    InferenceColumns<Stored> outlier_resistant;
    std::uint8_t* resistant = nullptr; // 0: the rules have none; 1: computed
    std::vector<TopicStatus> status;
    std::vector<Overflow> overflow[2 * inference_columns]; // long results by column, then topic
    States states;
};

template <class Stored>
struct SettlementResults {
    Stored* network_losses = nullptr; // rows of BundleLayout::width
    std::vector<TopicStatus> status;
    std::vector<Overflow> overflow;
    States states;
};

template <class Stored>
struct RewardResults {
    Stored* columns[reward_field_count] = {}; // in the order of reward_fields, by role or topic
    std::int32_t* iterations = nullptr;
    std::uint8_t* computed = nullptr; // 0: the topic could not be started
    std::vector<TopicStatus> status;
    std::vector<Overflow> overflow[reward_field_count];
    States states;
};

// A device computes what it can, the host the rest; null, and for decimals: the host does all.
template <class Stored>
void infer_batch(const Rules& rules, Host& host, const EpochColumns<Stored>& epochs,
                 const std::int64_t* value_row_offsets, const States& states,
                 InferenceResults<Stored>& results, Device* device = nullptr);

template <class Stored>
void settle_batch(const Rules& rules, Host& host, const EpochColumns<Stored>& epochs,
                  const std::int64_t* loss_row_offsets, const States& states,
                  SettlementResults<Stored>& results, Device* device = nullptr);

// `losses`: rows of network losses as settle_batch wrote them.
template <class Stored>
void reward_batch(const Rules& rules, Host& host, const EpochColumns<Stored>& epochs,
                  const std::int64_t* loss_row_offsets, const Column<Stored>& losses,
                  const States& states, RewardResults<Stored>& results, Device* device = nullptr);

} // namespace allora

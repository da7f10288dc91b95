// When topics' epochs end, and which topics are active. Every active topic stands in the list of
// the block in which its epoch ends; a full list makes room for a topic that is not lighter than
// the lightest recorded there. The total runs over the stored weights of active topics.
// allora-chain v0.6, x/emissions/keeper/topic_activation.go, keeper.go.
#pragma once

#include "../protocol/topic.hpp"
#include "topic_weight.hpp"

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace allora {

template <class Real>
struct TopicRecord {
    std::uint64_t topic_id = 0;
    std::int64_t epoch_length = 0;
    std::int64_t epoch_last_ended = 0;
    std::int64_t last_drip_block = 0;
    std::int64_t epoch_end = -1; // -1: in no list
    std::int64_t reward_nonce = 0;
    std::uint8_t active = 0;
    Real stake;
    Real fee_revenue;
    Real previous_weight; // missing: none is stored
};

template <class Real>
struct Listing {
    std::vector<std::int32_t> topics;
    std::int32_t lowest_topic = -1;
    Real lowest_weight = Number<Real>::from_int(0);
    // Recorded in this call, and nothing in the list has changed its weight since: only then does
    // a newcomer have to be compared with the recorded one alone.
    bool fresh = false;
};

// What the end of a topic's epoch makes of the topic alone. `after` is the weight that follows from
// what is stored then, where the topic stays active.
template <class Real>
struct EpochEnd {
    Status status;
    Real weight{};
    Real fee_revenue{};
    std::int64_t last_drip_block = 0;
    bool has_after = false;
    Real after{};
};

template <class Real>
struct TopicTable {
    std::vector<TopicRecord<Real>> topics;
    std::unordered_map<std::int64_t, Listing<Real>> listings;
    Real total_weight;
};

// Topics are indices into the table. After a fault the table is not to be used.
template <class Real>
class Schedule {
public:
    Schedule(const Rules& rules, const TopicWeightParams<Real>& params, std::int64_t height,
             TopicTable<Real>& table)
        : rules_(rules), params_(params), height_(height), table_(table),
          weight_(table.topics.size()), known_(table.topics.size(), 0) {}

    const Status& status() const { return status_; }
    const std::vector<std::int32_t>& dropped() const { return dropped_; }

    void activate(std::int32_t topic) {
        TopicRecord<Real>& record = at(topic);
        const Status status = usable(topic);
        fail(status);
        if (!status.ok() || (record.epoch_end >= 0 && record.epoch_end >= height_)) {
            return;
        }
        enlist(topic);
        record.active = 1;
        if (!Number<Real>::is_missing(record.previous_weight) &&
            !Number<Real>::is_zero(record.previous_weight)) {
            count(topic, Number<Real>::from_int(0), record.previous_weight);
        }
    }

    void inactivate(std::int32_t topic) {
        if (topic < 0 || at(topic).epoch_end < 0 || at(topic).epoch_end < height_) {
            return;
        }
        TopicRecord<Real>& record = at(topic);
        unlist(topic);
        record.active = 0;
        dropped_.push_back(topic);
        if (!Number<Real>::is_missing(record.previous_weight)) {
            count(topic, record.previous_weight, Number<Real>::from_int(0));
        }
    }

    // The topic's own part of the end of its epoch: it reads nothing of other topics, so that all
    // of a block can be computed at once.
    EpochEnd<Real> weighed_end(std::int32_t topic) const {
        TopicRecord<Real> record = table_.topics[static_cast<std::size_t>(topic)];
        EpochEnd<Real> end;
        end.status = usable(topic);
        if (end.status.ok()) {
            end.status = weight_of(topic, record, end.weight);
        }
        if (!end.status.ok()) {
            return end;
        }
        if (rules_.topic_weight_storage == TopicWeightStorage::before_rewards) {
            record.previous_weight = end.weight;
        }
        const Status dripped = drip(topic, record);
        end.fee_revenue = record.fee_revenue;
        end.last_drip_block = record.last_drip_block;
        end.has_after = dripped.ok() && compare(end.weight, params_.min_topic_weight) >= 0 &&
                        weight_of(topic, record, end.after).ok();
        return end;
    }

    // Ends a topic's epoch; false where its weight inactivates it, or a fault stops the block.
    bool end_epoch(std::int32_t topic, const EpochEnd<Real>& end) {
        fail(end.status);
        if (rules_.topic_weight_storage == TopicWeightStorage::before_rewards && status_.ok()) {
            store(topic, end.weight);
        }
        if (!status_.ok()) {
            return false;
        }
        TopicRecord<Real>& record = at(topic);
        record.fee_revenue = end.fee_revenue;
        record.last_drip_block = end.last_drip_block;
        if (const Cause cause = Number<Real>::fault(record.fee_revenue); cause != Cause::none) {
            fail({cause, "fee_revenue", topic});
            return false;
        }
        // What could not be weighed is weighed again where its weight is needed, and fails there.
        known_[static_cast<std::size_t>(topic)] = end.has_after ? 1 : 0;
        weight_[static_cast<std::size_t>(topic)] = end.after;
        if (compare(end.weight, params_.min_topic_weight) < 0) {
            inactivate(topic);
            return false;
        }
        unlist(topic);
        enlist(topic);
        return status_.ok();
    }

    // A stored weight replaces the topic's old one in the total.
    void store(std::int32_t topic, const Real& weight) {
        Real& previous = at(topic).previous_weight;
        const Real zero = Number<Real>::from_int(0);
        count(topic, Number<Real>::is_missing(previous) ? zero : previous, weight);
        previous = weight;
        known_[static_cast<std::size_t>(topic)] = 0;
    }

private:
    TopicRecord<Real>& at(std::int32_t topic) {
        return table_.topics[static_cast<std::size_t>(topic)];
    }

    void fail(const Status& status) {
        if (status_.ok()) {
            status_ = status;
        }
    }

    Status usable(std::int32_t topic) const {
        const TopicRecord<Real>& record = table_.topics[static_cast<std::size_t>(topic)];
        const Real zero = Number<Real>::from_int(0);
        if (record.epoch_length <= 0) {
            return {Cause::out_of_range, "epoch_length", topic};
        }
        if (carries_fault(record.stake) || carries_fault(record.fee_revenue)) {
            const bool stake = carries_fault(record.stake);
            return {Number<Real>::fault(stake ? record.stake : record.fee_revenue),
                    stake ? "stake" : "fee_revenue", topic};
        }
        if (compare(record.stake, zero) < 0) {
            return {Cause::negative_stake, "stake", topic};
        }
        if (compare(record.fee_revenue, zero) < 0) {
            return {Cause::out_of_range, "fee_revenue", topic};
        }
        return {};
    }

    Status weight_of(std::int32_t topic, const TopicRecord<Real>& record, Real& weight) const {
        const Cause cause = topic_weight(rules_, params_, record.stake, record.fee_revenue,
                                         record.epoch_length, record.previous_weight, weight);
        return {cause, "weight", topic};
    }

    // The weight that follows from what is stored now; computed once until that changes.
    const Real& weigh(std::int32_t topic) {
        const auto i = static_cast<std::size_t>(topic);
        if (known_[i] == 0) {
            const Status status = usable(topic);
            fail(status.ok() ? weight_of(topic, at(topic), weight_[i]) : status);
            known_[i] = status.ok() ? 1 : 0;
        }
        return weight_[i];
    }

    // Skipped once the last drip lies above epoch_last_ended.
    Status drip(std::int32_t topic, TopicRecord<Real>& record) const {
        if (record.last_drip_block > record.epoch_last_ended || params_.blocks_per_month == 0) {
            return {};
        }
        record.fee_revenue = dripped_revenue(params_, record.fee_revenue, record.epoch_length);
        record.last_drip_block = record.epoch_last_ended;
        return {Number<Real>::fault(record.fee_revenue), "fee_revenue", topic};
    }

    void count(std::int32_t topic, const Real& less, const Real& more) {
        table_.total_weight = (table_.total_weight - less) + more;
        const Cause cause = Number<Real>::fault(table_.total_weight);
        if (cause != Cause::none) {
            fail({cause, "total_weight", topic});
        } else if (compare(table_.total_weight, Number<Real>::from_int(0)) < 0) {
            fail({Cause::out_of_range, "total_weight", topic});
        }
    }

    // The recorded lightest stays as it is.
    void unlist(std::int32_t topic) {
        const auto found = table_.listings.find(at(topic).epoch_end);
        if (found != table_.listings.end()) {
            std::vector<std::int32_t>& topics = found->second.topics;
            topics.erase(std::remove(topics.begin(), topics.end(), topic), topics.end());
            found->second.fresh = false;
        }
        at(topic).epoch_end = -1;
    }

    // Enters a topic for the end of its next epoch, unless it is too light for a full list.
    void enlist(std::int32_t topic) {
        const std::int64_t block = height_ + at(topic).epoch_length;
        Listing<Real>& listing = table_.listings[block];
        if (std::find(listing.topics.begin(), listing.topics.end(), topic) !=
            listing.topics.end()) {
            return;
        }
        const auto room = static_cast<std::size_t>(
            std::max<std::int64_t>(params_.max_active_topics_per_block, 0));
        if (listing.topics.size() >= room) {
            if (compare(weigh(topic), listing.lowest_weight) < 0 || !status_.ok()) {
                return;
            }
            inactivate(listing.lowest_topic);
        }
        at(topic).epoch_end = block;
        listing.topics.push_back(topic);
        record(listing);
    }

    // The lightest of the list, the first one on ties.
    void record(Listing<Real>& listing) {
        const std::size_t start = listing.fresh ? listing.topics.size() - 1 : 0;
        if (start == 0) {
            listing.lowest_topic = -1;
        }
        for (std::size_t i = start; i < listing.topics.size() && status_.ok(); ++i) {
            const Real& weight = weigh(listing.topics[i]);
            if (listing.lowest_topic < 0 || compare(weight, listing.lowest_weight) < 0) {
                listing.lowest_topic = listing.topics[i];
                listing.lowest_weight = weight;
            }
        }
        listing.fresh = true;
    }

    const Rules& rules_;
    const TopicWeightParams<Real>& params_;
    std::int64_t height_;
    TopicTable<Real>& table_;
    std::vector<Real> weight_;
    std::vector<std::uint8_t> known_;
    std::vector<std::int32_t> dropped_;
    Status status_;
};

} // namespace allora

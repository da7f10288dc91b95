// One block over a table of topics: columns in, columns out.
#include "topic_block.hpp"

#include <algorithm>
#include <type_traits>

namespace allora {

namespace {

template <class Real>
struct BlockEnd {
    std::vector<std::int32_t> listed;
    std::vector<Real> weights;
    std::vector<std::int32_t> selected;
    std::vector<Real> rewards;
    std::vector<Real> refunds;
};

template <class Stored, class Real>
class TopicBlock {
public:
    TopicBlock(const Rules& rules, Host& host, TopicVerb verb, const TopicColumns<Stored>& columns)
        : rules_(rules), host_(host), verb_(verb), columns_(columns) {}

    Status run(TopicBlockResults<Stored>& results) {
        load_table();
        if (too_long_) {
            return {Cause::does_not_fit, "block"};
        }
        for (const Real& number : numbers_) {
            if (carries_fault(number)) {
                return {Number<Real>::fault(number), "block"};
            }
        }
        Schedule<Real> schedule(rules_, params_, columns_.height, table_);
        BlockEnd<Real> end;
        Status status;
        if (verb_ == TopicVerb::end_block) {
            status = end_block(schedule, end);
        } else {
            for (const std::int32_t topic : columns_.chosen) {
                verb_ == TopicVerb::activate ? schedule.activate(topic)
                                             : schedule.inactivate(topic);
            }
        }
        status = schedule.status().ok() ? status : schedule.status();
        if (status.ok()) {
            results.inactivated = schedule.dropped();
            write(end, results);
        }
        return status;
    }

private:
    // A stored number too long for this width: all of it then runs with longer ones.
    void take(const Column<Stored>& column, std::int64_t at, Real& value) {
        load(column, at, value);
        too_long_ = too_long_ || Number<Real>::fault(value) == Cause::does_not_fit;
    }

    void load_table() {
        numbers_.resize(static_cast<std::size_t>(BlockNumber::count));
        for (std::size_t i = 0; i < numbers_.size(); ++i) {
            take(columns_.numbers, static_cast<std::int64_t>(i), numbers_[i]);
        }
        table_.total_weight = number(BlockNumber::total_weight);
        params_ = {number(BlockNumber::topic_reward_alpha),
                   number(BlockNumber::topic_reward_stake_importance),
                   number(BlockNumber::topic_reward_fee_revenue_importance),
                   number(BlockNumber::min_topic_weight),
                   columns_.max_active_topics_per_block,
                   columns_.blocks_per_month};
        table_.topics.resize(static_cast<std::size_t>(columns_.topics));
        for (std::int64_t t = 0; t < columns_.topics; ++t) {
            TopicRecord<Real>& record = table_.topics[static_cast<std::size_t>(t)];
            record.topic_id = columns_.topic_id[t];
            record.epoch_length = columns_.epoch_length[t];
            record.epoch_last_ended = columns_.epoch_last_ended[t];
            record.last_drip_block = columns_.last_drip_block[t];
            record.epoch_end = columns_.epoch_end[t];
            record.reward_nonce = columns_.reward_nonce[t];
            record.active = columns_.active[t];
            take(columns_.stake, t, record.stake);
            take(columns_.fee_revenue, t, record.fee_revenue);
            take(columns_.previous_weight, t, record.previous_weight);
        }
        for (std::int64_t i = 0; i < columns_.listings; ++i) {
            Listing<Real>& listing = table_.listings[columns_.listing_block[i]];
            listing.topics.assign(columns_.listing_topic + columns_.listing_offsets[i],
                                  columns_.listing_topic + columns_.listing_offsets[i + 1]);
            listing.lowest_topic = columns_.lowest_topic[i];
            take(columns_.lowest_weight, i, listing.lowest_weight);
        }
    }

    Status end_block(Schedule<Real>& schedule, BlockEnd<Real>& end) {
        const auto found = table_.listings.find(columns_.height);
        const std::vector<std::int32_t> ending =
            found == table_.listings.end() ? std::vector<std::int32_t>{} : found->second.topics;
        const Schedule<Real>& unchanged = schedule;
        std::vector<EpochEnd<Real>> ends(ending.size());
        host_.for_each(static_cast<std::int64_t>(ending.size()), [&](std::int64_t i, int) {
            const auto at = static_cast<std::size_t>(i);
            ends[at] = unchanged.weighed_end(ending[at]);
        });
        for (std::size_t i = 0; i < ending.size(); ++i) {
            if (schedule.end_epoch(ending[i], ends[i])) {
                end.listed.push_back(ending[i]);
                end.weights.push_back(ends[i].weight);
            }
            if (!schedule.status().ok()) {
                return schedule.status();
            }
        }
        table_.listings.erase(columns_.height);
        if (const Status status = reward(end); !status.ok()) {
            return status;
        }
        close(schedule, end);
        return {};
    }

    // Selection runs over topics by identifier, whatever the order of the list.
    Status reward(BlockEnd<Real>& end) {
        std::vector<std::size_t> by_id(end.listed.size());
        for (std::size_t i = 0; i < by_id.size(); ++i) {
            by_id[i] = i;
        }
        std::sort(by_id.begin(), by_id.end(),
                  [&](std::size_t i, std::size_t j) { return end.listed[i] < end.listed[j]; });
        std::vector<Real> weights;
        weights.reserve(by_id.size());
        for (const std::size_t i : by_id) {
            weights.push_back(end.weights[i]);
        }
        std::vector<Real> chosen;
        std::vector<std::int64_t> lengths;
        for (const std::size_t i :
             select_topics(std::span<const Real>(weights), params_.max_active_topics_per_block)) {
            end.selected.push_back(end.listed[by_id[i]]);
            chosen.push_back(weights[i]);
            lengths.push_back(record(end.selected.back()).epoch_length);
        }
        end.rewards.assign(chosen.size(), Number<Real>::missing());
        end.refunds = end.rewards;
        if (chosen.empty() || Number<Real>::is_zero(number(BlockNumber::rewards_balance))) {
            return {};
        }
        if (Number<Real>::is_zero(table_.total_weight)) {
            return {Cause::zero_weight, "total_weight", end.selected[0]};
        }
        const BlockShares<Real> shares{table_.total_weight, number(BlockNumber::rewards_balance),
                                       number(BlockNumber::emission)};
        Status status =
            topic_rewards(shares, std::span<const Real>(chosen),
                          std::span<const std::int64_t>(lengths), std::span<Real>(end.rewards));
        if (!status.ok()) {
            status.actor = end.selected[static_cast<std::size_t>(status.actor)];
            return status;
        }
        return refund(end);
    }

    // Whole units of every unrewarded topic, or of all of them together: a topic's part is then by
    // what it raises the whole units of their sum.
    Status refund(BlockEnd<Real>& end) {
        const bool together = rules_.refund_truncation == RefundTruncation::per_block;
        Real sum = Number<Real>::from_int(0);
        Real refunded = sum;
        for (std::size_t i = 0; i < end.selected.size(); ++i) {
            if (rules_.unrewarded_topic == UnrewardedTopic::kept ||
                Number<Real>::is_missing(end.rewards[i]) ||
                record(end.selected[i]).reward_nonce != 0) {
                continue;
            }
            sum = together ? sum + end.rewards[i] : end.rewards[i];
            end.refunds[i] = whole_units(sum) - refunded;
            if (const Cause cause = Number<Real>::fault(end.refunds[i]); cause != Cause::none) {
                return {cause, "reward", end.selected[i]};
            }
            refunded = together ? refunded + end.refunds[i] : refunded;
        }
        return {};
    }

    // What the block leaves: late weights and opened nonces.
    void close(Schedule<Real>& schedule, const BlockEnd<Real>& end) {
        for (std::size_t i = 0; i < end.listed.size(); ++i) {
            if (rules_.topic_weight_storage == TopicWeightStorage::after_rewards &&
                record(end.listed[i]).active != 0) {
                schedule.store(end.listed[i], end.weights[i]);
            }
            weight_of_[end.listed[i]] = i;
        }
        for (const std::int32_t topic : end.selected) {
            if (!Number<Real>::is_zero(end.weights[weight_of_[topic]])) {
                record(topic).epoch_last_ended = columns_.height;
            }
        }
    }

    void write(const BlockEnd<Real>& end, TopicBlockResults<Stored>& results) {
        results.listed = end.listed;
        results.selected = end.selected;
        put(results.weight, end.weights);
        put(results.reward, end.rewards);
        put(results.refund, end.refunds);
        for (std::size_t i = 0; i < end.selected.size(); ++i) {
            TopicRecord<Real>& topic = record(end.selected[i]);
            const bool waiting =
                topic.reward_nonce != 0 && !Number<Real>::is_missing(end.rewards[i]);
            results.waiting.push_back(waiting ? 1 : 0);
            // The nonce is gone after the attempt, whether or not its rewards succeed.
            topic.reward_nonce = waiting ? 0 : topic.reward_nonce;
        }
        write_topics(results);
        write_listings(results);
    }

    void write_topics(TopicBlockResults<Stored>& results) {
        std::vector<Real> revenue;
        std::vector<Real> previous;
        for (const TopicRecord<Real>& topic : table_.topics) {
            results.epoch_last_ended.push_back(topic.epoch_last_ended);
            results.last_drip_block.push_back(topic.last_drip_block);
            results.epoch_end.push_back(topic.epoch_end);
            results.reward_nonce.push_back(topic.reward_nonce);
            results.active.push_back(topic.active);
            revenue.push_back(topic.fee_revenue);
            previous.push_back(topic.previous_weight);
        }
        put(results.fee_revenue, revenue);
        put(results.previous_weight, previous);
        put(results.total_weight, {table_.total_weight});
    }

    void write_listings(TopicBlockResults<Stored>& results) {
        for (const auto& [block, listing] : table_.listings) {
            results.listing_block.push_back(block);
        }
        std::sort(results.listing_block.begin(), results.listing_block.end());
        results.listing_offsets.push_back(0);
        std::vector<Real> lowest;
        for (const std::int64_t block : results.listing_block) {
            const Listing<Real>& listing = table_.listings.at(block);
            results.listing_topic.insert(results.listing_topic.end(), listing.topics.begin(),
                                         listing.topics.end());
            results.listing_offsets.push_back(
                static_cast<std::int64_t>(results.listing_topic.size()));
            results.lowest_topic.push_back(listing.lowest_topic);
            lowest.push_back(listing.lowest_weight);
        }
        put(results.lowest_weight, lowest);
    }

    static void put(Written<Stored>& written, const std::vector<Real>& values) {
        written.values.resize(values.size());
        for (std::size_t i = 0; i < values.size(); ++i) {
            store(written.values.data(), static_cast<std::int64_t>(i), values[i], written.overflow);
        }
    }

    const Real& number(BlockNumber which) const {
        return numbers_[static_cast<std::size_t>(which)];
    }
    TopicRecord<Real>& record(std::int32_t topic) {
        return table_.topics[static_cast<std::size_t>(topic)];
    }

    const Rules& rules_;
    Host& host_;
    TopicVerb verb_;
    const TopicColumns<Stored>& columns_;
    std::vector<Real> numbers_;
    TopicWeightParams<Real> params_{};
    TopicTable<Real> table_{};
    std::unordered_map<std::int32_t, std::size_t> weight_of_;
    bool too_long_ = false;
};

} // namespace

template <class Stored>
void run_topic_block(const Rules& rules, Host& host, TopicVerb verb,
                     const TopicColumns<Stored>& columns, TopicBlockResults<Stored>& results) {
    results.status = TopicBlock<Stored, Stored>(rules, host, verb, columns).run(results);
    if constexpr (!std::is_same_v<Stored, double>) {
        if (results.status.cause == Cause::does_not_fit) {
            results = {};
            results.status =
                TopicBlock<Stored, BigDecimal>(rules, host, verb, columns).run(results);
        }
    }
}

template void run_topic_block(const Rules&, Host&, TopicVerb, const TopicColumns<double>&,
                              TopicBlockResults<double>&);
template void run_topic_block(const Rules&, Host&, TopicVerb, const TopicColumns<Decimal>&,
                              TopicBlockResults<Decimal>&);

} // namespace allora

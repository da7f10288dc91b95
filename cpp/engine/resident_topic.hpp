// One topic of a batch that lives on a device: its epoch read where the columns lie, its state
// where it stayed, its results written into columns. A verb that does not come to its end leaves
// the state as it was.
#pragma once

#include "../protocol/resident_state.hpp"
#include "inference_columns.hpp"
#include "submission.hpp"
#include "topic_task.hpp"

#include <cstddef>
#include <cstdint>

namespace allora {

// What stays the same over the epochs. Offsets as in EpochColumns.
template <class Real>
struct ResidentRoster {
    std::int64_t topics = 0;
    const std::int32_t* labels = nullptr;
    const std::int64_t* inferer_offsets = nullptr;
    const std::int64_t* value_offsets = nullptr;
    const std::int64_t* forecaster_offsets = nullptr;
    const std::int64_t* element_offsets = nullptr;
    const std::int64_t* reputer_offsets = nullptr;
    const std::int64_t* report_offsets = nullptr;
    const std::int64_t* inference_row_offsets = nullptr;
    const std::int64_t* loss_row_offsets = nullptr;
    const std::int32_t* shared = nullptr;         // one per forecaster
    const std::int32_t* element_starts = nullptr; // forecasters + 1 per topic
    const Params<Real>* params = nullptr;         // one per topic
};

// An epoch's numbers, in the order in which the caller gives them.
template <class Real>
struct ResidentNumbers {
    const Real* inferences = nullptr;
    const Real* element_losses = nullptr;
    const Real* stakes = nullptr;
    const Real* reports = nullptr;
    const Real* delegated = nullptr;
    const Real* reward = nullptr;
    const Real* initial_regret = nullptr;
    const std::int64_t* nonce = nullptr;
    const std::int32_t* element_index = nullptr; // of the inferer in its topic; -1: not there
};

// Why a verb failed, in characters: a device's constants are not the host's.
struct ResidentFault {
    Cause cause = Cause::none;
    std::int32_t actor = -1;
    char field[48] = {};
    char role[16] = {};
};

// Until a verb has ended; it stays where the room did not suffice.
inline constexpr auto not_done = static_cast<std::uint16_t>(0xffff);

inline constexpr int resident_verbs = 3;

template <class Real>
struct ResidentResults {
    InferenceColumns<Real> network;
    InferenceColumns<Real> outlier_resistant;
    std::uint8_t* resistant = nullptr;
    Real* network_losses = nullptr;
    Real* reward[reward_field_count] = {};
    std::int32_t* iterations = nullptr;
    std::uint8_t* computed = nullptr;
    std::uint16_t* cause[resident_verbs] = {}; // by verb: a Cause, or not_done
    ResidentFault* fault = nullptr;            // topics of each verb, verb after verb
};

// Where a topic's state lies: two copies of each part, one of which is the newest.
struct ResidentPlace {
    std::size_t state[2] = {};
    std::size_t state_size = 0;
    std::size_t scores[2] = {};
    std::size_t scores_size = 0; // without the histories, which follow
    HistoryRoom history[2];      // of inferers, forecasters
    std::size_t room[resident_verbs] = {};
    ResidentFault fault; // of what stays the same
};

template <class Real>
struct ResidentWorld {
    ResidentRoster<Real> roster;
    ResidentNumbers<Real> numbers;
    ResidentResults<Real> results;
    const ResidentPlace* places = nullptr;
    std::byte* states = nullptr;
    std::uint8_t* newest = nullptr; // per topic: of its state, of its scores
};

template <class Real>
class ResidentTopic {
public:
    ALLORA_HD ResidentTopic(const Rules& rules, const ResidentWorld<Real>& world, std::int64_t t)
        : rules_(rules), world_(world), t_(t), place_(world.places[t]), parts_(parts_of(world, t)) {
    }

    ALLORA_HD bool is_done(EpochVerb verb) const { return cause(verb) != not_done; }

    template <EpochVerb verb>
    ALLORA_HD void run() {
        if constexpr (verb == EpochVerb::infer) {
            infer();
        } else if constexpr (verb == EpochVerb::settle) {
            settle();
        } else {
            reward();
        }
    }

    // Missing results, where there are none.
    ALLORA_HD void leave_out(EpochVerb verb) {
        const ResidentResults<Real>& to = world_.results;
        if (verb == EpochVerb::infer) {
            write_inference(TopicInference<Real>(), to.network);
            write_inference(TopicInference<Real>(), to.outlier_resistant);
            to.resistant[t_] = 0;
        } else if (verb == EpochVerb::settle) {
            fill(to.network_losses, parts_.losses, 0);
        } else {
            TopicReward<Real> nothing;
            write_reward(nothing);
            to.computed[t_] = 0;
        }
    }

private:
    ALLORA_HD static ColumnPart part(const std::int64_t* offsets, std::int64_t at) {
        return {offsets[at], offsets[at + 1] - offsets[at]};
    }
    ALLORA_HD static TopicParts parts_of(const ResidentWorld<Real>& world, std::int64_t t) {
        const ResidentRoster<Real>& roster = world.roster;
        TopicParts parts{};
        parts.topic = {t, 1};
        parts.inferers = part(roster.inferer_offsets, t);
        parts.forecasters = part(roster.forecaster_offsets, t);
        parts.reputers = part(roster.reputer_offsets, t);
        const std::int64_t begin = roster.element_offsets[parts.forecasters.begin];
        parts.elements = {
            begin,
            roster.element_offsets[parts.forecasters.begin + parts.forecasters.count] - begin};
        parts.values = part(roster.inference_row_offsets, t);
        parts.losses = part(roster.loss_row_offsets, t);
        return parts;
    }

    ALLORA_HD std::uint16_t& cause(EpochVerb verb) const {
        return world_.results.cause[static_cast<int>(verb)][t_];
    }
    ALLORA_HD ResidentFault& fault(EpochVerb verb) const {
        return world_.results.fault[static_cast<std::int64_t>(verb) * world_.roster.topics + t_];
    }

    template <std::size_t size>
    ALLORA_HD static void copy_text(char (&to)[size], const char* from) {
        std::size_t i = 0;
        for (; i + 1 < size && from[i] != 0; ++i) {
            to[i] = from[i];
        }
        to[i] = 0;
    }

    ALLORA_HD void end(EpochVerb verb, const Status& status) {
        if (!status.ok()) {
            ResidentFault& to = fault(verb);
            to.cause = status.cause;
            to.actor = status.actor;
            copy_text(to.field, status.field);
            copy_text(to.role, status.role);
        }
        cause(verb) = static_cast<std::uint16_t>(status.cause);
    }
    ALLORA_HD bool has_failed(EpochVerb verb, const ResidentFault& before) {
        if (before.cause == Cause::none) {
            return false;
        }
        leave_out(verb);
        fault(verb) = before;
        cause(verb) = static_cast<std::uint16_t>(before.cause);
        return true;
    }

    // Formulas read an epoch's lists and never write them.
    template <class T>
    ALLORA_HD static void borrow(List<T>& list, const T* column, const ColumnPart& part) {
        const auto size = static_cast<std::size_t>(part.count);
        list.borrow(const_cast<T*>(column) + part.begin, size, size);
    }

    ALLORA_HD void load_epoch(TopicEpoch<Real>& epoch) const {
        const ResidentRoster<Real>& roster = world_.roster;
        const ResidentNumbers<Real>& numbers = world_.numbers;
        epoch.inferers = static_cast<std::int32_t>(parts_.inferers.count);
        epoch.forecasters = static_cast<std::int32_t>(parts_.forecasters.count);
        epoch.reputers = static_cast<std::int32_t>(parts_.reputers.count);
        epoch.labels = roster.labels[t_];
        epoch.nonce = numbers.nonce[t_];
        epoch.reward = numbers.reward[t_];
        epoch.params = roster.params[t_];
        borrow(epoch.shared, roster.shared, parts_.forecasters);
        borrow(epoch.inferences, numbers.inferences, part(roster.value_offsets, t_));
        const ColumnPart starts{parts_.forecasters.begin + t_, parts_.forecasters.count + 1};
        borrow(epoch.element_offsets, roster.element_starts, starts);
        borrow(epoch.element_inferers, numbers.element_index, parts_.elements);
        borrow(epoch.element_losses, numbers.element_losses, parts_.elements);
        borrow(epoch.stakes, numbers.stakes, parts_.reputers);
        borrow(epoch.reports, numbers.reports, part(roster.report_offsets, t_));
        borrow(epoch.delegated, numbers.delegated, parts_.reputers);
    }

    // Indices come from the caller.
    ALLORA_HD static Status index_fault(const TopicEpoch<Real>& epoch) {
        for (std::int32_t k = 0; k < epoch.forecasters; ++k) {
            const auto row = static_cast<std::size_t>(k);
            for (std::int32_t e = epoch.element_offsets[row]; e < epoch.element_offsets[row + 1];
                 ++e) {
                const std::int32_t at = epoch.element_inferers[static_cast<std::size_t>(e)];
                if (at < -1 || at >= epoch.inferers) {
                    return {Cause::out_of_range, "element_index", k, "forecaster"};
                }
            }
        }
        return {};
    }

    ALLORA_HD Status worker_fault(const TopicEpoch<Real>& epoch) const {
        const Status status =
            submitted_fault(rules_, epoch.inferences, epoch.labels, "inference", "inferer");
        if (!status.ok()) {
            return status;
        }
        const Status indices = index_fault(epoch);
        return indices.ok() ? forecast_fault(rules_, epoch) : indices;
    }
    ALLORA_HD Status epoch_fault(const TopicEpoch<Real>& epoch) const {
        Status status = worker_fault(epoch);
        if (status.ok()) {
            status = amount_fault(epoch.stakes, "stake", Cause::negative_stake);
        }
        if (status.ok()) {
            const BundleLayout layout{epoch.inferers, epoch.forecasters};
            status = submitted_fault(rules_, epoch.reports, layout.width(), "loss", "reputer");
        }
        return status;
    }

    ALLORA_HD std::byte* state(bool next) const {
        return world_.states + place_.state[world_.newest[2 * t_] ^ (next ? 1 : 0)];
    }
    ALLORA_HD std::byte* scores(bool next) const {
        return world_.states + place_.scores[world_.newest[2 * t_ + 1] ^ (next ? 1 : 0)];
    }

    ALLORA_HD void infer() {
        if (has_failed(EpochVerb::infer, place_.fault)) {
            return;
        }
        TopicEpoch<Real> epoch;
        load_epoch(epoch);
        Status status = worker_fault(epoch);
        TopicState<Real> dense;
        Reader reader(state(false));
        each_member(dense, reader);
        const Real stored = dense.initial_regret;
        if (status.ok()) {
            status = take_initial_regret(world_.numbers.initial_regret[t_], dense);
        }
        EpochInference<Real> result;
        if (status.ok()) {
            InferScratch<Real> scratch;
            infer_epoch(rules_, epoch, dense, scratch, result);
            status = result.status;
        }
        if (!status.ok()) {
            leave_out(EpochVerb::infer);
        } else {
            write(result);
            dense.initial_regret = stored;
            Keeper keeper(state(false));
            each_member(dense, keeper);
        }
        end(EpochVerb::infer, status);
    }

    ALLORA_HD void write(const EpochInference<Real>& result) {
        const ResidentResults<Real>& to = world_.results;
        write_inference(result.network, to.network);
        if (!result.has_resistant) {
            write_inference(TopicInference<Real>(), to.outlier_resistant);
        } else if (result.resistant_differs) {
            write_inference(result.resistant, to.outlier_resistant);
        } else {
            write_inference(result.network, to.outlier_resistant);
        }
        to.resistant[t_] = result.has_resistant ? 1 : 0;
    }

    ALLORA_HD static void fill(Real* column, const ColumnPart& part, std::size_t written) {
        for (auto i = static_cast<std::int64_t>(written); i < part.count; ++i) {
            column[part.begin + i] = Number<Real>::missing();
        }
    }
    ALLORA_HD static void write_part(Real* column, const ColumnPart& part, const List<Real>& list) {
        for (std::size_t i = 0; i < list.size(); ++i) {
            column[part.begin + static_cast<std::int64_t>(i)] = list[i];
        }
        fill(column, part, list.size());
    }
    // Lists that are empty leave missing numbers.
    ALLORA_HD void write_inference(const TopicInference<Real>& result,
                                   const InferenceColumns<Real>& to) const {
        each_inference_column(to, parts_, result,
                              [](int, Real* column, const ColumnPart& where,
                                 const List<Real>& list) { write_part(column, where, list); });
        to.regret_scale[t_] = result.values.empty() ? Number<Real>::missing() : result.regret_scale;
        to.branch[t_] = static_cast<std::uint8_t>(result.branch);
        to.all_inferers_are_new[t_] = result.all_inferers_are_new ? 1 : 0;
    }

    ALLORA_HD void settle() {
        if (has_failed(EpochVerb::settle, place_.fault)) {
            return;
        }
        TopicEpoch<Real> epoch;
        load_epoch(epoch);
        Status status = epoch_fault(epoch);
        if (status.ok()) {
            status = settle(epoch);
        }
        if (!status.ok()) {
            leave_out(EpochVerb::settle);
        }
        end(EpochVerb::settle, status);
    }

    ALLORA_HD Status settle(const TopicEpoch<Real>& epoch) {
        copy_words(state(true), state(false), place_.state_size);
        TopicState<Real> dense;
        Reader reader(state(true));
        each_member(dense, reader);
        const Status status = take_initial_regret(world_.numbers.initial_regret[t_], dense);
        if (!status.ok()) {
            return status;
        }
        SettleScratch<Real> scratch;
        TopicSettlement<Real> result;
        settle_topic(rules_, epoch, dense, scratch, result);
        if (result.status.ok()) {
            Keeper keeper(state(true));
            each_member(dense, keeper);
            write_part(world_.results.network_losses, parts_.losses, result.network_losses);
            world_.newest[2 * t_] ^= 1;
        }
        return result.status;
    }

    // A topic that did not settle has no rewards, for the same reason.
    ALLORA_HD bool is_unsettled() {
        if (!is_done(EpochVerb::settle)) {
            leave_out(EpochVerb::reward);
            return true;
        }
        if (cause(EpochVerb::settle) != static_cast<std::uint16_t>(Cause::none)) {
            return has_failed(EpochVerb::reward, fault(EpochVerb::settle));
        }
        return false;
    }

    ALLORA_HD ResidentHistory<Real> history(std::byte* scores, int role) const {
        std::byte* begin = scores + place_.scores_size;
        if (role == 1) {
            begin += ResidentHistory<Real>::bytes(place_.history[0]);
        }
        return ResidentHistory<Real>(begin, place_.history[role]);
    }

    // Blocks of a history lie behind the epoch's.
    ALLORA_HD Status nonce_fault(std::int64_t nonce) const {
        for (int role = 0; role < 2; ++role) {
            const ResidentHistory<Real> past = history(scores(false), role);
            if (past.blocks() > 0 && past.height(0) >= nonce) {
                return {Cause::wrong_nonce, "nonce"};
            }
        }
        return {};
    }

    ALLORA_HD void reward() {
        if (is_unsettled()) {
            return;
        }
        TopicEpoch<Real> epoch;
        load_epoch(epoch);
        List<Real> losses;
        borrow(losses, static_cast<const Real*>(world_.results.network_losses), parts_.losses);
        Status status = epoch_fault(epoch);
        status = status.ok() ? reward_fault(epoch) : status;
        status = status.ok() ? loss_fault(losses) : status;
        status = status.ok() ? nonce_fault(epoch.nonce) : status;
        if (!status.ok()) {
            leave_out(EpochVerb::reward);
        } else {
            status = reward(epoch, losses);
        }
        end(EpochVerb::reward, status);
    }

    ALLORA_HD Status reward(const TopicEpoch<Real>& epoch, const List<Real>& losses) {
        copy_words(scores(true), scores(false), place_.scores_size);
        RewardState<Real> dense;
        Reader reader(scores(true));
        each_lasting_member(dense, reader);
        RoleRewardState<Real>* roles[] = {&dense.inferers, &dense.forecasters};
        for (int role = 0; role < 2; ++role) {
            ResidentHistory<Real> past = history(scores(false), role);
            roles[role]->past_scores.borrow(past.score(), past.scores(), past.scores());
        }
        dense.inferer_included.assign(static_cast<std::size_t>(epoch.inferers), 0);
        dense.forecaster_included.assign(static_cast<std::size_t>(epoch.forecasters), 0);
        TopicReward<Real> result;
        ReputationScratch<Real> scratch;
        Rewarding<Real>(rules_, epoch, losses, dense, scratch, result).run();
        for (int role = 0; role < 2; ++role) {
            history(scores(true), role)
                .follow(history(scores(false), role), epoch.nonce, *roles[role]);
        }
        Keeper keeper(scores(true));
        each_lasting_member(dense, keeper);
        write_reward(result);
        world_.results.computed[t_] = 1;
        count_inclusions(dense);
        world_.newest[2 * t_ + 1] ^= 1;
        return result.status;
    }

    ALLORA_HD void write_reward(TopicReward<Real>& result) {
        const ResidentResults<Real>& to = world_.results;
        std::size_t i = 0;
        each_reward_list(result, [&](Role role, const List<Real>& list) {
            const ColumnPart& where = role == Role::inferer      ? parts_.inferers
                                      : role == Role::forecaster ? parts_.forecasters
                                      : role == Role::reputer    ? parts_.reputers
                                                                 : parts_.topic;
            write_part(to.reward[i++], where, list);
        });
        to.iterations[t_] = result.iterations;
    }

    // Rewards come after settling: the newest state is the one to count in.
    ALLORA_HD void count_inclusions(const RewardState<Real>& paid) {
        TopicState<Real> dense;
        Reader reader(state(false));
        each_member(dense, reader);
        for (std::size_t j = 0; j < paid.inferer_included.size(); ++j) {
            dense.inferer_inclusions[j] += paid.inferer_included[j];
        }
        for (std::size_t k = 0; k < paid.forecaster_included.size(); ++k) {
            dense.forecaster_inclusions[k] += paid.forecaster_included[k];
        }
    }

    const Rules& rules_;
    const ResidentWorld<Real>& world_;
    std::int64_t t_;
    const ResidentPlace& place_;
    TopicParts parts_;
};

// The body of the kernels; thread_arena() is empty and holds `room` bytes.
template <class Real, EpochVerb verb>
ALLORA_HD void run_resident(const Rules& rules, const ResidentWorld<Real>& world, std::int64_t t,
                            std::size_t room) {
    ResidentTopic<Real> topic(rules, world, t);
    if (!topic.is_done(verb) && world.places[t].room[static_cast<int>(verb)] <= room) {
        topic.template run<verb>();
    }
}

// Of a verb that never ended.
template <class Real>
ALLORA_HD void clear_resident(const Rules& rules, const ResidentWorld<Real>& world,
                              std::int64_t t) {
    ResidentTopic<Real> topic(rules, world, t);
    for (const EpochVerb verb : {EpochVerb::infer, EpochVerb::settle, EpochVerb::reward}) {
        if (!topic.is_done(verb)) {
            topic.leave_out(verb);
        }
    }
}

} // namespace allora

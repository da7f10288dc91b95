// A topic's dense state where it stays for many epochs: members at fixed places, the history of
// scores behind them. What an epoch computes is read from one copy and kept in the other.
#pragma once

#include "../number/real.hpp"
#include "parcel.hpp"

#include <cstddef>
#include <cstdint>

namespace allora {

// What stays of a role from one epoch to the next, but for its history.
template <class Real, class Visit>
ALLORA_HD void each_lasting_member(RoleRewardState<Real>& role, Visit& visit) {
    visit(role.score_quantile);
    visit(role.initial_score);
    visit(role.score_ema);
    visit(role.score_height);
    visit(role.reward_fraction);
}

template <class Real, class Visit>
ALLORA_HD void each_lasting_member(RewardState<Real>& state, Visit& visit) {
    each_lasting_member(state.inferers, visit);
    each_lasting_member(state.forecasters, visit);
    each_lasting_member(state.reputers, visit);
    visit(state.forecaster_score_ratio);
    visit(state.listening_coefficient);
    visit(state.delegate_reward_per_share);
}

// Writes members back to where a Reader took them from; lists that stand there already stay.
class Keeper {
public:
    ALLORA_HD explicit Keeper(std::byte* begin) : at_(begin) {}

    template <class T>
    ALLORA_HD void operator()(const T& value) {
        *reinterpret_cast<T*>(at_) = value;
        at_ += Arena::rounded(sizeof(T));
    }
    template <class T>
    ALLORA_HD void operator()(const List<T>& list) {
        const auto size = static_cast<std::size_t>(*reinterpret_cast<const std::uint64_t*>(at_));
        if (list.size() != size) {
            leave();
        }
        T* to = reinterpret_cast<T*>(at_ + sizeof(std::uint64_t));
        if (list.data() != to) {
            for (std::size_t i = 0; i < size; ++i) {
                to[i] = list[i];
            }
        }
        at_ += sizeof(std::uint64_t) + Arena::rounded(size * sizeof(T));
    }

private:
    std::byte* at_;
};

inline ALLORA_HD void copy_words(std::byte* to, const std::byte* from, std::size_t bytes) {
    const auto* source = reinterpret_cast<const std::uint64_t*>(from);
    auto* target = reinterpret_cast<std::uint64_t*>(to);
    for (std::size_t i = 0; i < bytes / sizeof(std::uint64_t); ++i) {
        target[i] = source[i];
    }
}

// How many blocks and scores a role's history may hold.
struct HistoryRoom {
    std::size_t blocks = 0;
    std::size_t scores = 0;
};

// The history of a role's scores, newest block first, within a block in its stored order. Actors
// are indices among the epoch's; those of a history that has others count on from there.
template <class Real>
class ResidentHistory {
public:
    ALLORA_HD ResidentHistory(std::byte* begin, const HistoryRoom& room)
        : sizes_(reinterpret_cast<std::uint64_t*>(begin)),
          height_(reinterpret_cast<std::int64_t*>(sizes_ + 2)),
          count_(reinterpret_cast<std::uint64_t*>(height_ + room.blocks)),
          score_(reinterpret_cast<Real*>(count_ + room.blocks)),
          actor_(reinterpret_cast<std::uint64_t*>(score_ + room.scores)), room_(room) {
        static_assert(sizeof(Real) % parcel_alignment == 0);
    }

    ALLORA_HD static std::size_t bytes(const HistoryRoom& room) {
        return sizeof(std::uint64_t) * (2 + 2 * room.blocks + room.scores) +
               sizeof(Real) * room.scores;
    }

    ALLORA_HD std::size_t blocks() const { return static_cast<std::size_t>(sizes_[0]); }
    ALLORA_HD std::size_t scores() const { return static_cast<std::size_t>(sizes_[1]); }
    ALLORA_HD std::int64_t height(std::size_t block) const { return height_[block]; }
    ALLORA_HD std::size_t count(std::size_t block) const {
        return static_cast<std::size_t>(count_[block]);
    }
    ALLORA_HD Real* score() { return score_; }
    ALLORA_HD std::size_t actor(std::size_t at) const {
        return static_cast<std::size_t>(actor_[at]);
    }

    ALLORA_HD void clear() { sizes_[0] = sizes_[1] = 0; }
    ALLORA_HD void begin_block(std::int64_t height) {
        if (blocks() == room_.blocks) {
            leave();
        }
        height_[blocks()] = height;
        count_[blocks()] = 0;
        ++sizes_[0];
    }
    ALLORA_HD void add(std::size_t actor, const Real& value) {
        if (scores() == room_.scores) {
            leave();
        }
        score_[scores()] = value;
        actor_[scores()] = actor;
        ++sizes_[1];
        ++count_[blocks() - 1];
    }

    // This epoch's entries, of which the last `kept` stay, then the older blocks from which so many
    // scores are read.
    ALLORA_HD void follow(const ResidentHistory& before, std::int64_t nonce,
                          const RoleRewardState<Real>& role) {
        clear();
        std::size_t kept = before.scores();
        if (role.has_record) {
            kept = role.kept;
            record(nonce, role);
        }
        std::size_t at = 0;
        for (std::size_t block = 0; block < before.blocks() && scores() < kept; ++block) {
            begin_block(before.height(block));
            for (const std::size_t end = at + before.count(block); at < end; ++at) {
                add(before.actor(at), before.score_[at]);
            }
        }
    }

private:
    ALLORA_HD void record(std::int64_t nonce, const RoleRewardState<Real>& role) {
        std::size_t surplus = 0;
        for (const Real& score : role.record) {
            surplus += Number<Real>::is_missing(score) ? 0 : 1;
        }
        surplus -= surplus < role.kept ? surplus : role.kept;
        bool begun = false;
        for (std::size_t i = 0; i < role.record.size(); ++i) {
            if (Number<Real>::is_missing(role.record[i])) {
                continue;
            }
            if (surplus > 0) {
                --surplus;
                continue;
            }
            if (!begun) {
                begin_block(nonce);
                begun = true;
            }
            add(i, role.record[i]);
        }
    }

    std::uint64_t* sizes_; // blocks, scores
    std::int64_t* height_;
    std::uint64_t* count_;
    Real* score_;
    std::uint64_t* actor_;
    HistoryRoom room_;
};

} // namespace allora

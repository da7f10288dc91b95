// The part of a topic's state that scores and rewards carry: averages, heights, fractions, score
// histories, listening coefficients. Rosters of its own, since infer and settle never look at it.
#pragma once

#include "../number/decimal_real.hpp"
#include "../number/float64_real.hpp"
#include "reward.hpp"
#include "roster.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace allora {

// Scores by block, blocks ascending, within a block in the order of its output.
template <class Real>
class ScoreHistory {
public:
    std::size_t blocks() const { return block_.size(); }
    std::int64_t block(std::size_t at) const { return block_[at]; }
    std::size_t begin(std::size_t at) const { return at == 0 ? 0 : end_[at - 1]; }
    std::size_t end(std::size_t at) const { return end_[at]; }
    std::uint32_t actor(std::size_t entry) const { return actor_[entry]; }
    const Real& score(std::size_t entry) const { return score_[entry]; }
    std::span<const Real> scores(std::size_t at) const {
        return std::span<const Real>(score_).subspan(begin(at), end(at) - begin(at));
    }

    // Adds an entry at the end of its block; the place lasts until the next one.
    Real* add(std::int64_t block, std::uint32_t actor);
    // Drops the oldest blocks that are not needed to collect that many scores.
    void keep(std::size_t scores);
    // This history and what an epoch adds to it: the last `kept` scores that are not missing, by
    // actor, and of the blocks before what `keep` leaves.
    ScoreHistory with(std::int64_t block, std::span<const std::uint32_t> actors,
                      const List<Real>& scores, std::size_t kept) const;

private:
    std::vector<std::int64_t> block_;
    std::vector<std::size_t> end_;
    std::vector<std::uint32_t> actor_;
    std::vector<Real> score_;
};

// One role's part; missing and no_count: never stored.
template <class Real>
struct RoleScores {
    Roster actors;
    std::vector<Real> score_ema, reward_fraction;
    std::vector<std::uint64_t> score_height;
    Real score_quantile = Number<Real>::from_int(0);
    Real initial_score = Number<Real>::from_int(0);
    ScoreHistory<Real> history; // reputers have none

    std::size_t add(std::uint32_t actor);
    void gather(std::span<const std::uint32_t> actors_of_epoch, std::int64_t nonce,
                RoleRewardState<Real>& dense) const;
    // What the epoch leaves; actors with a value of their own join the roster.
    RoleScores after(std::span<const std::uint32_t> actors_of_epoch, std::int64_t nonce,
                     const RoleRewardState<Real>& dense) const;
};

template <class Real>
class StoredScores {
public:
    RoleScores<Real> inferers, forecasters, reputers;
    std::vector<Real> listening_coefficient, delegate_reward_per_share; // reputers
    Real forecaster_score_ratio = Number<Real>::from_int(0);

    std::size_t add_reputer(std::uint32_t actor);
    // Gives every reputer its places, after reputers joined their roster.
    void align();

    // The dense state of these actors before the epoch of this nonce; nobody is added.
    void gather(const EpochActors& actors, std::int64_t nonce, RewardState<Real>& dense) const;
    // What the epoch leaves; actors with a value of their own join the rosters.
    StoredScores after(const EpochActors& actors, std::int64_t nonce,
                       const RewardState<Real>& dense) const;

    template <class To, class Convert>
    StoredScores<To> converted(const Convert& convert) const;
};

} // namespace allora

#include "state_scores_impl.hpp"

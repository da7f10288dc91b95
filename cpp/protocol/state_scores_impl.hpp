// Bodies of StoredScores; included by state_scores.hpp.
#pragma once

#include "state_scores.hpp"

namespace allora {

template <class Real>
Real* ScoreHistory<Real>::add(std::int64_t block, std::uint32_t actor) {
    const auto found = std::lower_bound(block_.begin(), block_.end(), block);
    const auto at = static_cast<std::size_t>(found - block_.begin());
    if (found == block_.end() || *found != block) {
        end_.insert(end_.begin() + (found - block_.begin()), begin(at));
        block_.insert(found, block);
    }
    const std::size_t entry = end_[at];
    const auto offset = static_cast<std::ptrdiff_t>(entry);
    actor_.insert(actor_.begin() + offset, actor);
    score_.insert(score_.begin() + offset, Number<Real>::missing());
    for (std::size_t later = at; later < end_.size(); ++later) {
        ++end_[later];
    }
    return &score_[entry];
}

template <class Real>
void ScoreHistory<Real>::keep(std::size_t scores) {
    std::size_t first = blocks();
    for (std::size_t kept = 0; first > 0 && kept < scores;) {
        --first;
        kept += end(first) - begin(first);
    }
    const std::size_t dropped = begin(first);
    const auto entries = static_cast<std::ptrdiff_t>(dropped);
    const auto parts = static_cast<std::ptrdiff_t>(first);
    actor_.erase(actor_.begin(), actor_.begin() + entries);
    score_.erase(score_.begin(), score_.begin() + entries);
    block_.erase(block_.begin(), block_.begin() + parts);
    end_.erase(end_.begin(), end_.begin() + parts);
    for (std::size_t& end : end_) {
        end -= dropped;
    }
}

template <class Real>
std::size_t RoleScores<Real>::add(std::uint32_t actor) {
    const std::size_t at = actors.add(actor);
    if (at == score_ema.size()) {
        score_ema.push_back(Number<Real>::missing());
        reward_fraction.push_back(Number<Real>::missing());
        score_height.push_back(no_count);
    }
    return at;
}

template <class Real>
void RoleScores<Real>::gather(std::span<const std::uint32_t> actors_of_epoch, std::int64_t nonce,
                              RoleRewardState<Real>& dense) const {
    const shelf::Indices at = shelf::indices_of(actors, actors_of_epoch);
    shelf::gather_list(score_ema, at, Number<Real>::missing(), dense.score_ema);
    shelf::gather_list(reward_fraction, at, Number<Real>::missing(), dense.reward_fraction);
    shelf::gather_list(score_height, at, no_count, dense.score_height);
    dense.score_quantile = score_quantile;
    dense.initial_score = initial_score;
    dense.has_record = false;
    dense.past_scores.clear();
    for (std::size_t block = history.blocks(); block-- > 0;) {
        if (history.block(block) < nonce) {
            const std::span<const Real> scores = history.scores(block);
            dense.past_scores.append(scores.data(), scores.data() + scores.size());
        }
    }
}

template <class Real>
void RoleScores<Real>::scatter(std::span<const std::uint32_t> actors_of_epoch, std::int64_t nonce,
                               const RoleRewardState<Real>& dense) {
    const bool whole = actors.is(actors_of_epoch);
    for (std::size_t i = 0; i < actors_of_epoch.size(); ++i) {
        if (Number<Real>::is_missing(dense.score_ema[i]) &&
            Number<Real>::is_missing(dense.reward_fraction[i])) {
            continue;
        }
        const std::size_t at = whole ? i : add(actors_of_epoch[i]);
        score_ema[at] = dense.score_ema[i];
        reward_fraction[at] = dense.reward_fraction[i];
        score_height[at] = dense.score_height[i];
    }
    score_quantile = dense.score_quantile;
    initial_score = dense.initial_score;
    if (!dense.has_record) {
        return;
    }
    std::size_t surplus = 0;
    for (const Real& score : dense.record) {
        surplus += Number<Real>::is_missing(score) ? 0 : 1;
    }
    surplus -= std::min(surplus, dense.kept);
    for (std::size_t i = 0; i < dense.record.size(); ++i) {
        if (Number<Real>::is_missing(dense.record[i])) {
            continue;
        }
        if (surplus > 0) {
            --surplus;
        } else {
            *history.add(nonce, actors_of_epoch[i]) = dense.record[i];
        }
    }
    history.keep(dense.kept);
}

template <class Real>
std::size_t StoredScores<Real>::add_reputer(std::uint32_t actor) {
    const std::size_t at = reputers.add(actor);
    align();
    return at;
}

template <class Real>
void StoredScores<Real>::align() {
    listening_coefficient.resize(reputers.actors.size(), Number<Real>::missing());
    delegate_reward_per_share.resize(reputers.actors.size(), Number<Real>::missing());
}

template <class Real>
void StoredScores<Real>::gather(const EpochActors& actors, std::int64_t nonce,
                                RewardState<Real>& dense) const {
    inferers.gather(actors.inferers, nonce, dense.inferers);
    forecasters.gather(actors.forecasters, nonce, dense.forecasters);
    reputers.gather(actors.reputers, nonce, dense.reputers);
    const shelf::Indices at = shelf::indices_of(reputers.actors, actors.reputers);
    shelf::gather_list(listening_coefficient, at, Number<Real>::missing(),
                       dense.listening_coefficient);
    shelf::gather_list(delegate_reward_per_share, at, Number<Real>::missing(),
                       dense.delegate_reward_per_share);
    dense.forecaster_score_ratio = forecaster_score_ratio;
    dense.inferer_included.assign(actors.inferers.size(), 0);
    dense.forecaster_included.assign(actors.forecasters.size(), 0);
}

template <class Real>
void StoredScores<Real>::scatter(const EpochActors& actors, std::int64_t nonce,
                                 const RewardState<Real>& dense) {
    inferers.scatter(actors.inferers, nonce, dense.inferers);
    forecasters.scatter(actors.forecasters, nonce, dense.forecasters);
    reputers.scatter(actors.reputers, nonce, dense.reputers);
    align();
    for (std::size_t m = 0; m < actors.reputers.size(); ++m) {
        if (!Number<Real>::is_missing(dense.listening_coefficient[m]) ||
            !Number<Real>::is_missing(dense.delegate_reward_per_share[m])) {
            const std::size_t at = add_reputer(actors.reputers[m]);
            listening_coefficient[at] = dense.listening_coefficient[m];
            delegate_reward_per_share[at] = dense.delegate_reward_per_share[m];
        }
    }
    forecaster_score_ratio = dense.forecaster_score_ratio;
}

template <class To, class From, class Convert>
ScoreHistory<To> convert_history(const ScoreHistory<From>& from, const Convert& convert) {
    ScoreHistory<To> to;
    for (std::size_t block = 0; block < from.blocks(); ++block) {
        for (std::size_t entry = from.begin(block); entry < from.end(block); ++entry) {
            *to.add(from.block(block), from.actor(entry)) = convert(from.score(entry));
        }
    }
    return to;
}

template <class Real>
template <class To, class Convert>
StoredScores<To> StoredScores<Real>::converted(const Convert& convert) const {
    const auto list = [&](const std::vector<Real>& from) {
        std::vector<To> to(from.size());
        std::transform(from.begin(), from.end(), to.begin(), convert);
        return to;
    };
    const auto role = [&](const RoleScores<Real>& from) {
        return RoleScores<To>{from.actors,
                              list(from.score_ema),
                              list(from.reward_fraction),
                              from.score_height,
                              convert(from.score_quantile),
                              convert(from.initial_score),
                              convert_history<To>(from.history, convert)};
    };
    return {role(inferers),
            role(forecasters),
            role(reputers),
            list(listening_coefficient),
            list(delegate_reward_per_share),
            convert(forecaster_score_ratio)};
}

} // namespace allora

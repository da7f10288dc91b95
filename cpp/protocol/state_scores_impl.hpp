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
ScoreHistory<Real> ScoreHistory<Real>::with(std::int64_t block,
                                            std::span<const std::uint32_t> actors,
                                            const List<Real>& scores, std::size_t kept) const {
    std::size_t surplus = 0;
    for (const Real& score : scores) {
        surplus += Number<Real>::is_missing(score) ? 0 : 1;
    }
    std::size_t count = std::min(surplus, kept);
    surplus -= count;
    const auto each_added = [&](const auto& add) {
        for (std::size_t i = 0, passed = 0; i < scores.size(); ++i) {
            if (!Number<Real>::is_missing(scores[i]) && passed++ >= surplus) {
                add(actors[i], scores[i]);
            }
        }
    };
    ScoreHistory next;
    if (!block_.empty() && block_.back() >= block) {
        next = *this;
        each_added(
            [&](std::uint32_t actor, const Real& score) { *next.add(block, actor) = score; });
        next.keep(kept);
        return next;
    }
    // The newest block: nothing moves, and only what stays is copied.
    const std::size_t added = count;
    std::size_t first = blocks();
    while (first > 0 && count < kept) {
        --first;
        count += end(first) - begin(first);
    }
    const std::size_t dropped = begin(first);
    const auto renew = [](auto& list, const auto& from, std::size_t skipped, std::size_t more) {
        list.reserve(from.size() - skipped + more);
        list.assign(from.begin() + static_cast<std::ptrdiff_t>(skipped), from.end());
    };
    renew(next.block_, block_, first, 1);
    renew(next.end_, end_, first, 1);
    renew(next.actor_, actor_, dropped, added);
    renew(next.score_, score_, dropped, added);
    for (std::size_t& end : next.end_) {
        end -= dropped;
    }
    each_added([&](std::uint32_t actor, const Real& score) {
        next.actor_.push_back(actor);
        next.score_.push_back(score);
    });
    if (added > 0) {
        next.block_.push_back(block);
        next.end_.push_back(next.score_.size());
    }
    return next;
}

template <class Real>
RoleScores<Real> RoleScores<Real>::after(std::span<const std::uint32_t> actors_of_epoch,
                                         std::int64_t nonce,
                                         const RoleRewardState<Real>& dense) const {
    RoleScores next{actors,
                    score_ema,
                    reward_fraction,
                    score_height,
                    dense.score_quantile,
                    dense.initial_score,
                    dense.has_record
                        ? history.with(nonce, actors_of_epoch, dense.record, dense.kept)
                        : history};
    const bool whole = actors.is(actors_of_epoch);
    for (std::size_t i = 0; i < actors_of_epoch.size(); ++i) {
        if (Number<Real>::is_missing(dense.score_ema[i]) &&
            Number<Real>::is_missing(dense.reward_fraction[i])) {
            continue;
        }
        const std::size_t at = whole ? i : next.add(actors_of_epoch[i]);
        next.score_ema[at] = dense.score_ema[i];
        next.reward_fraction[at] = dense.reward_fraction[i];
        next.score_height[at] = dense.score_height[i];
    }
    return next;
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
StoredScores<Real> StoredScores<Real>::after(const EpochActors& actors, std::int64_t nonce,
                                             const RewardState<Real>& dense) const {
    StoredScores next{inferers.after(actors.inferers, nonce, dense.inferers),
                      forecasters.after(actors.forecasters, nonce, dense.forecasters),
                      reputers.after(actors.reputers, nonce, dense.reputers),
                      listening_coefficient,
                      delegate_reward_per_share,
                      dense.forecaster_score_ratio};
    next.align();
    const bool whole = next.reputers.actors.is(actors.reputers);
    for (std::size_t m = 0; m < actors.reputers.size(); ++m) {
        if (!Number<Real>::is_missing(dense.listening_coefficient[m]) ||
            !Number<Real>::is_missing(dense.delegate_reward_per_share[m])) {
            const std::size_t at = whole ? m : next.add_reputer(actors.reputers[m]);
            next.listening_coefficient[at] = dense.listening_coefficient[m];
            next.delegate_reward_per_share[at] = dense.delegate_reward_per_share[m];
        }
    }
    return next;
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

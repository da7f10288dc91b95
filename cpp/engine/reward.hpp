// reward: one topic's scores and rewards, once its network losses are settled. Stage after stage;
// a fault leaves the results and the state of the stages before it.
// allora-chain v0.6, x/emissions/module/rewards/rewards.go.
#pragma once

#include "../formula/listening.hpp"
#include "../formula/reward_fraction.hpp"
#include "../formula/score.hpp"
#include "../formula/score_average.hpp"
#include "../formula/topic_reward.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace allora {

template <class Real>
class Rewarding {
public:
    ALLORA_HD Rewarding(const Rules& rules, const TopicEpoch<Real>& epoch, const List<Real>& losses,
                        RewardState<Real>& state, ReputationScratch<Real>& scratch,
                        TopicReward<Real>& out)
        : rules_(rules), epoch_(epoch), losses_(losses), state_(state), scratch_(scratch),
          out_(out) {}

    ALLORA_HD void run() {
        reset();
        score_reputers_of_epoch() && score_inferers_of_epoch() && score_forecasters_of_epoch() &&
            divide_among_reputers() && divide_among_inferers() && divide_among_forecasters() &&
            split() && reward_reputers() && reward_workers() && pay_everyone();
    }

private:
    ALLORA_HD bool good(Cause cause, const char* field) {
        out_.status.cause = cause;
        out_.status.field = cause == Cause::none ? "" : field;
        return cause == Cause::none;
    }

    // A list that failed leaves no entry behind.
    ALLORA_HD bool whole(Cause cause, List<Real>& entries, const char* field) {
        if (cause != Cause::none) {
            std::fill(entries.begin(), entries.end(), Number<Real>::missing());
        }
        return good(cause, field);
    }

    ALLORA_HD bool keep(List<Real>& entry, const Real& value, const char* field) {
        const Cause cause = Number<Real>::fault(value);
        entry[0] = cause == Cause::none ? value : Number<Real>::missing();
        return good(cause, field);
    }

    ALLORA_HD void reset() {
        out_.status = {};
        out_.iterations = 0;
        each_reward_list(out_, [this](Role role, List<Real>& list) {
            const std::int32_t count = role == Role::inferer      ? epoch_.inferers
                                       : role == Role::forecaster ? epoch_.forecasters
                                       : role == Role::reputer    ? epoch_.reputers
                                                                  : 1;
            list.assign(static_cast<std::size_t>(count), Number<Real>::missing());
        });
    }

    ALLORA_HD bool score_reputers_of_epoch() {
        Reputation<Real> reputation(epoch_, scratch_);
        Listened<Real> listened;
        if (!good(listen(rules_, state_.listening_coefficient, reputation, listened),
                  "reputer_score")) {
            return false;
        }
        out_.iterations = listened.iterations;
        out_.listening_coefficient_used = listened.used;
        out_.reputer_score = listened.scores;
        state_.listening_coefficient = listened.coefficients;
        // Shown, not used: a fault in them is none of the topic's.
        show_adjusted(listened.used, out_.adjusted_stake_used);
        show_adjusted(listened.coefficients, out_.adjusted_stake);
        return average(
            {epoch_.params.active_reputer_quantile, epoch_.params.max_top_reputers_to_reward},
            out_.reputer_score, state_.reputers, "reputer_score_ema");
    }

    ALLORA_HD void show_adjusted(const List<Real>& coefficients, List<Real>& shown) {
        List<Real> adjusted;
        if (adjust_stakes(std::span<const Real>(coefficients), std::span<const Real>(epoch_.stakes),
                          adjusted) == Cause::none) {
            shown = std::move(adjusted);
        }
    }

    ALLORA_HD bool average(const RoleSeats<Real>& seats, const List<Real>& scores,
                           RoleRewardState<Real>& role, const char* field) {
        Real initial;
        if (!good(
                update_averages(rules_, epoch_.params, epoch_.nonce, seats, scores, role, initial),
                field)) {
            return false;
        }
        initial_scores_.emplace_back(&role, initial);
        if (rules_.initial_score_place == InitialScorePlace::with_averages) {
            store_initial_scores();
        }
        return true;
    }

    ALLORA_HD bool store_initial_scores() {
        for (const auto& [role, initial] : initial_scores_) {
            role->initial_score = initial;
        }
        initial_scores_.clear();
        return true;
    }

    ALLORA_HD bool sound(List<Real>& scores, const char* field) {
        for (const Real& score : scores) {
            const Cause cause = Number<Real>::fault(score);
            if (!Number<Real>::is_missing(score) && cause != Cause::none) {
                return whole(cause, scores, field);
            }
        }
        return true;
    }

    // A worker role's scores enter its history and, but for a lone worker, its averages.
    ALLORA_HD bool keep_scores(const WorkerScores<Real>& scored, const RoleSeats<Real>& seats,
                               RoleRewardState<Real>& role, const char* field) {
        if (scored.count > 0) {
            record_scores(rules_, epoch_.params, seats.seats, scored.scores, role);
        }
        return scored.lone || average(seats, scored.scores, role, field);
    }

    ALLORA_HD bool score_inferers_of_epoch() {
        WorkerScores<Real> scored{out_.inferer_score};
        score_inferers(epoch_, losses_, scored);
        inferers_ = scored.count;
        return sound(scored.scores, "inferer_score") &&
               keep_scores(scored,
                           {epoch_.params.active_inferer_quantile,
                            epoch_.params.max_top_inferers_to_reward},
                           state_.inferers, "inferer_score_ema");
    }

    ALLORA_HD bool score_forecasters_of_epoch() {
        WorkerScores<Real> scored{out_.forecaster_score};
        const Cause cause = score_forecasters(rules_.decimal_functions, epoch_, losses_, scored);
        forecasters_ = scored.count;
        return whole(cause, scored.scores, "forecaster_score") &&
               sound(scored.scores, "forecaster_score") &&
               keep_scores(scored,
                           {epoch_.params.active_forecaster_quantile,
                            epoch_.params.max_top_forecasters_to_reward},
                           state_.forecasters, "forecaster_score_ema") &&
               store_initial_scores();
    }

    ALLORA_HD bool entropy(const List<Real>& fractions, RoleRewardState<Real>& role, Real& value,
                           List<Real>& entry, const char* field) {
        const Cause cause =
            task_entropy(rules_.decimal_functions, epoch_.params, fractions, role, value);
        return good(cause, field) && keep(entry, value, field);
    }

    ALLORA_HD bool divide_among_reputers() {
        const Cause cause =
            reputer_fractions(rules_.decimal_functions, epoch_.params.p_reward_reputer,
                              std::span<const Real>(epoch_.stakes),
                              std::span<const Real>(out_.reputer_score), out_.reputer_fraction);
        return whole(cause, out_.reputer_fraction, "reputer_fraction") &&
               entropy(out_.reputer_fraction, state_.reputers, entropies_.reputer,
                       out_.reputer_entropy, "reputer_entropy");
    }

    ALLORA_HD bool divide_among_workers(const Real& p, const Real& c, const List<Real>& scores,
                                        const RoleRewardState<Real>& role, List<Real>& fractions,
                                        const char* field) {
        const List<Real> sample = sampled_scores(role);
        return whole(worker_fractions(rules_.decimal_functions, p, c, epoch_.params.epsilon,
                                      std::span<const Real>(sample), scores, fractions),
                     fractions, field);
    }

    ALLORA_HD bool divide_among_inferers() {
        if (inferers_ == 0) {
            return good(Cause::no_score, "inferer_fraction");
        }
        return divide_among_workers(epoch_.params.p_reward_inference,
                                    epoch_.params.c_reward_inference, out_.inferer_score,
                                    state_.inferers, out_.inferer_fraction, "inferer_fraction") &&
               entropy(out_.inferer_fraction, state_.inferers, entropies_.inference,
                       out_.inference_entropy, "inference_entropy");
    }

    // Forecasting has no entropy, and nothing to smooth, unless it could choose among inferers.
    ALLORA_HD bool divide_among_forecasters() {
        entropies_.forecasting = Number<Real>::from_int(0);
        if (forecasters_ > 0 &&
            !divide_among_workers(epoch_.params.p_reward_forecast, epoch_.params.c_reward_forecast,
                                  out_.forecaster_score, state_.forecasters,
                                  out_.forecaster_fraction, "forecaster_fraction")) {
            return false;
        }
        if (forecasters_ == 0 || inferers_ < 2) {
            return keep(out_.forecasting_entropy, entropies_.forecasting, "forecasting_entropy");
        }
        return entropy(out_.forecaster_fraction, state_.forecasters, entropies_.forecasting,
                       out_.forecasting_entropy, "forecasting_entropy");
    }

    ALLORA_HD bool split() {
        const Real score = losses_[1] - losses_[0];
        if (!keep(out_.forecasting_task_utility_score, score, "forecasting_task_utility_score")) {
            return false;
        }
        const Utility<Real> utility(epoch_.params, out_.inferer_score, score,
                                    state_.forecaster_score_ratio);
        if (!keep(out_.forecaster_score_ratio, utility.ratio, "forecaster_score_ratio") ||
            !keep(out_.chi, utility.chi, "chi")) {
            return false;
        }
        state_.forecaster_score_ratio = utility.ratio;
        const Real gamma = normalisation(entropies_.inference, entropies_.forecasting, utility.chi);
        if (!keep(out_.gamma, gamma, "gamma")) {
            return false;
        }
        tasks_ = task_rewards(entropies_, utility.chi, gamma, epoch_.reward);
        return keep(out_.reputer_task_reward, tasks_.reputer, "reputer_task_reward") &&
               keep(out_.inference_task_reward, tasks_.inference, "inference_task_reward") &&
               keep(out_.forecasting_task_reward, tasks_.forecasting, "forecasting_task_reward");
    }

    ALLORA_HD bool reward_reputers() {
        const Cause cause =
            divide_reward(out_.reputer_fraction, tasks_.reputer, out_.reputer_reward);
        if (!whole(cause, out_.reputer_reward, "reputer_reward")) {
            return false;
        }
        for (std::size_t m = 0; m < out_.reputer_reward.size(); ++m) {
            Real& per_share = state_.delegate_reward_per_share[m];
            const Cause fault =
                share_with_delegators(epoch_.stakes[m], epoch_.delegated[m], out_.reputer_reward[m],
                                      out_.delegators_reward[m], per_share);
            if (fault != Cause::none) {
                whole(fault, out_.delegators_reward, "reputer_reward");
                whole(fault, out_.reputer_reward, "reputer_reward");
                out_.status.actor = static_cast<std::int32_t>(m);
                out_.status.role = "reputer";
                return false;
            }
        }
        return true;
    }

    ALLORA_HD bool reward_workers() {
        return whole(divide_reward(out_.inferer_fraction, tasks_.inference, out_.inferer_reward),
                     out_.inferer_reward, "inferer_reward") &&
               whole(divide_reward(out_.forecaster_fraction, tasks_.forecasting,
                                   out_.forecaster_reward),
                     out_.forecaster_reward, "forecaster_reward");
    }

    // Everybody whose payout does not fail is paid; the status names the first who is not.
    ALLORA_HD bool pay_everyone() {
        pay_role(out_.reputer_reward, "reputer", "reputer_paid", out_.reputer_paid);
        pay_role(out_.inferer_reward, "inferer", "inferer_paid", out_.inferer_paid);
        pay_role(out_.forecaster_reward, "forecaster", "forecaster_paid", out_.forecaster_paid);
        include(out_.inferer_paid, state_.inferer_included);
        include(out_.forecaster_paid, state_.forecaster_included);
        return out_.status.ok();
    }

    ALLORA_HD void pay_role(const List<Real>& rewards, const char* role, const char* field,
                            List<Real>& paid) {
        const Status status = pay(rewards, role, field, paid);
        if (out_.status.ok() || status.cause == Cause::does_not_fit) {
            out_.status = status;
        }
    }

    ALLORA_HD static void include(const List<Real>& paid, List<std::uint8_t>& included) {
        for (std::size_t i = 0; i < paid.size(); ++i) {
            included[i] = Number<Real>::is_missing(paid[i]) ? 0 : 1;
        }
    }

    const Rules& rules_;
    const TopicEpoch<Real>& epoch_;
    const List<Real>& losses_;
    RewardState<Real>& state_;
    ReputationScratch<Real>& scratch_;
    TopicReward<Real>& out_;
    std::int32_t inferers_ = 0;
    std::int32_t forecasters_ = 0;
    Entropies<Real> entropies_{};
    TaskRewards<Real> tasks_{};
    List<std::pair<RoleRewardState<Real>*, Real>> initial_scores_; // not yet stored
};

} // namespace allora

// Parameters of module and topic, and their names.
#pragma once

#include <cstddef>
#include <iterator>

namespace allora {

// Parameters of module and topic; allora-chain, x/emissions/types.
template <class Real>
struct Params {
    Real epsilon;
    Real p_norm;
    Real c_norm;
    Real alpha_regret;
    Real epsilon_safe_div;
    Real p_norm_safe_div;
    Real initial_regret_quantile;
    Real min_weight_threshold_for_stdnorm;
    Real min_experienced_worker_regrets;
    Real inference_outlier_detection_alpha;
    Real inference_outlier_detection_threshold;
    Real label_default_value;
    Real epsilon_reputer;
    Real learning_rate;
    Real gradient_descent_max_iters;
    Real max_gradient_threshold;
    Real min_stake_fraction;
    Real merit_sortition_alpha;
    Real active_inferer_quantile;
    Real active_forecaster_quantile;
    Real active_reputer_quantile;
    Real max_samples_to_scale_scores;
    Real max_top_inferers_to_reward;
    Real max_top_forecasters_to_reward;
    Real max_top_reputers_to_reward;
    Real task_reward_alpha;
    Real beta_entropy;
    Real lambda_initial_score;
    Real p_reward_inference;
    Real p_reward_forecast;
    Real p_reward_reputer;
    Real c_reward_inference;
    Real c_reward_forecast;
};

template <class Real>
struct ParamField {
    const char* name;
    Real Params<Real>::* member;
};

// In the order of the members, which is the order of the caller's columns.
template <class Real>
inline constexpr ParamField<Real> param_fields[] = {
    {"epsilon", &Params<Real>::epsilon},
    {"p_norm", &Params<Real>::p_norm},
    {"c_norm", &Params<Real>::c_norm},
    {"alpha_regret", &Params<Real>::alpha_regret},
    {"epsilon_safe_div", &Params<Real>::epsilon_safe_div},
    {"p_norm_safe_div", &Params<Real>::p_norm_safe_div},
    {"initial_regret_quantile", &Params<Real>::initial_regret_quantile},
    {"min_weight_threshold_for_stdnorm", &Params<Real>::min_weight_threshold_for_stdnorm},
    {"min_experienced_worker_regrets", &Params<Real>::min_experienced_worker_regrets},
    {"inference_outlier_detection_alpha", &Params<Real>::inference_outlier_detection_alpha},
    {"inference_outlier_detection_threshold", &Params<Real>::inference_outlier_detection_threshold},
    {"label_default_value", &Params<Real>::label_default_value},
    {"epsilon_reputer", &Params<Real>::epsilon_reputer},
    {"learning_rate", &Params<Real>::learning_rate},
    {"gradient_descent_max_iters", &Params<Real>::gradient_descent_max_iters},
    {"max_gradient_threshold", &Params<Real>::max_gradient_threshold},
    {"min_stake_fraction", &Params<Real>::min_stake_fraction},
    {"merit_sortition_alpha", &Params<Real>::merit_sortition_alpha},
    {"active_inferer_quantile", &Params<Real>::active_inferer_quantile},
    {"active_forecaster_quantile", &Params<Real>::active_forecaster_quantile},
    {"active_reputer_quantile", &Params<Real>::active_reputer_quantile},
    {"max_samples_to_scale_scores", &Params<Real>::max_samples_to_scale_scores},
    {"max_top_inferers_to_reward", &Params<Real>::max_top_inferers_to_reward},
    {"max_top_forecasters_to_reward", &Params<Real>::max_top_forecasters_to_reward},
    {"max_top_reputers_to_reward", &Params<Real>::max_top_reputers_to_reward},
    {"task_reward_alpha", &Params<Real>::task_reward_alpha},
    {"beta_entropy", &Params<Real>::beta_entropy},
    {"lambda_initial_score", &Params<Real>::lambda_initial_score},
    {"p_reward_inference", &Params<Real>::p_reward_inference},
    {"p_reward_forecast", &Params<Real>::p_reward_forecast},
    {"p_reward_reputer", &Params<Real>::p_reward_reputer},
    {"c_reward_inference", &Params<Real>::c_reward_inference},
    {"c_reward_forecast", &Params<Real>::c_reward_forecast},
};

inline constexpr std::size_t param_count = std::size(param_fields<int>);

} // namespace allora

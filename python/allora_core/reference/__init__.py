"""The executable specification: the network's formulas in plain Python, meant to be read.

Nothing here is compiled and nothing is approximated: :mod:`decimal` numbers follow the network's
arithmetic digit for digit, written form included, and every function carries its equation and its
source. One module per family of formulas:

==================== ==========================================================
module               content
==================== ==========================================================
rules                what changed from version to version, as named choices
number               decimal operations; ``number_text`` their texts
functions            exp, ln, log10, power under either set of programs
statistics           averages, deviations, medians, quantiles
curves               the potential phi, its gradient, the ratio of gradients
weight               regret scale and weights
forecast_implied     forecast-implied inferences
network_inference    combined, naive, one-out and one-in inferences
outlier              which inferences are left out of the second inference
confidence_interval  weighted percentiles
network_loss         stake-weighted losses
regret               regret families and the topic's initial regret
score                scores of inferers and forecasters
consensus            what the reputers agree on, entry by entry
listening            scores of reputers and their listening coefficients
score_average        averages of scores, their quantile, history and samples
reward_fraction      how a task's reward is divided, and the entropy of that
topic_reward         the split of a topic's reward, delegators' part, payout
infer, settle        the first two moments of an epoch
reward               the third one: scores and rewards
loss_function        losses from ground truth; ``czar`` one of them, in plain decimals
sortition            active sets, one submission at a time
topic_weight         weight and fee drip of a topic
topic_activation     epochs' ends, active topics, the end of a block
block_reward         selection and rewards of a block's topics, payout
fixed18              the mint's fixed-point numbers
emission             what is minted each block, and for whom
==================== ==========================================================

    inferred = infer(epoch, state, rules_at("v0.17"))
    settled = settle(epoch, inferred.state, rules_at("v0.17"))
    rewarded = reward(epoch, settled.network_losses, settled.state, rules_at("v0.17"))
"""

from __future__ import annotations

from allora_core.reference.infer import infer
from allora_core.reference.number import NumberError
from allora_core.reference.reward import reward
from allora_core.reference.rules import VERSIONS, Rules, rules_at
from allora_core.reference.settle import settle

__all__ = ["VERSIONS", "NumberError", "Rules", "infer", "reward", "rules_at", "settle"]

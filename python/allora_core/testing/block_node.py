"""A made-up chain, block by block: the mint, the ends of epochs, the order of things in a block.

Sources: allora-chain v0.6, ``x/emissions/module/abci.go``, ``module/rewards``,
``x/mint/module/abci.go``; later releases as their events and notes describe.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from allora_core.epoch import Rewarded
from allora_core.reference.emission import (
    begin_block,
    monthly_emission,
    rewards_paid,
    supplies,
)
from allora_core.reference.fixed18 import Fixed18
from allora_core.reference.topic_activation import end_block
from allora_core.testing.block_forms import Json, Tail, attributes
from allora_core.testing.block_ledger import ACCOUNTS, BEGIN, Ledger
from allora_core.testing.block_topics import END, ROLES
from allora_core.topics import (
    Block,
    EmissionBlock,
    EmissionState,
    Listing,
    MintParams,
    PaidBlock,
    Topics,
)

__all__ = ["Node"]

EMPTY = Listing()
KEPT_EPOCHS = 3
"""The parameter ``min_epoch_length_record_limit``."""


@dataclass
class Node(Ledger):
    """The chain between two blocks.

    Attributes:
        mint_params, mint: parameters and state of the mint.
        emission: what the last begin of a block gave to the rewards account.
        windows: height -> topics whose worker window closes there.
    """

    mint_params: MintParams = field(default_factory=MintParams)
    mint: EmissionState = field(default_factory=EmissionState)
    emission: int = 0
    windows: dict[int, list[tuple[int, int]]] = field(default_factory=dict)

    # Begin of a block

    def begin(self, height: int) -> list[Json]:
        """Mint the block's emission and split it."""
        self.height = height
        account = self.accounts
        block = EmissionBlock(height, account.ecosystem, staked=10**24)
        minted = begin_block(block, self.mint, self.mint_params, self.form.release.rules)
        events = self.new_month(block, minted.state)
        self.mint, self.emission = minted.state, minted.rewards
        account.ecosystem += minted.minted - minted.emission
        account.rewards += minted.rewards
        if minted.minted:
            text = f"{minted.minted}uallo"
            received = {"receiver": ACCOUNTS["mint"], "amount": text}
            events.append(attributes("coin_received", received, BEGIN))
            coinbase = {"minter": ACCOUNTS["mint"], "amount": text}
            events.append(attributes("coinbase", coinbase, BEGIN))
            events += self.between("mint", "ecosystem", minted.minted, BEGIN)
            events.append(self.form.mint("EventEcosystemTokenMintSet", height, minted.minted))
        events += self.between("ecosystem", "fee_collector", minted.validators, BEGIN)
        events += self.between("ecosystem", "rewards", minted.rewards, BEGIN)
        events.append(self.form.mint("EventRewardCurrentBlockEmission", height, minted.rewards))
        if self.form.release.since("late v9"):
            split = {
                "block_emission": minted.emission,
                "validator_cut": minted.validators,
                "allora_rewards_cut": minted.rewards,
                "blocks_per_month": self.mint_params.blocks_per_month,
            }
            events.append(self.form.typed("mint.v3.EventEmissionInfo", split, BEGIN))
        return events

    def new_month(self, block: EmissionBlock, after: EmissionState) -> list[Json]:
        """What the first block of a month tells."""
        params, release = self.mint_params, self.form.release
        if block.height % params.blocks_per_month != 1:
            return []
        events = []
        if release.rules.reputers_percentage == "monthly":
            events += self.share_of_reputers(after, BEGIN)
        _, circulating = supplies(block, block.height, self.mint, params, release.rules)
        each = after.emission_per_unit_staked_token
        month = monthly_emission(Fixed18.from_decimal(each), block.staked)
        fields: dict[str, object] = {
            "staked_token_amount": block.staked,
            "circulating_supply": circulating,
            "emissions_amount": month,
        }
        events.append(self.form.typed("mint.v3.EventTokenomicsSet", fields, BEGIN))
        if release.since("late v9"):
            fields = {
                "emission_per_unit_staked_token": each,
                "emission_per_month": month,
                "block_emission": after.block_emission,
            }
            events.append(self.form.typed("mint.v3.EventRecalculateTargetEmission", fields, BEGIN))
        return events

    def share_of_reputers(self, state: EmissionState, tail: Tail) -> list[Json]:
        """The reputers' share of the rewards, as it is set."""
        told = {"block_height": self.height, "percentage": state.reputers_percentage}
        return self.form.event("EventPreviousPercentageRewardToStakedReputersSet", told, tail)

    # End of a block

    def end(self) -> list[Json]:
        """Removals, ends of epochs, closes, rewards, in the order of the release."""
        events = self.complete_removals()
        rules = self.form.release.rules
        before = self.topics
        balance = self.accounts.rewards
        if rules.topic_weight_storage == "after_rewards" and not before.total_weight:
            balance = 0  # no weight is stored before the first block of rewards is over
        block = Block(self.height, self.emission, balance)
        ended = end_block(before, block, self.weights, rules)
        for topic_id in before.listings.get(self.height, EMPTY).topic_ids:
            events += self.weight_events(topic_id, before, ended.weights, ended.topics)
        for topic_id in ended.opened:
            events += self.open_epoch(topic_id)
        # A nonce that has just closed is rewarded in this very block.
        waiting = {topic_id for topic_id, life in self.lives.items() if life.waiting is not None}
        marked = {
            topic_id: replace(topic, reward_nonce=int(topic_id in waiting))
            for topic_id, topic in before.topics.items()
        }
        ended = end_block(replace(before, topics=marked), block, self.weights, rules)
        self.topics = ended.topics
        if self.form.release.windows_first:
            events += self.close_windows()
        events += self.reward(ended.rewards, ended.paid, ended.refunded)
        if not self.form.release.windows_first:
            events += self.close_windows()
        return events

    def complete_removals(self) -> list[Json]:
        """Take away the stake that was to be removed in this block."""
        events: list[Json] = []
        for topic_id, reputer, amount in self.accounts.removals.pop(self.height, []):
            events += self.stake_events(topic_id, reputer, reputer, -amount, END)
        return events

    def weight_events(
        self, topic_id: int, before: Topics, weights: Mapping[int, Decimal], after: Topics
    ) -> list[Json]:
        """What an end of an epoch says about a topic's weight and revenue."""
        old, new = before.topics[topic_id], after.topics[topic_id]
        weight = weights.get(topic_id, new.previous_weight)
        told = {
            "topic_id": topic_id,
            "new_weight": weight,
            "topic_stake": old.stake,
            "topic_fee_revenue": old.fee_revenue,
        }
        events = self.form.event("EventTopicWeightUpdated", told, END)
        if new.fee_revenue != old.fee_revenue:
            dripped = {
                "topic_id": topic_id,
                "old_revenue": old.fee_revenue,
                "new_revenue": new.fee_revenue,
                "drip_amount": old.fee_revenue - new.fee_revenue,
            }
            events += self.form.event("EventTopicFeeRevenueDripped", dripped, END)
        if old.active and not new.active:
            told = {"topic_id": topic_id, "is_active": False}
            events += self.form.event("EventTopicStatusChanged", told, END)
        return events

    def open_epoch(self, topic_id: int) -> list[Json]:
        """Open a worker nonce and close the reputer nonces that are due."""
        life, nonce = self.lives[topic_id], self.height
        life.worker_nonces.insert(0, nonce)
        end = nonce + life.times.worker_submission_window
        self.windows.setdefault(end, []).append((topic_id, nonce))
        events = life.typed(
            "EventWorkerSubmissionWindowOpened", nonce_block_height=nonce, window_end_block=end
        )
        least = nonce - life.times.ground_truth_lag - life.times.epoch_length
        for due in [each for each in life.reputer_nonces if each <= least]:
            stakes = {m: self.accounts.stake(topic_id, m) for m in life.active["reputer"]}
            events += life.close_reputers(due, self.height, stakes, self.least_stake)
        return events

    def close_windows(self) -> list[Json]:
        """Close the worker windows that end in this block."""
        return [
            event
            for topic_id, nonce in self.windows.pop(self.height, [])
            for event in self.lives[topic_id].close_workers(nonce, self.height)
        ]

    def reward(
        self,
        rewards: Mapping[int, Decimal],
        paid: Mapping[int, Decimal],
        refunded: Mapping[int, int],
    ) -> list[Json]:
        """Pay topics that wait; send back what nobody waits for; tell what each topic got."""
        if not rewards:
            return []
        events: list[Json] = []
        pruned: list[Json] = []
        before, results = self.accounts.rewards, []
        for topic_id, amount in rewards.items():
            if topic_id in paid:
                life = self.lives[topic_id]
                epoch, result, told = life.rewarded(amount)
                oldest = min(life.reputer_nonces, default=epoch.nonce)
                last = max(oldest - KEPT_EPOCHS * life.times.epoch_length, 0)
                fields = {"topic_id": topic_id, "block_height": last}
                pruned = self.form.event("EventPruneRecords", fields, END) + pruned
                events += told
                if result.fault is None:
                    results.append(result)
                    events += self.pay(topic_id, result)
                    for role in ROLES:
                        events += life.settled_rewards(role, result, epoch.nonce, self.height)
            elif refunded.get(topic_id):
                back = refunded[topic_id]
                self.accounts.rewards -= back
                self.accounts.ecosystem += back
                events += self.between("rewards", "ecosystem", back, END)
        told_rewards = {
            topic_id: Decimal(0) if topic_id in refunded else rewards[topic_id]
            for topic_id in sorted(rewards)
        }
        listed = {"topic_ids": list(told_rewards), "rewards": list(told_rewards.values())}
        events += self.form.event("EventTopicRewardsSet", listed, END) + pruned
        return events + self.count_rewards(before, results)

    def count_rewards(self, before: int, results: Sequence[Rewarded]) -> list[Json]:
        """Count a block's rewards for the reputers' share of them.

        Args:
            before: what lay in the rewards account.
        """
        reputers = workers = 0
        task = Decimal(0)
        for result in results:
            reputers += sum(result.delegators_reward.values()) + sum(result.reputer_paid.values())
            workers += sum(result.inferer_paid.values()) + sum(result.forecaster_paid.values())
            task += result.reputer_task_reward or 0
        rules = self.form.release.rules
        block = EmissionBlock(self.height, 0, 0)
        paid = PaidBlock(0, 0, reputers, reputers + workers, task)
        self.mint = rewards_paid(block, before, paid, self.mint, self.mint_params, rules)
        is_last = self.height % self.mint_params.blocks_per_month == 0
        if rules.reputers_percentage == "monthly" or not (is_last and before):
            return []
        return self.share_of_reputers(self.mint, END)

    def pay(self, topic_id: int, result: Rewarded) -> list[Json]:
        """Move the coins of a topic's rewards; a reputer's are staked at once."""
        events: list[Json] = []
        for reputer, amount in result.delegators_reward.items():
            if amount:
                self.accounts.rewards -= amount
                events += self.between("rewards", "delegators", amount, END)
                share = result.state.delegate_reward_per_share[reputer]
                told = {"topic_id": topic_id, "reputer": reputer, "reward_per_share": share}
                events += self.form.event("EventDelegateRewardShareUpdated", told, END)
                told = {"topic_id": topic_id, "reputer": reputer, "amount": amount}
                events += self.form.event("EventDelegateRewardDistributed", told, END)
        for reputer, amount in result.reputer_paid.items():
            self.accounts.rewards -= amount
            events += self.between("rewards", "staking", amount, END)
            events += self.stake_events(topic_id, reputer, reputer, amount, END)
        for paid in (result.inferer_paid, result.forecaster_paid):
            for worker, amount in paid.items():
                self.accounts.rewards -= amount
                events += self.coins(ACCOUNTS["rewards"], worker, amount, END)
        return events

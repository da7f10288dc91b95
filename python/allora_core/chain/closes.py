"""The end of a block: removals, ends of epochs, closes of nonces, rewards.

All topics that are due go to the engine as one batch.

Sources: allora-chain v0.6, ``x/emissions/module/abci.go``, ``keeper/actor_utils/worker.go``,
``losses.go``, ``module/rewards/rewards.go``; block data, sections 1.2 and 1.5 to 1.7.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from ..batch import Epochs, Numbers, as_column, from_column, read_numbers
from ..block_rewards import EndedBlock
from ..epoch import TopicError
from ..states import States
from ..topics import PaidBlock
from . import written, written_stakes
from .columns import joined, whole_units
from .feed import ROLES, end_of
from .pack import Close, accept, by_address, pack
from .seats import Seats
from .submissions import submit_all
from .timeline import (
    block_steps,
    due_reputers,
    due_workers,
    opened,
    pruned,
    records_pruned_to,
    reputer_opened,
    reputer_window,
    worker_can_close,
)
from .topic import Life, Waiting

if TYPE_CHECKING:
    from .life import Chain
    from .warm import Warm

__all__ = ["end_block"]


def end_block(chain: Chain, height: int) -> None:
    """Do everything that the end of a block does."""
    closing = [chain.lives[topic] for topic in dict.fromkeys(chain.windows.pop(height, []))]
    ending = chain.topics_at(height)
    done = chain.ledger.complete(
        height, chain.module.whole("half_max_process_stake_removals_end_block", 40)
    )
    written_stakes.removed(chain, done, height)
    if not (closing or ending or done):
        written.stakes(chain, height)
        return
    touched = {life.topic_id: life for life in closing}
    touched |= {topic: chain.lives[topic] for topic in ending}
    for life in touched.values():
        life.refresh(chain.module, chain.number)
    submit_all(chain, end_of(height), touched)
    ended = None
    if chain.warm is not None:
        close_epochs(chain, ending, height)
    elif ending:
        ended = end_epochs(chain, ending, height)
    for step in block_steps(chain.release.timeline):
        if step == "worker_windows":
            close_workers(chain, closing, height)
        elif step == "rewards" and chain.warm is not None:
            reward_as_recorded(chain, chain.warm, ending, height)
        elif step == "rewards" and ended is not None:
            reward(chain, ended, height)
    written.stakes(chain, height)


def end_epochs(chain: Chain, ending: list[int], height: int) -> EndedBlock | None:
    """New weights, selection, new worker nonces, and the closes of reputer nonces."""
    for topic_id in ending:
        chain.count_fees(chain.lives[topic_id], end_of(height))
    try:
        ended = chain.ended(height)
    except TopicError as error:
        chain.fault(height, 0, "topics", error)
        return None
    columns, ids = ended.columns, ended.table.columns["topic_id"]
    weights = dict(zip(columns["listed"].tolist(), read_numbers(columns["weight"]), strict=True))
    selected = columns["selected"].tolist()
    close_epochs(chain, [int(ids[at]) for at in selected if weights[at] != 0], height)
    # A nonce that has just closed is rewarded in this very block.
    ended = chain.ended(height)
    written.weights(chain, ended, ending, height)
    chain.table = ended.table
    places = [chain.position(topic_id) for topic_id in ending]
    revenue = from_column(ended.table.columns["fee_revenue"])
    left = whole_units(revenue[places])
    chain.fees |= dict(zip(ending, left, strict=True))
    chain.note_changes(height)
    return ended


def close_epochs(chain: Chain, topics: Sequence[int], height: int) -> None:
    """Open a worker nonce of each topic, and close its reputer nonces that are due."""
    lives = [chain.lives[topic_id] for topic_id in topics]
    for life in lives:
        open_epoch(chain, life, height)
    ends = [height + life.lengths.worker_submission_window for life in lives]
    keys = [(life.topic_id, height) for life in lives]
    written.steps(chain, keys, "worker_opened", height, ends)
    rules = chain.release.timeline
    due = {life.topic_id: due_reputers(life.open, height, life.lengths, rules) for life in lives}
    for number in range(max(map(len, due.values()), default=0)):
        several = [life for life in lives if number < len(due[life.topic_id])]
        close_reputers(chain, several, [due[life.topic_id][number] for life in several], height)


def open_epoch(chain: Chain, life: Life, height: int) -> None:
    """Open a worker nonce, and prune what is stale."""
    life.epoch_last_ended = height
    most = chain.module.whole("max_unfulfilled_worker_requests", 100)
    life.open.worker, _ = opened(life.open.worker, height, most)
    end = height + life.lengths.worker_submission_window
    chain.windows.setdefault(end, []).append(life.topic_id)
    chain.wake(end)
    most = chain.module.whole("max_unfulfilled_reputer_requests", 100)
    life.open, dropped = pruned(life.open, height, life.lengths, most)
    for nonce in dropped:
        life.accepted.pop(nonce, None)


def close_workers(chain: Chain, closing: Sequence[Life], height: int) -> None:
    """Close the worker windows that end in this block."""
    rounds: list[list[tuple[Life, int]]] = []
    for life in closing:
        # A second nonce of a topic finds what the first one left.
        for number, nonce in enumerate(due_workers(life.open, height, life.lengths)):
            if number == len(rounds):
                rounds.append([])
            rounds[number].append((life, nonce))
    for each in rounds:
        close_round(chain, each, height)


def close_round(chain: Chain, due: Sequence[tuple[Life, int]], height: int) -> None:
    """Close one worker nonce of each topic: what was accepted, and the network inferences."""
    rules, formulas = chain.release.timeline, chain.release.formulas
    stale = formulas.recorded_lowest == "kept_across_epochs"
    closed: list[tuple[Life, int]] = []
    for life, nonce in due:
        life.open.worker.remove(nonce)
        for role in ROLES[:2]:
            meet_recorded(chain, life, role, nonce, height)
        allowed = worker_can_close(nonce, height, life.epoch_last_ended, life.lengths, rules)
        if allowed and len(life.seats["inferer"].actors):
            closed.append((life, nonce))
        elif rules.failed_close == "emptied":
            for role in ROLES[:2]:
                life.seats[role] = life.seats[role].emptied(stale)
    if closed:
        take_workers(chain, closed, height)
    written.steps(chain, [(life.topic_id, nonce) for life, nonce in due], "worker_closed", height)
    for life, _ in closed:
        for role in ROLES[:2]:
            life.seats[role] = life.seats[role].emptied(stale)
    recorded = rules.network_inference == "recorded"
    if not closed or not (recorded or formulas.outlier_resistant != "absent"):
        return
    closes = [close_of(life, nonce) for life, nonce in closed]
    batch = pack(chain.number, chain.feed, chain.addresses, closes)
    positions = [life.at for life, _ in closed]
    inferred = chain.engine.infer(batch, states_of(chain, positions))
    keep(chain, positions, inferred.states)
    note_faults(chain, closes, inferred.status, "infer", height)
    if recorded:
        written.inferences(chain, closes, inferred, height)


def take_workers(chain: Chain, closed: Sequence[tuple[Life, int]], height: int) -> None:
    """Take the active sets at the close of worker nonces, and open the reputer nonces."""
    rules = chain.release.timeline
    lives = [life for life, _ in closed]
    sets = [(life.seats["inferer"], life.seats["forecaster"]) for life in lives]
    took = accept(
        chain.feed,
        chain.addresses,
        [inferers for inferers, _ in sets],
        [forecasters for _, forecasters in sets],
        [nonce for _, nonce in closed],
        chain.chosen,
        chain.release.formulas.labels == "vector",
    )
    most = chain.module.whole("max_unfulfilled_reputer_requests", 100)
    ends = []
    for (life, nonce), accepted in zip(closed, took, strict=True):
        life.accepted[nonce] = accepted
        life.open.reputer, dropped = reputer_opened(life.open.reputer, nonce, most)
        for old in dropped:
            life.accepted.pop(old, None)
        ends.append(reputer_window(nonce, life.lengths, rules).last)
    keys = [(life.topic_id, nonce) for life, nonce in closed]
    written.steps(chain, keys, "worker_committed", height)
    written.steps(chain, keys, "reputer_opened", height, ends)
    if chain.release.formulas.labels == "vector":
        written.label_registries(chain, keys, [each.labels for each in took], height)
    for role, members in zip(ROLES, zip(*sets, strict=True), strict=False):
        written.members(chain, keys, role, [each.actors for each in members], height)


def meet_recorded(chain: Chain, life: Life, role: str, nonce: int, height: int) -> None:
    """Hold an active set against the recorded one, where the close told it.

    A warm up, which does not know the averages that decide, takes the recorded members over; else
    a member too many or too few is a fault.
    """
    recorded = chain.recorded.active_sets.get((life.topic_id, nonce, role))
    if recorded is None:
        return
    seats, payloads = life.seats[role], chain.feed.roles[role]
    mine = {chain.addresses.texts[code] for code in seats.actors.tolist()}
    wrong = sorted(mine.symmetric_difference(recorded))
    if not wrong:
        return
    if chain.warm is None:
        cause = "not_recorded" if wrong[0] in mine else "recorded_only"
        error = TopicError(life.topic_id, wrong[0], f"active_{role}s", cause)
        chain.fault(height, nonce, "submission", error)
        return
    codes = chain.addresses.codes(sorted(set(recorded)))
    found = [payloads.last(life.topic_id, nonce, int(code)) for code in codes]
    there = [at for at, submission in enumerate(found) if submission >= 0]
    life.seats[role] = Seats(
        codes[there], np.array([found[at] for at in there], np.int64), seats.lowest
    )


def close_of(life: Life, nonce: int) -> Close:
    """A topic's part of a batch without reports."""
    assert life.numbers is not None
    none = np.empty(0, np.int64)
    return Close(
        life.topic_id, nonce, life.accepted[nonce], life.numbers, np.empty(0, np.int32), none
    )


def states_of(chain: Chain, positions: Sequence[int]) -> States:
    """States of some topics."""
    return States(chain.states.take(list(positions)), chain.number)


def keep(chain: Chain, positions: Sequence[int], states: States) -> None:
    """Store the states of some topics."""
    chain.states = chain.states.put(list(positions), states.core)


def note_faults(
    chain: Chain,
    closes: Sequence[Close],
    status: Iterable[TopicError | None],
    stage: str,
    height: int,
) -> None:
    """Keep the faults of a batch."""
    for close, error in zip(closes, status, strict=True):
        if error is not None:
            chain.fault(height, close.nonce, stage, error)


def close_reputers(chain: Chain, lives: Sequence[Life], nonces: Sequence[int], height: int) -> None:
    """Close one reputer nonce of each topic: network losses, regrets, scale, weights."""
    rules = chain.release.timeline
    stale = chain.release.formulas.recorded_lowest == "kept_across_epochs"
    settling: list[tuple[Life, Close]] = []
    for life, nonce in zip(lives, nonces, strict=True):
        life.open.reputer.remove(nonce)
        try:
            close = reports_of(chain, life, nonce, height)
        except TopicError as error:
            close = None
            chain.fault(height, nonce, "settle", error)
        if close is not None:
            settling.append((life, close))
        elif rules.failed_close == "emptied":
            life.seats["reputer"] = life.seats["reputer"].emptied(stale)
        life.accepted.pop(nonce, None)
    keys = [(life.topic_id, nonce) for life, nonce in zip(lives, nonces, strict=True)]
    written.steps(chain, keys, "reputer_closed", height)
    if not settling:
        return
    closes = [close for _, close in settling]
    batch = pack(chain.number, chain.feed, chain.addresses, closes)
    positions = [life.at for life, _ in settling]
    settled = chain.engine.settle(batch, states_of(chain, positions))
    keep(chain, positions, settled.states)
    note_faults(chain, closes, settled.status, "settle", height)
    written.settled(chain, closes, batch, settled, height)
    losses: Numbers = settled.columns["network_losses"]
    chain.last_settled = (height, closes, batch, losses)
    bounds = batch.columns["loss_row_offsets"].tolist()
    good = [at for at, fault in enumerate(settled.status) if fault is None]
    for at in good:
        life, close = settling[at]
        life.settled += 1
        life.waiting = Waiting(close, losses[bounds[at] : bounds[at + 1]])
    keys = [(closes[at].topic_id, closes[at].nonce) for at in good]
    actors = [settling[at][0].seats["reputer"].actors for at in good]
    written.members(chain, keys, "reputer", actors, height)
    written.steps(chain, keys, "reputer_committed", height)
    for at, (life, _) in enumerate(settling):
        if settled.status[at] is None or rules.failed_close == "emptied":
            life.seats["reputer"] = life.seats["reputer"].emptied(stale)


def reports_of(chain: Chain, life: Life, nonce: int, height: int) -> Close | None:
    """The reports of the active reputers that count; None where there is none.

    Raises:
        TopicError: nothing is known of the nonce's workers, or a report is about another nonce.
    """
    meet_recorded(chain, life, "reputer", nonce, height)
    if chain.warm is not None:
        chain.warm.assume_stakes(chain, life)
    if nonce not in life.accepted:
        raise TopicError(life.topic_id, "", "inferences", "missing_value", f"nonce {nonce}")
    seats, ledger, texts = life.seats["reputer"], chain.ledger, chain.addresses.texts
    least = max(chain.module.whole("required_minimum_stake", 0), 0)
    order = by_address(chain.addresses, seats.actors)
    actors, submissions = seats.actors[order], seats.submissions[order]
    holders = [(life.topic_id, texts[code]) for code in actors.tolist()]
    stakes = [ledger.whole.get(holder, 0) for holder in holders]
    keep = np.array([stake >= least for stake in stakes], bool)
    foreign = keep & (chain.feed.roles["reputer"].nonce[submissions] != nonce)
    if foreign.any():
        if chain.release.formulas.wrong_nonce_report == "fault":
            name = holders[int(np.flatnonzero(foreign)[0])][1]
            raise TopicError(life.topic_id, name, "nonce", "wrong_nonce")
        keep &= ~foreign
    rows = np.flatnonzero(keep)
    if not len(rows):
        return None
    close = close_of(life, nonce)
    close.reputers, close.reports = actors[rows], submissions[rows]
    close.stakes = [stakes[at] for at in rows.tolist()]
    close.delegated = [ledger.delegated.get(holders[at], 0) for at in rows.tolist()]
    return close


def reward(chain: Chain, ended: EndedBlock, height: int) -> None:
    """Score and reward the topics that wait, and pay them."""
    columns = ended.columns
    ids = ended.table.columns["topic_id"]
    selected = [int(ids[at]) for at in columns["selected"].tolist()]
    rewards: Numbers = columns["reward"]
    given = read_numbers(rewards)
    refunds = read_numbers(columns["refund"])
    waits = columns["waiting"].tolist()
    before = chain.mint.rewards
    rows = [
        (chain.lives[topic_id], rewards[at : at + 1])
        for at, topic_id in enumerate(selected)
        if waits[at] and chain.lives[topic_id].waiting is not None
    ]
    paid = PaidBlock(before or 0, 0, 0, 0, Decimal(0))
    if rows:
        paid = reward_topics(chain, rows, height)
    refunded = sum(int(back) for back in refunds if back is not None)
    if chain.mint.rewards is not None:
        chain.mint.rewards -= paid.everyone + refunded
    chain.mint.ecosystem += refunded
    if any(reward is not None for reward in given):
        if before is not None:
            chain.mint.paid(height, before, paid, chain.release.formulas)
        written.topic_rewards(chain, selected, rewards, refunds, height)


def reward_as_recorded(chain: Chain, warm: Warm, topics: Sequence[int], height: int) -> None:
    """Score and reward the topics that wait, with the rewards that the record gives them."""
    rows = [
        (chain.lives[topic_id], chain.numbers([warm.reward(height, topic_id)]))
        for topic_id in topics
        if chain.lives[topic_id].waiting is not None
    ]
    if rows:
        reward_topics(chain, rows, height)


def reward_topics(chain: Chain, rows: Sequence[tuple[Life, Numbers]], height: int) -> PaidBlock:
    """Rewards of some topics as one batch; what was paid to whom."""
    waiting = [life.waiting for life, _ in rows]
    closes = [each.close for each in waiting if each is not None]
    losses = [each.losses for each in waiting if each is not None]
    rewards = joined([amount for _, amount in rows], chain.number)
    settled_at, settled, batch, column = chain.last_settled
    same = settled_at == height and len(settled) == len(closes)
    if same and all(one is other for one, other in zip(settled, closes, strict=True)):
        batch.columns["reward"] = as_column(rewards)
    else:
        for at, (life, _) in enumerate(rows):
            assert life.numbers is not None
            closes[at].params, closes[at].reward = life.numbers, rewards[at : at + 1]
            refresh_stakes(chain, life, closes[at])
        batch = pack(chain.number, chain.feed, chain.addresses, closes)
        column = joined(losses, chain.number)
    positions = [life.at for life, _ in rows]
    rewarded = chain.engine.reward(batch, column, states_of(chain, positions))
    keep(chain, positions, rewarded.states)
    note_faults(chain, closes, rewarded.status, "reward", height)
    written.rewarded(chain, closes, batch, rewarded, column, height)
    most = chain.module.whole("min_epoch_length_record_limit", 3)
    pruned_to = [
        (life.topic_id, records_pruned_to(life.open, close.nonce, life.lengths, most))
        for (life, _), close in zip(rows, closes, strict=True)
    ]
    written.steps(chain, pruned_to, "pruned", height)
    for life, _ in rows:
        life.waiting = None
    written_stakes.shared(chain, closes, rewarded, height)
    return pay(chain, closes, batch, rewarded.status, rewarded.columns, height)


def refresh_stakes(chain: Chain, life: Life, close: Close) -> None:
    """Scores see the stakes of now."""
    ledger, texts = chain.ledger, chain.addresses.texts
    holders = [(life.topic_id, texts[code]) for code in close.reputers.tolist()]
    close.stakes = [ledger.whole.get(holder, 0) for holder in holders]
    close.delegated = [ledger.delegated.get(holder, 0) for holder in holders]


def pay(
    chain: Chain,
    closes: Sequence[Close],
    batch: Epochs,
    status: Sequence[TopicError | None],
    columns: dict[str, Numbers],
    height: int,
) -> PaidBlock:
    """Pay whole base units; reputers' rewards become stake."""
    own, others = whole_units(columns["reputer_paid"]), whole_units(columns["delegators_reward"])
    workers = [
        (whole_units(columns[f"{role}_paid"]), offsets.tolist())
        for role, offsets in (
            ("inferer", batch.inferers.offsets),
            ("forecaster", batch.forecasters.offsets),
        )
    ]
    tasks = read_numbers(columns["reputer_task_reward"])
    bounds = batch.reputers.offsets.tolist()
    texts, move = chain.addresses.texts, chain.ledger.move
    reputers = everyone = 0
    task = Decimal(0)
    staked: list[tuple[int, str, int]] = []
    for at, close in enumerate(closes):
        if status[at] is not None:
            continue
        begin, end = bounds[at : at + 2]
        for code, amount in zip(close.reputers.tolist(), own[begin:end], strict=True):
            if amount:
                move(close.topic_id, texts[code], "", amount)
                staked.append((close.topic_id, texts[code], amount))
        mine = sum(own[begin:end]) + sum(others[begin:end])
        reputers += mine
        everyone += mine + sum(
            sum(amounts[offsets[at] : offsets[at + 1]]) for amounts, offsets in workers
        )
        task += tasks[at] or 0
    written_stakes.added(chain, staked, height)
    return PaidBlock(0, 0, reputers, everyone, task)

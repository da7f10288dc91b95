"""What a chain's topics remember, as plain values for people."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ..batch import from_column, read_numbers
from ..epoch import State
from ..reference.number_text import plain_text
from ..states import States
from .feed import ROLES
from .life import Chain

__all__ = ["topic_rows"]


def topic_rows(
    chain: Chain, topics: Collection[int] | None, with_actors: bool
) -> list[dict[str, Any]]:
    """One record per topic: schedule, stakes, nonces, active sets and what formulas carry.

    Args:
        chain: the chain after some block.
        topics: these alone; None: all.
        with_actors: also one record per actor.
    """
    states = States(chain.states, chain.number)
    columns = chain.up_to_date().columns
    weights = read_numbers(from_column(columns["previous_weight"])) if chain.lives else []
    rows = []
    for topic_id in sorted(chain.lives):
        if topics is not None and topic_id not in topics:
            continue
        life, at = chain.lives[topic_id], chain.position(topic_id)
        state = states.state(life.at)
        end = int(columns["epoch_end"][at])
        weight = weights[at]
        row: dict[str, Any] = {
            "topic_id": topic_id,
            "active": bool(columns["active"][at]),
            "epoch_end": None if end < 0 else end,
            "epoch_last_ended": life.epoch_last_ended,
            "weight": None if weight is None else plain_text(weight),
            "stake": str(chain.ledger.topics.get(topic_id, 0)),
            "fee_revenue": str(chain.fees.get(topic_id, 0)),
            "worker_nonces": life.open.worker,
            "reputer_nonces": life.open.reputer,
            "seats": [len(life.seats[role].actors) for role in ROLES],
            "initial_regret": plain_text(state.initial_regret),
            "regret_scale": plain_text(state.regret_scale),
        }
        if with_actors:
            row["actors"] = actors_of(chain, topic_id, state)
        rows.append(row)
    return rows


def actors_of(chain: Chain, topic_id: int, state: State) -> list[dict[str, Any]]:
    """One record per role and address that the topic knows."""
    rows = []
    for role in ROLES:
        averages = getattr(state, f"{role}_score_ema")
        known = {*averages, *getattr(state, f"{role}_regret", {})}
        if role == "reputer":
            known |= {who for topic, who in chain.ledger.whole if topic == topic_id}
        for address in sorted(known):
            values: dict[str, Any] = {
                "score_ema": averages.get(address),
                "regret": getattr(state, f"{role}_regret", {}).get(address),
                "weight": getattr(state, f"{role}_weight", {}).get(address),
            }
            if role == "reputer":
                values["listening_coefficient"] = state.listening_coefficient.get(address)
            told = {name: plain_text(value) for name, value in values.items() if value is not None}
            stake = chain.ledger.whole.get((topic_id, address))
            if role == "reputer" and stake is not None:
                told["stake"] = str(stake)
            rows.append({"role": role, "address": address, **told})
    return rows

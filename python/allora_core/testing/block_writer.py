"""Block data made up: histories of topics as the JSON that a node of a release would serve.

A history is any sequence of epochs: drawn by `allora_core.testing.strategies`, recorded, or
written by hand. Its epochs get the nonces of a chain that starts at some height: topics are
created, registered for, staked on and funded by transactions; workers and reputers send signed
payloads in their windows; the chain computes by the readable formulas of `allora_core.reference`
and tells in events what the release tells.

>>> from decimal import Decimal
>>> from allora_core.epoch import Epoch, Report, ValueBundle
>>> one = Decimal("1.5")
>>> losses = ValueBundle(one, one, inferer={"allo1a": one})
>>> epoch = Epoch(1, 1, {"allo1a": {"y": one}}, reports={"allo1r": Report(Decimal(10**6), losses)})
>>> blocks = list(write_blocks(BlockPlan((TopicPlan((epoch,)),), "v0.16")))
>>> blocks[0].block["result"]["block"]["header"]["chain_id"]
'allora-synthetic-1'

Everything says that it is made up: the chain's name, and a field ``synthetic`` in every answer and
in the genesis. Headers' hashes are no Merkle roots; transactions are signed with nothing.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import orjson

from allora_core.collector import collector_paused
from allora_core.epoch import Params, State
from allora_core.reference.rules import Rules
from allora_core.testing.block_forms import RELEASES, Form, Json, Release, attributes
from allora_core.testing.block_ledger import Accounts, Message
from allora_core.testing.block_messages import answer, transaction
from allora_core.testing.block_node import Node
from allora_core.testing.block_params import TOPIC_PARAMS, ChainParams, genesis
from allora_core.testing.block_script import Script, TopicPlan
from allora_core.testing.block_topics import Formulas, TopicLife, TopicTimes
from allora_core.topics import EmissionState

__all__ = [
    "BlockPlan",
    "TopicPlan",
    "WrittenBlock",
    "save_blocks",
    "transaction_answers",
    "write_blocks",
    "write_genesis",
]

NOTE = "made up by allora-core; not recorded from any chain"
START = datetime(2026, 1, 1, tzinfo=timezone.utc)
SECONDS = 5


@dataclass(frozen=True)
class BlockPlan:
    """What is to be written.

    Attributes:
        topics: in the order in which they are created.
        release: a name of `allora_core.testing.block_forms.RELEASES`.
        rules: choices of the formulas, where they are not the release's.
        chain: parameters.
        chain_id: of the chain; should say that it is made up.
        first_height: of the first block.
        emission: base units that each block emits.
        rewards: what lies in the rewards account at first.
        failing: every payload is also sent once more, in a transaction that fails.
        wrapped: payloads run in a MsgExec of another account.
        together: most payloads of one block that stand in one transaction.
        administering: an actor of each topic goes to another owner, and is put on a whitelist.
        claiming: delegators ask for their rewards.
        removing: a reputer takes out a part of its stake in each topic.
        gaps: heights that are computed and not written.
        formulas: what computes.
    """

    topics: tuple[TopicPlan, ...]
    release: str = "v0.17"
    rules: Rules | None = None
    chain: ChainParams = field(default_factory=ChainParams)
    chain_id: str = "allora-synthetic-1"
    first_height: int = 1001
    emission: int = 10**15
    rewards: int = 0
    failing: bool = False
    wrapped: bool = False
    together: int = 1
    administering: bool = False
    claiming: bool = False
    removing: bool = False
    gaps: frozenset[int] = frozenset()
    formulas: Formulas = field(default_factory=Formulas)

    def __post_init__(self) -> None:
        """Refuse what no chain could be.

        Raises:
            ValueError: an unknown release, no topics, or a first height that begins a month.
        """
        if self.release not in RELEASES:
            raise ValueError(f"unknown release {self.release!r}; known: {', '.join(RELEASES)}")
        if not self.topics:
            raise ValueError("block data of no topics")
        if self.first_height < 2:
            raise ValueError("first_height must be at least 2: block 1 begins the first month")


@dataclass(frozen=True)
class WrittenBlock:
    """The two answers of a node about one height, as parsed JSON."""

    height: int
    block: Json
    results: Json


def write_genesis(plan: BlockPlan) -> Json:
    """The genesis that the blocks of a plan follow."""
    return genesis(
        plan.chain,
        RELEASES[plan.release],
        plan.chain_id,
        plan.first_height,
        time_at(plan, plan.first_height),
        plan.emission,
        plan.rewards,
        NOTE,
    )


def write_blocks(plan: BlockPlan) -> Iterator[WrittenBlock]:
    """The blocks of a plan, until the last epoch of every topic is rewarded.

    Raises:
        TopicError: a formula fails on the history, as it may on extreme numbers. Such histories
            cannot be written: what a node then leaves half done is not modelled.
    """
    node = made_node(plan)
    script = Script(node, plan)
    last_hash = ""
    height = plan.first_height
    while not script.finished(height):
        begun = node.begin(height)
        sent: list[bytes] = []
        results: list[Json] = []
        for messages in script.transactions(height):
            raw = signed(plan, messages, len(sent), height)
            sent.append(raw)
            results.append(executed(node, messages, raw, is_wrapped(plan, messages)))
        ended = node.end()
        script.after(height)
        block = block_answer(plan, height, sent, last_hash)
        last_hash = block["result"]["block_id"]["hash"]
        if height not in plan.gaps:
            yield WrittenBlock(height, block, results_answer(height, results, begun + ended))
        height += 1


def made_node(plan: BlockPlan) -> Node:
    """The chain before its first block."""
    form = Form(replace(RELEASES[plan.release], changed_rules=plan.rules))
    chain = plan.chain

    def life(topic_id: int, created: Mapping[str, Any]) -> TopicLife:
        times = TopicTimes(
            created["epoch_length"],
            created["ground_truth_lag"],
            created["worker_submission_window"],
        )
        params = topic_params(chain.params, plan.topics[topic_id - 1].params, form.release)
        return TopicLife(
            topic_id, times, params, form, form.release.rules, plan.formulas, State(topic_id)
        )

    return Node(
        form=form,
        weights=chain.weights,
        least_stake=chain.least_stake,
        data_sending_fee=chain.data_sending_fee,
        removal_delay=chain.removal_delay,
        topic_life=life,
        accounts=Accounts(plan.rewards, 0),
        mint_params=replace(chain.mint, blocks_per_month=chain.weights.blocks_per_month),
        mint=EmissionState(block_emission=plan.emission),
    )


def topic_params(chain: Params, own: Params, release: Release) -> Params:
    """The chain's parameters with what a topic of the release says for itself."""
    names = (*TOPIC_PARAMS, *release.topic_params)
    return replace(chain, **{name: getattr(own, name) for name in names})


def signed(plan: BlockPlan, messages: list[Message], index: int, height: int) -> bytes:
    """A transaction's bytes; the memo makes each different."""
    memo = f"{height}/{index}"
    grantee = "allo1synthetic0grantee" if is_wrapped(plan, messages) else None
    seal = hashlib.sha512(memo.encode()).digest()
    return transaction(messages, RELEASES[plan.release].api, 5000, memo, seal, grantee)


def is_wrapped(plan: BlockPlan, messages: list[Message]) -> bool:
    """Whether messages run in a MsgExec."""
    return plan.wrapped and all(name.endswith("Payload") for name, _ in messages)


def executed(node: Node, messages: list[Message], raw: bytes, wrapped: bool) -> Json:
    """A transaction's result; the fee's events come from the ante handler and always stand."""
    code, events, log = node.deliver(messages, wrapped)
    payer = str(messages[0][1].get("sender") or messages[0][1].get("creator"))
    sealed = base64.b64encode(hashlib.sha512(raw).digest()).decode()
    names = ["MsgExec"] if wrapped else [name for name, _ in messages]
    data = answer(names, node.form.release.api, len(node.lives))
    ante = [
        attributes("tx", {"fee": "", "fee_payer": payer}),
        attributes("tx", {"acc_seq": f"{payer}/{node.height}"}),
        attributes("tx", {"signature": sealed}),
    ]
    return {
        "code": code,
        "data": None if code else base64.b64encode(data).decode(),
        "log": log,
        "info": "",
        "gas_wanted": "250000",
        "gas_used": "120000",
        "events": [*ante, *events],
        "codespace": "emissions" if code else "",
    }


def time_at(plan: BlockPlan, height: int) -> str:
    """A block's time in nanoseconds."""
    moment = START + timedelta(seconds=SECONDS * (height - plan.first_height))
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000000000Z")


def digest(*parts: bytes) -> str:
    """A hash in hex, as headers hold them."""
    return hashlib.sha256(b"|".join(parts)).hexdigest().upper()


def block_answer(plan: BlockPlan, height: int, sent: list[bytes], last_hash: str) -> Json:
    """What ``/block`` says."""
    where = f"{plan.chain_id}/{height}".encode()
    data_hash = digest(*(hashlib.sha256(raw).digest() for raw in sent))
    block_id = {"hash": digest(where, data_hash.encode()), "parts": {"total": 1, "hash": data_hash}}
    fixed = digest(plan.chain_id.encode())
    header = {
        "version": {"block": "11"},
        "chain_id": plan.chain_id,
        "height": str(height),
        "time": time_at(plan, height),
        "last_block_id": {"hash": last_hash, "parts": {"total": 1, "hash": last_hash}},
        "last_commit_hash": fixed,
        "data_hash": data_hash,
        **dict.fromkeys(("validators_hash", "next_validators_hash", "consensus_hash"), fixed),
        **dict.fromkeys(("app_hash", "last_results_hash", "evidence_hash"), fixed),
        "proposer_address": fixed[:40],
    }
    block = {
        "header": header,
        "data": {"txs": [base64.b64encode(raw).decode() for raw in sent]},
        "evidence": {"evidence": []},
        "last_commit": {"height": str(height - 1), "round": 0, "signatures": []},
    }
    result = {"block_id": block_id, "block": block, "synthetic": NOTE}
    return {"jsonrpc": "2.0", "id": -1, "result": result}


def results_answer(height: int, results: list[Json], events: list[Json]) -> Json:
    """What ``/block_results`` says."""
    result = {
        "height": str(height),
        "txs_results": results or None,
        "finalize_block_events": events,
        "validator_updates": None,
        "consensus_param_updates": None,
        "app_hash": "",
        "synthetic": NOTE,
    }
    return {"jsonrpc": "2.0", "id": -1, "result": result}


def transaction_answers(written: WrittenBlock) -> Iterator[Json]:
    """What ``/tx`` says about each transaction of a block, found by its SHA-256."""
    texts = written.block["result"]["block"]["data"]["txs"]
    results = written.results["result"]["txs_results"] or []
    for index, (text, result) in enumerate(zip(texts, results, strict=True)):
        answer = {
            "hash": hashlib.sha256(base64.b64decode(text)).hexdigest().upper(),
            "height": str(written.height),
            "index": index,
            "tx_result": result,
            "tx": text,
        }
        yield {"jsonrpc": "2.0", "id": -1, "result": answer}


@collector_paused()
def save_blocks(plan: BlockPlan, path: Path | str) -> int:
    """Write genesis and blocks as JSON lines; a name ending with ``.gz`` is packed.

    Returns:
        How many blocks were written.
    """
    path = Path(path)
    count = 0

    def lines() -> Iterator[bytes]:
        nonlocal count
        yield orjson.dumps(write_genesis(plan))
        for written in write_blocks(plan):
            count += 1
            yield orjson.dumps(written.block)
            yield orjson.dumps(written.results)

    packed = path.suffix == ".gz"
    with path.open("wb") as file:
        write_lines(gzip.GzipFile("", "wb", fileobj=file, mtime=0) if packed else file, lines())
    return count


def write_lines(file: Any, lines: Iterable[bytes]) -> None:
    """One document a line."""
    for line in lines:
        file.write(line + b"\n")
    if isinstance(file, gzip.GzipFile):
        file.close()

"""Writes the fuzzer's corpus anew: ``python tests/wire/corpus.py``.

What it holds is said in ``tests/vectors/wire_corpus/README.md``.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from random import Random

from odd_writer import filled, odd_transaction, packed, spelled
from witness import MESSAGES, NAMES, any_of, type_url

VECTORS = Path(__file__).parents[1] / "vectors"
CORPUS = VECTORS / "wire_corpus"
BLOCK = VECTORS / "blocks/testnet_block_7038753_rest.json"

SELECTED = [
    "InsertReputerPayload",
    "InsertWorkerPayload",
    "UpdateParams",
    "CreateNewTopic",
    "UpdateTopic",
    "Register",
    "DelegateStake",
    "CancelRemoveDelegateStake",
    "RewardDelegateStake",
    "TransferActorOwnership",
    "FundTopic",
    "BulkAddToTopicWorkerWhitelist",
    "EnableTopicReputerWhitelist",
]
"""The messages of ``fuzz_decode.cpp`` in its order; MsgExec comes behind them."""


def main() -> None:
    """Write all files."""
    rng = Random(1)
    block = json.loads(BLOCK.read_text())["data"]["block"]["data"]["txs"]
    inputs = {
        f"recorded_{index}": b"\0" + base64.b64decode(text) for index, text in enumerate(block)
    }
    for name in NAMES:
        message = any_of(type_url(name, 10), spelled(filled(name, rng), rng))
        inputs[f"transaction_{name}"] = b"\0" + odd_transaction([message], rng)
    for number, name in enumerate(SELECTED, start=1):
        inputs[f"message_{name}"] = bytes([number]) + spelled(filled(name, rng), rng)
    inner = [packed(rng, depth=1) for _ in range(3)]
    execute = MESSAGES["MsgExec"](grantee="allo1", msgs=inner)
    inputs["message_MsgExec"] = bytes([len(SELECTED) + 1]) + spelled(execute, rng)
    for name, data in inputs.items():
        (CORPUS / f"{name}.bin").write_bytes(data)


if __name__ == "__main__":
    main()

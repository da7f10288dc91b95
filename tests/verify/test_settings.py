"""What a transaction sets is compared, what its event repeats besides is not."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from allora_core.archive.schema import TABLES
from allora_core.verify_blocks.compare import Comparison, compare
from allora_core.verify_blocks.quantities import SETTINGS
from allora_core.verify_blocks.settings import changed_values


def compared(params: list[dict[str, Any]], topics: list[dict[str, Any]]) -> Comparison:
    tables = {"params": params, "topics": topics}
    read = {name: pa.Table.from_pylist(rows, TABLES[name].schema) for name, rows in tables.items()}
    told, sent = changed_values(read["params"], read["topics"])
    found = compare({"params": told}, {"params": sent}, pa.array([], pa.int64()), SETTINGS)
    return found[-1]


def param(source: str, name: str, value: str, height: int = 9) -> dict[str, Any]:
    place = {"height": height, "tx_index": 1, "msg_index": 0}
    return {**place, "module": "emissions", "name": name, "value": value, "source": source}


def test_parameters_that_a_transaction_names() -> None:
    sent = [param("transaction", "learning_rate", "5e-2"), param("transaction", "version", "v9")]
    told = [param("event", name, value) for name, value in (("learning_rate", "0.05"),)]
    told += [param("event", "version", "v9"), param("event", "epsilon", "0.01")]
    other = [param("event", "learning_rate", "0.07", height=12), param("state", "version", "v8")]
    found = compared([*sent, *told, *other], [])
    assert (found.compared, found.failed) == (2, 0)
    told[0]["value"] = "0.06"
    found = compared([*sent, *told, *other], [])
    assert (found.compared, found.failed) == (2, 1)
    assert str(found.first) == (
        "height 9: parameters and topics as sent (module emissions name learning_rate): "
        "recorded 0.06, computed 0.05"
    )


def test_fields_that_an_update_of_a_topic_names() -> None:
    place = {"height": 9, "tx_index": 1, "msg_index": 0, "topic_id": 3}
    sent = {**place, "epoch_length": 20, "p_norm": "3.0", "source": "transaction"}
    told = {**place, "epoch_length": 20, "p_norm": "3.0", "c_norm": "0.75", "source": "event"}
    found = compared([], [sent, told])
    assert (found.compared, found.failed) == (2, 0)
    found = compared([], [sent, {**told, "epoch_length": 21}])
    assert found.failed == 1
    assert found.first is not None
    assert found.first.keys["module"] == "topic 3"

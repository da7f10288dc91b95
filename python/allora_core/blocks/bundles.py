"""Value bundles as rows: losses and inferences of all kinds, in every form the chain wrote.

Three forms exist. Until v8, and in early v9, a list holds ``{worker, value}`` objects. From v9 on
two lists of addresses come first and the values follow their positions. From v10 on a network
inference holds one value a label.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..archive.schema import Rows

__all__ = ["add_inference_bundle", "add_value_bundle"]

Row = tuple[str, str | None, str | None, str]
"""Kind, inferer, forecaster, value."""

PER_INFERER = {"inferer_values": "inferer", "one_out_inferer_values": "one_out_inferer"}
PER_FORECASTER = {
    "forecaster_values": "forecaster",
    "one_out_forecaster_values": "one_out_forecaster",
    "one_in_forecaster_values": "one_in_forecaster",
}
MATRIX = "one_out_inferer_forecaster_values"


def add_value_bundle(
    rows: Rows, table: str, origin: Mapping[str, Any], row: dict[str, Any], bundle: dict[str, Any]
) -> None:
    """Add a bundle with one value a cell.

    Args:
        row: the columns that all rows share.
        bundle: in the form by address (``inferer_addresses``) or in the form of objects.

    Raises:
        KeyError: a field is missing.
        ValueError: a list does not have one value an address.
    """
    values: list[Row] = [
        ("combined", None, None, bundle["combined_value"]),
        ("naive", None, None, bundle["naive_value"]),
    ]
    values += by_position(bundle) if "inferer_addresses" in bundle else by_object(bundle)
    kinds, inferers, forecasters, texts = (list(column) for column in zip(*values, strict=True))
    rows.add(
        table,
        origin,
        len(values),
        **row,
        kind=kinds,
        inferer=inferers,
        forecaster=forecasters,
        value=texts,
    )


def positions(addresses: list[str], values: list[Any], name: str) -> list[tuple[str, Any]]:
    """Addresses with their values. None may be withheld: with one worker those lists are empty."""
    may_lack = name.startswith("one_")
    if (values or not may_lack) and len(values) != len(addresses):
        raise ValueError(f"{name} has {len(values)} values for {len(addresses)} addresses")
    return list(zip(addresses, values, strict=False))


def by_position(bundle: dict[str, Any]) -> list[Row]:
    """The cells of a bundle whose values follow two lists of addresses."""
    inferers, forecasters = bundle["inferer_addresses"], bundle["forecaster_addresses"]
    cells: list[Row] = []
    for name, kind in PER_INFERER.items():
        cells += [(kind, at, None, value) for at, value in positions(inferers, bundle[name], name)]
    for name, kind in PER_FORECASTER.items():
        listed = positions(forecasters, bundle[name], name)
        cells += [(kind, None, at, value) for at, value in listed]
    for forecaster, line in positions(forecasters, bundle.get(MATRIX) or [], MATRIX):
        cells += [
            ("one_out_inferer_forecaster", inferer, forecaster, value)
            for inferer, value in positions(inferers, line, MATRIX)
        ]
    return cells


def by_object(bundle: dict[str, Any]) -> list[Row]:
    """The cells of a bundle that names the worker beside each value."""
    cells: list[Row] = []
    for name, kind in PER_INFERER.items():
        cells += [(kind, cell["worker"], None, cell["value"]) for cell in bundle.get(name) or ()]
    for name, kind in PER_FORECASTER.items():
        cells += [(kind, None, cell["worker"], cell["value"]) for cell in bundle.get(name) or ()]
    for line in bundle.get(MATRIX) or ():
        cells += [
            ("one_out_inferer_forecaster", cell["worker"], line["forecaster"], cell["value"])
            for cell in line["one_out_inferer_values"]
        ]
    return cells


def add_inference_bundle(
    rows: Rows, origin: Mapping[str, Any], row: dict[str, Any], bundle: dict[str, Any]
) -> None:
    """Add a network inference with one value a label.

    The rows of the matrix stand without their inferer where a forecaster lacks a pair: their
    places then name nobody.

    Raises:
        KeyError: a field is missing.
        ValueError: a list does not have one value a label.
    """
    labels = bundle["label_names"]
    inferers, forecasters = bundle["inferer_addresses"], bundle["forecaster_addresses"]
    vectors: list[tuple[str, str | None, str | None, list[str]]] = [
        ("combined", None, None, bundle["combined_value"]),
        ("naive", None, None, bundle["naive_value"]),
    ]
    for name, kind in PER_INFERER.items():
        vectors += [(kind, at, None, cell) for at, cell in positions(inferers, bundle[name], name)]
    for name, kind in PER_FORECASTER.items():
        listed = positions(forecasters, bundle[name], name)
        vectors += [(kind, None, at, cell) for at, cell in listed]
    matrix = bundle.get(MATRIX) or []
    full = len(matrix) == len(forecasters) and all(len(line) == len(inferers) for line in matrix)
    for place, line in enumerate(matrix):
        for number, cell in enumerate(line):
            inferer = inferers[number] if full else None
            forecaster = forecasters[place] if full else None
            vectors.append(("one_out_inferer_forecaster", inferer, forecaster, cell))
    values: list[Any] = []
    for _, _, _, cell in vectors:
        before = len(values)
        values.extend(cell)
        if len(values) - before != len(labels):
            raise ValueError(f"value has {len(values) - before} values for {len(labels)} rows")
    repeated = [vector for vector in vectors for _ in labels]
    rows.add(
        "network_inferences",
        origin,
        len(values),
        **row,
        kind=[kind for kind, _, _, _ in repeated],
        inferer=[inferer for _, inferer, _, _ in repeated],
        forecaster=[forecaster for _, _, forecaster, _ in repeated],
        label=list(labels) * len(vectors),
        value=values,
    )

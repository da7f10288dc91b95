"""What a record can be checked for by itself, without a replay: its stateless stages.

Every stage gets the chain's own recorded inputs, so that errors do not travel: the mint's split,
network losses out of the reputers' reports and their stakes, workers' scores and the forecasting
task's score out of the network losses. By the readable formulas of `allora_core.reference`, epoch
by epoch; a replay is the fast way, and the thorough one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..archive.files import Archive, Range
from ..archive.pieces import pieces_of
from ..archive.schema import TABLES, arrow_table
from ..epoch import Epoch, Report, TopicError, ValueBundle
from ..reference.network_loss import accepted_reports, network_losses
from ..reference.number import NumberError
from ..reference.number_text import plain_text
from ..reference.rules import Rules, rules_at
from ..reference.score import forecaster_scores, forecasting_task_score, inferer_scores
from .compare import Comparer, Comparison
from .inputs import stake_before, stake_place
from .quantities import QUANTITIES, Quantity, amount
from .record import (
    Tables,
    compare_sent,
    of_source,
    recorded_tables,
    told_heights,
    with_inputs,
)

__all__ = ["check", "compare_split"]

RELEASES = {"v4": "v0.6", "v5": "v0.7", "v7": "v0.8", "v8": "v0.9", "v9": "v0.16", "v10": "v0.17"}
VALIDATORS = "0.25"

CHECKED: tuple[Quantity, ...] = (
    next(each for each in QUANTITIES if each.name == "network losses"),
    Quantity(
        "workers' scores",
        "scores",
        "score",
        "topic_id nonce actor_type address",
        "address",
        "actor_type <> 'reputer'",
    ),
    next(each for each in QUANTITIES if each.name == "forecasting task scores"),
)
"""What is checked, in the chain's order within a block."""

Key = tuple[int, int]


def check(
    archive: Archive,
    topics: Sequence[int] | None = None,
    heights: Range | None = None,
) -> list[Comparison]:
    """Check an archive's record against itself.

    Returns:
        What actors sent against what events say of it, then every stateless quantity. What the
        record lacks the inputs for is not compared.
    """
    stakes = Stakes(archive, topics)
    with Comparer(CHECKED) as comparer:
        for piece in pieces_of(archive, heights):
            recorded, computed = checked_piece(archive, stakes, topics, piece, heights)
            comparer.take(recorded, computed, told_heights(archive, piece))
        found = comparer.finish()
    sent = compare_sent(archive, topics, heights)
    return with_inputs(archive, [*sent, *compare_split(archive, heights), *found])


def checked_piece(
    archive: Archive,
    stakes: Stakes,
    topics: Sequence[int] | None,
    piece: Range,
    heights: Range | None,
) -> tuple[Tables, Tables]:
    """What is recorded at some heights and can be checked, and what follows for it."""
    names = ["scores", "forecast_task_scores", "network_losses"]
    recorded = recorded_tables(archive, names, topics, piece)
    rows = Computed()
    stakes.read_to(piece[1])
    checked = reported_losses(archive, recorded["network_losses"], stakes, rows, topics)
    # Scores may follow many blocks after the losses that they are computed from.
    nonces = nonces_of(recorded["scores"])
    losses = recorded_tables(archive, names[2:], topics, heights, nonces)
    bundles = recorded_bundles(losses["network_losses"])
    scored(recorded["scores"], bundles, rows)
    task_scores(recorded["forecast_task_scores"], recorded["scores"], bundles, rows)
    recorded["network_losses"] = only(recorded["network_losses"], checked)
    recorded["scores"] = only(recorded["scores"], set(bundles))
    return recorded, {name: rows.table(name) for name in names}


def nonces_of(table: pa.Table) -> list[int]:
    """All nonces."""
    return [nonce for nonce in pc.unique(table["nonce"]).to_pylist() if nonce is not None]


class Stakes:
    """Recorded stakes of every reputer: those of the heights at hand, and the last one before."""

    def __init__(self, archive: Archive, topics: Sequence[int] | None) -> None:
        self.archive, self.topics = archive, topics
        self.rows: dict[tuple[int, str], list[dict[str, Any]]] = {}
        self.height = -1

    def read_to(self, height: int) -> None:
        """Read on up to a height."""
        for piece in pieces_of(self.archive, (self.height + 1, height)):
            self.rows = {
                holder: [max(listed, key=stake_place)] for holder, listed in self.rows.items()
            }
            table = recorded_tables(self.archive, ["stakes"], self.topics, piece)["stakes"]
            for (topic_id, reputer), listed in runs(table, "topic_id", "reputer"):
                self.rows.setdefault((topic_id, reputer), []).extend(listed)
        self.height = height

    def before(self, topic_id: int, reputer: str, weighed_at: tuple[int, int]) -> str | None:
        """A reputer's whole stake when losses were weighed."""
        return stake_before(self.rows.get((topic_id, reputer), []), weighed_at)


@dataclass
class Computed:
    """Rows computed, by table."""

    columns: dict[str, dict[str, list[Any]]] = field(default_factory=dict)

    def add(self, table: str, **values: Any) -> None:
        """Add a row; what is not given is null."""
        columns = self.columns.setdefault(table, {name: [] for name in TABLES[table].written})
        for name, column in columns.items():
            column.append(values.get(name))

    def table(self, name: str) -> pa.Table:
        """The rows as the archive would hold them."""
        if name not in self.columns:
            return TABLES[name].schema.empty_table()
        return arrow_table(TABLES[name], self.columns[name])


def only(table: pa.Table, keys: Iterable[Key]) -> pa.Table:
    """The rows of some topics and nonces."""
    wanted = pa.table(
        {
            "topic_id": pa.array([topic for topic, _ in keys], pa.int64()),
            "nonce": pa.array([nonce for _, nonce in keys], pa.int64()),
        }
    )
    place = pa.array(range(table.num_rows), pa.int64())
    kept = table.append_column("place", place).join(
        wanted, keys=["topic_id", "nonce"], join_type="left semi"
    )
    return kept.sort_by("place").drop_columns(["place"])


# The mint


SPLIT = amount("mint split", "mint_values", "value", "height event")


def compare_split(archive: Archive, heights: Range | None = None) -> list[Comparison]:
    """Compare the validators' cut of each block that was paid with the one that is due."""
    params = archive.read("params", columns=["name", "value"])
    named = params.filter(pc.equal(params["name"], "validators_vs_allora_percent_reward"))
    share = Fraction(named["value"].to_pylist()[-1] if named.num_rows else VALIDATORS)
    with Comparer([SPLIT]) as comparer:
        for piece in pieces_of(archive, heights):
            cuts, expected = minted(archive, piece, share)
            sides = {"mint_values": cuts}, {"mint_values": expected}
            comparer.take(*sides, pa.array([], pa.int64()))
        return comparer.finish()


def minted(archive: Archive, heights: Range, share: Fraction) -> tuple[pa.Table, pa.Table]:
    """The validators' cut of each block as it was paid, and as it follows from the emission.

    Whoever pays the emission to the rewards account is the ecosystem account; what else it pays in
    the begin of the block goes to the validators. The cut is rounded down.
    """
    emission = archive.read("mint_values", heights)
    emission = emission.filter(
        pc.and_(
            pc.equal(emission["event"], "EventRewardCurrentBlockEmission"),
            pc.equal(emission["name"], "token_amount"),
        )
    )
    paid: dict[int, list[dict[str, Any]]] = {}
    transfers = archive.read("transfers", heights)
    begun = transfers.filter(pc.equal(transfers["mode"], "BeginBlock"))
    for row in begun.to_pylist():
        paid.setdefault(row["height"], []).append(row)
    cuts, expected = Computed(), Computed()
    for height, text in zip(
        emission["height"].to_pylist(), emission["value"].to_pylist(), strict=True
    ):
        there = paid.get(height, [])
        payers = {row["sender"] for row in there if row["amount"] == text}
        others = [row for row in there if row["sender"] in payers and row["amount"] != text]
        if len(payers) == 1 and len(others) == 1:
            cut = int(others[0]["amount"])
            right = (int(text) + cut) * share // 1
            at = {"height": height, "event": "validators' cut", "name": "amount"}
            cuts.add("mint_values", **at, value=str(cut))
            expected.add("mint_values", **at, value=str(right))
    return cuts.table("mint_values"), expected.table("mint_values")


# Bundles


def runs(table: pa.Table, *names: str) -> Iterator[tuple[tuple[Any, ...], list[dict[str, Any]]]]:
    """Rows of a table by equal values of some columns."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in table.to_pylist():
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    yield from groups.items()


def bundle_of(rows: Iterable[dict[str, Any]]) -> ValueBundle:
    """A value bundle out of its rows; NaN stands for nothing."""
    lists: dict[str, dict[str, Decimal]] = {
        name: {}
        for name in (
            "inferer",
            "forecaster",
            "one_out_inferer",
            "one_out_forecaster",
            "one_in_forecaster",
        )
    }
    pairs: dict[str, dict[str, Decimal]] = {}
    single: dict[str, Decimal] = {}
    for row in rows:
        kind, value = row["kind"], Decimal(row["value"] or "0")
        if value.is_nan():
            continue
        if kind in ("combined", "naive"):
            single[kind] = value
        elif kind == "one_out_inferer_forecaster":
            pairs.setdefault(row["forecaster"], {})[row["inferer"]] = value
        else:
            role = "forecaster" if kind.endswith("forecaster") else "inferer"
            lists[kind].setdefault(row[role], value)
    return ValueBundle(
        single.get("combined"), single.get("naive"), **lists, one_out_inferer_forecaster=pairs
    )


def recorded_bundles(losses: pa.Table) -> dict[Key, tuple[ValueBundle, Rules]]:
    """Network losses by topic and nonce, but for those whose values were moved to be told."""
    found = {}
    for (topic_id, nonce, version), rows in runs(losses, "topic_id", "nonce", "api_version"):
        if not any(at_bound(row["value"]) for row in rows):
            found[topic_id, nonce] = bundle_of(rows), rules_at(RELEASES.get(version, "v0.17"))
    return found


def at_bound(text: str) -> bool:
    """Whether a value is exactly 1e-40 or 1e40, which stands for anything beyond."""
    value = abs(Decimal(text or "0"))
    return value in (Decimal("1E-40"), Decimal("1E+40"))


# Stages


def reported_losses(
    archive: Archive,
    recorded: pa.Table,
    stakes: Stakes,
    rows: Computed,
    topics: Sequence[int] | None,
) -> set[Key]:
    """Network losses where reports, the active sets and every reputer's stake are told.

    Returns:
        Topics and nonces of which they could be computed.
    """
    names = ["reputer_losses", "active_sets", "forecasts"]
    tables = recorded_tables(archive, names, topics, None, nonces_of(recorded))
    sent = dict(runs(of_source(tables["reputer_losses"], "transaction"), "topic_id", "nonce"))
    members: dict[Key, dict[str, list[str]]] = {}
    for (topic_id, nonce, kind), listed in runs(
        of_source(tables["active_sets"], "event"), "topic_id", "nonce", "actor_type"
    ):
        members.setdefault((topic_id, nonce), {})[kind] = [row["address"] for row in listed]
    elements = dict(runs(of_source(tables["forecasts"], "transaction"), "topic_id", "nonce"))
    computed = set()
    for (topic_id, nonce, version, height), losses_told in runs(
        recorded, "topic_id", "nonce", "api_version", "height"
    ):
        key = (topic_id, nonce)
        weighed_at = (height, losses_told[0]["event_index"])
        sets = members.get(key, {})
        reports = {
            reputer: Report(Decimal(held), bundle_of(listed))
            for (reputer,), listed in runs(
                pa.Table.from_pylist(sent.get(key, []) or [{"reputer": None}]), "reputer"
            )
            if reputer in sets.get("reputer", ())
            and (held := stakes.before(topic_id, reputer, weighed_at)) is not None
        }
        if not reports or set(reports) != set(sets.get("reputer", ())):
            continue
        inferers = set(sets.get("inferer", ()))
        forecasters = {
            row["forecaster"]: ()
            for row in elements.get(key, [])
            if row["forecaster"] in sets.get("forecaster", ()) and row["inferer"] in inferers
        }
        epoch = Epoch(topic_id, nonce, {j: {} for j in inferers}, dict(forecasters), reports)
        try:
            rules = rules_at(RELEASES.get(version, "v0.17"))
            losses = network_losses(epoch, accepted_reports(epoch, rules))
        except TopicError:
            continue
        computed.add(key)
        for kind, inferer, forecaster, value in cells(losses):
            rows.add(
                "network_losses",
                height=height,
                topic_id=topic_id,
                nonce=nonce,
                kind=kind,
                inferer=inferer,
                forecaster=forecaster,
                value=plain_text(value),
            )
    return computed


def cells(losses: ValueBundle) -> Iterator[tuple[str, str | None, str | None, Decimal]]:
    """Kind, inferer, forecaster and value of every entry."""
    for kind in ("combined", "naive"):
        value = getattr(losses, kind)
        if value is not None:
            yield kind, None, None, value
    for kind in ("inferer", "one_out_inferer"):
        for actor, value in getattr(losses, kind).items():
            yield kind, actor, None, value
    for kind in ("forecaster", "one_out_forecaster", "one_in_forecaster"):
        for actor, value in getattr(losses, kind).items():
            yield kind, None, actor, value
    for forecaster, row in losses.one_out_inferer_forecaster.items():
        for inferer, value in row.items():
            yield "one_out_inferer_forecaster", inferer, forecaster, value


def scored(
    recorded: pa.Table, bundles: dict[Key, tuple[ValueBundle, Rules]], rows: Computed
) -> None:
    """Workers' scores of the epochs that were scored."""
    for (topic_id, nonce, kind, height), _ in runs(
        recorded, "topic_id", "nonce", "actor_type", "height"
    ):
        if kind == "reputer" or (topic_id, nonce) not in bundles:
            continue
        losses, rules = bundles[topic_id, nonce]
        try:
            scores = (
                inferer_scores(losses) if kind == "inferer" else forecaster_scores(losses, rules)
            )
        except NumberError:
            continue
        at = {"height": height, "topic_id": topic_id, "nonce": nonce, "actor_type": kind}
        for address, score in scores.items():
            rows.add("scores", **at, address=address, score=plain_text(score))


def task_scores(
    recorded: pa.Table,
    scores: pa.Table,
    bundles: dict[Key, tuple[ValueBundle, Rules]],
    rows: Computed,
) -> None:
    """The forecasting task's score; the block's scores say which nonce it belongs to."""
    nonces = {
        (topic_id, height): nonce
        for (topic_id, height, nonce), _ in runs(scores, "topic_id", "height", "nonce")
    }
    for (topic_id, height), _ in runs(recorded, "topic_id", "height"):
        key = (topic_id, nonces.get((topic_id, height), -1))
        if key in bundles:
            score = plain_text(forecasting_task_score(bundles[key][0]))
            rows.add("forecast_task_scores", height=height, topic_id=topic_id, score=score)

"""SQL by which recorded and computed rows of one quantity are joined on their keys."""

from __future__ import annotations

from .quantities import Quantity

__all__ = ["ORDER", "column_of", "joined", "keys_of", "side"]

ORDER = "height, tx_index NULLS LAST, event_index NULLS LAST, position"
"""The chain's order of rows."""


def keys_of(quantity: Quantity, prefix: str = "") -> str:
    """The key columns."""
    return ", ".join(prefix + column_of(name) for name in quantity.key_names)


def column_of(name: str) -> str:
    """The column of a key."""
    return f"key_{name}"


def key_text(name: str) -> str:
    """A key as text that can be joined; the one label of a single output may go unnamed."""
    nothing = "y" if name == "label" else ""
    text = f"coalesce(CAST(\"{name}\" AS VARCHAR), '{nothing}')"
    return f"{text} AS {column_of(name)}"


def side(quantity: Quantity, table: str) -> str:
    """The rows of one side: keys, value and origin; the last of several where only it counts."""
    keys = ", ".join(key_text(name) for name in quantity.key_names)
    value = "'present'" if quantity.value is None else f'CAST("{quantity.value}" AS VARCHAR)'
    floating = f"TRY_CAST({value} AS DOUBLE)"
    if not quantity.is_whole:  # numbers in binary floating point come without a text
        floating = f'"{quantity.value}_f64"'
        value = f"coalesce({value}, CAST({floating} AS VARCHAR))"
    origin = "api_version, position, height, tx_index, event_index"
    rows = (
        f"SELECT {keys}, {value} AS value, {floating} AS value_f64, {origin} FROM {table} "
        f"WHERE {quantity.where}"
    )
    absent = " AND value <> 'NaN'" if quantity.nan_is_absent else ""
    listed = f"SELECT * FROM ({rows}) WHERE value IS NOT NULL{absent}"
    if quantity.is_last:
        listed += (
            f" QUALIFY {numbered(quantity)} = count(*) OVER (PARTITION BY {keys_of(quantity)})"
        )
    return listed


def numbered(quantity: Quantity) -> str:
    """Which of several rows of equal keys one is."""
    return f"row_number() OVER (PARTITION BY {keys_of(quantity)} ORDER BY {ORDER})"


CLAMPED_FLOAT = (
    "CASE WHEN c.value_f64 = 0 OR isnan(c.value_f64) THEN c.value_f64 ELSE "
    "sign(c.value_f64) * least(greatest(abs(c.value_f64), 1e-40), 1e40) END"
)
SIGN = "CASE WHEN {0} LIKE '-%' THEN '-' ELSE '' END"
TINY = "(regexp_full_match({0}, '-?0[.]0{{40,}}[0-9]*') AND regexp_matches({0}, '[1-9]'))"
HUGE = (
    "(regexp_full_match({0}, '-?[1-9][0-9]{{40,}}([.][0-9]*)?') "
    "AND NOT regexp_full_match({0}, '-?10{{40}}([.]0*)?'))"
)


def clamped(text: str) -> str:
    """SQL: a plain text moved into 1e-40 to 1e40, as v10 does; zero and NaN stay."""
    sign = SIGN.format(text)
    return (
        f"CASE WHEN {TINY.format(text)} THEN {sign} || '0.' || repeat('0', 39) || '1' "
        f"WHEN {HUGE.format(text)} THEN {sign} || '1' || repeat('0', 40) ELSE {text} END"
    )


def valued(text: str) -> str:
    """SQL: the text with nothing that does not change its value."""
    bare = f"ltrim({text}, '-')"
    cut = f"CASE WHEN contains({bare}, '.') THEN rtrim(rtrim({bare}, '0'), '.') ELSE {bare} END"
    digits = f"ltrim({cut}, '0')"
    return f"CASE WHEN {digits} = '' THEN '0' ELSE {SIGN.format(text)} || {digits} END"


def joined(quantity: Quantity, relative: float | None, first_told: str) -> str:
    """Tables ``r`` and ``c`` on their keys, the i-th of equal keys with the i-th, with a verdict.

    The verdict is null where the record lacks what it need not tell. Heights in ``told`` have their
    events; the table ``first_told`` says since when events like one are told.
    """
    keys = [column_of(name) for name in quantity.key_names]
    chosen = ", ".join(f"coalesce(r.{key}, c.{key}) AS {key}" for key in keys)
    same = " AND ".join(f"r.{key} = c.{key}" for key in [*keys, "occurrence"])
    own, floating = "c.value", "c.value_f64"
    if quantity.is_clamped and not quantity.is_whole:
        own = f"CASE WHEN r.api_version = 'v10' THEN {clamped('c.value')} ELSE c.value END"
        floating = f"CASE WHEN r.api_version = 'v10' THEN {CLAMPED_FLOAT} ELSE c.value_f64 END"
    # A number near 0 may be the difference of large ones: the block's largest sets the scale.
    error = f"abs({floating} - r.value_f64) / greatest(r.scale, 1e-300)"
    close = "" if relative is None else f"WHEN error <= {relative!r} THEN 'form' "
    verdict = (
        "CASE WHEN computed IS NULL THEN 'missing' "
        "WHEN recorded IS NULL THEN CASE WHEN lacking THEN 'not recorded' END "
        "WHEN recorded = computed THEN 'equal' "
        f"WHEN {valued('recorded')} = {valued('computed')} THEN 'form' "
        f"{close}ELSE 'different' END"
    )
    alike = " AND ".join(
        f"f.{column_of(key)} = c.{column_of(key)}" for key in quantity.told_by.split()
    )
    lacking = (
        "c.height >= f.height AND c.height IN (SELECT height FROM told)"
        if not quantity.is_optional
        else "false"
    )
    side = f"SELECT *, rowid AS place, {numbered(quantity)} AS occurrence FROM"
    return (
        f"SELECT *, {verdict} AS verdict FROM (SELECT {chosen}, r.value AS recorded, "
        f"{own} AS computed, {error} AS error, coalesce(r.height, c.height) AS height, "
        "r.tx_index AS tx_index, coalesce(r.event_index, 0) AS event_index, "
        "coalesce(r.position, c.position) AS position, r.place AS r_place, c.place AS c_place, "
        f"coalesce(c.lacking, {lacking}, false) AS lacking "
        f"FROM ({side} r) AS r FULL JOIN ({side} c) AS c ON {same} "
        f"LEFT JOIN {first_told} AS f ON {alike or 'true'})"
    )

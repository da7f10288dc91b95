"""Blocks straight from a node: its RPC asked for heights, several at once, and followed live.

Sources: CometBFT 0.38 RPC: ``/status``, ``/block``, ``/block_results``.
"""

from __future__ import annotations

import http.client
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

from ..blocks.answers import BlockError, Record, Where, records_of, whole_number
from ..blocks.files import BlockRange, take

__all__ = ["Node", "NodeState", "Patience", "wanted_heights"]

ANSWER_BYTES = 256 << 20


@dataclass(frozen=True)
class NodeState:
    """What a node says of itself: its chain, and the first and last height that it keeps."""

    chain_id: str
    earliest: int
    latest: int


@dataclass(frozen=True)
class Patience:
    """How long a node is waited for.

    Attributes:
        timeout: seconds for one answer.
        tries: how often a request is made before it counts as failed.
        pause: seconds before the second try; each later pause is twice as long, at most `longest`.
        longest: seconds of the longest pause.
        poll: seconds between two looks for a new block.
    """

    timeout: float = 30.0
    tries: int = 8
    pause: float = 0.5
    longest: float = 30.0
    poll: float = 1.0


class Node:
    """A node's RPC.

    Args:
        url: such as ``http://127.0.0.1:26657``.
        in_flight: heights asked for at once.
        patience: see `Patience`.

    Raises:
        ValueError: the address is none.
    """

    def __init__(
        self,
        url: str,
        in_flight: int = 8,
        patience: Patience | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url}: no address of a node; write it as http://HOST:PORT")
        self.scheme, self.prefix = parts.scheme, parts.path
        self.host, self.port = parts.hostname, parts.port
        self.kept = threading.local()
        self.connections: list[http.client.HTTPConnection] = []
        self.in_flight = in_flight
        self.patience = patience or Patience()
        self.stopped = threading.Event()

    def state(self) -> NodeState:
        """The node's chain and heights.

        Raises:
            BlockError: it does not answer, or not like a node.
        """
        where = Where(self.url)
        answer = self.answer("status", where)
        try:
            result = answer["result"]
            sync = result["sync_info"]
            return NodeState(
                str(result["node_info"]["network"]),
                whole_number(sync["earliest_block_height"], "earliest_block_height", where),
                whole_number(sync["latest_block_height"], "latest_block_height", where),
            )
        except (KeyError, TypeError) as error:
            raise BlockError(where, f"status: no answer of a node ({error})") from None

    def records(self, height: int) -> list[Record]:
        """Block and results of one height.

        Raises:
            BlockError: the node does not answer, or answers with something else.
        """
        where = Where(self.url, None, height)
        found: dict[tuple[str, str], Record] = {}
        for name in ("block", "block_results"):
            for record in records_of(self.answer(f"{name}?height={height}", where), where):
                if record.height != height:
                    raise BlockError(where, f"{name}: the node answered with {record.height}")
                take(found, record)
        kinds = sorted(record.kind for record in found.values())
        if kinds != ["block", "results"]:
            raise BlockError(where, f"the node answered with {', '.join(kinds) or 'nothing'}")
        return list(found.values())

    def answer(self, path: str, where: Where) -> Any:
        """One answer, asked for again while the node is busy, away or behind.

        Raises:
            BlockError: all tries failed.
        """
        pause = self.patience.pause
        for attempt in range(self.patience.tries):
            if attempt:
                if self.stopped.wait(pause):
                    break
                pause = min(2 * pause, self.patience.longest)
            try:
                return self.asked(path)
            except (OSError, http.client.HTTPException, orjson.JSONDecodeError) as error:
                failure = failure_text(error)
            except NodeAnswer as error:
                failure = str(error)
        tries = self.patience.tries
        raise BlockError(where, f"{path}: no answer after {tries} tries: {failure}")

    def asked(self, path: str) -> Any:
        """One answer, asked for once, over a connection that this thread keeps."""
        connection = self.connection()
        try:
            connection.request("GET", f"{self.prefix}/{path}")
            response = connection.getresponse()
            content = response.read(ANSWER_BYTES + 1)
            if response.status != 200:
                # CometBFT tells its own errors with status 500.
                raise NodeAnswer(f"status {response.status}: {told(content)}")
            if len(content) > ANSWER_BYTES:
                raise NodeAnswer(f"more than {ANSWER_BYTES} bytes")
            document = orjson.loads(content)
        except BaseException:
            connection.close()  # what is left of the answer must not be read as the next
            raise
        if isinstance(document, dict) and document.get("error"):
            raise NodeAnswer(told(content))
        return document

    def connection(self) -> http.client.HTTPConnection:
        """This thread's connection; it opens itself when it is closed."""
        found: http.client.HTTPConnection | None = getattr(self.kept, "connection", None)
        if found is None:
            kind = (
                http.client.HTTPSConnection
                if self.scheme == "https"
                else http.client.HTTPConnection
            )
            found = self.kept.connection = kind(self.host, self.port, timeout=self.patience.timeout)
            self.connections.append(found)
        return found

    def close(self) -> None:
        """Close all connections."""
        for connection in self.connections:
            connection.close()

    def heights(
        self,
        ranges: list[BlockRange],
        kept: list[tuple[int, int]],
        follow: bool = False,
        until: Callable[[], bool] = lambda: False,
    ) -> Iterator[tuple[int, list[Record]]]:
        """Records by height, ascending; the next heights are asked for while one is worked on.

        While the node has nothing new, a height without records is given, so that what was read
        can be written.

        Args:
            ranges: heights wanted; all that the node keeps by default.
            kept: heights that need not be read again.
            follow: go on with each new block.
            until: ends following.

        Raises:
            BlockError: a height cannot be read; all below it were given.
        """
        state = self.state()
        reached = 0
        self.stopped.clear()
        pool = ThreadPoolExecutor(self.in_flight)
        try:
            while True:
                done = [*kept, (0, reached)]
                heights = wanted_heights(ranges, done, state, follow)
                for reached, records in self.read(heights, pool):
                    yield reached, records
                end = max((wanted.last for wanted in ranges), default=2**63 - 1)
                if not follow or state.latest >= end or until():
                    return
                last = state.latest
                yield last, []
                while state.latest == last:
                    self.stopped.wait(self.patience.poll)
                    if until():
                        return
                    state = self.state()
        finally:
            self.stopped.set()  # ends the waiting of requests that nobody needs any more
            pool.shutdown(cancel_futures=True)
            self.close()

    def read(
        self, heights: Iterator[int], pool: ThreadPoolExecutor
    ) -> Iterator[tuple[int, list[Record]]]:
        """Records of the heights in their order, several asked for at once."""
        pending: deque[tuple[int, Future[list[Record]]]] = deque()
        for height in heights:
            pending.append((height, pool.submit(self.records, height)))
            if len(pending) > self.in_flight:
                done, future = pending.popleft()
                yield done, future.result()
        while pending:
            done, future = pending.popleft()
            yield done, future.result()


class NodeAnswer(Exception):
    """An error that a node tells."""


def told(content: bytes) -> str:
    """The error in a node's answer."""
    try:
        error = orjson.loads(content)["error"]
        return str(error.get("data") or error["message"])[:300]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return content[:100].decode(errors="replace")


def failure_text(error: Exception) -> str:
    """Why a request failed."""
    if isinstance(error, orjson.JSONDecodeError):
        return f"invalid JSON, possibly cut off: {error.msg}"
    return str(error) or type(error).__name__


def wanted_heights(
    ranges: list[BlockRange], kept: list[tuple[int, int]], state: NodeState, follow: bool = False
) -> Iterator[int]:
    """The heights to ask a node for, ascending, without those that are kept already.

    Raises:
        ValueError: the node does not have a height that was asked for by number.
    """
    for wanted in sorted(ranges) or [BlockRange(state.earliest, 2**63 - 1)]:
        named = wanted.first > 0
        if named and wanted.first < state.earliest:
            raise ValueError(
                f"--blocks: the node keeps heights from {state.earliest} on, {wanted.first} is gone"
            )
        if not follow and (wanted.first > state.latest or state.latest < wanted.last < 2**63 - 1):
            raise ValueError(
                f"--blocks: the node has reached height {state.latest}; read up to there, or "
                "wait for more with --follow"
            )
        height = max(wanted.first, state.earliest)
        last = min(wanted.last, state.latest)
        for first_kept, last_kept in [*sorted(kept), (last + 1, last + 1)]:
            yield from range(height, min(first_kept, last + 1))
            height = max(height, last_kept + 1)

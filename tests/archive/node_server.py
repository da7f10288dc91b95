"""A node on loopback that serves recorded answers, as well behaved as a test wants it."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlparse

__all__ = ["NodeServer"]


class NodeServer:
    """Serves ``/status``, ``/block`` and ``/block_results`` of recorded heights.

    Attributes:
        latest: the height that the node has reached.
        trouble: called with path, height and how often that was asked; answers None, or a status
            and the bytes of a body, or "drop" to close the connection, or "cut" to close it within
            the body.
        asked: how often each height was asked for, by path.
    """

    def __init__(self, answers: list[Any], earliest: int, latest: int, chain: str) -> None:
        self.answers = {self.key_of(each): {"jsonrpc": "2.0", "result": each} for each in answers}
        self.earliest, self.latest, self.chain = earliest, latest, chain
        self.trouble: Callable[[str, int, int], Any] = lambda path, height, count: None
        self.asked: Counter[tuple[str, int]] = Counter()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"  # connections are kept
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                server.serve(self)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 128

        self.http = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,))

    def __enter__(self) -> NodeServer:
        self.thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()

    @staticmethod
    def key_of(answer: Any) -> tuple[str, int]:
        if "block" in answer:
            return "block", int(answer["block"]["header"]["height"])
        return "block_results", int(answer["height"])

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        parts = urlparse(request.path)
        path = parts.path.strip("/")
        height = int(parse_qs(parts.query).get("height", ["0"])[0])
        self.asked[(path, height)] += 1
        trouble = self.trouble(path, height, self.asked[(path, height)])
        if trouble == "drop":
            request.close_connection = True
            return
        status, body = trouble if isinstance(trouble, tuple) else self.answer(path, height)
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.close_connection = trouble == "cut"
        request.wfile.write(body[: len(body) // 2] if trouble == "cut" else body)

    def answer(self, path: str, height: int) -> tuple[int, bytes]:
        if path == "status":
            sync = {
                "earliest_block_height": str(self.earliest),
                "latest_block_height": str(self.latest),
            }
            result = {"node_info": {"network": self.chain}, "sync_info": sync}
            return 200, json.dumps({"jsonrpc": "2.0", "result": result}).encode()
        if height > self.latest or (path, height) not in self.answers:
            error = {"code": -32603, "message": "Internal error", "data": f"no height {height}"}
            return 500, json.dumps({"jsonrpc": "2.0", "error": error}).encode()
        return 200, json.dumps(self.answers[(path, height)]).encode()

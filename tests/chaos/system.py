"""An external system that counts, and that can have its caller killed at any moment of a conversation."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MOMENTS = ("arrived", "effect", "half answered", "answered", "committing")
"""When a caller can be killed: before its request has an effect, after the effect and before the answer, in the middle
of the answer, directly after the answer, and directly before it commits something to its own database."""


class CallerKilled(ConnectionError):
    """The other side of this conversation is no more."""


@dataclass
class System:
    """Does what it is asked once per idempotency key, and remembers in which order.

    `plan` lists the moments at which `kill` is called, each with how often the moment passes first.
    """

    kill: Callable[[str], None]
    plan: list[tuple[str, int]]
    effects: dict[str, tuple[str, int]] = field(default_factory=dict)
    requests: int = 0
    killed: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reached(self, moment: str) -> None:
        """A moment has come: kill the caller if the plan says so, and raise CallerKilled."""
        with self.lock:
            if not self.plan or self.plan[0][0] != moment:
                return
            its, left = self.plan[0]
            if left > 0:
                self.plan[0] = (its, left - 1)
                return
            self.plan.pop(0)
            self.killed.append(moment)
            self.kill(moment)
        raise CallerKilled(moment)

    def ask(self, key: str, subject: str, number: int) -> bytes:
        """Have the effect, unless this key had it before; the answer is the same both times."""
        with self.lock:
            self.requests += 1
            self.effects.setdefault(key, (subject, number))
        return json.dumps({"id": f"{subject}/{number}"}).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    system: System

    def handle(self) -> None:
        with suppress(ConnectionError):
            super().handle()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.system.reached("arrived")
        answer = self.system.ask(self.headers["Idempotency-Key"], body["subject"], body["number"])
        self.system.reached("effect")
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n\r\n".encode()
        self.wfile.write(head + answer[:5])
        self.system.reached("half answered")
        self.wfile.write(answer[5:])
        self.system.reached("answered")

    def do_GET(self) -> None:
        self.system.reached("committing")
        self.wfile.write(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:
        """Killed callers are the point here: nothing to report."""


@contextmanager
def serving(system: System) -> Iterator[str]:
    """Serve the system on a free port; yields its address."""
    handler = type("Handler", (_Handler,), {"system": system})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

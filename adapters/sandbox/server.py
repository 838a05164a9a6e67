"""Serving a sandbox: from the command line, and inside a test."""

from __future__ import annotations

import argparse
import json
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from adapters.sandbox.app import DEFAULT_SECRET, Sandbox, sandbox
from adapters.sandbox.state import SandboxState

HOST = "127.0.0.1"
"""Sandboxes accept anyone who asks, so they listen to this machine only."""


class _QuietHandler(WSGIRequestHandler):
    """The sandbox keeps its own log of calls; the console stays readable."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return None

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The `Date` of answers is the sandbox's own time, right or wrong."""
        app = self.server.app
        assert isinstance(app, Flask)
        return super().date_time_string(sandbox(app).state.now() if timestamp is None else timestamp)


@dataclass(frozen=True)
class RunningSandbox:
    """A sandbox being served: its address and its parts, to look into."""

    url: str
    port: int
    app: Flask
    sandbox: Sandbox

    @property
    def state(self) -> SandboxState:
        return self.sandbox.state


def _server(app: Flask, port: int) -> BaseWSGIServer:
    return make_server(HOST, port, app, threaded=True, request_handler=_QuietHandler)


@contextmanager
def running(app: Flask, port: int = 0) -> Iterator[RunningSandbox]:
    """Serve a sandbox in this process, on a free port unless one is given, until the block ends."""
    server = _server(app, port)
    box = sandbox(app)
    box.start()
    thread = threading.Thread(
        target=lambda: server.serve_forever(poll_interval=0.05), name="sandbox-server", daemon=True
    )
    thread.start()
    try:
        yield RunningSandbox(f"http://{HOST}:{server.server_port}", server.server_port, app, box)
    finally:
        box.stop()
        server.shutdown()
        thread.join(timeout=5)
        server.server_close()


Create = Callable[[SandboxState, argparse.Namespace], Flask]
Seed = Callable[..., None]


def main(
    create: Create,
    *,
    description: str,
    default_port: int,
    seed: Seed | None = None,
    extra: Callable[[argparse.ArgumentParser], None] | None = None,
    argv: Sequence[str] | None = None,
) -> None:
    """The command line of a sandbox: parse, build, serve until told to stop.

    `create` makes the app from the state and the parsed arguments, `extra` adds the system's own arguments. `--seed`
    names a JSON object whose members are passed to `seed(state, …)` when the state is still empty.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, default=default_port, help="port on 127.0.0.1 (default %(default)s)")
    parser.add_argument(
        "--state", default=":memory:", metavar="PATH", help="SQLite file that keeps the state (default: none)"
    )
    parser.add_argument("--webhook-url", default="", metavar="URL", help="where webhooks go")
    parser.add_argument("--secret", default=DEFAULT_SECRET, help="secret that webhooks are signed with")
    parser.add_argument("--requests-per-minute", type=int, default=None, metavar="N", help="rate limit; 0 for none")
    if seed is not None:
        parser.add_argument("--seed", type=Path, metavar="FILE", help="JSON file to fill an empty state with")
    if extra is not None:
        extra(parser)
    arguments = parser.parse_args(argv)
    state = SandboxState(arguments.state)
    if seed is not None and arguments.seed is not None and not state.setting("seeded", False):
        seed(state, **_seed_data(parser, arguments.seed))
        state.set_setting("seeded", True)
    app = create(state, arguments)
    server = _server(app, arguments.port)
    box = sandbox(app)

    def stop(*_: object) -> None:
        box.closing.set()
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    box.start()
    print(f"{box.profile.title} sandbox on http://{HOST}:{server.server_port}/", flush=True)
    try:
        server.serve_forever(poll_interval=0.2)
    finally:
        box.stop()
        server.server_close()
        state.close()


def _seed_data(parser: argparse.ArgumentParser, path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        parser.error(f"cannot read the seed file {path}: {error}")
    if not isinstance(data, dict):
        parser.error(f"the seed file {path} must hold a JSON object")
    return data

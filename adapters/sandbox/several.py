"""Several sandboxes in one process: `python -m adapters.sandbox.several --data DIR shopify=8103 magento=8106`.

Each keeps its state in `DIR/sandbox-<platform>.db`, filled from `DIR/sandbox-<platform>.json` when it is still empty.
"""

from __future__ import annotations

import argparse
import importlib
import json
import signal
import threading
from contextlib import ExitStack
from pathlib import Path

from adapters.sandbox.server import RunningSandbox, running
from adapters.sandbox.state import SandboxState


def main(argv: list[str] | None = None) -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the states and what fills them")
    parser.add_argument("shops", nargs="+", type=_shop, metavar="PLATFORM=PORT")
    arguments = parser.parse_args(argv)
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    with ExitStack() as stack:
        for platform, port in arguments.shops:
            box = _open(stack, platform, port, arguments.data)
            print(f"{box.sandbox.profile.title} sandbox on {box.url}/", flush=True)
        over.wait()


def _shop(text: str) -> tuple[str, int]:
    platform, _, port = text.partition("=")
    if not platform.isidentifier() or not port.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not PLATFORM=PORT, such as shopify=8103")
    return platform, int(port)


def _open(stack: ExitStack, platform: str, port: int, folder: Path) -> RunningSandbox:
    system = importlib.import_module(f"adapters.{platform}.sandbox")
    state = SandboxState(str(folder / f"sandbox-{platform}.db"))
    stack.callback(state.close)
    seed = folder / f"sandbox-{platform}.json"
    if not state.setting("seeded", False) and seed.exists():
        system.seed(state, **json.loads(seed.read_text(encoding="utf-8")))
        state.set_setting("seeded", True)
    return stack.enter_context(running(system.create_app(state), port))


if __name__ == "__main__":
    main()

"""`make run`'s house as a process of its own, and a browser to look at it with."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECONDS = 90


@dataclass
class RunningHouse:
    """What `run.py` said when it was up, and the process to stop."""

    process: subprocess.Popen[str]
    wissel: str
    shop: str
    till: str
    key: str
    email: str
    password: str

    def interrupt(self) -> int:
        """Press Ctrl-C; give back the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(SECONDS)


def start(data_dir: Path) -> RunningHouse:
    """Start the house on free ports and wait until it says where to click."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    process = subprocess.Popen(
        [sys.executable, "run.py"],
        cwd=ROOT,
        env={**environment, "WISSEL_DATA_DIR": str(data_dir), "WISSEL_PORT": str(port), "WISSEL_POLL_SECONDS": "5"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    said = _listen(process)
    wait_until(lambda: "Ctrl-C stops everything" in "".join(said) or process.poll() is not None)
    text = "".join(said)
    steps = dict(re.findall(r"(\d)\. .* here\s+(http://127\.0\.0\.1:\d+)", text))
    key = re.search(r"wsl_\S+", text)
    login = re.search(r"sign in with\s+(\S+)\s+/\s+(\S+)", text)
    assert key is not None, text
    assert login is not None, text
    return RunningHouse(process, steps["2"], steps["1"], steps["3"], key[0], login[1], login[2])


def _listen(process: subprocess.Popen[str]) -> list[str]:
    said: list[str] = []

    def follow() -> None:
        assert process.stdout is not None
        said.extend(iter(process.stdout.readline, ""))

    threading.Thread(target=follow, daemon=True).start()
    return said


def wait_until(condition: Callable[[], bool], seconds: float = SECONDS) -> None:
    """Wait for a condition; fail when it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def chromium() -> str:
    """The browser installed on this machine."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise RuntimeError("browser tests need Chromium: install Debian's package chromium")

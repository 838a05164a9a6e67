"""Settings from the environment. Every name is documented in `docs/settings.md`; defaults run everything on one machine."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

RETRY_SECONDS = (5, 30, 120, 600, 1800, 3600, 7200, 21600)


class BadSetting(ValueError):
    """An environment variable holds something we cannot use; the message names it and says what would do."""


@dataclass(frozen=True)
class Config:
    """How this installation runs. Directories are created on demand; durations are seconds."""

    data_dir: Path
    database_url: str
    redis_url: str
    secret_key: str
    encryption_keys: tuple[str, ...]
    host: str
    port: int
    public_url: str
    demo: bool
    rules_dir: Path
    max_body_bytes: int
    metrics_token: str
    compare_engines: str
    lease_seconds: int
    poll_seconds: int
    retry_seconds: tuple[int, ...]
    worker_processes: int
    allowed_private_hosts: tuple[str, ...] = ()
    webhook_seconds: int = 6 * 3600

    @property
    def https(self) -> bool:
        """Whether people reach us over TLS: cookies become secure and HSTS is sent."""
        return self.public_url.startswith("https://")


def from_environment(environ: Mapping[str, str] = os.environ) -> Config:
    """Read the settings. Raises BadSetting for a value that makes no sense."""
    root = Path(__file__).resolve().parent
    data_dir = Path(environ.get("WISSEL_DATA_DIR", root / "var")).resolve()
    data_dir.mkdir(parents=True, exist_ok=True)
    host, port = environ.get("WISSEL_HOST", "127.0.0.1"), _integer(environ, "WISSEL_PORT", 8000)
    return Config(
        data_dir=data_dir,
        database_url=environ.get("DATABASE_URL", f"sqlite:///{data_dir / 'wissel.db'}"),
        redis_url=environ.get("REDIS_URL", f"unix://{data_dir / 'redis.sock'}"),
        secret_key=environ.get("WISSEL_SECRET_KEY") or _kept_secret(data_dir / "secret.key"),
        encryption_keys=_keys(environ, data_dir),
        host=host,
        port=port,
        public_url=environ.get("WISSEL_PUBLIC_URL", f"http://{host}:{port}").rstrip("/"),
        demo=_boolean(environ, "WISSEL_DEMO", default=False),
        rules_dir=Path(environ.get("WISSEL_RULES_DIR", root / "rules")),
        max_body_bytes=_integer(environ, "WISSEL_MAX_BODY_BYTES", 1_000_000),
        metrics_token=environ.get("WISSEL_METRICS_TOKEN", ""),
        compare_engines=_choice(environ, "WISSEL_COMPARE", ("off", "sample", "always")),
        lease_seconds=_integer(environ, "WISSEL_LEASE_SECONDS", 60),
        poll_seconds=_integer(environ, "WISSEL_POLL_SECONDS", 30),
        retry_seconds=_integers(environ, "WISSEL_RETRY_SECONDS", RETRY_SECONDS),
        worker_processes=_integer(environ, "WISSEL_WORKERS", 1),
        allowed_private_hosts=_list(environ, "WISSEL_ALLOWED_PRIVATE_HOSTS"),
        webhook_seconds=_integer(environ, "WISSEL_WEBHOOK_SECONDS", 6 * 3600),
    )


def _integer(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name)
    if text is None or text == "":
        return default
    if not text.isdigit() or int(text) == 0:
        raise BadSetting(f"{name} is {text!r}: give a whole number above zero")
    return int(text)


def _integers(environ: Mapping[str, str], name: str, default: tuple[int, ...]) -> tuple[int, ...]:
    text = environ.get(name)
    if not text:
        return default
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() for part in parts):
        raise BadSetting(f"{name} is {text!r}: give whole numbers of seconds separated by commas")
    return tuple(int(part) for part in parts)


def _list(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in environ.get(name, "").split(",") if part.strip())


def _boolean(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = environ.get(name, "").lower()
    if text in ("", "1", "true", "yes", "0", "false", "no"):
        return default if text == "" else text in ("1", "true", "yes")
    raise BadSetting(f"{name} is {text!r}: give 1 or 0")


def _choice(environ: Mapping[str, str], name: str, values: tuple[str, ...]) -> str:
    text = environ.get(name, values[0])
    if text not in values:
        raise BadSetting(f"{name} is {text!r}: give one of {', '.join(values)}")
    return text


def _keys(environ: Mapping[str, str], data_dir: Path) -> tuple[str, ...]:
    """Keys that secrets are encrypted with, newest first; older ones can still decrypt."""
    text = environ.get("WISSEL_ENCRYPTION_KEYS")
    if text:
        return tuple(key.strip() for key in text.split(",") if key.strip())
    return (_kept_secret(data_dir / "encryption.key", make=_fernet_key),)


def _fernet_key() -> str:
    from cryptography.fernet import Fernet  # only needed when no key was given yet

    return Fernet.generate_key().decode()


def _kept_secret(path: Path, make: object = None) -> str:
    """A secret made on first start and kept in a file only the owner can read."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        secret = make() if callable(make) else secrets.token_urlsafe(48)
        handle = os.open(path.with_suffix(".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secret)
        try:
            os.link(path.with_suffix(".new"), path)
        except FileExistsError:
            return path.read_text().strip()
        finally:
            path.with_suffix(".new").unlink(missing_ok=True)
        return secret

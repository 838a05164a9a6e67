"""Builds services in processes of their own, from the environment, as wiring does."""

from __future__ import annotations

import os

from redis import Redis

from store.secrets import Cipher
from store.session import Database
from tests.workers.parts import Parts, make_parts
from workers.run import supervise
from workers.settings import WorkerSettings

SETTINGS = WorkerSettings(alive_seconds=1, lease_seconds=1, lost_seconds=0.1, tick_seconds=0.1, idle_seconds=1)


def build() -> Parts:
    return make_parts(
        Database(os.environ["TEST_DATABASE_URL"]), Redis.from_url(os.environ["TEST_REDIS_URL"]),
        Cipher(os.environ["TEST_KEY"]), SETTINGS,
    )


def run() -> None:
    supervise(build, workers=1, grace_seconds=10)

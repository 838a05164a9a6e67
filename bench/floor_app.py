"""The floor for `POST /v1/events`: a bare Flask route that inserts two rows, commits and enqueues one job."""

from __future__ import annotations

import os
from typing import Any

from flask import Flask, request
from redis import Redis
from rq import Queue
from sqlalchemy import JSON, Column, Integer, MetaData, Table, Text, insert

from store.session import Database

metadata = MetaData()
first = Table("bare_events", metadata, Column("id", Integer, primary_key=True), Column("data", JSON))
second = Table("bare_decisions", metadata, Column("id", Integer, primary_key=True), Column("event", Text))


def create_app() -> Flask:
    """The bare route, on the same kind of database and Redis as the real one."""
    database = Database(os.environ["DATABASE_URL"])
    queue = Queue("bare", connection=Redis.from_url(os.environ["REDIS_URL"]))
    metadata.create_all(database.engine)
    app = Flask(__name__)

    @app.post("/v1/events")
    def take_in() -> tuple[dict[str, Any], int]:
        with database.engine.begin() as connection:
            connection.execute(insert(first).values(data=request.get_json()))
            connection.execute(insert(second).values(event="1"))
        queue.enqueue("bench.floor_app.nothing", 1)
        return {"ok": True}, 201

    return app


def nothing(_: int) -> None:
    """A job that does nothing."""

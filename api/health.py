"""For machines that watch over us: alive, ready, and numbers for Prometheus."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterator

from flask import Blueprint, Response, current_app, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from redis import RedisError
from sqlalchemy import text

from api.connection_health import circuit_states
from api.errors import STORE_IS_DOWN
from api.problems import Problem
from api.services import services
from store import connections, overview
from store.models import Connection

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def alive() -> Response:
    """This process answers."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
def ready() -> tuple[Response, int]:
    """Whether events can be taken in. Without Redis they can: the workers then hear of them a little later."""
    database, redis = _database_answers(), _redis_answers()
    status = "ok" if database and redis else "degraded" if database else "unavailable"
    return jsonify({"status": status, "database": database, "redis": redis}), 200 if database else 503


def _database_answers() -> bool:
    try:
        with services().database.system_session(read_only=True) as session:
            session.execute(text("SELECT 1"))
    except STORE_IS_DOWN:
        return False
    return True


def _redis_answers() -> bool:
    try:
        return bool(services().redis.ping())
    except RedisError:
        return False


@blueprint.get("/metrics")
def metrics() -> Response:
    """Numbers for Prometheus, counted at the moment they are asked for, so that any number of processes say the same.

    Answers callers on this machine, and elsewhere those with the metrics token as bearer.
    """
    if not _may_see_metrics():
        raise Problem("not-found", "There is nothing at /metrics.")
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Counted())
    return current_app.response_class(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _may_see_metrics() -> bool:
    token = services().config.metrics_token
    if token:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), token.encode())
    try:
        here = ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        here = False
    return here and "X-Forwarded-For" not in request.headers and "Forwarded" not in request.headers


class Counted(Collector):
    """Gauges counted from the database and Redis when they are scraped."""

    def collect(self) -> Iterator[Metric]:
        with services().database.system_session(read_only=True) as session:
            events, commands = overview.event_counts(session), overview.command_counts(session)
            systems = {row.id: row for row in connections.list_all(session)}
        yield _gauge("wissel_events", "Events kept, by status.", ["status"], {(s,): n for s, n in events.items()})
        yield _gauge(
            "wissel_commands", "Commands in the outbox, by connection and status.", ["connection", "name", "status"],
            {(id_, systems[id_].name, status): count for (id_, status), count in commands.items() if id_ in systems},
        )  # fmt: skip
        yield from _connection_gauges(systems)


def _connection_gauges(systems: dict[str, Connection]) -> Iterator[Metric]:
    circuits = circuit_states(list(systems))
    yield _gauge(
        "wissel_connection_paused", "1 while nothing is sent to the connection.", ["connection", "name"],
        {(id_, row.name): row.state == "paused" for id_, row in systems.items()},
    )  # fmt: skip
    yield _gauge(
        "wissel_connection_circuit_open", "1 while the connection's circuit breaker lets nothing through.", ["connection", "name"],
        {(id_, row.name): circuits[id_] == "open" for id_, row in systems.items()},
    )  # fmt: skip


def _gauge(name: str, meaning: str, labels: list[str], values: dict[tuple[str, ...], float]) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(name, meaning, labels=labels)
    for key, value in values.items():
        gauge.add_metric(list(key), float(value))
    return gauge

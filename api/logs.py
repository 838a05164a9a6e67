"""Structured logs: one JSON object a line, with the ids needed to follow an event or a command through the house.

Bodies, keys and personal data are never logged; they stand, masked, in the trace.
"""

from __future__ import annotations

import json
import logging
import time
from datetime import UTC, datetime

from flask import Flask, Response, g, request

from store.columns import new_id

FIELDS = (
    "request_id", "merchant_id", "event_id", "event_type", "decision_id", "order_id", "command_id", "connection_id",
    "attempt", "operation", "outcome", "error_id", "method", "path", "endpoint", "status", "duration_ms", "reason",
)  # fmt: skip
"""What a line may carry besides time, level, logger and message; given by `extra=`."""

log = logging.getLogger("api.requests")


class JsonLines(logging.Formatter):
    """A log record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update({name: getattr(record, name) for name in FIELDS if hasattr(record, name)})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def configure(level: str = "INFO") -> None:
    """Send every log of this process to standard error as JSON lines."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def install(app: Flask) -> None:
    """One line per request, under an id that the answer carries as X-Request-Id."""

    @app.before_request
    def start() -> None:
        g.request_id = new_id()
        g.started = time.perf_counter()

    @app.after_request
    def finish(answer: Response) -> Response:
        answer.headers["X-Request-Id"] = g.request_id
        caller = g.get("caller")
        log.info(
            "request",
            extra={
                "request_id": g.request_id,
                "merchant_id": caller.merchant_id if caller else None,
                "method": request.method,
                "path": request.path,
                "endpoint": request.endpoint,
                "status": answer.status_code,
                "duration_ms": round((time.perf_counter() - g.started) * 1000, 1),
            },
        )
        return answer

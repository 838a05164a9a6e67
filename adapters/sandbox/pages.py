"""The pages and the control API that every sandbox has: faults and switches, webhooks, API calls."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from adapters.sandbox.app import sandbox
from adapters.sandbox.faults import CLOCK_FAULTS, LARGEST_SKEW, REQUEST_FAULTS, WEBHOOK_FAULTS
from adapters.sandbox.state import to_json

REFRESH_SECONDS = 5
_SHOWN = 200

pages = Blueprint(
    "sandbox",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/sandbox/static",
    url_prefix="",
)
control = Blueprint("sandbox_control", __name__, url_prefix="/_sandbox")


@pages.app_context_processor
def _common() -> dict[str, Any]:
    """What the layout needs on every page."""
    box = sandbox()
    refreshing = request.args.get("refresh") == "on"
    arguments = {key: value for key, value in request.args.items() if key != "refresh"}
    query = urlencode(arguments if refreshing else arguments | {"refresh": "on"})
    toggle = f"{request.path}?{query}" if query else request.path
    shared = (
        ("Faults", url_for("sandbox.faults")),
        ("Webhooks", url_for("sandbox.webhooks")),
        ("API calls", url_for("sandbox.calls")),
    )
    return {
        "box": box,
        "refreshing": refreshing and request.method == "GET",
        "refresh_seconds": REFRESH_SECONDS,
        "refresh_toggle": toggle,
        "navigation": (*box.profile.navigation, *shared),
    }


@pages.app_template_filter("moment")
def _moment(seconds: float | int | None) -> str:
    """UNIX seconds as a time with its zone."""
    return datetime.fromtimestamp(float(seconds), UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if seconds else ""


@pages.app_template_filter("money")
def _money(value: Any) -> str:
    """An amount with two decimals and the shop's currency."""
    with localcontext(rounding=ROUND_HALF_UP):
        return f"{Decimal(str(value or 0)):.2f} {sandbox().state.setting('currency', 'EUR')}"


@pages.app_template_filter("pretty")
def _pretty(text: str) -> str:
    """JSON text indented, any other text as it is."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


def problem_page(message: str, status: int) -> Response:
    """A page that says what is wrong."""
    return Response(
        render_template("sandbox/problem.html", message=message, status=status), status, mimetype="text/html"
    )


@pages.get("/sandbox/faults")
def faults() -> str:
    """Switch faults and behaviours on and off."""
    return render_template(
        "sandbox/faults.html",
        faults=sandbox().faults.list(),
        request_faults=REQUEST_FAULTS,
        webhook_faults=WEBHOOK_FAULTS,
        clock_faults=CLOCK_FAULTS,
        largest_skew=LARGEST_SKEW,
        clock=sandbox().state.now(),
    )


@pages.post("/sandbox/faults")
def add_fault() -> BaseResponse:
    _add_fault(request.form.to_dict())
    return redirect(url_for("sandbox.faults"), 303)


@pages.post("/sandbox/faults/clear")
def clear_faults() -> BaseResponse:
    sandbox().faults.clear(request.form.get("id", type=int))
    return redirect(url_for("sandbox.faults"), 303)


@pages.post("/sandbox/switches")
def set_switch() -> BaseResponse:
    _set_switches({request.form.get("name", ""): request.form.get("on") == "1"})
    return redirect(url_for("sandbox.faults"), 303)


@pages.post("/sandbox/webhook-url")
def set_webhook_url() -> BaseResponse:
    _set_webhook_url(request.form.get("url", ""))
    return redirect(url_for("sandbox.webhooks"), 303)


@pages.get("/sandbox/webhooks")
def webhooks() -> str:
    """Every webhook sent or waiting, newest first."""
    return render_template("sandbox/webhooks.html", items=sandbox().courier.log()[::-1][:_SHOWN])


@pages.get("/sandbox/calls")
def calls() -> str:
    """Every API call received, newest first."""
    return render_template(
        "sandbox/calls.html", items=sandbox().state.requests()[::-1][:_SHOWN], counters=sandbox().state.counters()
    )


@control.get("/faults")
def list_faults() -> Response:
    return jsonify([fault.as_json() for fault in sandbox().faults.list()])


@control.post("/faults")
def post_fault() -> tuple[Response, int]:
    _add_fault(_json_object())
    return list_faults(), 201


@control.delete("/faults")
def delete_faults() -> Response:
    sandbox().faults.clear()
    return list_faults()


@control.post("/switches")
def post_switches() -> Response:
    """`{"name": true}` for each switch to set."""
    _set_switches(_json_object())
    return jsonify({name: sandbox().switch(name) for name in sandbox().profile.switches})


@control.post("/webhook-url")
def post_webhook_url() -> Response:
    """`{"url": "http://127.0.0.1:8000/hooks/…"}`; an empty url stops webhooks."""
    _set_webhook_url(str(_json_object().get("url", "")))
    return jsonify({"url": sandbox().webhook_url})


@control.get("/counters")
def get_counters() -> Response:
    return jsonify(sandbox().state.counters())


@control.get("/requests")
def get_requests() -> Response:
    """The request log, narrowed with `?method=PUT&path=/orders`."""
    found = sandbox().state.requests(request.args.get("method", ""), request.args.get("path", ""))
    return jsonify([{name: getattr(entry, name) for name in entry.__slots__} for entry in found])


@control.delete("/requests")
def delete_requests() -> tuple[str, int]:
    sandbox().state.clear_requests()
    return "", 204


@control.get("/webhooks")
def get_webhooks() -> Response:
    return Response(to_json(sandbox().courier.log()), mimetype="application/json")


def _add_fault(wanted: dict[str, Any]) -> None:
    """Switch on the fault a form or a JSON body asks for; 400 with the reason when it makes no sense."""
    try:
        sandbox().faults.add(
            str(wanted.get("kind", "")),
            count=int(wanted.get("count") or 1),
            match=str(wanted.get("match", "")),
            after_effect=wanted.get("after_effect") in (True, "1", "on"),
            seconds=float(wanted.get("seconds") or 2),
        )
    except (ValueError, TypeError, OverflowError) as error:
        abort(400, str(error))


def _set_switches(wanted: dict[str, Any]) -> None:
    try:
        for name, on in wanted.items():
            sandbox().set_switch(name, bool(on))
    except ValueError as error:
        abort(400, str(error))


def _set_webhook_url(url: str) -> None:
    if url and not url.startswith(("http://", "https://")):
        abort(400, "The webhook address must start with http:// or https://.")
    sandbox().state.set_setting("webhook_url", url)


def _json_object() -> dict[str, Any]:
    value = request.get_json(force=True, silent=True)
    if not isinstance(value, dict):
        abort(400, "The body must be a JSON object.")
    return value

"""Support's pages: server-rendered, working without JavaScript, made livelier by htmx where it is there.

Every view is one address; filters stand in the query string. A view answers with the whole page, or only with its
changing part when htmx asks for it.
"""

from __future__ import annotations

from pathlib import Path

import js_lib_htmx
from flask import Blueprint

blueprint = Blueprint("ui", __name__, template_folder="../templates", static_folder="../static", static_url_path="/static")
vendor = Blueprint(
    "vendor", __name__, static_folder=str(Path(js_lib_htmx.__file__).parent / "static" / "htmx"), static_url_path="/static/htmx"
)

from api.ui import (  # noqa: E402
    audit,
    connection_change,
    connection_new,
    connection_outlets,
    connections,
    decision_actions,
    decisions,
    deliveries,
    events,
    frame,
    imports,
    notifications,
    orders,
    rule_drafts,
    rule_editor,
    rule_edits,
    rule_help,
    rule_layer,
    rule_proofs,
    rule_reference,
    rule_trial,
    rule_versions,
    rules,
    session,
    simulations,
    status_matrix,
    stock,
)

__all__ = [
    "audit", "blueprint", "connection_change", "connection_new", "connection_outlets", "connections", "decision_actions", "decisions", "deliveries", "events", "frame", "imports", "notifications", "orders", "rule_drafts", "rule_editor", "rule_edits", "rule_help", "rule_layer",
    "rule_proofs", "rule_reference", "rule_trial", "rule_versions", "rules", "session",
    "simulations", "status_matrix", "stock", "vendor",
]  # fmt: skip

"""How Alembic reaches the database: through the connection that `store.migrate` hands over, inside its transaction."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from store import flow_models, import_models, order_models, rule_job_models, rule_models
from store.columns import Compressed, UtcDateTime
from store.models import Base

ALL_MODELS = (order_models, flow_models, rule_models, rule_job_models, import_models)
"""Importing these is what puts their tables into the metadata."""


def render_item(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Migrations name plain column types: they must go on working when ours change."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Compressed):
        return "sa.LargeBinary()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_item=render_item,
    render_as_batch=True,
    transactional_ddl=True,
    compare_server_default=True,
)
context.run_migrations()

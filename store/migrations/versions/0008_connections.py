"""Since when credentials are set, and quick answers to how a connection is doing."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("connections", sa.Column("credentials_since", sa.JSON(), nullable=False, server_default="{}"))
    op.create_index("ix_events_connection", "events", ["connection_id", "received_at"])
    op.create_index("ix_attempts_merchant_started", "attempts", ["merchant_id", "started_at"])


def downgrade() -> None:
    op.drop_index("ix_attempts_merchant_started", "attempts")
    op.drop_index("ix_events_connection", "events")
    with op.batch_alter_table("connections") as connections:
        connections.drop_column("credentials_since")

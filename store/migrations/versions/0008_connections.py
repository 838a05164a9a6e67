"""Since when credentials are set, and quick answers to how a connection is doing."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Nullable: making it anything else would copy SQLite's table, and its triggers would be lost on the way.
    op.add_column("connections", sa.Column("credentials_since", sa.JSON(), nullable=True))
    op.create_index("ix_events_connection", "events", ["connection_id", "received_at"])
    op.create_index("ix_attempts_merchant_started", "attempts", ["merchant_id", "started_at"])


def downgrade() -> None:
    op.drop_index("ix_attempts_merchant_started", "attempts")
    op.drop_index("ix_events_connection", "events")
    op.drop_column("connections", "credentials_since")

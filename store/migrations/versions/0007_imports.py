"""First imports, the events they bring, and commands that let others go first."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

UNFINISHED = sa.text("state IN ('waiting', 'running', 'paused')")
OF_AN_IMPORT = sa.text("import_id IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("connection_id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("cursor", sa.JSON(), nullable=True),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("duplicates", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("merchant_id", sa.String(length=26), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name=op.f("fk_imports_connection_id")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_imports_merchant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    op.create_index("ix_imports_connection", "imports", ["connection_id", "id"])
    op.create_index("ix_imports_merchant", "imports", ["merchant_id", "id"])
    op.create_index(
        "ix_imports_unfinished",
        "imports",
        ["connection_id", "kind"],
        unique=True,
        sqlite_where=UNFINISHED,
        postgresql_where=UNFINISHED,
    )
    op.add_column("events", sa.Column("import_id", sa.String(length=26), nullable=True))
    op.create_index(
        "ix_events_import",
        "events",
        ["import_id", "status", "received_at"],
        sqlite_where=OF_AN_IMPORT,
        postgresql_where=OF_AN_IMPORT,
    )
    op.add_column("commands", sa.Column("background", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.drop_index("ix_commands_due", "commands")
    op.create_index("ix_commands_due", "commands", ["connection_id", "status", "background", "due_at", "id"])


def downgrade() -> None:
    op.drop_index("ix_commands_due", "commands")
    op.create_index("ix_commands_due", "commands", ["connection_id", "status", "due_at", "id"])
    with op.batch_alter_table("commands") as commands:
        commands.drop_column("background")
    op.drop_index("ix_events_import", "events")
    with op.batch_alter_table("events") as events:
        events.drop_column("import_id")
    op.drop_table("imports")

"""A stamp that changes with whatever a merchant sets up, so that processes may remember the rest.

Triggers see to it: no way of writing these tables, not even by hand, can forget the stamp.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = ("outlets", "connections", "settings", "publications")
RANDOM = {"sqlite": "lower(hex(randomblob(13)))", "postgresql": "left(replace(gen_random_uuid()::text, '-', ''), 26)"}
POSTGRES_FUNCTION = """
CREATE FUNCTION stamp_setup() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        UPDATE merchants SET setup = {random} WHERE id = OLD.merchant_id;
    ELSE
        UPDATE merchants SET setup = {random} WHERE id = NEW.merchant_id;
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    op.add_column("merchants", sa.Column("setup", sa.String(length=26), server_default="new", nullable=False))
    op.execute(f"UPDATE merchants SET setup = {RANDOM[dialect]}")  # noqa: S608 - our own words
    if dialect == "postgresql":
        op.execute(POSTGRES_FUNCTION.format(random=RANDOM[dialect]))
    for table in TABLES:
        for statement in _triggers(dialect, table):
            op.execute(statement)


def _triggers(dialect: str, table: str) -> list[str]:
    if dialect == "postgresql":
        return [
            f"CREATE TRIGGER stamp_{table} AFTER INSERT OR UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION stamp_setup()"
        ]
    return [
        f"CREATE TRIGGER stamp_{table}_{what} AFTER {what} ON {table} "  # noqa: S608 - our own words
        f"BEGIN UPDATE merchants SET setup = {RANDOM[dialect]} WHERE id = {row}.merchant_id; END"
        for what, row in (("insert", "NEW"), ("update", "OLD"), ("delete", "OLD"))
    ]


def downgrade() -> None:
    dialect = op.get_bind().dialect.name
    for table in TABLES:
        if dialect == "postgresql":
            op.execute(f"DROP TRIGGER stamp_{table} ON {table}")
        else:
            for what in ("insert", "update", "delete"):
                op.execute(f"DROP TRIGGER stamp_{table}_{what}")
    if dialect == "postgresql":
        op.execute("DROP FUNCTION stamp_setup()")
    op.drop_column("merchants", "setup")

"""Articles may be dangerous goods, and a merchant's time zone is part of what processes remember."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

RANDOM = {"sqlite": "lower(hex(randomblob(13)))", "postgresql": "left(replace(gen_random_uuid()::text, '-', ''), 26)"}
POSTGRES_FUNCTION = """
CREATE FUNCTION stamp_time_zone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.setup = {random};
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    op.add_column("products", sa.Column("hazardous", sa.Boolean(), nullable=True))
    dialect = op.get_bind().dialect.name
    random = RANDOM[dialect]
    if dialect == "postgresql":
        op.execute(POSTGRES_FUNCTION.format(random=random))
        op.execute(
            "CREATE TRIGGER stamp_time_zone BEFORE UPDATE OF time_zone ON merchants "
            "FOR EACH ROW EXECUTE FUNCTION stamp_time_zone()"
        )
        return
    op.execute(
        "CREATE TRIGGER stamp_time_zone AFTER UPDATE OF time_zone ON merchants BEGIN "  # noqa: S608 - our own words
        f"UPDATE merchants SET setup = {random} WHERE id = NEW.id; END"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER stamp_time_zone ON merchants")
        op.execute("DROP FUNCTION stamp_time_zone()")
    else:
        op.execute("DROP TRIGGER stamp_time_zone")
    with op.batch_alter_table("products") as products:
        products.drop_column("hazardous")

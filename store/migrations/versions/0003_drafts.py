"""Drafts of rule books; publications that are numbered, say what was known of them, and never change.

Triggers refuse every change of a version and of a publication, so that no way of writing, not even by hand, can make a
decision's stored version mean something else. Deleting is left alone: it is what taking a merchant away needs.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

FIXED = {
    "rule_books": ("version", "texts", "created_at"),
    "publications": (
        "merchant_id", "number", "version", "meaning", "kind", "replaces", "by", "comment", "evidence", "at",
    ),
}  # fmt: skip
REFUSAL = "a published version of the rules never changes; publish a new one"
POSTGRES_FUNCTION = f"""
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation';
END $$
"""


def upgrade() -> None:
    op.create_table(
        "rule_drafts",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("texts", sa.LargeBinary(), nullable=False),
        sa.Column("based_on", sa.String(length=64), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("created_by", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.String(length=200), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("merchant_id", sa.String(length=26), nullable=False),
        sa.ForeignKeyConstraint(["based_on"], ["rule_books.version"], name=op.f("fk_rule_drafts_based_on_rule_books")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_rule_drafts_merchant_id_merchants")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_drafts")),
    )
    op.create_index("ix_rule_drafts_merchant", "rule_drafts", ["merchant_id", "state", "updated_at"])
    _widen_publications()
    for statement in _refusals(op.get_bind().dialect.name):
        op.execute(statement)


def _widen_publications() -> None:
    """Columns are added one by one: a batch would make the table anew, and lose the triggers of the setup stamp."""
    for name, kind, default in (("number", sa.Integer(), "0"), ("kind", sa.String(length=40), "publish")):
        op.add_column("publications", sa.Column(name, kind, server_default=default, nullable=False))
    for name in ("meaning", "replaces"):
        op.add_column("publications", sa.Column(name, sa.String(length=64), nullable=True))
    op.add_column("publications", sa.Column("evidence", sa.JSON(), nullable=True))
    op.execute(
        "UPDATE publications SET number = (SELECT count(*) FROM publications AS earlier "
        "WHERE earlier.merchant_id = publications.merchant_id AND earlier.id <= publications.id), "
        "replaces = (SELECT earlier.version FROM publications AS earlier WHERE earlier.merchant_id = "
        "publications.merchant_id AND earlier.id < publications.id ORDER BY earlier.id DESC LIMIT 1)"
    )
    op.create_index("ix_publications_number", "publications", ["merchant_id", "number"], unique=True)


def _refusals(dialect: str) -> list[str]:
    named = {table: ", ".join(f'"{column}"' for column in columns) for table, columns in FIXED.items()}
    if dialect == "postgresql":
        return [POSTGRES_FUNCTION] + [
            f"CREATE TRIGGER fixed_{table} BEFORE UPDATE OF {columns} ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
            for table, columns in named.items()
        ]
    return [
        f"CREATE TRIGGER fixed_{table} BEFORE UPDATE OF {columns} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        for table, columns in named.items()
    ]


def downgrade() -> None:
    postgres = op.get_bind().dialect.name == "postgresql"
    for table in FIXED:
        op.execute(f"DROP TRIGGER fixed_{table} ON {table}" if postgres else f"DROP TRIGGER fixed_{table}")
    if postgres:
        op.execute("DROP FUNCTION refuse_change()")
    op.drop_index("ix_publications_number", "publications")
    for column in ("number", "meaning", "kind", "evidence", "replaces"):
        op.drop_column("publications", column)
    op.drop_table("rule_drafts")

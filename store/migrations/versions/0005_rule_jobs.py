"""Proofs and simulations that workers carry out in slices."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

UNFINISHED = sa.text("state IN ('waiting', 'running')")


def upgrade() -> None:
    op.create_table(
        "rule_jobs",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("draft_id", sa.String(length=26), nullable=True),
        sa.Column("texts_version", sa.String(length=64), nullable=False),
        sa.Column("texts", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("result", sa.LargeBinary(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.String(length=200), nullable=False),
        sa.Column("lease", sa.String(length=26), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("merchant_id", sa.String(length=26), nullable=False),
        sa.ForeignKeyConstraint(["draft_id"], ["rule_drafts.id"], name=op.f("fk_rule_jobs_draft_id")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_rule_jobs_merchant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_jobs")),
    )
    op.create_index("ix_rule_jobs_merchant", "rule_jobs", ["merchant_id", "id"])
    op.create_index("ix_rule_jobs_draft", "rule_jobs", ["draft_id", "kind", "id"])
    op.create_index(
        "ix_rule_jobs_unfinished",
        "rule_jobs",
        ["merchant_id", "draft_id", "kind"],
        unique=True,
        sqlite_where=UNFINISHED,
        postgresql_where=UNFINISHED,
    )
    op.create_table(
        "rule_job_parts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("job_id", sa.String(length=26), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("merchant_id", sa.String(length=26), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["rule_jobs.id"], name=op.f("fk_rule_job_parts_job_id")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_rule_job_parts_merchant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_job_parts")),
        sa.UniqueConstraint("job_id", "number", name=op.f("uq_rule_job_parts_job_id_number")),
    )


def downgrade() -> None:
    op.drop_table("rule_job_parts")
    op.drop_table("rule_jobs")

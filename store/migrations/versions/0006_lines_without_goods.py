"""Some order lines need no shipping: gift cards, downloads, bundles whose parts are lines of their own. A parcel may be known
to come from one outlet."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "order_lines", sa.Column("needs_shipping", sa.Boolean(), nullable=False, server_default=sa.true())
    )
    op.add_column("trackings", sa.Column("outlet", sa.String(40), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("order_lines") as lines:
        lines.drop_column("needs_shipping")
    with op.batch_alter_table("trackings") as trackings:
        trackings.drop_column("outlet")

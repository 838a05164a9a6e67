"""Which rules a start of the demo publishes."""

from __future__ import annotations

from pathlib import Path

import demo
from store import books
from store.models import Merchant
from store.session import Database

INTAKE = "decision: order_intake\nrules:\n  - {id: take-in, then: [import order]}\n"


def _start(database: Database, merchant: Merchant, folder: Path) -> None:
    with database.session(merchant.id) as session:
        demo.publish_shipped(session, folder)


def _published(database: Database, merchant: Merchant) -> list[tuple[str, dict[str, str] | None]]:
    with database.session(merchant.id, read_only=True) as session:
        return [(row.by, books.texts(session, row.version)) for row in books.publications(session)]


def test_shipped_rules_are_published_once_and_again_when_they_changed(database: Database, merchant: Merchant, tmp_path: Path) -> None:
    (tmp_path / "order_intake.yaml").write_text(INTAKE)
    _start(database, merchant, tmp_path)
    _start(database, merchant, tmp_path)
    assert len(_published(database, merchant)) == 1

    (tmp_path / "order_intake.yaml").write_text(f"# newer\n{INTAKE}")
    _start(database, merchant, tmp_path)
    assert [by for by, _ in _published(database, merchant)] == [demo.PUBLISHER] * 2


def test_rules_that_a_person_published_survive_a_start(database: Database, merchant: Merchant, tmp_path: Path) -> None:
    own = {"order_intake.yaml": INTAKE.replace("import order", "hold order")}
    with database.session(merchant.id) as session:
        books.publish(session, own, "v1", by="an admin")
    (tmp_path / "order_intake.yaml").write_text(INTAKE)
    _start(database, merchant, tmp_path)

    assert _published(database, merchant) == [("an admin", own)]

"""Rules that tests change, publish and go back from."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from api.publishing import Judged, judge
from engine.language.diff import diff_texts
from store import books
from store.rule_models import Publication
from tests.api.house import RULES, Shopkeeper

SHIPPED = {path.name: path.read_text() for path in sorted(Path(RULES).glob("*.yaml"))}
LAYER = "decision: order_intake\nlayer: true\nrules:\n  - id: {}\n    when:\n      - order.total > 100000 EUR\n    then:\n      - hold order because \"very large\"\n"
FAILING = """\
decision: order_intake
examples:
  - name: Every order is ignored
    facts:
      order: {payment_status: paid, total: 10 EUR}
    expect: [ignore order]
"""


def with_layer(rule: str = "very-large") -> dict[str, str]:
    """The shipped book with a layer that holds very large orders, by a rule of this id."""
    return {**SHIPPED, "layer/order_intake.yaml": LAYER.format(rule)}


def begin(client: FlaskClient, keeper: Shopkeeper, **body: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """A new draft, and the headers to go on with it."""
    answer = client.post("/v1/rule-drafts", json=body, headers=keeper.bearer)
    assert answer.status_code == 201, answer.json
    return answer.json, {**keeper.bearer, "If-Match": answer.headers["ETag"]}


def publish(client: FlaskClient, keeper: Shopkeeper, files: dict[str, str], comment: str = "a change") -> dict[str, Any]:
    """These files, published through a draft."""
    draft, headers = begin(client, keeper, files=files)
    answer = client.post(f"/v1/rule-drafts/{draft['id']}/publish", json={"comment": comment}, headers=headers)
    assert answer.status_code == 201, answer.json
    return dict(answer.json)


def put(keeper: Shopkeeper, files: dict[str, str], comment: str = "a change") -> Publication:
    """These files, published as the gate would, for tests that are not about the gate: each book is judged once only."""
    book, known = judged(frozenset(files.items())).book, judged(frozenset(files.items())).evidence
    with keeper.house.database.session(keeper.merchant.id) as session:
        newest = books.newest(session)
        before = (books.texts(session, newest.version) if newest else None) or {}
        evidence = {**known, "from": {"files": "tests"}, "changes": list(diff_texts(before, files).words)}
        return books.publish(session, files, book.version, "key admin key", comment, meaning=book.meaning, evidence=evidence)


@cache
def judged(files: frozenset[tuple[str, str]]) -> Judged:
    """What the gate says of these files."""
    return judge(dict(files))


def current(keeper: Shopkeeper) -> str | None:
    """The version that decides."""
    with keeper.house.database.session(keeper.merchant.id, read_only=True) as session:
        return books.current_version(session)

"""Whatever people call drafts, write in rules or give as a reason: pages show it to the letter and never become it."""

from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient
from markupsafe import escape

from tests.api.house import Shopkeeper
from tests.api.rule_making import SHIPPED, begin, put
from tests.api.test_pages import Structure
from tests.api.test_rule_editor import Desk

NASTY = "<script>alert(1)</script>'\"><img src=x onerror=alert(2)>{{7*7}}${7*7}</textarea></title>"
FILE = "layer/order_intake.yaml"
QUOTED = json.dumps(NASTY)
RULES = f"""decision: order_intake
description: {QUOTED}
layer: true
rules:
  - id: nasty
    description: {QUOTED}
    when:
      - order.comment is {QUOTED}
    then:
      - 'hold order because {QUOTED.replace("'", "''")}'
"""
BROKEN = f"decision: order_intake\nlayer: true\nrules:\n  - id: {QUOTED}\n    {QUOTED}: x\n    when:\n      - {QUOTED}\n    then: {QUOTED}\n"
EXAMPLES = f"""decision: order_intake
examples:
  - name: {QUOTED}
    facts:
      order: {{payment_status: paid, total: 10 EUR, comment: {QUOTED}}}
    expect: [ignore order]
"""


def harmless(page: str, about: str) -> None:
    """Nothing of the text became markup."""
    assert "<script>alert" not in page and "<img src=x" not in page and "</textarea></title>" not in page, about
    assert "onerror=alert(2)>" not in page, about
    structure = Structure(page)
    assert structure.inline == [] and structure.foreign == [], about


@pytest.fixture
def story(client: FlaskClient, keeper: Shopkeeper) -> dict[str, str]:
    """A version, an open draft and a discarded one, all named, described and reasoned badly. Their ids."""
    put(keeper, {**SHIPPED, FILE: RULES}, NASTY)
    draft, headers = begin(client, keeper, name=NASTY[:200], files={**SHIPPED, FILE: RULES + "# changed\n", "layer/order_intake.examples.yaml": EXAMPLES})
    broken, _ = begin(client, keeper, name=NASTY[:200], files={**SHIPPED, FILE: BROKEN})
    job = client.post("/v1/rule-jobs", json={"draft": draft["id"], "kind": "simulate"}, headers=headers).json["id"]
    return {"draft": draft["id"], "broken": broken["id"], "job": job}


PAGES = (
    "/rules", "/rules?q={{7*7}}<script>alert(1)</script>", "/rules/order_intake", "/rules/drafts", "/rules/drafts/{draft}",
    "/rules/drafts/{draft}/layer/order_intake.yaml", "/rules/drafts/{draft}/layer/order_intake.examples.yaml",
    "/rules/drafts/{draft}/diff", "/rules/drafts/{broken}", "/rules/drafts/{broken}/layer/order_intake.yaml",
    "/rules/drafts/{broken}/diff", "/rules/versions", "/rules/versions/2", "/rules/versions/1/diff/2",
    "/rules/simulations", "/rules/simulations/{job}", "/rules/simulations/new?draft={draft}", "/audit",
    "/audit?q={{7*7}}<script>alert(1)</script>", "/rules/versions/<script>alert(1)</script>{{7*7}}",
)  # fmt: skip


def test_no_page_becomes_what_people_wrote(admin: FlaskClient, story: dict[str, str]) -> None:
    for address in PAGES:
        for name, found in story.items():
            address = address.replace(f"{{{name}}}", found)
        page = admin.get(address).get_data(as_text=True)
        harmless(page, address)
        assert str(escape("<script>alert(1)</script>")) in page and "{{7*7}}" in page, address


def test_no_answer_that_the_editor_puts_into_its_page_becomes_what_people_wrote(admin: FlaskClient, story: dict[str, str]) -> None:
    for draft, text in (("draft", RULES), ("broken", BROKEN)):
        desk = Desk(admin, story[draft])
        facts = f"facts:\n  order: {{payment_status: paid, total: 10 EUR, comment: {QUOTED}}}\n"
        for what, more in (
            ("check", {"open": "nasty"}), ("check", {"open": NASTY}), ("try", {"facts": facts}), ("try", {"facts": f"facts: {QUOTED}"}), ("test", {}), ("cases", {"query": ""}),
            ("proof", {}), ("prove", {}), ("keep", {"facts": facts, "name": NASTY}), ("save", {"base": "other"}), ("complete", {"line": 5, "column": 3}),
        ):  # fmt: skip
            answer = desk.ask(what, text, FILE, **more)
            for key in ("html", "list", "structure"):
                harmless((answer.json or {}).get(key, ""), f"{what} {key} {more}")

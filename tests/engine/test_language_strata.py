"""Derived facts: which rules wait for which, and what is said when they wait for one another."""

from __future__ import annotations

from tests.engine.rule_texts import decision_of, problems_of


def rules(*lines: tuple[str, str, str]) -> str:
    """A rule file of rules given as id, condition (may be empty) and demand."""
    text = "decision: order_intake\nrules:\n"
    for rule_id, condition, demand in lines:
        text += f"  - id: {rule_id}\n    when: [{condition}]\n    then: [{demand}]\n"
    return text


def strata(text: str) -> dict[str, int]:
    return {rule.id: rule.stratum for rule in decision_of(text).rules}


def test_a_rule_waits_for_the_rules_that_derive_what_it_asks() -> None:
    found = strata(
        rules(
            ("large", "order.total > 500 EUR", "set order risk high"),
            ("held", "order.risk is high", "hold order"),
            ("plain", "order.split is true", "import order"),
        )
    )

    assert found == {"large": 0, "held": 1, "plain": 0}


def test_one_tag_may_follow_from_another() -> None:
    found = strata(
        rules(
            ("glass", "order.comment is glass", "tag order fragile"),
            ("careful", "order.tags contains fragile", "tag order careful"),
            ("held", "order.tags contains careful", "hold order"),
            ("other", "order.tags contains something", "hold order"),
        )
    )

    assert found == {"glass": 0, "careful": 1, "held": 2, "other": 0}


def test_asking_about_tags_as_a_whole_waits_for_every_tag() -> None:
    found = strata(
        rules(
            ("a", "", "tag order a"),
            ("b", "order.tags contains a", "tag order b"),
            ("any", "order.tags exists", "hold order"),
            ("join", "order.tags contains order.comment", "hold order"),
        )
    )

    assert found == {"a": 0, "b": 1, "any": 2, "join": 2}


def test_a_tag_known_only_when_the_rule_holds_is_waited_for_by_everybody() -> None:
    found = strata(rules(("dynamic", "", "tag order order.comment"), ("held", "order.tags contains a", "hold order")))

    assert found == {"dynamic": 0, "held": 1}


def test_a_derived_fact_in_a_demand_is_waited_for_too() -> None:
    found = strata(rules(("risk", "", "set order risk low"), ("copy", "", "tag order order.risk")))

    assert found == {"copy": 1, "risk": 0}


def test_rules_that_wait_for_one_another_are_named() -> None:
    text = rules(
        ("a", "order.tags contains y", "tag order x"),
        ("b", "order.tags contains x", "tag order y"),
        ("c", "order.tags contains x", "hold order"),
    )

    (said,) = problems_of(text)

    assert said in (
        "3:9: These rules wait for one another's derived facts: a -> b -> a. Let one of them ask about something else.",
        "6:9: These rules wait for one another's derived facts: b -> a -> b. Let one of them ask about something else.",
    )


def test_a_rule_that_waits_for_itself_is_named() -> None:
    (said,) = problems_of(rules(("a", "order.risk is missing", "set order risk low")))

    assert (
        said == "3:9: The rule `a` derives a fact that it asks about itself. Let one of them ask about something else."
    )

"""The reference page of the rule language, made from the vocabulary: every field, type, operator and outcome.

`reference()` gives it as plain data for pages and programs, `markdown()` as text. `docs/vocabulary.md` is written with
`python -m engine.reference > docs/vocabulary.md`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.language.checker import OPERATORS_OF
from engine.language.literals import NAMES
from engine.vocabulary import FIELD_TYPES, VOCABULARY, DecisionSpec, FactType, Field, Vocabulary

UNITS: Mapping[str, str] = {
    "money": "currency, ISO 4217: `50 EUR`",
    "weight": "`g`, `kg`; counted in grams",
    "duration": "`seconds`, `minutes`, `hours`, `days`, `weeks`; counted in seconds",
    "moment": "UTC or any offset",
    "date": "in the merchant's time zone",
    "time": "in the merchant's time zone",
}
"""What the values of a field type are counted in."""
_VALUES: Mapping[str, tuple[str, str]] = {
    "text": ('"NL"', '"BE"'), "boolean": ("true", "false"), "integer": ("3", "10"), "number": ("1.5", "2.5"),
    "money": ("50 EUR", "100 EUR"), "weight": ("500 g", "2 kg"), "duration": ("30 minutes", "2 days"),
    "moment": ("2026-11-22T10:00Z", "2026-11-23T10:00Z"), "date": ("2026-11-22", "2026-11-23"), "time": ("09:30", "17:00"),
    "list": ("fragile", "bulky"),
}  # fmt: skip
_PREFERRED = ("order.shipping_address.country", "order.fulfilment_type", "order.total", "order.tags")


def reference(vocabulary: Vocabulary = VOCABULARY) -> dict[str, Any]:
    """Everything a rule may mention, as plain JSON.

    `facts`: fact types with their fields (`path`, `type`, `unit`, `meaning`, `values`, `derived`) and the decisions that
    see them; `decisions`: what each sees and may demand (`form`, `meaning`, `target`, `group`, `derives`, `slots`) and
    which groups it promises to always give; `types`: the operators of each field type, each with an example.
    """
    return {
        "facts": [_fact(fact, vocabulary) for fact in vocabulary.facts.values()],
        "decisions": [_decision(spec) for spec in vocabulary.decisions.values()],
        "types": [_type(name, vocabulary) for name in FIELD_TYPES],
    }


def _fact(fact: FactType, vocabulary: Vocabulary) -> dict[str, Any]:
    return {
        "name": fact.name,
        "plural": fact.many if fact.repeated else "",
        "meaning": fact.meaning,
        "repeated": fact.repeated,
        "seen_by": [spec.name for spec in vocabulary.decisions.values() if fact.name in spec.sees],
        "fields": [_field(fact.name, field) for field in fact.fields],
    }


def _field(fact_type: str, field: Field) -> dict[str, Any]:
    return {
        "path": f"{fact_type}.{field.name}", "type": field.type, "unit": UNITS.get(field.type, ""),
        "meaning": field.meaning, "values": list(field.values), "derived": field.derived,
    }  # fmt: skip


def _decision(spec: DecisionSpec) -> dict[str, Any]:
    outcomes = [
        {
            "name": outcome.name, "form": outcome.form, "meaning": outcome.meaning, "target": outcome.target,
            "group": outcome.group, "derives": outcome.derives,
            "slots": [{"name": slot.name, "type": slot.type, "values": list(slot.values)} for slot in outcome.slots],
            "excludes": [o.name for o in spec.outcomes if o.group and o.group == outcome.group and o.name != outcome.name],
            "promised": bool(outcome.group) and outcome.group in spec.complete,
        }
        for outcome in spec.outcomes
    ]  # fmt: skip
    promises = [[o.name for o in spec.outcomes if o.group == group] for group in spec.complete]
    return {
        "name": spec.name, "meaning": spec.meaning, "sees": [name for name in spec.sees if name != "setting"],
        "promises": promises, "outcomes": outcomes,
    }  # fmt: skip


def _type(name: str, vocabulary: Vocabulary) -> dict[str, Any]:
    path, field = _example_field(name, vocabulary)
    values = field.values[:2] if name == "enum" and field is not None else _VALUES.get(name, ("", ""))
    low, high = (*values, *values)[:2]
    return {
        "name": name, "called": NAMES[name], "unit": UNITS.get(name, ""), "write": low,
        "operators": [{"operator": one, "example": _example(path, one, low, high)} for one in OPERATORS_OF[name]],
    }  # fmt: skip


def _example_field(type_: str, vocabulary: Vocabulary) -> tuple[str, Field | None]:
    """A field of this type to show; a setting, where no fact has one."""
    fields = {f"{fact.name}.{field.name}": field for fact in vocabulary.facts.values() for field in fact.fields}
    fitting = [path for path, field in fields.items() if field.type == type_]
    best = [path for path in _PREFERRED if path in fitting] or fitting
    return (best[0], fields[best[0]]) if best else (f"setting.some_{type_}", None)


def _example(path: str, operator: str, low: str, high: str) -> str:
    """One condition that shows an operator."""
    if operator in ("exists", "is missing"):
        return f"{path} {operator}"
    if operator in ("in", "not in"):
        return f"{path} {operator} [{low}, {high}]"
    if operator == "between":
        return f"{path} between {low} and {high}"
    if operator == "matches":
        return f'{path} matches "[A-Z].*"'
    return f"{path} {operator} {low}"


# As a page


def markdown(vocabulary: Vocabulary = VOCABULARY) -> str:
    """The reference as a page in Markdown."""
    return "\n".join(_page(reference(vocabulary))) + "\n"


def _page(found: Mapping[str, Any]) -> Iterator[str]:
    yield "# The vocabulary of rules"
    yield ""
    yield "Generated from `engine/vocabulary.py` by `python -m engine.reference > docs/vocabulary.md`. How rules are written"
    yield "is told in [the rule language](rule-language.md)."
    yield ""
    yield "- [Decisions](#decisions): " + ", ".join(f"[{d['name']}](#{d['name']})" for d in found["decisions"])
    yield "- [Facts](#facts): " + ", ".join(f"[{f['name']}](#{f['name']})" for f in found["facts"])
    yield "- [Types and operators](#types-and-operators)"
    yield from ("", "## Decisions", "")
    yield "What each decision may demand. Every demand may end in `because \"reason\"`. Outcomes that exclude each other: for"
    yield "one target the first in agenda order wins."
    for decision in found["decisions"]:
        yield from _decision_page(decision)
    yield from ("", "## Facts", "")
    yield "What conditions may ask about. A rule that mentions a repeated fact holds for each of them."
    for fact in found["facts"]:
        yield from _fact_page(fact)
    yield from ("", "## Types and operators", "")
    yield "Every field has one type, and each type its operators. A comparison with a missing value is never met."
    for one in found["types"]:
        yield from _type_page(one)


def _decision_page(decision: Mapping[str, Any]) -> Iterator[str]:
    yield from ("", f"### {decision['name']}", "", decision["meaning"], "")
    yield "It sees " + ", ".join(f"[{name}](#{name})" for name in decision["sees"]) + ", and the settings of its file (`setting.name`)."
    for names in decision["promises"]:
        choice = f"`{names[0]}`" if len(names) == 1 else "one of " + ", ".join(f"`{name}`" for name in names)
        yield f"It promises to always give {choice}; `flask rules prove` looks for facts for which it does not."
    yield ""
    yield from _table(
        ("demand", "meaning", "about", "excludes", "values"),
        [
            (
                f"`{outcome['form']}`",
                outcome["meaning"] + (f" Changes `{outcome['derives']}`." if outcome["derives"] else ""),
                f"each {outcome['target']}" if outcome["target"] else "the decision",
                ", ".join([*(f"`{name}`" for name in outcome["excludes"]), *_itself(outcome)]),
                "; ".join(_slot(slot) for slot in outcome["slots"]),
            )
            for outcome in decision["outcomes"]
        ],
    )


def _itself(outcome: Mapping[str, Any]) -> list[str]:
    return ["itself with another value"] if outcome["group"] and outcome["slots"] else []


def _slot(slot: Mapping[str, Any]) -> str:
    what = ", ".join(f"`{value}`" for value in slot["values"]) or NAMES[slot["type"]]
    return f"{slot['name']}: {what}"


def _fact_page(fact: Mapping[str, Any]) -> Iterator[str]:
    repeated = f" Repeated: rules hold for each, and `count of {fact['plural']}` counts them." if fact["repeated"] else ""
    yield from ("", f"### {fact['name']}", "", f"{fact['meaning']}{repeated}", "")
    yield "Seen by " + (", ".join(f"[{name}](#{name})" for name in fact["seen_by"]) or "no decision") + "."
    yield ""
    yield from _table(
        ("field", "type", "meaning"),
        [
            (
                f"`{field['path']}`",
                field["type"],
                field["meaning"]
                + (" Set by rules." if field["derived"] else "")
                + (f" One of {', '.join(f'`{value}`' for value in field['values'])}." if field["values"] else ""),
            )
            for field in fact["fields"]
        ],
    )


def _type_page(one: Mapping[str, Any]) -> Iterator[str]:
    yield from ("", f"### {one['name']}", "")
    called, unit = one["called"], f" ({one['unit']})" if one["unit"] else ""
    yield f"{called[:1].upper()}{called[1:]}{unit}. Written `{one['write']}`."
    yield ""
    yield from _table(
        ("operator", "example"), [(f"`{known['operator']}`", f"`{known['example']}`") for known in one["operators"]]
    )


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    used = [at for at in range(len(headings)) if any(row[at] for row in rows)]
    yield "| " + " | ".join(headings[at] for at in used) + " |"
    yield "|" + "---|" * len(used)
    for row in rows:
        yield "| " + " | ".join(row[at].replace("|", "\\|") for at in used) + " |"


if __name__ == "__main__":
    sys.stdout.write(markdown())

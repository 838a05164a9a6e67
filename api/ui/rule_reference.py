"""The words rules are written in, made from the vocabulary: every field with type and meaning, every outcome, every operator."""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import request

from api.ui import blueprint
from api.ui.frame import page, reading, show
from engine.reference import reference


@blueprint.get("/rules/reference")
@page
def rule_reference() -> Any:
    """The whole vocabulary, or what of it holds the words looked for."""
    searched = request.args.get("q", "").replace("\x00", "").strip()[:100]
    with reading() as session:
        return show(session, "rule_reference", found=_found(searched.lower().split()), text=searched)


@cache
def _everything() -> dict[str, Any]:
    return reference()


def _found(words: list[str]) -> dict[str, Any]:
    """The reference with only those fields and outcomes that hold every word; facts and decisions without any are left out."""
    whole = _everything()
    if not words:
        return whole
    facts = [{**fact, "fields": [one for one in fact["fields"] if _holds(words, fact["name"], one)]} for fact in whole["facts"]]
    decisions = [
        {**spec, "outcomes": [one for one in spec["outcomes"] if _holds(words, spec["name"], one)]} for spec in whole["decisions"]
    ]
    return {
        "facts": [fact for fact in facts if fact["fields"]],
        "decisions": [spec for spec in decisions if spec["outcomes"]],
        "types": [one for one in whole["types"] if all(word in f"{one['name']} {one['called']}" for word in words)],
    }


def _holds(words: list[str], name: str, one: dict[str, Any]) -> bool:
    text = f"{name} {one.get('path', '')} {one.get('form', '')} {one['meaning']} {' '.join(one.get('values', ()))}".lower()
    return all(word in text for word in words)

"""Edits of a file as a whole: its rules, what a layer switches off or replaces, and its settings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from engine.language.formatter import scalar
from engine.language.outline import SECTIONS, settings_words
from engine.language.rule_edits import free_id, shifted
from engine.language.spans import Document, Span, read_document
from engine.language.splices import EditError, Lists, Splice, block_lines
from engine.language.targets import Target, id_of

_TOP_ORDER = ("decision", "layer", "description", "settings", "switch_off", "replace", "rules", "invariants")
_SETTING_NAME = re.compile(r"[a-z][a-z0-9_]*")
_SETTING_LENGTH = 100


# Rules


def add_rule(target: Target) -> list[Splice]:
    """Adds a rule to `section` (`rules`, `replace` or `invariants`): the YAML in `text`, or one made of `id`,
    `description`, `when` and `then`; at position `at`, by default behind the others."""
    section = target.words.text("section", "rules")
    if section not in SECTIONS:
        raise EditError("A rule stands under `rules`, `replace` or `invariants`.")
    if section == "replace" and not target.is_layer:
        raise EditError("Only a merchant's layer replaces rules of the base book.")
    lines = _rule_lines(target) if target.words.has("text") else _new_rule(target, section)
    return _insert_rule(target, section, lines)


def _rule_lines(target: Target) -> list[str]:
    """The lines of the rule in `text`, its dash at the margin, its comments kept."""
    text = "".join(f"{line}\n" for line in str(target.words.words["text"]).splitlines())
    target.words.text("text")  # refuses what is not text
    document = read_document(text)
    root = document.root
    if document.problems or root is None:
        said = f": {document.problems[0].message}" if document.problems else "."
        raise EditError(f"The new rule cannot be read{said}")
    if root.kind == "map" and not root.flow:
        margin = root.column
        raw = Lists(document).lines(0, document.last_line(root))
        first = root.line  # comments above it come out above the dash
        own = [*shifted(raw[:first], -margin), *shifted(raw[first:], 2 - margin)]
        own[first] = f"- {own[first].lstrip()}"
        return _checked_rule(target, own, root)
    if root.kind == "list" and len(root.items) == 1 and not root.flow:
        return _checked_rule(target, _lines_of(document, root, 0), root.items[0])
    raise EditError("The new rule must be one rule. Begin it with `- id:`.")


def _lines_of(document: Document, items: Span, at: int) -> list[str]:
    """The lines of an item of a block list, its dash at the margin."""
    lists = Lists(document)
    return shifted(lists.lines(*lists.item_lines(items, at)), -items.column)


def _checked_rule(target: Target, lines: list[str], rule: Span) -> list[str]:
    if rule.kind != "map" or not id_of(rule):
        raise EditError("The new rule has no id. Begin it with `- id:`.")
    free_id(target, id_of(rule))
    return lines


def _new_rule(target: Target, section: str) -> list[str]:
    rule_id = free_id(target, target.words.text("id"))
    lines = [f"- id: {scalar(rule_id)}"]
    if description := " ".join(target.words.text("description", "").split()):
        lines.append(f"  description: {scalar(description)}")
    when = target.words.texts("when") if target.words.has("when") else []
    lines += ["  when:", *(line for one in when for line in block_lines(one, 4))] if when else ["  when: []"]
    then = target.words.texts("then") if target.words.has("then") else [_some_demand(target)]
    key = "never" if section == "invariants" else "then"
    return [*lines, f"  {key}:", *(line for one in then for line in block_lines(one, 4))]


def _some_demand(target: Target) -> str:
    """A demand to begin with: the first outcome of the decision that needs nothing filled in."""
    spec = target.vocabulary.decisions.get(target.decision)
    if spec is None:
        raise EditError("Name the decision of this file first: `decision:` and its name.")
    plain = [outcome.form for outcome in spec.outcomes if not outcome.slots]
    if not plain:
        raise EditError("Say what the new rule demands.")
    return plain[0]


def _insert_rule(target: Target, section: str, lines: Sequence[str]) -> list[Splice]:
    """Puts a rule, its dash at the margin, into a section, a blank line between it and its neighbours."""
    lists, items = target.lists, target.root.get(section)
    if items is not None and items.kind == "list" and items.items:
        if items.flow:
            raise EditError(f"`{section}:` is written between brackets. Format the file first.")
        at = min(target.words.number("at", len(items.items)), len(items.items))
        own = shifted(lines, items.column)
        if at == len(items.items):
            return [lists.insert_lines(lists.item_lines(items, at - 1)[1] + 1, ["", *own])]
        return [lists.insert_lines(lists.item_lines(items, at)[0], [*own, ""])]
    return _fill(target, section, shifted(lines, 2))


def _fill(target: Target, key: str, lines: Sequence[str]) -> list[Splice]:
    """Gives a section that is absent or empty these lines."""
    lists, root = target.lists, target.root
    if root.flow:
        raise EditError("This file is written between brackets. Format it first.")
    at = root.entry(key)
    if at < 0:
        return [_new_section(target, key, lines)]
    value = root.items[at]
    if not (value.empty or (value.kind in ("list", "map") and not value.items)):
        raise EditError(f"`{key}:` is not what it should be. Mend it in the text first.")
    gone = value.start
    while gone > 0 and lists.text[gone - 1] == " ":
        gone -= 1
    return [(gone, value.end, ""), lists.insert_lines(target.document.last_line(value) + 1, lines)]


def _new_section(target: Target, key: str, lines: Sequence[str]) -> Splice:
    """A new section in its usual place: behind the last of those that come before it."""
    root, lists = target.root, target.lists
    earlier = _TOP_ORDER[: _TOP_ORDER.index(key)]
    before = [at for at, name in enumerate(root.keys) if name.text in earlier]
    at = before[-1] if before else 0
    last = lists.entry_lines(root, at)[1]
    later = at + 1 < len(root.keys)
    section = ["", f"{key}:", *lines]
    blank_follows = not later or not target.document.line_text(last + 1).strip()
    return lists.insert_lines(last + 1, section if blank_follows else [*section, ""])


def remove_rule(target: Target) -> list[Splice]:
    """Takes out `rule` with the comments that belong to it."""
    items, at = target.find(target.words.text("rule"))
    lists, document = target.lists, target.document
    if items.flow:
        return lists.remove_item(items, at) if len(items.items) > 1 else [(items.start, items.end, "[]")]
    first, last = lists.item_lines(items, at)
    if len(items.items) == 1:
        key = next(k for k, value in target.root.entries if value is items)
        colon = document.hidden.index(":", key.end) + 1
        return [(colon, colon, " []"), lists.remove_lines(first, last)]
    if at + 1 < len(items.items):
        while not document.line_text(last + 1).strip():
            last += 1
    else:
        while not document.line_text(first - 1).strip():
            first -= 1
    return [lists.remove_lines(first, last)]


def replace_rule(target: Target) -> list[Splice]:
    """Copies the rule `id` of the base file `base_text` into the layer, under `replace:`, to be changed there."""
    _must_be_layer(target, "replaces")
    rule_id = target.words.text("id")
    base = read_document(_base_text(target))
    items = base.root.get("rules") if base.root is not None and base.root.kind == "map" else None
    found = [at for at, item in enumerate(items.items) if id_of(item) == rule_id] if items is not None else []
    if items is None or not found:
        raise EditError(f"The base rules have no `{rule_id[:60]}`.")
    if items.flow:
        raise EditError("The base rules are written between brackets. Format their file first.")
    free_id(target, rule_id)
    off = target.root.get("switch_off")
    if off is not None and rule_id in [item.text for item in off.items]:
        raise EditError(f"`{rule_id}` is switched off. Switch it on again first.")
    return _insert_rule(target, "replace", _lines_of(base, items, found[0]))


def _base_text(target: Target) -> str:
    text = target.words.words.get("base_text")
    if not isinstance(text, str):
        raise EditError("This edit needs `base_text`, the text of the base rules.")
    return text


# Switched off


def _must_be_layer(target: Target, verb: str) -> None:
    if not target.is_layer:
        raise EditError(f"Only a merchant's layer {verb} rules of the base book. Change the rule itself here.")


def switch_off(target: Target) -> list[Splice]:
    """Switches the base rule `id` off in the layer."""
    _must_be_layer(target, "switches off")
    rule_id = target.words.sentence("id")
    items = target.root.get("switch_off")
    if items is None or not items.items:
        return _fill(target, "switch_off", [f"  - {scalar(rule_id)}"])
    if items.kind != "list":
        raise EditError("`switch_off:` is not a list. Mend it in the text first.")
    if rule_id in [item.text for item in items.items]:
        return []
    if any(id_of(section.items[at]) == rule_id for section, at in target.all_rules()):
        raise EditError(f"`{rule_id[:60]}` is replaced in this layer. Remove that rule first.")
    return target.lists.insert_item(items, len(items.items), rule_id)


def switch_on(target: Target) -> list[Splice]:
    """Switches the base rule `id` on again."""
    _must_be_layer(target, "switches on")
    rule_id = target.words.text("id")
    items = target.root.get("switch_off")
    at = next((n for n, item in enumerate(items.items) if item.text == rule_id), -1) if items is not None else -1
    if items is None or at < 0 or items.kind != "list":
        raise EditError(f"`{rule_id[:60]}` is not switched off in this layer.")
    if len(items.items) > 1:
        return target.lists.remove_item(items, at)
    return _remove_section(target, "switch_off")


def _remove_section(target: Target, key: str) -> list[Splice]:
    """Takes out a section and the blank lines before it."""
    root, document = target.root, target.document
    if root.flow:
        return target.lists.remove_entry(root, root.entry(key))
    first, last = target.lists.entry_lines(root, root.entry(key))
    while first > 0 and not document.line_text(first - 1).strip():
        first -= 1
    return [target.lists.remove_lines(first, last)]


# Settings


def set_setting(target: Target) -> list[Splice]:
    """Gives the setting `name` the `value`: a truth value, a whole number, a list of texts, or the words as they are
    written in a file (`50.00 EUR`, `"text"`, `[a, b]`). Without a value the setting is taken out."""
    name = target.words.text("name")
    if not _SETTING_NAME.fullmatch(name) or len(name) > _SETTING_LENGTH:
        raise EditError("A setting's name is small letters, digits and `_`, such as `safety_stock`.")
    settings = target.root.get("settings")
    known = settings is not None and settings.kind == "map" and settings.entry(name) >= 0
    if not target.words.has("value"):
        if not known:
            raise EditError(f"There is no setting `{name}` in this file.")
        return _remove_setting(target, name)
    source = setting_source(target.words.words["value"])
    if settings is None or not settings.items:
        return _fill(target, "settings", [f"  {name}: {source}"])
    if settings.kind != "map":
        raise EditError("`settings:` is not lines of `name: value`. Mend it in the text first.")
    if not known:
        return [target.lists.insert_entry(settings, len(settings.keys) - 1, name, source)]
    return _write_setting(target, settings, settings.entry(name), source)


def _write_setting(target: Target, settings: Span, at: int, source: str) -> list[Splice]:
    value = settings.items[at]
    if value.kind == "scalar" or value.flow:
        return [target.lists.write(value, source)]
    end = value.end  # a list in lines gives way to one between brackets
    colon = target.document.hidden.index(":", settings.keys[at].end) + 1
    inner = [c for c in target.document.comments if colon < c.start < end]
    if inner:
        raise EditError("This list has comments between its lines. Change it in the text.")
    return [(colon, end, f" {source}")]


def _remove_setting(target: Target, name: str) -> list[Splice]:
    settings = target.root.get("settings")
    assert settings is not None  # the caller found the setting in it
    if len(settings.keys) > 1:
        return target.lists.remove_entry(settings, settings.entry(name))
    return _remove_section(target, "settings")


def setting_source(value: Any) -> str:
    """How a setting's value is written in a file. Raises EditError for one that no setting can have."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return "[" + ", ".join(_quoted(item) for item in value) + "]"
    if not isinstance(value, str):
        raise EditError("A setting is a truth value, a number, a text or a list of texts.")
    words = value.strip()
    return words if words and _stands_for_itself(words) else _quoted(words)


def _stands_for_itself(words: str) -> bool:
    """Whether these words, written behind the name of a setting, are read as what they say."""
    if len(words.splitlines()) != 1:
        return False
    document = read_document(f"a: {words}\n")
    node = document.root.get("a") if document.root is not None and document.root.kind == "map" else None
    if node is None or document.comments or node.start != 3 or node.end != 3 + len(words):
        return False
    if node.kind == "list":
        return node.flow and all(item.kind == "scalar" for item in node.items)
    return node.kind == "scalar" and (node.plain or settings_words(node).startswith('"'))


def _quoted(text: str) -> str:
    written = scalar(text)
    return written if written[:1] in "'\"" else "'" + text.replace("'", "''") + "'"

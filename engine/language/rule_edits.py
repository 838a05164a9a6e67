"""Edits of one rule: its id, description and priority, its conditions and its demands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.language.formatter import scalar
from engine.language.literals import read_integer
from engine.language.outline import DEMANDS, GROUPS
from engine.language.rule_reader import ID_LENGTH, PRIORITY_LIMIT
from engine.language.spans import Span
from engine.language.splices import EditError, Splice, block_lines, flow_text
from engine.language.targets import RULE_ID, Target, id_of, is_group


def free_id(target: Target, rule_id: str) -> str:
    """An id that a rule may take. Raises EditError for one that is none, or that is taken."""
    if not RULE_ID.fullmatch(rule_id) or len(rule_id) > ID_LENGTH:
        raise EditError(f"`{rule_id[:40]}` is not a rule id. Use letters, digits, `-` and `_`, such as `outlet-closed`.")
    if any(id_of(section.items[at]) == rule_id for section, at in target.all_rules()):
        raise EditError(f"There is a rule `{rule_id}` already. Choose another id.")
    return rule_id


def set_id(target: Target) -> list[Splice]:
    """Gives `rule` another `id`."""
    node = target.rule.get("id")
    assert node is not None  # it was found by its id
    if target.words.text("id") == node.text:
        return []
    return [target.lists.write_scalar(node, free_id(target, target.words.text("id")), flow=target.rule.flow)]


def set_description(target: Target) -> list[Splice]:
    """Gives `rule` the description `text`; none when that is empty."""
    text = " ".join(target.words.text("text", "").split())
    return _set_entry(target, "description", flow_text(text) if target.rule.flow else scalar(text) if text else "", ("id",))


def set_priority(target: Target) -> list[Splice]:
    """Gives `rule` the priority `text`, a whole number; the usual one when that is empty."""
    text = target.words.text("text", "") if "text" in target.words.words else target.words.text("priority", "")
    number = read_integer(text)
    if text and (number is None or abs(number) > PRIORITY_LIMIT):
        raise EditError("A priority is a whole number. Lower comes first; 100 is the default.")
    return _set_entry(target, "priority", "" if number is None else str(number), ("description", "id"))


def _set_entry(target: Target, key: str, source: str, after: Sequence[str]) -> list[Splice]:
    """Writes, adds or takes out one line of the rule."""
    rule = target.rule
    at = rule.entry(key)
    if not source or source in ("''", '""'):
        return target.lists.remove_entry(rule, at) if at >= 0 else []
    if at < 0:
        behind = next(rule.entry(name) for name in after if rule.entry(name) >= 0)
        return [target.lists.insert_entry(rule, behind, key, source)]
    value = rule.items[at]
    if value.kind != "scalar":
        raise EditError(f"The {key} of this rule is not text. Mend it in the text first.")
    return [target.lists.write(value, source)]


# Conditions


def set_condition(target: Target) -> list[Splice]:
    """Makes the condition at `path` say `text`."""
    items, at = target.node(target.words.path())
    if items.items[at].kind != "scalar":
        raise EditError("This is a group, not a condition.")
    return [target.lists.write_scalar(items.items[at], target.words.sentence(), flow=items.flow)]


def add_condition(target: Target) -> list[Splice]:
    """Adds the condition `text` to the group at `path` (the rule itself: an empty path) at position `at`, by default
    behind the others. With `kind` (`any`, `all`, `none`) it adds a group that holds this one condition."""
    data: Any = target.words.sentence()
    if target.words.has("kind"):
        data = {_kind(target): [data]}
    return _insert(target, target.words.path("path", ()), data)


def _insert(target: Target, path: Sequence[int], data: Any) -> list[Splice]:
    items = target.children(path)
    if items is None or not items.items:
        return _first(target, "when", [data], ("priority", "description", "id"))
    at = min(target.words.number("at", len(items.items)), len(items.items))
    return target.lists.insert_item(items, at, data)


def _first(target: Target, key: str, data: list[Any], after: Sequence[str]) -> list[Splice]:
    """Fills a list of the rule that was absent or empty."""
    rule, lists = target.rule, target.lists
    at = rule.entry(key)
    below = [line for one in data for line in block_lines(one, rule.column + 2)]
    if at < 0:
        behind = next(rule.entry(name) for name in after if rule.entry(name) >= 0)
        return [lists.insert_entry(rule, behind, key, flow_text(data) if rule.flow else "", below)]
    value = rule.items[at]
    if rule.flow:
        return [lists.write(value, flow_text(data))]
    gone = value.start
    while lists.text[gone - 1] == " ":
        gone -= 1
    line = target.document.last_line(value) + 1
    return [(gone, value.end, ""), lists.insert_lines(line, below)]


def remove_condition(target: Target) -> list[Splice]:
    """Takes out the condition or group at `path`; a group that is left empty goes with it."""
    return _remove(target, target.words.path())


def _remove(target: Target, path: Sequence[int], gaining: Span | None = None) -> list[Splice]:
    """Takes something out; `gaining` is a list that gets another item at the same time, so that it is never empty."""
    items, at = target.node(path)
    if len(items.items) > 1 or items is gaining:
        return target.lists.remove_item(items, at)
    if len(path) > 1:
        return _remove(target, path[:-1], gaining)
    return _emptied(target, "when", items)


def _emptied(target: Target, key: str, items: Span) -> list[Splice]:
    """Leaves `key: []` where a list has lost its last item."""
    if items.flow:
        return [(items.start, items.end, "[]")]
    key_node = target.rule.keys[target.rule.entry(key)]
    colon = target.document.hidden.index(":", key_node.end) + 1
    return [(colon, colon, " []"), target.lists.remove_lines(*target.lists.item_lines(items, 0))]


def move_condition(target: Target) -> list[Splice]:
    """Moves the condition or group at `path`: `by` -1 or 1 within its list, or to position `at` in the group at `to`
    (by default its own), counted without it."""
    path = target.words.path()
    items, at = target.node(path)
    to = target.words.path("to", path[:-1])
    if to[: len(path)] == path:
        raise EditError("A group cannot be moved into itself.")
    goal = target.children(to)
    assert goal is not None  # the condition that moves stands in this rule
    here = to == path[:-1]
    wanted = target.words.moved(at, len(items.items) - 1) if here else target.words.number("at", len(goal.items))
    if here and wanted == at:
        return []
    before = wanted + 1 if here and wanted > at else wanted
    if goal.flow and len(goal.items) == 1 and not here:
        raise EditError("These conditions are written between brackets. Format the file first.")
    return [*_moved_in(target, items, at, goal, min(before, len(goal.items))), *_remove(target, path, goal)]


def _moved_in(target: Target, items: Span, at: int, goal: Span, before: int) -> list[Splice]:
    """The item as part of another list, with its comments where both lists have lines for them."""
    if items.flow or goal.flow:
        return target.lists.insert_item(goal, before, items.items[at].data())
    lines = target.lists.lines(*target.lists.item_lines(items, at))
    return [target.lists.insert_block(goal, before, shifted(lines, goal.column - items.column))]


def shifted(lines: Sequence[str], by: int) -> list[str]:
    """Lines moved to the right, or to the left as far as there are blanks."""
    if by >= 0:
        return [" " * by + line if line.strip() else line for line in lines]
    return [line[min(-by, len(line) - len(line.lstrip(" "))) :] for line in lines]


def set_group(target: Target) -> list[Splice]:
    """Makes the group at `path` an `any`, `all` or `none` (`kind`). A single condition becomes a group of that kind."""
    items, at = target.node(target.words.path())
    node, kind = items.items[at], _kind(target)
    if is_group(node):
        return [target.lists.write(node.keys[0], kind)]
    if node.kind != "scalar":
        raise EditError("This is neither a condition nor a group.")
    if items.flow:
        return [target.lists.write(node, flow_text({kind: [node.text]}))]
    target.lists.item_lines(items, at)  # refuses where several lists begin on one line
    dash = target.document.line_of(target.document.dash(items, at))  # comments above stay above the group
    own = target.lists.lines(dash, target.document.last_line(node))
    changed = [f"{' ' * items.column}- {kind}:", *shifted(own, 4)]
    return [target.lists.insert_lines(dash, changed), target.lists.remove_lines(dash, dash + len(own) - 1)]


def _kind(target: Target) -> str:
    kind = target.words.text("kind")
    if kind not in GROUPS:
        raise EditError("A group is `all`, `any` or `none`.")
    return kind


# Demands


def _demands(target: Target) -> tuple[str, Span | None]:
    key = target.words.text("list", "then")
    if key not in DEMANDS:
        raise EditError("Demands stand under `then`, `never` or `always`.")
    if key == "then" and target.rule.entry("table") >= 0:
        raise EditError("This rule has a table: its demands are columns.")
    items = target.rule.get(key)
    if items is not None and not items.empty and items.kind != "list":
        raise EditError(f"`{key}:` of this rule is not a list.")
    return key, items if items is not None and items.kind == "list" else None


def _demand(target: Target) -> tuple[Span, int]:
    _, items = _demands(target)
    at = target.words.number("index")
    if items is None or at >= len(items.items) or items.items[at].kind != "scalar":
        raise EditError("There is no such demand in this rule.")
    return items, at


def set_demand(target: Target) -> list[Splice]:
    """Makes demand number `index` say `text`. `list` names an invariant's list: `never` or `always`."""
    items, at = _demand(target)
    return [target.lists.write_scalar(items.items[at], target.words.sentence(), flow=items.flow)]


def add_demand(target: Target) -> list[Splice]:
    """Adds the demand `text` at position `at`, by default behind the others."""
    key, items = _demands(target)
    text = target.words.sentence()
    if items is None or not items.items:
        return _first(target, key, [text], ("never", "when", "priority", "description", "id"))
    at = min(target.words.number("at", len(items.items)), len(items.items))
    return target.lists.insert_item(items, at, text)


def remove_demand(target: Target) -> list[Splice]:
    """Takes out demand number `index`. A rule keeps at least one, and so does an invariant over both its lists."""
    items, at = _demand(target)
    if len(items.items) > 1:
        return target.lists.remove_item(items, at)
    key, _ = _demands(target)
    others = [target.rule.get(name) for name in DEMANDS if name != key]
    if not any(other is not None and other.items for other in others):
        raise EditError("A rule demands at least one thing. Write another demand first, or remove the rule.")
    return target.lists.remove_entry(target.rule, target.rule.entry(key))

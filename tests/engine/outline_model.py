"""What each edit should do to an outline, worked out on the outline alone: the model the edits of the text are held to."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from engine.language.outline import outline
from engine.vocabulary import Vocabulary

CONDITIONS = ("order.count is 5", "order.name exists", 'order.name is "no: #1"', "item.count between 1 and 9")
DEMANDS = ("hold", 'hold because "not yet: see #5"', "prefer place by 3")


def bare(found: Any) -> Any:
    """An outline without where things stand."""
    if isinstance(found, dict):
        return {k: bare(v) for k, v in found.items() if k not in ("line", "end_line", "path", "problems", "layer")}
    return [bare(one) for one in found] if isinstance(found, list) else found


@st.composite
def operations(draw: st.DrawFn, found: Mapping[str, Any]) -> dict[str, Any]:
    """An edit that can be made in a file with this outline."""
    if not found["rules"]:
        return {"op": "add_rule", "section": "rules", "id": "new-rule", "when": list(CONDITIONS[:1]), "then": ["hold"]}
    rule = draw(st.sampled_from(found["rules"]))
    name = {"rule": rule["id"]}
    paths = list(_paths(rule["when"]))
    groups = [[], *(path for path, node in paths if node["kind"] != "condition")]
    choices: list[st.SearchStrategy[dict[str, Any]]] = [
        st.just({"op": "remove_rule", **name}),
        st.builds(lambda text: {"op": "set_description", **name, "text": text}, st.sampled_from(("", "New: one # two", "Ü"))),
        st.builds(lambda text: {"op": "set_priority", **name, "text": text}, st.sampled_from(("", "7", "-3"))),
        st.builds(_add_condition, st.just(name), st.sampled_from(groups), st.sampled_from(CONDITIONS), st.integers(0, 3), st.sampled_from((None, "any", "none"))),
        st.builds(lambda at: {"op": "add_rule", "section": "rules", "id": "new-rule", "then": list(DEMANDS), "at": at}, st.integers(0, 5)),
        st.builds(lambda value: {"op": "set_setting", "name": "limit", "value": value}, st.sampled_from((5, "12"))),
    ]  # fmt: skip
    for path, node in paths:
        choices.append(st.just({"op": "remove_condition", **name, "path": path}))
        choices.append(st.builds(lambda kind, path=path: {"op": "set_group", **name, "path": path, "kind": kind}, st.sampled_from(("any", "all", "none"))))
        choices.append(st.builds(lambda by, path=path: {"op": "move_condition", **name, "path": path, "by": by}, st.sampled_from((-1, 1))))
        outside = [group for group in groups if group[: len(path)] != path]
        choices.append(st.builds(lambda to, at, path=path: {"op": "move_condition", **name, "path": path, "to": to, "at": at}, st.sampled_from(outside), st.integers(0, 3)))
        if node["kind"] == "condition":
            choices.append(st.builds(lambda text, path=path: {"op": "set_condition", **name, "path": path, "text": text}, st.sampled_from(CONDITIONS)))
    if rule["table"]:
        choices += _table_operations(name, rule["table"])
    else:
        count = len(rule["then"])
        choices.append(st.builds(lambda at, text: {"op": "set_demand", **name, "index": at, "text": text}, st.integers(0, count - 1), st.sampled_from(DEMANDS)))
        choices.append(st.builds(lambda at, text: {"op": "add_demand", **name, "at": at, "text": text}, st.integers(0, count), st.sampled_from(DEMANDS)))
        if count > 1:
            choices.append(st.builds(lambda at: {"op": "remove_demand", **name, "index": at}, st.integers(0, count - 1)))
    return draw(st.one_of(choices))


def _add_condition(name: dict[str, str], path: list[int], text: str, at: int, kind: str | None) -> dict[str, Any]:
    return {"op": "add_condition", **name, "path": path, "text": text, "at": at, **({"kind": kind} if kind else {})}


def _table_operations(name: dict[str, str], table: Mapping[str, Any]) -> list[st.SearchStrategy[dict[str, Any]]]:
    rows, asked = len(table["rows"]), len(table["when"])
    row = st.integers(0, rows - 1)
    cells = ["[new, done]", "any", "yes", "no, not yet"]
    return [
        st.builds(lambda at, text: {"op": "set_cell", **name, "row": at, "column": 1, "text": text}, row, st.sampled_from(("any", "50 EUR", "> 10.50 EUR", "[1 EUR, 2 EUR]"))),
        st.builds(lambda at, text: {"op": "set_cell", **name, "row": at, "column": 3, "text": text}, row, st.sampled_from(("~", "why: so", "a, b"))),
        st.builds(lambda at: {"op": "add_row", **name, "cells": cells, "at": at}, st.integers(0, rows)),
        st.builds(lambda at, by: {"op": "move_row", **name, "row": at, "by": by}, row, st.sampled_from((-1, 1))),
        *([st.builds(lambda at: {"op": "remove_row", **name, "row": at}, row)] if rows > 1 else []),
        st.builds(lambda hit: {"op": "set_hit", **name, "hit": hit}, st.sampled_from(("every", "first"))),
        st.just({"op": "add_column", **name, "part": "when", "heading": "order.ready", "text": "true"}),
        st.just({"op": "add_column", **name, "part": "then", "heading": "exclude place", "text": "yes"}),
        *([st.just({"op": "remove_column", **name, "column": 0})] if asked > 1 else []),
        st.just({"op": "set_heading", **name, "column": 0, "text": "order.state is not"}),
    ]  # fmt: skip


def _paths(nodes: Sequence[Mapping[str, Any]]) -> Any:
    for node in nodes:
        yield node["path"], node
        yield from _paths(node.get("children", ()))


def expected(text: str, operation: Mapping[str, Any], vocabulary: Vocabulary) -> Any:
    """The bare outline after an edit."""
    found = bare(copy.deepcopy(outline(text, vocabulary)))
    rules = found["rules"]
    rule = next((one for one in rules if one["id"] == operation.get("rule")), None)
    op = operation["op"]
    if op == "remove_rule":
        rules.remove(rule)
    elif op == "add_rule":
        rules.insert(min(operation.get("at", len(rules)), len(rules)), _rule(operation, vocabulary))
    elif op == "set_setting":
        next(one for one in found["settings"] if one["name"] == operation["name"])["value"] = str(operation["value"])
    elif op == "set_description":
        rule["description"] = operation["text"]
    elif op == "set_priority":
        rule["priority"] = int(operation["text"]) if operation["text"] else None
    elif op.endswith(("_condition", "_group")):
        _conditions(rule, operation, vocabulary)
    elif op.endswith("_demand"):
        _demands(rule["then"], operation, vocabulary)
    else:
        _table(rule["table"], operation)
    return found


def _rule(operation: Mapping[str, Any], vocabulary: Vocabulary) -> dict[str, Any]:
    demands = [_demand(text, vocabulary) for text in operation["then"]]
    when = [_condition(text, vocabulary) for text in operation.get("when", ())]
    return {"id": operation["id"], "section": "rules", "description": "", "when": when, "priority": None, "then": demands, "table": None}


def _demand(text: str, vocabulary: Vocabulary) -> Any:
    written = text.replace("'", "''")
    return bare(outline(f"decision: trial\nrules:\n  - id: a\n    then: ['{written}']\n", vocabulary)["rules"][0]["then"][0])


def _condition(text: str, vocabulary: Vocabulary) -> Any:
    written = text.replace("'", "''")
    return bare(outline(f"decision: trial\nrules:\n  - id: a\n    when: ['{written}']\n", vocabulary)["rules"][0]["when"][0])


def _conditions(rule: dict[str, Any], operation: Mapping[str, Any], vocabulary: Vocabulary) -> None:
    def below(path: Sequence[int]) -> list[Any]:
        nodes: list[Any] = rule["when"]
        for at in path:
            nodes = nodes[at]["children"]
        return nodes

    op, path = operation["op"], list(operation["path"])
    if op == "add_condition":
        node = _condition(operation["text"], vocabulary)
        nodes = below(path)
        nodes.insert(operation["at"], {"kind": operation["kind"], "children": [node]} if "kind" in operation else node)
        return
    nodes, at = below(path[:-1]), path[-1]
    if op == "set_condition":
        nodes[at] = _condition(operation["text"], vocabulary)
    elif op == "set_group":
        kind = operation["kind"]
        nodes[at] = {"kind": kind, "children": [nodes[at]]} if nodes[at]["kind"] == "condition" else {**nodes[at], "kind": kind}
    elif op == "remove_condition":
        _take_out(rule, path, below)
    else:
        goal = below(operation.get("to", path[:-1]))
        node = nodes[at]
        if goal is nodes:
            del nodes[at]
            place = at + operation["by"] if "by" in operation else operation["at"]
            nodes.insert(max(0, min(len(nodes), place)), node)
        else:
            goal.insert(operation["at"], node)
            nodes[:] = [one for one in nodes if one is not node]
            _drop_empty(rule["when"])


def _take_out(rule: dict[str, Any], path: Sequence[int], below: Any) -> None:
    del below(path[:-1])[path[-1]]
    _drop_empty(rule["when"])


def _drop_empty(nodes: list[Any]) -> None:
    for node in nodes:
        if node["kind"] != "condition":
            _drop_empty(node["children"])
    nodes[:] = [node for node in nodes if node["kind"] == "condition" or node["children"]]


def _demands(demands: list[Any], operation: Mapping[str, Any], vocabulary: Vocabulary) -> None:
    if operation["op"] == "remove_demand":
        del demands[operation["index"]]
    elif operation["op"] == "add_demand":
        demands.insert(operation["at"], _demand(operation["text"], vocabulary))
    else:
        demands[operation["index"]] = _demand(operation["text"], vocabulary)


def _table(table: dict[str, Any], operation: Mapping[str, Any]) -> None:
    op, rows = operation["op"], table["rows"]
    if op == "set_cell":
        rows[operation["row"]]["cells"][operation["column"]] = operation["text"]
    elif op == "add_row":
        rows.insert(operation["at"], {"cells": operation["cells"]})
    elif op == "remove_row":
        del rows[operation["row"]]
    elif op == "move_row":
        row = rows.pop(operation["row"])
        rows.insert(max(0, min(len(rows), operation["row"] + operation["by"])), row)
    elif op == "set_hit":
        table["hit"] = operation["hit"]
    elif op == "set_heading":
        table["when"][operation["column"]] = operation["text"]
    elif op == "add_column":
        at = len(table["when"]) + (len(table["then"]) if operation["part"] == "then" else 0)
        table[operation["part"]].append(operation["heading"])
        for row in rows:
            row["cells"].insert(at, operation["text"])
    else:
        del table["when"][operation["column"]]
        for row in rows:
            del row["cells"][operation["column"]]

"""Edits of a rule file's text, one at a time, as an editor's structured view makes them.

An edit names a part of the file as `engine.language.outline` shows it and works on the text by position: comments, blank
lines, quoting and everything the edit does not speak of stay byte for byte. Whether the result makes sense is for `check`
to say; an edit only refuses what cannot be written down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.language import list_edits, rule_edits, table_edits
from engine.language.spans import BYTE_ORDER_MARK, read_document
from engine.language.splices import EditError, Splice, apply
from engine.language.targets import Operation, Target
from engine.vocabulary import VOCABULARY, Vocabulary

__all__ = ["OPERATIONS", "EditError", "edit"]

OPERATIONS: Mapping[str, Callable[[Target], list[Splice]]] = {
    "add_rule": list_edits.add_rule,
    "remove_rule": list_edits.remove_rule,
    "replace_rule": list_edits.replace_rule,
    "switch_off": list_edits.switch_off,
    "switch_on": list_edits.switch_on,
    "set_setting": list_edits.set_setting,
    "set_id": rule_edits.set_id,
    "set_description": rule_edits.set_description,
    "set_priority": rule_edits.set_priority,
    "set_condition": rule_edits.set_condition,
    "add_condition": rule_edits.add_condition,
    "remove_condition": rule_edits.remove_condition,
    "move_condition": rule_edits.move_condition,
    "set_group": rule_edits.set_group,
    "set_demand": rule_edits.set_demand,
    "add_demand": rule_edits.add_demand,
    "remove_demand": rule_edits.remove_demand,
    "set_cell": table_edits.set_cell,
    "set_heading": table_edits.set_heading,
    "add_row": table_edits.add_row,
    "remove_row": table_edits.remove_row,
    "move_row": table_edits.move_row,
    "add_column": table_edits.add_column,
    "remove_column": table_edits.remove_column,
    "set_hit": table_edits.set_hit,
}
"""What an operation's `op` may be. The keys each takes are described where it is defined."""


def edit(text: str, operation: Mapping[str, Any], vocabulary: Vocabulary = VOCABULARY) -> str:
    """The text after one operation: a map with `op`, one of OPERATIONS, and what that takes.

    Raises EditError with a sentence for people when the edit cannot be made, and never anything else.
    """
    asked = Operation(operation)
    make = OPERATIONS.get(asked.text("op"))
    if make is None:
        raise EditError(f"There is no edit `{asked.text('op')[:40]}`.")
    document = read_document(text)
    if document.problems:
        first = document.problems[0]
        raise EditError(f"This text cannot be edited until line {first.line} is mended: {first.message}")
    if document.root is None or document.root.kind != "map":
        raise EditError("This text is not a rule file yet. Begin it with `decision:` and a name.")
    target = Target(document, asked, vocabulary)
    new = apply(document.text, make(target))
    if problems := read_document(new).problems:
        raise EditError(f"The text could not hold this change: {problems[0].message}")
    return BYTE_ORDER_MARK + new if text.startswith(BYTE_ORDER_MARK) else new

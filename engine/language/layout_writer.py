"""Writes the spans of a file again, in good form, with their comments."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.language.canonical import canonical_sentence, sentence_scalar
from engine.language.cells import flow_scalar
from engine.language.formatter import scalar
from engine.language.layout_lines import Lines
from engine.language.outline import DEMANDS, GROUPS
from engine.language.remarks import remarks_of
from engine.language.spans import Comment, Document, Span, read_document
from engine.language.table_layout import table_rows

WIDTH = 120
"""What stands between brackets is broken into lines of at most this length, where it can be."""

_FILE = (
    "decision", "layer", "description", "settings", "switch_off", "replace", "rules", "invariants", "examples",
)  # fmt: skip
_RULE = ("id", "description", "priority", "hit", "when", "then", "never", "always", "table")
_EXAMPLE = ("name", "settings", "time_zone", "facts", "expect", "never", "only")
_TABLE = ("hit", "when", "then", "rows")
_SECTIONS = ("settings", "switch_off", "replace", "rules", "invariants")
_TEXTS = ("id", "description")

Entry = tuple[Span, Span]


class Writer:
    """The lines of one file."""

    def __init__(self, document: Document, root: Span) -> None:
        self.document = document
        self.root = root
        self.remarks = remarks_of(document, root)
        self.lines = Lines()

    def file(self) -> list[str]:
        """The whole file, line by line."""
        for at, (key, value) in enumerate(_in_order(self.root, _FILE)):
            spaced = bool(at) and (key.text in _SECTIONS or bool(self.remarks.before[id(key)]))
            self.lead([key], 0, blank="always" if spaced else "kept" if at and key.text == "examples" else "never")
            self.top_entry(key, value)
        self.ending(self.root, 0)
        return self.lines.text()

    def top_entry(self, key: Span, value: Span) -> None:
        """One section of the file."""
        if key.text in ("rules", "replace", "invariants", "examples") and (value.kind == "list" or value.empty):
            order = _EXAMPLE if key.text == "examples" else _RULE
            self.items(key, value, 0, lambda item, indent: self.rule(item, indent, order), blank="always")
        elif key.text == "settings" and value.kind == "map":
            self.lines.align()
            self.entry(key, value, 0)
            self.lines.align_end()
        elif key.text == "description" and value.kind == "scalar":
            self.line(0, f"{key.text}: {scalar(value.text.strip())}", key, value)
        else:
            self.entry(key, value, 0)

    # Lines with their comments

    def line(self, indent: int, text: str, *parts: Span) -> None:
        """One line, with the comment of the parts that stand on it; further comments go above it."""
        behind = [c for part in parts for c in (*self.remarks.behind[id(part)], *self._within(part))]
        inline = behind[-1:] if len(behind) == 1 and not behind[0].own else []
        for comment in behind if not inline else []:
            self.lines.add(indent, self.words(comment))
        self.lines.add(indent, text.rstrip(), self.words(inline[0]) if inline else "")

    def _within(self, part: Span) -> list[Comment]:
        return self.remarks.within[id(part)]

    def words(self, comment: Comment) -> str:
        """A comment as it was written."""
        return self.document.text[comment.start : comment.end].rstrip()

    def lead(self, parts: Sequence[Span], indent: int, *, blank: str) -> None:
        """The comments above an item or entry. `blank` says whether a blank line comes first: `always`, `never`, or
        `kept` where there was one."""
        comments = [comment for part in parts for comment in self.remarks.before[id(part)]]
        own = self.remarks.lines.get(id(parts[0]), -1)
        for at, line in enumerate([*(c.line for c in comments), own]):
            kept = line >= 0 and self.remarks.blank_before(line)
            if (at == 0 and blank == "always") or (kept and (at > 0 or blank == "kept")):
                self.lines.blank()
            if at < len(comments):
                self.lines.add(indent, self.words(comments[at]))

    def ending(self, collection: Span, indent: int) -> None:
        """The comments at the end of a list or map."""
        for comment in self.remarks.at_end[id(collection)]:
            if self.remarks.blank_before(comment.line):
                self.lines.blank()
            self.lines.add(indent, self.words(comment))

    # Rules

    def rule(self, rule: Span, indent: int, order: Sequence[str]) -> None:
        """One rule, invariant or example: the item of a list."""
        if rule.kind != "map" or not rule.keys:
            self.item(rule, indent)
            return
        entries = _in_order(rule, order)
        self.lead([entries[0][0]], indent, blank="never")
        for at, (key, value) in enumerate(entries):
            if at:
                self.lead([key], indent + 2, blank="never")
            self.lines.dash = indent if at == 0 else None
            self.rule_entry(key, value, indent + 2, sentences=order is _RULE)
        self.ending(rule, indent + 2)

    def rule_entry(self, key: Span, value: Span, indent: int, *, sentences: bool) -> None:
        """One line or list of a rule."""
        if not sentences:
            self.entry(key, value, indent)
        elif key.text in _TEXTS and value.kind == "scalar":
            self.line(indent, f"{key.text}: {scalar(value.text.strip())}", key, value)
        elif key.text in ("when", *DEMANDS) and (value.kind == "list" or value.empty):
            kind = "condition" if key.text == "when" else "demand"
            self.items(key, value, indent, lambda item, at: self.sentence(item, at, kind), blank="kept")
        elif key.text == "table" and value.kind == "map":
            self.table(key, value, indent)
        else:
            self.entry(key, value, indent)

    def items(self, key: Span, value: Span, indent: int, write: Callable[[Span, int], None], *, blank: str) -> None:
        """`key:` and a list below it, each item written by `write` with its dash two blanks further in."""
        if not value.items:
            self.line(indent, f"{key.text}: []", key, value)
            return
        self.line(indent, f"{key.text}:", key, *([value] if value.flow else []))
        for at, item in enumerate(value.items):
            self.lead([item], indent + 2, blank=blank if at else "never")
            write(item, indent + 2)
        self.ending(value, indent + 2)

    def sentence(self, node: Span, indent: int, kind: str) -> None:
        """A condition, a group of them, or a demand, as an item."""
        if node.kind == "map" and len(node.keys) == 1 and node.keys[0].text in GROUPS and node.items[0].items:
            key, value = node.keys[0], node.items[0]
            self.lead([key], indent, blank="never")
            self.lines.dash = indent
            self.items(key, value, indent + 2, lambda item, at: self.sentence(item, at, kind), blank="kept")
            self.ending(node, indent + 4)
        elif node.kind == "scalar" and not node.empty:
            text = sentence_scalar(canonical_sentence(node.text, kind))
            self.lines.dash = indent
            self.line(indent + 2, text, node)
        else:
            self.item(node, indent)

    # Tables

    def table(self, key: Span, value: Span, indent: int) -> None:
        """A decision table: headings and rows between brackets, the rows in columns."""
        self.line(indent, f"{key.text}:", key, *([value] if value.flow else []))
        lists = {name.text: part for name, part in value.entries}
        headings = [[" ".join(h.text.split()) for h in lists[name].items] if name in lists else [] for name in ("when", "then")]
        for name, part in _in_order(value, _TABLE):
            self.lead([name], indent + 2, blank="never")
            if name.text in ("when", "then") and part.kind == "list":
                cells = ", ".join(flow_scalar(" ".join(h.text.split())) if h.kind == "scalar" else self.flow(h) for h in part.items)
                self.line(indent + 2, f"{name.text}: [{cells}]", name, part, *part.items)
            elif name.text == "rows" and part.kind == "list" and part.items:
                self.rows(name, part, indent + 2, headings)
            else:
                self.entry(name, part, indent + 2)
        self.ending(value, indent + 2)

    def rows(self, key: Span, value: Span, indent: int, headings: Sequence[Sequence[str]]) -> None:
        """The rows of a table."""
        self.line(indent, f"{key.text}:", key, *([value] if value.flow else []))
        written = table_rows(value.items, headings, self.flow)
        self.lines.align()
        for at, (row, text) in enumerate(zip(value.items, written, strict=True)):
            self.lead([row], indent + 2, blank="kept" if at else "never")
            if text is None:
                self.item(row, indent + 2)
            else:
                for cell in row.items if not row.flow else ():
                    self.lead([cell], indent + 2, blank="never")
                self.lines.dash = indent + 2
                self.line(indent + 4, text, row, *(row.items if not row.flow else ()))
                self.ending(row, indent + 2)
        self.lines.align_end()
        self.ending(value, indent + 2)

    # Anything

    def entry(self, key: Span, value: Span, indent: int) -> None:
        """An entry of a map whose form is not known better: brackets stay brackets while they fit on a line."""
        name = key.text if key.plain else self.flow(key)
        if value.kind == "scalar":
            self.scalar_entry(name, key, value, indent)
        elif not value.items:
            self.line(indent, f"{name}: {'[]' if value.kind == 'list' else '{}'}", key, value)
        elif value.flow:
            first, *more = self.flow_lines(value, indent + len(name) + 2)
            self.line(indent, f"{name}: {first}", key, value)
            for one in more:
                self.lines.add(0, one)
        else:
            self.line(indent, f"{name}:", key)
            self.collection(value, indent + 2)

    def scalar_entry(self, name: str, key: Span, value: Span, indent: int) -> None:
        """`key: value`, the value as it was written where that is one line."""
        first, *more = self.scalar_lines(value)
        self.line(indent, f"{name}: {first}", key, value)
        for one in more:
            self.lines.add(indent + 2 if one else 0, one)

    def scalar_lines(self, node: Span) -> list[str]:
        """A scalar: as written when on one line; a block of lines with its own indentation taken off; else quoted."""
        source = self.document.text[node.start : node.end]
        if node.style not in ("|", ">"):
            return [source.strip() if len(source.splitlines()) <= 1 else scalar(node.text)]
        last = self.document.last_line(node)
        body = [self.document.line_text(n) for n in range(node.line + 1, last + 1)]
        margin = min((len(line) - len(line.lstrip(" ")) for line in body if line.strip()), default=0)
        lines = [source.split()[0] if source.split() else "|", *(line[margin:].rstrip() for line in body)]
        again = read_document("a: " + "\n".join([lines[0], *(f"  {line}" if line else "" for line in lines[1:])]) + "\n")
        told = again.root.data() if again.root is not None else None
        return lines if told == {"a": node.text} else [scalar(node.text)]

    def collection(self, node: Span, indent: int) -> None:
        """A list or map over several lines."""
        if node.kind == "map":
            for at, (key, value) in enumerate(node.entries):
                self.lead([key], indent, blank="kept" if at else "never")
                self.entry(key, value, indent)
        else:
            for at, item in enumerate(node.items):
                self.lead([item], indent, blank="kept" if at else "never")
                self.item(item, indent)
        self.ending(node, indent)

    def item(self, node: Span, indent: int) -> None:
        """An item of a list whose form is not known better."""
        self.lines.dash = indent
        if node.kind == "scalar":
            first, *more = self.scalar_lines(node)
            self.line(indent + 2, first, node)
            for one in more:
                self.lines.add(indent + 2 if one else 0, one)
        elif not node.items or node.flow:
            first, *more = self.flow_lines(node, indent + 2)
            self.line(indent + 2, first, node)
            for one in more:
                self.lines.add(0, one)
        else:
            if node.kind == "map":
                self.lead_first(node, indent)
            self.lines.dash = indent
            self.collection(node, indent + 2)

    def lead_first(self, node: Span, indent: int) -> None:
        """The comments between a dash and the first key behind it go above the dash."""
        self.lines.dash = None
        self.lead([node.keys[0]], indent, blank="never")
        self.remarks.before[id(node.keys[0])].clear()

    def flow_lines(self, node: Span, column: int) -> list[str]:
        """What stands between brackets from a column on, broken between its parts where a line would get too long."""
        whole = self.flow(node)
        if column + len(whole) <= WIDTH or not node.items:
            return [whole]
        if node.kind == "list":
            parts = [self.flow(item) for item in node.items]
        else:
            parts = [f"{self.flow(key)}: {self.flow(value)}" for key, value in node.entries]
        lines = [whole[0] + parts[0]]
        for part in parts[1:]:
            start = column if len(lines) == 1 else 0
            if start + len(lines[-1]) + len(part) + 3 <= WIDTH:
                lines[-1] += f", {part}"
            else:
                lines[-1] += ","
                lines.append(" " * (column + 1) + part)
        lines[-1] += whole[-1]
        return lines

    def flow(self, node: Span) -> str:
        """A node between brackets, its scalars as they were written."""
        if node.kind == "scalar":
            source = self.document.text[node.start : node.end].strip()
            one_line = len(source.splitlines()) == 1 and node.style not in ("|", ">")
            return source if one_line else ("~" if node.empty else flow_scalar(node.text))
        if node.kind == "list":
            return "[" + ", ".join(map(self.flow, node.items)) + "]"
        return "{" + ", ".join(f"{self.flow(key)}: {self.flow(value)}" for key, value in node.entries) + "}"


def _in_order(node: Span, order: Sequence[str]) -> list[Entry]:
    """The entries of a map in their usual order, those not known last."""
    places = {name: at for at, name in enumerate(order)}
    return sorted(node.entries, key=lambda entry: places.get(entry[0].text, len(order)))

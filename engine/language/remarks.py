"""Which comment belongs to what, so that a formatter can take comments along wherever their part of the file goes.

A comment at the end of a line belongs to what stands before it; one on its own line to what follows it, or, when it is
indented more than that, to the list or map it stands at the end of. Comments between brackets belong to the brackets.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field

from engine.language.spans import Comment, Document, Span


@dataclass(slots=True)
class Anchor:
    """An item of a block list or an entry of a block map: what comments can stand in front of."""

    node: Span
    start: int
    column: int
    owners: tuple[Span, ...]


@dataclass
class Remarks:
    """The comments of a file by what they belong to (a key, a value or an item, by identity)."""

    document: Document
    before: dict[int, list[Comment]] = field(default_factory=lambda: defaultdict(list))
    behind: dict[int, list[Comment]] = field(default_factory=lambda: defaultdict(list))
    within: dict[int, list[Comment]] = field(default_factory=lambda: defaultdict(list))
    at_end: dict[int, list[Comment]] = field(default_factory=lambda: defaultdict(list))
    lines: dict[int, int] = field(default_factory=dict)

    def blank_before(self, line: int) -> bool:
        """Whether the line above a line is empty."""
        return line > 0 and not self.document.line_text(line - 1).strip()


def remarks_of(document: Document, root: Span) -> Remarks:
    """Every comment of a file, each in one place."""
    found = Remarks(document)
    anchors, leaves = _anchors(document, root, found)
    starts, leaf_starts = [anchor.start for anchor in anchors], [leaf.start for leaf in leaves]
    for comment in document.comments:
        at = bisect_right(leaf_starts, comment.start) - 1
        leaf = leaves[at] if at >= 0 else None
        if leaf is not None and leaf.flow and comment.start < leaf.end:
            found.within[id(leaf)].append(comment)
        elif leaf is not None and not comment.own and _ends_on(document, leaf, comment.line):
            found.behind[id(leaf)].append(comment)
        else:
            after = bisect_right(starts, comment.start)
            following = anchors[after] if after < len(anchors) else None
            if not comment.own and after and found.lines[id(anchors[after - 1].node)] == comment.line:
                found.before[id(anchors[after - 1].node)].append(comment)  # it stands behind a dash
                continue
            owner = _ended_before(comment, anchors[after - 1] if after else None, following)
            if owner is not None:
                found.at_end[id(owner)].append(comment)
            elif following is not None:
                found.before[id(following.node)].append(comment)
            else:
                found.at_end[id(root)].append(comment)
    return found


def _ends_on(document: Document, leaf: Span, line: int) -> bool:
    return line == (leaf.line if leaf.style in ("|", ">") else document.last_line(leaf))


def _ended_before(comment: Comment, previous: Anchor | None, following: Anchor | None) -> Span | None:
    """The list or map at whose end a comment stands, None when it stands in front of what follows."""
    if previous is None:
        return None
    outer = following.column if following is not None else -1
    if not comment.own or comment.column <= outer:
        return None
    fitting = [owner for owner in previous.owners if outer < owner.column <= comment.column]
    return fitting[-1] if fitting else None


def _anchors(document: Document, root: Span, found: Remarks) -> tuple[list[Anchor], list[Span]]:
    """All anchors, and everything that ends a line: keys, scalars and outermost brackets; both in order."""
    anchors: list[Anchor] = []
    leaves: list[Span] = []
    nodes: list[tuple[Span, tuple[Span, ...]]] = [(root, ())]
    while nodes:
        node, owners = nodes.pop()
        if node.kind == "scalar" or node.flow:
            leaves.append(node)
            continue
        inside = (*owners, node)
        for at, item in enumerate(node.items):
            if node.kind == "map":
                anchor, start = node.keys[at], node.keys[at].start
                leaves.append(anchor)
            else:
                anchor, start = item, document.dash(node, at)
            found.lines[id(anchor)] = document.line_of(start)
            anchors.append(Anchor(anchor, start, node.column, inside))
            nodes.append((item, inside))
    anchors.sort(key=lambda anchor: anchor.start)
    leaves.sort(key=lambda leaf: (leaf.start, leaf.end))
    return anchors, leaves

"""Random rule files as people leave them: comments, blank lines, brackets and spacing where one may put them."""

from __future__ import annotations

import re

from hypothesis import strategies as st

from engine.language.formatter import format_decision
from engine.vocabulary import Vocabulary
from tests.engine.strategies import SMALL, decisions

TABLE = """  - id: table1   # a table
    table:
      when: [order.state, order.total]
      then: [hold, because]
      rows:
        - [new,          any,        yes, ~]
        - [[new, open], "< 50 EUR",  yes, two words]
"""


@st.composite
def remarked_rules(draw: st.DrawFn, vocabulary: Vocabulary = SMALL) -> str:
    """The text of a checked rule file of the decision `trial`, with comments `# c1`, `# c2` and so on, each once."""
    lines = format_decision(draw(decisions(vocabulary, most=4)), vocabulary).splitlines()
    if draw(st.booleans()) and lines[-1] != "rules: []":
        lines += TABLE.splitlines()
    out: list[str] = []
    number = 0
    for line in lines:
        odd = draw(st.integers(0, 9))
        indent = len(line) - len(line.lstrip())
        whole = not _in_double_quotes(line)
        if odd in (0, 1) and whole:
            number += 1
            out.append(f"{' ' * draw(st.sampled_from((0, indent, indent + 2)))}# c{number}")
        elif odd == 2 and whole:
            out.append("")
        elif odd == 3 and whole and not re.search(r"[\"']", line):
            number += 1
            line = f"{line}  # c{number}"
        elif odd == 4:
            line = re.sub(r"(?<=\w) (is|<|in|exists)\b", r"   \1 ", line) if not re.search(r"[\"']", line) else line
        out.append(line)
    return "\n".join(out) + draw(st.sampled_from(("\n", "", "\n\n", "\n# last\n")))


def _in_double_quotes(line: str) -> bool:
    """Whether a line may be inside a quoted text over several lines; formatted files have none."""
    return line.count('"') % 2 == 1 and not line.rstrip().endswith('"')

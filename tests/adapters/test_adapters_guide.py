"""docs/adapters.md says what is true: its code is the toy's, its files exist, its table of operations is complete."""

from __future__ import annotations

import re
from pathlib import Path

from tests.adapters.rigs.base import Rig
from tests.adapters.test_conformance import SHOP_OPERATIONS

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/adapters.md").read_text()


def test_every_line_of_code_stands_in_the_toy() -> None:
    toy = " ".join(" ".join(path.read_text().split()) for path in (ROOT / "tests/adapters/toy").glob("*.py"))
    for block in re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL):
        for paragraph in block.split("\n\n"):
            said = " ".join(paragraph.split())
            assert _bare(said) in _bare(toy), said


def test_every_file_it_names_exists() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", GUIDE):
        assert (ROOT / "docs" / target).exists(), target


def test_every_operation_is_in_the_table() -> None:
    assert [name for name in SHOP_OPERATIONS if f"`{name}`" not in GUIDE] == []


def test_whatever_a_platform_may_lack_is_named_where_the_guide_points() -> None:
    assert "`Rig.MAY_LACK`" in GUIDE
    assert all(words for words in Rig.MAY_LACK.values())


def _bare(code: str) -> str:
    """Code without the spaces and commas that a formatter puts where it breaks lines."""
    return re.sub(r"[\s,]", "", code)

"""What tests of every sandbox's pages share: whether a page is built as it should be, and starting a sandbox by hand."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(__file__).parents[2]


def wrong_with(html: str) -> list[str]:
    """What keeps a page from being read by everybody (one heading, a label for each control, no id twice) or makes it
    need more than itself (an address elsewhere, inline script or style)."""
    found = _Structure(html)
    wrong = [] if found.headings == 1 else [f"{found.headings} headings"]
    wrong += [f"{each} has no label" for each in found.controls if each not in found.labels]
    wrong += [f"id {each} stands twice" for each in sorted({each for each in found.ids if found.ids.count(each) > 1})]
    return wrong + found.foreign


class _Structure(HTMLParser):
    """Collects what every page must have, and what it must not."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.headings, self.labels = 0, set[str]()
        self.controls, self.ids, self.foreign = list[str](), list[str](), list[str]()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.headings += tag == "h1"
        if found.get("id"):
            self.ids.append(str(found["id"]))
        if tag == "label":
            self.labels.add(str(found.get("for")))
        if tag in ("input", "select") and found.get("type") != "hidden":
            self.controls.append(str(found.get("id") or f"{tag} {found.get('name')}"))
        if tag in ("script", "style") or "style" in found:
            self.foreign.append(f"inline {tag}")
        for name in ("src", "href", "action"):
            if str(found.get(name, "")).startswith(("http:", "https:", "//")):
                self.foreign.append(str(found[name]))


@contextmanager
def from_command_line(module: str, state: Path, *arguments: str) -> Iterator[str]:
    """The address of a sandbox that runs in a process of its own and keeps its state in a file; it is told to stop at
    the end, and must."""
    command = [sys.executable, "-m", module, "--port", "0", "--state", str(state), *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[-1].rstrip("/")
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=20) == 0

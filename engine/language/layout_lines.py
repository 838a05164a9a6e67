"""Lines on their way to a file: indentation, dashes, and comments set below each other."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class _Line:
    text: str
    comment: str = ""
    group: int = 0


class Lines:
    """Collects lines. `dash`, when set, is the indentation of a dash that the next line of its own carries."""

    def __init__(self) -> None:
        self._lines: list[_Line] = []
        self._group = 0
        self._open = 0
        self.dash: int | None = None

    def add(self, indent: int, text: str, comment: str = "") -> None:
        """One line. A line that is all comment does not take the dash."""
        start = " " * indent
        if self.dash is not None and not text.startswith("#"):
            start, self.dash = " " * self.dash + "- ", None
        elif self.dash is not None:
            start = " " * self.dash
        self._lines.append(_Line(start + text if text else "", comment, self._open))

    def blank(self) -> None:
        """A blank line, never two in a row and none at the top."""
        if self._lines and self._lines[-1].text:
            self._lines.append(_Line(""))

    def align(self) -> None:
        """From here on, comments behind lines stand below each other."""
        self._group += 1
        self._open = self._group

    def align_end(self) -> None:
        """Up to here."""
        self._open = 0

    def text(self) -> list[str]:
        """All lines, without blank ones at the end."""
        while self._lines and not self._lines[-1].text:
            self._lines.pop()
        widths: dict[int, int] = {}
        for line in self._lines:
            if line.comment and line.group:
                widths[line.group] = max(widths.get(line.group, 0), len(line.text))
        return [
            f"{line.text.ljust(widths.get(line.group, 0))}  {line.comment}" if line.comment else line.text
            for line in self._lines
        ]

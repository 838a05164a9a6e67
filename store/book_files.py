"""The files of a rule book as they come from outside: what may be one, and how much of it."""

from __future__ import annotations

import re
from collections.abc import Mapping

FILES = 100
"""Most files of one rule book."""
FILE_CHARACTERS = 4_000_000
"""Longest single file."""
BOOK_BYTES = 8_000_000
"""Most bytes of all files of a book together."""

NAME = re.compile(r"(?:layer/)?[A-Za-z0-9][A-Za-z0-9_.-]{0,90}\.ya?ml")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class BadFiles(ValueError):
    """These cannot be the files of a rule book. `file` names the one that is wrong, empty when it is all of them;
    `too_large` tells a matter of size from a matter of form."""

    def __init__(self, file: str, message: str, *, too_large: bool = False) -> None:
        super().__init__(f"{file}: {message}" if file else message)
        self.file = file
        self.message = message
        self.too_large = too_large


def check_name(name: str) -> None:
    """Raises BadFiles unless a file of a rule book may have this name: `name.yaml` or `layer/name.yaml`. No other name
    can be written into a folder without leaving it."""
    if not NAME.fullmatch(name):
        raise BadFiles(
            name[:100], "is no name of a rule file; write name.yaml or layer/name.yaml with letters, digits, - and _"
        )


def check_files(texts: Mapping[str, str]) -> None:
    """Raises BadFiles for what cannot be kept as a rule book: too many files or characters, names that lead elsewhere,
    text that cannot be stored. Says nothing about the rules in it."""
    if len(texts) > FILES:
        raise BadFiles("", f"a rule book has at most {FILES} files; these are {len(texts)}", too_large=True)
    total = 0
    for name, text in texts.items():
        check_name(name)
        if len(text) > FILE_CHARACTERS:
            raise BadFiles(
                name, f"is {len(text):,} characters long; a rule file has at most {FILE_CHARACTERS:,}", too_large=True
            )
        if found := _UNSTORABLE.search(text):
            line = text.count("\n", 0, found.start()) + 1
            raise BadFiles(name, f"line {line} holds a NUL or half of a surrogate pair, which no text may hold")
        total += len(text.encode())
    if total > BOOK_BYTES:
        raise BadFiles("", f"the files are {total:,} bytes together; a rule book has at most {BOOK_BYTES:,}", too_large=True)

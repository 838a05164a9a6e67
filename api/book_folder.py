"""Rule books as folders, so that a team can keep its rules in git: base files at the top, the layer in `layer/`.

What is written is to the letter what was published, line ends and all; nothing outside the folder is read or written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from store.book_files import FILE_CHARACTERS, BadFiles, check_files, check_name

ENDINGS = (".yaml", ".yml")
LAYER = "layer"


@dataclass(frozen=True, slots=True)
class BookFolder:
    """A book that was read from a folder. `asked` are the files people asked about; empty means all of them."""

    folder: Path
    texts: Mapping[str, str]
    asked: frozenset[str] = frozenset()

    def concerns(self, file: str) -> bool:
        """Whether people asked about this file; what is about no file in particular concerns everybody."""
        return not self.asked or not file or file in self.asked


def read(paths: Iterable[Path]) -> BookFolder:
    """The book in a folder; or the one that some files belong to, when only these are asked about.

    Raises BadFiles for what is no rule book: a missing or unreadable path, files of several folders, text that is not
    UTF-8, a link that leads out of the folder.
    """
    given = list(paths)
    folders = [path for path in given if path.is_dir()]
    if folders and len(given) > 1:
        raise BadFiles("", "give one folder, or files of one folder")
    if folders:
        return BookFolder(folders[0], _read_folder(folders[0]))
    homes = {_home(path) for path in given}
    if len(homes) != 1:
        raise BadFiles("", "these files lie in several folders; a rule book lies in one")
    (home,) = homes
    asked = frozenset(path.resolve().relative_to(home.resolve()).as_posix() for path in given)
    found = _read_folder(home)
    for name in sorted(asked - set(found)):
        raise BadFiles(name, "there is no such rule file")
    return BookFolder(home, found, asked)


def write(folder: Path, texts: Mapping[str, str], *, prune: bool = False) -> list[str]:
    """Write a book into a folder, which is made when it is not there. With `prune`, rule files that the book does not have
    are removed; their names are returned.

    Raises BadFiles for names that lead out of the folder, and, without `prune`, for files that would stay beside the book
    and become part of it.
    """
    check_files(texts)
    folder.mkdir(parents=True, exist_ok=True)
    for name in texts:
        _inside(folder, name)
    extra = sorted(set(_names(folder)) - set(texts))
    if extra and not prune:
        raise BadFiles("", f"{folder} has rule files that this version has not: {', '.join(extra)}; remove them with --prune")
    for name in extra:
        _inside(folder, name).unlink()
    for name, text in texts.items():
        path = _inside(folder, name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode())
    return extra


def rewrite(folder: Path, name: str, text: str) -> None:
    """Write one file of a book that was read from this folder. Raises BadFiles when a link leads out of it."""
    check_name(name)
    _inside(folder, name).write_bytes(text.encode())


def _home(path: Path) -> Path:
    return path.parent.parent if path.parent.name == LAYER else path.parent


def _read_folder(folder: Path) -> dict[str, str]:
    texts = {}
    for name in _names(folder):
        check_name(name)
        path = _inside(folder, name)
        try:
            if path.stat().st_size > 4 * FILE_CHARACTERS:
                raise BadFiles(name, f"is longer than the {FILE_CHARACTERS:,} characters a rule file may have", too_large=True)
            texts[name] = path.read_bytes().decode()
        except UnicodeDecodeError as error:
            raise BadFiles(name, f"is not UTF-8: byte {error.start} is not part of a character") from None
        except OSError as error:
            raise BadFiles(name, f"cannot be read: {error.strerror}") from None
    check_files(texts)
    return texts


def _names(folder: Path) -> list[str]:
    """The rule files of a folder: `name.yaml` and `layer/name.yaml`. What begins with a dot is somebody else's."""
    found = []
    for place in (folder, folder / LAYER):
        if place.is_dir():
            found += [path for path in place.iterdir() if path.suffix in ENDINGS and not path.name.startswith(".")]
    return sorted(path.relative_to(folder).as_posix() for path in found)


def _inside(folder: Path, name: str) -> Path:
    """Where a file of the book lies. Raises BadFiles when a link leads out of the folder."""
    path = folder / name
    home = folder.resolve()
    if not path.resolve().is_relative_to(home):
        raise BadFiles(name, "leads out of the folder; nothing outside it is read or written")
    return path

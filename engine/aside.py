"""Work on rule texts that nobody has looked at yet, done where it can harm nobody: in a process of its own, with a limit
on time and memory.

A large book takes seconds to check, and examples run rules through the matching library, which some rules have made crash
or go on for ever (see `engine.guard`). Whoever answers people meanwhile asks here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from engine.compiled import compile_book
from engine.examples import book_examples, run_examples
from engine.guard import limit_memory
from engine.language import check, load_book
from engine.language.layout import formatted
from engine.status_matrix import fill
from engine.types import Problem

CHECK, TEST, FORMAT, MATRIX = "check", "test", "format", "fill the status matrix of"
SMALL = 100_000
"""Characters up to which checking is quicker than starting a process for it."""
AT_ONCE = 2
"""Processes that this one has running at most: whatever rules do, threads are left that answer everybody else."""
PATIENCE = 3.0
"""Seconds to wait for one of them to end before saying that there is no room."""
_HINT = "Divide the work: a smaller book, or fewer and smaller examples."
_turns = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True, slots=True)
class Found:
    """What was found out about the files of a book. `problems` are errors and warnings of rules and examples alike;
    `report` is that of `engine.examples.Report.as_dict`, None when the examples were not run; `texts` are the files in good
    form, None when they were not formatted; `matrix` is the status matrix, None when it was not asked for."""

    problems: tuple[Problem, ...]
    report: Mapping[str, Any] | None = None
    texts: Mapping[str, str] | None = None
    matrix: Mapping[str, Any] | None = None

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep the book from being loaded."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


def find_problems(texts: Mapping[str, str], seconds: float = 20) -> Found:
    """Every problem of the rules and examples of a book (file name to text), within about `seconds`. Never raises."""
    if sum(map(len, texts.values())) <= SMALL:
        return Found(_problems(texts))
    return _elsewhere(CHECK, texts, seconds)


def try_examples(texts: Mapping[str, str], seconds: float = 30) -> Found:
    """The problems of a book and, when none of them is an error, what became of its examples. Never raises, and takes at
    most about `seconds`."""
    return _elsewhere(TEST, texts, seconds)


def format_files(texts: Mapping[str, str], seconds: float = 30) -> Found:
    """Every file in good form (`texts`); one that cannot be read stays as it is, and `problems` say why. Never raises, and
    takes at most about `seconds`."""
    if sum(map(len, texts.values())) <= SMALL:
        return _formatted(texts)
    return _elsewhere(FORMAT, texts, seconds)


def fill_matrix(texts: Mapping[str, str], own: Mapping[str, Mapping[str, Any]], seconds: float = 20) -> Found:
    """The status matrix of a book (as `engine.status_matrix.Matrix.as_dict`) for a merchant's own settings, unless the book
    has errors. Never raises, and takes at most about `seconds`."""
    return _elsewhere(MATRIX, texts, seconds, own)


def _formatted(texts: Mapping[str, str]) -> Found:
    done = {name: formatted(text) for name, text in texts.items()}
    wrong = [replace(problem, file=name) for name, (_, problems) in sorted(done.items()) for problem in problems]
    return Found(tuple(wrong), texts={name: text for name, (text, _) in done.items()})


def _problems(texts: Mapping[str, str]) -> tuple[Problem, ...]:
    """Errors first."""
    return tuple(sorted(check(texts), key=lambda problem: problem.severity != "error"))


def _elsewhere(task: str, texts: Mapping[str, str], seconds: float, own: Mapping[str, Mapping[str, Any]] | None = None) -> Found:
    if not _turns.acquire(timeout=PATIENCE):
        busy = f"There was no room to {task} these rules: others are at it with theirs."
        return Found((Problem("", 1, 1, busy, "Try again in a moment."),))
    try:
        return _in_a_child(task, texts, seconds, own or {})
    finally:
        _turns.release()


def _in_a_child(task: str, texts: Mapping[str, str], seconds: float, own: Mapping[str, Mapping[str, Any]]) -> Found:
    request = json.dumps({"task": task, "texts": dict(texts), "own": own}).encode()
    home = Path(__file__).resolve().parent.parent
    command = [sys.executable, "-m", "engine.aside"]
    try:
        child = subprocess.run(command, input=request, capture_output=True, timeout=seconds, cwd=home, check=False)  # noqa: S603
        answer = json.loads(child.stdout.rpartition(b"\n")[2])
    except subprocess.TimeoutExpired:
        return Found((Problem("", 1, 1, f"To {task} these rules takes more than {seconds:g} seconds.", _HINT),))
    except OSError as error:
        return Found((Problem("", 1, 1, f"No process could be started to {task} these rules: {error}.", "Try again in a moment."),))
    except ValueError:
        lost = f"The process that was to {task} these rules ended with {child.returncode} and no answer."
        return Found((Problem("", 1, 1, lost, "Take out what you changed last, one by one, to find what does it."),))
    problems = tuple(Problem(**problem) for problem in answer["problems"])
    return Found(problems, answer["report"], answer["texts"], answer["matrix"])


def _answer(task: str, texts: Mapping[str, str], own: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    found = _formatted(texts) if task == FORMAT else Found(_problems(texts))
    report = matrix = None
    if task == TEST and not found.errors:
        report = run_examples(compile_book(load_book(texts)), book_examples(texts)[0]).as_dict()
    if task == MATRIX and not found.errors:
        matrix = fill(compile_book(load_book(texts)), own).as_dict()
    problems = [asdict(problem) for problem in found.problems]
    return {"problems": problems, "report": report, "texts": found.texts, "matrix": matrix}


def main() -> None:
    """The child's part: a request on standard input, one line of JSON as the answer."""
    limit_memory()
    request = json.load(sys.stdin)
    sys.stdout.write("\n" + json.dumps(_answer(request["task"], request["texts"], request["own"])))
    sys.stdout.flush()
    os._exit(0)  # all has been said; taking a large rule book apart would only use up the time allowed


if __name__ == "__main__":
    main()

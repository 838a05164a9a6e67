"""The matching library as it is, in a process of its own: for tests that show its traps."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRELUDE = """
import json, os, sys
from engine.network import _engine as engine
def network(**rules):
    return engine.create_ruleset("n", json.dumps(rules))
others = {f"z{n}": {"all": [{"m0": {"t": n}}]} for n in range(100, 100 + int(os.environ.get("OTHERS", 0)))}
def tell(handle, *facts, how=engine.assert_fact):
    for fact in facts:
        answer = how(handle, json.dumps({"sid": "s", **fact}))
    return answer
def fired(handle, state, most=100):
    started, found = engine.start_action_for_state(handle, state), []
    text = started and started[1]
    while text and len(found) < most:
        found.append(text)
        text = engine.complete_and_start_action(handle, state)
    return found
"""
GARBAGE = {"MALLOC_PERTURB_": "85", "PYTHONMALLOC": "malloc"}
"""Has the C library fill fresh memory with garbage, so that reading it before writing shows."""


def ended(script: str, seconds: float = 20, **environment: str) -> subprocess.CompletedProcess[str]:
    """A script that has run in a process of its own. Raises TimeoutExpired when it goes on for longer."""
    return subprocess.run(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(script)],
        cwd=ROOT, env={**os.environ, **environment}, timeout=seconds, capture_output=True, text=True, check=False,
    )  # fmt: skip


def printed(script: str) -> str:
    """What a script prints."""
    process = ended(script)
    assert process.returncode == 0, process.stderr
    return process.stdout.strip()


def crashes(script: str) -> bool:
    """Whether a script crashes in one of several layouts of memory: what is read from where nothing was written is
    chance. The script may put `others`, a varying number of idle rules, into its network."""
    layouts = (
        {**filling, "OTHERS": others}
        for others in ("20", "60", "5", "0")
        for filling in (
            {},
            GARBAGE,
            {**GARBAGE, "MALLOC_MMAP_THRESHOLD_": "4096"},
            {**GARBAGE, "MALLOC_PERTURB_": "170"},
        )
    )
    return any(ended(script, **layout).returncode < 0 for layout in layouts)

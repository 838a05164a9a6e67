"""What every sandbox is made of.

A sandbox is a local stand-in that speaks a real system's wire protocol, with state to look at in a browser and faults
to switch on. A system's sandbox describes itself in a `Profile`, builds its Flask app with `create_sandbox`, adds its
API and its pages (templates extend `sandbox/layout.html`), and is served by `main` or, in tests, by `running`.
"""

from adapters.sandbox.app import Profile, Sandbox, create_sandbox, sandbox
from adapters.sandbox.server import RunningSandbox, main, running
from adapters.sandbox.state import LoggedRequest, SandboxState, from_json, to_json

__all__ = [
    "LoggedRequest",
    "Profile",
    "RunningSandbox",
    "Sandbox",
    "SandboxState",
    "create_sandbox",
    "from_json",
    "main",
    "running",
    "sandbox",
    "to_json",
]

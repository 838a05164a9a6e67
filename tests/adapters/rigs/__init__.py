"""One rig per shop platform, found by its file: a platform joins the conformance suite by adding `<platform>.py` here,
with a subclass of `tests.adapters.rigs.base.Rig`. The toy system of docs/adapters.md keeps its rig beside it.
"""

from __future__ import annotations

import importlib
import pkgutil

from tests.adapters.rigs.base import Rig

_TOY = "toy"
_OTHERS = frozenset({"base", "lightspeed_retail"})
"""`lightspeed_retail` is a till: nobody orders there, so its rig is of another kind."""

RIGS: tuple[str, ...] = (*sorted({found.name for found in pkgutil.iter_modules(__path__)} - _OTHERS), _TOY)
"""The names of all shop platforms that have a rig."""


def rig_of(platform: str) -> type[Rig]:
    """The rig of a platform, imported only now: a platform that is broken does not keep others from being tested."""
    name = "tests.adapters.toy.rig" if platform == _TOY else f"{__name__}.{platform}"
    module = importlib.import_module(name)
    found: list[type[Rig]] = [value for value in vars(module).values() if _is_rig(value, module.__name__)]
    assert len(found) == 1, f"{name} must define one subclass of Rig, not {len(found)}"
    return found[0]


def _is_rig(value: object, module: str) -> bool:
    return isinstance(value, type) and issubclass(value, Rig) and value.__module__ == module

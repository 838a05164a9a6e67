"""One rig per shop platform, found by module: a new platform joins the conformance suite by adding its file here.

A rig module defines a subclass of `tests.adapters.rigs.base.Rig`; `RIGS` holds them by platform.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

from tests.adapters.rigs.base import Rig

_HELPERS = {"base", "lightspeed_retail"}
"""`lightspeed_retail` is a till: it has a rig of another kind, since nobody orders there."""


def find_rigs() -> Mapping[str, type[Rig]]:
    """The rig of every shop platform by its name."""
    names = [f"{__name__}.{found.name}" for found in pkgutil.iter_modules(__path__) if found.name not in _HELPERS]
    modules = [importlib.import_module(name) for name in names]
    kinds = [
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Rig) and value.__module__ == module.__name__
    ]
    return {kind.platform: kind for kind in sorted(kinds, key=lambda kind: kind.platform)}

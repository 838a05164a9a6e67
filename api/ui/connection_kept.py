"""Keeps credentials that somebody typed across a failed test, so that they need not be typed again: encrypted, for this
person and this form only, and not for long. Nothing of it can be read in the page."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

from flask_login import current_user

from api.services import services
from store.secrets import CannotDecrypt

SECONDS = 900


def keep(about: str, credentials: Mapping[str, str]) -> str:
    """A token that `given_back` opens for the same person and the same `about`; empty for no credentials."""
    if not credentials:
        return ""
    content = {"about": about, "who": current_user.get_id(), "until": str(int(time.time()) + SECONDS), "kept": json.dumps(dict(credentials))}
    return services().cipher.encrypt(content).decode()


def given_back(about: str, token: str) -> dict[str, str]:
    """What was kept; nothing when the token is of somebody or something else, too old, or none at all."""
    try:
        content = services().cipher.decrypt(token.encode()) if token else {}
        if content.get("about") != about or content.get("who") != current_user.get_id() or int(content["until"]) < time.time():
            return {}
        kept: dict[str, str] = json.loads(content["kept"])
        return kept
    except (CannotDecrypt, ValueError, KeyError):
        return {}

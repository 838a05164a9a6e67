"""Credentials of external systems, encrypted at rest."""

from __future__ import annotations

import json
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class BadKey(ValueError):
    """A key is not what Fernet takes: 32 bytes in URL-safe base64."""


class CannotDecrypt(Exception):
    """No known key opens what is stored: the key was replaced without keeping the old one, or the row was damaged."""


class Cipher:
    """Encrypts with the first key and decrypts with any of them, so that keys can be replaced: put the new one first,
    call `rotate` on what is stored, then drop the old one. `keys` is one key or several separated by commas.

    Raises BadKey when a key cannot be used.
    """

    def __init__(self, keys: str) -> None:
        parts = [part.strip() for part in keys.split(",") if part.strip()]
        if not parts:
            raise BadKey("no encryption key is set; make one with `Cipher.new_key()` and keep it outside the database")
        try:
            self._fernet = MultiFernet([Fernet(part) for part in parts])
        except ValueError as broken:
            raise BadKey(
                "an encryption key must be 32 bytes in URL-safe base64, as `Cipher.new_key()` makes it"
            ) from broken

    @staticmethod
    def new_key() -> str:
        """A fresh random key."""
        return Fernet.generate_key().decode()

    def encrypt(self, secret: Mapping[str, str]) -> bytes:
        """The mapping as a token that says nothing without the key."""
        return self._fernet.encrypt(json.dumps(dict(secret), sort_keys=True).encode())

    def decrypt(self, token: bytes | None) -> dict[str, str]:
        """What was encrypted; an absent token holds nothing. Raises CannotDecrypt."""
        if token is None:
            return {}
        try:
            opened: dict[str, str] = json.loads(self._fernet.decrypt(token))
        except InvalidToken as closed:
            raise CannotDecrypt(
                "the stored credentials cannot be decrypted with the keys given; enter them again"
            ) from closed
        return opened

    def rotate(self, token: bytes) -> bytes:
        """The same secret under the first key. Raises CannotDecrypt."""
        try:
            return self._fernet.rotate(token)
        except InvalidToken as closed:
            raise CannotDecrypt(
                "the stored credentials cannot be decrypted with the keys given; enter them again"
            ) from closed

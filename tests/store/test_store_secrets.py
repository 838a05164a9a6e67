"""Credentials are unreadable without the key, and keys can be replaced."""

from __future__ import annotations

import pytest

from store.secrets import BadKey, CannotDecrypt, Cipher

OLD, NEW = Cipher.new_key(), Cipher.new_key()
SECRET = {"token": "hunter2", "name": "Zoë"}


def test_what_was_encrypted_comes_back_and_cannot_be_read_without_the_key() -> None:
    token = Cipher(OLD).encrypt(SECRET)
    assert b"hunter2" not in token
    assert Cipher(OLD).decrypt(token) == SECRET
    assert Cipher(OLD).decrypt(None) == {}
    with pytest.raises(CannotDecrypt, match="enter them again"):
        Cipher(NEW).decrypt(token)
    with pytest.raises(CannotDecrypt):
        Cipher(OLD).decrypt(token[:-4] + b"AAAA")


def test_a_key_is_replaced_without_losing_what_was_stored() -> None:
    token = Cipher(OLD).encrypt(SECRET)
    both = Cipher(f"{NEW}, {OLD}")
    assert both.decrypt(token) == SECRET
    assert Cipher(NEW).decrypt(both.rotate(token)) == SECRET
    with pytest.raises(CannotDecrypt):
        Cipher(NEW).rotate(token)


@pytest.mark.parametrize(
    ("keys", "says"),
    [("", "no encryption key is set"), (" , ", "no encryption key"), ("short", "32 bytes"), ("é", "32 bytes")],
)
def test_a_key_that_is_none_is_refused_with_how_to_make_one(keys: str, says: str) -> None:
    with pytest.raises(BadKey, match=says) as refused:
        Cipher(keys)
    assert "new_key" in str(refused.value)

"""People who sign in, and the keys that systems sign in with.

Passwords are kept as Argon2id hashes. API keys are long random strings, so a plain SHA-256 of them is enough to keep;
only the prefix is kept readable, to find the row and to let people tell keys apart.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from store.columns import new_id, now
from store.isolation import merchant_of
from store.models import ApiKey, Merchant, User
from store.upsert import insert_new

ROLES = ("admin", "support")
KEY_ROLES = ("events", "support", "admin")
SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 200
USE_IS_NOTED_EVERY = timedelta(minutes=5)
"""A key in constant use is not written to the database with each request."""

_hasher = PasswordHasher()


class BadPerson(ValueError):
    """A person or key cannot be made like this; the message says why."""


def create_user(
    session: Session, *, email: str, name: str, password: str, role: str, outlets: Sequence[str] | None = None
) -> User:
    """Someone who may sign in: `role` is admin or support, `outlets` the outlet codes they are authorised for (None: all).

    Raises BadPerson for an unknown role, an address without @ or in use, or a password shorter than 10 characters.
    """
    email = email.strip().lower()
    if "@" not in email or len(email) > 200:
        raise BadPerson(f"{email!r} is not an e-mail address")
    if role not in ROLES:
        raise BadPerson(f"there is no role {role!r}; there are: {', '.join(ROLES)}")
    user = insert_new(
        session,
        User,
        id=new_id(),
        merchant_id=merchant_of(session),
        email=email,
        name=name.strip() or email,
        password_hash=_hash(password),
        role=role,
        outlets=None if outlets is None else list(outlets),
    )
    if user is None:
        raise BadPerson(f"{email} has an account already")
    return user


def by_email(session: Session, email: str) -> User | None:
    """The person with this address, or None. For sign-in use a system session: the merchant is not known yet."""
    return session.scalar(select(User).where(User.email == email.strip().lower()))


def get(session: Session, user_id: str) -> User | None:
    """One person, or None."""
    return session.get(User, user_id)


def list_all(session: Session) -> Sequence[User]:
    """All people of the merchant, by address."""
    return session.scalars(select(User).order_by(User.email)).all()


def verify_password(user: User | None, password: str) -> bool:
    """Whether this is the person's password. Takes equally long for people who do not exist (None) or may no longer sign
    in. A hash made with outdated parameters is renewed; the session that the person was read in stores it."""
    nobody = _hash_of_nobody()  # asked for every time, so that the first one costs the same whoever it is for
    try:
        _hasher.verify(nobody if user is None else user.password_hash, password[:LONGEST_PASSWORD])
    except (VerificationError, InvalidHashError):
        return False
    if user is None or not user.active:
        return False
    if _hasher.check_needs_rehash(user.password_hash):
        user.password_hash = _hash(password)
    return True


def set_password(user: User, password: str) -> None:
    """Give a new password and end all sessions the person is signed in with. Raises BadPerson when it is too short."""
    user.password_hash = _hash(password)
    end_sessions(user)


def end_sessions(user: User) -> None:
    """Sign the person out everywhere: sessions of an earlier epoch no longer count."""
    user.session_epoch += 1


def create_api_key(session: Session, *, name: str, role: str = "events") -> tuple[ApiKey, str]:
    """A key for a system. Returns the row and the key itself, `wsl_<prefix>_<secret>`, which cannot be shown again.

    Raises BadPerson for an unknown role.
    """
    if role not in KEY_ROLES:
        raise BadPerson(f"a key cannot have the role {role!r}; choose one of: {', '.join(KEY_ROLES)}")
    prefix, secret = secrets.token_hex(6), secrets.token_hex(24)
    plain = f"wsl_{prefix}_{secret}"
    key = ApiKey(id=new_id(), name=name, prefix=prefix, key_hash=_digest(plain), role=role)
    session.add(key)
    session.flush()
    return key, plain


def find_api_key(session: Session, plain: str) -> ApiKey | None:
    """The key, unless it is unknown, wrong or revoked. In a system session it says which merchant is calling.

    `last_used_at` is renewed at most every five minutes, and only when the session may write.
    """
    kind, _, rest = plain.partition("_")
    prefix = rest.partition("_")[0]
    key = session.scalar(select(ApiKey).where(ApiKey.prefix == prefix)) if kind == "wsl" else None
    matches = hmac.compare_digest("" if key is None else key.key_hash, _digest(plain))
    if key is None or not matches or key.revoked_at is not None:
        return None
    may_write = not session.info["scope"].read_only
    if may_write and (key.last_used_at is None or key.last_used_at < now() - USE_IS_NOTED_EVERY):
        key.last_used_at = now()
    return key


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key a request came with. `setup` is the stamp of its merchant's setup; `use_is_due` asks the caller to note the
    use with `find_api_key` in a writing session."""

    merchant_id: str
    name: str
    role: str
    setup: str
    use_is_due: bool


_KEY = select(
    *(ApiKey.__table__.c[column] for column in ("merchant_id", "name", "role", "key_hash", "revoked_at", "last_used_at")),
    Merchant.__table__.c.setup,
).where(
    ApiKey.__table__.c.merchant_id == Merchant.__table__.c.id, ApiKey.__table__.c.prefix == bindparam("prefix")
)


def known_key(session: Session, plain: str) -> KnownKey | None:
    """As `find_api_key`, for reading only and in one statement that is made once: it runs before every request."""
    kind, _, rest = plain.partition("_")
    row = session.connection().execute(_KEY, {"prefix": rest.partition("_")[0]}).one_or_none() if kind == "wsl" else None
    matches = hmac.compare_digest("" if row is None else row.key_hash, _digest(plain))
    if row is None or not matches or row.revoked_at is not None:
        return None
    due = row.last_used_at is None or row.last_used_at < now() - USE_IS_NOTED_EVERY
    return KnownKey(row.merchant_id, row.name, row.role, row.setup, due)


def list_api_keys(session: Session) -> Sequence[ApiKey]:
    """All keys of the merchant, the newest first, revoked ones too."""
    return session.scalars(select(ApiKey).order_by(ApiKey.id.desc())).all()


def revoke_api_key(session: Session, key_id: str) -> bool:
    """The key opens nothing from now on. False when there is no such key; revoking twice is fine."""
    key = session.get(ApiKey, key_id)
    if key is None:
        return False
    key.revoked_at = key.revoked_at or now()
    return True


@cache
def _hash_of_nobody() -> str:
    """What an unknown person's password is compared with. Made when first needed: it takes long, and most processes never
    sign anybody in."""
    return _hasher.hash("nobody")


def _hash(password: str) -> str:
    if len(password) < SHORTEST_PASSWORD:
        raise BadPerson(f"a password needs at least {SHORTEST_PASSWORD} characters")
    if len(password) > LONGEST_PASSWORD:
        raise BadPerson(f"a password may have at most {LONGEST_PASSWORD} characters")
    return _hasher.hash(password)


def _digest(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()

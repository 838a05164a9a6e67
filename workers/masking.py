"""Takes secrets and personal data out of recorded HTTP exchanges, so that everybody in support may read them.

What a value is, is judged by its key: `access_token` and `client_secret` are secrets, `email` and `lastName` are
personal; inside a person (`customer`, `billingAddress`) every text is personal unless it is known not to be. Beyond
that, e-mail addresses, payment card numbers and the connection's own credentials are taken out of any text. Headers
work the other way round: only those known to be harmless are shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

MASK = "•••"
MAX_BODY_CHARACTERS = 20_000
MAX_DEPTH = 60

_SECRET = frozenset(["token", "secret", "password", "passwd", "authorization", "auth", "apikey", "signature", "hmac", "sign", "cookie", "session", "credential", "credentials", "passphrase", "bearer", "jwt", "nonce", "otp", "pin", "cvc", "cvv"])
_SECRET_PAIRS = frozenset({("api", "key"), ("private", "key"), ("access", "key"), ("app", "key"), ("client", "key"), ("consumer", "key"), ("order", "key")})

_PERSONAL = frozenset(["email", "mail", "phone", "telephone", "mobile", "cellphone", "fax", "firstname", "lastname", "middlename", "fullname", "surname", "initials", "street", "streetname", "housenumber", "address", "address1", "address2", "addressline", "zip", "zipcode", "postcode", "postalcode", "city", "suburb", "town", "birthdate", "birthday", "dob", "gender", "iban", "bic", "vat", "ip", "ipaddress", "remoteip", "customername", "username", "latitude", "longitude", "twitter", "facebook", "website"])
_PERSONAL_PAIRS = frozenset({
    ("first", "name"), ("last", "name"), ("middle", "name"), ("full", "name"), ("customer", "name"), ("company", "name"),
    ("contact", "name"), ("house", "number"), ("postal", "code"), ("post", "code"), ("zip", "code"), ("date", "birth"),
    ("birth", "date"), ("of", "birth"), ("vat", "number"), ("vat", "id"), ("national", "id"), ("tax", "id"), ("account", "number"), ("ip", "address"),
    ("order", "comments"), ("user", "name"), ("card", "number"), ("physical", "suburb"), ("business", "name"),
})
_PERSON = frozenset(["customer", "contact", "recipient", "addressee", "consignee", "payer", "buyer", "person", "shopper"])
"""Words of keys whose object describes a person; `address` in any form does as well."""

_HARMLESS_IN_PERSON = frozenset(["id", "code", "country", "currency", "type", "status", "state_code", "group", "locale", "language", "version", "created", "updated", "at", "date"])

_SHOWN_HEADERS = frozenset(["accept", "accept-encoding", "accept-language", "allow", "cache-control", "connection", "content-encoding", "content-length", "content-type", "date", "etag", "idempotency-key", "if-match", "if-none-match", "last-modified", "retry-after", "server", "transfer-encoding", "user-agent", "vary", "x-request-id", "x-correlation-id", "x-rate-limit-limit", "x-rate-limit-remaining", "x-rate-limit-reset", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"])

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_EMAIL = re.compile(r"[A-Za-z0-9._%+'-]{1,64}(?:@|%40)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
_CARD = re.compile(r"(?<![\w.-])[2-6](?:[ -]?\d){13,18}(?![\w-])")
_BEARER = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}")
_KEY = re.compile(r"""([A-Za-z_][A-Za-z0-9_.-]{1,40})["']?\s{0,3}[:=]\s{0,3}""")
_VALUE = re.compile(r"""(["'])(?:(?!\1)[^\\]|\\.){0,5000}\1?|[^\s,;&<>"'()]{1,2000}""")
_ELEMENT = re.compile(r"<([A-Za-z][\w.:-]{0,60})([^<>]{0,200})>([^<]{1,2000})</")


def headers(found: Mapping[str, str]) -> dict[str, str]:
    """Headers with the values of all but the known harmless ones masked; the names stay."""
    return {
        name: text(str(value)) if name.lower() in _SHOWN_HEADERS else MASK for name, value in found.items()
    }


def url(address: str, secrets: Collection[str] = ()) -> str:
    """An address without user information, with secret and personal query values masked."""
    try:
        parts = urlsplit(address)
        pairs = [(key, _plain(key, found, secrets)) for key, found in parse_qsl(parts.query, keep_blank_values=True)]
        query = "&".join(f"{quote(key)}={MASK if found == MASK else quote(found)}" for key, found in pairs)
    except ValueError:
        return MASK
    return text(urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, "")), secrets)


def body(content: bytes | str | None, content_type: str = "", secrets: Collection[str] = ()) -> str:
    """A request or answer body as text for people: masked, then clipped to `MAX_BODY_CHARACTERS`."""
    if not content:
        return ""
    plain = content if isinstance(content, str) else content.decode("utf-8", "replace")
    if "\x00" in plain[:1000]:
        return f"({len(content)} bytes that are no text)"
    return _clip(_masked_body(plain, content_type, secrets))


def _masked_body(plain: str, content_type: str, secrets: Collection[str]) -> str:
    if plain.lstrip()[:1] in ("{", "["):
        try:
            masked = value(json.loads(plain), secrets)
            return json.dumps(masked, ensure_ascii=False, separators=(",", ":"))
        except (ValueError, RecursionError):
            return text(plain[: 2 * MAX_BODY_CHARACTERS], secrets)
    if "form-urlencoded" in content_type:
        pairs = parse_qsl(plain[: 2 * MAX_BODY_CHARACTERS], keep_blank_values=True)
        return "&".join(f"{key}={_plain(key, found, secrets)}" for key, found in pairs)
    return text(plain[: 2 * MAX_BODY_CHARACTERS], secrets)


def value(found: Any, secrets: Collection[str] = (), *, person: bool = False, depth: int = 0) -> Any:
    """A JSON value with what is secret or personal masked; its shape stays."""
    if depth > MAX_DEPTH:
        return MASK
    if isinstance(found, dict):
        return {str(key): _member(str(key), member, secrets, person, depth) for key, member in found.items()}
    if isinstance(found, list):
        return [value(item, secrets, person=person, depth=depth + 1) for item in found]
    if isinstance(found, str):
        return MASK if person and found else _scrub(found, secrets)
    return found


def _member(key: str, found: Any, secrets: Collection[str], person: bool, depth: int) -> Any:
    kind = _kind(key)
    if isinstance(found, (dict, list)):
        if kind == "secret":
            return MASK
        return value(found, secrets, person=person or kind in ("person", "personal"), depth=depth + 1)
    if found is None or isinstance(found, bool):
        return found
    if kind in ("secret", "personal"):
        return MASK if found != "" else found
    if isinstance(found, str) and found:
        return MASK if person and kind != "harmless" else _scrub(found, secrets)
    return found


def text(found: str, secrets: Collection[str] = ()) -> str:
    """Free text: `key: value` pairs and XML elements with a telling name, credentials, e-mail addresses and card
    numbers are masked."""
    found = _BEARER.sub(rf"\1 {MASK}", found)
    if ":" in found or "=" in found:
        found = _mask_pairs(found)
    if "</" in found:
        found = _ELEMENT.sub(_mask_element, found)
    return _scrub(found, secrets)


def _scrub(found: str, secrets: Collection[str]) -> str:
    """What is masked whatever its key."""
    for secret in secrets:
        if secret in found:
            found = found.replace(secret, MASK)
    if "@" in found or "%40" in found:
        found = _EMAIL.sub(MASK, found)
    if len(found) >= 14:
        found = _CARD.sub(_mask_card, found)
    return found


def _mask_pairs(found: str) -> str:
    parts: list[str] = []
    at = 0
    for key in _KEY.finditer(found):
        if key.start() < at or _kind(key.group(1)) not in ("secret", "personal"):
            continue
        hidden = _VALUE.match(found, key.end())
        if hidden is not None:
            mark = hidden.group(1) or ""
            parts += [found[at : hidden.start()], mark, MASK, mark]
            at = hidden.end()
    return "".join([*parts, found[at:]])


def _mask_element(match: re.Match[str]) -> str:
    name, attributes, found = match.groups()
    hidden = _kind(name.rpartition(":")[2]) in ("secret", "personal") and found.strip()
    return f"<{name}{attributes}>{MASK if hidden else found}</"


def _mask_card(match: re.Match[str]) -> str:
    digits = [int(digit) for digit in match.group() if digit.isdigit()]
    doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return MASK if (sum(digits[-1::-2]) + doubled) % 10 == 0 else match.group()


def _plain(key: str, found: str, secrets: Collection[str]) -> str:
    return MASK if found and _kind(key) in ("secret", "personal") else _scrub(found, secrets)


@lru_cache(maxsize=4096)
def _kind(key: str) -> str:
    """What a key says about its value: secret, personal, person (its object describes one), harmless or plain."""
    words = [word.lower() for word in _WORDS.findall(key)]
    pairs = set(pairwise(words))
    joined = "".join(words)
    if not _SECRET.isdisjoint(words) or joined in _SECRET or pairs & _SECRET_PAIRS or joined.endswith(("token", "apikey", "secret", "password")):
        return "secret"
    if _is_identifier(words):
        return "harmless"
    if not _PERSONAL.isdisjoint(words) or joined in _PERSONAL or pairs & _PERSONAL_PAIRS:
        return "personal"
    if not _PERSON.isdisjoint(words) or "billing" in words or "addresses" in words:
        return "person"
    return "harmless" if words and words[-1] in _HARMLESS_IN_PERSON else "plain"


def _is_identifier(words: list[str]) -> bool:
    """`customer_id` and `address_id` name a row, not a person; `vat_id` and `national_id` do name one."""
    return len(words) > 1 and words[-1] in ("id", "ids") and tuple(words[-2:]) not in _PERSONAL_PAIRS


def _clip(found: str) -> str:
    left_out = len(found) - MAX_BODY_CHARACTERS
    return found if left_out <= 0 else f"{found[:MAX_BODY_CHARACTERS]}… ({left_out} more characters)"


def known_secrets(credentials: Iterable[str]) -> frozenset[str]:
    """The credential values worth looking for in any text; shorter ones would mask by accident."""
    return frozenset(secret for secret in credentials if len(secret) >= 6)

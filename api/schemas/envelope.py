"""The CloudEvents 1.0 envelope: structured, binary and batch all end as one checked `NewEvent`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from marshmallow import ValidationError

from adapters.base import NewEvent
from api.problems import FieldError, Problem
from api.schemas.data import TYPES
from api.schemas.fields import WORD, Moment, Strict, Text, field_errors, nearest, shown

_EXTENSION = re.compile(r"[a-z0-9]{1,40}")
_LARGEST_SEQUENCE = 2**63 - 1
MOST_EXTENSIONS = 20


class Envelope(Strict):
    """The attributes of CloudEvents 1.0. `time` is required: what is older than what we know never overwrites it.
    Extension attributes are allowed; `sequence`, a growing number per subject, orders events of the same moment."""

    specversion = Text(10, required=True)
    id = Text(required=True, empty=False)
    source = Text(required=True, empty=False)
    type = Text(WORD, required=True, empty=False)
    time = Moment(required=True, as_text=False)
    subject = Text(empty=False)
    datacontenttype = Text()
    dataschema = Text(2000)


_ENVELOPE = Envelope()
_DATA = {name: type_.schema() for name, type_ in TYPES.items()}


@dataclass(frozen=True, slots=True)
class Posted:
    """One event as it was posted, checked."""

    source: str
    event: NewEvent


def load_event(document: Any) -> Posted:
    """One structured CloudEvent, checked through and through.

    Raises Problem `unknown-type` or `invalid` with every wrong field at once.
    """
    if not isinstance(document, Mapping):
        raise Problem("invalid", f"A CloudEvent is an object, not {shown(document)}.")
    errors: list[FieldError] = []
    envelope: dict[str, Any] = {}
    try:
        envelope = _ENVELOPE.load({key: value for key, value in document.items() if key in _ENVELOPE.fields})
    except ValidationError as error:
        errors.extend(field_errors(error.messages))
    errors.extend(_extension_errors(document))
    if "specversion" in envelope and envelope["specversion"] != "1.0":
        errors.append(FieldError("specversion", f'must be "1.0"; it is {shown(envelope["specversion"])}'))
    content_type = envelope.get("datacontenttype", "application/json").split(";")[0].strip().lower()
    if content_type != "application/json" and not content_type.endswith("+json"):
        errors.append(FieldError("datacontenttype", f"must be application/json; it is {shown(content_type)}"))
    type_ = document.get("type")
    if isinstance(type_, str) and type_ and type_ not in TYPES:
        raise _unknown_type(type_)
    data = _load_data(type_, document, errors)
    if errors:
        raise Problem("invalid", _how_many(errors), errors=errors)
    _fill_times(data, envelope["time"].isoformat().replace("+00:00", "Z"))
    subject = envelope.get("subject") or TYPES[envelope["type"]].subject(data)
    event = NewEvent(envelope["id"], envelope["type"], subject[:200], envelope["time"], data, _sequence(document))
    return Posted(envelope["source"], event)


def _load_data(type_: Any, document: Mapping[str, Any], errors: list[FieldError]) -> dict[str, Any]:
    if "data_base64" in document:
        errors.append(FieldError("data_base64", "is not taken; send the data as JSON under data"))
        return {}
    if not isinstance(type_, str) or type_ not in _DATA:
        return {}
    if "data" not in document:
        errors.append(FieldError("data", "is missing"))
        return {}
    try:
        loaded: dict[str, Any] = _DATA[type_].load(document["data"])
    except ValidationError as error:
        errors.extend(field_errors(error.messages, "data"))
        return {}
    return loaded


def _fill_times(data: dict[str, Any], time: str) -> None:
    order = data.get("order")
    if order and "lines" in order:
        order.setdefault("placed_at", time)
        order.setdefault("updated_at", time)


def _extension_errors(document: Mapping[str, Any]) -> list[FieldError]:
    errors = []
    known = {*_ENVELOPE.fields, "data", "data_base64"}
    for name, value in [(name, value) for name, value in document.items() if name not in known][:MOST_EXTENSIONS]:
        if not _EXTENSION.fullmatch(name):
            hint = nearest(name, (*_ENVELOPE.fields, "data"))
            errors.append(FieldError(name[:80], f"is no attribute of a CloudEvent.{hint} Extension names are lower-case letters and digits"))
        elif not isinstance(value, str | int):
            errors.append(FieldError(name, f"must be text, a whole number or true or false, not {shown(value)}"))
    if len(document) > len(known) + MOST_EXTENSIONS:
        errors.append(FieldError("(the event)", f"has more than {MOST_EXTENSIONS} extension attributes"))
    if "sequence" in document:
        try:
            _sequence(document)
        except ValueError:
            errors.append(FieldError("sequence", f"must be a whole number, not negative; it is {shown(document['sequence'])}"))
    return errors


def _sequence(document: Mapping[str, Any]) -> int | None:
    value = document.get("sequence")
    if value is None:
        return None
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,19}", str(value)) or int(value) > _LARGEST_SEQUENCE:
        raise ValueError(value)
    return int(value)


def _unknown_type(type_: str) -> Problem:
    detail = f'The event type "{type_[:WORD]}" is unknown.{nearest(type_, TYPES)} Known types: {", ".join(TYPES)}.'
    return Problem("unknown-type", detail, errors=[FieldError("type", f"is not a known event type.{nearest(type_, TYPES)}")])


def _how_many(errors: list[FieldError]) -> str:
    first = errors[0]
    more = f" {len(errors) - 1} more fields are wrong." if len(errors) > 2 else " One more field is wrong." if len(errors) == 2 else ""
    return f"{first.field} {first.message.rstrip('.')}.{more}"


def from_headers(headers: Mapping[str, str], data: Any) -> dict[str, Any]:
    """A structured event made from binary mode: attributes in `ce-` headers (percent-encoded), data in the body."""
    document: dict[str, Any] = {"data": data}
    for name, value in headers.items():
        if name.lower().startswith("ce-"):
            document[name[3:].lower()] = unquote(value)
    document.setdefault("datacontenttype", "application/json")
    return document

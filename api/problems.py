"""Every kind of problem the API answers with (RFC 9457), in one table. The page `/docs/problems` is made from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple


class FieldError(NamedTuple):
    """One field that is wrong: its path as in `data.order.lines[0].quantity`, and why."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """A kind of problem: `slug` ends its address, `next_step` says what the caller can do about it."""

    slug: str
    status: int
    title: str
    next_step: str


_KINDS = (
    ProblemKind("not-json", 400, "The body is not JSON", "Send UTF-8 JSON; the detail names the line and column."),
    ProblemKind("bad-request", 400, "The request makes no sense", "Correct what the detail names."),
    ProblemKind("no-key", 401, "No valid API key", "Send `Authorization: Bearer wsl_...` with a key that was not revoked."),
    ProblemKind("bad-signature", 401, "The webhook is not signed as agreed", "Check the signing secret of the connection."),
    ProblemKind("not-allowed", 403, "This key may not do that", "Use a key with the role the detail names."),
    ProblemKind("not-found", 404, "There is nothing here", "Check the address and the id; a key sees its own merchant only."),
    ProblemKind("wrong-method", 405, "This address does not take that method", "See the Allow header."),
    ProblemKind("conflict", 409, "This clashes with what is already known", "Read the detail; nothing was changed."),
    ProblemKind("event-conflict", 409, "This event id was used with other content",
                "Give a new event a new id. Repeat an event with exactly the content it had the first time."),
    ProblemKind("draft-conflict", 409, "Somebody saved this draft in between",
                "Read `current`, bring your changes into it, and save again with its revision in If-Match."),
    ProblemKind("superseded", 409, "Another version was published in between",
                "Bring the draft up to date (`POST .../rebase`), look at it again, then publish."),
    ProblemKind("rebase-conflict", 409, "Both sides changed the same rule files",
                "Send `choices`: for each file under `clashes` say `mine` or `theirs`. Nothing was changed."),
    ProblemKind("too-large", 413, "The body is too large", "Send less at once; the limit is in the detail."),
    ProblemKind("wrong-media-type", 415, "The content type is not understood",
                "Send application/cloudevents+json, application/cloudevents-batch+json or application/json."),
    ProblemKind("invalid", 422, "Some fields are not right", "Correct the fields listed under `errors`."),
    ProblemKind("unknown-type", 422, "This event type is unknown", "Use one of the types listed in the detail."),
    ProblemKind("not-connected", 422, "The system did not accept the connection",
                "Correct what the detail says: address, credentials, scopes or settings. Nothing was changed."),
    ProblemKind("rules-refused", 422, "The rules were not published",
                "Correct what `errors` lists. What was published before decides as it did."),
    ProblemKind("no-revision", 428, "Which revision is meant?",
                "Send the ETag that came with the draft as `If-Match`, so that nobody's work is overwritten."),
    ProblemKind("too-many", 429, "Too many attempts", "Wait as long as the Retry-After header says."),
    ProblemKind("internal", 500, "Something broke on our side",
                "Repeat the request later; it is safe. Support finds the cause by the error id."),
    ProblemKind("unavailable", 503, "The database cannot be reached",
                "Repeat the request with the same event id after the seconds in Retry-After; nothing was kept."),
)  # fmt: skip

KINDS: Mapping[str, ProblemKind] = {kind.slug: kind for kind in _KINDS}
BY_STATUS: Mapping[int, str] = {
    400: "bad-request", 401: "no-key", 403: "not-allowed", 404: "not-found", 405: "wrong-method", 409: "conflict",
    413: "too-large", 415: "wrong-media-type", 422: "invalid", 429: "too-many", 503: "unavailable",
}  # fmt: skip


class Problem(Exception):
    """Stops a request with a problem document. `slug` names the kind; `detail` is a sentence about this case; `more` are
    members that this kind has beyond the common ones."""

    def __init__(
        self,
        slug: str,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = KINDS[slug]
        self.detail = detail
        self.errors = tuple(errors)
        self.status = status or self.kind.status
        self.headers = dict(headers or {})
        self.more = dict(more or {})

    def document(self, instance: str) -> dict[str, object]:
        """The problem as JSON. `instance` is the path that was asked for."""
        document: dict[str, object] = {
            "type": f"/docs/problems#{self.kind.slug}",
            "title": self.kind.title,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
        }
        if self.errors:
            document["errors"] = [error._asdict() for error in self.errors]
        return {**document, **self.more}

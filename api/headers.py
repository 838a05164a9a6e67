"""Headers every answer carries, and what is refused before any view sees it."""

from __future__ import annotations

from flask import Flask, Response, request

from api.problems import Problem

POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def install(app: Flask, *, https: bool) -> None:
    """Send the headers with every answer; with `https` also HSTS."""

    @app.before_request
    def refuse_nul() -> None:
        """No id, number or name holds a NUL, and PostgreSQL cannot even compare with one."""
        values = (value for values in request.args.listvalues() for value in values)
        if "\x00" in request.path or any("\x00" in value for value in values):
            raise Problem("bad-request", "The address holds a NUL character.")

    @app.after_request
    def add(answer: Response) -> Response:
        for name, value in _ALWAYS.items():
            answer.headers.setdefault(name, value)
        if https:
            answer.headers["Strict-Transport-Security"] = "max-age=31536000"
        if request.endpoint and not request.endpoint.endswith("static"):
            answer.headers.setdefault("Cache-Control", "no-store")
        return answer

"""The web application, for any WSGI server: `gunicorn wsgi:app`."""

from __future__ import annotations

import wiring
from api import create_app

app = create_app(wiring.from_environment())

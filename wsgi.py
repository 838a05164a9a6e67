"""The web application, for any WSGI server: `gunicorn wsgi:app`."""

from __future__ import annotations

import config
import wiring
from api import create_app

app = create_app(wiring.build(config.from_environment()))

"""`flask connections ...`: what is done to stored connections from a terminal."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from api.cli import finish
from api.cli_versions import plainly
from api.services import services
from store import connections
from store.secrets import Cipher

group = AppGroup("connections", short_help="Keys that credentials are encrypted with.")


@group.command("new-key")
def new_key() -> None:
    """Print a fresh key for WISSEL_ENCRYPTION_KEYS."""
    click.echo(Cipher.new_key())


@group.command("rotate-keys")
def rotate_keys() -> None:
    """Encrypt all stored credentials under the first key of WISSEL_ENCRYPTION_KEYS.

    Safe while everything runs, and to be repeated. Exits with 1 when some cannot be read with any key: those are named, and
    have to be entered again.
    """
    with plainly():
        rotated = connections.rotate_keys(services().database, services().cipher)
    for name in rotated.unreadable:
        click.secho(f"✗ {name}: cannot be read with any of the keys; enter its credentials again", fg="red", err=True)
    noun = "connection is" if rotated.encrypted == 1 else "connections are"
    click.echo(f"The credentials of {rotated.encrypted} {noun} encrypted under the first key.")
    if rotated.unreadable:
        click.echo(f"{len(rotated.unreadable)} cannot be read: keep the older keys until they are entered again.")
    finish(failed=bool(rotated.unreadable))

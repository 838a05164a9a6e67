"""What may come in and what goes out, as marshmallow schemas: they check, convert and document at once."""

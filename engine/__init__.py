"""Decides. Pure: facts in, decision out, always the same for the same input. No HTTP, no SQL, no Redis, no clock."""

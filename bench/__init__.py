"""Measurements anyone can rerun, each with its floor beside it."""

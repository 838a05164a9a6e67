"""Adapters: one folder per external system, each carrying out operations in our words (see `adapters.base`)."""

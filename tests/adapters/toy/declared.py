"""What the toy shop can be told. A real platform's entry stands in engine/platforms.py, where the rule checker finds it."""

from __future__ import annotations

from engine.platforms import Platform

TOY = Platform(
    "toy", "Toy shop", "shop",
    {"awaiting_processing": "Open", "on_hold": "Waiting", "completed": "Done", "cancelled": "Cancelled"},
    {"paid": "Paid"},
    frozenset({"ship fulfilment", "refund in shop"}),
)  # fmt: skip

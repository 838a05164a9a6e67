"""The toy shop of docs/adapters.md: the smallest system that has everything an adapter must cope with.

`sandbox` is the system (an API with bearer tokens, orders, shipments, refunds, stock, signed webhooks), `adapter` speaks
to it, `mapping` translates its words, `declared` is what would stand in engine/platforms.py, `rig` lets the suite use it.
"""

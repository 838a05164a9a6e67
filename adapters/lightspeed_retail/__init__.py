"""Lightspeed Retail (X-Series), formerly Vend: the till, where stock is kept and online orders are packed and handed over.

`adapter` names the operations; `sales`, `packing` and `reading` carry them out through `client`; `pricing` makes a shop's
money the till's; `mapping` and `events` translate; `webhook` checks signatures; `sandbox` stands in for the system.
"""

from adapters.lightspeed_retail.adapter import LightspeedRetail

__all__ = ["LightspeedRetail"]

"""Lightspeed eCom (E-Series), formerly Ecwid: the web shop beside the till.

Not to be confused with Lightspeed eCom C-Series, another product with another API. `adapter` carries out operations,
`client` speaks HTTP, `mapping` and `progress` translate words, `webhook` checks signatures, `sandbox` stands in for it.
"""

from adapters.lightspeed_ecom.adapter import LightspeedEcom

__all__ = ["LightspeedEcom"]

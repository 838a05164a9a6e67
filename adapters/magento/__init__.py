"""Magento 2 and Adobe Commerce over REST V1: a web shop that counts stock per source.

`adapter` carries out operations, `client` speaks HTTP and OAuth, `orders` and `mapping` read orders, `progress` and
`statuses` tell how far they are, `shipping`, `refunds` and `stock` write what their names say, `webhook` checks the
signature of an installed webhook module, `sandbox` stands in for the shop.
"""

from adapters.magento.adapter import Magento

__all__ = ["Magento"]

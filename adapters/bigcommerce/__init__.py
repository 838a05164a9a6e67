"""BigCommerce: the hosted web shop, with V2 orders and V3 everything else.

`adapter` carries out operations (`reading`, `statuses`, `shipping`, `pickups`, `refunds`, `stock`, `hooks`), `client`
speaks HTTP, `mapping` and `progress` translate words, `webhook` checks callbacks, `sandbox` stands in for the shop.
"""

from adapters.bigcommerce.adapter import BigCommerce

__all__ = ["BigCommerce"]

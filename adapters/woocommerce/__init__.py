"""WooCommerce: the shop that lives in a WordPress site, spoken to over its REST API `wc/v3`.

`adapter` lists the operations; `auth` and `client` speak HTTP; `progress`, `mapping` and `products` translate;
`reading`, `statuses`, `tracking`, `outlets`, `refunds`, `stock` and `subscriptions` are the operations; `webhook` checks
signatures; `sandbox` stands in for a store.
"""

from adapters.woocommerce.adapter import WooCommerce

__all__ = ["WooCommerce"]

"""Shopify: the web shop, over its GraphQL Admin API.

`adapter` carries out operations, `client` speaks GraphQL with the texts of `queries` and `mutations`, `mapping` and
`progress` translate words, `webhook` checks signatures, `sandbox` stands in for it.
"""

from adapters.shopify.adapter import Shopify

__all__ = ["Shopify"]

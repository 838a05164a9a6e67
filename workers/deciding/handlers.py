"""Which function decides which type of event."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from workers.deciding import fulfilments, orders, payments, records, stock
from workers.deciding.scene import Scene

HANDLERS: Mapping[str, Callable[[Scene], None]] = {
    "order.placed": orders.reported,
    "order.updated": orders.reported,
    "order.cancelled": orders.cancelled,
    "order.reconsidered": orders.reconsidered,
    "payment.received": payments.received,
    "payment.refunded": payments.refunded,
    "sale.placed": fulfilments.sale_placed,
    "fulfilment.status_changed": fulfilments.status_changed,
    "stock.changed": stock.changed,
    "shipment.tracking_added": records.tracking_added,
    "customer.changed": records.customer_changed,
    "invoice.created": records.invoice_created,
    "product.changed": records.product_changed,
    "hook.received": records.hook_received,
}

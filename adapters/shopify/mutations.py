"""What is changed through the Admin API. Texts for version 2026-07.

Only the stock mutations and `refundCreate` know an idempotency key (shopify.dev, "Idempotent requests"); whoever uses
another one looks first whether it was done already.
"""

from __future__ import annotations

_ERRORS = "userErrors { field message }"
_CODED = "userErrors { field message code }"

SHIP = f"""
mutation Ship($fulfillment: FulfillmentInput!) {{
  fulfillmentCreate(fulfillment: $fulfillment) {{ fulfillment {{ id status }} {_ERRORS} }}
}}
"""

SET_TRACKING = f"""
mutation SetTracking($id: ID!, $tracking: FulfillmentTrackingInput!, $notify: Boolean) {{
  fulfillmentTrackingInfoUpdate(fulfillmentId: $id, trackingInfoInput: $tracking, notifyCustomer: $notify) {{
    fulfillment {{ id }} {_ERRORS}
  }}
}}
"""

MOVE = f"""
mutation Move($id: ID!, $to: ID!, $lines: [FulfillmentOrderLineItemInput!]) {{
  fulfillmentOrderMove(id: $id, newLocationId: $to, fulfillmentOrderLineItems: $lines) {{
    movedFulfillmentOrder {{ id status }} originalFulfillmentOrder {{ id }} {_CODED}
  }}
}}
"""

SPLIT = f"""
mutation Split($splits: [FulfillmentOrderSplitInput!]!) {{
  fulfillmentOrderSplit(fulfillmentOrderSplits: $splits) {{
    fulfillmentOrderSplits {{ fulfillmentOrder {{ id }} remainingFulfillmentOrder {{ id }} }} {_CODED}
  }}
}}
"""

HOLD = f"""
mutation Hold($id: ID!, $hold: FulfillmentOrderHoldInput!) {{
  fulfillmentOrderHold(id: $id, fulfillmentHold: $hold) {{ fulfillmentHold {{ id handle }} {_CODED} }}
}}
"""

RELEASE = f"""
mutation Release($id: ID!, $holds: [ID!]!) {{
  fulfillmentOrderReleaseHold(id: $id, holdIds: $holds) {{ fulfillmentOrder {{ id status }} {_CODED} }}
}}
"""

REPORT_PROGRESS = f"""
mutation ReportProgress($id: ID!) {{
  fulfillmentOrderReportProgress(id: $id) {{ fulfillmentOrder {{ id status }} {_CODED} }}
}}
"""

OPEN = f"mutation Open($id: ID!) {{ fulfillmentOrderOpen(id: $id) {{ fulfillmentOrder {{ id status }} {_ERRORS} }} }}"

PREPARED = f"""
mutation Prepared($input: FulfillmentOrderLineItemsPreparedForPickupInput!) {{
  fulfillmentOrderLineItemsPreparedForPickup(input: $input) {{ {_CODED} }}
}}
"""

MARK_PAID = f"""
mutation MarkPaid($id: ID!) {{ orderMarkAsPaid(input: {{ id: $id }}) {{ order {{ displayFinancialStatus }} {_ERRORS} }} }}
"""

CANCEL = """
mutation Cancel(
  $id: ID!, $reason: OrderCancelReason!, $restock: Boolean!, $method: OrderCancelRefundMethodInput, $notify: Boolean
  $note: String
) {
  orderCancel(
    orderId: $id, reason: $reason, restock: $restock, refundMethod: $method, notifyCustomer: $notify, staffNote: $note
  ) {
    job { id done } orderCancelUserErrors { field message code }
  }
}
"""

REFUND = f"""
mutation Refund($input: RefundInput!, $key: String!) {{
  refundCreate(input: $input) @idempotent(key: $key) {{ refund {{ id }} {_ERRORS} }}
}}
"""

SET_STOCK = f"""
mutation SetStock($input: InventorySetQuantitiesInput!, $key: String!) {{
  inventorySetQuantities(input: $input) @idempotent(key: $key) {{
    inventoryAdjustmentGroup {{ id changes {{ name delta quantityAfterChange }} }} {_CODED}
  }}
}}
"""

ACTIVATE = f"""
mutation Activate($item: ID!, $location: ID!, $available: Int, $key: String!) {{
  inventoryActivate(inventoryItemId: $item, locationId: $location, available: $available) @idempotent(key: $key) {{
    inventoryLevel {{ id }} {_ERRORS}
  }}
}}
"""

SUBSCRIBE = f"""
mutation Subscribe($topic: WebhookSubscriptionTopic!, $subscription: WebhookSubscriptionInput!) {{
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $subscription) {{
    webhookSubscription {{ id topic uri }} {_ERRORS}
  }}
}}
"""

RESUBSCRIBE = f"""
mutation Resubscribe($id: ID!, $subscription: WebhookSubscriptionInput!) {{
  webhookSubscriptionUpdate(id: $id, webhookSubscription: $subscription) {{
    webhookSubscription {{ id topic uri }} {_ERRORS}
  }}
}}
"""

UNSUBSCRIBE = f"""
mutation Unsubscribe($id: ID!) {{ webhookSubscriptionDelete(id: $id) {{ deletedWebhookSubscriptionId {_ERRORS} }} }}
"""

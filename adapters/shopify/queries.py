"""What is read of the Admin API. Texts for version 2026-07; each fits the cost limit of one query (1000 points) also when
a connection costs its whole `first`, as the vendor's older rule has it.

Source: shopify.dev, Admin GraphQL reference.
"""

from __future__ import annotations

_MONEY = "shopMoney { amount currencyCode }"
_PAGE = "pageInfo { hasNextPage endCursor }"

_LINES = f"""
      nodes {{
        id sku title variantTitle quantity currentQuantity unfulfilledQuantity requiresShipping isGiftCard
        product {{ id }} variant {{ id }}
        originalUnitPriceSet {{ {_MONEY} }}
        discountAllocations {{ allocatedAmountSet {{ {_MONEY} }} }}
        taxLines(first: 5) {{ rate priceSet {{ {_MONEY} }} }}
      }}
      {_PAGE}
"""

_ADDRESS = "name firstName lastName address1 address2 zip city provinceCode countryCodeV2 phone company"

_ORDER = f"""
fragment Snapshot on Order {{
    id name createdAt updatedAt processedAt cancelledAt test sourceName displayFinancialStatus displayFulfillmentStatus
    paymentGatewayNames currencyCode taxesIncluded email phone note
    totalPriceSet {{ {_MONEY} }} currentTotalPriceSet {{ {_MONEY} }}
    customer {{ id firstName lastName displayName defaultEmailAddress {{ emailAddress }} defaultPhoneNumber {{ phoneNumber }} }}
    shippingAddress {{ {_ADDRESS} }} billingAddress {{ {_ADDRESS} }}
    shippingLines(first: 5) {{
      nodes {{
        title code isRemoved discountedPriceSet {{ {_MONEY} }} currentDiscountedPriceSet {{ {_MONEY} }}
        taxLines {{ priceSet {{ {_MONEY} }} }}
      }}
    }}
    lineItems(first: 20) {{ {_LINES} }}
    transactions(first: 10) {{ kind status gateway formattedGateway }}
    fulfillmentOrders(first: 10, displayable: true) {{
      nodes {{ id status deliveryMethod {{ methodType }} assignedLocation {{ location {{ id }} }} }}
    }}
    fulfillments(first: 10) {{ status trackingInfo(first: 5) {{ company number url }} }}
}}
"""

SHOP = """
query Check {
  shop { name myshopifyDomain currencyCode }
  currentAppInstallation { accessScopes { handle } }
}
"""

ORDER = f"query Order($id: ID!) {{ order(id: $id) {{ ...Snapshot }} }} {_ORDER}"

ORDERS = f"""
query Orders($q: String!, $first: Int!, $after: String) {{
  orders(first: $first, after: $after, query: $q, sortKey: UPDATED_AT) {{
    nodes {{ ...Snapshot }}
    {_PAGE}
  }}
}}
{_ORDER}
"""

COUNT_ORDERS = "query Count($q: String!) { ordersCount(query: $q, limit: null) { count precision } }"

MORE_LINES = f"""
query Lines($id: ID!, $after: String) {{
  order(id: $id) {{ lineItems(first: 50, after: $after) {{ {_LINES} }} }}
}}
"""

SENT = """
query Sent($id: ID!) {
  order(id: $id) {
    fulfillments(first: 20) { status fulfillmentLineItems(first: 20) { nodes { quantity lineItem { id } } } }
  }
}
"""

ORDER_OF = "query OrderOf($id: ID!) { fulfillmentOrder(id: $id) { orderId } }"

FIND_ORDER = """
query FindOrder($q: String!) { orders(first: 5, query: $q, sortKey: CREATED_AT, reverse: true) { nodes { id name } } }
"""

PROGRESS = """
query Progress($id: ID!, $after: String) {
  order(id: $id) {
    id name cancelledAt displayFinancialStatus displayFulfillmentStatus canMarkAsPaid
    fulfillmentOrders(first: 10, after: $after, displayable: true) {
      nodes {
        id status requestStatus supportedActions { action } deliveryMethod { methodType }
        assignedLocation { name location { id } }
        fulfillmentHolds { id handle heldByRequestingApp displayReason }
        lineItems(first: 15) { nodes { id remainingQuantity lineItem { id } } pageInfo { hasNextPage endCursor } }
      }
      pageInfo { hasNextPage endCursor }
    }
    fulfillments(first: 20) {
      id status location { id } trackingInfo(first: 5) { company number url }
      fulfillmentLineItems(first: 5) { nodes { quantity lineItem { id } } pageInfo { hasNextPage endCursor } }
    }
  }
}
"""

MORE_OPEN_LINES = """
query OpenLines($id: ID!, $after: String) {
  fulfillmentOrder(id: $id) {
    lineItems(first: 100, after: $after) {
      nodes { id remainingQuantity lineItem { id } } pageInfo { hasNextPage endCursor }
    }
  }
}
"""

MORE_SENT_LINES = """
query SentLines($id: ID!, $after: String) {
  fulfillment(id: $id) {
    fulfillmentLineItems(first: 100, after: $after) {
      nodes { quantity lineItem { id } } pageInfo { hasNextPage endCursor }
    }
  }
}
"""

WHERE_TO = """
query WhereTo($id: ID!, $location: ID!) {
  fulfillmentOrder(id: $id) {
    locationsForMove(first: 50, locationIds: [$location]) { nodes { location { id } movable message } }
  }
}
"""

JOB = "query Job($id: ID!) { job(id: $id) { id done } }"

REFUNDABLE = f"""
query Refundable($id: ID!, $lines: [RefundLineItemInput!]) {{
  order(id: $id) {{
    id name currencyCode presentmentCurrencyCode totalReceivedSet {{ {_MONEY} }} totalRefundedSet {{ {_MONEY} }}
    refunds(first: 100) {{ id note totalRefundedSet {{ {_MONEY} }} }}
    suggestedRefund(refundLineItems: $lines, suggestFullRefund: true) {{
      maximumRefundableSet {{ {_MONEY} }}
      suggestedTransactions {{
        gateway parentTransaction {{ id }} amountSet {{ {_MONEY} }} maximumRefundableSet {{ {_MONEY} }}
      }}
    }}
  }}
}}
"""

_VARIANT = "id sku title displayName updatedAt inventoryQuantity product { id title hasOnlyDefaultVariant }"
_LEVEL = 'nodes { location { id } quantities(names: ["available"]) { name quantity } }'
_LEVELS = f"inventoryItem {{ id tracked inventoryLevels(first: 50) {{ {_LEVEL} }} }}"

VARIANT = f"""
query Variant($id: ID!) {{
  productVariant(id: $id) {{ {_VARIANT} inventoryItem {{ id tracked inventoryLevels(first: 250) {{ {_LEVEL} }} }} }}
}}
"""

VARIANTS = f"""
query Variants($q: String!, $first: Int!, $after: String) {{
  productVariants(first: $first, after: $after, query: $q, sortKey: ID) {{ nodes {{ {_VARIANT} }} {_PAGE} }}
}}
"""

VARIANTS_BY_SKU = f"""
query VariantsBySku($q: String!) {{ productVariants(first: 20, query: $q) {{ nodes {{ {_VARIANT} }} }} }}
"""

PRODUCT = f"""
query Product($id: ID!, $after: String) {{
  product(id: $id) {{ id variants(first: 4, after: $after) {{ nodes {{ {_VARIANT} {_LEVELS} }} {_PAGE} }} }}
}}
"""

ITEM = f"""
query Item($id: ID!) {{ inventoryItem(id: $id) {{ id variants(first: 4) {{ nodes {{ {_VARIANT} {_LEVELS} }} }} }} }}
"""

COUNT_VARIANTS = "query CountVariants($q: String!) { productVariantsCount(query: $q, limit: null) { count precision } }"

CUSTOMER = """
query Customer($email: String!) {
  customerByIdentifier(identifier: { emailAddress: $email }) {
    id firstName lastName displayName defaultEmailAddress { emailAddress }
  }
}
"""

LOCATIONS = f"""
query Locations($after: String) {{
  locations(first: 100, after: $after, includeInactive: true) {{
    nodes {{ id name isActive address {{ city countryCode }} }}
    {_PAGE}
  }}
}}
"""

SUBSCRIPTIONS = f"""
query Subscriptions($after: String) {{
  webhookSubscriptions(first: 100, after: $after) {{
    nodes {{ id topic uri format filter includeFields }}
    {_PAGE}
  }}
}}
"""

"""The words rules are written in: fact types with their fields, and the outcomes each decision may produce.

This is the one place. The checker, the editor, the reference page and the trace pages are all driven by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

FIELD_TYPES = ("text", "enum", "boolean", "integer", "number", "money", "weight", "duration", "moment", "date", "time", "list")
"""`weight` counts grams, `duration` seconds; `moment` is a point in time in UTC, `date` and `time` are a day and a time of
day in the merchant's time zone; `list` is a list of text."""

FULFILMENT_STATUSES = ("new", "in_progress", "packed", "completed", "cancelled")
FULFILMENT_TYPES = ("delivery", "pickup")
PAYMENT_STATUSES = ("incomplete", "unpaid", "partly_paid", "paid", "partly_refunded", "refunded", "cancelled", "custom")
SHOP_STATUSES = (
    "awaiting_processing", "on_hold", "processing", "awaiting_shipment", "ready_for_pickup", "partly_shipped", "shipped",
    "out_for_delivery", "delivered", "completed", "returned", "will_not_deliver", "cancelled", "custom",
)  # fmt: skip
"""`awaiting_shipment` is packed and not yet sent; `completed` is done, sent or collected, where a shop has one word for it."""
ORDER_STATES = ("received", "ignored", "held", "open", "completed", "cancelled")
PLATFORMS = (
    "lightspeed_ecom", "lightspeed_retail", "shopify", "bigcommerce", "woocommerce", "magento", "picqer", "goedgepickt",
    "api",
)  # fmt: skip
SYSTEM_ROLES = ("shop", "till", "warehouse", "other")
PAYMENT_SCREENS = ("sell_screen", "sales_history", "shop", "unknown")
RISKS = ("low", "medium", "high")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a fact type. `name` has no type prefix and may contain dots (`shipping_address.country`)."""

    name: str
    type: str
    meaning: str
    values: tuple[str, ...] = ()
    derived: bool = False


@dataclass(frozen=True)
class FactType:
    """A kind of thing rules can look at. A rule that names a *repeated* type holds for each fact of that type.

    `plural` is the word for many of them, as in `count of lines`; without one, it is the name with an s. `always` names
    the fields that every fact put together from our own records has; proofs count on it.
    """

    name: str
    meaning: str
    repeated: bool
    fields: tuple[Field, ...]
    plural: str = ""
    always: tuple[str, ...] = ()

    @property
    def many(self) -> str:
        return self.plural or f"{self.name}s"

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        return {f.name: f for f in self.fields}

    @cached_property
    def moments(self) -> tuple[str, ...]:
        """The names of its fields that are moments."""
        return tuple(f.name for f in self.fields if f.type == "moment")


@dataclass(frozen=True, slots=True)
class Slot:
    """A hole in an outcome's sentence. `type` is a field type; `values` limits an enum."""

    name: str
    type: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OutcomeSpec:
    """One thing a rule may demand.

    `form` is the sentence an admin writes, slots in braces: `prefer outlet by {points}`. Every sentence may end in
    `because "reason"`. `target` is the fact type the outcome speaks of (empty: the decision as a whole). Outcomes of
    one `group` exclude each other for one target: the first in agenda order wins, later ones are overridden; with an
    empty group all are kept. `derives` names the field a derived fact changes (`order.tags`), empty otherwise.
    """

    name: str
    form: str
    meaning: str
    target: str = ""
    group: str = ""
    slots: tuple[Slot, ...] = ()
    derives: str = ""


@dataclass(frozen=True)
class DecisionSpec:
    """One rule file: what it decides, which facts it sees, which outcomes it may produce.

    `complete` names the groups of outcomes that the decision promises to give for every order (for each fact of the
    type they speak of, where they speak of one); a proof looks for orders for which it does not.
    """

    name: str
    meaning: str
    sees: tuple[str, ...]
    outcomes: tuple[OutcomeSpec, ...]
    complete: tuple[str, ...] = ()

    @cached_property
    def by_name(self) -> Mapping[str, OutcomeSpec]:
        return {o.name: o for o in self.outcomes}


@dataclass(frozen=True)
class Vocabulary:
    """Everything a rule may mention."""

    facts: Mapping[str, FactType]
    decisions: Mapping[str, DecisionSpec]


def moment(name: str, meaning: str) -> tuple[Field, ...]:
    """A moment with its companions: day, time of day and weekday in the merchant's time zone (`engine.calendar`)."""
    of = meaning.rstrip(".")
    return (
        Field(name, "moment", meaning),
        Field(f"{name}.date", "date", f"{of}: the day, in the merchant's time zone."),
        Field(f"{name}.time", "time", f"{of}: the time of day, in the merchant's time zone."),
        Field(f"{name}.weekday", "enum", f"{of}: the weekday, in the merchant's time zone.", WEEKDAYS),
    )


def _facts(*types: FactType) -> dict[str, FactType]:
    return {t.name: t for t in types}


EVENT = FactType("event", "What just happened.", False, (
    Field("type", "text", "Event type, such as order.placed."),
    Field("from", "enum", "Role of the system that sent it.", SYSTEM_ROLES),
    Field("platform", "enum", "Platform that sent it; api for a plain posted event.", PLATFORMS),
    *moment("time", "When it happened over there."),
    *moment("received_at", "When we heard of it: the moment of the decision."),
    Field("imported", "boolean", "Whether a first import, or catching up after an outage, told it."),
), always=(
    "type", "from", "platform", "imported", "time", "time.date", "time.time", "time.weekday", "received_at", "received_at.date",
    "received_at.time", "received_at.weekday",
))  # fmt: skip

SHOP = FactType("shop", "The web shop the order came from, or the shop that is to be told.", False, (
    Field("name", "text", "Name of the connection."),
    Field("platform", "enum", "Which shop software it runs.", PLATFORMS),
), always=(
    "name", "platform",
))  # fmt: skip

TILL = FactType("till", "The till that carries out the order.", False, (
    Field("name", "text", "Name of the connection."),
    Field("platform", "enum", "Which till software it runs.", PLATFORMS),
), always=(
    "name", "platform",
))  # fmt: skip

ORDER = FactType("order", "The order being decided.", False, (
    Field("number", "text", "The number the customer knows."),
    Field("state", "enum", "Where the order stands with us.", ORDER_STATES),
    Field("known", "boolean", "Whether it had already been imported before this event."),
    Field("fulfilment_type", "enum", "Delivered to the customer or picked up.", FULFILMENT_TYPES),
    Field("fulfilment_status", "enum", "What all its fulfilments have reached: the least far one counts.", FULFILMENT_STATUSES),
    Field("split", "boolean", "Whether more than one outlet fulfils it."),
    Field("shop_status", "enum", "Fulfilment status in the shop.", SHOP_STATUSES),
    Field("previous_shop_status", "enum", "Fulfilment status in the shop before this event.", SHOP_STATUSES),
    Field("told_shop_status", "enum", "Fulfilment status that we last told the shop; missing when it was told none.", SHOP_STATUSES),
    Field("shop_payment_status", "enum", "Payment status in the shop.", PAYMENT_STATUSES),
    Field("previous_shop_payment_status", "enum", "Payment status in the shop before this event.", PAYMENT_STATUSES),
    Field("payment_status", "enum", "Whether it is paid, by the payments that count.", PAYMENT_STATUSES),
    Field("on_till", "boolean", "Whether the till has taken it over."),
    Field("total", "money", "What the customer pays, tax and shipping included."),
    Field("paid", "money", "Sum of the payments that count."),
    Field("payment_method", "text", "Payment method as the customer saw it."),
    Field("payment_processor", "text", "Processor behind an integrated payment method; missing for offline methods."),
    Field("shipping_method.id", "text", "Shipping method in the shop."),
    Field("shipping_method.name", "text", "Shipping method as the customer saw it."),
    Field("shipping_method.outlet", "text", "Code of the outlet this shipping method is tied to."),
    Field("shipping_address.country", "text", "Country, ISO 3166 two letters."),
    Field("shipping_address.postcode", "text", "Postcode as written."),
    Field("shipping_address.city", "text", "City as written."),
    Field("customer.email", "text", "E-mail address, lower case."),
    Field("customer.name", "text", "Customer's name."),
    Field("customer.group", "text", "Customer group in the shop."),
    Field("comment", "text", "What the customer wrote."),
    Field("has_goods", "boolean", "Whether anything has to be packed for it: some line needs shipping."),
    Field("line_count", "integer", "Number of order lines."),
    Field("unit_count", "integer", "Number of units over all lines."),
    *moment("placed_at", "When the customer placed it."),
    Field("age", "duration", "How long ago the customer placed it."),
    Field("tracking_number", "text", "Newest tracking number known."),
    Field("tags", "list", "Tags from the shop and tags set by rules.", (), True),
    Field("risk", "enum", "Risk set by rules.", RISKS, True),
), always=(
    "number", "state", "known", "fulfilment_type", "fulfilment_status", "split", "shop_status", "shop_payment_status",
    "payment_status", "on_till", "total", "paid", "has_goods", "line_count", "unit_count", "placed_at", "placed_at.date",
    "placed_at.time", "placed_at.weekday", "age",
))  # fmt: skip

LINE = FactType("line", "One order line.", True, (
    Field("id", "text", "Line number in the shop."),
    Field("sku", "text", "Article number."),
    Field("name", "text", "Article name."),
    Field("quantity", "integer", "Units ordered."),
    Field("unit_price", "money", "Price of one unit, tax included."),
    Field("known_product", "boolean", "Whether the article is in our catalogue."),
    Field("weight", "weight", "Weight of one unit."),
    Field("total_weight", "weight", "Weight of all its units."),
    Field("total", "money", "Price of all its units, tax included."),
    Field("hazardous", "boolean", "Whether it is dangerous goods, as our catalogue says."),
    Field("needs_shipping", "boolean", "Whether goods are packed for it; not so for gift cards, downloads and the bundle a part belongs to."),
    Field("tags", "list", "Tags set by rules.", (), True),
), always=(
    "id", "sku", "quantity", "unit_price", "total", "known_product", "needs_shipping",
))  # fmt: skip

OUTLET = FactType("outlet", "One outlet: a store or a warehouse.", True, (
    Field("code", "text", "Our short code, as in outlet names of rules."),
    Field("name", "text", "Name."),
    Field("kind", "enum", "Store or warehouse.", ("store", "warehouse")),
    Field("country", "text", "Country, ISO 3166 two letters."),
    Field("postcode", "text", "Postcode."),
    Field("open", "boolean", "Whether it takes orders today."),
    Field("online", "boolean", "Whether it is linked to the online shop."),
    Field("offers_pickup", "boolean", "Whether customers can pick up there."),
    Field("priority", "integer", "Rank given by the merchant; lower comes first."),
), always=(
    "code", "kind", "country", "open", "online", "offers_pickup", "priority",
))  # fmt: skip

STOCK = FactType("stock", "Stock of one article at one outlet.", True, (
    Field("outlet", "text", "Code of the outlet."),
    Field("sku", "text", "Article number."),
    Field("on_hand", "integer", "Units there."),
    Field("reserved", "integer", "Units promised to orders."),
    Field("available", "integer", "On hand less reserved."),
), "stock", always=(
    "outlet", "sku", "on_hand", "reserved", "available",
))  # fmt: skip

FULFILMENT = FactType("fulfilment", "What one outlet packs for the order.", True, (
    Field("outlet", "text", "Code of the outlet."),
    Field("status", "enum", "How far the outlet is.", FULFILMENT_STATUSES),
    Field("previous_status", "enum", "How far it was before this event.", FULFILMENT_STATUSES),
    Field("type", "enum", "Delivery or pickup.", FULFILMENT_TYPES),
    Field("changed", "boolean", "Whether this event changed it."),
), always=(
    "outlet", "status", "type", "changed",
))  # fmt: skip

PAYMENT = FactType("payment", "One payment for the order.", True, (
    Field("method", "text", "Payment method."),
    Field("processor", "text", "Processor behind an integrated method; missing for offline methods."),
    Field("from", "enum", "Role of the system that reported it.", SYSTEM_ROLES),
    Field("screen", "enum", "Where staff recorded it in the till.", PAYMENT_SCREENS),
    Field("amount", "money", "Amount."),
), always=(
    "from", "screen", "amount",
))  # fmt: skip


_BASE_DERIVED = (
    OutcomeSpec("tag order", "tag order {tag}", "Adds a tag to the order; later rules see it.", "", "",
                (Slot("tag", "text"),), "order.tags"),
    OutcomeSpec("set order risk", "set order risk {risk}", "Sets the order's risk; later rules see it.", "", "risk",
                (Slot("risk", "enum", RISKS),), "order.risk"),
)  # fmt: skip
_TAG_LINE = OutcomeSpec("tag line", "tag line {tag}", "Adds a tag to the line; later rules see it.", "line", "",
                        (Slot("tag", "text"),), "line.tags")  # fmt: skip

ORDER_INTAKE = DecisionSpec("order_intake", "Which orders we take in, hold or ignore.",
    ("event", "shop", "order", "line", "setting"), (
    OutcomeSpec("import order", "import order", "Take the order in and source it.", "", "intake"),
    OutcomeSpec("hold order", "hold order", "Take it in but do nothing until a person or a later event releases it.", "", "intake"),
    OutcomeSpec("ignore order", "ignore order", "Keep the event, do nothing with the order.", "", "intake"),
    *_BASE_DERIVED, _TAG_LINE,
), ("intake",))  # fmt: skip

CUSTOMER_MATCHING = DecisionSpec("customer_matching", "Which customer profile of the till an order belongs to.",
    ("event", "shop", "till", "order", "setting"), (
    OutcomeSpec("match customer", "match customer by {key}", "How an existing profile is found.", "", "match",
                (Slot("key", "enum", ("email", "none")),)),
    OutcomeSpec("create customer", "create customer", "Make a new profile when none is found.", "", "create"),
    OutcomeSpec("leave customer out", "leave customer out", "Never make a profile for it.", "", "create"),
    OutcomeSpec("name customer", "name customer {name}", "The name a new profile gets.", "", "name", (Slot("name", "text"),)),
    *_BASE_DERIVED,
), ("match", "create"))  # fmt: skip

OUTLET_ASSIGNMENT = DecisionSpec("outlet_assignment", "Which outlets may ship or hand over the lines of an order, and which ones we prefer.",
    ("event", "shop", "order", "line", "outlet", "stock", "setting"), (
    OutcomeSpec("exclude outlet", "exclude outlet", "This outlet may not fulfil the order.", "outlet", "exclude"),
    OutcomeSpec("require outlet", "require outlet {outlet}", "Only outlets required by some rule may fulfil the order.", "", "",
                (Slot("outlet", "text"),)),
    OutcomeSpec("prefer outlet", "prefer outlet by {points}", "Adds points (or takes them away) where several answers are equally good.",
                "outlet", "", (Slot("points", "integer"),)),
    OutcomeSpec("keep back", "keep {pieces} pieces back", "Units of each article that the outlet keeps for its own customers.",
                "outlet", "buffer", (Slot("pieces", "integer"),)),
    OutcomeSpec("use at most outlets", "use at most {count} outlets", "The order is never split over more outlets than this.", "", "limit",
                (Slot("count", "integer"),)),
    OutcomeSpec("divide lines", "divide lines {when}", "Whether one line may come from several outlets.", "", "divide",
                (Slot("when", "enum", ("when_needed", "never", "freely")),)),
    OutcomeSpec("back-order shortage", "back-order shortage", "What no outlet has is back-ordered; the rest goes ahead.", "", "shortage"),
    OutcomeSpec("hold shortage", "hold shortage", "If anything is short, the whole order waits.", "", "shortage"),
    *_BASE_DERIVED, _TAG_LINE,
), ("limit", "divide", "shortage"))  # fmt: skip

PAYMENT_GATING = DecisionSpec("payment_gating", "Which payments count, and whether the order may be fulfilled.",
    ("event", "shop", "order", "payment", "setting"), (
    OutcomeSpec("count payment", "count payment", "The payment counts towards the order's total.", "payment", "payment"),
    OutcomeSpec("disregard payment", "disregard payment", "The payment is kept but does not count.", "payment", "payment"),
    *_BASE_DERIVED,
), ("payment",))  # fmt: skip

FULFILMENT_GATING = DecisionSpec("fulfilment_gating", "Whether the order's fulfilments may be completed.",
    ("event", "shop", "order", "setting"), (
    OutcomeSpec("release order", "release order", "Outlets may complete it.", "", "gate"),
    OutcomeSpec("block order", "block order", "Outlets may not complete it yet.", "", "gate"),
    *_BASE_DERIVED,
), ("gate",))  # fmt: skip

STATUS_TO_SHOP = DecisionSpec("status_to_shop", "What the shop is told about the order.",
    ("event", "shop", "till", "order", "fulfilment", "payment", "setting"), (
    OutcomeSpec("set shop status", "set shop status {status}", "The shop's fulfilment status becomes this.", "", "shop_status",
                (Slot("status", "enum", SHOP_STATUSES),)),
    OutcomeSpec("leave shop status", "leave shop status", "The shop's fulfilment status stays as it is.", "", "shop_status"),
    OutcomeSpec("set shop payment", "set shop payment {status}", "The shop's payment status becomes this.", "", "shop_payment",
                (Slot("status", "enum", PAYMENT_STATUSES),)),
    OutcomeSpec("leave shop payment", "leave shop payment", "The shop's payment status stays as it is.", "", "shop_payment"),
    OutcomeSpec("send tracking", "send tracking", "The shop gets the tracking number.", "", "tracking"),
    OutcomeSpec("ship fulfilment", "ship fulfilment", "The shop shows what this outlet sent as a shipment of its own.",
                "fulfilment", "shipment"),
    OutcomeSpec("assign outlets in shop", "assign outlets in shop", "The shop shows which outlet does which part.", "", "outlets"),
    OutcomeSpec("refund in shop", "refund in shop {money}",
                "The shop records a refund; paid_back lets its payment provider give the money back.", "", "refund",
                (Slot("money", "enum", ("on_record", "paid_back")),)),
    OutcomeSpec("mail customer", "mail customer", "The shop may mail the customer about the change.", "", "mail"),
    *_BASE_DERIVED,
), ("shop_status",))  # fmt: skip

STATUS_TO_TILL = DecisionSpec("status_to_till", "What the till is told about the order.",
    ("event", "shop", "till", "order", "fulfilment", "payment", "setting"), (
    OutcomeSpec("refuse change", "refuse change", "The change is kept on record but not taken over.", "", "change"),
    OutcomeSpec("complete fulfilments", "complete fulfilments", "All fulfilments become completed in the till.", "", "till_status"),
    OutcomeSpec("pack fulfilments", "pack fulfilments", "All fulfilments become packed in the till.", "", "till_status"),
    OutcomeSpec("leave fulfilments", "leave fulfilments", "The fulfilments in the till stay as they are.", "", "till_status"),
    OutcomeSpec("cancel sale", "cancel sale", "The sale is cancelled in the till.", "", "till_sale"),
    OutcomeSpec("record payment", "record payment", "What is still open is recorded as paid in the till.", "", "till_payment"),
    OutcomeSpec("leave payment", "leave payment", "The till's payments stay as they are.", "", "till_payment"),
    *_BASE_DERIVED,
), ("till_status",))  # fmt: skip

STOCK_PROPAGATION = DecisionSpec("stock_propagation", "Which stock number the shop shows.",
    ("event", "shop", "outlet", "stock", "setting"), (
    OutcomeSpec("count outlet", "count outlet", "Its stock is sold online.", "outlet", "count"),
    OutcomeSpec("leave outlet out", "leave outlet out", "Its stock is not sold online.", "outlet", "count"),
    OutcomeSpec("keep back", "keep {pieces} pieces back", "Units the outlet keeps for its own customers.", "outlet", "buffer",
                (Slot("pieces", "integer"),)),
    OutcomeSpec("push stock", "push stock", "The shop gets the new number.", "", "push"),
    OutcomeSpec("withhold stock", "withhold stock", "The shop is not told.", "", "push"),
), ("count", "push"))  # fmt: skip

STAFF_NOTIFICATION = DecisionSpec("staff_notification", "Which outlets hear of a new order.",
    ("event", "shop", "order", "outlet", "setting"), (
    OutcomeSpec("notify outlet", "notify outlet", "Its staff see a notification.", "outlet", "notify"),
    OutcomeSpec("stay silent", "stay silent", "Its staff are not notified.", "outlet", "notify"),
    *_BASE_DERIVED,
), ("notify",))  # fmt: skip

DECISIONS = (
    ORDER_INTAKE, CUSTOMER_MATCHING, PAYMENT_GATING, FULFILMENT_GATING, OUTLET_ASSIGNMENT, STATUS_TO_SHOP, STATUS_TO_TILL,
    STOCK_PROPAGATION, STAFF_NOTIFICATION,
)  # fmt: skip

VOCABULARY = Vocabulary(
    facts=_facts(EVENT, SHOP, TILL, ORDER, LINE, OUTLET, STOCK, FULFILMENT, PAYMENT),
    decisions={d.name: d for d in DECISIONS},
)
"""The words of the shipped product. `setting` is a fact type too, but its fields come from each rule file."""

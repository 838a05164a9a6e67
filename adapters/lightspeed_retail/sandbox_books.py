"""What the sandbox's retailer knows and how it changes: sales, fulfilments, stock. No HTTP in here.

Documents have the shape of API 2026-07; what the API does not show lies under the key `hidden`. Every change takes the
next number of one growing version, as in the real system.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from adapters.lightspeed_retail.sandbox_hooks import send_webhook
from adapters.sandbox import Sandbox

FULFILMENT_ATTRIBUTES = {"delivery": "DISPATCH", "pickup": "PICKUP"}
UNPAID = "This sale has not been fully paid. Take the customer's payment first: Sell screen, or Sales history > Edit > Add payment."

Document = dict[str, Any]


class TillError(Exception):
    """The till refuses: HTTP status and a sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


def number(value: Any, what: str) -> Decimal:
    """A JSON number, or text holding one. Raises TillError 422."""
    try:
        result = Decimal(str(value))
    except ArithmeticError:
        result = Decimal("NaN")
    if isinstance(value, bool) or not result.is_finite():
        raise TillError(422, f"{what} must be a number.")
    return result


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def shown(document: Mapping[str, Any]) -> Document:
    """The document as the API shows it; a sale tells its version in `_metadata` only."""
    secret = ("hidden", "version") if "_metadata" in document else ("hidden",)
    return {key: value for key, value in document.items() if key not in secret}


def paid(sale: Mapping[str, Any]) -> Decimal:
    return sum((Decimal(str(payment["amount"])) for payment in sale["payments"]), Decimal(0))


def outstanding(sale: Mapping[str, Any]) -> Decimal:
    return Decimal(str(sale["totals"]["price_incl_tax"])) - paid(sale)


class Books:
    """One retailer's books. All writing happens inside `with books.change():`, which is one step and then sends the
    webhooks that the step calls for."""

    def __init__(self, box: Sandbox) -> None:
        self.box, self.state = box, box.state
        self._news: dict[tuple[str, str], None] = {}

    @contextmanager
    def change(self) -> Iterator[None]:
        with self.state.transaction():
            yield
        # Only now: the courier has locks of its own, and a webhook must not announce what may yet be undone.
        news, self._news = self._news, {}
        for type, id in news:
            send_webhook(self, type, id)

    def save(self, kind: str, document: Document) -> Document:
        """Store under the next version."""
        document["version"] = self.state.next("version", start=1000)
        return self.state.put(kind, str(document["id"]), document)

    def need(self, kind: str, id: Any, *, status: int = 404) -> Document:
        """The document, or TillError."""
        found = self.state.get(kind, str(id)) if isinstance(id, str | int) else None
        if found is None:
            raise TillError(status, f"There is no {kind.replace('_', ' ')} {id}.")
        return found

    # Stock

    def level(self, product_id: str, outlet_id: str) -> Document | None:
        return self.state.get("inventory", f"{product_id}:{outlet_id}")

    def move_stock(self, product_id: str, outlet_id: str, by: Decimal) -> None:
        """Change a level by so much; products without inventory have none."""
        record = self.level(product_id, outlet_id)
        if record is None or not by:
            return
        self.set_stock(record, Decimal(str(record["current_inventory_level"])) + by)

    def set_stock(self, record: Document, level: Decimal) -> None:
        record["current_inventory_level"] = level
        record["quantity_to_procure"] = max(Decimal(0), -level)
        record["version"] = self.state.next("version", start=1000)
        key = f"{record['product_id']}:{record['outlet_id']}"
        self.state.put("inventory", key, record)
        self._news[("inventory.update", key)] = None

    def _settle_stock(self, sale: Document) -> None:
        """Move stock by the difference between what the sale should have taken by now and what it has taken."""
        due: dict[str, Decimal] = {}
        for product, outlet, quantity in self._taken_by(sale):
            key = f"{product}:{outlet}"
            due[key] = due.get(key, Decimal(0)) + quantity
        taken = {key: Decimal(str(value)) for key, value in sale["hidden"]["taken"].items()}
        for key in dict.fromkeys((*due, *taken)):
            product, outlet = key.split(":")
            self.move_stock(product, outlet, taken.get(key, Decimal(0)) - due.get(key, Decimal(0)))
        sale["hidden"]["taken"] = {key: value for key, value in due.items() if value}

    def _taken_by(self, sale: Document) -> Iterator[tuple[str, str, Decimal]]:
        """(product, outlet, quantity) that the sale takes in its present state."""
        if sale["state"] in ("voided", "parked"):
            return
        fulfilments = self.fulfilments_of(sale)
        fulfilled_here = {line["sale_line_item_id"] for row in fulfilments for line in row["line_items"]}
        at_fulfilment = self.box.switch("stock_at_fulfilment")
        for row in fulfilments:
            for line in row["line_items"]:
                key = "fulfilled_quantity" if at_fulfilment else "quantity"
                yield line["product_id"], row["outlet_id"], Decimal(line[key])
        if sale["state"] != "closed" and not {"onaccount", "layby"} & set(sale["attributes"]):
            return
        for line in sale["line_items"]:
            if line["id"] not in fulfilled_here:
                yield line["product"]["id"], sale["source"]["outlet_id"], Decimal(str(line["quantity"]))

    # Sales

    def sale(self, id: str) -> Document:
        return self.need("sale", id)

    def keep_sale(self, sale: Document) -> Document:
        """Recount the sale, settle its stock, store it and announce it."""
        price = sum(
            (Decimal(str(r["quantity"])) * Decimal(str(r["pricing"]["price"])) for r in sale["line_items"]), Decimal(0)
        )
        tax = sum(
            (Decimal(str(r["quantity"])) * Decimal(str(r["tax"]["amount"])) for r in sale["line_items"]), Decimal(0)
        )
        sale["totals"] = {"price": price, "tax": tax, "price_incl_tax": price + tax, "loyalty": 0, "surcharge": 0}
        self._settle_stock(sale)
        sale["updated_at"] = now()
        version = self.state.next("version", start=1000)
        sale["version"] = version
        sale["_metadata"] = {"version": version}
        self._news[("sale.update", sale["id"])] = None
        return self.state.put("sale", sale["id"], sale)

    # Fulfilments

    def fulfilments_of(self, sale: Mapping[str, Any]) -> list[Document]:
        """The sale's fulfilments, without those taken off the list."""
        rows = (self.state.get("fulfilment", id) for id in sale["hidden"]["fulfilments"])
        return [row for row in rows if row is not None and not row["hidden"]["voided"]]

    def listed_fulfilments(self) -> list[Document]:
        """Every fulfilment that is not voided, oldest first."""
        return [row for row in self.state.all("fulfilment") if not row["hidden"]["voided"]]

    def open_fulfilments(self) -> list[Document]:
        """What the Fulfilments page shows: not voided and not done (LS-43, LS-53)."""
        return [row for row in self.listed_fulfilments() if row["state"] != "FULFILLED"]

    def keep_fulfilment(self, row: Document, event: str) -> Document:
        """Store under the fulfilment's own next version, its state following from its quantities, and write `event`
        into its history."""
        old = self.state.get("fulfilment", row["id"]) or {"line_items": []}
        row["hidden"]["history"] += _history(event, old["line_items"], row["line_items"])
        row["state"] = _state_of(row)
        row["version"] += 1
        row["updated_at"] = now()
        return self.state.put("fulfilment", row["id"], row)

    def new_fulfilment(self, sale: Document, outlet_id: str, type: str) -> Document:
        id = str(1987654321098765000 + self.state.next("fulfilment"))
        sale["hidden"]["fulfilments"].append(id)
        details: Document = next((row for row in sale["hidden"]["details"] if row.get("type") == type), {})
        return {
            "id": id, "sale_id": sale["id"], "outlet_id": outlet_id,
            "type": type, "state": "OPEN", "user_ids": [], "note": str(details.get("note") or ""),
            "shipping_address_id": details.get("shipping_address_id") if type == "DISPATCH" else None,
            "version": 0, "created_at": now(), "updated_at": now(), "line_items": [],
            "hidden": {"voided": False, "history": []},
        }  # fmt: skip

    def spread_over_outlets(self, sale: Document) -> None:
        """Make the sale's fulfilments match its lines: one per outlet, new, changed or emptied ones included."""
        if not set(sale["attributes"]) & set(FULFILMENT_ATTRIBUTES):
            return
        existing = {row["outlet_id"]: row for row in self.fulfilments_of(sale)}
        type = next(FULFILMENT_ATTRIBUTES[word] for word in sale["attributes"] if word in FULFILMENT_ATTRIBUTES)
        wanted: dict[str, list[Document]] = {outlet_id: [] for outlet_id in existing}
        for line in sale["line_items"]:
            outlet_id = sale["hidden"]["outlets"].get(line["id"])
            if outlet_id:
                wanted.setdefault(outlet_id, []).append(line)
        for outlet_id, lines in wanted.items():
            row = existing.get(outlet_id) or self.new_fulfilment(sale, outlet_id, type)
            before = {line["sale_line_item_id"]: line for line in row["line_items"]}
            after = [_fulfilment_line(line, before.get(line["id"])) for line in lines]
            if after != row["line_items"]:
                row["line_items"] = after
                row["hidden"]["voided"] = not after
                self.keep_fulfilment(row, "CREATED" if not before else "QUANTITY_UPDATED" if after else "REMOVED")

    def move(self, row: Document, sources: tuple[str, ...], target: str, line_id: str, quantity: Decimal) -> None:
        """Move units of one line between its buckets (`not_started`, `picked`, `packed`, `fulfilled`); a negative
        quantity moves them back to not started. Raises TillError 422 when there are not as many."""
        line = next((each for each in row["line_items"] if each["sale_line_item_id"] == line_id), None)
        if line is None:
            raise TillError(422, f"Line item {line_id} is not part of fulfillment {row['id']}.")
        if quantity < 0:
            sources, target, quantity = (target,), "not_started", -quantity
        for source in sources:
            step = min(quantity, _bucket(line, source))
            _add(line, source, -step)
            _add(line, target, step)
            quantity -= step
        if quantity:
            raise TillError(422, f"Line item {line_id} does not have {quantity} unit(s) more to move to {target}.")

    def fulfil_all(self, sale: Document) -> list[Document]:
        """Hand over everything of the sale. Raises TillError 409 for an unpaid or voided sale."""
        if sale["state"] == "voided":
            raise TillError(409, "This sale is voided.")
        rows = self.fulfilments_of(sale)
        if all(row["state"] == "FULFILLED" for row in rows):
            return rows
        self.must_be_paid(sale)
        for row in rows:
            for line in row["line_items"]:
                open_units = Decimal(line["quantity"]) - Decimal(line["fulfilled_quantity"])
                self.move(row, ("packed", "picked", "not_started"), "fulfilled", line["sale_line_item_id"], open_units)
        rows = [self.keep_fulfilment(row, "FULFILLED") for row in rows]
        self.after_step(sale)
        return rows

    def must_be_paid(self, sale: Document) -> None:
        """LS-54: only paid sales are handed over; a sale on account may be."""
        if outstanding(sale) > 0 and "onaccount" not in sale["attributes"]:
            raise TillError(409, UNPAID)

    def after_step(self, sale: Document) -> None:
        """A fulfilment moved on: close the sale when it was the last one, and let the sale follow."""
        rows = self.fulfilments_of(sale)
        done = bool(rows) and all(row["state"] == "FULFILLED" for row in rows)
        if done and outstanding(sale) <= 0 and self.box.switch("closes_when_fulfilled"):
            sale["state"] = "closed"
        if done or self.box.switch("steps_touch_sale"):
            self.keep_sale(sale)
        elif any(row["state"] == "FULFILLED" for row in rows):
            self._settle_stock(sale)
            self.state.put("sale", sale["id"], sale)

    def void(self, sale: Document) -> None:
        """Void the sale and take its fulfilments off the list; `keep_sale` then puts the goods back."""
        sale["state"] = "voided"
        for row in self.fulfilments_of(sale):
            row["hidden"]["voided"] = True
            self.keep_fulfilment(row, "VOIDED")

    def announce(self, type: str, id: str) -> None:
        """Send a webhook of this type once the change is made."""
        self._news[(type, id)] = None


def _fulfilment_line(line: Document, before: Document | None) -> Document:
    row = before or {"picked_quantity": "0.00", "packed_quantity": "0.00", "fulfilled_quantity": "0.00"}
    quantity = f"{Decimal(str(line['quantity'])):.2f}"
    return {"sale_line_item_id": line["id"], "product_id": line["product"]["id"], **row, "quantity": quantity}


def _bucket(line: Document, name: str) -> Decimal:
    if name == "not_started":
        return Decimal(line["quantity"]) - sum(_bucket(line, each) for each in ("picked", "packed", "fulfilled"))
    return Decimal(line[f"{name}_quantity"])


def _add(line: Document, name: str, by: Decimal) -> None:
    if name != "not_started":
        line[f"{name}_quantity"] = f"{_bucket(line, name) + by:.2f}"


def _state_of(row: Document) -> str:
    """The state that the quantities amount to."""
    total = {name: sum(_bucket(line, name) for line in row["line_items"]) for name in ("picked", "packed", "fulfilled")}
    whole = sum(Decimal(line["quantity"]) for line in row["line_items"])
    if whole and total["fulfilled"] == whole:
        return "FULFILLED"
    if whole and total["packed"] + total["fulfilled"] == whole:
        return "PACKED"
    if whole and sum(total.values()) == whole:
        return "PICKED"
    return "STARTED" if sum(total.values()) or row["hidden"].get("started") else "OPEN"


_DELTAS = {
    "quantity_delta": "quantity",
    "picked_quantity_delta": "picked_quantity",
    "packed_quantity_delta": "packed_quantity",
    "fulfilled_delta": "fulfilled_quantity",
}


def _history(event: str, before: list[Document], after: list[Document]) -> list[Document]:
    """What a step changed, line by line; a step that changes no quantity (voiding) is noted for every line."""
    known = {line["sale_line_item_id"]: line for line in before}
    entries = []
    for line in after:
        old = known.get(line["sale_line_item_id"], {})
        deltas = {name: f"{Decimal(line[key]) - Decimal(old.get(key, '0')):.2f}" for name, key in _DELTAS.items()}
        if event == "VOIDED" or any(Decimal(delta) for delta in deltas.values()):
            ids = {"sale_line_item_id": line["sale_line_item_id"], "product_id": line["product_id"]}
            entries.append({**ids, "event_type": event, **deltas, "created_at": now()})
    return entries


def new_id() -> str:
    return str(uuid.uuid4())

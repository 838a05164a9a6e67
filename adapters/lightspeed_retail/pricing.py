"""An online order's money in the till's terms: tax-exclusive unit price plus unit tax, to the cent.

The till counts a sale as the sum over its lines of quantity x (unit price + unit tax), every amount in whole cents. A shop
counts in prices with tax, line roundings and a discount over the whole order. What is done here, in this order:

1. A line's total is unit price x quantity, rounded half up to the cent, for the order line as a whole even when its
   units are divided over several outlets.
2. The order's discount is spread over the lines in proportion to their totals, in whole cents, the largest remainders
   first; what exceeds the goods comes off the shipping. The till gets prices after discount: how it treats a discount
   field of its own is not documented well enough to rely on it for cents.
3. A line total that is no multiple of its quantity becomes two lines one cent apart (3 for 10.00 is 2 x 3.33 + 1 x 3.34).
4. Each unit price with tax is split into price and tax so that their sum is that unit price again
   (12.50 with 21 % tax is 10.33 + 2.17).

The lines must add up to the order's total. Shops that reckon without tax are off by at most half a cent per unit;
a difference within that (and never more than five cents) is spread like a discount, anything else is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from adapters.base import Refused

CENT = Decimal("0.01")
LARGEST = Decimal("1000000000")
ROUNDING_CENTS = 5


@dataclass(frozen=True, slots=True)
class PricedLine:
    """Some units of one order line at one outlet at one price. `unit` is the unit price with tax in cents.

    `line` is the order line's id, empty for shipping; `outlet` is our outlet code, None for shipping, which nobody picks.
    """

    line: str
    sku: str
    name: str
    outlet: str | None
    quantity: int
    unit: int
    rate: Decimal

    @property
    def price(self) -> Decimal:
        """Unit price without tax."""
        net = Decimal(self.unit) * 100 / (100 + self.rate)
        return (net.quantize(Decimal(1), ROUND_HALF_UP) * CENT).quantize(CENT)

    @property
    def tax(self) -> Decimal:
        """Tax in one unit: what is left of the unit price, so that both add up to it exactly."""
        return self.unit * CENT - self.price


def decimal(value: Any, what: str) -> Decimal:
    """`value` as an exact number. Raises Refused naming `what` when it is none."""
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) > LARGEST:
        raise Refused(f"The {what} of the order is {value!r}, which is not an amount the till can take.")
    return number


def cents(value: Any, what: str) -> int:
    """`value` in whole cents. Raises Refused when it has a part of a cent."""
    number = decimal(value, what) * 100
    if number != number.to_integral_value():
        raise Refused(f"The {what} of the order is {value}, which is not a whole number of cents.")
    return int(number)


def units(value: Any, sku: str) -> int:
    """A quantity of whole units, at least one. Raises Refused."""
    number = decimal(value, f"quantity of {sku}")
    if number != number.to_integral_value() or number < 1:
        raise Refused(f"The quantity of {sku} is {value}; the till needs a whole number of at least 1.")
    return int(number)


def spread(amount: int, weights: Sequence[int]) -> list[int]:
    """`amount` divided in proportion to `weights` (largest remainder), summing to it exactly.

    No share exceeds its weight while `amount` does not exceed their sum. All weights zero gives all shares zero.
    """
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    shares = [amount * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % whole), i))
    for index in by_remainder[: amount - sum(shares)]:
        shares[index] += 1
    return shares


def divide(total: int, quantity: int) -> list[tuple[int, int]]:
    """`total` cents over `quantity` units as [(units, cents each)], at most two prices, one cent apart."""
    low, rest = divmod(total, quantity)
    return [(count, each) for count, each in ((quantity - rest, low), (rest, low + 1)) if count]


@dataclass(slots=True)
class _OrderLine:
    """All parts of one order line, over every outlet."""

    parts: list[Mapping[str, Any]]
    quantity: int
    total: int
    rate: Decimal


def _order_lines(lines: Iterable[Mapping[str, Any]]) -> list[_OrderLine]:
    grouped: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for line in lines:
        key = (str(line.get("id") or line["sku"]), str(line["unit_price"]), str(line.get("tax_rate") or "0"))
        grouped.setdefault(key, []).append(line)
    result = []
    for (_, unit_price, tax_rate), parts in grouped.items():
        sku = str(parts[0]["sku"])
        quantity = sum(units(part["quantity"], sku) for part in parts)
        exact = decimal(unit_price, f"unit price of {sku}") * quantity * 100
        rate = decimal(tax_rate, f"tax rate of {sku}")
        if not 0 <= rate < 100:
            raise Refused(f"The tax rate of {sku} is {tax_rate} %; the till knows rates from 0 up to 100 %.")
        result.append(_OrderLine(parts, quantity, int(exact.quantize(Decimal(1), ROUND_HALF_UP)), rate))
    return result


def _reduction(order: Mapping[str, Any], goods: int, shipping: int, quantity: int) -> int:
    """Cents to take off the lines and shipping so that they become the order's total (negative: to put on)."""
    total = cents(order["total"], "total")
    discount = cents(order.get("discount") or 0, "discount")
    if discount < 0:
        raise Refused(f"The discount of the order is {order['discount']}; a discount cannot be negative.")
    off = goods + shipping - discount - total
    if abs(off) > min(quantity // 2, ROUNDING_CENTS, max(goods, 0)):
        raise Refused(
            f"The order's total is {order['total']}, but its lines ({Decimal(goods) * CENT}), shipping "
            f"({Decimal(shipping) * CENT}) and discount ({Decimal(discount) * CENT}) make "
            f"{Decimal(goods + shipping - discount) * CENT}. The till adds up lines, so an order with another total "
            "cannot be placed there; look in the shop for a fee or tax that is on no line."
        )
    if total < 0:
        raise Refused(f"The order's total is {order['total']}; the till takes no sale below zero.")
    return discount + off


def price_lines(
    order: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], shipping_sku: str, shipping_rate: Any = None
) -> list[PricedLine]:
    """The sale's lines, adding up to the order's total to the cent; the shipping line, if any, comes last.

    `order` and `lines` as in the `place_sale` payload. `shipping_rate` is the tax rate of shipping in percent; without
    one it is taxed like the lines that weigh most in the order.

    Raises Refused with a sentence for amounts that are none, quantities that are not whole, and a total that the lines
    do not make.
    """
    if not lines:
        raise Refused("The order has no lines, so there is nothing to place in the till.")
    order_lines = _order_lines(lines)
    shipping = cents(order.get("shipping_price") or 0, "shipping price")
    goods = sum(line.total for line in order_lines)
    reduction = _reduction(order, goods, shipping, sum(line.quantity for line in order_lines))
    weights = [max(0, line.total) for line in order_lines]
    off_goods = min(reduction, sum(weights))
    shares = spread(off_goods, weights)
    priced = [part for line, share in zip(order_lines, shares, strict=True) for part in _parts(line, share)]
    charged = shipping - (reduction - off_goods)
    if charged < 0 or (shipping and not shipping_sku):
        raise Refused(_shipping_refusal(charged, shipping))
    if shipping:
        rate = (
            decimal(shipping_rate, "tax rate of shipping")
            if shipping_rate not in (None, "")
            else _main_rate(order_lines)
        )
        priced.append(PricedLine("", shipping_sku, "Shipping", None, 1, charged, rate))
    return priced


def _shipping_refusal(charged: int, shipping: int) -> str:
    if charged < 0:
        return f"The order's discount is {-charged * CENT} more than its goods and shipping together."
    return (
        f"The order has {shipping * CENT} shipping, and the till can only book that on a product. Make a product "
        "without stock for it in the till and name its SKU in the connection's setting shipping_product_sku."
    )


def _main_rate(order_lines: Sequence[_OrderLine]) -> Decimal:
    weight: dict[Decimal, int] = {}
    for line in order_lines:
        weight[line.rate] = weight.get(line.rate, 0) + max(0, line.total)
    return max(weight, key=lambda rate: (weight[rate], rate))


def _parts(line: _OrderLine, share: int) -> list[PricedLine]:
    """The order line per outlet and price: prices are handed out to the outlets in the order given."""
    prices = divide(line.total - share, line.quantity)
    result = []
    for part in line.parts:
        wanted = int(decimal(part["quantity"], "quantity"))
        while wanted:
            left, each = prices[0]
            taken = min(left, wanted)
            result.append(
                PricedLine(
                    str(part.get("id") or part["sku"]), str(part["sku"]), str(part.get("name") or part["sku"]),
                    part.get("outlet"), taken, each, line.rate,
                )
            )  # fmt: skip
            wanted -= taken
            prices[0] = (left - taken, each)
            if not prices[0][0]:
                prices.pop(0)
    return result

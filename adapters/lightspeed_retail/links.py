"""Which of the till's outlets, products, taxes and payment types our words mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from adapters.base import Refused
from adapters.lightspeed_retail.client import Till
from adapters.lightspeed_retail.settings import setting


def link_outlets(till: Till) -> None:
    """Bind the outlets named in the setting `outlets`. Raises Refused for a name or id that the till does not have."""
    for code, wanted in dict(setting(till.connection, "outlets")).items():
        row = till.reference("outlets", lambda row, wanted=str(wanted): wanted in (row.get("id"), row.get("name")))  # type: ignore[misc]
        if row is None:
            names = ", ".join(str(row.get("name")) for row in till.reference_list("outlets"))
            raise Refused(
                f"The setting outlets links {code} to {wanted!r}, which the till does not have. It has: {names}."
            )
        if till.memory.external("outlet", code) != row["id"]:
            till.memory.bind("outlet", code, str(row["id"]))


def outlet_ids(till: Till, codes: Iterable[str]) -> dict[str, str]:
    """Our outlet code -> the till's outlet id. Raises Refused for a code that is not linked."""
    wanted = list(dict.fromkeys(codes))
    found = {code: till.memory.external("outlet", code) for code in wanted}
    if None in found.values():
        link_outlets(till)
        found = {code: till.memory.external("outlet", code) for code in wanted}
    missing = [code for code, id in found.items() if id is None]
    if missing:
        raise Refused(
            f"Outlet {', '.join(missing)} is linked to no outlet of the till. Link it on the page of the connection "
            f"{till.connection.name}, under Outlets."
        )
    return {code: id for code, id in found.items() if id is not None}


def check_currency(till: Till, outlets: Mapping[str, str], currency: str) -> None:
    """Raises Refused when an outlet reckons in another currency than the order."""
    for code, id in outlets.items():
        row = till.reference("outlets", lambda row, id=id: row.get("id") == id)  # type: ignore[misc]
        theirs = str((row or {}).get("currency") or currency)
        if theirs.upper() != currency.upper():
            raise Refused(f"The order is in {currency}, but outlet {code} of the till sells in {theirs}.")


def product_ids(till: Till, skus: Iterable[str]) -> dict[str, str]:
    """SKU -> the till's product id; unknown ones are searched for by SKU. Raises Refused for what the till lacks."""
    found: dict[str, str] = {}
    for sku in dict.fromkeys(skus):
        id = till.memory.external("product", sku) or _find_product(till, sku)
        if id is None:
            raise Refused(f"The till has no product with SKU {sku}. Make it there, or correct the SKU in the shop.")
        found[sku] = id
    return found


def _find_product(till: Till, sku: str) -> str | None:
    hit = next(
        (row for row in till.search("products", sku=sku) if row.get("sku") == sku and not row.get("deleted_at")), None
    )
    if hit is None:
        return None
    till.memory.bind("product", sku, str(hit["id"]))
    return str(hit["id"])


def tax_ids(till: Till, rates: Iterable[Decimal]) -> dict[Decimal, str]:
    """Tax rate in percent -> the till's tax id; 0 is the tax named "No Tax". Raises Refused for a rate it lacks."""
    found = {}
    for rate in dict.fromkeys(rates):
        row = till.reference("taxes", lambda row: row.get("name") == "No Tax") if not rate else None
        row = row or till.reference("taxes", lambda row, rate=rate: _rate(row) == rate)  # type: ignore[misc]
        if row is None:
            raise Refused(
                f"The till has no sales tax of {rate.normalize():f} %. Add it in the till under Setup, Sales taxes."
            )
        found[rate] = str(row["id"])
    return found


def _rate(tax: Mapping[str, Any]) -> Decimal:
    """A tax's rate in percent: the till says 0.21 and may sum several rates."""
    rates = [Decimal(str(rate.get("rate") or 0)) for rate in tax.get("rates") or ()]
    return (sum(rates, Decimal(0)) * 100).quantize(Decimal("0.0001"))


def payment_type_id(till: Till, method: str, processor: str = "") -> str:
    """The till's payment type for a method of payment: named in settings, else of that very name (LS-12), else default.

    Raises Refused naming the payment types there are.
    """
    named: Mapping[str, str] = setting(till.connection, "payment_type_by_method")
    by_method = {key.lower(): value for key, value in named.items()}
    wanted = [by_method.get(word.lower(), word) for word in (processor, method) if word]
    wanted.append(str(setting(till.connection, "payment_type_default")))
    for name in filter(None, wanted):
        row = till.reference("payment_types", lambda row, name=name: _is_named(row, name))  # type: ignore[misc]
        if row is not None:
            return str(row["id"])
    names = ", ".join(str(row.get("name")) for row in till.reference_list("payment_types"))
    raise Refused(
        f"The till has no payment type for {processor or method or 'a payment without a method'}. It has: {names}. Name one in the "
        f"setting payment_type_by_method or payment_type_default of the connection {till.connection.name}."
    )


def _is_named(row: Mapping[str, Any], name: str) -> bool:
    return not row.get("disabled") and name.lower() in (str(row.get("name")).lower(), str(row.get("id")).lower())

"""Whose sale it is: find the customer's profile in the till, or make one, and never change one that is there.

Several profiles may share an e-mail address: the oldest is taken (smallest creation time, then version), so that every
order of that customer lands on the same profile.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.base import Refused
from adapters.lightspeed_retail import mapping
from adapters.lightspeed_retail.client import Till, data_of, rows_of


def profile_for(till: Till, customer: Mapping[str, Any], order_number: str) -> str | None:
    """The id of the profile to book the sale on, None for an anonymous sale.

    `customer` as in the `place_sale` payload. The e-mail address decides, upper and lower case being the same (LS-25);
    a found profile is never written (LS-26); when there is none and `create` is set, one is made (LS-27). Two calls for
    the same customer at the same time make one profile, and so does a repeated call whose first answer was lost.
    """
    email = str(customer.get("email") or "").strip().lower()
    by_email = bool(email) and customer.get("match_by", "email") == "email"
    code = f"order-{order_number}"
    with till.memory.lock(f"customer:{email or code}"):
        found = _known(till, email) if by_email else _search(till, customer_code=code)
        if found is None and customer.get("create", True) and (email or mapping.customer_name(customer)):
            profile = mapping.new_customer(customer, code)
            found = str(data_of(till.write("POST", "customers", profile))["id"])
        if found and by_email and till.memory.external("customer", email) != found:
            till.memory.bind("customer", email, found)
    return found


def _known(till: Till, email: str) -> str | None:
    """The profile bound to the address if it is still right, else the oldest one the till finds."""
    bound = till.memory.external("customer", email)
    if bound:
        profile = till.get_or_none(f"customers/{bound}")
        if profile and str(profile.get("email") or "").strip().lower() == email:
            return bound
    return _search(till, email=email)


def _search(till: Till, **criterion: str) -> str | None:
    ((key, wanted),) = criterion.items()
    hits = [
        hit
        for hit in till.search("customers", **criterion)
        if str(hit.get(key) or "").strip().lower() == wanted.lower() and not hit.get("deleted_at")
    ]
    oldest = min(hits, key=lambda hit: (str(hit.get("created_at") or "~"), int(hit.get("version") or 0)), default=None)
    return str(oldest["id"]) if oldest else None


def delivery_address(till: Till, profile: str, address: Mapping[str, Any]) -> tuple[str | None, str]:
    """The id of the address to deliver to, made when the profile lacks it, and a remark for people.

    A till that refuses the address (it checks postcodes per country) must not keep the order from being placed: the
    whole address stands in the sale's note, so the answer is then (None, why).
    """
    wanted = mapping.new_address(address)
    if not (wanted["address_line_1"] and wanted["country_code"]):
        return None, "The delivery address lacks a street or a country, so it stands in the sale's note only."
    for row in rows_of(till.get(f"customers/{profile}/addresses")):
        if all(str(row.get(key) or "") == str(value or "") for key, value in wanted.items()):
            return str(row["id"]), ""
    try:
        return str(data_of(till.write("POST", f"customers/{profile}/addresses", wanted))["id"]), ""
    except Refused as refusal:
        return None, f"The till refused the delivery address ({refusal.message}); it stands in the sale's note only."

"""Amounts to the cent: decimal text on the wire, integers of minor units inside. Never a float."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

_DIGITS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}  # fmt: skip
"""Currencies whose minor unit is not a hundredth (ISO 4217)."""

LARGEST = 10**15


def digits(currency: str) -> int:
    """How many decimals the currency has."""
    return _DIGITS.get(currency, 2)


def to_minor(amount: str | int | Decimal, currency: str) -> int:
    """Minor units of a decimal amount.

    Raises ValueError for what is no number, has more decimals than the currency, or is larger than any order.
    """
    try:
        value = Decimal(str(amount))
    except InvalidOperation:
        raise ValueError(f"{amount!r} is not an amount: write it as in 12.50") from None
    if not value.is_finite():
        raise ValueError(f"{amount!r} is not an amount: write it as in 12.50")
    scaled = value.scaleb(digits(currency))
    if abs(scaled) > LARGEST:
        raise ValueError(f"{amount} {currency} is larger than any amount we handle")
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{amount} has more decimals than {currency} has: give at most {digits(currency)}")
    return int(scaled)


def to_text(minor: int, currency: str) -> str:
    """The decimal text of an amount in minor units: 1250 EUR is `12.50`."""
    places = digits(currency)
    return f"{Decimal(minor).scaleb(-places):.{places}f}"

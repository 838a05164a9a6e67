"""Settings of a connection from JSON and from a form, and which outlet is proposed for which location."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Capabilities
from api.connection_links import propose
from api.connection_settings import as_text, from_form, from_json, settings_of
from store.models import Outlet

CAPABILITIES = Capabilities(
    platform="toy", title="Toy", role="shop", operations=frozenset(), statuses={}, credentials=(), rate_per_minute=60,
    settings={
        "notify": ("Whether to notify.", False), "seconds": ("How long.", 20), "factor": ("How much.", 0.5), "slug": ("A word.", "usual"),
        "outlets": ("Code -> id.", {}), "tags": ("Words.", ["a", "b"]),
    },
)  # fmt: skip


def test_every_setting_is_listed_with_its_meaning_and_default_and_those_all_connections_have() -> None:
    found = {each.name: (each.kind, each.usual) for each in settings_of(CAPABILITIES, poll_seconds=45)}

    assert found == {
        "notify": ("truth", "false"), "seconds": ("number", "20"), "factor": ("number", "0.5"), "slug": ("text", "usual"),
        "outlets": ("table", "empty"), "tags": ("list", "a\nb"), "poll_seconds": ("number", "45"), "rate_per_minute": ("number", "60"),
        "import_percent": ("number", "50"),
    }  # fmt: skip


def test_what_is_the_default_is_not_kept_so_that_a_later_default_holds() -> None:
    kept, errors = from_json(CAPABILITIES, {"notify": False, "seconds": 20, "slug": "usual", "outlets": {}, "factor": 0.25})

    assert (kept, errors) == ({"factor": 0.25}, [])


def test_a_form_says_the_same_as_json() -> None:
    form = {"notify": "true", "seconds": " 30 ", "factor": "1.5", "slug": "own", "outlets": "utrecht = 7\r\nalmere=a = b\n", "tags": "x\n\n y ", "poll_seconds": "0"}
    same = {"notify": True, "seconds": 30, "factor": 1.5, "slug": "own", "outlets": {"utrecht": "7", "almere": "a = b"}, "tags": ["x", "y"], "poll_seconds": 0}

    assert from_form(CAPABILITIES, form) == from_json(CAPABILITIES, same) == (same, [])


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [("seconds", "soon", "must be a number"), ("seconds", "1e999", "must be a number from 0"), ("seconds", "NaN", "must be a number"),
     ("seconds", "-1", "must be a number from 0"), ("notify", "perhaps", "must be true or false"), ("outlets", "utrecht", "lines like `key = value`"),
     ("outlets", "= 7", "lines like"), ("poll_seconds", "1.5", "must be a whole number"), ("import_percent", "101", "from 1 to 100"), ("import_percent", "0", "from 1 to 100"), ("slug", "x" * 2001, "at most 2,000 characters"),
     ("slug", "a\x07b", "cannot be stored"), ("seconds", "[" * 5000, "must be a number")],
)  # fmt: skip
def test_what_a_form_cannot_mean_is_said_at_its_field(name: str, text: str, says: str) -> None:
    kept, errors = from_form(CAPABILITIES, {name: text})

    assert kept == {} and [error.field for error in errors] == [f"settings.{name}"]
    assert says in errors[0].message


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(st.dictionaries(st.sampled_from([*CAPABILITIES.settings, "poll_seconds", "other"]), ANYTHING, max_size=4))
def test_no_json_whatever_breaks_it_and_what_is_kept_reads_back_the_same(values: dict[str, Any]) -> None:
    kept, errors = from_json(CAPABILITIES, values)

    assert {error.field.removeprefix("settings.") for error in errors}.isdisjoint(kept)
    assert from_json(CAPABILITIES, kept) == (kept, [])


@given(st.dictionaries(st.sampled_from([*CAPABILITIES.settings, "poll_seconds"]), st.text(max_size=60), max_size=4))
def test_no_form_whatever_breaks_it_and_what_is_kept_is_shown_the_same(texts: dict[str, str]) -> None:
    kept, _ = from_form(CAPABILITIES, texts)
    shown = {name: as_text(value) for name, value in kept.items() if as_text(value)}

    assert from_form(CAPABILITIES, shown)[0] == {name: kept[name] for name in shown}


def outlet(code: str, name: str, postcode: str = "", country: str = "NL") -> Outlet:
    return Outlet(code=code, name=name, postcode=postcode, country=country)


def place(id: str, name: str = "", **more: Any) -> dict[str, Any]:
    return {"external_id": id, "name": name, "code": "", "city": "", "country": "NL", "active": True, **more}


AMSTERDAM, UTRECHT = outlet("amsterdam", "Amsterdam store", "1012 JS"), outlet("utr", "Utrecht store", "3511AA")


@pytest.mark.parametrize(
    ("locations", "found"),
    [
        ([place("1", "HQ", code="UTR")], {"utr": ("1", "both have the code utr")}),
        ([place("1", "utrecht  Store")], {"utr": ("1", "both are called utrecht  Store")}),
        ([place("1", "Amsterdam")], {"amsterdam": ("1", "it is called Amsterdam, which is our code")}),
        ([place("1", "HQ", postcode="3511 aa")], {"utr": ("1", "both have the postcode 3511AA")}),
        ([place("1", "HQ", city="Utrecht")], {"utr": ("1", "it is in Utrecht, which our name has too")}),
        ([place("1", "Winkel Utrecht Centrum")], {"utr": ("1", "both names have the word utrecht")}),
        ([place("1", "Main store")], {}),
        ([place("1", "HQ", city="Utrecht"), place("2", "Depot", city="Utrecht")], {}),
        ([place("1", "Utrecht", country="BE")], {}),
        ([place("1", "Utrecht", active=False)], {}),
        ([place("1", "Depot", city="Utrecht"), place("2", "Utrecht store")], {"utr": ("2", "both are called Utrecht store")}),
    ],
)  # fmt: skip
def test_a_location_is_proposed_for_the_strongest_sign_that_speaks_for_one_outlet_only(
    locations: list[dict[str, Any]], found: dict[str, tuple[str, str]]
) -> None:
    assert propose([AMSTERDAM, UTRECHT], locations, set()) == found


def test_what_is_linked_already_is_proposed_to_nobody() -> None:
    assert propose([UTRECHT], [place("1", "Utrecht store")], {"1"}) == {}


def test_two_outlets_in_one_city_are_left_to_people() -> None:
    second = outlet("utr-2", "Utrecht station")

    assert propose([UTRECHT, second], [place("1", "HQ", city="Utrecht")], set()) == {}


def test_every_environment_setting_is_documented() -> None:
    root = Path(__file__).parents[2]
    named = set(re.findall(r'"(WISSEL_[A-Z_]+)"', (root / "config.py").read_text()))

    assert named <= set(re.findall(r"WISSEL_[A-Z_]+", (root / "docs" / "settings.md").read_text()))

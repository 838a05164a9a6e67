"""The application under test, on both databases, with a merchant and a browser that is signed in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from store.models import Merchant
from store.session import Database
from tests.api.house import House, Shopkeeper, open_shop, sign_in


@pytest.fixture
def house(sqlite_database: Database, redis_server: Redis) -> House:
    """Real services on SQLite; tests that depend on the database ask for `database` themselves."""
    return House(sqlite_database, redis_server)


@pytest.fixture
def app(house: House) -> Flask:
    return house.app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def keeper(house: House, make_merchant: Callable[..., Merchant]) -> Shopkeeper:
    """A merchant with ten blue mugs in the warehouse and a few in the stores."""
    found = open_shop(house, make_merchant)
    found.put_stock({("warehouse", "MUG-BLUE"): 10, ("amsterdam", "MUG-BLUE"): 3, ("utrecht", "LAMP"): 4})
    return found


@pytest.fixture
def admin(app: Flask, keeper: Shopkeeper) -> FlaskClient:
    """A browser in which the admin is signed in."""
    browser = app.test_client()
    assert sign_in(browser, "admin@tulip.example").status_code == 303
    return browser


@pytest.fixture
def support(app: Flask, keeper: Shopkeeper) -> FlaskClient:
    """A browser in which someone of support, authorised for Amsterdam, is signed in."""
    browser = app.test_client()
    assert sign_in(browser, "support@tulip.example").status_code == 303
    return browser

"""People sign in with passwords, systems with keys; neither is kept readable."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from store import people
from store.columns import now
from store.models import Merchant
from store.people import BadPerson
from store.session import Database

PASSWORD = "correct horse"


def test_a_person_signs_in_with_their_password_only(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        made = people.create_user(
            session, email=" Ann@Example.com ", name="Ann", password=PASSWORD, role="admin", outlets=["utrecht"]
        )
    assert PASSWORD not in made.password_hash
    with database.system_session() as session:
        user = people.by_email(session, "ANN@example.com")
        assert user is not None
        assert (user.merchant_id, user.role, user.outlets) == (merchant.id, "admin", ["utrecht"])
        assert people.verify_password(user, PASSWORD)
        assert not people.verify_password(user, PASSWORD + "!")
        assert not people.verify_password(user, "")
        assert not people.verify_password(user, "x" * 100_000)
        assert not people.verify_password(None, PASSWORD)
        user.active = False
        assert not people.verify_password(user, PASSWORD)


def test_a_damaged_hash_lets_nobody_in(sqlite_database: Database, make_merchant: Callable[..., Merchant]) -> None:
    with sqlite_database.session(make_merchant(sqlite_database).id) as session:
        user = people.create_user(session, email="ann@example.com", name="", password=PASSWORD, role="support")
        user.password_hash = "damaged"
        assert not people.verify_password(user, PASSWORD)


def test_a_hash_made_with_outdated_parameters_is_renewed_at_sign_in(database: Database, merchant: Merchant) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    with database.session(merchant.id) as session:
        people.create_user(
            session, email="ann@example.com", name="Ann", password=PASSWORD, role="admin"
        ).password_hash = weak
    with database.system_session() as session:
        assert people.verify_password(people.by_email(session, "ann@example.com"), PASSWORD)
    with database.system_session() as session:
        user = people.by_email(session, "ann@example.com")
        assert user is not None
        assert user.password_hash != weak
        assert people.verify_password(user, PASSWORD)


def test_a_new_password_ends_the_sessions_of_the_old_one(
    sqlite_database: Database, make_merchant: Callable[..., Merchant]
) -> None:
    with sqlite_database.session(make_merchant(sqlite_database).id) as session:
        user = people.create_user(session, email="ann@example.com", name="Ann", password=PASSWORD, role="admin")
        epoch = user.session_epoch
        people.set_password(user, "another password")
        assert user.session_epoch == epoch + 1
        assert people.verify_password(user, "another password")
        assert not people.verify_password(user, PASSWORD)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"email": "ann"}, "'ann' is not an e-mail address"),
        ({"role": "boss"}, "no role 'boss'; there are: admin, support"),
        ({"password": "short"}, "at least 10 characters"),
        ({"password": "x" * 201}, "at most 200 characters"),
    ],
)
def test_a_person_that_cannot_be_is_refused_with_the_reason(
    sqlite_database: Database, make_merchant: Callable[..., Merchant], change: dict[str, str], says: str
) -> None:
    given = {"email": "ann@example.com", "name": "Ann", "password": PASSWORD, "role": "admin", **change}
    merchant = make_merchant(sqlite_database)
    with sqlite_database.session(merchant.id) as session, pytest.raises(BadPerson, match=says):
        people.create_user(session, **given)  # type: ignore[arg-type]


def test_an_address_is_used_once_over_all_merchants(
    database: Database, merchant: Merchant, make_merchant: Callable[..., Merchant]
) -> None:
    other = make_merchant(database, "rose")
    with database.session(merchant.id) as session:
        people.create_user(session, email="ann@example.com", name="Ann", password=PASSWORD, role="admin")
    with database.session(other.id) as session, pytest.raises(BadPerson, match="has an account already"):
        people.create_user(session, email="Ann@example.com", name="Ann", password=PASSWORD, role="admin")


def test_a_key_opens_until_it_is_revoked(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        made, plain = people.create_api_key(session, name="shop", role="events")
    assert plain.startswith(f"wsl_{made.prefix}_")
    assert plain not in (made.key_hash, made.prefix)
    with database.system_session(read_only=True) as session:
        found = people.find_api_key(session, plain)
        assert found is not None
        assert (found.id, found.merchant_id, found.last_used_at) == (made.id, merchant.id, None)
    with database.session(merchant.id) as session:
        assert people.revoke_api_key(session, made.id)
        assert people.revoke_api_key(session, made.id)
        assert not people.revoke_api_key(session, "nope")
        assert [key.id for key in people.list_api_keys(session)] == [made.id]
    with database.system_session() as session:
        assert people.find_api_key(session, plain) is None


def test_something_like_a_key_opens_nothing(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        _, plain = people.create_api_key(session, name="shop")
    secret_of_another = plain[:-1] + ("0" if plain[-1] != "0" else "1")
    with database.system_session() as session:
        for wrong in (secret_of_another, plain + "0", plain.upper(), plain[4:], "wsl_", "wsl__", "", "_", "é" * 500):
            assert people.find_api_key(session, wrong) is None


def test_the_use_of_a_key_is_noted_now_and_then(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        made, plain = people.create_api_key(session, name="shop")
    for age, noted in ((timedelta(minutes=1), False), (timedelta(minutes=6), True)):
        before = now() - age
        with database.system_session() as session:
            session.get_one(type(made), made.id).last_used_at = before
        with database.system_session() as session:
            found = people.find_api_key(session, plain)
            assert found is not None
            assert (found.last_used_at != before) == noted


def test_a_key_cannot_have_a_role_that_does_not_exist(
    sqlite_database: Database, make_merchant: Callable[..., Merchant]
) -> None:
    merchant = make_merchant(sqlite_database)
    with sqlite_database.session(merchant.id) as session, pytest.raises(BadPerson, match="events, support, admin"):
        people.create_api_key(session, name="x", role="root")

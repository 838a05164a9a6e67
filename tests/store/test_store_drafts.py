"""Drafts never overwrite anybody's work; versions and publications never change."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError

from store import audit, books, drafts, setup
from store.book_files import BadFiles, check_files
from store.isolation import WrongMerchant
from store.models import Merchant
from store.rule_models import Publication, RuleBook, RuleDraft
from store.session import Database

ONE = {"order_intake.yaml": "decision: order_intake\nrules: []\n"}
TWO = {**ONE, "layer/order_intake.yaml": "decision: order_intake\nlayer: true\n"}


def begin(database: Database, merchant: Merchant, texts: dict[str, str] = ONE, name: str = "Spring") -> RuleDraft:
    with database.session(merchant.id) as session:
        return drafts.create(session, name=name, texts=texts, by="ann")


def publish(database: Database, merchant: Merchant, texts: dict[str, str], version: str, by: str = "bob") -> Publication:
    with database.session(merchant.id) as session:
        return books.publish(session, texts, version, by)


def test_a_draft_begins_over_the_version_that_decides_and_comes_back_to_the_letter(database: Database, merchant: Merchant) -> None:
    publish(database, merchant, ONE, "v1")
    texts = {"a.yaml": "é\r\n# no end of line", "layer/a.yaml": "", "b.examples.yaml": "\ufeff\t\n\n"}
    draft = begin(database, merchant, texts, "  Spring\nsale ")
    with database.session(merchant.id, read_only=True) as session:
        kept = drafts.get(session, draft.id)
        assert (kept.texts, kept.name, kept.based_on, kept.revision, kept.state) == (texts, "Spring sale", "v1", 1, "open")
        assert (kept.created_by, kept.updated_by) == ("ann", "ann")


def test_the_second_of_two_savers_is_told_who_was_first_and_nothing_is_overwritten(database: Database, merchant: Merchant) -> None:
    draft = begin(database, merchant)
    with database.session(merchant.id) as session:
        drafts.save(session, draft.id, texts=TWO, revision=1, by="bob")
    with database.session(merchant.id) as session:
        with pytest.raises(drafts.DraftConflict, match="bob saved this draft") as conflict:
            drafts.save(session, draft.id, texts={"c.yaml": ""}, revision=1, by="ann")
        assert (conflict.value.draft.texts, conflict.value.draft.revision, conflict.value.yours) == (TWO, 2, 1)
    with database.session(merchant.id, read_only=True) as session:
        kept = drafts.get(session, draft.id)
        assert (kept.texts, kept.updated_by, kept.revision) == (TWO, "bob", 2)


def test_of_many_who_save_at_once_exactly_one_gets_through(database: Database, merchant: Merchant) -> None:
    draft, barrier, outcomes = begin(database, merchant), threading.Barrier(6), []

    def save(number: int) -> None:
        barrier.wait()
        try:
            with database.session(merchant.id) as session:
                drafts.save(session, draft.id, texts={"a.yaml": str(number)}, revision=1, by=str(number))
            outcomes.append(number)
        except drafts.DraftConflict as conflict:
            outcomes.append(conflict.draft.updated_by)

    threads = [threading.Thread(target=save, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = (outcome for outcome in outcomes if isinstance(outcome, int))
    assert [outcome for outcome in outcomes if outcome != winner] == [str(winner)] * 5
    with database.session(merchant.id, read_only=True) as session:
        assert drafts.get(session, draft.id).texts == {"a.yaml": str(winner)}


def test_a_save_may_be_repeated(database: Database, merchant: Merchant) -> None:
    draft = begin(database, merchant)
    with database.session(merchant.id) as session:
        first = drafts.save(session, draft.id, texts=TWO, revision=1, by="ann")
        again = drafts.save(session, draft.id, texts=TWO, revision=1, by="ann")
        assert (first.revision, again.revision) == (2, 2)


def test_a_discarded_draft_is_read_but_not_changed_or_listed(database: Database, merchant: Merchant) -> None:
    draft, other = begin(database, merchant), begin(database, merchant)
    with database.session(merchant.id) as session:
        with pytest.raises(drafts.DraftConflict):
            drafts.discard(session, draft.id, revision=7, by="bob")
        drafts.discard(session, draft.id, revision=1, by="bob", reason="not needed")
    with database.session(merchant.id) as session:
        assert [each.id for each in drafts.list_open(session)] == [other.id]
        assert drafts.get(session, draft.id).texts == ONE
        for change in (
            lambda: drafts.save(session, draft.id, texts=TWO, revision=2, by="ann"),
            lambda: drafts.discard(session, draft.id, revision=2, by="ann"),
            lambda: drafts.close_published(session, draft.id, revision=2, by="ann"),
            lambda: drafts.rebase(session, draft.id, revision=2, by="ann"),
        ):
            with pytest.raises(drafts.DraftClosed, match="discarded by bob"):
                change()


def test_what_was_done_to_a_draft_is_on_record(database: Database, merchant: Merchant) -> None:
    draft = begin(database, merchant)
    with database.session(merchant.id) as session:
        drafts.save(session, draft.id, texts=TWO, revision=1, by="bob")
        drafts.discard(session, draft.id, revision=2, by="cas", reason="not needed")
    with database.session(merchant.id, read_only=True) as session:
        done = audit.entries(session, about=f"rule draft:{draft.id}")
        assert {(entry.who, entry.action, entry.reason) for entry in done} == {
            ("ann", "create draft", "Spring."), ("bob", "save draft", "Revision 2"), ("cas", "discard draft", "not needed"),
        }  # fmt: skip


def test_drafts_and_publications_of_another_merchant_are_not_found(
    database: Database, merchant: Merchant, make_merchant: Callable[..., Merchant]
) -> None:
    draft, rose = begin(database, merchant), make_merchant(database, "rose")
    publish(database, merchant, ONE, "a" * 64)
    with database.session(rose.id) as session:
        for act in (
            lambda: drafts.get(session, draft.id),
            lambda: drafts.save(session, draft.id, texts=TWO, revision=1, by="eve"),
            lambda: drafts.discard(session, draft.id, revision=1, by="eve"),
            lambda: drafts.rebase(session, draft.id, revision=1, by="eve"),
        ):
            with pytest.raises(drafts.NoDraft):
                act()
        assert drafts.list_open(session) == []
        assert [books.find(session, name) for name in ("1", "a" * 64, "aaaaaaaa", "current")] == [None] * 4
    with pytest.raises(WrongMerchant), database.session(rose.id) as session:
        session.add(RuleDraft(name="x", texts={}, created_by="eve", updated_by="eve", merchant_id=merchant.id))
        session.flush()


def test_publications_are_numbered_for_each_merchant_and_say_what_they_replace(
    database: Database, merchant: Merchant, make_merchant: Callable[..., Merchant]
) -> None:
    rose = make_merchant(database, "rose")
    for version in ("a" * 64, "ab" * 32, "a" * 64):
        publish(database, merchant, ONE, version)
    assert (publish(database, rose, ONE, "a" * 64).number, publish(database, rose, ONE, "c" * 64).replaces) == (1, "a" * 64)
    with database.session(merchant.id, read_only=True) as session:
        assert [(p.number, p.replaces) for p in books.publications(session)] == [(3, "ab" * 32), (2, "a" * 64), (1, None)]
        assert [p.number for p in books.publications(session, before=3)] == [2, 1]
        named = {name: books.find(session, name) for name in ("2", "current", "a" * 64, "abababab", "aaaaaaaa", "9", "a", "%")}
        numbers = {name: found.number for name, found in named.items() if found}
        assert numbers == {"2": 2, "current": 3, "a" * 64: 3, "abababab": 2, "aaaaaaaa": 3}


def test_two_who_publish_at_once_get_two_numbers(database: Database, merchant: Merchant) -> None:
    barrier = threading.Barrier(4)

    def go(number: int) -> None:
        barrier.wait()
        publish(database, merchant, ONE, f"v{number}")

    threads = [threading.Thread(target=go, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.session(merchant.id, read_only=True) as session:
        found = books.publications(session)
    assert [each.number for each in found] == [4, 3, 2, 1]
    assert [each.replaces for each in found] == [each.version for each in found[1:]] + [None]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE rule_books SET texts = texts",
        "UPDATE rule_books SET version = 'other'",
        "UPDATE publications SET version = version",
        "UPDATE publications SET \"by\" = 'eve'",
        "UPDATE publications SET comment = 'never mind'",
        "UPDATE publications SET evidence = NULL",
        "UPDATE publications SET number = 7",
        "UPDATE publications SET at = at",
    ],
)
def test_nobody_can_change_what_was_published_not_even_by_hand(database: Database, merchant: Merchant, change: str) -> None:
    publish(database, merchant, ONE, "v1")
    with pytest.raises(DBAPIError, match="never changes"), database.engine.begin() as connection:
        connection.execute(text(change))


def test_nobody_can_change_a_version_through_a_session(database: Database, merchant: Merchant) -> None:
    publication = publish(database, merchant, ONE, "v1")
    with pytest.raises(DBAPIError, match="never changes"), database.session(merchant.id) as session:
        session.execute(update(RuleBook).where(RuleBook.version == "v1").values(texts={}))
    with pytest.raises(DBAPIError, match="never changes"), database.session(merchant.id) as session:
        session.get_one(RuleBook, "v1").texts = {"a.yaml": "changed"}
    with pytest.raises(DBAPIError, match="never changes"), database.session(merchant.id) as session:
        session.get_one(Publication, publication.id).comment = "changed"
    with database.session(merchant.id, read_only=True) as session:
        assert books.texts(session, "v1") == ONE


PUBLISH = """
import sys
from store import books
from store.session import Database
with Database(sys.argv[1]).session(sys.argv[2]) as session:
    books.publish(session, {"order_intake.yaml": ""}, "v2", by="another process")
"""


def test_another_processs_publication_is_known_at_once(database: Database, merchant: Merchant) -> None:
    publish(database, merchant, ONE, "v1")
    with database.session(merchant.id, read_only=True) as session:
        assert setup.of(session).version == "v1"
    subprocess.run([sys.executable, "-c", PUBLISH, database.url, merchant.id], check=True, timeout=60)
    with database.session(merchant.id, read_only=True) as session:
        assert setup.of(session).version == "v2"


def test_saving_a_draft_does_not_make_anybody_read_the_setup_again(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id, read_only=True) as session:
        before = setup.of(session)
    begin(database, merchant)
    with database.session(merchant.id, read_only=True) as session:
        assert setup.of(session) is before


BASE = {"same.yaml": "0", "mine.yaml": "0", "theirs.yaml": "0", "both.yaml": "0", "gone.yaml": "0"}


def test_files_that_one_side_changed_are_brought_together(database: Database, merchant: Merchant) -> None:
    publish(database, merchant, BASE, "v1")
    draft = begin(database, merchant, {**BASE, "mine.yaml": "1", "new.yaml": "1"})
    theirs = {file: "0" for file in BASE if file != "gone.yaml"} | {"theirs.yaml": "2", "fresh.yaml": "2"}
    publish(database, merchant, theirs, "v2", by="bob")
    with database.session(merchant.id) as session:
        done = drafts.rebase(session, draft.id, revision=1, by="ann")
    assert done.taken == ("fresh.yaml", "gone.yaml", "theirs.yaml")
    assert (done.draft.based_on, done.draft.revision, done.publication.by) == ("v2", 2, "bob")
    assert done.draft.texts == {
        "same.yaml": "0", "mine.yaml": "1", "both.yaml": "0", "new.yaml": "1", "theirs.yaml": "2", "fresh.yaml": "2",
    }  # fmt: skip


def test_files_that_both_changed_are_listed_and_nothing_is_written_until_somebody_chose(
    database: Database, merchant: Merchant
) -> None:
    publish(database, merchant, BASE, "v1")
    draft = begin(database, merchant, {**BASE, "both.yaml": "1", "gone.yaml": "1", "same.yaml": "9"})
    theirs = {file: text for file, text in BASE.items() if file != "gone.yaml"} | {"both.yaml": "2", "same.yaml": "9"}
    publish(database, merchant, theirs, "v2", by="bob")
    with database.session(merchant.id) as session:
        with pytest.raises(drafts.RebaseConflict, match=r"bob published version 2 .*both\.yaml, gone\.yaml") as conflict:
            drafts.rebase(session, draft.id, revision=1, by="ann")
        assert conflict.value.clashes == (("both.yaml", "0", "1", "2"), ("gone.yaml", "0", "1", None))
        assert drafts.get(session, draft.id).revision == 1
        with pytest.raises(drafts.RebaseConflict, match=r"too: both\.yaml;"):
            drafts.rebase(session, draft.id, revision=1, by="ann", choices={"gone.yaml": "theirs"})
        choices = {"both.yaml": "mine", "gone.yaml": "theirs"}
        done = drafts.rebase(session, draft.id, revision=1, by="ann", choices=choices)
    assert done.draft.texts == {"same.yaml": "9", "mine.yaml": "0", "theirs.yaml": "0", "both.yaml": "1"}
    assert done.draft.based_on == "v2"


def test_a_draft_of_the_version_that_decides_has_nothing_to_bring_in(database: Database, merchant: Merchant) -> None:
    publish(database, merchant, ONE, "v1")
    draft = begin(database, merchant)
    with database.session(merchant.id) as session, pytest.raises(drafts.AlreadyUpToDate):
        drafts.rebase(session, draft.id, revision=1, by="ann")
    with database.session(merchant.id) as session, pytest.raises(drafts.DraftConflict):
        drafts.rebase(session, draft.id, revision=4, by="ann")


_sides = st.dictionaries(st.sampled_from(["a.yaml", "b.yaml", "c.yaml"]), st.sampled_from(["0", "1", "2"]))


@given(_sides, _sides, _sides)
@settings(max_examples=150, deadline=None)
def test_a_merge_loses_no_change_of_either_side(base: dict[str, str], mine: dict[str, str], theirs: dict[str, str]) -> None:
    merged, clashes = drafts.merge(base, mine, theirs, {})
    clashing = {clash.file for clash in clashes}
    for file in {*base, *mine, *theirs}:
        sides = (mine.get(file), theirs.get(file))
        changed = {side for side in sides if side != base.get(file)}
        assert (file in clashing) == (len(changed) > 1)
        if file not in clashing:
            assert merged.get(file) == (changed.pop() if changed else base.get(file))
    whole, left = drafts.merge(base, mine, theirs, dict.fromkeys(clashing, "mine"))
    assert left == () and all(whole.get(file) == mine.get(file) for file in clashing)
    assert drafts.merge(base, mine, base, {}) == (mine, ())


@pytest.mark.parametrize(
    ("texts", "complaint"),
    [
        ({"../evil.yaml": ""}, "no name of a rule file"),
        ({"layer/../x.yaml": ""}, "no name of a rule file"),
        ({"/etc/x.yaml": ""}, "no name of a rule file"),
        ({"a.txt": ""}, "no name of a rule file"),
        ({"": ""}, "no name of a rule file"),
        ({"a.yaml\n": ""}, "no name of a rule file"),
        ({"a.yaml": "x\n\x00"}, "line 2 holds a NUL"),
        ({"a.yaml": "\ud800"}, "half of a surrogate"),
        ({"a.yaml": "x" * 4_000_001}, "characters long"),
        ({f"{number}.yaml": "x" * 3_000_000 for number in range(3)}, "bytes together"),
        ({f"{number}.yaml": "" for number in range(101)}, "at most 100 files"),
    ],
    ids=["up", "up in layer", "absolute", "other kind", "empty", "line end", "nul", "surrogate", "long", "large", "many"],
)
def test_what_cannot_be_a_rule_book_is_refused_with_the_reason(texts: dict[str, str], complaint: str) -> None:
    with pytest.raises(BadFiles, match=complaint):
        check_files(texts)


def test_a_draft_that_cannot_be_kept_is_not_begun(sqlite_database: Database, make_merchant: Any) -> None:
    merchant = make_merchant(sqlite_database)
    with sqlite_database.session(merchant.id) as session:
        with pytest.raises(BadFiles):
            drafts.create(session, name="x", texts={"../x.yaml": ""}, by="ann")
        assert drafts.list_open(session) == []

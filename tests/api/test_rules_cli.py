"""`flask rules`: what CI and people with an editor use. A published book goes to a folder and back to the letter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api import book_folder
from engine.language import text_version
from store import books, drafts
from store.book_files import BadFiles
from tests.api.house import House, Shopkeeper, open_shop
from tests.api.rule_making import FAILING, SHIPPED, current, with_layer

WRONG = "decision: order_intake\nrules:\n  - id: a\n    when:\n      - order.totl > 5 EUR\n    then:\n      - hold order\n"


def run(app: Flask, *words: str | Path) -> Result:
    return app.test_cli_runner().invoke(args=["rules", *map(str, words)])


def lay(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return folder


def test_the_command_line_works_from_the_checkout_without_database_or_redis(tmp_path: Path) -> None:
    nowhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1"}
    environment = {**os.environ, **nowhere, "WISSEL_DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [Path(sys.executable).parent / "flask", "rules", "check"], cwd=Path(__file__).parents[2], env=environment,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, f"{len(SHIPPED)} files: 0 errors, 0 warnings.\n"), done.stderr


def test_an_error_is_a_line_that_editors_can_jump_to_and_fails_the_build(app: Flask, tmp_path: Path) -> None:
    lay(tmp_path, {"order_intake.yaml": WRONG})
    done = run(app, "check", tmp_path)
    assert done.exit_code == 1
    assert done.output.startswith(f"{tmp_path}/order_intake.yaml:5:9: error: ")
    assert "order.total" in done.output and "1 file: 1 error, 0 warnings." in done.output
    said = json.loads(run(app, "check", tmp_path, "--json").output)
    assert (said["ok"], said["problems"][0]["line"]) == (False, 5)


def test_files_are_checked_in_their_place_and_only_their_own_problems_count(app: Flask, tmp_path: Path) -> None:
    lay(tmp_path, {**with_layer(), "payment_gating.yaml": "decision: ["})
    assert run(app, "check", tmp_path).exit_code == 1
    done = run(app, "check", tmp_path / "layer/order_intake.yaml")
    assert (done.exit_code, "0 errors" in done.output) == (0, True), done.output


def test_tests_show_what_fails_and_what_is_not_covered(app: Flask, tmp_path: Path) -> None:
    lay(tmp_path, {"order_intake.yaml": SHIPPED["order_intake.yaml"], "order_intake.examples.yaml": FAILING})
    done = run(app, "test", tmp_path)
    assert done.exit_code == 1
    assert "✗ Every order is ignored" in done.output and "1 of 1 examples fail." in done.output
    assert "no example fires the rule" in done.output
    report = json.loads(run(app, "test", tmp_path, "--json").output)["report"]
    assert (report["failed"], report["coverage"]["rules"]["covered"]) == (1, 1)


def test_the_shipped_examples_pass(app: Flask, tmp_path: Path) -> None:
    done = run(app, "test", lay(tmp_path, SHIPPED))
    assert done.exit_code == 0 and "examples pass." in done.output


def test_files_are_laid_out_alike_and_keep_their_comments(app: Flask, tmp_path: Path) -> None:
    text = SHIPPED["order_intake.yaml"].replace("    priority: ", "    priority:     ", 1) + "# the end\n"
    lay(tmp_path, {"order_intake.yaml": text, "payment_gating.yaml": SHIPPED["payment_gating.yaml"]})
    asked = run(app, "format", tmp_path, "--check")
    assert (asked.exit_code, (tmp_path / "order_intake.yaml").read_text()) == (1, text)
    assert f"{tmp_path}/order_intake.yaml: not in good form" in asked.output and "2 files, 1 to format." in asked.output
    assert run(app, "format", tmp_path).exit_code == 0
    assert (tmp_path / "order_intake.yaml").read_text() == SHIPPED["order_intake.yaml"] + "# the end\n"
    assert run(app, "format", tmp_path, "--check").exit_code == 0


def test_a_file_that_cannot_be_read_is_not_formatted(app: Flask, tmp_path: Path) -> None:
    lay(tmp_path, {"order_intake.yaml": "decision: ["})
    done = run(app, "format", tmp_path)
    assert done.exit_code == 1 and f"{tmp_path}/order_intake.yaml:" in done.output
    assert (tmp_path / "order_intake.yaml").read_text() == "decision: ["


def test_a_broken_invariant_is_shown_with_an_order_and_fails_the_build(app: Flask, tmp_path: Path) -> None:
    stated = "invariants:\n  - id: never-held\n    when:\n      - order.total > 1 EUR\n    never:\n      - hold order\n"
    lay(tmp_path, {"order_intake.yaml": 'decision: order_intake\nrules:\n  - id: a\n    then:\n      - hold order because "x"\n' + stated})
    done = run(app, "prove", tmp_path, "--seconds", "20")
    assert done.exit_code == 1, done.output
    assert "invariant: " in done.output and "never-held" in done.output and "    order " in done.output
    said = json.loads(run(app, "prove", tmp_path, "--json").output)
    assert [finding["kind"] for finding in said["findings"]].count("invariant") == 1


def test_what_has_errors_is_not_proved(app: Flask, tmp_path: Path) -> None:
    done = run(app, "prove", lay(tmp_path, {"order_intake.yaml": WRONG}))
    assert done.exit_code == 1 and ":5:9: error: " in done.output


def test_the_reference_is_printed(app: Flask) -> None:
    assert run(app, "reference").output == (Path(__file__).parents[2] / "docs/vocabulary.md").read_text()
    assert json.loads(run(app, "reference", "--json").output)


@pytest.mark.parametrize(
    ("prepare", "complaint"),
    [
        (lambda folder: (folder / "a.yaml").write_bytes(b"\xff"), "not UTF-8: byte 0"),
        (lambda folder: (folder / "my rules.yaml").write_text(""), "no name of a rule file"),
        (lambda folder: (folder / "a.yaml").symlink_to("/etc/hostname"), "leads out of the folder"),
        (lambda folder: (folder / "layer").symlink_to(Path(__file__).parents[2] / "rules"), "leads out of the folder"),
        (lambda folder: (folder / "a.yaml").mkdir(), "cannot be read"),
        (lambda folder: (folder / "a.yaml").symlink_to("nowhere.yaml"), "cannot be read"),
    ],
    ids=["not utf-8", "name", "link", "linked folder", "folder", "dead link"],
)
def test_what_is_no_rule_book_is_refused_in_a_sentence(app: Flask, tmp_path: Path, prepare: Any, complaint: str) -> None:
    prepare(tmp_path)
    done = run(app, "check", tmp_path)
    assert done.exit_code == 1 and complaint in done.output and "Traceback" not in done.output


def test_a_version_goes_to_a_folder_and_comes_back_as_the_same_version(app: Flask, keeper: Shopkeeper, tmp_path: Path) -> None:
    lay(tmp_path / "in", with_layer())
    done = run(app, "import", tmp_path / "in", "--publish", "--comment", "hold large ones", "--by", "ann")
    assert done.exit_code == 0 and "Version 2 (" in done.output, done.output
    assert run(app, "export", tmp_path / "out").exit_code == 0
    assert book_folder.read([tmp_path / "out"]).texts == with_layer()
    again = run(app, "import", tmp_path / "out", "--publish", "--comment", "again")
    assert again.exit_code == 1 and "very files of version 2" in again.output
    assert run(app, "diff", tmp_path / "out", "current").output == "No difference.\n"


_text = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=200)
_written = st.one_of(_text, st.sampled_from(["a\r\nb\r\n", "a\nb", "a\rb\r", "\ufeffa: é\n", "", "\n\n", "\x85\u2028\x0b\x0c"]))
_names = st.from_regex(r"\A(layer/)?[A-Za-z0-9][A-Za-z0-9_.-]{0,12}\.ya?ml\Z")


@given(st.dictionaries(_names, _written, max_size=6))
@settings(max_examples=60, deadline=None)
def test_what_is_written_to_a_folder_is_read_back_to_the_letter(texts: dict[str, str]) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name) / "book"
        book_folder.write(folder, texts)
        found = book_folder.read([folder])
        assert found.texts == texts and text_version(found.texts) == text_version(texts)


@given(files=st.dictionaries(st.sampled_from(["a.yaml", "layer/a.yaml", "b.examples.yaml"]), _written, min_size=1))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_book_survives_folder_and_database_to_the_letter(keeper: Shopkeeper, files: dict[str, str]) -> None:
    version = text_version(files)
    with keeper.house.database.session(keeper.merchant.id) as session, TemporaryDirectory() as name:
        books.publish(session, files, version, "tests")
        book_folder.write(Path(name), books.texts(session, version) or {})
        assert book_folder.read([Path(name)]).texts == files


@pytest.mark.parametrize("name", ["../evil.yaml", "/tmp/evil.yaml", "layer/../../evil.yaml", "a/b.yaml", "..yaml/x.yaml"])
def test_no_file_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadFiles, match="no name of a rule file"):
        book_folder.write(tmp_path / "book", {name: "x"})
    assert not list(tmp_path.rglob("evil.yaml"))


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_no_link_leads_out_of_the_folder(tmp_path: Path, kind: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.yaml").write_text("theirs")
    folder = tmp_path / "book"
    folder.mkdir()
    if kind == "folder":
        (folder / "layer").symlink_to(outside)
    else:
        (folder / "layer").mkdir()
        (folder / "layer/a.yaml").symlink_to(outside / "a.yaml")
    with pytest.raises(BadFiles, match="leads out of the folder"):
        book_folder.write(folder, {"layer/a.yaml": "ours"}, prune=True)
    with pytest.raises(BadFiles, match="leads out of the folder"):
        book_folder.write(folder, {"b.yaml": "ours"}, prune=True)
    assert (outside / "a.yaml").read_text() == "theirs"


def test_files_that_a_version_has_not_are_only_removed_when_asked(app: Flask, keeper: Shopkeeper, tmp_path: Path) -> None:
    folder = lay(tmp_path / "book", {"old.yaml": "x", "README.md": "mine"})
    refused = run(app, "export", folder)
    assert refused.exit_code == 1 and "old.yaml; remove them with --prune" in refused.output
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "old.yaml"]
    assert run(app, "export", folder, "--prune").exit_code == 0
    assert (folder / "README.md").exists() and not (folder / "old.yaml").exists()


def test_an_imported_draft_is_published_and_gone_back_from(app: Flask, keeper: Shopkeeper, tmp_path: Path) -> None:
    before = current(keeper)
    imported = run(app, "import", lay(tmp_path / "spring", with_layer()), "--by", "ann", "--merchant", "tulip")
    assert imported.exit_code == 0 and "Import of spring" in imported.output
    with keeper.house.database.session(keeper.merchant.id, read_only=True) as session:
        (draft,) = drafts.list_open(session)
    assert (draft.created_by, draft.texts, current(keeper)) == ("ann", with_layer(), before)
    assert "Say in a few words" in run(app, "publish", draft.id).output
    assert run(app, "publish", draft.id, "--comment", "hold large ones", "--by", "ann").exit_code == 0
    shown = run(app, "diff", "1", "2").output
    assert "rule very-large new" in shown and "+ id: very-large" in shown
    assert run(app, "rollback", "1", "--reason", "a mistake", "--by", "bob").exit_code == 0
    listed = run(app, "history").output.splitlines()
    assert [line.split()[0] for line in listed] == ["3", "2", "1"]
    assert "bob  rolled back: a mistake" in listed[0] and current(keeper) == before
    assert json.loads(run(app, "history", "--json").output)[0]["kind"] == "rollback"


def test_rules_that_may_not_be_published_leave_everything_as_it_is(app: Flask, keeper: Shopkeeper, tmp_path: Path) -> None:
    before = current(keeper)
    lay(tmp_path, {**SHIPPED, "more.examples.yaml": FAILING})
    done = run(app, "import", tmp_path, "--publish", "--comment", "x")
    assert done.exit_code == 1 and "“Every order is ignored” fails" in done.output and "Nothing was published." in done.output
    assert current(keeper) == before


def test_which_merchant_is_asked_when_there_are_several(house: House, app: Flask, keeper: Shopkeeper, make_merchant: Any) -> None:
    assert run(app, "history").exit_code == 0
    open_shop(house, make_merchant, "rival")
    asked = run(app, "history")
    assert asked.exit_code == 1 and "rival, tulip" in asked.output
    assert "There is no merchant nobody" in run(app, "history", "--merchant", "nobody").output
    assert run(app, "history", "--merchant", "rival").exit_code == 0


@pytest.mark.parametrize(
    "words",
    [("publish", "nope", "--comment", "x"), ("rollback", "99", "--reason", "x"), ("export", "out", "--version", "99"), ("diff", "1", "zz")],
)
def test_what_does_not_exist_is_said_in_a_sentence(app: Flask, keeper: Shopkeeper, words: tuple[str, ...]) -> None:
    done = run(app, *words)
    assert done.exit_code == 1 and done.output.startswith(("Error: there is no", "Error: There is no"))

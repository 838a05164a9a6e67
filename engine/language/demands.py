"""`then` lines: which outcome of the vocabulary a sentence states, with which values in its slots."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile

from engine.ast import Demand, Literal, Operand
from engine.language.checker import At, Scope, setting_serves
from engine.language.literals import NAMES, literal_value
from engine.language.sentences import DemandSentence, SentenceError, Term, nearest, parse_demand
from engine.vocabulary import DecisionSpec, OutcomeSpec, Slot, Vocabulary

_SLOT = re.compile(r"\{(\w+)\}")
_QUANTITIES = ("money", "weight", "duration")


def form_parts(form: str) -> tuple[tuple[str, bool], ...]:
    """An outcome's form, word by word: each word or slot name, and whether it is a slot."""
    parts = ((word, _SLOT.fullmatch(word)) for word in form.split())
    return tuple((slot[1], True) if slot else (word, False) for word, slot in parts)


@dataclass(frozen=True)
class Forms:
    """The outcomes of one decision, ready to be recognised in sentences."""

    spec: DecisionSpec
    vocabulary: Vocabulary

    @cached_property
    def longest_first(self) -> tuple[tuple[OutcomeSpec, tuple[tuple[str, bool], ...]], ...]:
        """Outcomes with their form's parts; more fixed words first, so that the most specific form is found."""
        forms = [(outcome, form_parts(outcome.form)) for outcome in self.spec.outcomes]
        return tuple(sorted(forms, key=lambda form: (-sum(not slot for _, slot in form[1]), form[0].name)))

    @cached_property
    def words(self) -> frozenset[str]:
        """Every fixed word of every form; text that equals one is quoted when rules are formatted."""
        return frozenset(word for _, parts in self.longest_first for word, is_slot in parts if not is_slot)

    def recognise(self, terms: tuple[Term, ...]) -> tuple[OutcomeSpec, dict[str, Term]]:
        """The outcome a sentence states and the term in each slot. Raises SentenceError with the nearest form."""
        for outcome, parts in self.longest_first:
            slots = _fill(outcome, parts, terms)
            if slots is not None:
                return outcome, slots
        raise self._unknown(terms)

    def _unknown(self, terms: tuple[Term, ...]) -> SentenceError:
        written = " ".join(term.text for term in terms)
        return SentenceError(
            terms[0].start, f"{self.spec.name} has no outcome `{written}`.", self._hint(written, terms)
        )

    def _hint(self, written: str, terms: tuple[Term, ...]) -> str:
        for outcome, parts in self.longest_first:
            beginning = _beginning(parts)
            if beginning == [term.text for term in terms[: len(beginning)]]:
                wordy = len(terms) > len(parts) and len(beginning) < len(parts)
                return f"Did you mean `{outcome.form}`?" + (
                    " Text of more than one word must stand in quotes." if wordy else ""
                )
        for spec in self.vocabulary.decisions.values():
            if any(_fill(outcome, form_parts(outcome.form), terms) is not None for outcome in spec.outcomes):
                return f"It belongs to {spec.name}: write the rule there."
        forms = {_SLOT.sub("...", outcome.form): outcome.form for outcome, _ in self.longest_first}
        close = nearest(written, forms)
        return f"Did you mean `{forms[close]}`?" if close else f"It can: {'; '.join(sorted(forms.values()))}."


def _beginning(parts: Sequence[tuple[str, bool]]) -> list[str]:
    """The fixed words before a form's first slot."""
    return [word for word, _ in takewhile(lambda part: not part[1], parts)]


def _fill(outcome: OutcomeSpec, parts: Iterable[tuple[str, bool]], terms: tuple[Term, ...]) -> dict[str, Term] | None:
    types = {slot.name: slot.type for slot in outcome.slots}
    slots: dict[str, Term] = {}
    at = 0
    for name, is_slot in parts:
        if at >= len(terms):
            return None
        term = terms[at]
        if not is_slot:
            if term.kind != "word" or term.text != name:
                return None
        else:
            if (
                types[name] in _QUANTITIES
                and term.kind == "number"
                and at + 1 < len(terms)
                and terms[at + 1].kind == "word"
            ):
                at += 1
                term = Term("quantity", term.text, term.start, terms[at].text)
            slots[name] = term
        at += 1
    return slots if at == len(terms) else None


def check_demand(sentence: str, scope: Scope, forms: Forms, at: At) -> Demand:
    """The demand a sentence states. Raises SentenceError when it makes no sense."""
    parsed: DemandSentence = parse_demand(sentence)
    outcome, terms = forms.recognise(parsed.terms)
    by_name: Mapping[str, Slot] = {slot.name: slot for slot in outcome.slots}
    slots = {name: _slot(term, by_name[name], outcome, scope, at) for name, term in terms.items()}
    return Demand(outcome.name, slots, parsed.reason, at(parsed.terms[0].start))


def _slot(term: Term, slot: Slot, outcome: OutcomeSpec, scope: Scope, at: At) -> Operand:
    subject = f"the {slot.name} of `{outcome.name}`"
    if term.kind != "path":
        return Literal(literal_value(term, slot.type, slot.values, subject), at(term.start))
    path, field = scope.path(term, at(term.start))
    if path.type == "setting":
        serves = setting_serves(scope.settings[path.field], slot.type, slot.values)
        found = f"{path} is `{scope.settings[path.field]}`" if slot.values else f"{path} is {NAMES[field.type]}"
    else:
        serves = _serves(field.type, field.values, slot)
        found = f"{path} is {NAMES[field.type]}"
        if slot.type == field.type == "enum":
            found = f"{path} may be `{next((v for v in field.values if v not in slot.values), '')}`"
    if not serves:
        hint = f"Its values are: {', '.join(slot.values)}." if slot.values else ""
        raise SentenceError(term.start, f"{found}, but {subject} takes {NAMES[slot.type]}.", hint)
    return path


def _serves(field_type: str, values: tuple[str, ...], slot: Slot) -> bool:
    if slot.type == "enum":
        return field_type == "enum" and set(values) <= set(slot.values)
    return field_type == slot.type or (field_type, slot.type) in (("enum", "text"), ("integer", "number"))

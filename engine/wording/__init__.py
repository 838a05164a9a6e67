"""Rules and the reasons of decisions in plain English, Dutch and Swedish.

Sentences are built from the typed rule and tables of words, so they say exactly what the rule says. `Speaker` says rules,
`Reasons` says why a rule fired or did not.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.ast import DecisionRules, Rule
from engine.vocabulary import VOCABULARY, Vocabulary
from engine.wording.dutch import DUTCH
from engine.wording.english import ENGLISH
from engine.wording.reasons import Reasons
from engine.wording.sentences import Speaker
from engine.wording.swedish import SWEDISH
from engine.wording.words import Language

__all__ = ["LANGUAGES", "Language", "Reasons", "Speaker", "language_of", "rule_sentence"]

LANGUAGES: Mapping[str, Language] = {language.code: language for language in (ENGLISH, DUTCH, SWEDISH)}
"""The languages there are, by their ISO 639 code; the first is the default."""


def language_of(code: str) -> Language:
    """A language by its code; English for any other."""
    return LANGUAGES.get(code, ENGLISH)


def rule_sentence(rules: DecisionRules, rule: Rule, code: str = "en", vocabulary: Vocabulary = VOCABULARY) -> str:
    """One rule of a decision as a sentence in the language of that code."""
    return Speaker(rules, language_of(code), vocabulary).rule(rule)

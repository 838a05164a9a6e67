"""Why a rule fired and why not, as sentences with the values that were found.

*Because the order is picked up and customers cannot pick up at the outlet, the outlet is left out.*
*Did not hold, because the order's total is €49.95 and had to be less than €40.00.*
"""

from __future__ import annotations

from engine.ast import Condition, Group, Literal, LiteralList, Path, Rule
from engine.explain import Explanation
from engine.matching import Bound, holds
from engine.outcomes import demands
from engine.totals import Known
from engine.types import Overridden
from engine.values import MET, Right, verdict
from engine.wording.sentences import Speaker, fill, sentence
from engine.wording.words import Clause, Language


class Reasons:
    """Says in one language why the rules of one decision held or did not."""

    def __init__(self, explanation: Explanation, language: Language) -> None:
        self.explanation = explanation
        self.language = language
        self.speaker = Speaker(explanation.rules, language, explanation.vocabulary)

    def why(self, rule: Rule) -> str:
        """Why the rule fired, for the first facts it held for; or why not, for its nearest miss."""
        return self._fired(rule) if self.explanation.fired(rule) else self._not(rule)

    def rule(self, rule: Rule) -> str:
        """The rule itself as a sentence."""
        kept, key = self.explanation.texts.sentences, (id(rule), self.language.code)
        if key not in kept:
            kept[key] = self.speaker.rule(rule)
        return kept[key]

    def lost(self, overridden: Overridden) -> str:
        """What a rule said in vain, and who won."""
        outcome = overridden.outcome
        said = self.speaker.outcome(outcome.name, outcome.arguments)
        return fill(self.language.phrases["lost"], {"said": said, "by": overridden.by})

    def _fired(self, rule: Rule) -> str:
        bound, known = self.explanation.nearest(rule).bound, self.explanation.known(rule)
        reasons = [reason for child in rule.when.children for reason in self._met(child, bound, known)]
        then = self._said(rule, bound, known)
        if not reasons:
            return sentence(fill(self.language.phrases["always"], {"then": then}))
        return sentence(fill(self.language.phrases["fired"], {"when": self.language.both(reasons), "then": then}))

    def _said(self, rule: Rule, bound: Bound, known: Known) -> str:
        """What the rule demanded of these facts, with the values that came out."""
        outcomes, _ = demands(rule, self.speaker.spec, bound, known)
        said = [self.speaker.outcome(outcome.name, outcome.arguments, outcome.reason) for outcome in outcomes]
        return self.language.both(said) or self.speaker.then(rule)

    def _not(self, rule: Rule) -> str:
        bound, known = self.explanation.nearest(rule).bound, self.explanation.known(rule)
        phrases = self.language.phrases
        if self.explanation.given_up(rule):
            reasons = [phrases["too many"]]
        elif self.explanation.earlier_row(rule):
            reasons = [phrases["earlier row"]]
        else:
            absent = self.explanation.absent(rule)
            reasons = [fill(phrases["none there"], {"many": self.speaker.many(name)}) for name in absent]
            for child in rule.when.children:
                if not self._is_about(child, absent):
                    reasons += self._missed(child, bound, known)
        text = self.language.both(reasons) or phrases["nothing asked"]
        return sentence(fill(phrases["not"], {"reasons": text}))

    @staticmethod
    def _is_about(part: Condition | Group, absent: tuple[str, ...]) -> bool:
        """Whether a condition cannot be judged because what it asks about is not there at all."""
        return isinstance(part, Condition) and isinstance(part.left, Path) and part.left.type in absent

    def _met(self, part: Condition | Group, bound: Bound, known: Known) -> list[str]:
        """What was met, in the order of words that follows *because*; of `any`, only what was."""
        if isinstance(part, Condition):
            return [self._with_values(part, bound, known)]
        if part.kind == "none":
            return [self.speaker.when(part).when]
        children = [child for child in part.children if part.kind == "all" or holds(child, bound, known)]
        return [reason for child in children for reason in self._met(child, bound, known)]

    def _with_values(self, condition: Condition, bound: Bound, known: Known) -> str:
        """A condition that was met, with the values found where it does not say them itself."""
        text = self.speaker.when(condition).when
        _, (left, right, _) = verdict(condition, bound, known)
        says_it = condition.operator in ("is", "is missing") and not isinstance(condition.right, Path)
        if left is None or says_it or isinstance(left, bool):
            return text
        found = self._value(condition, left)
        if isinstance(condition.right, Path):
            if right is None or (condition.operator == "is" and not isinstance(right, tuple)):
                return f"{text} ({found})"
            found = fill(self.language.phrases["against"], {"left": found, "right": self._value(condition, right)})
        return f"{text} ({found})"

    def _missed(self, part: Condition | Group, bound: Bound, known: Known) -> list[str]:
        """What kept a part from being met, as sentences by themselves."""
        if isinstance(part, Condition):
            result, found = verdict(part, bound, known)
            return [] if result == MET else [self._failure(part, found)]
        if part.kind == "none":
            held = [child for child in part.children if holds(child, bound, known)]
            return [
                fill(self.language.phrases["forbidden"], {"alone": self.speaker.when(child).main}) for child in held
            ]
        if part.kind == "any" and holds(part, bound, known):
            return []
        return [reason for child in part.children for reason in self._missed(child, bound, known)]

    def _failure(self, condition: Condition, found: tuple[Right | None, Right | None, Right | None]) -> str:
        left, right, _ = found
        phrases = self.language.phrases
        meant = self._meant(condition)
        if left is None and meant is not None and condition.operator in ("is", "is not"):
            return fill(phrases["unknown whether"], {"when": meant.when})
        if isinstance(left, str | bool) and meant is not None and isinstance(condition.left, Path):
            state = self.speaker.state(condition.left, left)
            if state is not None:
                return state.main
        must = self.speaker.must(condition)
        if isinstance(condition.right, Path):
            shown = phrases["unknown value"] if right is None else self._value(condition, right)
            must = f"{must} ({shown})"
        return fill(phrases["but"], {"statement": self._state(condition, left), "must": must})

    def _meant(self, condition: Condition) -> Clause | None:
        """What a condition means in words of its own, when it compares with one word or truth value."""
        right = condition.right
        if not isinstance(condition.left, Path) or not isinstance(right, Literal) or isinstance(right, LiteralList):
            return None
        if isinstance(right.value, bool):
            return self.speaker.state(condition.left, right.value is (condition.operator == "is"))
        return self.speaker.when(condition) if self.speaker.state(condition.left, right.value) else None

    def _state(self, condition: Condition, left: Right | None) -> str:
        noun = self.speaker.noun(condition.left)
        if left is None:
            return fill(self.language.phrases["unknown"], {"left": noun})
        return fill(self.language.phrases["is"], {"left": noun, "value": self._value(condition, left)})

    def _value(self, condition: Condition, value: Right) -> str:
        of = self.speaker.type_of(condition.left)
        return self.speaker.value(value, of, str(condition.left), either=False)

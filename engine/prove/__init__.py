"""What can be said about a rule book for all orders at once, by a solver: contradictions, hidden rules, conflicts, gaps,
the rows of tables, and whether the invariants that people state hold.

`docs/decisions/0007-proofs.md` says what is claimed, what is not, and why that is sound.
"""

from engine.prove.findings import Finding, Note, Proofs
from engine.prove.prover import prove

__all__ = ["Finding", "Note", "Proofs", "prove"]

"""`make bench`: every figure with its floor beside it. `docs/performance.md` says what they mean."""

from __future__ import annotations

from bench import (
    adapters,
    checking,
    commands,
    events,
    explaining,
    imports,
    matching,
    peers,
    proofs,
    simulation,
    sourcing,
)


def main() -> None:
    """Run all measurements, one after the other."""
    for measurement in (checking, matching, explaining, peers, proofs, sourcing, simulation, events, commands, adapters, imports):
        measurement.main()


if __name__ == "__main__":
    main()

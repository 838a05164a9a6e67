"""What a simulation amounts to: the findings of all its slices as one result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from store.rule_job_models import RuleJob
from workers.rule_jobs.figures import added_up

SAMPLES = 5
"""Decisions shown of each group; all are listed page by page."""
LISTED = 50
GROUPS = 500
"""Rules shown at most; beyond it a book is another book altogether."""


def summed_up(parts: Sequence[Mapping[str, Any]], job: RuleJob) -> dict[str, Any]:
    """The result of a simulation. Changed decisions themselves stay in the parts; `pages` says how many are in each."""
    counts: Counter[str] = Counter()
    groups: dict[tuple[str, str, str], dict[str, Any]] = {}
    warnings: Counter[str] = Counter()
    errors: list[Any] = []
    changed_orders: set[str] = set()
    for number, part in enumerate(parts, 1):
        counts.update(part["counts"])
        warnings.update(part["warnings"])
        errors += part["errors"]
        for changed in part["changed"]:
            changed_orders.update([changed["order"]] if changed["order"] else [])
            _group(groups, {**changed, "part": number})
    total = sum(len(part["changed"]) for part in parts)
    largest = sorted(groups.values(), key=lambda group: (-group["count"], group["decision"], group["rule"], group["role"]))
    last = parts[-1]["state"] if parts else {}
    return {
        "before": last.get("before", ""),
        "after": job.texts_version,
        "since": last.get("since"),
        "until": last.get("until"),
        "counts": {**dict(counts), "changed": total, "changed_orders": len(changed_orders)},
        "groups": [{**group, "share": round(group["count"] / max(1, total), 4)} for group in largest[:GROUPS]],
        "figures": added_up([part["tally"] for part in parts]),
        "errors": errors[:LISTED],
        "warnings": [{"message": message, "count": count} for message, count in warnings.most_common(LISTED)],
        "pages": [len(part["changed"]) for part in parts],
    }


def _group(groups: dict[tuple[str, str, str], dict[str, Any]], changed: Mapping[str, Any]) -> None:
    for decision, rule, role in changed["causes"] or [("", "", "")]:
        group = groups.setdefault((decision, rule, role), {
            "decision": decision, "rule": rule, "role": role, "count": 0, "samples": [],
        })  # fmt: skip
        group["count"] += 1
        if len(group["samples"]) < SAMPLES:
            group["samples"].append(changed)

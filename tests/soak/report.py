# SPDX-License-Identifier: GPL-2.0-only
"""Tables of what scenarios gave, and their place in a page."""
import json
import pathlib
import statistics
import subprocess

from machine import TOP, Failed
from scenarios import SCENARIOS

TARGETS = {"median": 20000, "p99": 100000}  # microseconds, of the drivers
BEGIN, END = "<!-- restart figures -->", "<!-- end of restart figures -->"


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p / 100))]


def missed(scenario, blackouts):
    if not scenario.targets:
        return ""
    if not blackouts:
        return "no blackout was measured"
    late = [k for k, v in (("median", statistics.median(blackouts)), ("p99", percentile(blackouts, 99))) if v > TARGETS[k]]
    return "beyond the target: " + ", ".join(late) if late else ""


def judged(us, target):
    text = "%.1f ms" % (us / 1000)
    return text if target is None else text + (" yes" if us <= target else " **no**")


def table(results):
    lines = ["| | times | verified | wrong | blackout: median (target 20) | p99 (target 100) | longest |", "|---|---|---|---|---|---|---|"]
    for r in results:
        scenario, b = SCENARIOS[r["name"]], r["blackouts"]
        cells = ["", "", ""]
        if b:
            cells = [judged(statistics.median(b), TARGETS["median"] if scenario.targets else None),
                     judged(percentile(b, 99), TARGETS["p99"] if scenario.targets else None), judged(max(b), None)]
        wrong = "0" if not r["failed"] or r["failed"].startswith("beyond") else "**%s**" % r["failed"]
        title = scenario.title + (": " + r["words"] if r["words"] else "")
        lines.append("| %s | %s | %s | %s | %s |" % (title, format(r["kills"], ","), format(r["done"], ","), wrong, " | ".join(cells)))
    return lines

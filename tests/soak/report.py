# SPDX-License-Identifier: GPL-2.0-only
"""Tables of what scenarios gave, and their place in a page."""
import json
import pathlib
import statistics
import subprocess

from machine import TOP, Failed
from scenarios import READY, SCENARIOS

TARGETS = {"median": 20000, "p99": 100000}  # microseconds, of the drivers
ENOUGH = 100  # fewer deaths do not say much of 99 of 100
BEGIN, END = "<!-- restart figures -->", "<!-- end of restart figures -->"


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p / 100))]


def missed(scenario, blackouts):
    if not scenario.targets or 0 < len(blackouts) < ENOUGH:
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
        title = scenario.title + (" (death to ready)" if scenario.blackout == READY else "") + (": " + r["words"] if r["words"] else "")
        lines.append("| %s | %s | %s | %s | %s |" % (title, format(r["kills"], ","), format(r["done"], ","), wrong, " | ".join(cells)))
    return lines


def summary(result):
    """What a plot needs of a result: its blackouts at every half percent."""
    scenario, b = SCENARIOS[result["name"]], sorted(result["blackouts"])
    quantiles = [b[min(len(b) - 1, i * len(b) // 200)] for i in range(201)] if b else []
    title = scenario.title + (", to ready" if scenario.blackout == READY else "")
    return {"name": result["name"], "title": title, "targets": scenario.targets, "times": result["kills"], "us": quantiles}


def write(path, results):
    """The table into the page, what the plot needs beside it, and the plot."""
    page = pathlib.Path(path)
    text = page.read_text()
    if BEGIN not in text or END not in text:
        raise Failed("%s has no '%s' and '%s'" % (path, BEGIN, END))
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    seconds, clock = sum(r["seconds"] for r in results), results[0]["clock"]
    notes = ["Seed %d, %s clock, %d minutes of machines' time." % (results[0]["seed"], clock, seconds // 60), ""]
    page.write_text(text[:begin] + "\n\n" + "\n".join(notes + table(results)) + "\n\n" + text[end:])
    data = [json.dumps(summary(r)) for r in results if r["blackouts"]]
    (page.parent / "restart.json").write_text("[\n" + ",\n".join(data) + "\n]\n")
    subprocess.run([str(TOP / "tools/plot"), str(page.parent)], check=True)

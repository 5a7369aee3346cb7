"""The section of docs/results.md on parts that controllers trigger and read."""

from typing import Any

WORK = "100 ms of computing, ms"
COLUMNS = ("without an answer", "answered twice", "another number than Modbus")


def section(report: dict[str, Any]) -> list[str]:
    """Return the lines of the section."""
    share = f"{100 * report['within the deadline']:.1f} %"
    verdicts = ", ".join(f"{count} {name}" for name, count in report["verdicts"].items())
    load = report["load average"]
    lines = [
        "\n## Parts at a line, answered to controllers\n",
        f"{report['parts']} parts of {report['views']} views through `golden serve` "
        "(`make bench-controllers`): three virtual GenICam",
        "cameras, triggered by a Modbus coil. One after another a part takes "
        f"{report['milliseconds of a part, one after another']:.0f} ms; they come every",
        f"{report['milliseconds between parts']:.0f} ms, that is at 60 % load. Milliseconds are "
        "from the moment a part was due to its number at the receiver.\n",
        f"| receiver | {' | '.join(COLUMNS)} | median, ms | 95 % | 99 % | most |",
        f"|---|{'---|' * (len(COLUMNS) + 4)}",
    ]
    for name, row in report["receivers"].items():
        counts = " | ".join(str(row[column]) for column in COLUMNS)
        times = " | ".join(f"{value:.0f}" for value in row["milliseconds"].values())
        lines.append(f"| {name} | {counts} | {times} |")
    late, work = report["milliseconds of late answers from the trigger"], report[WORK]
    return [
        *lines,
        f"\nWithin the deadline of {report['deadline, ms']} ms from the trigger: {share}, of 99 % "
        f"that are asked for; {report['late']} parts were answered as late"
        + (f", {late['median']:.0f} ms after the trigger (median)." if report["late"] else "."),
        f"Records: {verdicts}. Triggers refused as busy, and given",
        f"again: {report['refused triggers']}.\n",
        f"What else the machine did is in these figures: load average {load[0]}, of "
        f"{report['cores']} cores; 100 ms of computing in a process beside",
        f"took {work['median']:.0f} ms (median), {work['95 %']:.0f} (95 %), {work['99 %']:.0f} "
        "(99 %).",
    ]

"""What commands there are, where, and what each is for."""

from goldensample.locales.language import mark

COMMANDS = {
    "fit": (
        "fit.command",
        mark("Learn from good pictures and write one .golden file that holds everything."),
    ),
    "audit": (
        "audit.command",
        mark(
            "Rank good pictures by how odd each is among the others, to find defects before "
            "fitting."
        ),
    ),
    "inspect": (
        "inspect.command",
        mark("Score pictures, find defects and say where they are."),
    ),
    "evaluate": (
        "evaluate.command",
        mark("Measure a fitted file on a data set with known defects."),
    ),
    "qualify": (
        "qualify.command",
        mark(
            "Write the paper of a release: what an inspection finds, what it costs, and how sure "
            "that is."
        ),
    ),
    "export": (
        "export.command",
        mark(
            "Write one model with everything in it: a decoded picture in, score and heat map out."
        ),
    ),
    "thresholds": (
        "thresholds.command",
        mark(
            "Show what each score limit would cost in false alarms and, with labelled pictures, "
            "in misses; or set one."
        ),
    ),
    "verify": (
        "verify.command",
        mark(
            "Compare a model's scores, heat maps and verdicts with the inspector's, picture by "
            "picture."
        ),
    ),
    "info": (
        "info.command",
        mark("Say what a .golden file holds, after checking all of it; or describe the package."),
    ),
    "learn": (
        "learning.learn",
        mark("Add good pictures to a file, without a new fit, or set its limits anew."),
    ),
    "forget": (
        "learning.forget",
        mark("Take out of a file what a picture brought in."),
    ),
    "regions": (
        "regions.command",
        mark(
            "Change what of every picture is looked at, and zones; without options all, by one "
            "limit."
        ),
    ),
    "teach-miss": (
        "teach_miss.command",
        mark("Show what excused a missed defect, and propose how to catch it, with the cost."),
    ),
    "history": (
        "history.command",
        mark("List the changes made to a file since its fit, the latest last."),
    ),
    "revert": (
        "learning.revert",
        mark("Bring a file back to what an earlier revision left; this can be undone, too."),
    ),
    "part": (
        "part.app",
        mark("Parts of several views: one verdict, with a promise for the part."),
    ),
    "bench": (
        "bench.command",
        mark(
            "Run the suites of the paper on your data, and write tables and figures beside its "
            "numbers."
        ),
    ),
    "serve": (
        "serve.command",
        mark("Open the inspection station: pages for people, an API for machines."),
    ),
    "replicas": (
        "replicas.command",
        mark("Answer the station's API to inspect a picture with many replicas; nothing is kept."),
    ),
    "demo": (
        "demo.command",
        mark("Render a line of parts, learn from the good ones, find the defects, write a report."),
    ),
    "doctor": (
        "doctor.command",
        mark(
            "Say what is installed, what is missing and how to get it; exit 1 where something is "
            "wrong."
        ),
    ),
    "cameras": (
        "cameras.command",
        mark("List GenICam cameras, and say step by step what keeps one from giving a picture."),
    ),
    "station": (
        "station.app",
        mark("A station's folder: back it up while it runs, and restore it."),
    ),
    "soak": (
        "soak.command",
        mark("Inspect pictures for hours; exit 1 if memory grows or inspecting gets slower."),
    ),
    "compare": (
        "compare.command",
        mark("Tell whether methods differ, from their scores of the same pictures."),
    ),
    "data": (
        "data.app",
        mark("Data sets: which layouts are read, and what is wrong with one."),
    ),
}
"""Each command's place in this wing, and the first paragraph of its help."""

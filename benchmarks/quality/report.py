"""The command report: FOLDER/report.html, which needs nothing beside it, and FOLDER/report.md with FOLDER/*.svg."""

import html
import json

from common import markdown, write_whole
from plots import PLOTS, draw
from tables import descriptions_table, models_table, pairs_table

STYLE = """body{font:14px/1.5 sans-serif;max-width:72em;margin:2em auto;padding:0 1em}
table{border-collapse:collapse;font-size:12px}th,td{padding:.15em .6em;border-bottom:1px solid #ddd;text-align:right}
th:first-child,td:first-child{text-align:left}svg{max-width:100%;height:auto}"""


def html_table(rows):
    head = "<tr>" + "".join(f"<th>{html.escape(c)}</th>" for c in rows[0]) + "</tr>"
    body = "".join("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>" for row in rows[1:])
    return f"<table>{head}{body}</table>"


def facts_of(found):
    """What was compared, how, and when."""
    seeds = f"{found['seeds']} seed{'s' if found['seeds'] != 1 else ''}"
    text = (
        f"{'world ' + found['world'] if 'world' in found else 'data ' + found['data']}; "
        f"learned: {found['objective']}; {found['train_lists']} training lists, {found['test_lists']} test lists, {seeds}; "
        f"{found['epochs']} epochs of {found['batch']} lists a step, learning rate {found['learning_rate']:g}, "
        f"weight decay {found['weight_decay']:g}; trained {' to '.join(sorted(set(found['trained'])))}. "
        "Intervals: 95 %, bootstrap over lists of the mean over seeds."
    )
    if "world" in found:
        text += " The world has interaction, interests and time decay by construction, so it favours models that "
        text += "look for them."
    return text


def pages(found):
    """The files of a report: name to content."""
    facts, metric = facts_of(found), found["metric"]
    tables = {"Paired differences": pairs_table(found), "The models": descriptions_table(found["descriptions"])}
    drawn = [(name, title, svg) for name, title, plot in PLOTS if (svg := draw(plot, found, metric))]
    page = [
        f"<!doctype html><meta charset=utf-8><title>psad-compare</title><style>{STYLE}</style>",
        f"<h1>psad-compare</h1><p>{html.escape(facts)}</p>",
        html_table(models_table(found)),
        *(f"<h2>{title}</h2>{svg}" for _, title, svg in drawn),
        *(f"<h2>{title}</h2>{html_table(rows)}" for title, rows in tables.items()),
    ]
    text = [
        f"# psad-compare\n\n{facts}\n",
        markdown(models_table(found)),
        *(f"\n## {title}\n\n![{title}]({name}.svg)" for name, title, _ in drawn),
        *(f"\n## {title}\n\n{markdown(rows)}" for title, rows in tables.items()),
    ]
    files = {f"{name}.svg": svg for name, _, svg in drawn}
    return files | {"report.html": "\n".join(page) + "\n", "report.md": "\n".join(text) + "\n"}


def run(options):
    text = options.json.read_text(encoding="utf-8")
    try:
        files = pages(json.loads(text))
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as problem:
        raise ValueError(f"{options.json}: found {problem!r}, wanted the JSON of psad-compare") from problem
    if options.json.resolve() in [(options.folder / name).resolve() for name in files]:
        raise ValueError(f"{options.folder}: found the figures in it under the name of a page, wanted another folder")
    options.folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        write_whole(options.folder / name, content)
    for name in {f"{plot}.svg" for plot, *_ in PLOTS} - files.keys():
        (options.folder / name).unlink(missing_ok=True)  # of an earlier report
    print(f"wrote {options.folder}/report.html")

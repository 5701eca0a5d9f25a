#!/usr/bin/env python3
"""bench/studies/permutations.py - what a study says of labels that mean nothing: rows of bench/results/studies.md.

Shuffles the labels of a config's outcome table among the labelled rows, cross-validates on them, and does so again
with other shuffles, each with a data.seed of its own. Where nothing that is fitted sees the rows held out, the mean
AUC is 1/2. With --leak the mistake is made on purpose: of each view only the COLUMNS are kept whose correlation with
the shuffled label is the largest over all rows, held-out rows included, before anything is split; [select] of the
config acts on what is left.

What stands behind -- goes to `equipoise cross-validate`: folds, repeats, seeds, a grid. Needs Python 3.11.
Usage: bench/studies/permutations.py CONFIG [--program build/cpu/equipoise] [--number 20] [--leak COLUMNS]
         [-- OPTION...]
"""
import argparse
import csv
import json
import math
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def write(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def shuffled(outcome, label, seed):
    """The outcome table with the labels that it has in another order; a row without one stays so."""
    at = outcome[0].index(label)
    known = [row for row in outcome[1:] if row[at]]
    labels = [row[at] for row in known]
    random.Random(seed).shuffle(labels)
    of = {id(row): value for row, value in zip(known, labels)}
    return [outcome[0]] + [row[:at] + [of.get(id(row), "")] + row[at + 1:] for row in outcome[1:]]


def correlation(values, labels):
    """|r| of a column with labels, over the rows that have both; 0 of a constant one."""
    pairs = [(float(v), l) for v, l in zip(values, labels) if v]
    if len({v for v, _ in pairs}) < 2 or len({l for _, l in pairs}) < 2:
        return 0.0
    return abs(statistics.correlation(*zip(*pairs)))


def leaked(view, key, label_of, columns):
    """The view with the columns alone that tell most of the label over all rows."""
    id_at = view[0].index(key)
    rows = [row for row in view[1:] if row[id_at] in label_of]
    labels = [label_of[row[id_at]] for row in rows]
    told = [(correlation([row[c] for row in rows], labels), -c) for c in range(len(view[0])) if c != id_at]
    kept = [id_at] + sorted(-c for _, c in sorted(told)[-columns:])
    return [[row[c] for c in kept] for row in view]


def study_auc(arguments, data, seed, folder):
    outcome = shuffled(read(data["outcome"]), data["label"], seed)
    write(folder / "outcome.csv", outcome)
    views = data["views"]
    if arguments.leak:
        key, at = outcome[0].index(data["id"]), outcome[0].index(data["label"])
        first = min(row[at] for row in outcome[1:] if row[at])
        label_of = {row[key]: float(row[at] != first) for row in outcome[1:] if row[at]}
        for number, view in enumerate(views):
            write(folder / f"view{number}.csv", leaked(read(view), data["id"], label_of, arguments.leak))
        views = [folder / f"view{number}.csv" for number in range(len(views))]
    done = subprocess.run([arguments.program, "cross-validate", arguments.config, "--out", folder / "study", "--quiet",
                           "--device", "cpu", "--set", f"data.seed={seed}",
                           "--set", f"data.outcome={folder / 'outcome.csv'}",
                           "--set", f"data.views={json.dumps([str(view) for view in views])}",
                           *arguments.options], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr or f"cross-validate ended with {done.returncode}")
    figures = json.loads((folder / "study" / "summary.json").read_text())["held_out"]
    return figures["auc"]["mean"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=pathlib.Path)
    parser.add_argument("--program", default=str(ROOT / "build/cpu/equipoise"))
    parser.add_argument("--number", type=int, default=20, help="shuffles; default: 20")
    parser.add_argument("--leak", type=int, default=0, metavar="COLUMNS",
                        help="of each view, chosen by all rows; default: no such choice")
    words = sys.argv[1:]
    end = words.index("--") if "--" in words else len(words)
    arguments = parser.parse_args(words[:end])
    arguments.options = words[end + 1:]
    data = {"id": "id", "label": "label"} | tomllib.loads(arguments.config.read_text())["data"]
    beside = arguments.config.resolve().parent
    data["views"] = [beside / view for view in data["views"]]
    data["outcome"] = beside / data["outcome"]
    aucs = []
    for seed in range(1, arguments.number + 1):
        with tempfile.TemporaryDirectory() as folder:
            aucs.append(study_auc(arguments, data, seed, pathlib.Path(folder)))
        print(f"shuffle {seed}: {aucs[-1]:.4f}", flush=True)
    error = statistics.stdev(aucs) / math.sqrt(len(aucs)) if len(aucs) > 1 else math.nan
    mean = statistics.mean(aucs)
    print(f"mean {mean:.4f}, standard error {error:.4f}, {(mean - 0.5) / error:+.1f} standard errors from 1/2")


if __name__ == "__main__":
    main()

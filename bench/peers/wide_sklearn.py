#!/usr/bin/env python3
"""bench/peers/wide_sklearn.py - logistic regression with a ridge on the wide tables of tools/selection-table: the peer of
bench/results/selection.md. Needs numpy, pandas and scikit-learn.

The same tables and the same split of each seed, which the program writes; the strength of the ridge is the one of nine
with the best AUC on the validation rows. Once with all columns, once with the 40 of the largest F on the training rows,
and once with the 40 of the largest F on all rows, test rows included: the mistake that selection inside the fit excludes.
Usage: bench/peers/wide_sklearn.py [--program build/cpu/equipoise] [--seeds 5]
"""
import argparse
import pathlib
import statistics
import subprocess
import sys
import tempfile

import numpy as np
import pandas as pd
from sklearn.feature_selection import f_classif
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
STRENGTHS = [10.0 ** e for e in range(-6, 3)]
KEPT = 40


def rows(program, seed, folder):
    """Features, labels and parts of one seed's tables."""
    subprocess.run([sys.executable, ROOT / "tests/data/make_wide_tables.py", folder, "--seed", str(seed)], check=True)
    tables = [folder / name for name in ("before.csv", "after.csv", "outcome.csv")]
    config = subprocess.run([program, "init", "mldrl", "--from", *tables], check=True, capture_output=True).stdout
    (folder / "c.toml").write_bytes(config)
    subprocess.run([program, "train", folder / "c.toml", "--out", folder / "run", "--device", "cpu", "--set",
                    f"data.seed={seed}", "--set", "train.epochs=1"], check=True, capture_output=True)
    split = pd.read_csv(folder / "run/split.csv", index_col="id")["fold"]
    views = [pd.read_csv(table, index_col="id").loc[split.index] for table in tables[:2]]
    label = pd.read_csv(tables[2], index_col="id")["label"].loc[split.index].to_numpy()
    return np.hstack([view.to_numpy() for view in views]), label, split.to_numpy()


def test_auc(x, y, fold):
    train, validation, test = fold == "train", fold == "validation", fold == "test"
    x = StandardScaler().fit(x[train]).transform(x)
    models = [LogisticRegression(C=c, max_iter=5000).fit(x[train], y[train]) for c in STRENGTHS]
    best = max(models, key=lambda m: roc_auc_score(y[validation], m.decision_function(x[validation])))
    return roc_auc_score(y[test], best.decision_function(x[test]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=str(ROOT / "build/cpu/equipoise"))
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    aucs = {"all columns": [], "40 by F, training rows": [], "40 by F, all rows (wrong)": [],
            "40 by F, all rows (wrong), labels shuffled": []}
    for seed in range(1, arguments.seeds + 1):
        with tempfile.TemporaryDirectory() as folder:
            x, y, fold = rows(arguments.program, seed, pathlib.Path(folder))
        best = lambda of, to: np.argsort(-f_classif(x[of], to[of])[0], kind="stable")[:KEPT]
        shuffled = np.random.default_rng(seed).permutation(y)
        every = np.full(len(y), True)
        for name, columns, label in (("all columns", slice(None), y),
                                     ("40 by F, training rows", best(fold == "train", y), y),
                                     ("40 by F, all rows (wrong)", best(every, y), y),
                                     ("40 by F, all rows (wrong), labels shuffled", best(every, shuffled), shuffled)):
            aucs[name].append(test_auc(x[:, columns], label, fold))
    for name, of in aucs.items():
        print(f"| {name} | " + " | ".join(f"{a:.3f}" for a in of) + f" | **{statistics.mean(of):.3f}** |")


if __name__ == "__main__":
    main()

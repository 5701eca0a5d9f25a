#!/usr/bin/env python3
"""bench/peers/study_sklearn.py - logistic regression with a ridge by the folds of a study: the peer of
bench/results/studies.md. Needs numpy, pandas and scikit-learn.

Takes the folder that `equipoise cross-validate` wrote: splits.csv says which rows each fold holds out, config.toml
where the tables are. All columns of all views, which must be numbers. Each column's median, mean and standard
deviation come from the training rows alone, and the strength of the ridge is the one of eight with the best mean AUC
in five inner folds of them. Rows of the fold `train` have no label and are left out. Prints the AUC of each repeat, a
mean over its folds, beside that of the study's predictions.csv, and the corrected resampled t-test of the difference
over all folds (Nadeau and Bengio), with as many rows held out as splits.csv says.
Usage: bench/peers/study_sklearn.py STUDY [--repeats N]
"""
import argparse
import math
import pathlib
import statistics
import tomllib

import numpy as np
import pandas as pd
from scipy.stats import t as student
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

STRENGTHS = [10.0 ** e for e in range(-5, 3)]
INNER_FOLDS = 5


def tables(study):
    """Features [ids, columns of all views] and labels, of the patients whom all tables know."""
    data = tomllib.loads((study / "config.toml").read_text())["data"]
    views = [pd.read_csv(view, index_col=data["id"]) for view in data["views"]]
    label = pd.read_csv(data["outcome"], index_col=data["id"])[data["label"]]
    return pd.concat(views, axis=1, join="inner", keys=range(len(views))), label


def held_out_auc(x, y, held_out, repeat):
    steps = make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), LogisticRegression(max_iter=2000))
    inner = StratifiedKFold(INNER_FOLDS, shuffle=True, random_state=repeat)
    search = GridSearchCV(steps, {"logisticregression__C": STRENGTHS}, scoring="roc_auc", cv=inner)
    search.fit(x[~held_out], y[~held_out])
    return roc_auc_score(y[held_out], search.decision_function(x[held_out]))


def said_auc(predictions, repeat, fold):
    """AUC of what the study said of these held-out rows."""
    of = predictions[(predictions["repeat"] == repeat) & (predictions["fold"] == fold)]
    positive = [c for c in of.columns if c.startswith("probability_") and not c.endswith("_sd")][-1]
    return roc_auc_score(of["label"], of[positive])


def told(name, aucs):
    spread = statistics.stdev(aucs) if len(aucs) > 1 else math.nan
    print(f"{name}: mean {statistics.mean(aucs):.4f}, sd {spread:.4f}, {min(aucs):.4f} to {max(aucs):.4f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=pathlib.Path)
    parser.add_argument("--repeats", type=int, help="the first N of the study's; default: all")
    arguments = parser.parse_args()
    features, label = tables(arguments.study)
    splits = pd.read_csv(arguments.study / "splits.csv", dtype={"fold": str})
    predictions = pd.read_csv(arguments.study / "predictions.csv", dtype={"fold": str})
    peers, ours, differences, shares = [], [], [], []
    for repeat, of in list(splits[splits["fold"] != "train"].groupby("repeat"))[:arguments.repeats]:
        x = features.loc[of["id"]].to_numpy(dtype=float)
        y = label.loc[of["id"]].to_numpy(dtype=int)
        assert np.isin(y, (0, 1)).all(), "a row of a fold has no label"
        folds = of["fold"].to_numpy()
        names = sorted(set(folds))
        peer = [held_out_auc(x, y, folds == fold, repeat) for fold in names]
        study = [said_auc(predictions, repeat, fold) for fold in names]
        peers.append(statistics.mean(peer))
        ours.append(statistics.mean(study))
        differences += [a - b for a, b in zip(study, peer)]
        shares += [np.mean(folds == fold) / np.mean(folds != fold) for fold in names]
        print(f"repeat {repeat}: logistic regression {peers[-1]:.4f}, study {ours[-1]:.4f}", flush=True)
    told("logistic regression", peers)
    told("study", ours)
    many = len(differences)
    error = statistics.stdev(differences) * math.sqrt(1 / many + statistics.mean(shares))
    mean, reach = statistics.mean(differences), student.ppf(0.975, many - 1) * error
    p = 2 * student.sf(abs(mean) / error, many - 1)
    print(f"study less logistic regression: {mean:+.4f}, 95 % {mean - reach:+.4f} to {mean + reach:+.4f}, p = {p:.3f}")


if __name__ == "__main__":
    main()

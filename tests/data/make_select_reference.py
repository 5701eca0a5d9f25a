#!/usr/bin/env python3
"""tests/data/make_select_reference.py - scores of columns as NumPy, pandas and scikit-learn compute them, for the tests
of host/data/select: prints select_reference.csv (case, method, column, score).

Cases, all rows of tools/demo-data: `breast` (mean.csv, its label), `stage` (pbcseq before.csv, its column stage),
`days` (pbcseq before.csv, time_days of its outcome). Missing values become the column's median. A column that the walk
by correlation leaves out has no line.
"""
import itertools
import pathlib

import numpy as np
import pandas as pd
from sklearn.feature_selection import f_classif, f_regression
from sklearn.metrics import roc_auc_score

DEMO = pathlib.Path(__file__).resolve().parent.parent.parent / "tools/demo-data"
MOST = 0.9


def table(path):
    read = pd.read_csv(DEMO / path, index_col="id").sort_index()
    return read


def put(case, method, columns, scores):
    for column, score in zip(columns, scores):
        print(f"{case},{method},{column},{float(score)!r}")


def area(values, classes):
    """Mean over pairs of classes of the larger of A and 1 - A."""
    areas = []
    for one, other in itertools.combinations(sorted(set(classes)), 2):
        both = (classes == one) | (classes == other)
        a = roc_auc_score(classes[both] == other, values[both])
        areas.append(max(a, 1 - a))
    return np.mean(areas)


def walk(features):
    """Columns in their order; one that correlates with a kept one above MOST is left out."""
    r = np.abs(np.corrcoef(features.to_numpy(), rowvar=False))
    kept, scores = [], []
    for column in range(features.shape[1]):
        largest = max((r[column, k] for k in kept), default=0.0)
        if largest <= MOST:
            kept.append(column)
            scores.append(largest)
    return [features.columns[k] for k in kept], scores


def main():
    print("case,method,column,score")
    breast, before, days = table("breast_cancer/mean.csv"), table("pbcseq/before.csv"), table("pbcseq/outcome.csv")
    label = table("breast_cancer/outcome.csv")["label"].loc[breast.index].to_numpy()
    before = before.fillna(before.median())
    cases = {"breast": (breast, label), "stage": (before.drop(columns="stage"), before["stage"].to_numpy())}
    for case, (features, classes) in cases.items():
        put(case, "variance", features.columns, np.var(features.to_numpy(), axis=0))
        put(case, "anova", features.columns, f_classif(features.to_numpy(), classes)[0])
        put(case, "auc", features.columns, [area(features[c].to_numpy(), classes) for c in features.columns])
        put(case, "correlation", *walk(features))
    target = days["time_days"].loc[before.index].to_numpy()
    put("days", "anova", before.columns, f_regression(before.to_numpy(), target)[0])


if __name__ == "__main__":
    main()

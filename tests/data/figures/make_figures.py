"""Makes answers.csv, invented answers of 300 rows with many ties and missing truths, and figures.json: what scikit-learn
and NumPy say of them.   make_figures.py (needs scikit-learn; made with 1.9.1 and NumPy 2.4.6)

Columns: label and p (probability of class 1, in tenths), stage and s0..s2 (probabilities of three classes), stay and
stay_said, visits and visits_said (an expected count). An empty cell is missing. The decision is class 1 from .5, and
from Youden's point, on: of the thresholds that are observed the one with the largest tpr - fpr, of equal ones the
largest."""
import csv
import json

import numpy as np
from sklearn import metrics

random = np.random.default_rng(20)
n = 300
label = random.integers(0, 2, n).astype(float)
p = np.clip(np.round((0.25 * label + 0.75 * random.random(n)), 1), 0, 1)
stage = random.integers(0, 3, n).astype(float)
weights = np.round(random.random((n, 3)) + 0.6 * np.eye(3)[stage.astype(int)], 1) + 0.1
s = weights / weights.sum(1, keepdims=True)
stay = np.round(random.normal(10, 3, n), 2)
stay_said = np.round(stay + random.normal(0.5, 2, n), 2)
visits = random.poisson(2.5, n).astype(float)
visits_said = np.round(np.exp(random.normal(0.9, 0.4, n)), 3)
for truth, share in ((label, 0.1), (stage, 0.2), (stay, 0.15), (visits, 0.05)):
    truth[random.random(n) < share] = np.nan

with open("answers.csv", "w", newline="") as file:
    table = csv.writer(file, lineterminator="\n")
    table.writerow(["label", "p", "stage", "s0", "s1", "s2", "stay", "stay_said", "visits", "visits_said"])
    for i in range(n):
        row = [label[i], p[i], stage[i], *s[i], stay[i], stay_said[i], visits[i], visits_said[i]]
        table.writerow(["" if np.isnan(x) else repr(float(x)) for x in row])

k = ~np.isnan(label)
y, q = label[k].astype(int), p[k]
fpr, tpr, thresholds = metrics.roc_curve(y, q, drop_intermediate=False)
best = np.flatnonzero(np.isclose(tpr - fpr, (tpr - fpr).max(), rtol=0, atol=1e-12))[0]  # falling: the first is the largest
point = float(thresholds[best])
called = lambda threshold: (q >= threshold).astype(int)
rates = lambda threshold: {"accuracy": metrics.accuracy_score(y, called(threshold)),
                           "sensitivity": metrics.recall_score(y, called(threshold)),
                           "specificity": metrics.recall_score(y, called(threshold), pos_label=0)}
figures = {"auc": metrics.roc_auc_score(y, q), "youden": point, "at_half": rates(0.5), "at_youden": rates(point)}
k = ~np.isnan(stage)
figures["stage.auc"] = metrics.roc_auc_score(stage[k].astype(int), s[k], multi_class="ovr", average="macro")
figures["stage.accuracy"] = metrics.accuracy_score(stage[k].astype(int), s[k].argmax(1))
k = ~np.isnan(stay)
figures["stay.mse"] = metrics.mean_squared_error(stay[k], stay_said[k])
figures["stay.r2"] = metrics.r2_score(stay[k], stay_said[k])
k = ~np.isnan(visits)
figures["visits.deviance"] = metrics.mean_poisson_deviance(visits[k], visits_said[k])
figures["visits.mae"] = metrics.mean_absolute_error(visits[k], visits_said[k])
figures["visits.d2"] = metrics.d2_tweedie_score(visits[k], visits_said[k], power=1)
json.dump(figures, open("figures.json", "w"), indent=1, default=float)

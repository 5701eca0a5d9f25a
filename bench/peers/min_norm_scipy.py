#!/usr/bin/env python3
# bench/peers/min_norm_scipy.py - min-norm problems solved by SciPy and quadprog, timed: the peers of our solver.
"""Solves the problems that min_norm_bench --write left in a folder, one call each as a Python user writes it:

  nnls      scipy.optimize.nnls on the Cholesky factor: G = LL', min |L'y - L^-1 1| over y >= 0, w = y / sum y
  SLSQP     scipy.optimize.minimize with gradient, bounds and the sum as a constraint
  quadprog  quadprog.solve_qp, where it can be imported

Prints microseconds a problem (median and quartiles of the rounds) and the worst gap
max_i (w'Gw - (Gw)_i) / max(w'Gw, sum_j |G_ij| w_j); weights that are not on the simplex are put there first."""

import argparse
import re
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import scipy
from scipy import linalg, optimize

try:
    import quadprog
except ImportError:
    quadprog = None


def by_nnls(gram):
    upper = linalg.cholesky(gram, lower=False, check_finite=False)
    right = linalg.solve_triangular(upper, np.ones(len(gram)), trans="T", check_finite=False)
    y, _ = optimize.nnls(upper, right)
    return y / y.sum()


def by_slsqp(gram):
    k = len(gram)
    ones = np.ones(k)
    solved = optimize.minimize(
        lambda w: 0.5 * w @ gram @ w,
        ones / k,
        jac=lambda w: gram @ w,
        bounds=[(0.0, 1.0)] * k,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1.0, "jac": lambda w: ones},
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 500},
    )
    return solved.x


def by_quadprog(gram):
    k = len(gram)
    return quadprog.solve_qp(gram, np.zeros(k), np.column_stack([np.ones(k), np.eye(k)]), np.eye(k + 1)[0], 1)[0]


def gap(gram, weights):
    g, w = gram.astype(np.longdouble), np.maximum(weights, 0).astype(np.longdouble)
    w /= w.sum()
    rows = g @ w
    value = w @ rows
    return float(np.max((value - rows) / np.maximum(value, np.abs(g) @ w)))


def measure(name, solve, grams, rounds):
    worst = max(gap(gram, solve(gram)) for gram in grams)  # warms up, too
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        for gram in grams:
            solve(gram)
        taken.append(1e6 * (time.perf_counter() - start) / len(grams))
    quartiles = statistics.quantiles(taken, n=4, method="inclusive")
    print(f"  {name:<26} {quartiles[1]:>9.2f} {quartiles[0]:>9.2f} {quartiles[2]:>9.2f} {worst:>10.1e}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where min_norm_bench --write left its problems")
    parser.add_argument("--problems", type=int, default=300, help="of each size that are solved (default 300)")
    parser.add_argument("--rounds", type=int, default=5, help="timed passes over them (default 5)")
    options = parser.parse_args()
    if options.problems < 1 or options.rounds < 2:
        parser.error("--problems must be at least 1 and --rounds at least 2")
    files = {int(re.search(r"K(\d+)", f.name)[1]): f for f in options.folder.glob("gram_K*.f64")}
    if not files:
        print(f"min_norm_scipy.py: {options.folder} holds no gram_K*.f64; run min_norm_bench --write there", file=sys.stderr)
        return 1
    peers = {"nnls": by_nnls, "SLSQP": by_slsqp}
    if quadprog:
        peers["quadprog"] = by_quadprog
    print(f"SciPy {scipy.__version__}, {'quadprog' if quadprog else 'no quadprog here'}: medians and quartiles of "
          f"microseconds a problem\n  {'':<26} {'us':>9} {'quartile':>9} {'quartile':>9} {'worst gap':>10}")
    for k, file in sorted(files.items()):
        grams = np.fromfile(file, count=options.problems * k * k).reshape(-1, k, k)
        print(f"{k} tasks")
        for name, solve in peers.items():
            measure(name, solve, grams, options.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())

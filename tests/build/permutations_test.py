"""tests/build/permutations_test.py - what bench/studies/permutations.py does to tables, worked out by hand, and what it
finds: studies of labels that mean nothing find nothing, and columns chosen by all rows are found out.

  permutations_test.py SOURCE_DIR PROGRAM
"""

import importlib.util
import re
import subprocess
import sys
import unittest
from pathlib import Path

SOURCE, PROGRAM = sys.argv[1], sys.argv[2]
SCRIPT = Path(SOURCE) / "bench/studies/permutations.py"
sys.dont_write_bytecode = True
spec = importlib.util.spec_from_file_location("permutations", SCRIPT)
permutations = importlib.util.module_from_spec(spec)
spec.loader.exec_module(permutations)

STUDY = ["--folds", "5", "--grid", "optimizer.lr=1e-3,3e-3", "--set", "train.epochs=60", "--set", "train.patience=20"]


class Tables(unittest.TestCase):
    def test_shuffling_keeps_the_labels_and_the_rows_without_one(self):
        outcome = [["id", "label", "stay"]]
        outcome += [[f"p{i}", "" if i % 7 == 0 else str(i % 3 // 2), str(i)] for i in range(50)]
        one, other = permutations.shuffled(outcome, "label", 1), permutations.shuffled(outcome, "label", 2)
        for table in (one, other):
            self.assertEqual(sorted(row[1] for row in table), sorted(row[1] for row in outcome))
            self.assertEqual([[r[0], r[2], r[1] == ""] for r in table], [[r[0], r[2], r[1] == ""] for r in outcome])
            self.assertNotEqual(table, outcome)
        self.assertNotEqual(one, other)
        self.assertEqual(one, permutations.shuffled(outcome, "label", 1))

    def test_correlation_is_that_worked_out_by_hand(self):
        # Means 2.5 and 1/2; products of deviations 1.5 / 2 + .5 / 2 + .5 / 2 + 1.5 / 2 = 2 over sqrt(5 * 1).
        self.assertAlmostEqual(permutations.correlation(["1", "2", "", "3", "4"], [0, 0, 1, 1, 1]), 2 / 5**0.5)
        self.assertAlmostEqual(permutations.correlation(["4", "3", "2", "1"], [0, 0, 1, 1]), 2 / 5**0.5)
        self.assertEqual(permutations.correlation(["2", "2", ""], [0, 1, 1]), 0)

    def test_the_columns_that_tell_most_of_all_rows_are_kept_in_their_order(self):
        view = [["id", "a", "b", "c"], *([f"p{i}", str(i % 5), str(i), str(-i)] for i in range(10)), ["q", 9, 9, 9]]
        labels = {f"p{i}": float(i > 4) for i in range(10)}
        self.assertEqual(permutations.leaked(view, "id", labels, 1)[0], ["id", "b"])
        kept = permutations.leaked(view, "id", labels, 2)
        self.assertEqual(kept[0], ["id", "b", "c"])
        self.assertEqual(kept[3], ["p2", "2", "-2"])
        self.assertEqual(len(kept), len(view))


class Studies(unittest.TestCase):
    """Nested studies of the bundled breast_cancer on twenty shuffles. Bits, and so the figures, are always the same."""

    def standard_errors(self, *more):
        config = Path(SOURCE) / "tools/demo-data/breast_cancer.toml"
        done = subprocess.run([sys.executable, "-B", SCRIPT, config, "--program", PROGRAM, *more, "--", *STUDY],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        aucs = [float(auc) for auc in re.findall(r"^shuffle \d+: ([\d.]+)$", done.stdout, re.M)]
        self.assertEqual(len(aucs), 20)
        mean = sum(aucs) / 20
        error = (sum((auc - mean) ** 2 for auc in aucs) / 19 / 20) ** 0.5
        told = float(re.search(r"([-+][\d.]+) standard errors from 1/2", done.stdout)[1])
        self.assertAlmostEqual(told, (mean - 0.5) / error, delta=0.1)
        return told

    def test_nothing_is_found_where_nothing_is(self):
        self.assertLess(abs(self.standard_errors()), 2)

    def test_a_leak_is_found(self):
        self.assertGreater(self.standard_errors("--leak", "3"), 2)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])

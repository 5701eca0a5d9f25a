"""tests/build/tables_test.py - the scripts that print tables of results print means, spreads and marks as worked out by
hand, of figures that a program invented for the purpose writes.

  tables_test.py SOURCE_DIR
"""

import importlib.machinery
import importlib.util
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import unittest
import warnings
from pathlib import Path

SOURCE = sys.argv[1]
sys.dont_write_bytecode = True
try:
    import numpy
except ImportError:
    numpy = None

# Stands in for equipoise: `figures` of plan.json, by a run's words, are what it finds.
STAND_IN = """#!PYTHON
import json, pathlib, sys
plan = json.loads((pathlib.Path(__file__).parent / "plan.json").read_text())
command, words = sys.argv[1], sys.argv[2:]
options = dict(zip(words, words[1:]))
settings = dict(w.split("=", 1) for w, before in zip(words[1:], words) if before == "--set")
if command == "init":
    print("made for", words[0])
    sys.exit()
if options["--device"] != "cpu":
    sys.exit("the tables are made on the CPU")
if command == "train":
    out = pathlib.Path(options["--out"])
    config = pathlib.Path(words[0])
    text = config.read_text()
    name = text.split()[2] if text.startswith("made for") else config.stem
    run = plan[" ".join([name, settings["data.seed"], settings.get("balance.methods", "")]).strip()]
    if run == "stops":
        sys.exit(7)
    for key, value in plan.get("settings", {}).items():
        if settings.get(key, "").replace("SEED", settings["data.seed"]) != value.replace("SEED", settings["data.seed"]):
            sys.exit(f"{key} is {settings.get(key)}")
    out.mkdir()
    for file, content in run.items():
        (out / file).write_text(content)
elif command == "evaluate":
    print(json.dumps(json.loads((pathlib.Path(words[0]) / "evaluate.json").read_text())[options["--split"]]))
elif command == "generate":
    pathlib.Path(options["--out"]).write_text((pathlib.Path(words[0]) / "generated.csv").read_text())
""".replace("PYTHON", sys.executable)


def load(tool):
    loader = importlib.machinery.SourceFileLoader(tool.replace("-", "_"), os.path.join(SOURCE, "tools", tool))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def table(tool, plan, *arguments, option="--program"):
    """Rows of cells that the tool prints, without the first two, when the program finds what the plan says."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "equipoise")
        program.write_text(STAND_IN, encoding="utf-8")
        program.chmod(0o755)
        Path(folder, "plan.json").write_text(json.dumps(plan), encoding="utf-8")
        words = ([option] if option else []) + [str(program), *arguments]
        done = subprocess.run([sys.executable, os.path.join(SOURCE, "tools", tool), *words], capture_output=True, text=True,
                              check=False)
    assert done.returncode == 0, done.stderr
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in done.stdout.splitlines()[2:]]


def finished(auc, epoch=1):
    return {"run.json": json.dumps({"best_validation": {"auc": auc}, "best_epoch": epoch})}


def metrics(epochs):
    """A run's metrics: the format, then a line an epoch."""
    return "\n".join(json.dumps(line) for line in [{"format": "some"}, *epochs]) + "\n"


class AucTable(unittest.TestCase):
    def test_prints_each_seed_their_mean_and_the_epochs(self):
        plan = {"settings": {"data.test": "0"}}
        for seed, (auc, epoch) in enumerate([(.7, 4), (.8, 9), (.75, 1), (.65, 12), (.62, 7)], 1):
            plan[f"breast_cancer {seed}"] = finished(auc, epoch)
            plan[f"pbcseq {seed}"] = finished(auc / 2, epoch)
        first, second = table("auc-table", plan, option=None)
        # 3.52 / 5
        self.assertEqual(first, ["breast_cancer", "0.7000", "0.8000", "0.7500", "0.6500", "0.6200", "**0.7040**",
                                 "4, 9, 1, 12, 7"])
        self.assertEqual(second[6], "**0.3520**")


class MethodTable(unittest.TestCase):
    EQUAL = [.70, .72, .74]  # mean 0.72, deviations of 0.02, 0, 0.02: standard deviation 0.02

    def rows(self, gains, seeds=3, control=None):
        control = control or self.EQUAL
        plan = {"settings": {"data.test": "0", "train.seed": "SEED", "balance.initial_weights": "[]"}}
        for config in ("breast_cancer", "pbcseq"):
            for seed in range(1, seeds + 1):
                plan[f'{config} {seed} ["equal"]'] = finished(control[seed - 1])
                for method, of_seeds in gains.items():
                    gain = of_seeds[seed - 1]
                    plan[f"{config} {seed} [{', '.join(json.dumps(m) for m in method.split('+'))}]"] = (
                        "stops" if gain is None else finished(control[seed - 1] + gain))
        return table("method-table", plan, "--seeds", str(seeds), "--jobs", "2", *gains)

    def test_prints_mean_and_spread_and_the_gain_on_equal_weights(self):
        equal, mgda, chain, worse, stopped = self.rows({
            "mgda": [.01, .02, .03],  # 0.02, standard deviation 0.01, standard error 0.01 / sqrt(3): t = 3.46
            "gradnorm+pcgrad": [.04, .03, .02],  # t = 5.20
            "uw": [-.04, -.03, -.02],
            "famo": [.01, None, None],
        })
        self.assertEqual(equal, ["equal", "0.7200 ± 0.0200", "", "0.7200 ± 0.0200", ""])
        # 0.71, 0.74, 0.77
        self.assertEqual(mgda, ["mgda"] + ["0.7400 ± 0.0300", "+0.0200 ± 0.0058"] * 2)
        # 0.74, 0.75, 0.76
        self.assertEqual(chain, ["gradnorm, then pcgrad"] + ["0.7500 ± 0.0100", "+0.0300 ± 0.0058 better"] * 2)
        self.assertEqual(worse[2], "-0.0300 ± 0.0058 worse")
        self.assertEqual(stopped, ["famo", "2 of 3 stopped", "", "2 of 3 stopped", ""])

    def test_marks_by_students_t_for_the_number_of_seeds(self):
        # Of 5: standard deviation sqrt(0.001 / 4), standard error 0.00707; 2.78 of them are 0.01966.
        about = lambda mean: [mean + d for d in (-.02, -.01, 0, .01, .02)]
        _, below, above = self.rows({"mgda": about(.0194), "uw": about(.0199)}, 5, [.7] * 5)
        self.assertEqual((below[2], above[2]), ("+0.0194 ± 0.0071", "+0.0199 ± 0.0071 better"))

    def test_knows_the_quantiles_of_students_t(self):
        # Two-sided 95 %, 1 to 9 degrees of freedom, as in the tables of any textbook.
        published = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262]
        student = load("method-table").STUDENT
        self.assertEqual(list(student), list(range(2, 11)))
        for number, quantile in zip(student.values(), published):
            self.assertAlmostEqual(number, quantile, delta=.0055)


class SystemsTable(unittest.TestCase):
    def test_takes_the_last_five_epochs_of_towers_and_the_rows_held_out(self):
        plan = {}
        for seed, shift in ((1, 0), (2, .02)):
            # The last five, both tasks: 0.1, 0.2, 0.3, 0.2, 0.2 and the same again, 0.2 on average.
            epochs = [{"train": {"losses": {"tower1": l + shift, "tower2": l + shift}}} for l in (9, 5, .1, .2, .3, .2, .2)]
            parts = {"test": {"tower1.mse": .10 + shift, "tower2.mse": .13 - shift}}
            plan[f"towers {seed}"] = {"metrics.jsonl": metrics(epochs), "evaluate.json": json.dumps(parts)}
        losses, held_out = table("systems-table", plan, "--seeds", "2", "--only", "towers")
        self.assertEqual(losses[2], "`init towers`, data.seed and train.seed 1 to 2")
        # Of two, the standard deviation is their distance over sqrt(2).
        self.assertEqual(losses[4], "0.210 ± 0.014 (0.200 to 0.220)")
        self.assertEqual(held_out[4], "0.110 ± 0.014 and 0.120 ± 0.014 (worst 0.130)")

    def trunk(self):
        """Three seeds; of the third, no gradient is measured from epoch 101 on."""
        sigmas = [48, 3, 54, 16, 9, 30, 52, 26, 47, 81]
        at_250 = [.878, .424, .889, .683, .576, .820, .881, .774, .864, .921]
        gram = lambda diagonal: [[d if i == k else 5 for i in range(10)] for k, d in enumerate(diagonal)]
        plan = {}
        for seed, first in ((1, .07), (2, .13), (3, .10)):
            errors = [[7.0] * 10 for _ in range(251)]
            errors[19] = [first] + [.1 * (k + 1) for k in range(1, 10)]
            errors[249] = [1 - p if seed == 3 else p + .02 * seed - .01 for p in at_250]
            silent = range(100, 251) if seed == 3 else [50]
            lines = [{"train": {"losses": {f"task{k}": v * sigmas[k] ** 2 for k, v in enumerate(e)}},
                      "gram": gram([0] * 10 if n in silent else [0] * 9 + [1])} for n, e in enumerate(errors)]
            plan[f"trunk {seed}"] = {"metrics.jsonl": metrics(lines),
                                     "run.json": json.dumps({"dead_layers": ["trunk.1", "trunk.2"] if seed == 3 else []})}
        return table("systems-table", plan, "--trunk-seeds", "3", "--only", "trunk")

    def test_ranks_the_tasks_of_trunk_beside_the_published_ones(self):
        # Ours rank 1 to 10; the published 7.5 1 7.5 3 2 4.5 7.5 4.5 7.5 10: 34.5 / sqrt(82.5 * 77). The first task is
        # the farthest, 0.07, 0.13 and 0.1 beside 0.99; its standard deviation is 0.03.
        self.assertEqual(self.trunk()[0][4], "0.100 0.200 0.300 0.400 0.500 0.600 0.700 0.800 0.900 1.000 (rank correlation "
                         "0.433, farthest 0.890, largest sd over seeds 0.030; nearest run: seed 2, 0.860)")

    def test_keeps_runs_of_trunk_apart_in_which_a_layer_died(self):
        _, died, others = self.trunk()
        self.assertEqual(died[2], "all measured gradients zero at the end: 1 of 3, seeds 3 (epoch 101, dead: trunk.1 trunk.2)")
        # Upside down; 0.079 beside 0.921.
        self.assertTrue(died[4].endswith("(rank correlation -1.000, farthest 0.842; nearest run: seed 3, 0.842)"), died)
        self.assertEqual(others[2], "gradients measured to the end: 2 of 3, seeds 1, 2")
        # 0.01 and 0.03 too large: 0.02, standard deviation 0.02 / sqrt(2).
        self.assertTrue(others[4].endswith("(rank correlation 1.000, farthest 0.020, largest sd over seeds 0.014; "
                                           "nearest run: seed 1, 0.010)"), others)


@unittest.skipUnless(numpy, "numpy is not installed")
class VaeganTable(unittest.TestCase):
    def test_compares_means_spreads_and_correlations(self):
        tool = load("vaegan-table")
        real = numpy.array([[0, 0, 5], [2, 0, 5], [0, 2, 5], [2, 2, 5.0]])  # means and deviations 1; one column constant
        made = numpy.array([[2, 3, 1], [4, 7, 9.0]])  # means 3 and 5, deviations 1 and 2, in step
        with warnings.catch_warnings():  # a single correlation has no correlation with another
            warnings.simplefilter("ignore")
            self.assertEqual([round(float(x), 12) for x in tool.likeness(made, real)[:3]], [3, 1.5, 1])
        x, y, z = [1, 2, 3, 4], [2, 1, 4, 5], [1, 4, 2, 2]
        rows = numpy.array([x, y, z], dtype=float).T
        a, b, c = statistics.correlation(x, y), statistics.correlation(x, z), statistics.correlation(y, z)
        turned = tool.likeness(rows * [1, 1, -1], rows)
        self.assertAlmostEqual(turned[2], (0 + 2 * abs(b) + 2 * abs(c)) / 3)
        self.assertAlmostEqual(turned[3], statistics.correlation([a, -b, -c], [a, b, c]))

    def test_fills_gaps_and_scales_errors_of_the_mean_as_the_run_did(self):
        with tempfile.TemporaryDirectory() as folder:
            run = Path(folder)
            run.joinpath("preprocess.json").write_text(json.dumps({"views": [{"median": [4], "mean": [2], "scale": [2]}]}))
            run.joinpath("split.csv").write_text("id,repeat,fold\na,0,train\nb,0,validation\nc,0,validation\nd,0,test\n")
            values, of_mean = load("vaegan-table").fill(["a", "b", "c", "d"], numpy.array([[9], [math.nan], [8], [0.0]]), run)
        self.assertEqual(values.tolist(), [[9], [4], [8], [0]])
        self.assertEqual(of_mean, [5, 1])  # ((2 / 2)^2 + (6 / 2)^2) / 2; (2 / 2)^2

    def epochs(self, last=(.5, .4, .6), loss=.7):
        line = lambda p, l: {"validation": {"discriminator_real": p}, "train": {"losses": {"discriminator": l}}}
        return [line([0, 0, 0], 0)] * 18 + [line([.5, .5, .5], .7), line(list(last), loss)]  # 20: the last two count

    def test_calls_a_run_collapsed_whose_discriminator_is_sure(self):
        tool = load("vaegan-table")
        for changes, collapsed in (({}, False), ({"last": [.96, .5, .5]}, True), ({"last": [.5, .04, .5]}, True),
                                   ({"loss": .09}, True), ({"last": [.94, .06, .5], "loss": .11}, False)):
            with self.subTest(changes=changes), tempfile.TemporaryDirectory() as folder:
                Path(folder, "metrics.jsonl").write_text(metrics(self.epochs(**changes)))
                p, found = tool.players(Path(folder))
                self.assertEqual(found, collapsed)
                if not changes:
                    self.assertEqual([round(float(x), 12) for x in p], [.5, .45, .55])

    def test_prints_means_and_spreads_over_seeds(self):
        with tempfile.TemporaryDirectory() as folder:
            real = Path(folder, "real.csv")
            real.write_text("id,x,y,z\n" + "".join(f"r{i},{x},{y},{z}\n" for i, (x, y, z) in
                                                   enumerate([(1, 2, 1), (2, 1, 4), (3, 4, 2), (4, 5, 2)])))
            run = {
                "preprocess.json": json.dumps({"views": [{"median": [0] * 3, "mean": [0] * 3, "scale": [1, 1, 1]}]}),
                "split.csv": "id,repeat,fold\nr0,0,train\nr1,0,train\nr2,0,validation\nr3,0,test\n",
                "metrics.jsonl": metrics(self.epochs()), "generated.csv": real.read_text()}
            plan = {f"vaegan {seed}": {**run, "evaluate.json": json.dumps({
                part: {"reconstruction_error": error} for part, error in zip(("validation", "test"), errors)})}
                for seed, errors in ((1, (2, 3)), (2, (4, 6)))}
            plan["vaegan 2"]["metrics.jsonl"] = metrics(self.epochs(loss=.01))
            ours, _ = table("vaegan-table", plan, "--seeds", "2", str(real), str(real))
        # The mean's errors are (9 + 16 + 4) / 3 and (16 + 25 + 4) / 3; 4 of 9.67 is the worst share.
        self.assertEqual(ours[1:8], ["2", "3.000 ± 1.414", "4.500 ± 2.121", "9.667 ± 0.000", "15.000 ± 0.000", "0.41",
                                     "0.000 ± 0.000"])
        self.assertEqual(ours[8:], ["1.000 ± 0.000", "0.000 ± 0.000", "1.000 ± 0.000", "0.50, 0.45, 0.55", "1 of 2"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)

"""tests/build/manifest_test.py - manifests of GPU checks have their form, and the check of the form finds what is wrong.

  manifest_test.py SOURCE_DIR
"""

import contextlib
import copy
import glob
import importlib.machinery
import importlib.util
import io
import json
import os
import sys
import tempfile
import unittest
from pathlib import Path

SOURCE = sys.argv[1]
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(SOURCE, "tools"))
from gpu_manifest import manifest_problems  # noqa: E402


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def sample():
    return read(os.path.join(SOURCE, "tests", "data", "manifests", "good.json"))


class Results(unittest.TestCase):
    def test_in_the_repository_have_the_form(self):
        for path in sorted(glob.glob(os.path.join(SOURCE, "bench", "results", "*.json"))):
            with self.subTest(path=path):
                self.assertEqual(manifest_problems(read(path)), [])


class Form(unittest.TestCase):
    def test_accepts_a_good_manifest(self):
        self.assertEqual(manifest_problems(sample()), [])

    def test_finds_each_planted_mistake(self):
        lane = lambda m, name: next(l for l in m["lanes"] if l["name"] == name)
        mistakes = {
            "another format": lambda m: m.update(format="something else"),
            "a commit that is none": lambda m: m.update(commit="HEAD"),
            "no hash of the sources": lambda m: m.pop("sources_sha256"),
            "a time without a zone": lambda m: m.update(started="2026-01-01T00:00:00"),
            "an end before the start": lambda m: m.update(written="2001-01-01T00:00:00+00:00"),
            "no word on uncommitted changes": lambda m: m.pop("uncommitted_changes"),
            "no word on the device": lambda m: m.pop("device"),
            "a device without a driver": lambda m: m["device"].pop("driver"),
            "results without a device": lambda m: m.update(device=None),
            "a lane left out": lambda m: m["lanes"].pop(),
            "lanes out of order": lambda m: m["lanes"].reverse(),
            "an unknown outcome": lambda m: lane(m, "tests").update(outcome="ok"),
            "a failure without a reason": lambda m: lane(m, "tests").update(outcome="fail"),
            "a lane without seconds": lambda m: lane(m, "tests").pop("seconds"),
            "a pass with a failed test": lambda m: lane(m, "tests")["tests"][0].update(outcome="fail", reason="wrong"),
            "a skipped test without a reason": lambda m: lane(m, "tests")["tests"][0].update(outcome="skipped"),
            "a test without a name": lambda m: lane(m, "tests")["tests"][0].pop("name"),
            "a pass without tests": lambda m: lane(m, "tests").pop("tests"),
            "unequal hashes": lambda m: lane(m, "hashes")["hashes"][0].update(device="0" * 64),
            "a pass without hashes": lambda m: lane(m, "hashes").update(hashes=[]),
            "half a hash": lambda m: lane(m, "hashes")["hashes"][0].update(cpu="abc"),
            "a wrong kernel not caught": lambda m: lane(m, "hashes").pop("caught"),
            "a race not caught": lambda m: lane(m, "racecheck").update(caught=[]),
            "another fault caught": lambda m: lane(m, "memcheck").update(caught=["race"]),
            "a pass without figures": lambda m: lane(m, "benchmarks").pop("figures"),
            "a median outside its quartiles": lambda m: lane(m, "benchmarks")["figures"][0].update(median=1e9),
            "a figure without a spread": lambda m: lane(m, "benchmarks")["figures"][0].pop("quartiles"),
            "a figure that is not a number": lambda m: lane(m, "benchmarks")["figures"][0].update(median=float("nan")),
            "a figure without a unit": lambda m: lane(m, "benchmarks")["figures"][0].pop("unit"),
            "a pass without steps": lambda m: lane(m, "phases").pop("steps"),
            "a step without phases": lambda m: lane(m, "phases")["steps"][0].update(phases=[]),
            "a phase that was not modelled": lambda m: lane(m, "phases")["steps"][0]["phases"][0].pop("modelled"),
            "a phase that takes no time": lambda m: lane(m, "phases")["steps"][0]["phases"][1].update(measured=0),
            "a step without a time": lambda m: lane(m, "phases")["steps"][0].pop("us"),
            "a list where an object belongs": lambda m: m["lanes"].__setitem__(0, []),
        }
        for name, plant in mistakes.items():
            with self.subTest(mistake=name):
                manifest = copy.deepcopy(sample())
                plant(manifest)
                self.assertNotEqual(manifest_problems(manifest), [])
        self.assertNotEqual(manifest_problems([]), [])


STAND_INS = {
    "describe_device": """echo '{"name": "stand-in", "compute": "9.0", "driver_cuda": "13.0"}'""",
    "cuda_tests": """cat > "${1#*xml:}" <<'END'
<testsuites><testsuite name="S"><testcase name="A" status="run" classname="S"><properties>
<property name="cpu_hash" value="HASH"/><property name="device_hash" value="HASH"/></properties></testcase>
<testcase name="B" status="run" classname="S"><skipped message="no second device"/></testcase></testsuite></testsuites>
END""".replace("HASH", "ab" * 32),
    "planted_faults": """[ "$1" != wrong_result ]""",
    "population_bench": """echo '{"populations": [{"replicas": 1, "replica_steps_per_second": 5.0, "quartiles": [4, 6]}]}'""",
    "step_bench": """echo '{"device": "cpu, 1 thread", "median_ms": 2.0, "quartiles_ms": [1.0, 3.0]}'""",
    "min_norm_device_bench": """printf 'a device: medians\\n  %-26s %9s\\n8 tasks\\n' '' us
printf '  %-26s %9.4f %9.4f %9.4f %10s\\n' alone 2.5 2.25 3 1e-16""",
    "gram_batch_bench": """printf '2 x [3, 40]\\n  %-26s %9.4f %9.4f %9.4f %9.1f\\n' 'cuBLAS gemm, float32' 0.5 0.25 0.75 90.5""",
    "gpu_model": """[ "$1" = --phases ] && [ -n "$EQUIPOISE_PTX" ] && printf 'a step\\t100\\t50\\n'""",
    "phase_clocks": """[ "$1" = --model ] && [ "$3" = --json ] && [ "$(cut -f 2 "$2")" = 100 ] || exit 2
printf 'a step\\n  1  100  120 1.20\\n'
echo '{"steps": [{"name": "a step", "phases": [{"measured": 120, "modelled": 100}, {"measured": 60, "modelled": 50}],
"us": 0.5, "quartiles_us": [0.25, 1]}]}' | tr -d '\\n'""",
    # A sanitizer that sees every planted fault; the tests change this line.
    "compute-sanitizer": """case "$6" in none) ;; --gtest*) echo '[  PASSED  ] 1 test.' ;; *) exit 99 ;; esac""",
}


def load_check():
    loader = importlib.machinery.SourceFileLoader("gpu_check", os.path.join(SOURCE, "tools", "gpu-check"))
    tool = importlib.util.module_from_spec(importlib.util.spec_from_loader("gpu_check", loader))
    loader.exec_module(tool)
    return tool


class Check(unittest.TestCase):
    """tools/gpu-check over programs that stand in for a GPU's."""

    def check(self, **changes):
        return self.check_and_print(**changes)[:2]

    def check_and_print(self, **changes):
        tool = load_check()
        tool.no_gpu = lambda: changes.pop("no_gpu", "")
        tool.Check.peers = lambda check, lane: check.program("a peer")
        with tempfile.TemporaryDirectory() as folder:
            for name, body in {**STAND_INS, **changes}.items():
                if body is None:
                    continue
                Path(folder, name).write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
                Path(folder, name).chmod(0o755)
            before, os.environ["PATH"] = os.environ["PATH"], f"{folder}:{os.environ['PATH']}"
            try:
                with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.redirect_stderr(io.StringIO()):
                    code = tool.main(["--build", folder, "--out", os.path.join(folder, "manifest.json")])
            finally:
                os.environ["PATH"] = before
            manifest = read(os.path.join(folder, "manifest.json"))
        self.assertEqual(manifest_problems(manifest), [])
        return code, {lane["name"]: lane for lane in manifest["lanes"]}, printed.getvalue()

    def test_passes_what_passes_and_keeps_why_a_test_was_skipped(self):
        code, lanes = self.check()
        self.assertEqual(code, 0)
        for name in ("device", "tests", "hashes", "memcheck", "racecheck", "synccheck", "initcheck", "benchmarks",
                     "phases"):
            self.assertEqual(lanes[name]["outcome"], "pass", lanes[name])
        self.assertEqual(lanes["tests"]["tests"][1], {"name": "S.B", "outcome": "skipped", "reason": "no second device"})

    def test_takes_figures_from_the_tables_of_programs(self):
        figures = {f["name"]: f for f in self.check()[1]["benchmarks"]["figures"]}
        alone, gemm = figures["min-norm problem, 8 tasks, alone"], figures["Gram matrices, 2 x [3, 40], cuBLAS gemm, float32"]
        self.assertEqual((alone["unit"], alone["median"], alone["quartiles"]), ("us", 2.5, [2.25, 3]))
        self.assertEqual((gemm["unit"], gemm["median"], gemm["quartiles"]), ("ms", 0.5, [0.25, 0.75]))

    def test_counts_a_lane_whose_planted_fault_is_missed_as_unavailable(self):
        blind = '[ "$2" = racecheck ] && exit 0\n'
        code, lanes = self.check(**{"compute-sanitizer": blind + STAND_INS["compute-sanitizer"]})
        self.assertEqual((code, lanes["racecheck"]["outcome"], lanes["memcheck"]["outcome"]), (0, "unavailable", "pass"))
        code, lanes = self.check(planted_faults="exit 0")
        self.assertEqual((code, lanes["hashes"]["outcome"]), (0, "unavailable"))

    def test_fails_where_a_sanitizer_finds_something_in_the_run_without_a_fault(self):
        code, lanes = self.check(**{"compute-sanitizer": "exit 99"})
        self.assertEqual((code, lanes["memcheck"]["outcome"]), (1, "fail"))

    def test_fails_where_a_sanitizer_finds_something_in_the_interpreter_itself(self):
        only_there = """case "$6" in none) ;; *) echo '[  PASSED  ] 1 test.'; exit 99 ;; esac"""
        code, lanes = self.check(**{"compute-sanitizer": only_there})
        self.assertEqual((code, lanes["racecheck"]["outcome"]), (1, "fail"))
        self.assertIn("OptIn.", lanes["racecheck"]["reason"])

    def test_fails_where_the_test_of_the_interpreter_does_not_run_under_a_sanitizer(self):
        for said in ("[  PASSED  ] 0 tests.", "[  SKIPPED ] A.B\n[  PASSED  ] 1 test."):
            sanitizer = f"""case "$6" in none) ;; --gtest_filter=*) printf '{said}' ;; *) exit 99 ;; esac"""
            code, lanes = self.check(**{"compute-sanitizer": sanitizer})
            self.assertEqual((code, lanes["memcheck"]["outcome"]), (1, "fail"), said)
            self.assertIn("did not run", lanes["memcheck"]["reason"])

    def test_names_a_test_that_there_is(self):
        suite, test = load_check().OPT_IN_TEST.split(".")
        sources = [path.read_text(encoding="utf-8") for path in Path(SOURCE, "tests", "cuda").glob("*_test.cpp")]
        self.assertEqual(sum(f"TEST_F({suite}, {test})" in text for text in sources), 1)

    def test_fails_where_the_tests_crash_and_goes_on(self):
        code, lanes = self.check(cuda_tests="echo boom; exit 134")
        self.assertEqual((code, lanes["tests"]["outcome"], lanes["benchmarks"]["outcome"]), (1, "fail", "pass"))
        self.assertIn("boom", lanes["tests"]["reason"])

    def test_fails_where_the_tests_end_with_a_code_though_every_one_that_is_told_passed(self):
        code, lanes = self.check(cuda_tests=STAND_INS["cuda_tests"] + "\nexit 1")
        self.assertEqual((code, lanes["tests"]["outcome"], lanes["hashes"]["outcome"]), (1, "fail", "pass"))
        self.assertIn("0 of 2 tests failed", lanes["tests"]["reason"])

    def test_fails_where_the_bits_are_not_the_cpus_and_names_the_test(self):
        device = f'name="device_hash" value="{"ab" * 32}"'
        changed = STAND_INS["cuda_tests"].replace(device, device.replace("ab" * 32, "cd" * 32))
        code, lanes = self.check(cuda_tests=changed)
        self.assertEqual((code, lanes["tests"]["outcome"], lanes["hashes"]["outcome"]), (1, "pass", "fail"))
        self.assertIn("S.A", lanes["hashes"]["reason"])
        self.assertEqual(lanes["hashes"]["hashes"], [{"name": "S.A", "cpu": "ab" * 32, "device": "cd" * 32}])

    def test_fails_where_a_short_run_without_a_fault_has_other_bits(self):
        code, lanes = self.check(planted_faults="exit 1")
        self.assertEqual((code, lanes["hashes"]["outcome"]), (1, "fail"))
        self.assertNotIn("caught", lanes["hashes"])

    def test_fails_where_a_program_prints_nonsense(self):
        for program in ("population_bench", "min_norm_device_bench", "gram_batch_bench"):
            code, lanes = self.check(**{program: "echo '{}'"})
            self.assertEqual((code, lanes["benchmarks"]["outcome"]), (1, "fail"), program)
        code, lanes = self.check(gram_batch_bench="echo '  equipoise                   not a number'")
        self.assertEqual((code, lanes["benchmarks"]["outcome"]), (1, "fail"))

    def test_keeps_modelled_and_measured_clocks_and_prints_them(self):
        code, lanes, printed = self.check_and_print()
        self.assertEqual((code, len(lanes["phases"]["steps"])), (0, 1))
        self.assertEqual(lanes["phases"]["steps"][0]["phases"][0], {"measured": 120, "modelled": 100})
        self.assertIn("  1  100  120 1.20\n", printed)
        self.assertNotIn("quartiles_us", printed)

    def test_fails_where_clocks_are_not_counted_or_not_modelled(self):
        for program in ("gpu_model", "phase_clocks"):
            for body in ("echo other bits >&2; exit 1", "echo nonsense"):
                code, lanes = self.check(**{program: body})
                self.assertEqual((code, lanes["phases"]["outcome"]), (1, "fail"), (program, body))
                self.assertNotIn("steps", lanes["phases"])
            code, lanes = self.check(**{program: None})
            self.assertEqual((code, lanes["phases"]["outcome"]), (0, "unavailable"))

    def test_fails_where_a_benchmark_finds_a_wrong_result(self):
        code, lanes = self.check(min_norm_device_bench=STAND_INS["min_norm_device_bench"] + "\nexit 1")
        self.assertEqual((code, lanes["benchmarks"]["outcome"]), (1, "fail"))

    def test_ends_with_6_and_every_lane_unavailable_where_there_is_no_gpu(self):
        code, lanes = self.check(no_gpu="no NVIDIA driver is installed")
        self.assertEqual(code, 6)
        self.assertEqual({lane["outcome"] for lane in lanes.values()}, {"unavailable"})
        code, lanes = self.check(describe_device="echo none >&2; exit 6")
        self.assertEqual(code, 6)
        self.assertEqual({lane["outcome"] for lane in lanes.values()}, {"unavailable"})


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)

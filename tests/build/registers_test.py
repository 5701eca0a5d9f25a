"""tests/build/registers_test.py - the interpreter keeps its values in registers, by the assembler's own report.

  registers_test.py SOURCE_DIR [REPORT_DIR]   without REPORT_DIR (no CUDA in this build) only the checker is checked
"""

import importlib.machinery
import importlib.util
import os
import sys
import unittest

SOURCE = REPORT = None

GOOD = """ptxas info    : Compiling entry function '_ZN9equipoise12run_replicasENS_6LaunchE' for 'sm_90'
ptxas info    : Function properties for _ZN9equipoise12run_replicasENS_6LaunchE
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 160 registers, used 1 barriers, 16 bytes smem
"""

CALLS = """ptxas info    : Compiling entry function '_ZN9equipoise12run_replicasENS_6LaunchE' for 'sm_90'
ptxas info    : Function properties for _ZN9equipoise12run_replicasENS_6LaunchE
    848 bytes stack frame, 80 bytes spill stores, 312 bytes spill loads
ptxas info    : Used 168 registers, used 1 barriers, 848 bytes cumulative stack size
ptxas info    : Compile time = 28584.396 ms
ptxas info    : Function properties for _ZN9equipoise8mix_mgdaINS_8WarpTeamEEEvRKT_RKNS_6MixingERKNS_6MethodE
    0 bytes stack frame, 12 bytes spill stores, 4 bytes spill loads
ptxas info    : Function properties for _ZN9equipoise15symmetric_eigenINS_8WarpTeamEEEvRKT_iPdS5_S5_
    16 bytes stack frame, 500 bytes spill stores, 7 bytes spill loads
"""


def load_tool():
    path = os.path.join(SOURCE, "tools", "ptxas-report")
    loader = importlib.machinery.SourceFileLoader("ptxas_report", path)
    sys.dont_write_bytecode = True
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("ptxas_report", loader))
    loader.exec_module(module)
    return module


class Checker(unittest.TestCase):
    def rules(self, text, threads=384):
        tool = load_tool()
        return [wrong for kernel in tool.parse(text) for wrong in tool.broken_rules(kernel, threads)]

    def test_accepts_a_kernel_that_fits(self):
        self.assertEqual(self.rules(GOOD), [])

    def test_finds_spills(self):
        self.assertEqual(len(self.rules(GOOD.replace("0 bytes spill loads", "4 bytes spill loads"))), 1)
        self.assertEqual(len(self.rules(GOOD.replace("0 bytes spill stores", "4 bytes spill stores"))), 1)

    def test_finds_a_stack_frame(self):
        self.assertEqual(len(self.rules(GOOD.replace("0 bytes stack", "64 bytes stack"))), 1)

    def test_finds_more_registers_than_a_multiprocessor_has(self):
        self.assertEqual(self.rules(GOOD.replace("160", "168")), [])
        self.assertEqual(len(self.rules(GOOD.replace("160", "169"))), 1)
        self.assertEqual(len(self.rules(GOOD, threads=416)), 1)

    def test_lets_a_kernel_that_calls_functions_have_their_frames_and_no_more(self):
        self.assertEqual(self.rules(CALLS), [])
        self.assertEqual(self.rules(CALLS.replace("848 bytes stack frame, 80", "1024 bytes stack frame, 224")), [])
        self.assertEqual(len(self.rules(CALLS.replace("848 bytes stack", "1032 bytes stack"))), 1)
        self.assertEqual(len(self.rules(CALLS.replace("80 bytes spill", "228 bytes spill"))), 1)
        self.assertEqual(len(self.rules(CALLS.replace("168 registers", "176 registers"))), 1)

    def test_gives_no_stack_to_a_kernel_beside_one_that_calls_functions(self):
        alone = "\n".join(CALLS.splitlines()[:5]) + "\n"
        self.assertEqual(len(self.rules(alone)), 2)  # its stack, and what it spills
        self.assertEqual(len(self.rules(CALLS + alone)), 2)
        self.assertEqual(len(self.rules(alone + CALLS)), 2)

    def test_tells_a_kernels_figures_from_its_functions(self):
        (kernel,) = load_tool().parse(CALLS)
        self.assertEqual((kernel["stack"], kernel["spill_stores"], kernel["registers"]), (848, 80, 168))
        names = [load_tool().short(f["name"]) for f in kernel["functions"]]
        self.assertEqual(names, ["mix_mgda", "symmetric_eigen"])
        self.assertEqual([(f["stack"], f["spill_stores"], f["spill_loads"]) for f in kernel["functions"]],
                         [(0, 12, 4), (16, 500, 7)])

    def test_refuses_a_report_cut_short(self):
        tool = load_tool()
        for whole, lines in ((GOOD, 3), (CALLS, 6)):
            with self.assertRaises(tool.BadReport):
                tool.parse("\n".join(whole.splitlines()[:lines]))


class Build(unittest.TestCase):
    def setUp(self):
        if REPORT is None:
            self.skipTest("this build has no CUDA")

    def test_has_the_interpreter_for_every_architecture_and_no_kernel_breaks_a_rule(self):
        tool = load_tool()
        kernels = tool.read(REPORT)
        interpreters = [k for k in kernels if tool.short(k["name"]) == "run_replicas"]
        self.assertGreater(len(interpreters), 0, "the interpreter is not in the report")
        threads = tool.block_threads(SOURCE)
        for kernel in kernels:
            with self.subTest(kernel=kernel["name"], architecture=kernel["architecture"]):
                self.assertEqual(tool.broken_rules(kernel, threads), [])


if __name__ == "__main__":
    SOURCE = sys.argv[1]
    REPORT = sys.argv[2] if len(sys.argv) > 2 else None
    unittest.main(argv=sys.argv[:1], verbosity=2)

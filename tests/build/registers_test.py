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

    def test_refuses_a_report_cut_short(self):
        tool = load_tool()
        with self.assertRaises(tool.BadReport):
            tool.parse("\n".join(GOOD.splitlines()[:3]))


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

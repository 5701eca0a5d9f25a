"""tests/build/selects_test.py - nvcc chooses between two floats as the host does, by the PTX of the interpreter.

  selects_test.py SOURCE_DIR [NVCC OPTION...]   without NVCC (no CUDA in this build) only the checker is checked

A select that keeps the larger or smaller of two floats is written with < or >, and then says which zero and what of a
NaN is kept. nvcc may rewrite it: where an arm is converted, as in  a < 0 ? 0.0 : double{a},  it compares by <= and turns
-0 into +0, which the host keeps (a > 0 ? double{a} : 0.0 it leaves alone). It makes min and max of a select only where
they give the same: with a constant on one side, x > c ? x : c. So in PTX
  - a select of the very two values that are compared compares by lt or gt;
  - min and max have a constant side, which is no NaN, nor the zero of the sign that the instruction would not give back.
"""

import os
import re
import subprocess
import sys
import tempfile
import unittest

SOURCE = NVCC = None

COMPARE = re.compile(r"setp\.(\w+)\.(?:f32|f64)\s+(%p\d+),\s*(\S+),\s*(\S+);")
SELECT = re.compile(r"selp\.(?:f32|f64)\s+\S+,\s*(\S+),\s*(\S+),\s*(%p\d+);")
WIDEN = re.compile(r"cvt\.f64\.f32\s+(%fd?\d+),\s*(%fd?\d+);")
EXTREME = re.compile(r"(min|max)((?:\.\w+)*)\.(?:f32|f64)\s+\S+,\s*(\S+),\s*(\S+);")
CONSTANT = re.compile(r"0[fd][0-9A-F]+$")
WRONG_ZERO = {"max": re.compile(r"0[fd]80*$"), "min": re.compile(r"0[fd]0+$")}


def is_nan(constant):
    infinity, sign = (0x7F800000, 1 << 31) if constant[1] == "f" else (0x7FF0000000000000, 1 << 63)
    return int(constant[2:], 16) & ~sign > infinity


def faults(ptx):
    """The lines of some PTX where a choice of two floats may differ from the host's."""
    compared, widened, found = {}, {}, []

    def origin(value):  # before conversions to double; zero is zero in both widths
        value = widened.get(value, value)
        return "zero" if re.match(r"0[fd]0+$", value) else value

    for number, line in enumerate(ptx.splitlines(), 1):
        text = line.strip()
        if text.startswith((".func", ".entry", ".visible")):
            compared, widened = {}, {}
        elif match := COMPARE.match(text):
            compared[match[2]] = (match[1], {origin(match[3]), origin(match[4])})
        elif match := WIDEN.match(text):
            widened[match[1]] = origin(match[2])
        elif match := SELECT.match(text):
            how, values = compared.get(match[3], ("", set()))
            if how not in ("lt", "gt") and len(values) == 2 and values == {origin(match[1]), origin(match[2])}:
                found.append(f"line {number}: {text} of values compared by {how}")
        elif match := EXTREME.match(text):
            sides = [side for side in (match[3], match[4]) if CONSTANT.match(side)]
            exact = len(sides) == 1 and not is_nan(sides[0]) and not WRONG_ZERO[match[1]].match(sides[0])
            if match[2] or not exact:
                found.append(f"line {number}: {text}")
    return found


class Checker(unittest.TestCase):
    def found(self, *lines):
        return len(faults("\n".join(lines)))

    def test_finds_a_select_that_turns_one_zero_into_the_other(self):
        # a < 0 ? 0.0 : double{a}, as nvcc 12 compiles it
        self.assertEqual(self.found("setp.le.f32 %p2, %f2, 0f00000000;", "selp.f32 %f3, 0f00000000, %f2, %p2;"), 1)
        self.assertEqual(self.found("setp.le.f64 %p2, %fd2, %fd1;", "selp.f64 %fd3, %fd1, %fd2, %p2;"), 1)
        self.assertEqual(self.found("setp.gtu.f32 %p2, %f2, 0f00000000;", "selp.f32 %f3, %f2, 0f00000000, %p2;"), 1)
        self.assertEqual(self.found("cvt.f64.f32 %fd1, %f2;", "setp.ge.f32 %p2, %f2, 0f00000000;",
                                    "selp.f64 %fd3, 0d0000000000000000, %fd1, %p2;"), 1)

    def test_accepts_selects_that_say_what_they_keep(self):
        self.assertEqual(self.found("setp.lt.f32 %p2, %f2, 0f00000000;", "selp.f32 %f3, 0f00000000, %f2, %p2;"), 0)
        self.assertEqual(self.found("setp.gt.f64 %p2, %fd2, %fd1;", "selp.f64 %fd3, %fd2, %fd1, %p2;"), 0)

    def test_accepts_selects_of_other_values(self):
        self.assertEqual(self.found("setp.le.f32 %p2, %f2, 0f00000000;", "selp.f32 %f3, 0f3F800000, %f2, %p2;"), 0)
        self.assertEqual(self.found("setp.le.f32 %p2, %f2, 0f00000000;", "selp.f32 %f3, 0f00000000, %f2, %p1;"), 0)
        self.assertEqual(self.found("setp.le.f32 %p2, %f2, 0f00000000;", ".func other()",
                                    "selp.f32 %f3, 0f00000000, %f2, %p2;"), 0)

    def test_finds_extremes_that_lose_a_zero_or_a_nan(self):
        for line in ("max.f32 %f3, %f1, %f2;", "min.f64 %fd3, %fd1, %fd2;", "max.NaN.f32 %f3, %f1, 0f3F800000;",
                     "min.f32 %f3, %f1, 0f00000000;", "max.f64 %fd3, %fd1, 0d8000000000000000;",
                     "max.f32 %f3, %f1, 0f7FC00000;", "min.f64 %fd3, %fd1, 0dFFF8000000000000;"):
            self.assertEqual(self.found(line), 1, line)

    def test_accepts_extremes_that_are_selects_against_a_constant(self):
        for line in ("max.f64 %fd3, %fd1, 0d0000000000000000;", "min.f64 %fd3, %fd1, 0d4085E00000000000;",
                     "min.f64 %fd3, %fd1, 0dBFF0000000000000;", "min.f32 %f3, %f1, 0fFF800000;", "max.f32 %f3, %f1, 0fBF800000;", "max.s32 %r3, %r1, %r2;"):
            self.assertEqual(self.found(line), 0, line)


class Build(unittest.TestCase):
    def setUp(self):
        if NVCC is None:
            self.skipTest("this build has no CUDA")

    def test_has_no_select_in_the_interpreter_that_may_differ_from_the_hosts(self):
        with tempfile.TemporaryDirectory() as folder:
            ptx = os.path.join(folder, "interpreter.ptx")
            subprocess.run([*NVCC, "-ptx", "-I", SOURCE, os.path.join(SOURCE, "kernels/run/interpreter.cu"), "-o", ptx],
                           check=True)
            with open(ptx, encoding="ascii") as file:
                text = file.read()
        self.assertGreater(text.count("selp.f32"), 100, "that is not the interpreter")
        self.assertEqual(faults(text), [])


if __name__ == "__main__":
    SOURCE = sys.argv[1]
    NVCC = sys.argv[2:] or None
    unittest.main(argv=sys.argv[:1], verbosity=2)

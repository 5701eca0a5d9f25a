// tests/kernels/ops/emit_test.cpp - rows written out.
#include "kernels/ops/emit.h"

#include <gtest/gtest.h>

#include "tests/kernels/harness.h"

namespace equipoise::test {
namespace {

TEST(Emit, WritesItsRowsAtThisReplicasSlotAndPosition) {
  for (const Shape& s : kShapes) {
    reference::Draws draws(131);
    Rig rig(s.batch, s.n);
    constexpr int kOutputRows = 50, kSlot = 2, kPosition = 9;
    const View tall = rig.matrix(2, s.cols + 3), from = Rig::part(tall, 1, 1, 2, s.cols);
    rig.fill(from, draws);
    rig.data.output_rows = kOutputRows;
    rig.slot = kSlot;
    rig.control().position = kPosition;
    rig.outputs = {rig.floats(1), rig.floats(3 * kOutputRows * s.cols)};
    Place first = rig.outputs[1];
    first.offset += (kSlot * kOutputRows + kPosition) * s.cols;
    rig.run(Emit{from, 1}, {Rig::written_floats(first, s.n * s.cols)});
    for (int r = 0; r < s.n; ++r)
      for (int c = 0; c < s.cols; ++c)
        EXPECT_EQ(rig.at(first)[r * s.cols + c], rig.row(from, r)[c])
            << name_of(s) << " " << coordinate("output", r, c);
  }
}

}  // namespace
}  // namespace equipoise::test

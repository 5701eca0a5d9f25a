// engine/lower/unit_cost.cpp - instructions of a unit, a line an operation.
#include "engine/lower/unit_cost.h"

namespace equipoise {

namespace {

/// Of columns of a row, those of one lane.
int64_t columns(int cols) { return divide_up(cols, kRowLanes); }
/// Elements of a flat array that a unit walks.
constexpr int64_t kElements = kFlatRow / kRowLanes;

/// A tile of a matrix product: for a value of k its fma, loads, and what moves them on.
int64_t tile(bool small, int depth) { return small ? 100 + int64_t{8} * depth : 150 + int64_t{23} * depth; }
/// Values to which an activation is applied.
int64_t activated(Activation activation, int64_t values) {
  return activation == Activation::identity ? 0 : 40 * values;
}

struct Costs {
  int batch;

  int rows(const View& view) const { return view.blocks * batch; }

  int64_t operator()(const ChooseRows&) const { return 1500; }
  int64_t operator()(const LabelWeight&) const { return int64_t{12} * batch; }
  int64_t operator()(const DrawNoise&) const { return 400; }
  int64_t operator()(const Gather& o) const { return 60 + 8 * columns(o.to.cols); }
  int64_t operator()(const Linear& o) const { return tile(o.small_tiles, o.x.cols) + activated(o.activation, 16); }
  int64_t operator()(const LinearInputGradient& o) const {
    return tile(o.small_tiles, o.dy.cols) + activated(o.activation, 4);
  }
  int64_t operator()(const LinearWeightGradient& o) const {
    return o.has_weight ? tile(o.small_tiles, rows(o.dy)) : 60 + int64_t{4} * rows(o.dy);
  }
  int64_t operator()(const Latent& o) const { return 80 + 90 * columns(o.z.cols); }
  int64_t operator()(const LatentGradient& o) const { return 120 + 30 * columns(o.sigma.cols); }
  int64_t operator()(const SumViews& o) const { return 60 + o.count * (20 + 4 * columns(o.to.cols)); }
  int64_t operator()(const SquaredError& o) const { return 80 + 14 * columns(o.y.cols); }
  int64_t operator()(const Softmax& o) const { return 60 + int64_t{80} * o.x.cols; }
  int64_t operator()(const CrossEntropy& o) const { return 150 + int64_t{120} * o.x.cols; }
  int64_t operator()(const RowSums&) const { return 60 + int64_t{4} * batch; }
  int64_t operator()(const GramSlots&) const { return 120 + 8 * kElements; }
  int64_t operator()(const GradientSquares& o) const { return 100 + kElements * (4 + 2 * o.block.lanes); }
  int64_t operator()(const Adam& o) const { return 200 + kElements * (28 + 2 * o.block.lanes); }
  int64_t operator()(const RmsProp& o) const { return 150 + kElements * (28 + 2 * o.block.lanes); }
  int64_t operator()(const Sgd& o) const { return 100 + kElements * (10 + 2 * o.block.lanes); }
  int64_t operator()(const Join&) const { return 110; }
  int64_t operator()(const FiniteGate& o) const { return 100 + int64_t{12} * o.blocks; }
  int64_t operator()(const TaskLoss& o) const { return 80 + int64_t{60} * o.terms; }
  int64_t operator()(const Balance&) const { return 4000; }
  int64_t operator()(const Weigh&) const { return 1000; }
  int64_t operator()(const CloseStep&) const { return 400; }
  /// Of what is seldom, or one of a kind in its phase.
  template <class Op>
  int64_t operator()(const Op&) const {
    return 100;
  }
};

/// Of a warp: a wide load of four floats is four, and a block of four values of k takes one for each line.
int64_t wavefronts(bool small, int depth) { return int64_t{small ? 4 : 8} * depth; }

}  // namespace

int64_t tile_wavefronts(const Operation& o, int batch) {
  if (o.kind == OperationKind::linear) return wavefronts(o.linear.small_tiles, o.linear.x.cols);
  if (o.kind == OperationKind::linear_input_gradient)
    return wavefronts(o.linear_input_gradient.small_tiles, o.linear_input_gradient.dy.cols);
  if (o.kind == OperationKind::linear_weight_gradient && o.linear_weight_gradient.has_weight)
    return wavefronts(o.linear_weight_gradient.small_tiles, o.linear_weight_gradient.dy.blocks * batch);
  return 0;
}

int64_t unit_cost(const Operation& o, int batch) {
  const Costs costs{batch};
  switch (o.kind) {
#define EQ_CASE(tag, Struct) \
  case OperationKind::tag:   \
    return costs(o.tag);
    EQ_OPERATIONS(EQ_CASE)
#undef EQ_CASE
  }
  return 0;
}

}  // namespace equipoise

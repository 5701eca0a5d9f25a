// engine/lower/unit_cost.cpp - instructions of a unit, a line an operation.
#include "engine/lower/unit_cost.h"

#include "kernels/product/thread_tiles.h"

namespace equipoise {

namespace {

constexpr int kWarp = 32;
int64_t warp_turns(int64_t units) { return (units + kWarp - 1) / kWarp; }
/// Of columns of a row, those of one lane.
int64_t columns(int cols) { return divide_up(cols, kRowLanes); }
/// Elements of a flat array that a unit walks.
constexpr int64_t kElements = kFlatRow / kRowLanes;

/// Loads of four values of k: of a tile's rows, or of its columns.
template <int Side>
int64_t loads(const TileLines<Side>& lines, bool deep) {
  return lines.grouped ? 4 * Side / TileLines<Side>::kGroup : deep ? Side : 4 * Side;
}
/// A product's tiles and single elements, without what follows the sums.
template <int Rows, int Cols>
std::array<Turns, 2> turns_in(const Product& p) {
  using Tiles = TilesOf<Rows, Cols>;
  const auto rows = Tiles::row_lines(p);
  const auto cols = Tiles::col_lines(p);
  const int64_t loaded = loads(rows, Tiles::deep_rows(p)) + loads(cols, Tiles::deep_cols(p));
  const int64_t tiles = int64_t{rows.tiles} * cols.tiles;
  const int64_t stores = cols.grouped ? Rows * Cols / cols.kGroup : Rows * Cols;
  const int64_t count = warp_turns(tiles), wavefronts = int64_t{Rows + Cols} * p.depth + 2 * Rows * Cols;
  const Turns whole{count, 60 + 3 * stores + p.depth * (4 * Rows * Cols + loaded + 7) / 4,
                    wavefronts * tiles / (kWarp * count)};  // lanes without a tile ask for nothing
  const int64_t all = warp_turns(Tiles::units(p));
  return {whole, Turns{all - whole.count, 60 + int64_t{3} * p.depth, int64_t{2} * p.depth}};
}
std::array<Turns, 2> turns_of(const Product& p) {
  switch (p.tiles) {
    case TileShape::small: return turns_in<2, 2>(p);
    case TileShape::tall: return turns_in<8, 4>(p);
    case TileShape::square: break;
  }
  return turns_in<4, 4>(p);
}
int64_t values_of(TileShape shape) {
  return shape == TileShape::square ? 16 : shape == TileShape::small ? 4 : 32;
}
/// Values to which an activation is applied.
int64_t activated(Activation activation, int64_t values) {
  return activation == Activation::identity ? 0 : activation == Activation::relu ? 2 * values : 40 * values;
}

struct Costs {
  int batch;

  int rows(const View& view) const { return view.blocks * batch; }
  template <class Op>
  std::array<Turns, 2> tiles(const Op& o) const {
    Context c{};
    c.batch = c.n = batch;
    return turns_of(o.product(c));
  }

  int64_t operator()(const ChooseRows&) const { return 1500; }
  int64_t operator()(const LabelWeight&) const { return int64_t{12} * batch; }
  int64_t operator()(const DrawNoise&) const { return 400; }
  int64_t operator()(const Gather& o) const { return 60 + 8 * columns(o.to.cols); }
  int64_t operator()(const Linear& o) const {
    return tiles(o)[0].issue + activated(o.activation, values_of(o.tiles));
  }
  int64_t operator()(const LinearInputGradient& o) const {
    return tiles(o)[0].issue + activated(o.activation, values_of(o.tiles)) / (o.activation == Activation::relu ? 1 : 4);
  }
  int64_t operator()(const LinearWeightGradient& o) const {
    return o.has_weight ? tiles(o)[0].issue : 60 + int64_t{4} * rows(o.dy);
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
  int64_t operator()(const AdamFactors&) const { return 150; }
  int64_t operator()(const Adam& o) const { return 80 + kElements * (28 + 2 * o.block.lanes); }
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

}  // namespace

std::array<Turns, 2> block_turns(const Operation& o, int units, int batch) {
  const Costs costs{batch};
  std::array<Turns, 2> turns{};
  if (o.kind == OperationKind::linear) turns = costs.tiles(o.linear);
  if (o.kind == OperationKind::linear_input_gradient) turns = costs.tiles(o.linear_input_gradient);
  if (o.kind == OperationKind::linear_weight_gradient && o.linear_weight_gradient.has_weight)
    turns = costs.tiles(o.linear_weight_gradient);
  else if (turns[0].count == 0) turns[0].count = warp_turns(units);
  turns[0].issue = unit_cost(o, batch);
  if (turns[0].wavefronts == 0) turns[0].wavefronts = turns[0].issue / 5;
  return turns;
}

TileShape* tile_shape(Operation& o) {
  if (o.kind == OperationKind::linear) return &o.linear.tiles;
  if (o.kind == OperationKind::linear_input_gradient) return &o.linear_input_gradient.tiles;
  if (o.kind == OperationKind::linear_weight_gradient && o.linear_weight_gradient.has_weight)
    return &o.linear_weight_gradient.tiles;
  return nullptr;
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

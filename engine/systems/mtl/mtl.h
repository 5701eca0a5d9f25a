// engine/systems/mtl/mtl.h - multi-task networks as a graph: a trunk that all tasks share, and a tower for each.
//
// Trunk and towers are linear layers, each hidden one followed by its activation and by dropout; a tower's last layer
// is linear. A task is whatever its likelihood says (engine/likelihood); entries without a target are skipped.
// Sources of the published settings: Chen, Badrinarayanan, Lee and Rabinovich 2018 (GradNorm), section 4, for the trunk
// of ten tasks; a widely used public implementation of it for the two towers.
#pragma once

#include <string>
#include <vector>

#include "engine/base/dataset.h"
#include "engine/graph/graph.h"
#include "engine/graph/pass.h"
#include "engine/likelihood/likelihood.h"

namespace equipoise {

/// Names of layers, as the published programs have them: sharedlayer.0, tower1.3, ... or fc1, heads.0, ...
enum class MtlNames { towers, trunk };

struct MtlModel {
  int features = 0;
  std::vector<int> trunk = {64};      ///< widths of the shared layers, at least one
  std::vector<int> tower = {32, 16};  ///< hidden widths of every tower; may be empty
  Activation activation = Activation::relu;
  double dropout = 0.5;  ///< share of a hidden layer's units that a step leaves out, in [0, 1)
  MtlNames names = MtlNames::towers;
  std::vector<Target> tasks;
  bool weighs_classes = false;  ///< losses of classes are weighted means

  /// Columns of all targets, of all answers, of all masks of one row.
  int target_cols() const;
  int outputs() const;
  int mask_cols() const;
  /// From which of the run's class weights on those of a task's classes stand, task after task; -1: it takes none.
  int first_weight(std::size_t task) const;
  /// How many class weights all tasks take.
  int class_weights() const;
};

/// Names of the layers; positions count the modules of a sequence: linear, activation and, with dropout, dropout.
class MtlLayerNames {
 public:
  explicit MtlLayerNames(const MtlModel& model) : model_(model), step_(model.dropout > 0 ? 3 : 2) {}
  std::string trunk(int layer) const;
  std::string tower(int task, int layer) const;

 private:
  const MtlModel& model_;
  int step_;
};

/// One dropout mask: its name in records (shared, tower1.h2, ...) and its columns among all masks of a row.
struct MtlMask {
  std::string name;
  int first_col, cols;
};
std::vector<MtlMask> mtl_masks(const MtlModel& model);

/// Name of the tensor with a task's answer, [n, outputs].
std::string mtl_answer(int task);

/// Sources: 0 features, 1 targets, and in Pass::given 2 the kept units (0 or 1) of all masks, in the order of
/// mtl_masks. Outputs of evaluation: all answers side by side, [n, outputs()], and what the towers read, [n,
/// trunk.back()].
Graph mtl_graph(const MtlModel& model, Pass pass);

/// Name of the tensor that the towers read.
inline constexpr const char* kMtlLatent = "latent";
/// The weight of the last trunk layer.
std::vector<Stretch> mtl_last_trunk_weight(const MtlModel& model);

}  // namespace equipoise

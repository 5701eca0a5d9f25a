// engine/systems/mtl/mtl.cpp - multi-task networks as a graph.
#include "engine/systems/mtl/mtl.h"

#include <numeric>

namespace equipoise {

namespace {

class MtlBuilder {
 public:
  MtlBuilder(const MtlModel& m, Pass pass) : m_(m), pass_(pass), names_(m), masks_(mtl_masks(m)) {}

  Graph build() {
    declare_layers();
    const int x = g_.input("x", 0, m_.features);
    targets_ = g_.input("targets", 1, m_.target_cols());
    if (pass_ == Pass::given && m_.dropout > 0) given_ = g_.input("kept units", 2, m_.mask_cols());
    const int latent = stack(x, "trunk", m_.trunk, 0, 0);
    std::vector<int> answers;
    for (std::size_t k = 0; k < m_.tasks.size(); ++k) answers.push_back(tower(static_cast<int>(k), latent));
    if (pass_ == Pass::evaluate) emit(answers, latent);
    return std::move(g_);
  }

 private:
  void declare_layers() {
    int in = m_.features;
    for (std::size_t i = 0; i < m_.trunk.size(); ++i) {
      g_.layer(in, {{names_.trunk(static_cast<int>(i)), m_.trunk[i]}});
      in = m_.trunk[i];
    }
    for (std::size_t k = 0; k < m_.tasks.size(); ++k) {
      int width = in;
      const auto number = static_cast<int>(k);
      for (std::size_t i = 0; i < m_.tower.size(); ++i) {
        g_.layer(width, {{names_.tower(number, static_cast<int>(i)), m_.tower[i]}});
        width = m_.tower[i];
      }
      g_.layer(width, {{names_.tower(number, static_cast<int>(m_.tower.size())), answers_of(m_.tasks[k])}});
    }
  }

  /// Hidden layers one after another; returns the last one's output.
  int stack(int from, const std::string& name, const std::vector<int>& widths, int first_layer,
            std::size_t first_mask) {
    int x = from;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      const bool latent = name == "trunk" && i + 1 == widths.size();
      const std::string hidden = name + " hidden " + std::to_string(i + 1);
      const int h = g_.tensor(hidden, 1, widths[i]);
      g_.add(LinearNode{g_.all(x), g_.all(h), first_layer + static_cast<int>(i), m_.activation});
      // The latent is a tensor of its own, so that gradients by it are those after the activation.
      x = drops() || latent ? g_.tensor(latent ? kMtlLatent : hidden + " kept", 1, widths[i]) : h;
      if (drops()) g_.add(MultiplyNode{g_.all(h), g_.all(mask(first_mask + i)), g_.all(x)});
      else if (latent) g_.add(SumNode{g_.all(x), {g_.all(h)}, {1.0f}});
    }
    return x;
  }

  bool drops() const { return m_.dropout > 0 && pass_ != Pass::evaluate; }

  int mask(std::size_t number) {
    const MtlMask& mask = masks_[number];
    const auto rate = static_cast<float>(m_.dropout);
    if (pass_ == Pass::train) return g_.mask("mask." + mask.name, 1, mask.cols, rate);
    const int scaled = g_.tensor("mask." + mask.name, 1, mask.cols);
    g_.add(
        SumNode{g_.all(scaled), {Graph::columns(g_.all(given_), mask.first_col, mask.cols)}, {1.0f / (1.0f - rate)}});
    return scaled;
  }

  int tower(int task, int latent) {
    const Target& target = m_.tasks[static_cast<std::size_t>(task)];
    const auto hidden = static_cast<int>(m_.tower.size());
    const int first_layer = static_cast<int>(m_.trunk.size()) + task * (hidden + 1);
    const std::size_t first_mask = m_.trunk.size() + static_cast<std::size_t>(task) * m_.tower.size();
    const int h = stack(latent, "tower " + std::to_string(task + 1), m_.tower, first_layer, first_mask);
    const int y = g_.tensor(mtl_answer(task), 1, answers_of(target));
    g_.add(LinearNode{g_.all(h), g_.all(y), first_layer + hidden, Activation::identity});
    const int term = g_.term(target.name, Divisor::counted, 1.0);
    g_.task(target.name, TaskForm::sum, {term});
    const Region expected = Graph::columns(g_.all(targets_), target.first_col, target.cols);
    target.likelihood->add_loss(g_, g_.all(y), expected, term, m_.first_weight(static_cast<std::size_t>(task)));
    return y;
  }

  void emit(const std::vector<int>& answers, int latent) {
    const int all = g_.tensor("prediction", 1, m_.outputs());
    int col = 0;
    for (int answer : answers) {
      const int cols = g_.tensors()[static_cast<std::size_t>(answer)].cols;
      g_.add(SumNode{Graph::columns(g_.all(all), col, cols), {g_.all(answer)}, {1.0f}});
      col += cols;
    }
    g_.output(g_.all(all));
    g_.output(g_.all(latent));
  }

  const MtlModel& m_;
  Pass pass_;
  MtlLayerNames names_;
  std::vector<MtlMask> masks_;
  Graph g_;
  int targets_ = -1, given_ = -1;
};

}  // namespace

std::string MtlLayerNames::trunk(int i) const {
  return model_.names == MtlNames::trunk ? "fc" + std::to_string(i + 1) : "sharedlayer." + std::to_string(i * step_);
}

std::string MtlLayerNames::tower(int task, int i) const {
  if (model_.names == MtlNames::towers) return "tower" + std::to_string(task + 1) + "." + std::to_string(i * step_);
  const std::string head = "heads." + std::to_string(task);
  return model_.tower.empty() ? head : head + "." + std::to_string(i * step_);
}

int MtlModel::target_cols() const {
  return std::accumulate(tasks.begin(), tasks.end(), 0, [](int sum, const Target& t) { return sum + t.cols; });
}

int MtlModel::outputs() const {
  return std::accumulate(tasks.begin(), tasks.end(), 0, [](int sum, const Target& t) { return sum + answers_of(t); });
}

int MtlModel::mask_cols() const {
  const auto sum = [](const std::vector<int>& widths) { return std::accumulate(widths.begin(), widths.end(), 0); };
  return sum(trunk) + static_cast<int>(tasks.size()) * sum(tower);
}

int MtlModel::first_weight(std::size_t task) const {
  if (!weighs_classes || classes_of(tasks[task]) == 0) return -1;
  return std::accumulate(tasks.begin(), tasks.begin() + static_cast<std::ptrdiff_t>(task), 0,
                         [](int sum, const Target& t) { return sum + classes_of(t); });
}

int MtlModel::class_weights() const {
  if (!weighs_classes) return 0;
  return std::accumulate(tasks.begin(), tasks.end(), 0, [](int sum, const Target& t) { return sum + classes_of(t); });
}

std::vector<MtlMask> mtl_masks(const MtlModel& m) {
  std::vector<MtlMask> masks;
  int col = 0;
  const auto add = [&](std::string name, int cols) {
    masks.push_back({std::move(name), col, cols});
    col += cols;
  };
  for (std::size_t i = 0; i < m.trunk.size(); ++i)
    add(m.trunk.size() == 1 ? "shared" : "shared.h" + std::to_string(i + 1), m.trunk[i]);
  for (std::size_t k = 0; k < m.tasks.size(); ++k)
    for (std::size_t i = 0; i < m.tower.size(); ++i)
      add("tower" + std::to_string(k + 1) + ".h" + std::to_string(i + 1), m.tower[i]);
  return masks;
}

std::string mtl_answer(int task) { return "answer " + std::to_string(task + 1); }

Graph mtl_graph(const MtlModel& model, Pass pass) { return MtlBuilder(model, pass).build(); }

std::vector<Stretch> mtl_last_trunk_weight(const MtlModel& m) {
  return {{static_cast<int>(m.trunk.size()) - 1, false, 0, m.trunk.back(), 1}};
}

}  // namespace equipoise

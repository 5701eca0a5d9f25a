// tests/reference/record.h - parameters, batches and outcomes of an MLDRL record as the reference's own types.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/reference/train_step.h"

namespace equipoise::reference {

struct RecordTensor {
  std::vector<std::int64_t> shape;
  std::vector<double> values;
};

/// Tensors by their names in the record file.
using Record = std::map<std::string, RecordTensor>;

/// A tensor of rank 1 as one row, one of rank 2 as it is; throws std::invalid_argument for any other rank.
inline Matrix matrix_from(const RecordTensor& tensor) {
  if (tensor.shape.empty() || tensor.shape.size() > 2) throw std::invalid_argument("matrix_from: rank 1 or 2 needed");
  const int rows = tensor.shape.size() == 2 ? static_cast<int>(tensor.shape.front()) : 1;
  return Matrix(rows, static_cast<int>(tensor.shape.back()), tensor.values);
}

/// One step of a tensor that has a leading step axis.
inline RecordTensor at_step(const RecordTensor& tensor, int step) {
  RecordTensor part{{tensor.shape.begin() + 1, tensor.shape.end()}, {}};
  const auto size = static_cast<std::ptrdiff_t>(tensor.values.size()) / tensor.shape.front();
  part.values.assign(tensor.values.begin() + step * size, tensor.values.begin() + (step + 1) * size);
  return part;
}

inline int step_count(const Record& record) { return static_cast<int>(record.at("batch.label").shape.front()); }

/// The parameters stored under `prefix` ("init." or "final."), task weights left out.
inline MldrlParameters parameters_from(const Record& record, const std::string& prefix) {
  MldrlParameters parameters;
  for (const auto& [name, tensor] : record) {
    if (name.rfind(prefix, 0) != 0 || name == prefix + "task_weights") continue;
    parameters.by_name.emplace(name.substr(prefix.size()), matrix_from(tensor));
  }
  return parameters;
}

inline Batch batch_from(const Record& record, int step) {
  const auto matrix = [&](const std::string& name) { return matrix_from(at_step(record.at(name), step)); };
  Batch batch;
  for (int i = 0; record.contains(view_name("batch.view", i)); ++i) {
    batch.view.push_back(matrix(view_name("batch.view", i)));
    batch.noise.push_back(matrix(view_name("noise.view", i)));
  }
  for (double label : matrix("batch.label").values) batch.label.push_back(static_cast<int>(label));
  return batch;
}

/// Replays the record's steps from its initial parameters; returns out.*, grad.* and gram.* of step 0, trace.* and
/// final.*, under the record's names, with a vector as one row.
inline std::map<std::string, Matrix> replay(const MldrlSettings& settings, const Record& record) {
  std::map<std::string, Matrix> outcome;
  Trainer trainer(settings, parameters_from(record, "init."));

  const Batch first = batch_from(record, 0);
  const Forward f = forward(settings, trainer.parameters(), first);
  for (int i = 0; i < static_cast<int>(f.view.size()); ++i) {
    const ViewPass& v = f.view[static_cast<std::size_t>(i)];
    outcome[view_name("out.mu", i)] = v.mu;
    outcome[view_name("out.sigma", i)] = v.sigma;
    outcome[view_name("out.reconstruction", i)] = v.own.reconstruction;
    for (int j = 0; j < static_cast<int>(f.view.size()); ++j)
      if (j != i)
        outcome[view_name("out.cross", i) + (f.view.size() == 2 ? "" : view_name("_", j))] =
            v.crossed[static_cast<std::size_t>(j)].reconstruction;
  }
  outcome["out.classifier_input"] = f.classifier_input;
  outcome["out.prediction"] = f.prediction;
  const auto gradients = task_gradients(settings, trainer.parameters(), first, f);
  for (const auto& [task, gradient] : gradients) {
    for (const auto& [name, g] : gradient) outcome["grad." + task + "." + name] = g;
  }
  outcome["gram.latent_heads"] = latent_heads_gram(gradients);

  const auto add_row = [&](const std::string& name, const std::vector<double>& row) {
    Matrix& m = outcome[name];
    m.rows += 1;
    m.cols = static_cast<int>(row.size());
    m.values.insert(m.values.end(), row.begin(), row.end());
  };
  for (int step = 0; step < step_count(record); ++step) {
    const StepTrace trace = trainer.step(batch_from(record, step));
    add_row("trace.losses", trace.losses);
    add_row("trace.terms", trace.terms);
    add_row("trace.weights", trace.weights);
    add_row("trace.norms", trace.norms);
    add_row("trace.targets", trace.targets);
    add_row("trace.gradnorm_loss", {trace.gradnorm_loss});
  }
  for (const auto& [name, value] : trainer.parameters().by_name) outcome["final." + name] = value;
  add_row("final.task_weights", trainer.task_weights());
  return outcome;
}

}  // namespace equipoise::reference

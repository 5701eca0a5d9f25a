// tests/reference/mtl_record.h - network, settings and batches of an mtl record, and its steps done again.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "tests/reference/mtl_step.h"
#include "tests/reference/record.h"

namespace equipoise::reference {

using Metadata = std::map<std::string, std::string>;

/// Layers called prefix + number, by rising number.
inline std::vector<std::string> numbered_layers(const Record& record, const std::string& prefix) {
  const std::string begin = "init." + prefix;
  const std::string end = ".weight";
  std::vector<int> numbers;
  for (const auto& [name, tensor] : record) {
    if (name.rfind(begin, 0) == 0 && name.ends_with(end)) numbers.push_back(std::stoi(name.substr(begin.size())));
  }
  std::sort(numbers.begin(), numbers.end());
  std::vector<std::string> layers;
  for (int number : numbers) layers.push_back(prefix + std::to_string(number));
  return layers;
}

inline MtlNetwork mtl_network_from(const Record& record, const Metadata& metadata) {
  const bool towers = metadata.at("variant") == "towers";
  MtlNetwork network;
  network.trunk = numbered_layers(record, towers ? "sharedlayer." : "fc");
  if (metadata.count("dropout")) network.dropout = numbers_in(metadata.at("dropout")).at(0);
  const std::vector<std::string> heads = numbered_layers(record, "heads.");
  std::istringstream names(metadata.at("tasks"));
  for (std::string name; names >> name;) {
    const std::vector<std::string> layers =
        towers ? numbered_layers(record, name + ".") : std::vector<std::string>{heads.at(network.tasks.size())};
    network.tasks.push_back({name, TargetKind::regression, layers});
  }
  return network;
}

inline MtlSettings mtl_settings_from(const Record& record, const Metadata& metadata) {
  const auto number = [&](const std::string& key) { return numbers_in(metadata.at(key)).at(0); };
  const std::map<std::string, Renormalise> forms = {
      {"none", Renormalise::none}, {"after_step", Renormalise::after_step}, {"in_loss", Renormalise::in_loss}};
  MtlSettings s;
  s.network = mtl_network_from(record, metadata);
  s.loss_scale = number("loss_scale");
  s.gradnorm_over = {metadata.at("gradnorm_over")};
  s.adam.lr = number("lr");
  s.weights.initial = numbers_in(metadata.at("initial_task_weights"));
  s.weights.alpha = number("alpha");
  s.weights.loss_ratio = metadata.at("loss_ratio") == "weighted" ? LossRatio::weighted : LossRatio::raw;
  s.weights.renormalise = forms.at(metadata.at("renormalise"));
  s.weights.restart_adam = metadata.count("restart_task_adam") > 0;
  s.weights.adam.lr = number("task_lr");
  return s;
}

/// y [batch, tasks] or [batch, tasks, outputs] -> a matrix [batch, outputs] a task.
inline std::vector<Matrix> split_by_task(const RecordTensor& y) {
  const int rows = static_cast<int>(y.shape.at(0));
  const int tasks = static_cast<int>(y.shape.at(1));
  const int outputs = y.shape.size() > 2 ? static_cast<int>(y.shape[2]) : 1;
  const Matrix all(rows, tasks * outputs, y.values);
  std::vector<Matrix> parts;
  for (int k = 0; k < tasks; ++k) parts.push_back(columns(all, k * outputs, outputs));
  return parts;
}

/// mask.shared belongs to the one trunk layer; mask.<task>.h<n> to the n-th hidden layer of the task's tower.
inline MtlBatch mtl_batch_from(const Record& record, const MtlNetwork& network, int step) {
  const auto matrix = [&](const std::string& name) { return matrix_from(at_step(record.at(name), step)); };
  MtlBatch batch{matrix("batch.x"), split_by_task(at_step(record.at("batch.y"), step)), {}};
  if (record.count("mask.shared")) batch.kept[network.trunk.at(0)] = matrix("mask.shared");
  for (const MtlTask& task : network.tasks) {
    for (std::size_t n = 1; n < task.layers.size(); ++n) {
      const std::string name = "mask." + task.name + ".h" + std::to_string(n);
      if (record.count(name)) batch.kept[task.layers[n - 1]] = matrix(name);
    }
  }
  return batch;
}

/// The predictions of step 0: out.<task> for towers, out.prediction [batch, output, task] for the trunk's heads.
inline void add_predictions(std::map<std::string, Matrix>& outcome, const MtlNetwork& network, const MtlForward& f) {
  const Matrix& first = f.prediction(0);
  const int tasks = static_cast<int>(network.tasks.size());
  Matrix all(first.rows, first.cols * tasks);
  for (int k = 0; k < tasks; ++k) {
    const Matrix& prediction = f.prediction(static_cast<std::size_t>(k));
    outcome["out." + network.tasks[static_cast<std::size_t>(k)].name] = prediction;
    for (int b = 0; b < all.rows; ++b) {
      for (int o = 0; o < first.cols; ++o) all.at(b, o * tasks + k) = prediction.at(b, o);
    }
  }
  outcome["out.prediction"] = all;
}

/// Replays the record's steps from its initial parameters; returns out.*, grad.* and gram.* of step 0, trace.* and
/// final.* under the record's names.
inline std::map<std::string, Matrix> replay_mtl(const MtlSettings& settings, const Record& record) {
  std::map<std::string, Matrix> outcome;
  const MtlNetwork& network = settings.network;
  MtlTrainer trainer(settings, parameters_from(record, "init."));
  const MtlForward f = mtl_forward(network, trainer.parameters(), mtl_batch_from(record, network, 0));
  add_predictions(outcome, network, f);
  const std::vector<GradientByName> gradients = mtl_task_gradients(network, trainer.parameters(), f);
  for (std::size_t k = 0; k < gradients.size(); ++k) {
    for (const auto& [name, g] : gradients[k]) outcome["grad." + network.tasks[k].name + "." + name] = g;
  }
  outcome["gram.shared"] = mtl_gram(gradients, mtl_shared_parameters(network));

  const auto add_row = [&](const std::string& name, const std::vector<double>& row) {
    std::vector<double>& values = outcome[name].values;
    values.insert(values.end(), row.begin(), row.end());
    outcome[name] = Matrix(outcome[name].rows + 1, static_cast<int>(row.size()), values);
  };
  for (int step = 0; step < record.at("batch.x").shape.front(); ++step) {
    const MtlTrace trace = trainer.step(mtl_batch_from(record, network, step));
    add_row("trace.losses", trace.losses);
    add_row("trace.weights", trace.weights);
    add_row("trace.weights_used", trace.weights);
    add_row("trace.raw_weights", trace.raw_weights);
    add_row("trace.norms", trace.balance.norms);
    add_row("trace.gradnorm_loss", {trace.balance.loss});
  }
  for (const auto& [name, value] : trainer.parameters().by_name) outcome["final." + name] = value;
  add_row("final.task_weights", trainer.raw_weights());
  return outcome;
}

}  // namespace equipoise::reference

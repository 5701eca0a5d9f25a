// engine/metrics.cpp - one line of metrics.jsonl.
#include "engine/metrics.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/error.h"

namespace equipoise {

using nlohmann::ordered_json;

EpochMetrics epoch_metrics(const Program& program, const Control& c) {
  EpochMetrics m;
  const std::size_t tasks = program.task_names.size();
  // Undefined, not zero, where nothing was counted: no labelled row, or every step left out.
  const auto mean = [](double sum, double over) {
    return over > 0 ? sum / over : std::numeric_limits<double>::quiet_NaN();
  };
  m.epoch = c.epoch;
  m.step = c.step;
  m.skipped = c.skipped;
  for (std::size_t t = 0; t < program.term_names.size(); ++t)
    m.terms.push_back(mean(c.sum_terms[t], program.term_names[t] == "cross_entropy" ? c.sum_label_weight : c.sum_rows));
  for (std::size_t k = 0; k < tasks; ++k) {
    m.losses.push_back(
        mean(c.sum_losses[k], program.task_names[k] == "classification" ? c.sum_label_weight : c.sum_rows));
    m.weights.push_back(c.shared_weights[k]);
    m.next_weights.push_back(c.weights[k]);
    m.norms.push_back(mean(c.sum_norms[k], c.sum_steps));
  }
  for (std::size_t i = 0; i < tasks * tasks; ++i) m.gram.push_back(mean(c.sum_gram[i], c.sum_steps));
  for (std::size_t i = 0; i < tasks; ++i)
    for (std::size_t j = 0; j < tasks; ++j) {
      const double length =
          i == j ? m.gram[i * tasks + i] : std::sqrt(m.gram[i * tasks + i]) * std::sqrt(m.gram[j * tasks + j]);
      m.cosines.push_back(length > 0 ? m.gram[i * tasks + j] / length : std::numeric_limits<double>::quiet_NaN());
    }
  m.gradient_norm = mean(c.sum_gradient_norm, c.sum_steps);
  m.step_norm = mean(c.sum_step_norm, c.sum_steps);
  m.certificate = c.worst_certificate;
  return m;
}

namespace {

ordered_json named(const std::vector<std::string>& names, const std::vector<double>& values) {
  ordered_json object = ordered_json::object();
  for (std::size_t i = 0; i < names.size(); ++i) object[names[i]] = values[i];
  return object;
}

ordered_json square(const std::vector<double>& matrix, std::size_t size) {
  ordered_json rows = ordered_json::array();
  for (std::size_t i = 0; i < size; ++i)
    rows.push_back(std::vector<double>(matrix.begin() + static_cast<std::ptrdiff_t>(i * size),
                                       matrix.begin() + static_cast<std::ptrdiff_t>((i + 1) * size)));
  return rows;
}

}  // namespace

std::string to_json_line(const Program& program, const EpochMetrics& m, bool with_time) {
  ordered_json line;
  line["epoch"] = m.epoch;
  line["step"] = m.step;
  line["skipped"] = m.skipped;
  line["train"] = {{"losses", named(program.task_names, m.losses)}, {"terms", named(program.term_names, m.terms)}};
  line["task_weights"] = named(program.task_names, m.weights);
  line["next_task_weights"] = named(program.task_names, m.next_weights);
  line["gradient_norms"] = named(program.task_names, m.norms);
  line["gram"] = square(m.gram, program.task_names.size());
  line["cosines"] = square(m.cosines, program.task_names.size());
  line["gradient_norm"] = m.gradient_norm;
  line["step_norm"] = m.step_norm;
  line["certificate"] = m.certificate == kNoCertificate ? ordered_json(nullptr) : ordered_json(m.certificate);
  if (m.validated) {
    const Evaluation& v = m.validation;
    line["validation"] = {{"losses", named(program.task_names, v.losses)},
                          {"terms", named(program.term_names, v.terms)},
                          {"reconstruction_error", {v.reconstruction_error[0], v.reconstruction_error[1]}},
                          {"crossed_error", {v.crossed_error[0], v.crossed_error[1]}},
                          {"auc", v.auc},
                          {"accuracy", v.accuracy},
                          {"sensitivity", v.sensitivity},
                          {"specificity", v.specificity}};
    line["best"] = m.best;
  }
  if (with_time) line["seconds"] = m.seconds;
  return line.dump();
}

std::string without_time(const std::string& text) {
  ordered_json line = ordered_json::parse(text, nullptr, false);
  if (!line.is_object())
    throw Error(ExitCode::checkpoint,
                "metrics.jsonl: a line is not a JSON object; the file was changed after the run wrote it");
  line.erase("seconds");
  return line.dump();
}

}  // namespace equipoise

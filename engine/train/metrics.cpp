// engine/train/metrics.cpp - one line of metrics.jsonl.
#include "engine/train/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/base/error.h"
#include "engine/files/format.h"
#include "engine/files/json_text.h"

namespace equipoise {

using nlohmann::ordered_json;

namespace {

/// NaN where a gradient vanished all along.
std::vector<double> cosines_of(const std::vector<double>& gram, std::size_t tasks) {
  std::vector<double> cosines;
  for (std::size_t i = 0; i < tasks; ++i)
    for (std::size_t j = 0; j < tasks; ++j) {
      const double length =
          i == j ? gram[i * tasks + i] : std::sqrt(gram[i * tasks + i]) * std::sqrt(gram[j * tasks + j]);
      cosines.push_back(length > 0 ? gram[i * tasks + j] / length : std::numeric_limits<double>::quiet_NaN());
    }
  return cosines;
}

/// Undefined, not zero, where nothing was counted: no labelled row, or every step left out.
double mean(double sum, double over) { return over > 0 ? sum / over : std::numeric_limits<double>::quiet_NaN(); }

}  // namespace

std::vector<double> epoch_losses(const Program& program, const Control& c) {
  std::vector<double> losses;
  for (std::size_t k = 0; k < program.task_names.size(); ++k)
    losses.push_back(mean(c.sum_losses[k], c.sum_task_rows[k]));
  return losses;
}

EpochMetrics epoch_metrics(const Program& program, const Control& c) {
  EpochMetrics m;
  const std::size_t tasks = program.task_names.size();
  m.epoch = c.epoch;
  m.step = c.step;
  m.skipped = c.skipped;
  for (std::size_t t = 0; t < program.term_names.size(); ++t)
    m.terms.push_back(mean(c.sum_terms[t], c.sum_term_rows[t]));
  m.losses = epoch_losses(program, c);
  m.gradient_norm = mean(c.sum_gradient_norm, c.sum_steps);
  for (std::size_t b = 0; b < std::max<std::size_t>(program.chains.size(), 1); ++b) {
    BalancerMetrics here;
    for (std::size_t k = b * tasks; k < (b + 1) * tasks; ++k) {
      here.weights.push_back(c.shared_weights[k]);
      here.next_weights.push_back(c.weights[k]);
      here.norms.push_back(mean(c.sum_norms[k], c.sum_steps));
    }
    const double* gram = c.sum_gram + b * tasks * tasks;
    for (std::size_t i = 0; i < tasks * tasks; ++i) here.gram.push_back(mean(gram[i], c.sum_steps));
    here.cosines = cosines_of(here.gram, tasks);
    for (std::size_t k = 0; k < tasks && b < program.measured.size() && program.measured[b]; ++k)
      if (c.sum_steps > 0 && c.sum_task_rows[k] > 0 && gram[k * tasks + k] == 0) here.vanished.push_back(k);
    here.step_norm = mean(c.sum_step_norm[b], c.sum_steps);
    here.certificate = c.worst_certificate[b];
    m.balancers.push_back(std::move(here));
  }
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

void put_balancer(const Program& program, const BalancerMetrics& m, ordered_json& line) {
  line["task_weights"] = named(program.task_names, m.weights);
  line["next_task_weights"] = named(program.task_names, m.next_weights);
  line["gradient_norms"] = named(program.task_names, m.norms);
  line["gram"] = square(m.gram, program.task_names.size());
  line["cosines"] = square(m.cosines, program.task_names.size());
  for (const std::size_t k : m.vanished) line["vanished_gradients"].push_back(program.task_names[k]);
}

void put_step(const BalancerMetrics& m, ordered_json& line) {
  line["step_norm"] = m.step_norm;
  line["certificate"] = m.certificate == kNoCertificate ? ordered_json(nullptr) : ordered_json(m.certificate);
}

}  // namespace

std::string to_json_line(const Program& program, const EpochMetrics& m, bool with_time) {
  ordered_json line;
  line["epoch"] = m.epoch;
  line["step"] = m.step;
  line["skipped"] = m.skipped;
  line["train"] = {{"losses", named(program.task_names, m.losses)}, {"terms", named(program.term_names, m.terms)}};
  if (!program.routed) put_balancer(program, m.balancers.front(), line);
  line["gradient_norm"] = m.gradient_norm;
  if (!program.routed) put_step(m.balancers.front(), line);
  for (std::size_t b = 1; b < m.balancers.size(); ++b) {
    ordered_json& further = line["further_balancers"].emplace_back();
    put_balancer(program, m.balancers[b], further);
    put_step(m.balancers[b], further);
  }
  if (m.validated) {
    const Evaluation& v = m.validation;
    line["validation"] = {{"losses", named(program.task_names, v.losses)},
                          {"terms", named(program.term_names, v.terms)}};
    for (const Figure& f : v.figures)
      line["validation"][f.name] = f.values.size() == 1 ? ordered_json(f.values[0]) : ordered_json(f.values);
    line["best"] = m.best;
  }
  return with_time ? equipoise::with_time(line.dump(), m.seconds) : line.dump();
}

std::string with_time(const std::string& line, double seconds) {
  return line.substr(0, line.size() - 1) + ",\"seconds\":" + ordered_json(seconds).dump() + "}";
}

std::string format_line() { return ordered_json{{"format", mark(file_format::kMetrics)}}.dump(); }

namespace {

/// null where it is no JSON.
ordered_json parsed(std::string_view text, const std::string& file) {
  try {
    return parse_json(text, file);
  } catch (const ordered_json::exception&) {
    return nullptr;
  }
}

}  // namespace

void expect_metrics(const std::string& file, const std::string& first_line) {
  const ordered_json line = parsed(first_line, file);
  const bool says = line.is_object() && line.contains("format") && line["format"].is_string();
  expect_format(file, file_format::kMetrics, says ? line["format"].get<std::string>() : std::string());
}

std::string without_time(std::string_view text) {
  ordered_json line = parsed(text, "metrics.jsonl");
  if (!line.is_object())
    throw Error(ExitCode::checkpoint,
                "metrics.jsonl: a line is not a JSON object; the file was changed after the run wrote it");
  line.erase("seconds");
  return line.dump();
}

}  // namespace equipoise

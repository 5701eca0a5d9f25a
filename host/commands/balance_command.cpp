// host/commands/balance_command.cpp - balance: what a composition of methods makes of one step's gradients.
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/balance/balance_problem.h"
#include "engine/balance/methods.h"
#include "engine/files/file_descriptor.h"
#include "engine/files/npy.h"
#include "host/commands/commands.h"
#include "host/run/device_choice.h"
#include "host/text/json_number.h"
#include "host/text/nearest_name.h"
#include "kernels/balance/chain.h"

namespace equipoise {

namespace {

using nlohmann::ordered_json;

[[noreturn]] void refuse(ExitCode code, const std::string& sentence) { throw Error(code, sentence); }

/// The file's tensors; an array file holds one without a name.
TensorFile read_tensors(const std::filesystem::path& path) {
  std::array<std::byte, 6> beginning;
  const std::size_t read = read_at(open_file(path, O_RDONLY).get(), 0, beginning, path);
  if (is_npy(std::span(beginning).first(read))) return {{{"", read_npy(path)}}, {}, path.string()};
  try {
    return read_safetensors(path);
  } catch (const Error& error) {  // gradients are data here, not a checkpoint
    throw Error(error.code() == ExitCode::checkpoint ? ExitCode::data : error.code(), error.what());
  }
}

const StoredTensor& tensor_of(const TensorFile& file, const std::optional<std::string>& name, const char* option) {
  if (file.tensors.contains("")) {
    if (!name) return file.tensors.at("");
    refuse(ExitCode::usage, fmt::format("{} {}: {} is an .npy file, which holds one array without a name; use a "
                                        "safetensors file",
                                        option, *name, file.path));
  }
  const std::string wanted = name.value_or("grads");
  if (const auto found = file.tensors.find(wanted); found != file.tensors.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [known, tensor] : file.tensors) names.push_back(known);
  refuse(ExitCode::data,
         fmt::format("{}: has no tensor '{}' (see {}); {}", file.path, wanted, option, did_you_mean(wanted, names)));
}

std::vector<float> elementwise(const TensorFile& file, const std::optional<std::string>& name, const char* option) {
  if (!name) return {};
  return finite_floats(tensor_of(file, name, option), fmt::format("{}: tensor '{}'", file.path, *name));
}

BalanceProblem read_problem(const BalanceOptions& o) {
  const TensorFile file = read_tensors(o.file);
  const StoredTensor& gradients = tensor_of(file, o.tensor, "--tensor");
  if (gradients.shape.size() != 2)
    refuse(ExitCode::data, fmt::format("{}: gradients must have two dimensions, tasks and elements, not the shape [{}]",
                                       file.path, fmt::join(gradients.shape, ", ")));
  const int64_t tasks = gradients.shape[0], columns = gradients.shape[1];
  if (tasks < 1 || tasks > kMaxTasks || columns < 1)
    refuse(ExitCode::data,
           fmt::format("{}: gradients of shape [{}, {}] cannot be balanced; give 1 to {} rows, a task's "
                       "gradient each",
                       file.path, tasks, columns, kMaxTasks));
  BalanceProblem problem;
  problem.tasks = static_cast<int>(tasks);
  problem.columns = columns;
  problem.gradients = finite_floats(gradients, fmt::format("{}: gradients", file.path));
  problem.losses = o.losses;
  problem.initial_losses = o.initial_losses;
  problem.draws = elementwise(file, o.draws, "--draws");
  problem.input = elementwise(file, o.input, "--input");
  problem.seed = o.seed;
  return problem;
}

MethodList read_methods(const BalanceOptions& o) {
  MethodList list = parse_methods(o.methods, "--method", did_you_mean);
  bool has_order = false;
  for (Method& m : list.methods) {
    if (m.kind != MethodKind::pcgrad && m.kind != MethodKind::gradvac) continue;
    has_order = true;
    if (o.identity_order) m.identity_order = 1;
  }
  if (o.identity_order && !has_order)
    refuse(ExitCode::usage, "--order identity: only pcgrad and gradvac visit tasks in an order; leave it out");
  if ((o.draws || o.input) && list.methods.back().kind != MethodKind::graddrop)
    refuse(ExitCode::usage, fmt::format("--{}: only graddrop reads it; leave it out or add --method graddrop",
                                        o.draws ? "draws" : "input"));
  if (o.rescale && list.methods.back().kind == MethodKind::graddrop)
    refuse(ExitCode::usage,
           "--rescale: graddrop drops single elements, so its step's norm is not known from the Gram "
           "matrix; leave one out");
  return list;
}

std::string text_of(const MethodList& list) {
  std::vector<std::string> texts;
  for (const Method& m : list.methods) texts.push_back(method_text(m, &list));
  return fmt::format("{}", fmt::join(texts, " then "));
}

ordered_json numbers(std::span<const double> values) {
  ordered_json json = ordered_json::array();
  for (const double x : values) json.push_back(json_number(x));
  return json;
}

ordered_json matrix(const std::vector<double>& values, std::size_t columns) {
  ordered_json json = ordered_json::array();
  for (std::size_t first = 0; first < values.size(); first += columns)
    json.push_back(numbers(std::span(values).subspan(first, columns)));
  return json;
}

std::string as_json(const std::string& method, const BalanceResult& r) {
  const std::size_t k = r.norms.size();
  const GradientGeometry& g = r.geometry;
  return ordered_json{{"method", method},
                      {"gram", matrix(g.gram, k)},
                      {"norms", numbers(r.norms)},
                      {"shortest_convex",
                       {{"norm", json_number(g.shortest)},
                        {"weights", numbers(g.convex)},
                        {"certificate", g.certificate ? json_number(*g.certificate) : ordered_json()}}},
                      {"mixing", matrix(r.mixing, k)},
                      {"weights", numbers(r.weights)},
                      {"step_norm", json_number(r.step_norm)},
                      {"gains", numbers(r.gains)},
                      {"certificate",
                       r.certificate == kNoCertificate ? ordered_json() : json_number(r.certificate)}}
             .dump(1) +
         "\n";
}

/// Whether the step lowers (gains) or raises a task's loss, to first order. What is smaller than the rounding of the
/// sum of balanced gradients tells neither.
std::string verdict(const BalanceResult& r, std::size_t task) {
  constexpr double kRounding = 1e-12;  // 32 terms of C, then 32 of the step, in double
  const std::size_t k = r.norms.size();
  double size = 0;
  for (std::size_t e = 0; e < k * k; ++e) size += std::abs(r.mixing[e]) * r.norms[e % k];
  if (std::abs(r.gains[task]) <= kRounding * size * r.norms[task]) return "neither";
  return r.gains[task] > 0 ? "gains" : "loses";
}

std::string as_text(const std::string& method, const BalanceProblem& p, const BalanceResult& r, bool drops,
                    std::optional<int> cuda_device) {
  const std::size_t k = r.norms.size();
  std::string text = fmt::format("{} on gradients of {} tasks, {} elements each", method, k, p.columns);
  text += cuda_device ? fmt::format(", measured on cuda:{}\n\n", *cuda_device) : "\n\n";
  text += fmt::format("{:>4}  {:>11}  {:>11}  {:>11}\n", "task", "norm", "weight", "step . g");
  for (std::size_t i = 0; i < k; ++i)
    text += fmt::format("{:>4}  {:>11.5g}  {:>11.5g}  {:>11.4g}  {}\n", i, r.norms[i], r.weights[i], r.gains[i],
                        verdict(r, i));
  text += "\ncosines\n    ";
  for (std::size_t j = 0; j < k; ++j) text += fmt::format("{:>7}", j);
  for (std::size_t i = 0; i < k; ++i) {
    text += fmt::format("\n{:>4}", i);
    for (std::size_t j = 0; j < k; ++j)
      text += r.norms[i] > 0 && r.norms[j] > 0
                  ? fmt::format("{:>7.3f}", r.geometry.gram[i * k + j] / r.norms[i] / r.norms[j])
                  : fmt::format("{:>7}", "-");
  }
  text += fmt::format("\n\nshortest convex combination: norm {:.6g}, weights", r.geometry.shortest);
  for (const double weight : r.geometry.convex) text += fmt::format(" {:.5g}", weight);
  text += fmt::format("\nnorm of the step: {:.6g}\n", r.step_norm);
  if (drops)
    text += "graddrop drops single elements: weights and mixing are those before it, step and gains after it\n";
  if (r.certificate != kNoCertificate)
    text += fmt::format("certificate of the min-norm solution: {:.3g}\n", r.certificate);
  return text;
}

void write_outcome(const std::filesystem::path& path, const std::string& method, const BalanceProblem& p,
                   const BalanceResult& r) {
  for (const auto* values : {&r.balanced, &r.step})
    if (!std::all_of(values->begin(), values->end(), [](float x) { return std::isfinite(x); }))
      refuse(ExitCode::numerics, fmt::format("{}: balanced gradients are beyond float32's range; scale the gradients "
                                             "down",
                                             path.string()));
  write_safetensors(path, {{{"balanced", StoredTensor::from_floats({p.tasks, p.columns}, r.balanced)},
                            {"step", StoredTensor::from_floats({p.columns}, r.step)}},
                           {{"method", method}},
                           {}});
}

}  // namespace

ExitCode balance_command(const BalanceOptions& o) {
  if (o.out && o.out->extension() == ".npy")
    refuse(ExitCode::usage,
           fmt::format("--out {}: two tensors are written, as safetensors; name it so", o.out->string()));
  std::error_code none;
  if (o.out && std::filesystem::equivalent(*o.out, o.file, none))
    refuse(ExitCode::usage,
           fmt::format("--out {}: that is the file with the gradients; name another", o.out->string()));
  const MethodList list = read_methods(o);
  const BalanceProblem problem = read_problem(o);
  Chain chain = make_chain(list.methods, problem.tasks);
  chain.rescale = o.rescale;
  Settings settings;
  settings.alpha = list.alpha.value_or(settings.alpha);
  settings.task_lr = list.task_lr.value_or(settings.task_lr);
  const std::optional<int> cuda_device = cuda_device_of(o.device);
  const BalanceResult result = balance(problem, chain, settings, cuda_device);
  const std::string method = text_of(list);
  const bool drops = list.methods.back().kind == MethodKind::graddrop;
  if (o.out) write_outcome(*o.out, method, problem, result);
  print_result(o.json ? as_json(method, result) : as_text(method, problem, result, drops, cuda_device));
  return ExitCode::done;
}

std::string balance_help() {
  const Settings settings;
  return fmt::format(
      "Methods and the keys they take (alpha defaults to {}, lr of gradnorm, gradnorm_modified and uw to {}):\n{}\n"
      "One step from fresh state. gradnorm, gradnorm_modified and uw: the weights after one update from their first\n"
      "ones, which the losses and gradients make; L(0) are the initial losses. famo: the same, updated by the fall\n"
      "from the initial losses. dwa: both losses are the means of the last two epochs. gradvac, nsgd: a first call.\n"
      "A task gains if the step's inner product with its gradient is positive: a step against it lowers its loss.\n"
      "The shortest convex combination of the gradients (that MGDA steps along) is told for every method: near zero\n"
      "beside the gradients' norms, no direction helps every task. --device says where the gradients are read for\n"
      "their Gram matrix; the bits are the same.",
      settings.alpha, settings.task_lr, methods_help());
}

}  // namespace equipoise

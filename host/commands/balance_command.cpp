// host/commands/balance_command.cpp - balance: what a composition of methods makes of one step's gradients.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/balance/balance_problem.h"
#include "engine/balance/gradient_range.h"
#include "engine/balance/methods.h"
#include "host/commands/commands.h"
#include "host/run/device_choice.h"
#include "host/run/gradient_file.h"
#include "host/run/output_file.h"
#include "host/text/json_number.h"
#include "host/text/nearest_name.h"
#include "kernels/balance/chain.h"

namespace equipoise {

namespace {

using nlohmann::ordered_json;

[[noreturn]] void refuse(ExitCode code, const std::string& sentence) { throw Error(code, sentence); }

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
  const TensorFile file = read_gradient_file(o.file);
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
  ScaledFloats scaled = scaled_gradients(gradients, fmt::format("{}: gradients", file.path));
  problem.gradients = std::move(scaled.values);
  problem.exponent = scaled.exponent;
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

/// What a method does with a loss that it cannot do with one that is not positive.
std::string use_of_losses(const Method& method) {
  if (method.kind == MethodKind::uw) return "learns the logarithm of a variance that only a positive loss has";
  if (method.kind == MethodKind::dwa) return "takes the ratio of two losses";
  if (method.kind == MethodKind::famo) return "takes logarithms of losses";
  return "divides a gradient by its loss";
}

/// Without losses they are ones.
void expect_losses_that_fit(const MethodList& list, const BalanceOptions& o) {
  for (const Method& method : list.methods) {
    if (!needs_positive_losses(method)) continue;
    const bool looks_back = method.kind == MethodKind::dwa || method.kind == MethodKind::famo;
    for (const auto& [option, losses] : {std::pair{"--losses", &o.losses}, {"--initial-losses", &o.initial_losses}})
      for (std::size_t i = 0; i < losses->size() && (losses == &o.losses || looks_back); ++i)
        if ((*losses)[i] <= 0)
          refuse(ExitCode::usage, fmt::format("{}: that of task {} is {}, and {} {}; give losses above 0, or another "
                                              "method",
                                              option, i, (*losses)[i], method_text(method), use_of_losses(method)));
  }
}

/// Throws Error(numerics) naming the first figure that is no number.
void expect_finite(const std::string& method, const BalanceResult& r) {
  const auto check = [&](const char* what, std::span<const double> values) {
    for (const double x : values)
      if (!std::isfinite(x))
        refuse(ExitCode::numerics,
               fmt::format("{}: {} is {}: these gradients and losses are beyond what the method can "
                           "work with in float64; scale them, or choose another method",
                           method, what, std::isnan(x) ? std::abs(x) : x));
  };
  check("an inner product of gradients", r.geometry.gram);
  check("an entry of the mixing matrix", r.mixing);
  check("a weight", r.weights);
  check("a gain", r.gains);
  check("the norm of the step", {&r.step_norm, 1});
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
                      {"certificate", r.certificate == kNoCertificate ? ordered_json() : json_number(r.certificate)}}
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
                   const BalanceResult& r, bool force) {
  const auto write = [&](StoredTensor balanced, StoredTensor step) {
    write_output(path, {{{"balanced", std::move(balanced)}, {"step", std::move(step)}}, {{"method", method}}, {}},
                 force);
  };
  if (p.exponent != 0)  // beyond float32 as they came
    return write(StoredTensor::from_doubles({p.tasks, p.columns}, r.wide_balanced),
                 StoredTensor::from_doubles({p.columns}, r.wide_step));
  for (const auto* values : {&r.balanced, &r.step})
    if (!std::all_of(values->begin(), values->end(), [](float x) { return std::isfinite(x); }))
      refuse(ExitCode::numerics, fmt::format("{}: balanced gradients are beyond float32's range; scale the gradients "
                                             "down",
                                             path.string()));
  write(StoredTensor::from_floats({p.tasks, p.columns}, r.balanced), StoredTensor::from_floats({p.columns}, r.step));
}

}  // namespace

ExitCode balance_command(const BalanceOptions& o) {
  if (o.out && o.out->extension() == ".npy")
    refuse(ExitCode::usage,
           fmt::format("--out {}: two tensors are written, as safetensors; name it so", o.out->string()));
  if (o.out) {
    expect_not_input(*o.out, o.file, "the file with the gradients");
    expect_may_write(*o.out, o.force);
  }
  const MethodList list = read_methods(o);
  expect_losses_that_fit(list, o);
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
  expect_finite(method, result);
  if (o.out) write_outcome(*o.out, method, problem, result, o.force);
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
      "their Gram matrix; the bits are the same. Losses of uw, dwa, famo and of normalise = loss or loss+ must be\n"
      "positive. float64 gradients beyond float32's range are held by a power of two, which no figure shows; --out "
      "then\n"
      "writes float64.",
      settings.alpha, settings.task_lr, methods_help());
}

}  // namespace equipoise

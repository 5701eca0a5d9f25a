// engine/balance/balance_problem.cpp - the chain's working memory for one step, and C J element by element.
#include "engine/balance/balance_problem.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "engine/base/error.h"
#include "kernels/balance/graddrop.h"
#include "kernels/balance/run_chain.h"
#include "kernels/teams/host_team.h"

namespace equipoise {
namespace {

using Row = std::size_t;

[[noreturn]] void refuse(const std::string& sentence) { throw Error(ExitCode::data, sentence); }

void expect_whole(const BalanceProblem& p) {
  if (p.tasks < 1 || p.tasks > kMaxTasks)
    refuse(fmt::format("gradients of {} tasks are given; there may be 1 to {}", p.tasks, kMaxTasks));
  if (p.columns < 1) refuse("the gradients have no elements; give each task at least one");
  const auto k = static_cast<Row>(p.tasks), d = static_cast<Row>(p.columns);
  if (p.gradients.size() / d != k || p.gradients.size() % d != 0)
    refuse(fmt::format("{} elements make no [{}, {}] gradients", p.gradients.size(), k, d));
  for (std::size_t e = 0; e < p.gradients.size(); ++e)
    if (!std::isfinite(p.gradients[e]))
      refuse(fmt::format("the gradient of task {} is not finite at element {}; leave the task out or mend its loss",
                         e / d, e % d));
  for (const auto& [name, losses] : {std::pair{"losses", &p.losses}, {"initial losses", &p.initial_losses}}) {
    if (losses->empty()) continue;
    if (losses->size() != k)
      refuse(fmt::format("{} {} are given for {} tasks; give one for each", losses->size(), name, k));
    for (Row i = 0; i < k; ++i)
      if (!std::isfinite((*losses)[i])) refuse(fmt::format("number {} of the {} is not finite", i, name));
  }
  for (const auto& [name, values] : {std::pair{"draws hold", &p.draws}, {"input holds", &p.input}})
    if (!values->empty() && values->size() != d)
      refuse(fmt::format("the {} {} elements and the gradients {}; they must be as many", name, values->size(), d));
  for (const float u : p.draws)
    if (!(u >= 0 && u <= 1)) refuse(fmt::format("{} is among the draws, which are uniform on [0, 1]", u));
}

std::vector<double> ones_if_empty(const std::vector<double>& losses, int tasks) {
  return losses.empty() ? std::vector<double>(static_cast<std::size_t>(tasks), 1.0) : losses;
}

/// Everything that a call of the chain writes.
struct Step {
  std::vector<double> next, scratch, mixing, shared, own, next_weight, target;
  double gradnorm_loss = 0, step_norm = 0, certificate = kNoCertificate;

  explicit Step(const Chain& chain) {
    const auto k = static_cast<std::size_t>(chain.tasks);
    next.resize(static_cast<std::size_t>(chain.state));
    scratch.resize(static_cast<std::size_t>(chain_scratch(chain.tasks)));
    mixing.resize(k * k);
    for (auto* each : {&shared, &own, &next_weight, &target}) each->resize(k);
  }
};

/// Calls the chain; each call begins an epoch, so that dwa's epochs are one step long.
Step call(const Chain& chain, const Settings& settings, const std::vector<double>& gram,
          const std::vector<double>& losses, const std::vector<double>& state) {
  const std::vector<int32_t> present(static_cast<std::size_t>(chain.tasks), 1);
  Step step(chain);
  ChainStep s{};
  s.present = present.data();
  s.loss = losses.data();
  s.gram = gram.data();
  s.settings = &settings;
  s.draws = {settings.seed, 0, 0};
  s.epoch_begins = true;
  s.state = state.data();
  s.next = step.next.data();
  s.scratch = step.scratch.data();
  s.mixing = step.mixing.data();
  s.shared = step.shared.data();
  s.own = step.own.data();
  s.next_weight = step.next_weight.data();
  s.target = step.target.data();
  s.gradnorm_loss = &step.gradnorm_loss;
  s.step_norm = &step.step_norm;
  s.certificate = &step.certificate;
  run_chain(SerialTeam{}, chain, s);
  return step;
}

/// A state whose every number is taken from the state that `source(kind, row)` points to, or zero where it is null;
/// row: place within the method's state over K.
template <class Source>
std::vector<double> state_of(const Chain& chain, Source&& source) {
  std::vector<double> state(static_cast<std::size_t>(chain.state), 0.0);
  for (int a = 0; a < chain.count; ++a) {
    const Method& m = chain.methods[a];
    for (int place = 0; place < state_doubles(m.kind, chain.tasks); ++place) {
      const auto at = static_cast<std::size_t>(m.state + place);
      const std::vector<double>* from = source(m.kind, place / chain.tasks);
      if (from) state[at] = (*from)[at];
    }
  }
  return state;
}

/// The call whose weights are the outcome, after those that make its state.
Step balanced_step(const BalanceProblem& p, const Chain& chain, const Settings& settings,
                   const std::vector<double>& gram) {
  using enum MethodKind;
  using State = const std::vector<double>*;
  const auto is_gradnorm = [](MethodKind kind) { return kind == gradnorm || kind == gradnorm_modified; };
  const std::vector<double> now = ones_if_empty(p.losses, p.tasks), first = ones_if_empty(p.initial_losses, p.tasks);
  const std::vector<double> fresh(static_cast<std::size_t>(chain.state), 0.0);
  const std::vector<double> after_first = call(chain, settings, gram, first, fresh).next;
  // GradNorm remembers what it measured on the first losses, but was not updated by them.
  const std::vector<double> before = state_of(chain, [&](MethodKind kind, int row) -> State {
    const bool measured = row == GradNormState::kFirst || row == GradNormState::kHasFirst;
    return kind == dwa || kind == famo || (is_gradnorm(kind) && measured) ? &after_first : nullptr;
  });
  const std::vector<double> after = call(chain, settings, gram, now, before).next;
  // famo's update comes before its weights, in the same call; that of the others after it.
  const std::vector<double> state = state_of(chain, [&](MethodKind kind, int) -> State {
    if (kind == famo) return &before;
    return kind == dwa || kind == uw || is_gradnorm(kind) ? &after : nullptr;
  });
  return call(chain, settings, gram, now, state);
}

/// Sets balanced, step and what is measured on the step.
void combine(const BalanceProblem& p, const Chain& chain, BalanceResult& result) {
  const auto k = static_cast<Row>(p.tasks), d = static_cast<Row>(p.columns);
  const Method& last = chain.methods[chain.count - 1];
  const bool drops = last.kind == MethodKind::graddrop;
  const StepDraws draws{p.seed, 0, 0};
  const bool wide = p.exponent != 0;
  const double unit = std::ldexp(1.0, p.exponent);
  (wide ? result.wide_balanced.resize(k * d) : result.balanced.resize(k * d));
  (wide ? result.wide_step.resize(d) : result.step.resize(d));
  result.gains.assign(k, 0.0);
  double squares = 0;
  std::vector<double> row(k);  // the element in each task's balanced gradient
  for (std::size_t e = 0; e < d; ++e) {
    for (Row i = 0; i < k; ++i) {
      row[i] = 0;
      for (Row j = 0; j < k; ++j)
        row[i] = std::fma(result.mixing[i * k + j], unit * double{p.gradients[j * d + e]}, row[i]);
    }
    if (drops) {
      const float x = p.input.empty() ? 1.0f : p.input[e];
      const double sign = x > 0 ? 1.0 : (x < 0 ? -1.0 : 0.0);
      GradDropSigns signs{};
      for (const double value : row) signs.add(sign * value);
      const double share = signs.positive_share();
      const double uniform = p.draws.empty() ? graddrop_uniform(draws, e) : double{p.draws[e]};
      for (double& value : row) value *= graddrop_factor(share, uniform, sign * value, last.leak);
    }
    double sum = 0;
    for (Row i = 0; i < k; ++i) {
      if (wide) result.wide_balanced[i * d + e] = row[i];
      else result.balanced[i * d + e] = static_cast<float>(row[i]);
      sum += row[i];
    }
    if (wide) result.wide_step[e] = sum;
    else result.step[e] = static_cast<float>(sum);
    squares = std::fma(sum, sum, squares);
    for (Row i = 0; i < k; ++i) result.gains[i] = std::fma(sum, unit * double{p.gradients[i * d + e]}, result.gains[i]);
  }
  result.step_norm = std::sqrt(squares);
}

std::string place_in(const StoredTensor& tensor, std::size_t e) {
  if (tensor.shape.size() != 2) return fmt::format("{}", e);
  const auto columns = static_cast<std::size_t>(tensor.shape[1]);
  return fmt::format("{} of row {}", e % columns, e / columns);
}

/// Whole numbers that float32 would round are mostly not what was meant.
template <class Whole>
void expect_exact_as(const StoredTensor& tensor, const std::vector<float>& values, const std::string& what) {
  for (std::size_t e = 0; e < values.size(); ++e) {
    Whole whole;
    std::memcpy(&whole, tensor.bytes.data() + e * sizeof whole, sizeof whole);
    // 2^63 and 2^64 are beyond their types: no conversion back is defined there.
    const bool beyond = static_cast<double>(values[e]) >= std::ldexp(1.0, std::numeric_limits<Whole>::digits);
    if (!beyond && static_cast<Whole>(values[e]) == whole) continue;
    refuse(
        fmt::format("{}: element {} is {}, which float32 rounds to {:.0f}; convert the array with "
                    "astype(numpy.float32) if that is meant",
                    what, place_in(tensor, e), whole, values[e]));
  }
}

void expect_exact(const StoredTensor& tensor, const std::vector<float>& values, const std::string& what) {
  if (tensor.type == ElementType::i64) expect_exact_as<int64_t>(tensor, values, what);
  if (tensor.type == ElementType::u64) expect_exact_as<uint64_t>(tensor, values, what);
  if (tensor.type == ElementType::i32) expect_exact_as<int32_t>(tensor, values, what);
  if (tensor.type == ElementType::u32) expect_exact_as<uint32_t>(tensor, values, what);
}

}  // namespace

BalanceResult balance(const BalanceProblem& problem, const Chain& chain, const Settings& settings,
                      std::optional<int> cuda_device) {
  expect_whole(problem);
  if (chain.tasks != problem.tasks || chain.count < 1)
    refuse(fmt::format("methods for {} tasks meet gradients of {}", chain.tasks, problem.tasks));
  Settings own = settings;
  own.seed = problem.seed;
  std::fill_n(own.initial_weights, kMaxTasks, 1.0);
  BalanceResult result;
  result.geometry = gradient_geometry(problem.gradients, problem.tasks, problem.columns, cuda_device);
  // A power of two and its square: no bit is rounded.
  for (double& product : result.geometry.gram) product = std::ldexp(product, 2 * problem.exponent);
  result.geometry.shortest = std::ldexp(result.geometry.shortest, problem.exponent);
  const std::vector<double>& gram = result.geometry.gram;
  const auto k = static_cast<Row>(problem.tasks);
  for (Row i = 0; i < k; ++i) result.norms.push_back(std::sqrt(gram[i * k + i]));
  Step step = balanced_step(problem, chain, own, gram);
  result.mixing = std::move(step.mixing);
  result.weights = std::move(step.shared);
  result.certificate = step.certificate;
  combine(problem, chain, result);
  return result;
}

std::vector<float> finite_floats(const StoredTensor& tensor, const std::string& what) {
  const std::vector<float> values = tensor.to_floats();
  expect_exact(tensor, values, what);
  for (std::size_t e = 0; e < values.size(); ++e) {
    if (std::isfinite(values[e])) continue;
    StoredTensor one{tensor.type, {1}, {}};  // the value as it was before it was rounded
    const auto size = static_cast<std::ptrdiff_t>(element_size(tensor.type));
    const auto begin = tensor.bytes.begin() + static_cast<std::ptrdiff_t>(e) * size;
    one.bytes.assign(begin, begin + size);
    const double value = one.to_doubles()[0];
    refuse(fmt::format("{}: element {} is {}; {}", what, place_in(tensor, e), value,
                       std::isfinite(value) ? "float32 ends at 3.4e38: scale the gradients down"
                                            : "only finite numbers can be balanced"));
  }
  return values;
}

}  // namespace equipoise

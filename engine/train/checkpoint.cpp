// engine/train/checkpoint.cpp - a training as tensors.
#include "engine/train/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/base/error.h"
#include "engine/files/format.h"
#include "engine/files/sha256.h"
#include "engine/run/parameters.h"
#include "engine/systems/metadata.h"

namespace equipoise {

namespace {

constexpr const char* kFormatKey = "format";
constexpr const char* kHashKey = "sha256";
constexpr const char* kPrefix[] = {"", "moment1.", "moment2."};

/// Every field of Control that outlives a step, with its length.
struct Field {
  const char* name;
  void* data;
  std::size_t count;
  bool integer;  // int32, else float64
};

std::vector<Field> fields(Control& c, const Program& program) {
  const std::size_t tasks = program.task_names.size(), terms = program.term_names.size();
  const std::size_t balancers = std::max<std::size_t>(program.chains.size(), 1), weights = balancers * tasks;
  return {{"epoch", &c.epoch, 1, true},
          {"position", &c.position, 1, true},
          {"status", &c.status, 1, true},
          {"skipped", &c.skipped, 1, true},
          {"bad_kind", &c.bad_kind, 1, true},
          {"bad_index", &c.bad_index, 1, true},
          {"weights", c.weights, weights, false},
          {"shared_weights", c.shared_weights, weights, false},
          {"private_weights", c.private_weights, weights, false},
          {"beta1_power", &c.beta1_power, 1, false},
          {"beta2_power", &c.beta2_power, 1, false},
          {"sum_steps", &c.sum_steps, 1, false},
          {"sum_terms", c.sum_terms, terms, false},
          {"sum_term_rows", c.sum_term_rows, terms, false},
          {"sum_losses", c.sum_losses, tasks, false},
          {"sum_task_rows", c.sum_task_rows, tasks, false},
          {"sum_norms", c.sum_norms, weights, false},
          {"sum_gram", c.sum_gram, weights * tasks, false},
          {"sum_gradient_norm", &c.sum_gradient_norm, 1, false},
          {"sum_step_norm", c.sum_step_norm, balancers, false},
          {"worst_certificate", c.worst_certificate, balancers, false}};
}

void put_state(TensorFile& file, const Program& program, const std::string& prefix, const std::vector<float>& state,
               int parts) {
  for (const ParameterInfo& p : program.parameters)
    for (int part = 0; part < parts; ++part)
      file.tensors[prefix + kPrefix[part] + p.name] =
          StoredTensor::from_floats(p.shape, read_parameter(program, p, static_cast<StatePart>(part), state));
}

const StoredTensor& tensor_of(const TensorFile& file, const std::string& name, ElementType type,
                              const std::vector<int64_t>& shape) {
  const StoredTensor& t = file.at(name);
  if (t.type != type || t.shape != shape)
    throw Error(
        ExitCode::checkpoint,
        fmt::format("{}: tensor '{}' is {} [{}] where {} [{}] is needed; it belongs to another model", file.path, name,
                    element_name(t.type), fmt::join(t.shape, ", "), element_name(type), fmt::join(shape, ", ")));
  return t;
}

std::vector<float> get_state(const TensorFile& file, const Program& program, const std::string& prefix, int parts) {
  std::vector<float> state(static_cast<std::size_t>(program.state_floats), 0.0f);
  for (const ParameterInfo& p : program.parameters)
    for (int part = 0; part < parts; ++part)
      write_parameter(program, p, static_cast<StatePart>(part), state,
                      tensor_of(file, prefix + kPrefix[part] + p.name, ElementType::f32, p.shape).to_floats());
  return state;
}

/// SHA-256 over names and bytes of all tensors, in the order of their names.
std::string content_hash(const TensorFile& file) {
  Sha256 sha;
  for (const auto& [name, tensor] : file.tensors) {
    sha.update(name + '\n');
    sha.update(tensor.bytes.data(), tensor.bytes.size());
  }
  return sha.hex();
}

void expect_undamaged(const TensorFile& file) {
  if (file.metadata_at(kHashKey) != content_hash(file))
    throw Error(
        ExitCode::checkpoint,
        fmt::format("{}: its tensors do not give the SHA-256 it was written with; it is damaged, resume the run to "
                    "write it anew",
                    file.path));
}

}  // namespace

TensorFile model_file(const Program& program, const TrainingPlan& plan, const std::vector<float>& state, int epoch) {
  TensorFile file;
  file.metadata = identity_of(plan);
  file.metadata["epoch"] = std::to_string(epoch);
  file.metadata[kFormatKey] = mark(file_format::kModel);
  for (const ParameterInfo& p : program.parameters)
    file.tensors[p.name] = StoredTensor::from_floats(p.shape, read_parameter(program, p, StatePart::parameter, state));
  sign(file);
  return file;
}

void sign(TensorFile& file) { file.metadata[kHashKey] = content_hash(file); }

std::vector<float> parameters_of(const Program& program, const std::vector<float>& state) {
  std::vector<float> parameters(state.size(), 0.0f);
  for (const ParameterInfo& p : program.parameters)
    write_parameter(program, p, StatePart::parameter, parameters,
                    read_parameter(program, p, StatePart::parameter, state));
  return parameters;
}

std::vector<float> read_model(const Program& program, const TensorFile& file) {
  expect_undamaged(file);
  return get_state(file, program, "", 1);
}

Setup read_model_setup(const TensorFile& file) {
  const auto format = file.metadata.find(kFormatKey);
  expect_format(file.path, file_format::kModel, format == file.metadata.end() ? "" : format->second);
  return read_setup(file, "");
}

TensorFile checkpoint_file(const Program& program, const TrainingPlan& plan, const TrainingState& s) {
  TensorFile file;
  file.metadata = identity_of(plan);
  file.metadata[kFormatKey] = mark(file_format::kCheckpoint);
  put_state(file, program, "", s.state, 3);
  if (s.best_epoch > 0) put_state(file, program, "best.", s.best_state, 1);
  Control c = s.control;
  for (const Field& f : fields(c, program)) {
    const std::vector<int64_t> shape{static_cast<int64_t>(f.count)};
    file.tensors[std::string("control.") + f.name] =
        f.integer ? StoredTensor::from_int32(shape, {static_cast<const int32_t*>(f.data), f.count})
                  : StoredTensor::from_doubles(shape, {static_cast<const double*>(f.data), f.count});
  }
  const std::vector<double> balance = read_balance(program, s.state);
  for (const BalanceShare& share : balance_shares(program))
    file.tensors[share.name] = StoredTensor::from_doubles(
        {share.count}, {balance.data() + share.first, static_cast<std::size_t>(share.count)});
  const int64_t longs[2] = {c.step, c.bad_step};
  file.tensors["control.steps"] = StoredTensor::from_int64({2}, longs);
  const double best[2] = {static_cast<double>(s.best_epoch), s.best_value};
  file.tensors["control.best"] = StoredTensor::from_doubles({2}, best);
  sign(file);
  return file;
}

TrainingState read_checkpoint(const Program& program, const TrainingPlan& plan, const TensorFile& file) {
  const auto refuse = [&](const std::string& why) {
    throw Error(ExitCode::checkpoint, fmt::format("{}: {}", file.path, why));
  };
  expect_format(file.path, file_format::kCheckpoint, file.metadata_at(kFormatKey));
  for (const auto& [key, value] : identity_of(plan))
    if (file.metadata_at(key) != value)
      refuse(fmt::format("it was trained with {} = {}, this run has {}; resume with the run's own config", key,
                         file.metadata_at(key), value));
  expect_undamaged(file);
  TrainingState s;
  s.state = get_state(file, program, "", 3);
  s.control = fresh_control(plan.setup.settings, static_cast<int>(program.task_names.size()),
                            static_cast<int>(program.chains.size()));
  Control& c = s.control;
  for (const Field& f : fields(c, program)) {
    const StoredTensor& t = tensor_of(file, std::string("control.") + f.name,
                                      f.integer ? ElementType::i32 : ElementType::f64, {static_cast<int64_t>(f.count)});
    std::memcpy(f.data, t.bytes.data(), t.bytes.size());
  }
  std::vector<double> balance(static_cast<std::size_t>(balance_doubles(program.chains, program.chains.size())));
  for (const BalanceShare& share : balance_shares(program)) {
    const std::vector<double> values = tensor_of(file, share.name, ElementType::f64, {share.count}).to_doubles();
    std::copy(values.begin(), values.end(), balance.begin() + share.first);
  }
  write_balance(program, s.state, balance);
  const std::vector<int64_t> longs = tensor_of(file, "control.steps", ElementType::i64, {2}).to_int64s();
  c.step = longs[0];
  c.bad_step = longs[1];
  const std::vector<double> best = tensor_of(file, "control.best", ElementType::f64, {2}).to_doubles();
  const bool plausible = c.step >= 0 && c.epoch >= 0 && c.position >= 0 && c.position < plan.setup.settings.rows &&
                         best[0] >= 0 && best[0] <= c.epoch && best[0] == std::floor(best[0]) &&
                         static_cast<int>(c.status) >= 0 && static_cast<int>(c.status) <= 2;
  if (!plausible) refuse("its counters contradict each other; the file was changed");
  s.best_epoch = static_cast<int>(best[0]);
  s.best_value = best[1];
  if (s.best_epoch > 0) s.best_state = get_state(file, program, "best.", 1);
  return s;
}

}  // namespace equipoise

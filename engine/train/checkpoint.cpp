// engine/train/checkpoint.cpp - a training as tensors.
#include "engine/train/checkpoint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <climits>
#include <cmath>
#include <cstring>
#include <limits>

#include "engine/base/error.h"
#include "engine/files/format.h"
#include "engine/files/sha256.h"
#include "engine/run/control_fields.h"
#include "engine/run/parameters.h"
#include "engine/systems/metadata.h"

namespace equipoise {

namespace {

constexpr const char* kFormatKey = "format";
constexpr const char* kHashKey = "sha256";
constexpr const char* kMetadataHashKey = "metadata_sha256";
constexpr const char* kEpochKey = "epoch";
constexpr const char* kThresholdsKey = "thresholds";
constexpr const char* kTotals = "control.training_loss";
constexpr const char* kFirst = "control.first_losses";
constexpr int kWithLosses = 3;  // format that has both
constexpr const char* kPrefix[] = {"", "moment1.", "moment2."};
constexpr const char* kBestPrefix = "best.";
constexpr const char* kBestTensor = "control.best";

/// Fields of Control that outlive a step.
std::vector<ControlField> kept_fields(Control& c, const Program& program) {
  std::vector<ControlField> fields = control_fields(c, control_sizes(program));
  std::erase_if(fields, [](const ControlField& f) { return !f.kept; });
  return fields;
}

std::string tensor_name(const ControlField& f) { return "control." + std::string(f.name); }

ElementType element_type(const ControlField& f) {
  switch (f.type) {
    case FieldType::int32:
      return ElementType::i32;
    case FieldType::int64:
      return ElementType::i64;
    case FieldType::float64:
      break;
  }
  return ElementType::f64;
}

StoredTensor stored(const ControlField& f) {
  const std::vector<int64_t> shape{static_cast<int64_t>(f.count)};
  switch (f.type) {
    case FieldType::int32:
      return StoredTensor::from_int32(shape, {static_cast<const int32_t*>(f.data), f.count});
    case FieldType::int64:
      return StoredTensor::from_int64(shape, {static_cast<const int64_t*>(f.data), f.count});
    case FieldType::float64:
      break;
  }
  return StoredTensor::from_doubles(shape, {static_cast<const double*>(f.data), f.count});
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
  // All are looked at first: a file of a few bytes can claim a model of many.
  for (const ParameterInfo& p : program.parameters)
    for (int part = 0; part < parts; ++part)
      tensor_of(file, prefix + kPrefix[part] + p.name, ElementType::f32, p.shape);
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

/// SHA-256 over all metadata but the hashes.
std::string metadata_hash(const TensorFile& file) {
  Sha256 sha;
  for (const auto& [key, value] : file.metadata)
    if (key != kHashKey && key != kMetadataHashKey) sha.update(key + '=' + value + '\n');
  return sha.hex();
}

/// Whether a training of this plan can have such counters: others would lead steps beyond the rows, and names beyond
/// the tasks.
bool counters_agree(const Control& c, const Program& program, const TrainingPlan& plan) {
  const int64_t rows = plan.setup.settings.rows, batch = plan.batch, steps_per_epoch = (rows + batch - 1) / batch;
  const auto between = [](int64_t x, int64_t least, int64_t most) { return x >= least && x <= most; };
  const auto kind = static_cast<int>(c.bad_kind);
  const std::size_t tasks = program.task_names.size(), blocks = program.layer_of_block.size();
  const auto named = static_cast<int64_t>(c.bad_kind == BadKind::gradient ? blocks : tasks);
  return c.epoch >= 0 && between(c.position, 0, rows - 1) && c.position % batch == 0 &&
         c.step == c.epoch * steps_per_epoch + c.position / batch && between(c.skipped, 0, c.step) &&
         between(c.bad_step, 0, c.step) && between(c.bad_index, 0, named - 1) && between(kind, 0, 2) &&
         between(static_cast<int>(c.status), 0, 2);
}

/// Losses of the epochs done, NaN where the file's format has none.
LossHistory losses_of(const TensorFile& file, int format, int epochs, std::size_t tasks) {
  LossHistory losses;
  if (epochs == 0) return losses;
  const auto count = static_cast<std::size_t>(epochs);
  losses.total.assign(count, std::numeric_limits<double>::quiet_NaN());
  losses.first.assign(tasks, std::numeric_limits<double>::quiet_NaN());
  if (format < kWithLosses) return losses;
  losses.total = tensor_of(file, kTotals, ElementType::f64, {epochs}).to_doubles();
  losses.first = tensor_of(file, kFirst, ElementType::f64, {static_cast<int64_t>(tasks)}).to_doubles();
  return losses;
}

}  // namespace

void expect_undamaged(const TensorFile& file) {
  if (const auto told = file.metadata.find(kMetadataHashKey);
      told != file.metadata.end() && told->second != metadata_hash(file))
    throw Error(ExitCode::checkpoint,
                fmt::format("{}: its metadata do not give the SHA-256 they were written with; the file was changed, "
                            "resume the run to write it anew",
                            file.path));
  if (file.metadata_at(kHashKey) != content_hash(file))
    throw Error(
        ExitCode::checkpoint,
        fmt::format("{}: its tensors do not give the SHA-256 it was written with; it is damaged, resume the run to "
                    "write it anew",
                    file.path));
}

TensorFile model_file(const Program& program, const TrainingPlan& plan, const std::vector<float>& state, int epoch) {
  TensorFile file;
  file.metadata = identity_of(plan);
  file.metadata[kEpochKey] = std::to_string(epoch);
  file.metadata[kFormatKey] = mark(file_format::kModel);
  for (const ParameterInfo& p : program.parameters)
    file.tensors[p.name] = StoredTensor::from_floats(p.shape, read_parameter(program, p, StatePart::parameter, state));
  sign(file);
  return file;
}

void sign(TensorFile& file) {
  file.metadata[kHashKey] = content_hash(file);
  sign_metadata(file);
}

void sign_metadata(TensorFile& file) { file.metadata[kMetadataHashKey] = metadata_hash(file); }

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

namespace {

/// One whole number of a checkpoint, at least 0.
int64_t counter(const TensorFile& file, const std::string& name) {
  const std::vector<int64_t> values = file.integers_at(name);
  if (values.size() != 1 || values[0] < 0)
    throw Error(ExitCode::checkpoint, fmt::format("{}: '{}' is no count; the file was changed", file.path, name));
  return values[0];
}

/// Numbers between blanks.
std::vector<double> numbers_in(const TensorFile& file, const std::string& key) {
  std::vector<double> numbers;
  const auto found = file.metadata.find(key);
  if (found == file.metadata.end()) return numbers;
  const Metadata metadata(file.metadata, file.path);
  for (const std::string& word : words_of(found->second)) numbers.push_back(metadata.parse(key, word));
  return numbers;
}

Standing standing_of(const TensorFile& checkpoint) {
  expect_format(checkpoint.path, file_format::kCheckpoint, checkpoint.metadata_at(kFormatKey));
  Standing s;
  s.epochs = static_cast<int>(std::min<int64_t>(counter(checkpoint, "control.epoch"), INT_MAX));
  s.steps = counter(checkpoint, "control.step");
  const std::vector<double> best = checkpoint.at(kBestTensor).to_doubles();
  if (best.empty() || !(best[0] >= 0 && best[0] <= s.epochs))
    throw Error(ExitCode::checkpoint,
                fmt::format("{}: its counters contradict each other; the file was changed", checkpoint.path));
  s.best_epoch = static_cast<int>(best[0]);
  return s;
}

}  // namespace

CheckpointModel model_of_checkpoint(const TensorFile& checkpoint) {
  expect_undamaged(checkpoint);
  const Standing s = standing_of(checkpoint);
  const std::string prefix = s.best_epoch > 0 ? kBestPrefix : "";
  TensorFile model;
  model.path = checkpoint.path;
  model.metadata = checkpoint.metadata;
  model.metadata[kFormatKey] = mark(file_format::kModel);
  model.metadata[kEpochKey] = std::to_string(s.best_epoch > 0 ? s.best_epoch : s.epochs);
  for (const auto& [name, tensor] : checkpoint.tensors) {  // a parameter is what has moments
    if (!name.starts_with(kPrefix[1])) continue;
    const std::string parameter = name.substr(std::string_view(kPrefix[1]).size());
    model.tensors[parameter] = checkpoint.at(prefix + parameter);
  }
  sign(model);
  return {s, std::move(model)};
}

std::vector<float> class_weights_of(const TensorFile& model) {
  const std::vector<double> weights = numbers_in(model, "class_weights");
  return {weights.begin(), weights.end()};
}

std::vector<double> thresholds_of(const TensorFile& model) { return numbers_in(model, kThresholdsKey); }

void set_thresholds(TensorFile& model, const std::vector<double>& thresholds) {
  if (thresholds.empty()) return;
  std::vector<std::string> words;
  for (const double threshold : thresholds) words.push_back(shortest(threshold));
  model.metadata[kThresholdsKey] = fmt::format("{}", fmt::join(words, " "));
  sign_metadata(model);
}

TensorFile checkpoint_file(const Program& program, const TrainingPlan& plan, const TrainingState& s) {
  TensorFile file;
  file.metadata = identity_of(plan);
  file.metadata[kFormatKey] = mark(file_format::kCheckpoint);
  put_state(file, program, "", s.state, 3);
  if (s.best_epoch > 0) put_state(file, program, kBestPrefix, s.best_state, 1);
  Control c = s.control;
  for (const ControlField& f : kept_fields(c, program)) file.tensors[tensor_name(f)] = stored(f);
  const std::vector<double> balance = read_balance(program, s.state);
  for (const BalanceShare& share : balance_shares(program))
    file.tensors[share.name] = StoredTensor::from_doubles(
        {share.count}, {balance.data() + share.first, static_cast<std::size_t>(share.count)});
  const double best[2] = {static_cast<double>(s.best_epoch), s.best_value};
  file.tensors[kBestTensor] = StoredTensor::from_doubles({2}, best);
  if (!s.losses.total.empty()) {
    file.tensors[kTotals] = StoredTensor::from_doubles({static_cast<int64_t>(s.losses.total.size())}, s.losses.total);
    file.tensors[kFirst] = StoredTensor::from_doubles({static_cast<int64_t>(s.losses.first.size())}, s.losses.first);
  }
  sign(file);
  return file;
}

TrainingState read_checkpoint(const Program& program, const TrainingPlan& plan, const TensorFile& file) {
  const auto refuse = [&](const std::string& why) {
    throw Error(ExitCode::checkpoint, fmt::format("{}: {}", file.path, why));
  };
  const int format = expect_format(file.path, file_format::kCheckpoint, file.metadata_at(kFormatKey));
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
  for (const ControlField& f : kept_fields(c, program)) {
    const StoredTensor& t = tensor_of(file, tensor_name(f), element_type(f), {static_cast<int64_t>(f.count)});
    std::memcpy(f.data, t.bytes.data(), t.bytes.size());
  }
  std::vector<double> balance(static_cast<std::size_t>(balance_doubles(program.chains, program.chains.size())));
  for (const BalanceShare& share : balance_shares(program)) {
    const std::vector<double> values = tensor_of(file, share.name, ElementType::f64, {share.count}).to_doubles();
    std::copy(values.begin(), values.end(), balance.begin() + share.first);
  }
  write_balance(program, s.state, balance);
  const std::vector<double> best = tensor_of(file, kBestTensor, ElementType::f64, {2}).to_doubles();
  const bool best_is_an_epoch = best[0] >= 0 && best[0] <= c.epoch && best[0] == std::floor(best[0]);
  if (!best_is_an_epoch || !counters_agree(c, program, plan))
    refuse("its counters contradict each other; the file was changed");
  s.best_epoch = static_cast<int>(best[0]);
  s.best_value = best[1];
  s.losses = losses_of(file, format, c.epoch, program.task_names.size());
  if (s.best_epoch > 0) s.best_state = get_state(file, program, kBestPrefix, 1);
  return s;
}

}  // namespace equipoise

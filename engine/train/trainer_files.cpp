// engine/train/trainer_files.cpp - what is kept of a training: models, checkpoints, hashes, and what the chosen models
// say of their rows.
#include <algorithm>
#include <span>

#include "engine/files/sha256.h"
#include "engine/run/parameters.h"
#include "engine/train/checkpoint.h"
#include "engine/train/fitted.h"
#include "engine/train/trainer.h"

namespace equipoise {

std::vector<float> Trainer::state(std::size_t replica) const {
  std::vector<float> state(static_cast<std::size_t>(program_.state_floats));
  executor_.store_states(replica, state);
  return state;
}

std::vector<float> Trainer::best_state(std::size_t replica) const {
  std::vector<float> state(static_cast<std::size_t>(program_.state_floats));
  executor_.store_bests(replica, std::span(state).first(static_cast<std::size_t>(program_.moment_stride)));
  return state;
}

std::vector<std::optional<Evaluation>> Trainer::evaluate_best(Part part,
                                                              std::span<const std::vector<double>> thresholds) {
  std::vector<EvaluatedRows> of;
  for (std::size_t r = 0; r < replicas(); ++r) of.push_back(rows_at(r, part));
  std::vector<float> now(replicas() * static_cast<std::size_t>(program_.state_floats));
  executor_.store_state(now);
  for (std::size_t r = 0; r < replicas(); ++r)
    if (best_epoch(r) > 0) executor_.load_states(r, best_state(r));
  std::vector<std::optional<Evaluation>> said;
  try {
    said = evaluations(std::move(of), thresholds);
  } catch (...) {
    executor_.load_state(now, program_.state_floats);
    throw;
  }
  executor_.load_state(now, program_.state_floats);
  return said;
}

const std::optional<Evaluation>& Trainer::best(std::size_t replica) {
  std::optional<Evaluation>& best = replicas_[replica].best;
  if (best || best_epoch(replica) == 0) return best;
  std::vector<EvaluatedRows> of(replicas());
  of[replica] = rows_at(replica, Part::validation);
  const std::vector<float> now = state(replica);
  executor_.load_states(replica, best_state(replica));
  best = std::move(evaluations(std::move(of))[replica]);
  executor_.load_states(replica, now);
  return best;
}

TensorFile Trainer::model(std::size_t replica) {
  const int epoch = best_epoch(replica);
  const std::vector<float> chosen = epoch > 0 ? best_state(replica) : state(replica);
  TensorFile file = model_file(program_, plan(replica), chosen, epoch > 0 ? epoch : controls_[replica].epoch);
  add_fitted(file, replica, chosen);
  return file;
}

TensorFile Trainer::last_parameters(std::size_t replica) const {
  return model_file(program_, plan(replica), state(replica), controls_[replica].epoch);
}

void Trainer::add_fitted(TensorFile& file, std::size_t replica, const std::vector<float>& chosen) {
  const Member& member = members_[replica];
  const std::span<const Target> targets = member.plan.setup.system->targets();
  if (std::none_of(targets.begin(), targets.end(), [](const Target& t) { return t.likelihood->fits(); })) return;
  std::vector<EvaluatedRows> of(replicas());
  of[replica] = rows_at(replica, Part::train);
  const std::vector<float> now = state(replica);
  executor_.load_states(replica, chosen);
  const std::vector<float> answers = evaluator_.outputs(evaluator_.run(settings_, std::move(of)), replica)[0];
  executor_.load_states(replica, now);
  for (const auto& [name, values] : fitted_numbers(targets, *member.data, member.split->train, answers))
    file.tensors["fitted." + name] = StoredTensor::from_doubles({static_cast<int64_t>(values.size())}, values);
  sign(file);
}

TensorFile Trainer::checkpoint(std::size_t replica) const {
  const EpochStanding& standing = standings_[replica];
  return checkpoint_file(
      program_, plan(replica),
      {controls_[replica], state(replica), standing.best_epoch > 0 ? best_state(replica) : std::vector<float>{},
       standing.best_epoch, standing.best_value, replicas_[replica].losses});
}

void Trainer::restore(const TensorFile& file, std::size_t replica) {
  const TrainingState restored = read_checkpoint(program_, plan(replica), file);
  Replica& r = replicas_[replica];
  controls_[replica] = restored.control;
  standings_[replica] = {fall_of(restored.losses.total), restored.best_value, restored.best_epoch, 0};
  r.losses = restored.losses;
  r.best.reset();
  executor_.load_states(replica, restored.state);
  if (restored.best_epoch == 0) return;
  executor_.load_bests(replica, std::span(restored.best_state).first(static_cast<std::size_t>(program_.moment_stride)));
}

std::string Trainer::hash(const std::vector<std::string>& lines, std::size_t replica) const {
  return hash_over(
      [&](const LineVisitor& visit) {
        for (const std::string& line : lines) visit(line);
      },
      replica);
}

std::string Trainer::hash_over(const std::function<void(const LineVisitor&)>& each_line, std::size_t replica) const {
  Sha256 sha;
  const std::vector<float> values = state(replica);
  std::vector<const ParameterInfo*> sorted;
  for (const ParameterInfo& p : program_.parameters) sorted.push_back(&p);
  std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
  for (const ParameterInfo* p : sorted)
    for (const StatePart part : {StatePart::parameter, StatePart::moment1, StatePart::moment2}) {
      const std::vector<float> dense = read_parameter(program_, *p, part, values);
      sha.update(dense.data(), dense.size() * sizeof(float));
    }
  each_line([&](std::string_view line) {
    sha.update(line);
    sha.update("\n");
  });
  return sha.hex();
}

}  // namespace equipoise

// tests/engine/train/member_cases.h - members of one group that differ in all that they may differ in, and what becomes
// of them.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "engine/train/checkpoint.h"
#include "engine/train/member.h"
#include "engine/train/trainer.h"
#include "tests/engine/systems/synthetic_systems.h"

namespace equipoise::test {

/// Members with the data sets and splits that they name.
struct MemberCase {
  std::vector<std::unique_ptr<Dataset>> data;
  std::vector<std::unique_ptr<Split>> splits;
  std::vector<Member> members;
};

/// Rows of three parts, taken in strides: each part has rows from everywhere.
inline Split strided_split(int rows, int stride, int train, int validation, int test) {
  Split split;
  for (int i = 0; i < train + validation + test; ++i)
    (i < train ? split.train : i < train + validation ? split.validation : split.test).push_back(i * stride % rows);
  for (std::vector<int>* part : {&split.train, &split.validation, &split.test}) std::sort(part->begin(), part->end());
  return split;
}

/// Five members: two share data, two others share other data with splits of their own, one stands alone. One has fewer
/// training rows than others and a batch that they just fill, one no validation rows, one no test rows. Where the
/// system knows an AUC, two choose their epochs by it, and where it knows deviances one by those.
inline MemberCase different_members(const Setup& setup) {
  MemberCase c;
  const SyntheticSystem base = synthetic_system(setup, kSystemBatch, 60);  // of 69 rows
  for (int d = 0; d < 3; ++d) {
    Dataset data = d == 2 ? synthetic_system(setup, kSystemBatch, 44).data : base.data;
    const auto scale = 1.0f + 0.25f * static_cast<float>(d);
    for (std::vector<float>& view : data.views)
      for (float& x : view) x = x * scale + 0.125f * static_cast<float>(d);
    if (d == 1)
      for (std::size_t r = 0; r < data.label.size(); r += 7)
        if (data.label[r] >= 0) data.label[r] = 1 - data.label[r];
    c.data.push_back(std::make_unique<Dataset>(std::move(data)));
  }
  const auto add = [&](int d, const Split& split) -> TrainingPlan& {
    const std::size_t m = c.members.size();
    c.splits.push_back(std::make_unique<Split>(split));
    c.members.push_back({c.data[static_cast<std::size_t>(d)].get(), c.splits.back().get(), base.plan});
    TrainingPlan& plan = c.members.back().plan;
    plan.epochs = 5;
    Settings& s = plan.setup.settings;
    s.seed = 20 + m;
    s.lr *= 1 + 0.5 * static_cast<double>(m);
    s.rows = 0;
    return plan;
  };
  add(0, strided_split(69, 5, 43, 9, 6));
  TrainingPlan& second = add(0, strided_split(69, 7, 38, 14, 0));
  second.setup.settings.weight_decay = 0;
  second.setup.settings.task_lr *= 3;
  second.setup.settings.lr *= 30;  // too fast to be patient for long
  second.patience = 1;
  second.warmup = 1;
  second.epochs = 9;
  TrainingPlan& third = add(1, strided_split(69, 11, 50, 8, 7));
  third.setup.settings.clip_norm = 0.5;
  third.setup.settings.alpha = 0.5;
  for (float& weight : third.class_weights) weight = 2.5f - weight;
  third.epochs = 3;
  TrainingPlan& fourth = add(2, strided_split(53, 3, 12, 5, 9));
  fourth.setup.settings.initial_weights[0] = 0.5;
  fourth.epochs = 7;
  TrainingPlan& fifth = add(2, strided_split(53, 2, 30, 0, 9));
  fifth.setup.settings.beta1 = 0.8;
  fifth.monitor = Monitor::none;
  const std::vector<Monitor> monitors = base.plan.setup.system->monitors();
  const auto knows = [&](Monitor m) { return std::find(monitors.begin(), monitors.end(), m) != monitors.end(); };
  if (knows(Monitor::auc))
    for (const std::size_t m : {1, 3}) c.members[m].plan.monitor = Monitor::auc;
  if (knows(Monitor::deviance)) c.members[2].plan.monitor = Monitor::deviance;
  if (setup.system->targets().size() > 3) {  // of which the third is binary, the last one has classes
    c.members[3].plan.monitor_task = 3;
    c.members[0].plan.monitor_task = 1;  // of its losses
  }
  for (std::size_t m = 0; m < c.members.size(); ++m)
    if (System& system = *c.members[m].plan.setup.system; system.dropout() > 0)
      of_kind<MtlSystem>(system).model.dropout = 0.1 + 0.05 * static_cast<double>(m);
  return c;
}

/// MLDRL with three classes, of which one has no validation rows in some member; the classes of all members change.
inline MemberCase members_of_three_classes(const std::string& variant) {
  Setup setup = synthetic_setup(variant);
  mldrl(setup).classes = 3;
  MemberCase c = different_members(setup);
  for (const auto& data : c.data) {
    data->classes = 3;
    for (std::size_t r = 0; r < data->label.size(); ++r)
      if (data->label[r] >= 0 && r * r % 10 < 5) data->label[r] = 2;
  }
  for (Member& m : c.members) {
    m.plan.class_weights = {0.75f, 1.5f, 1.0f};
    m.plan.monitor = m.split->validation.empty() ? Monitor::none : Monitor::auc;
  }
  return c;
}

/// MLDRL, towers with dropout and class weights, a trunk, and a VAE-GAN.
inline std::vector<std::pair<std::string, Setup>> member_setups() {
  return {{"mldrl", synthetic_setup()},
          {"towers", synthetic_weighed()},
          {"trunk", synthetic_trunk(4)},
          {"vaegan", synthetic_vaegan()}};
}

inline std::string told(const std::optional<Evaluation>& e) {
  if (!e) return "nothing\n";
  std::ostringstream text;
  text << std::hexfloat << e->rows << ' ' << e->labelled;
  for (const std::vector<double>* values : {&e->terms, &e->losses, &e->counts, &e->answers})
    for (const double x : *values) text << ' ' << x;
  for (const Figure& f : e->figures)
    for (const double x : f.values) text << ' ' << f.name << ' ' << x;
  text << '\n';
  return text.str();
}

/// All that is left of a member: metric lines, parameters and moments, model, checkpoint, and what the model says.
struct Left {
  std::string hash, model, checkpoint, said, end;
  bool operator==(const Left&) const = default;
};

/// Trains to the end, `steps` at a time, and tells what is left of each member.
inline std::vector<Left> train_to_end(Trainer& trainer, int steps, std::vector<std::vector<std::string>> lines = {}) {
  lines.resize(trainer.replicas());
  while (!trainer.finished()) {
    const auto metrics = trainer.advance_all(steps);
    for (std::size_t r = 0; r < metrics.size(); ++r)
      if (metrics[r]) lines[r].push_back(to_json_line(trainer.program(), *metrics[r], false));
  }
  std::vector<Left> left(trainer.replicas());
  for (const Part part : {Part::train, Part::validation, Part::test}) {
    const auto said = trainer.evaluate_best(part);
    for (std::size_t r = 0; r < left.size(); ++r) left[r].said += told(said[r]);
  }
  for (std::size_t r = 0; r < left.size(); ++r) {
    left[r].hash = trainer.hash(lines[r], r);
    left[r].model = trainer.model(r).metadata_at("sha256") + trainer.model(r).metadata_at("metadata_sha256");
    left[r].checkpoint =
        trainer.checkpoint(r).metadata_at("sha256") + trainer.checkpoint(r).metadata_at("metadata_sha256");
    left[r].said += told(trainer.best(r));
    left[r].end = std::to_string(trainer.control(r).epoch) + " best " + std::to_string(trainer.best_epoch(r)) + " " +
                  trainer.finish_reason(r) + " " + trainer.failure(r);
  }
  return left;
}

/// What is left of each member that is trained alone.
inline std::vector<Left> left_alone(const MemberCase& c, Executor& executor) {
  std::vector<Left> left;
  for (const Member& m : c.members) {
    Trainer trainer(*m.data, *m.split, m.plan, executor);
    left.push_back(train_to_end(trainer, 1000).front());
  }
  return left;
}

}  // namespace equipoise::test

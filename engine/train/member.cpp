// engine/train/member.cpp - the tables of members, and who can be trained with whom.
#include "engine/train/member.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "engine/lower/canonical.h"
#include "engine/systems/metadata.h"
#include "engine/train/evaluator.h"

namespace equipoise {

namespace {

/// What decides a member's programs, so far as words say it: plans with the same words are lowered once.
std::string words_for(const TrainingPlan& plan) {
  Setup setup = plan.setup;
  setup.settings = Settings{};
  std::map<std::string, std::string> words = to_metadata(setup);
  // A step reads how much it drops from its settings; whether it does is in the graph.
  if (setup.system->dropout() > 0) words["dropout"] = "on";
  words["batch"] = std::to_string(plan.batch);
  std::string text;
  for (const auto& [key, value] : words) text += key + '=' + value + '\n';
  // Sizes are in no metadata: files have them in the shapes of their parameters.
  for (const Pass pass : {Pass::train, Pass::evaluate}) {
    const Graph graph = setup.system->graph(pass);
    for (const Layer& layer : graph.layers()) {
      text += std::to_string(layer.in) + '>' + std::to_string(layer.out);
      for (const LayerSlice& slice : layer.slices)
        text += ' ' + slice.name + ' ' + std::to_string(slice.first_row) + ' ' + std::to_string(slice.rows);
      text += '\n';
    }
    for (const Tensor& tensor : graph.tensors())
      text += std::to_string(tensor.source) + ' ' + std::to_string(tensor.cols) + ' ';
  }
  return text;
}

struct Programs {
  Program train, evaluate;
  bool rows_at_once;
};

Programs programs_of(const TrainingPlan& plan, const PlanLimits& limits) {
  const System& system = *plan.setup.system;
  return {lower(system.graph(Pass::train), training_options(plan.setup, plan.batch, limits)),
          lower(system.graph(Pass::evaluate), evaluation_options(plan.setup, kEvaluationBatch, limits)),
          system.rows_at_once()};
}

bool same(const Programs& a, const Programs& b) {
  return a.rows_at_once == b.rows_at_once && same_program(a.train, b.train) && same_program(a.evaluate, b.evaluate);
}

}  // namespace

std::vector<std::vector<std::size_t>> groups_of(std::span<const Member> members, const PlanLimits& limits) {
  std::vector<std::vector<std::size_t>> groups;
  std::vector<Programs> programs;            // [groups]
  std::map<std::string, std::size_t> known;  // group of a plan in words
  for (std::size_t m = 0; m < members.size(); ++m) {
    const auto [found, is_new] = known.try_emplace(words_for(members[m].plan), groups.size());
    if (is_new) {
      Programs own = programs_of(members[m].plan, limits);
      const auto like = std::find_if(programs.begin(), programs.end(), [&](const Programs& p) { return same(p, own); });
      found->second = static_cast<std::size_t>(like - programs.begin());
      if (like == programs.end()) {
        programs.push_back(std::move(own));
        groups.emplace_back();
      }
    }
    groups[found->second].push_back(m);
  }
  return groups;
}

RunTables tables_of(std::span<const Member> members, std::span<Settings> settings) {
  RunTables tables;
  std::map<const Dataset*, int32_t> sets;
  std::map<const Split*, int32_t> splits;
  std::map<std::vector<float>, int32_t> weights;
  for (std::size_t m = 0; m < members.size(); ++m) {
    const Member& member = members[m];
    const auto [set, new_set] = sets.try_emplace(member.data, static_cast<int32_t>(sets.size()));
    if (new_set) {
      TableSet& own = set->second == 0 ? tables : tables.further_sets.emplace_back();
      own.sources = member.plan.setup.system->sources(*member.data);
      own.labels.assign(member.data->label.begin(), member.data->label.end());
    }
    const auto [split, new_split] = splits.try_emplace(member.split, static_cast<int32_t>(tables.row_list.size()));
    if (new_split)
      for (const Part part : {Part::train, Part::validation, Part::test}) {
        const std::vector<int>& rows = rows_of(*member.split, part);
        tables.row_list.insert(tables.row_list.end(), rows.begin(), rows.end());
      }
    const auto [weight, new_weights] =
        weights.try_emplace(member.plan.class_weights, static_cast<int32_t>(tables.class_weights.size()));
    if (new_weights)
      tables.class_weights.insert(tables.class_weights.end(), weight->first.begin(), weight->first.end());
    Settings& s = settings[m];
    s.source_set = set->second;
    s.first_row = split->second;
    s.rows = static_cast<int32_t>(member.split->train.size());
    s.first_class_weight = weight->second;
  }
  return tables;
}

}  // namespace equipoise

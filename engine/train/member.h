// engine/train/member.h - one of the models that train at once, with all that is its own.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engine/base/dataset.h"
#include "engine/lower/lower.h"
#include "engine/run/executor.h"
#include "engine/train/training_plan.h"

namespace equipoise {

/// A model of a study: what it learns from, and how. Trained among others it is, bit for bit, what it is alone.
/// Data and split are kept by reference. Members that name the same data set share its tables in memory.
struct Member {
  const Dataset* data;
  const Split* split;
  TrainingPlan plan;
};

/// What chooses its epochs, by its validation rows.
inline Monitored monitored_of(const Member& member) {
  const TrainingPlan& plan = member.plan;
  return {plan.monitor, plan.monitor_task, plan.setup.settings.initial_weights, *member.data, member.split->validation};
}

/// Members that can be trained at once, by number: those whose plans are lowered to the same programs, for training and
/// for evaluation, with the same state and the same batch. What may differ inside a group: data sets, splits, all of
/// Settings, dropout where there is some, class weights, epochs, patience, warm-up and monitor. Groups, and the members
/// of each, come in the order of the first.
std::vector<std::vector<std::size_t>> groups_of(std::span<const Member> members, const PlanLimits& limits);

/// Sets each member's place in the tables, `settings` being those of the members: source set, training rows, class
/// weights. A data set has one set of tables, and a split or a list of class weights stands there once, however many
/// members have it. A split's training, validation and test rows follow one another.
RunTables tables_of(std::span<const Member> members, std::span<Settings> settings);

}  // namespace equipoise

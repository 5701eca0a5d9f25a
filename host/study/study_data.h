// host/study/study_data.h - the data of a study's members: for each split a copy of its own, imputed, scaled and
// selected by that split's training rows alone.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "engine/train/member.h"
#include "host/run/prepared_data.h"
#include "host/study/study_plan.h"

namespace equipoise {

class StudyData {
 public:
  /// Keeps a reference to the plan, whose folds are read. `folds`: path of splits.csv, as members' configs name it;
  /// `told`: what messages call it.
  StudyData(const Config& config, const StudyPlan& plan, RawData raw, const std::filesystem::path& folds,
            const std::string& told);

  /// The config of a member.
  Config config_of(const StudyMember& member) const { return member_config(plan_, member, folds_); }
  /// Its data; members of one split whose settings prepare data in one way share them. Prepared when first asked for.
  const PreparedData& of(const StudyMember& member);
  /// It as the engine trains it; refers to what `of` returns.
  Member engine_member(const StudyMember& member);

  /// The first setting that prepares data as this one does.
  std::size_t preparation_of(std::size_t setting) const { return preparation_[setting]; }
  /// Rows that a member learns an outcome from: those of its training part with a label or a target; all where the data
  /// have neither.
  int labelled_training_rows(const StudyMember& member);
  const RawCohort& cohort() const { return raw_.cohort; }
  /// The study's own initial task weights, [tasks].
  const std::vector<double>& base_weights() const { return base_weights_; }

 private:
  const StudyPlan& plan_;
  std::filesystem::path folds_;
  RawData raw_;
  std::vector<std::size_t> preparation_;  // [settings]
  std::vector<double> base_weights_;
  std::map<std::pair<std::size_t, std::size_t>, std::unique_ptr<PreparedData>> prepared_;  // by preparation and split
};

}  // namespace equipoise

// host/study/study_plan.h - which models a study trains: settings, splits, seeds, and the members they make.
//
// A member is exactly what `equipoise train` makes of its config: nothing in it depends on the others. Members are
// numbered from 1 by repeat, fold, inner fold, setting and seed, the last fastest.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "host/config/config.h"
#include "host/run/prepared_data.h"
#include "host/study/study_settings.h"

namespace equipoise {

/// How a study's rows are cut.
enum class StudyKind {
  cross_validation,  ///< folds, each of which is held out once in every repeat
  sweep              ///< one split, that of the config
};

/// One part of the rows that trains, and what it leaves to validate and to test.
struct StudySplit {
  int repeat = 0;    ///< 0 of a sweep
  std::string fold;  ///< as the table of folds has it; "" of a sweep
  int inner = 0;     ///< of the inner folds the one that validates, from 1; 0: a share of the rows does

  bool operator==(const StudySplit&) const = default;
};

struct StudyMember {
  int number = 0;           ///< from 1
  std::size_t setting = 0;  ///< of StudyPlan::settings
  std::size_t split = 0;    ///< of StudyPlan::splits
  uint64_t seed = 0;        ///< train.seed

  bool operator==(const StudyMember&) const = default;
};

struct StudyPlan {
  StudyKind kind = StudyKind::cross_validation;
  std::vector<StudySetting> settings;
  std::vector<Config> configs;  ///< [settings] resolved, but for split and seed
  int inner_folds = 0;          ///< 0: a share of the rows validates
  std::vector<StudySplit> splits;
  std::vector<StudyMember> members;
  std::string folds;  ///< text of splits.csv; "" of a sweep
};

/// The plan of a study of these rows; `config` is the one that it is started with, `resolve` makes the config of
/// overrides. Cross-validation takes the folds from the table that data.split names, if it names one, else deals them
/// by data.seed, stratified as a split of the config would be and by whole groups. Throws Error(usage) and Error(data)
/// where a study of this kind cannot be had.
StudyPlan plan_study(StudyKind kind, const Config& config, const std::vector<StudySetting>& settings,
                     const Resolve& resolve, const RawData& raw, std::vector<std::string>& notices);

/// The config with which `train` would train a member; `folds` is the path of splits.csv.
Config member_config(const StudyPlan& plan, const StudyMember& member, const std::filesystem::path& folds);

/// Of each setting's config the first that prepares data as it does.
std::vector<std::size_t> preparations(const std::vector<Config>& settings);

/// Numbers of the members that share what is chosen among: repeat and fold, in the order of their first.
std::vector<std::vector<std::size_t>> outer_parts(const StudyPlan& plan);

}  // namespace equipoise

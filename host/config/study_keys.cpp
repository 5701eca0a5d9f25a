// host/config/study_keys.cpp - what each key of [study] means, and its range.
#include "host/config/study_keys.h"

#include "host/data/folds.h"

namespace equipoise {
namespace {

template <auto member>
Slot of_study(Config& config, BalanceConfig&) {
  return &((config.study ? *config.study : config.study.emplace()).*member);
}

}  // namespace

std::vector<ConfigKey> study_keys() {
  constexpr Range kTimes{1, 1000};
  return {
      {"study",
       "folds",
       of_study<&StudyConfig::folds>,
       "k folds, each of which tests once in a repeat",
       {.range = {2, kMostFolds}}},
      {"study",
       "repeats",
       of_study<&StudyConfig::repeats>,
       "times that the rows are dealt to folds",
       {.range = kTimes}},
      {"study",
       "seeds",
       of_study<&StudyConfig::seeds>,
       "models of each fold and setting, from train.seed on one seed after another",
       {.range = kTimes}},
      {"study",
       "inner_folds",
       of_study<&StudyConfig::inner_folds>,
       "folds of the rows outside the test fold, each of which validates once; 0 = the share data.validation",
       {.range = {0, kMostFolds}}},
      {"study",
       "grid",
       of_study<&StudyConfig::grid>,
       "values of keys, as key=value,value; all their combinations are settings",
       {.example = "[\"optimizer.lr=1e-4,1e-3\"]"}},
      {"study",
       "random",
       of_study<&StudyConfig::random>,
       "draws from the ranges, for each combination of the grid",
       {.range = {0, 100000}}},
      {"study",
       "ranges",
       of_study<&StudyConfig::ranges>,
       "what is drawn: key=log:LOW:HIGH, uniform:LOW:HIGH, int:LOW:HIGH, logint:LOW:HIGH or choice:value,value",
       {.example = "[\"optimizer.lr=log:1e-5:1e-2\"]"}},
  };
}

}  // namespace equipoise

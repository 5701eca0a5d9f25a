// host/study/study_summary.h - a study's figures: over repeats of the held-out folds, and by setting of the inner rows.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/statistics/resampled_t_test.h"
#include "host/study/outer_part.h"

namespace equipoise {

/// One figure of the held-out rows. A fold's figure is that of its ensemble, or, where mean answers have none (as a
/// reconstruction error), the mean over its members; a repeat's is the mean over its folds.
struct OuterFigure {
  std::string name;
  std::vector<double> of_repeats;                      ///< NaN where no fold of it has the figure
  double mean = kUndefined;                            ///< over repeats
  double sd = kUndefined;                              ///< over repeats; of a single repeat over its folds
  double smallest = kUndefined, largest = kUndefined;  ///< of the repeats
  double low = kUndefined, high = kUndefined;  ///< 95 % interval of the mean (engine/statistics/resampled_t_test.h)
  double of_members = kUndefined;              ///< mean over folds of the mean over single members
  bool of_ensemble = false;                    ///< mean answers have it
  int undefined = 0;                           ///< folds without the figure
};

/// One setting by its inner figures, which chose epochs and are chosen by: optimistic.
struct SettingSummary {
  std::vector<std::string> overrides;
  double inner = kUndefined;  ///< mean over outer parts
  int chosen = 0;             ///< outer parts
  int failed = 0;             ///< members
  ResampledTTest against_best{kUndefined, kUndefined, kUndefined, kUndefined, kUndefined, kUndefined, kUndefined};
};

/// How often a column was kept by [select] over the training parts of the chosen members.
struct SelectedColumn {
  std::string column;
  int times = 0;
};

struct StudySummary {
  StudyKind kind = StudyKind::cross_validation;
  int rows = 0, held_out = 0;  ///< rows of the study; of those that some outer part holds out
  int folds = 0, repeats = 0;
  int members = 0, failed = 0;
  int of_ensemble = 0;           ///< members of an outer part's ensemble, at most
  bool chooses_epochs = true;    ///< the inner figure does
  bool larger_is_better = true;  ///< of the inner figure as it is told
  std::string inner_name;        ///< auc, loss or deviance
  std::size_t best_setting = 0;  ///< of the best mean inner figure
  std::vector<OuterFigure> figures;
  std::vector<SettingSummary> settings;
  std::vector<std::vector<SelectedColumn>> selected;  ///< [views]; empty where nothing was selected
  std::vector<std::string> views;                     ///< names of their tables
  int training_parts = 0;                             ///< of which `selected` counts
  std::vector<std::string> notices;
};

StudySummary summarise(const StudyPlan& plan, const std::map<int, MemberResult>& results,
                       const std::vector<OuterPart>& outer, StudyData& data);

/// The text of summary.json; no time and no machine stands in it.
std::string to_json(const StudySummary& summary);
/// The table on a terminal.
std::string to_text(const StudySummary& summary);

}  // namespace equipoise

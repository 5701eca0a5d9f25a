// host/study/ensemble.h - a study's chosen members asked together about patients that none of them has seen.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/systems/ensemble.h"
#include "engine/systems/evaluation.h"
#include "host/run/answers.h"
#include "host/study/stored_study.h"

namespace equipoise {

struct EnsembleSaid {
  std::vector<std::string> ids;  ///< of all patients, rising
  std::vector<bool> answered;    ///< [ids] by every member
  AnswerColumns columns;         ///< as the first member tells them
  EnsembleAnswers answers{};     ///< [ids, columns], in the data's units; NaN where not answered
  std::vector<double> scaled{};  ///< [ids, answer_cols] their mean, as the first member would have said it
  std::size_t answer_cols = 0;
  std::optional<Evaluation> evaluation{};  ///< of the answered rows, where an outcome was read
  std::vector<std::string> notices{};

  std::size_t count() const;  ///< of answered patients
};

/// Throws Error(usage) for standard input, which can be read once, but each member prepares its tables by itself.
void expect_readable_again(const std::vector<std::filesystem::path>& views);
/// Throws Error(usage) if `out` lies in the study's folder, whose files are its own, and as expect_may_write and
/// expect_not_table do.
void expect_may_answer(const std::filesystem::path& study, const std::filesystem::path& out, bool force,
                       const std::vector<std::filesystem::path>& views);

/// Asks every member about the patients of these tables (read_new_rows). With `outcome_wanted` labels or targets are
/// read and the mean answers judged. Throws as expect_readable_again does, and Error(numerics) where an answer is not
/// finite.
EnsembleSaid ask_ensemble(const std::vector<ChosenRun>& runs, const std::vector<std::filesystem::path>& views,
                          bool outcome_wanted, const std::optional<std::filesystem::path>& outcome, Executor& executor);

}  // namespace equipoise

// host/study/study_tables.h - a study as tables: its members, and what was said of the rows that were held out.
#pragma once

#include <filesystem>
#include <map>
#include <vector>

#include "host/study/outer_part.h"

namespace equipoise {

/// members.csv: member, setting, a column for each key that settings change, repeat, fold, inner_fold, seed, epochs,
/// best_epoch, ended, failure, inner_<auc|loss>_optimistic, chosen (1 or 0), then the figures of the held-out rows as
/// outer_<figure>, which only chosen members have. Members are those of the plan that have a result.
void write_members_csv(const std::filesystem::path& path, const StudyPlan& plan,
                       const std::map<int, MemberResult>& results, const std::vector<OuterPart>& outer,
                       StudyData& data);

/// predictions.csv: id, repeat, fold, of systems that tell it the label, then the columns of answers of the ensemble's
/// mean and what it decides, then <column>_sd, how far its members are apart (empty of a single one). A row for each
/// patient and outer part that held it out.
void write_study_predictions(const std::filesystem::path& path, const StudyPlan& plan,
                             const std::vector<OuterPart>& outer, StudyData& data);

}  // namespace equipoise

// host/study/stored_study.cpp - writes a study's models and fits, and reads them back.
#include "host/study/stored_study.h"

#include <fmt/format.h>

#include <sstream>

#include "engine/base/error.h"
#include "engine/files/format.h"
#include "engine/files/json_text.h"
#include "engine/files/sha256.h"
#include "engine/train/checkpoint.h"
#include "host/run/data_places.h"
#include "host/run/run_config.h"
#include "host/study/stacked_models.h"
#include "host/study/study_files.h"
#include "host/study/study_journal.h"
#include "host/text/shell_word.h"

namespace equipoise {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestFits = std::size_t{2} << 30;

/// Name of the file of the structure-th structure, from 1.
std::string models_file(int structure) {
  return structure == 1 ? fmt::format("{}.safetensors", study_file::kModels)
                        : fmt::format("{}-{}.safetensors", study_file::kModels, structure);
}

/// Which fit a member's is: its split, and the first setting that prepares data as its own does.
using FitKey = std::pair<std::size_t, std::size_t>;

/// The fits of a study, each as a line says it.
std::map<FitKey, Preprocess> read_fits(const fs::path& path, const std::string& sha256) {
  std::map<FitKey, Preprocess> fits;
  const std::string text = read_text(path, kLargestFits), file = path.string();
  Sha256 sha;
  sha.update(text);
  if (sha.hex() != sha256)
    throw Error(ExitCode::checkpoint, fmt::format("{}: is not as the study wrote it; it was changed, or is of another "
                                                  "study, with whose fit these models would answer wrongly",
                                                  file));
  std::istringstream lines(text);
  try {
    for (std::string line; std::getline(lines, line);) {
      const nlohmann::ordered_json json = parse_json(line, file);
      fits[{json.at("split").get<std::size_t>(), json.at("setting").get<std::size_t>()}] =
          preprocess_from_json(json.at("preprocess").dump(), file);
    }
  } catch (const nlohmann::json::exception&) {
    throw Error(ExitCode::checkpoint, fmt::format("{}: a line cannot be read; the file is damaged", file));
  }
  return fits;
}

}  // namespace

void write_models(const StudyFolder& folder, const std::map<int, MemberResult>& results, const std::string& identity) {
  std::vector<std::vector<const MemberResult*>> structures;
  for (const auto& [number, result] : results) {
    auto like = structures.begin();
    while (like != structures.end() && !same_structure(like->front()->model, result.model)) ++like;
    if (like == structures.end()) like = structures.emplace(like);
    like->push_back(&result);
  }
  for (std::size_t s = 0; s < structures.size(); ++s)
    write_results(folder.place(models_file(static_cast<int>(s) + 1)), structures[s], identity);
}

std::string write_preprocessing(const StudyFolder& folder, const StudyPlan& plan,
                                const std::vector<OuterChoice>& choices, StudyData& data) {
  std::map<FitKey, std::string> lines;
  for (const OuterChoice& choice : choices)
    for (const std::size_t m : choice.members) {
      const StudyMember& member = plan.members[m];
      const FitKey key{member.split, data.preparation_of(member.setting)};
      if (lines.contains(key)) continue;
      // The fit's own text stands in the line as it would in a file: numbers keep their bits.
      std::string fit = nlohmann::ordered_json::parse(to_json(data.of(member).preprocess)).dump();
      lines[key] = fmt::format("{{\"split\":{},\"setting\":{},\"preprocess\":{}}}\n", key.first, key.second, fit);
    }
  Sha256 sha;
  write_file_atomically(folder.place(study_file::kPreprocess), [&](const TextSink& sink) {
    for (const auto& [key, line] : lines) {
      sink(line);
      sha.update(line);
    }
  });
  return sha.hex();
}

StoredStudy read_study(const fs::path& folder) {
  if (!holds_study(folder))
    throw Error(ExitCode::usage, fmt::format("{}: holds no study ({} is missing); give the folder that cross-validate "
                                             "or sweep wrote",
                                             folder.string(), study_file::kStudy));
  StoredStudy study{folder, read_run_config(folder), read_study_record(folder / study_file::kStudy), {}};
  if (study.record.plan.kind == StudyKind::cross_validation)
    study.record.plan.folds = read_text(folder / study_file::kSplits);
  if (identity_of(study.config, study.record) != study.record.identity)
    throw Error(
        ExitCode::checkpoint,
        fmt::format("{}: {}, {} and {} are not as the study wrote them; put the old ones back, or start a new study",
                    folder.string(), study_file::kStudy, study_file::kConfig, study_file::kSplits));
  return study;
}

StoredStudy read_finished_study(const fs::path& folder) {
  StoredStudy study = read_study(folder);
  if (!study.record.part.whole())
    throw Error(
        ExitCode::checkpoint,
        fmt::format("{}: is part {}/{} of a study; make one study of all parts by: equipoise study merge PART... "
                    "--out STUDY",
                    folder.string(), study.record.part.index, study.record.part.of));
  if (study.record.status != "finished")
    throw Error(
        ExitCode::checkpoint,
        fmt::format("{}: the study has not finished; go on with: equipoise {} --resume --out {}", folder.string(),
                    study.record.plan.kind == StudyKind::sweep ? "sweep" : "cross-validate", shell_word(folder)));
  for (int structure = 1;; ++structure) {
    const fs::path path = folder / models_file(structure);
    std::error_code ignored;
    if (structure > 1 && !fs::exists(path, ignored)) break;
    for (MemberResult& result : read_results(path, study.record.identity)) {
      const int number = result.number;
      study.results.insert_or_assign(number, std::move(result));
    }
  }
  if (study.results.size() != study.record.plan.members.size())
    throw Error(ExitCode::checkpoint,
                fmt::format("{}: holds the models of {} members of {}; a file is missing or of "
                            "another study",
                            folder.string(), study.results.size(), study.record.plan.members.size()));
  return study;
}

Config with_study_tables(const StoredStudy& study, const std::optional<std::filesystem::path>& root) {
  EarlierRun account;
  account.files = study.record.files;
  Config config = study.config;
  if (study.record.plan.kind == StudyKind::cross_validation) config.data.split.reset();
  return with_tables_found(std::move(config), study.folder, account, root);
}

std::vector<ChosenRun> chosen_runs(const StoredStudy& study) {
  const StudyPlan& plan = study.record.plan;
  const std::map<FitKey, Preprocess> fits = read_fits(study.folder / study_file::kPreprocess, study.record.fits_sha256);
  const std::vector<std::size_t> preparation = preparations(plan.configs);
  std::vector<ChosenRun> runs;
  for (const OuterChoice& choice : choose(plan, study.results))
    for (const std::size_t m : choice.members) {
      const StudyMember& member = plan.members[m];
      const auto fit = fits.find({member.split, preparation[member.setting]});
      if (fit == fits.end())
        throw Error(ExitCode::checkpoint,
                    fmt::format("{}: has no fit for member {}; the file is damaged",
                                (study.folder / study_file::kPreprocess).string(), member.number));
      StoredRun run;
      run.folder = study.folder;
      run.config = plan.configs[member.setting];
      run.config.train.seed = member.seed;
      run.preprocess = fit->second;
      run.model = study.results.at(member.number).model;
      run.thresholds = thresholds_of(run.model);
      runs.push_back({member.number, std::move(run)});
    }
  if (runs.empty())
    throw Error(ExitCode::numerics, fmt::format("{}: no member of the study can be relied on", study.folder.string()));
  return runs;
}

}  // namespace equipoise

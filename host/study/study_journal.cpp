// host/study/study_journal.cpp - the files of a study's journal.
#include "host/study/study_journal.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/error.h"
#include "engine/files/json_text.h"
#include "engine/train/checkpoint.h"
#include "host/study/stacked_models.h"

namespace equipoise {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kRunning = "running";  // of earlier versions without a number
constexpr std::string_view kFinished = "finished";
constexpr const char* kStudyKey = "study";   // metadata: the identity of the study
constexpr const char* kResults = "results";  // metadata of a file of finished members: JSON, a text each

/// The file of a wave by the number of its first member.
fs::path file_of(const fs::path& folder, std::string_view kind, int first) {
  return folder / fmt::format("{}-{:07}.safetensors", kind, first);
}

/// Files of one kind, by name.
std::vector<fs::path> files_of(const fs::path& folder, std::string_view kind) {
  std::vector<fs::path> files;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (entry.path().filename().string().starts_with(kind) && entry.path().extension() == ".safetensors")
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

void expect_study(const TensorFile& file, const std::string& study) {
  if (file.metadata_at(kStudyKey) != study)
    throw Error(ExitCode::checkpoint, fmt::format("{}: is of another study", file.path));
}

/// Checkpoints of a file by member. Throws where it has none, or of another study.
std::map<int, TensorFile> read_checkpoints(const fs::path& path, const std::string& study) {
  std::map<int, TensorFile> checkpoints;
  TensorFile file = read_safetensors(path);
  expect_study(file, study);
  file.metadata.erase(kStudyKey);
  for (const auto& [number, text] : file.metadata) {
    TensorFile& checkpoint = checkpoints[std::stoi(number)];
    checkpoint.path = fmt::format("{} (member {})", path.string(), number);
    const nlohmann::ordered_json entries = parse_json(text, path.string());
    for (const auto& [key, value] : entries.items()) checkpoint.metadata[key] = value.get<std::string>();
  }
  for (auto& [name, tensor] : file.tensors) {
    const std::size_t slash = name.find('/');
    if (slash == std::string::npos) throw std::invalid_argument("no member's tensor");
    checkpoints.at(std::stoi(name.substr(0, slash))).tensors[name.substr(slash + 1)] = std::move(tensor);
  }
  return checkpoints;
}

}  // namespace

void write_results(const fs::path& path, std::span<const MemberResult* const> results, const std::string& study) {
  std::vector<const TensorFile*> models;
  nlohmann::ordered_json texts = nlohmann::ordered_json::array();
  for (const MemberResult* result : results) {
    models.push_back(&result->model);
    texts.push_back(to_json(*result));
  }
  TensorFile file = stack_models(models);
  file.metadata[kResults] = texts.dump();
  file.metadata[kStudyKey] = study;
  write_safetensors(path, file);
}

std::vector<MemberResult> read_results(const fs::path& path, const std::string& study) {
  TensorFile file = read_safetensors(path);
  expect_study(file, study);
  const std::string texts = file.metadata_at(kResults);
  file.metadata.erase(kResults);
  file.metadata.erase(kStudyKey);
  std::vector<MemberResult> results;
  try {
    for (const auto& text : parse_json(texts, path.string()))
      results.push_back(member_result_of_json(text.get<std::string>(), path.string()));
  } catch (const nlohmann::json::exception&) {
    throw Error(ExitCode::checkpoint, fmt::format("{}: its results cannot be read", path.string()));
  }
  std::vector<TensorFile> models = unstack_models(file);
  if (models.size() != results.size())
    throw Error(ExitCode::checkpoint,
                fmt::format("{}: holds {} models of {} members", path.string(), models.size(), results.size()));
  for (std::size_t m = 0; m < models.size(); ++m) {
    expect_undamaged(models[m]);
    results[m].model = std::move(models[m]);
  }
  return results;
}

StudyJournal::StudyJournal(fs::path folder, std::string study) : folder_(std::move(folder)), study_(std::move(study)) {
  std::error_code problem;
  fs::create_directories(folder_, problem);
  if (problem)
    throw Error(ExitCode::file_system,
                fmt::format("{}: cannot be made a folder ({})", folder_.string(), problem.message()));
}

std::map<int, MemberResult> StudyJournal::finished(const std::function<void(const std::string&)>& notice) const {
  std::map<int, MemberResult> finished;
  for (const fs::path& path : files_of(folder_, kFinished)) {
    try {
      for (MemberResult& result : read_results(path, study_))
        finished.insert_or_assign(result.number, std::move(result));
    } catch (const Error& error) {
      if (error.code() != ExitCode::checkpoint) throw;
      notice(fmt::format("{}; its members are trained again", error.what()));
    }
  }
  return finished;
}

void StudyJournal::finish(std::span<const MemberResult> results) {
  std::vector<const MemberResult*> pointers;
  for (const MemberResult& result : results) pointers.push_back(&result);
  const int first = results.front().number;
  write_results(file_of(folder_, kFinished, first), pointers, study_);
  std::error_code ignored;
  fs::remove(file_of(folder_, kRunning, first), ignored);
}

std::map<int, TensorFile> StudyJournal::running(const std::function<void(const std::string&)>& notice) const {
  std::map<int, TensorFile> checkpoints;
  for (const fs::path& path : files_of(folder_, kRunning)) {
    try {
      checkpoints.merge(read_checkpoints(path, study_));
      continue;
    } catch (const Error& error) {
      if (error.code() != ExitCode::checkpoint) throw;
    } catch (const std::exception&) {  // no numbers, no members of that number, no JSON
    }
    notice(fmt::format("{}: is damaged or of another study; its members begin anew", path.string()));
  }
  return checkpoints;
}

void StudyJournal::save(int first, const std::map<int, TensorFile>& checkpoints) {
  TensorFile file;
  file.metadata[kStudyKey] = study_;
  for (const auto& [number, checkpoint] : checkpoints) {
    nlohmann::ordered_json metadata = nlohmann::ordered_json::object();
    for (const auto& [key, value] : checkpoint.metadata) metadata[key] = value;
    file.metadata[std::to_string(number)] = metadata.dump();
    for (const auto& [name, tensor] : checkpoint.tensors) file.tensors[fmt::format("{}/{}", number, name)] = tensor;
  }
  write_safetensors(file_of(folder_, kRunning, first), file);
}

}  // namespace equipoise

// tests/fuzz/study_fuzz.cpp - libFuzzer target: any text is refused as study.json by its name, or is a plan whose
// members have settings and splits; and a changed file of finished members is refused, or its models are whole. The
// first byte says which.
#include <string_view>

#include "engine/base/error.h"
#include "engine/train/checkpoint.h"
#include "host/study/study_journal.h"
#include "host/study/study_record.h"
#include "tests/fuzz/changed_tensors.h"

namespace {

using namespace equipoise;

void read_record(const std::filesystem::path& path) {
  try {
    const StudyRecord record = read_study_record(path);
    const StudyPlan& plan = record.plan;
    fuzz::require(!plan.members.empty() && plan.configs.size() == plan.settings.size());
    for (const StudyMember& member : plan.members)
      fuzz::require(member.setting < plan.settings.size() && member.split < plan.splits.size());
    fuzz::require(record.part.index >= 1 && record.part.index <= record.part.of);
    fuzz::require(!identity_of(Config{}, record).empty());
  } catch (const Error& error) {
    fuzz::require(error.code() == ExitCode::checkpoint);
    fuzz::require(std::string_view(error.what()).starts_with(path.string()));
  }
}

/// Two finished members as the journal writes them.
const TensorFile& sound_results() {
  static const TensorFile sound = [] {
    const std::filesystem::path path = fuzz::file_of("", ".results");
    std::vector<MemberResult> results(2);
    for (int m = 0; m < 2; ++m) {
      MemberResult& r = results[static_cast<std::size_t>(m)];
      r.number = m + 1;
      r.reason = "all 3 epochs done";
      r.inner = 0.5 + m;
      r.validation = {{"auc", {0.75}}};
      r.model.tensors["w"] = StoredTensor::from_floats({2, 1}, std::vector<float>{1.0f + static_cast<float>(m), 2.0f});
      r.model.metadata["seed"] = std::to_string(m);
      sign(r.model);
    }
    const std::vector<const MemberResult*> both = {&results[0], &results[1]};
    write_results(path, both, "study");
    return read_safetensors(path);
  }();
  return sound;
}

void read_changed(fuzz::Input& input) {
  const TensorFile file = fuzz::changed(sound_results(), input);
  const std::filesystem::path path = fuzz::file_of("", ".results");
  try {
    write_safetensors(path, file);
    for (const MemberResult& result : read_results(path, "study")) expect_undamaged(result.model);
  } catch (const Error& error) {
    fuzz::require(error.code() == ExitCode::checkpoint);
  }
}

}  // namespace

EQUIPOISE_FUZZ_TARGET(study) {
  if (size == 0) return;
  fuzz::Input input(bytes + 1, size - 1);
  if (bytes[0] % 2 == 0) read_changed(input);
  else read_record(fuzz::file_of({reinterpret_cast<const char*>(bytes) + 1, size - 1}, ".json"));
}

// tests/host/study/study_journal_test.cpp - what a study keeps of its members on disk comes back to the bit, or not at
// all.
#include "host/study/study_journal.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "engine/base/error.h"
#include "engine/train/checkpoint.h"
#include "host/study/stacked_models.h"
#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

using testing::TemporaryFolder;

namespace fs = std::filesystem;

TensorFile model(float first, const std::string& seed) {
  TensorFile file;
  file.tensors["a.weight"] = StoredTensor::from_floats({2, 3}, std::vector<float>{first, 2, 3, 4, 5, 6});
  file.tensors["a.bias"] = StoredTensor::from_floats({2}, std::vector<float>{first + 1, -0.0f});
  file.metadata = {{"kind", "mldrl"}, {"seed", seed}};
  sign(file);
  return file;
}

MemberResult result(int number, float first) {
  MemberResult r{number, 12, 60, 7, "no improvement for 5 epochs", "", 0.1 + 0.2};
  r.validation = {{"auc", {1.0 / 3}}, {"reconstruction_error", {2.5, kUndefined}}};
  r.model = model(first, std::to_string(number));
  return r;
}

void flip_last_byte(const fs::path& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(-1, std::ios::end);
  const char byte = static_cast<char>(file.get() ^ 1);
  file.seekp(-1, std::ios::end);
  file.put(byte);
}

TEST(StackedModels, EachTensorHasTheModelsFirst) {
  const TensorFile a = model(1, "3"), b = model(9, "4");
  const std::vector<const TensorFile*> both = {&a, &b};
  const TensorFile stacked = stack_models(both);
  EXPECT_EQ(stacked.tensors.at("a.weight").shape, (std::vector<int64_t>{2, 2, 3}));
  EXPECT_EQ(stacked.tensors.at("a.weight").to_floats(), (std::vector<float>{1, 2, 3, 4, 5, 6, 9, 2, 3, 4, 5, 6}));
  EXPECT_EQ(stacked.metadata.at("kind"), "mldrl");
  EXPECT_FALSE(stacked.metadata.contains("seed"));
  const std::vector<TensorFile> apart = unstack_models(stacked);
  ASSERT_EQ(apart.size(), 2u);
  EXPECT_EQ(apart[1].tensors, b.tensors);
  EXPECT_EQ(apart[1].metadata, b.metadata);
  EXPECT_NO_THROW(expect_undamaged(apart[0]));
}

TEST(StackedModels, RefusesWhatWasNotStacked) {
  const TensorFile a = model(1, "3");
  TensorFile other = a;
  other.tensors["a.bias"] = StoredTensor::from_floats({3}, std::vector<float>{1, 2, 3});
  const std::vector<const TensorFile*> differ = {&a, &other};
  EXPECT_THROW(stack_models(differ), std::logic_error);
  EXPECT_THROW(unstack_models(a), Error);
  const std::vector<const TensorFile*> one = {&a};
  TensorFile stacked = stack_models(one);
  stacked.tensors["a.bias"].shape = {2};
  EXPECT_THROW(unstack_models(stacked), Error);
}

TEST(StudyJournal, FinishedMembersComeBackToTheBit) {
  const TemporaryFolder folder;
  StudyJournal journal(folder.path() / "progress", "this");
  const std::vector<MemberResult> first = {result(1, 1), result(2, 2)}, second = {result(5, 5)};
  journal.finish(first);
  journal.finish(second);
  const auto finished =
      StudyJournal(folder.path() / "progress", "this").finished([](const std::string& told) { FAIL() << told; });
  ASSERT_EQ(finished.size(), 3u);
  const MemberResult& two = finished.at(2);
  EXPECT_EQ(two.inner, 0.1 + 0.2);
  EXPECT_EQ(two.epochs, 12);
  EXPECT_EQ(two.steps, 60);
  EXPECT_EQ(two.best_epoch, 7);
  EXPECT_EQ(two.reason, "no improvement for 5 epochs");
  EXPECT_EQ(two.validation[0].values[0], 1.0 / 3);
  EXPECT_TRUE(std::isnan(two.validation[1].values[1]));
  EXPECT_EQ(two.model.tensors, first[1].model.tensors);
  EXPECT_EQ(two.model.metadata, first[1].model.metadata);
}

TEST(StudyJournal, ADamagedFileIsToldAndItsMembersAreNotFinished) {
  const TemporaryFolder folder;
  StudyJournal journal(folder.path() / "progress", "this");
  const std::vector<MemberResult> first = {result(1, 1)}, second = {result(2, 2)};
  journal.finish(first);
  journal.finish(second);
  flip_last_byte(folder.path() / "progress" / "finished-0000001.safetensors");
  std::vector<std::string> told;
  const auto finished = journal.finished([&](const std::string& sentence) { told.push_back(sentence); });
  EXPECT_EQ(finished.size(), 1u);
  EXPECT_TRUE(finished.contains(2));
  ASSERT_EQ(told.size(), 1u);
  EXPECT_NE(told[0].find("finished-0000001"), std::string::npos) << told[0];
}

TEST(StudyJournal, CheckpointsComeBackByNumberUntilTheirWaveIsFinished) {
  const TemporaryFolder folder;
  StudyJournal journal(folder.path() / "progress", "this");
  const auto silent = [](const std::string& told) { FAIL() << told; };
  EXPECT_TRUE(journal.running(silent).empty());
  journal.save(4, {{4, model(4, "4")}, {11, model(11, "11")}});
  journal.save(5, {{5, model(5, "5")}});
  journal.save(5, {{5, model(6, "6")}});
  const auto running = journal.running(silent);
  ASSERT_EQ(running.size(), 3u);
  EXPECT_EQ(running.at(11).tensors, model(11, "11").tensors);
  EXPECT_EQ(running.at(11).metadata, model(11, "11").metadata);
  EXPECT_EQ(running.at(5).tensors, model(6, "6").tensors) << "what was saved last";
  const std::vector<MemberResult> done = {result(4, 4)};
  journal.finish(done);
  const auto left = journal.running(silent);
  EXPECT_EQ(left.size(), 1u);
  EXPECT_TRUE(left.contains(5));
}

TEST(StudyJournal, CheckpointsOfEarlierVersionsAreRead) {
  const TemporaryFolder folder;
  StudyJournal journal(folder.path() / "progress", "this");
  journal.save(4, {{4, model(4, "4")}, {5, model(5, "5")}});
  std::filesystem::rename(folder.path() / "progress" / "running-0000004.safetensors",
                          folder.path() / "progress" / "running.safetensors");
  journal.save(5, {{5, model(6, "6")}});
  const auto running = journal.running([](const std::string& told) { FAIL() << told; });
  ASSERT_EQ(running.size(), 2u);
  EXPECT_EQ(running.at(4).tensors, model(4, "4").tensors);
  EXPECT_EQ(running.at(5).tensors, model(6, "6").tensors) << "what was saved since";
}

TEST(StudyJournal, WhatIsOfAnotherStudyIsToldAndNotTaken) {
  const TemporaryFolder folder;
  StudyJournal other(folder.path() / "progress", "other");
  const std::vector<MemberResult> results = {result(1, 1)};
  other.finish(results);
  other.save(4, {{4, model(4, "4")}});
  StudyJournal journal(folder.path() / "progress", "this");
  std::vector<std::string> told;
  const auto tell = [&](const std::string& sentence) { told.push_back(sentence); };
  EXPECT_TRUE(journal.finished(tell).empty());
  EXPECT_TRUE(journal.running(tell).empty());
  ASSERT_EQ(told.size(), 2u);
  EXPECT_NE(told[0].find("is of another study"), std::string::npos) << told[0];
}

TEST(StudyJournal, CheckpointsThatCannotBeReadAreTold) {
  const TemporaryFolder folder;
  StudyJournal journal(folder.path() / "progress", "this");
  std::ofstream(folder.path() / "progress" / "running-0000004.safetensors") << "no tensors";
  std::vector<std::string> told;
  EXPECT_TRUE(journal.running([&](const std::string& sentence) { told.push_back(sentence); }).empty());
  EXPECT_EQ(told.size(), 1u);
}

}  // namespace
}  // namespace equipoise

// tests/fuzz/record_fuzz.cpp - fuzz target: a record of each system that was changed is refused with Error(checkpoint)
// or replayed. An input is a system and a list of changes.
#include <memory>
#include <string>
#include <vector>

#include "engine/base/error.h"
#include "engine/files/safetensors.h"
#include "engine/run/executor.h"
#include "engine/train/record.h"
#include "engine/train/replay.h"
#include "host/config/config.h"
#include "host/config/model_config.h"
#include "host/run/prepared_data.h"
#include "tests/fuzz/changed_tensors.h"

namespace {

using namespace equipoise;

/// Two steps of a small training.
TensorFile recorded(const std::string& model, Executor& executor) {
  std::string table = "id,label,u,v,w\n";
  for (int row = 0; row < 24; ++row)
    table += "p" + std::to_string(row) + "," + std::to_string(row % 2) + "," + std::to_string(row * 7 % 11) + "," +
             std::to_string(row * 5 % 13) + "," + std::to_string(row * 3 % 17) + "\n";
  const std::string file = fuzz::file_of(table, ".csv").string();
  const Config config = load_config(fuzz::file_of("[data]\nviews = [\"" + file + "\"" + model, ".toml"));
  const PreparedData prepared = prepare_data(config);
  const TrainingPlan plan = training_plan(config, prepared.data, prepared.split);
  TensorFile record = record_training(prepared.data, prepared.split, plan, 2, executor);
  record.path = "fuzz";
  return record;
}

}  // namespace

EQUIPOISE_FUZZ_TARGET(record) {
  static const std::unique_ptr<Executor> executor = make_cpu_executor(1);
  static const std::vector<TensorFile> records{
      recorded("]\n[model]\nkind = \"mldrl\"\nhidden = 2\nshared = 1\nspecific = 1\n[train]\nbatch = 4\n", *executor),
      recorded("]\ntasks = [\"regression:u\", \"binary:label\"]\n[model]\nkind = \"mtl\"\ntrunk = [3]\ntower = [2]\n"
               "dropout = 0.5\n[train]\nbatch = 4\n",
               *executor),
      recorded("]\n[model]\nkind = \"vaegan\"\nlatent = 2\nencoder = [3]\ndecoder = [3]\ndiscriminator = "
               "[3]\n[train]\nbatch = 4\n",
               *executor)};
  fuzz::Input input(bytes, size);
  const TensorFile file = fuzz::changed(records[input.choice(records.size() - 1)], input);
  try {
    const TensorFile outcome = replay_record(file, *executor);
    compare_record(file, outcome);
  } catch (const Error& error) {
    fuzz::require(error.code() == ExitCode::checkpoint || error.code() == ExitCode::numerics);
  }
}

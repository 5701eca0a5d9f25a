// tests/host/commands/demo_run.h - a short training on the demo data, for tests of the program around it.
#pragma once

#include <filesystem>
#include <string>

#include "host/config/config.h"
#include "tests/host/temporary_folder.h"

namespace equipoise::testing {

inline const std::filesystem::path kPbcseq = EQUIPOISE_SOURCE_DIR "/tools/demo-data/pbcseq";

/// A config of MLDRL on the tables of pbcseq in the folder `tables`: 12 epochs of 6 steps, the last one short.
inline std::string demo_config(const std::filesystem::path& tables) {
  return "[data]\nviews = [\"" + (tables / "before.csv").string() + "\", \"" + (tables / "after.csv").string() +
         "\"]\noutcome = \"" + (tables / "outcome.csv").string() +
         "\"\nvalidation = 0.2\ntest = 0.1\n[optimizer]\nlr = 1e-3\n[train]\nepochs = 12\nbatch = 32\npatience = 0\n";
}

}  // namespace equipoise::testing

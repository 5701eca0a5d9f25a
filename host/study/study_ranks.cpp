// host/study/study_ranks.cpp - asks the environment for ranks, and folders for parts.
#include "host/study/study_ranks.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <string_view>
#include <thread>

#include "engine/base/error.h"
#include "host/study/study_files.h"
#include "host/study/study_folder.h"

namespace equipoise {

namespace {

constexpr auto kPoll = std::chrono::milliseconds(100);

int number_in(const char* name, const char* text) {
  int number = 0;
  const std::string_view digits(text);
  const auto [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (wrong == std::errc{} && end == digits.data() + digits.size() && number >= 0) return number;
  throw Error(ExitCode::usage,
              fmt::format("{}={}: is no number of processes; unset it where none were started together", name, text));
}

}  // namespace

Ranks ranks_of_environment() {
  constexpr const char* kNames[][3] = {{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"},
                                       {"PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"},
                                       {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID"}};
  for (const auto& [rank, size, local] : kNames) {
    const char* const rank_text = std::getenv(rank);
    const char* const size_text = std::getenv(size);
    if (!rank_text || !size_text) continue;
    const char* const local_text = std::getenv(local);
    Ranks ranks{number_in(rank, rank_text), number_in(size, size_text)};
    ranks.local = local_text ? number_in(local, local_text) : ranks.rank;
    if (ranks.rank >= ranks.size)
      throw Error(ExitCode::usage, fmt::format("{}={} of {}={}: is no rank; unset them where no processes were started "
                                               "together",
                                               rank, rank_text, size, size_text));
    return ranks;
  }
  return {};
}

std::string device_of_rank(const std::string& device, int local, int gpus) {
  return gpus > 0 && (device == "auto" || device == "cuda") ? fmt::format("cuda:{}", local % gpus) : device;
}

std::filesystem::path part_folder(const std::filesystem::path& study, const StudyPart& part) {
  return fmt::format("{}-part-{}-of-{}", study.string(), part.index, part.of);
}

void wait_for_parts(const std::vector<std::filesystem::path>& parts, const std::function<bool()>& stop) {
  for (const std::filesystem::path& part : parts)
    for (;;) {
      const std::string status = holds_study(part) ? read_study_record(part / study_file::kStudy).status : "running";
      if (status == "trained") break;
      if (stop() || status == "stopped")
        throw Error(ExitCode::stopped,
                    fmt::format("{}: was stopped; start all processes again with --resume", part.string()));
      std::this_thread::sleep_for(kPoll);
    }
}

}  // namespace equipoise

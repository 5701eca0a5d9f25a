// tests/host/study/study_ranks_test.cpp - what the environment tells of processes that were started together.
#include "host/study/study_ranks.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

/// Sets variables for the length of a test.
class Environment {
 public:
  explicit Environment(std::vector<std::pair<std::string, std::string>> variables) : variables_(std::move(variables)) {
    for (const auto& [name, value] : variables_) ::setenv(name.c_str(), value.c_str(), 1);
  }
  ~Environment() {
    for (const auto& [name, value] : variables_) ::unsetenv(name.c_str());
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  std::vector<std::pair<std::string, std::string>> variables_;
};

TEST(StudyRanks, AreThoseThatWereStartedTogether) {
  EXPECT_EQ(ranks_of_environment().size, 1);
  {
    const Environment open_mpi(
        {{"OMPI_COMM_WORLD_RANK", "5"}, {"OMPI_COMM_WORLD_SIZE", "8"}, {"OMPI_COMM_WORLD_LOCAL_RANK", "1"}});
    EXPECT_EQ(ranks_of_environment().rank, 5);
    EXPECT_EQ(ranks_of_environment().size, 8);
    EXPECT_EQ(ranks_of_environment().local, 1);
  }
  {
    const Environment mpich({{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}});
    EXPECT_EQ(ranks_of_environment().local, 1) << "where none is told, the rank";
  }
  // A batch job's script has the number of tasks, but is no step of several.
  const Environment batch({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}, {"SLURM_STEP_NUM_TASKS", "1"}});
  EXPECT_EQ(ranks_of_environment().size, 1);
}

TEST(StudyRanks, RefuseWhatIsNoRank) {
  for (const auto& [rank, size] : {std::pair{"2", "2"}, {"-1", "2"}, {"x", "2"}, {"0", ""}}) {
    const Environment wrong({{"PMI_RANK", rank}, {"PMI_SIZE", size}});
    EXPECT_THROW(ranks_of_environment(), Error) << rank << " of " << size;
  }
}

TEST(StudyRanks, TakeTheGpusOfTheirMachineInTurn) {
  EXPECT_EQ(device_of_rank("auto", 0, 2), "cuda:0");
  EXPECT_EQ(device_of_rank("cuda", 3, 2), "cuda:1");
  EXPECT_EQ(device_of_rank("auto", 3, 0), "auto");
  EXPECT_EQ(device_of_rank("cpu", 3, 2), "cpu");
  EXPECT_EQ(device_of_rank("cuda:5", 3, 2), "cuda:5");
  EXPECT_EQ(device_of_rank("cuda:all", 1, 2), "cuda:all") << "of its machine, where there is one rank";
}

}  // namespace
}  // namespace equipoise

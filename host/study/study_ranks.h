// host/study/study_ranks.h - the processes that mpirun or srun started together, of which each trains a part of a
// study.
//
// They speak through the file system alone, so that no MPI library is linked: a rank trains into a folder beside the
// study's, and the first makes one study of all once they are trained.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "host/study/study_record.h"

namespace equipoise {

struct Ranks {
  int rank = 0, size = 1;
  int local = 0;  ///< among those of one machine
};

/// As Open MPI (OMPI_COMM_WORLD_RANK, ..._SIZE), MPICH and its kin (PMI_RANK, PMI_SIZE) or a step of Slurm
/// (SLURM_PROCID, SLURM_STEP_NUM_TASKS) tell a process, and each of its place on a machine; one of one where none does.
/// Throws Error(usage) where what they tell is no rank.
Ranks ranks_of_environment();

/// The device of --device for a rank: of "auto" and "cuda" each rank of a machine takes another of its `gpus`, in turn;
/// without GPUs, and of any other word, the word. So of "cuda:all" each rank takes all GPUs of its machine, which is
/// meant for one rank a machine: several would share each GPU, slower and with the same bits.
std::string device_of_rank(const std::string& device, int local, int gpus);

/// STUDY-part-<index>-of-<of>.
std::filesystem::path part_folder(const std::filesystem::path& study, const StudyPart& part);

/// Waits until the folders of all parts say that theirs is trained. Throws Error(stopped) where `stop` says so or a
/// part was stopped.
void wait_for_parts(const std::vector<std::filesystem::path>& parts, const std::function<bool()>& stop);

}  // namespace equipoise

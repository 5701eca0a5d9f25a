// host/run/build_info.h - what this program was built from and with.
#pragma once

#include <string>

namespace equipoise {

struct BuildInfo {
  std::string version;             ///< such as 0.1.0
  std::string git;                 ///< commit, "with changes" if the tree differed from it
  std::string compiler;            ///< name, version, build type
  std::string cuda;                ///< version of the CUDA compiler, "none" without
  std::string cuda_architectures;  ///< such as "80-real, 90"; empty without CUDA
};

const BuildInfo& build_info();

}  // namespace equipoise

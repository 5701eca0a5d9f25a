// host/run/build_info.cpp - values the build system passes in.
#include "host/run/build_info.h"

#include "equipoise_git.h"

namespace equipoise {

const BuildInfo& build_info() {
  static const BuildInfo info = [] {
    BuildInfo b{EQUIPOISE_VERSION, EQUIPOISE_GIT_COMMIT, EQUIPOISE_COMPILER, EQUIPOISE_CUDA_VERSION,
                EQUIPOISE_CUDA_ARCHITECTURES};
    if (b.cuda.empty()) b.cuda = "none";
    return b;
  }();
  return info;
}

}  // namespace equipoise

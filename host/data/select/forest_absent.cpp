// host/data/select/forest_absent.cpp - what a program built without OpenCV's ml module says of forests.
#include "engine/base/error.h"
#include "host/data/select/select.h"

namespace equipoise {

std::vector<double> forest_scores(const SelectJob&) {
  throw Error(ExitCode::usage,
              "select.methods: 'forest' needs OpenCV's ml module, which this program was built without; install "
              "libopencv-ml-dev and build it again, or select by anova");
}

}  // namespace equipoise

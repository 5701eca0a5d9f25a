// tests/host/data/select/absent_forest.cpp - what a program without OpenCV says of a forest; linked with that twin.
#include <cstdio>
#include <string>

#include "engine/base/error.h"
#include "host/data/select/select.h"

int main() {
  using namespace equipoise;
  try {
    forest_scores({{}, {}, {}, {}, 0, 0});
  } catch (const Error& error) {
    const std::string said = error.what();
    std::printf("%s\n", said.c_str());
    return error.code() == ExitCode::usage && said.find("install libopencv-ml-dev") != said.npos ? 0 : 1;
  }
  std::printf("a forest grew without OpenCV\n");
  return 1;
}

// tests/engine/generate/fake_nvrtc.cpp - a library with NVRTC's interface that compiles nothing: what it does is
// said by variables of the environment, so that a compiler's failures can be had on any machine.
//   FAKE_NVRTC_VERSION=11.8   its version; 13.0 unless set
//   FAKE_NVRTC_ERROR=TEXT     compiling fails, with this as its log
//   FAKE_NVRTC_SLEEP=200      compiling takes so many milliseconds
//   FAKE_NVRTC_CODE=TEXT      the code; else a line that tells target, options and the length of the source
//   FAKE_NVRTC_COUNT=FILE     a byte is added to the file with each compilation
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

namespace {

struct Program {
  std::string source, log, code;
  int headers = 0;
};

const char* variable(const char* name) {
  const char* const value = std::getenv(name);
  return value && *value ? value : nullptr;
}

}  // namespace

extern "C" {

int nvrtcVersion(int* major, int* minor) {
  const char* const version = variable("FAKE_NVRTC_VERSION");
  return std::sscanf(version ? version : "13.0", "%d.%d", major, minor) == 2 ? 0 : 11;
}
const char* nvrtcGetErrorString(int result) { return result == 6 ? "NVRTC_ERROR_COMPILATION" : "NVRTC_ERROR"; }
int nvrtcCreateProgram(void** program, const char* source, const char*, int headers, const char* const*,
                       const char* const*) {
  *program = new Program{source, "", "", headers};
  return 0;
}
int nvrtcDestroyProgram(void** program) {
  delete static_cast<Program*>(*program);
  *program = nullptr;
  return 0;
}
int nvrtcCompileProgram(void* program, int count, const char* const* options) {
  auto& p = *static_cast<Program*>(program);
  if (const char* const file = variable("FAKE_NVRTC_COUNT"))
    if (std::FILE* const out = std::fopen(file, "ab")) std::fputc('x', out), std::fclose(out);
  if (const char* const sleep = variable("FAKE_NVRTC_SLEEP"))
    std::this_thread::sleep_for(std::chrono::milliseconds(std::atoi(sleep)));
  if (const char* const error = variable("FAKE_NVRTC_ERROR")) {
    p.log = error;
    return 6;
  }
  const char* const code = variable("FAKE_NVRTC_CODE");
  p.code = code ? code : "";
  if (code) return 0;
  for (int i = 0; i < count; ++i) p.code += std::string(options[i]) + " ";
  p.code += "with " + std::to_string(p.headers) + " headers, source of " + std::to_string(p.source.size());
  return 0;
}
int nvrtcGetProgramLogSize(void* program, size_t* size) {
  *size = static_cast<Program*>(program)->log.size() + 1;
  return 0;
}
int nvrtcGetProgramLog(void* program, char* log) {
  std::strcpy(log, static_cast<Program*>(program)->log.c_str());
  return 0;
}
int nvrtcGetPTXSize(void* program, size_t* size) {
  *size = static_cast<Program*>(program)->code.size();
  return 0;
}
int nvrtcGetPTX(void* program, char* to) {
  const std::string& code = static_cast<Program*>(program)->code;
  std::memcpy(to, code.data(), code.size());
  return 0;
}
int nvrtcGetCUBINSize(void* program, size_t* size) { return nvrtcGetPTXSize(program, size); }
int nvrtcGetCUBIN(void* program, char* to) { return nvrtcGetPTX(program, to); }
}

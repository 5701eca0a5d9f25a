// engine/generate/kernel_compiler.cpp - NVRTC by its C interface, without its header.
#include "engine/generate/kernel_compiler.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <iterator>
#include <string_view>
#include <utility>

#include "engine/files/sha256.h"
#include "engine/generate/kernel_headers.h"

namespace equipoise {

namespace {

constexpr int kOldestMajor = 12;

/// What the kernels include of the standard library, of which NVRTC has none: its types; functions are built in.
constexpr KernelHeader kStandardHeaders[] = {
    {"cstdint",
     "#pragma once\n"
     "using int8_t = signed char;\nusing int16_t = short;\nusing int32_t = int;\nusing int64_t = long;\n"
     "using uint8_t = unsigned char;\nusing uint16_t = unsigned short;\nusing uint32_t = unsigned int;\n"
     "using uint64_t = unsigned long;\nusing intptr_t = long;\nusing uintptr_t = unsigned long;\n"},
    {"cmath", "#pragma once\n"},
    {"cstddef", "#pragma once\n"},
};

/// As the interpreter is compiled: no contraction, rounded division and root.
constexpr const char* kOptions[] = {"--std=c++20",  "-default-device", "-D__builtin_memcpy=memcpy",
                                    "--fmad=false", "--prec-div=true", "--prec-sqrt=true",
                                    "--ftz=false"};

using NvrtcProgram = void*;

/// Files and names under which the library may be found, in order.
std::vector<std::string> candidates() {
  if (const char* named = std::getenv(KernelCompiler::kVariable); named && *named) return {named};
  std::vector<std::string> all = {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"};
  for (const char* variable : {"CUDA_HOME", "CUDA_PATH"})
    if (const char* folder = std::getenv(variable); folder && *folder)
      all.push_back(std::string(folder) + "/lib64/libnvrtc.so");
  all.emplace_back("/usr/local/cuda/lib64/libnvrtc.so");
  return all;
}

/// The first error of a compiler's log, else its first line.
std::string first_error(std::string_view log) {
  std::string_view first;
  while (!log.empty()) {
    const std::string_view line = log.substr(0, log.find('\n'));
    log.remove_prefix(std::min(line.size() + 1, log.size()));
    if (line.find("error") != std::string_view::npos) return std::string(line);
    if (first.empty()) first = line;
  }
  return std::string(first);
}

}  // namespace

struct KernelCompiler::Library {
  void* handle = nullptr;  // never closed: the library keeps memory that it frees when the process ends
  int (*version)(int*, int*) = nullptr;
  const char* (*error_text)(int) = nullptr;
  int (*create)(NvrtcProgram*, const char*, const char*, int, const char* const*, const char* const*) = nullptr;
  int (*destroy)(NvrtcProgram*) = nullptr;
  int (*compile)(NvrtcProgram, int, const char* const*) = nullptr;
  int (*log_size)(NvrtcProgram, size_t*) = nullptr;
  int (*log)(NvrtcProgram, char*) = nullptr;
  int (*ptx_size)(NvrtcProgram, size_t*) = nullptr;
  int (*ptx)(NvrtcProgram, char*) = nullptr;
  int (*cubin_size)(NvrtcProgram, size_t*) = nullptr;
  int (*cubin)(NvrtcProgram, char*) = nullptr;

  /// The functions by name. False where one is missing.
  bool find() {
    const auto function = [&](auto& pointer, const char* name) {
      pointer = reinterpret_cast<std::remove_reference_t<decltype(pointer)>>(::dlsym(handle, name));
      return pointer != nullptr;
    };
    return function(version, "nvrtcVersion") && function(error_text, "nvrtcGetErrorString") &&
           function(create, "nvrtcCreateProgram") && function(destroy, "nvrtcDestroyProgram") &&
           function(compile, "nvrtcCompileProgram") && function(log_size, "nvrtcGetProgramLogSize") &&
           function(log, "nvrtcGetProgramLog") && function(ptx_size, "nvrtcGetPTXSize") &&
           function(ptx, "nvrtcGetPTX") && function(cubin_size, "nvrtcGetCUBINSize") &&
           function(cubin, "nvrtcGetCUBIN");
  }
  void expect(int result, const char* call) const {
    if (result != 0) throw KernelError(fmt::format("NVRTC: {}: {}", call, error_text(result)));
  }
};

KernelCompiler::KernelCompiler() : functions_(std::make_unique<Library>()) {
  const std::vector<std::string> files = candidates();
  for (const std::string& file : files) {
    functions_->handle = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!functions_->handle) continue;
    library_ = file;
    break;
  }
  if (!functions_->handle)
    throw KernelError(
        std::getenv(kVariable)
            ? fmt::format("{} names {}, which cannot be opened as a library", kVariable, files.front())
            : fmt::format("NVRTC, which compiles kernels for their model, is not found; install the CUDA toolkit's "
                          "libnvrtc, or name its file in {}",
                          kVariable));
  if (!functions_->find()) throw KernelError(fmt::format("{} is no NVRTC: it lacks functions of its", library_));
  int major = 0, minor = 0;
  functions_->expect(functions_->version(&major, &minor), "nvrtcVersion");
  version_ = fmt::format("{}.{}", major, minor);
  if (major < kOldestMajor)
    throw KernelError(fmt::format("{} is NVRTC {}, and kernels need {}.0 or newer", library_, version_, kOldestMajor));
}

KernelCompiler::KernelCompiler(KernelCompiler&&) noexcept = default;
KernelCompiler::~KernelCompiler() = default;

std::vector<std::byte> KernelCompiler::compile(const std::string& source, const std::string& target) const {
  const Library& nvrtc = *functions_;
  std::vector<const char*> names, texts;
  const auto include = [&](const KernelHeader& header) {
    names.push_back(header.name);
    texts.push_back(header.text);
  };
  for (const KernelHeader& header : kStandardHeaders) include(header);
  for (const KernelHeader& header : kernel_headers()) include(header);
  struct Made {
    const Library& nvrtc;
    NvrtcProgram program = nullptr;
    ~Made() { nvrtc.destroy(&program); }
  } made{nvrtc};
  nvrtc.expect(nvrtc.create(&made.program, source.c_str(), "made_kernel.cu", static_cast<int>(names.size()),
                            texts.data(), names.data()),
               "nvrtcCreateProgram");
  const std::string architecture = "--gpu-architecture=" + target;
  const bool machine = target.starts_with("sm_");
  std::vector<const char*> arguments = {architecture.c_str()};
  if (!machine) arguments.push_back("-lineinfo");  // PTX is for those that look into it
  arguments.insert(arguments.end(), std::begin(kOptions), std::end(kOptions));
  if (const int result = nvrtc.compile(made.program, static_cast<int>(arguments.size()), arguments.data());
      result != 0) {
    size_t size = 0;
    std::string log;
    if (nvrtc.log_size(made.program, &size) == 0 && size > 0) {
      log.resize(size);
      if (nvrtc.log(made.program, log.data()) != 0) log.clear();
    }
    log.resize(std::min(log.find('\0'), log.size()));
    throw KernelError(fmt::format("NVRTC {} for {}: {}", version_, target,
                                  log.empty() ? nvrtc.error_text(result) : first_error(log)));
  }
  size_t size = 0;
  nvrtc.expect((machine ? nvrtc.cubin_size : nvrtc.ptx_size)(made.program, &size), "the code's size");
  std::vector<std::byte> code(size);
  nvrtc.expect((machine ? nvrtc.cubin : nvrtc.ptx)(made.program, reinterpret_cast<char*>(code.data())), "the code");
  if (code.empty()) throw KernelError(fmt::format("NVRTC {} gives no code for {}", version_, target));
  return code;
}

const std::string& KernelCompiler::recipe() {
  static const std::string* const hash = new std::string([] {  // never freed, as threads may ask to the end
    Sha256 sum;
    const auto add = [&](std::string_view text) {
      sum.update(std::to_string(text.size()) + ":");
      sum.update(text);
    };
    for (const char* option : kOptions) add(option);
    for (const KernelHeader& header : kStandardHeaders) add(header.name), add(header.text);
    for (const KernelHeader& header : kernel_headers()) add(header.name), add(header.text);
    return sum.hex();
  }());
  return *hash;
}

}  // namespace equipoise

// host/commands/cpu_check.cpp - refuses to start on a processor that lacks what this program was compiled for.
// Compiled for the oldest x86-64 and run before any other code of the program, so that the user reads a sentence
// instead of "Illegal instruction". No header of ours or of C++ is included: their inline code is shared between
// object files, and the linker may pick a copy with newer instructions.
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
namespace {

constexpr int kDeviceExitCode = 6;  // ExitCode::device

__attribute__((constructor(101))) void check_cpu() {
  __builtin_cpu_init();
  const char* missing = !__builtin_cpu_supports("avx2")   ? "AVX2"
                        : !__builtin_cpu_supports("fma")  ? "FMA"
                        : !__builtin_cpu_supports("bmi2") ? "BMI2"
                                                          : nullptr;
  if (!missing) return;
  char sentence[200] = "equipoise: this processor has no ";
  strcat(sentence, missing);
  strcat(sentence, ", which this build needs (x86-64-v3: Intel from 2013, AMD from 2015); use a newer machine\n");
  [[maybe_unused]] const ssize_t ignored = write(STDERR_FILENO, sentence, strlen(sentence));
  _exit(kDeviceExitCode);
}

}  // namespace
#endif

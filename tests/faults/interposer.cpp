// tests/faults/interposer.cpp - a library for LD_PRELOAD that counts what a program does to the files of one folder,
// and spoils the call with a certain number.
//
// FAULT_ROOT     calls are counted that open for writing, create, write, cut, sync, rename or remove below this folder
// FAULT_AT       number of the call that is spoilt, from 1; 0 = none
// FAULT_KIND     kill: the process is killed before the call; torn: after half of what a write was to write, else as
//                kill; short: a write writes half and says so; a name of errno: the call does nothing and fails so
// FAULT_LOG      a file to which the name of each counted call is added
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

const std::string& setting(const char* name) {
  static thread_local std::string value;
  const char* found = std::getenv(name);
  value = found ? found : "";
  return value;
}

const std::string& root() {
  static const std::string path = setting("FAULT_ROOT");
  return path;
}

bool below_root(const char* path) {
  if (root().empty() || !path) return false;
  std::string whole = path;
  if (path[0] != '/') {
    char here[4096];
    if (getcwd(here, sizeof here)) whole = std::string(here) + "/" + path;
  }
  return whole.rfind(root() + "/", 0) == 0 || whole == root();
}

/// Descriptors that are open for writing below the root.
std::array<std::atomic<bool>, 1024> counted;

bool is_counted(int descriptor) {
  return descriptor >= 0 && descriptor < static_cast<int>(counted.size()) && counted[static_cast<size_t>(descriptor)];
}

struct Verdict {
  bool spoilt = false;
  int error = 0;      // to fail with, or 0
  bool half = false;  // of a write
  bool dies = false;  // after that half
};

int error_named(const std::string& name) {
  if (name == "ENOSPC") return ENOSPC;
  if (name == "EIO") return EIO;
  if (name == "EACCES") return EACCES;
  if (name == "EMFILE") return EMFILE;
  if (name == "EINTR") return EINTR;
  return 0;
}

/// Counts a call; `what` for the log.
Verdict judge(const char* what, bool is_write) {
  static std::atomic<int> calls{0};
  static const int at = std::atoi(setting("FAULT_AT").c_str());
  static const std::string kind = setting("FAULT_KIND"), log = setting("FAULT_LOG");
  static const int error = error_named(kind);
  const int number = ++calls;
  if (!log.empty()) {
    const int file = real<int(const char*, int, ...)>("open")(log.c_str(), O_WRONLY | O_APPEND | O_CREAT, 0666);
    const std::string line = std::string(what) + "\n";
    if (file >= 0) {
      [[maybe_unused]] const ssize_t written =
          real<ssize_t(int, const void*, size_t)>("write")(file, line.data(), line.size());
      real<int(int)>("close")(file);
    }
  }
  if (number != at) return {};
  if (kind == "kill" || (kind == "torn" && !is_write)) ::kill(::getpid(), SIGKILL);
  if (kind == "torn") return {true, 0, true, true};
  if (kind == "short") return {is_write, 0, is_write, false};
  return {error != 0, error, false, false};
}

template <class Call>
auto spoilable(const char* what, Call call) -> decltype(call()) {
  const Verdict verdict = judge(what, false);
  if (!verdict.spoilt) return call();
  errno = verdict.error;
  return -1;
}

int opened(const char* path, int flags, mode_t mode, int folder, const char* symbol, bool at) {
  const auto call = [&] {
    if (at) return real<int(int, const char*, int, ...)>(symbol)(folder, path, flags, mode);
    return real<int(const char*, int, ...)>(symbol)(path, flags, mode);
  };
  if ((flags & O_DIRECTORY) != 0 && below_root(path)) {  // to be brought to disk
    const int descriptor = call();
    if (descriptor >= 0 && descriptor < static_cast<int>(counted.size()))
      counted[static_cast<size_t>(descriptor)] = true;
    return descriptor;
  }
  const bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) != 0;
  if (!writes || !below_root(path)) return call();
  const int descriptor = spoilable("open", call);
  if (descriptor >= 0 && descriptor < static_cast<int>(counted.size())) counted[static_cast<size_t>(descriptor)] = true;
  return descriptor;
}

mode_t mode_of(int flags, va_list more) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? static_cast<mode_t>(va_arg(more, unsigned)) : 0;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = mode_of(flags, more);
  va_end(more);
  return opened(path, flags, mode, -1, "open", false);
}

int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = mode_of(flags, more);
  va_end(more);
  return opened(path, flags, mode, -1, "open64", false);
}

int openat(int folder, const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = mode_of(flags, more);
  va_end(more);
  return opened(path, flags, mode, folder, "openat", true);
}

ssize_t write(int descriptor, const void* bytes, size_t count) {
  const auto call = [&](size_t some) {
    return real<ssize_t(int, const void*, size_t)>("write")(descriptor, bytes, some);
  };
  if (!is_counted(descriptor)) return call(count);
  const Verdict verdict = judge("write", true);
  if (!verdict.spoilt) return call(count);
  if (verdict.half) {
    const ssize_t written = count > 1 || verdict.dies ? call(count / 2) : call(count);
    if (verdict.dies) ::kill(::getpid(), SIGKILL);
    return written;
  }
  errno = verdict.error;
  return -1;
}

int close(int descriptor) {
  if (is_counted(descriptor)) counted[static_cast<size_t>(descriptor)] = false;
  return real<int(int)>("close")(descriptor);
}

int fsync(int descriptor) {
  const auto call = [&] { return real<int(int)>("fsync")(descriptor); };
  return is_counted(descriptor) ? spoilable("fsync", call) : call();
}

int ftruncate(int descriptor, off_t size) noexcept {
  const auto call = [&] { return real<int(int, off_t)>("ftruncate")(descriptor, size); };
  return is_counted(descriptor) ? spoilable("ftruncate", call) : call();
}

int rename(const char* from, const char* to) noexcept {
  const auto call = [&] { return real<int(const char*, const char*)>("rename")(from, to); };
  return below_root(to) ? spoilable("rename", call) : call();
}

int unlink(const char* path) noexcept {
  const auto call = [&] { return real<int(const char*)>("unlink")(path); };
  return below_root(path) ? spoilable("unlink", call) : call();
}

int remove(const char* path) noexcept {
  const auto call = [&] { return real<int(const char*)>("remove")(path); };
  return below_root(path) ? spoilable("remove", call) : call();
}

int mkdir(const char* path, mode_t mode) noexcept {
  const auto call = [&] { return real<int(const char*, mode_t)>("mkdir")(path, mode); };
  return below_root(path) ? spoilable("mkdir", call) : call();
}

}  // extern "C"

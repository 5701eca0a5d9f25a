// tests/ptx/gpu.h - the machine as device 0 of a program: it stands in for the CUDA files of kernels/run at link time,
// with the PTX that nvcc made of them.
//
// EQUIPOISE_PTX names the folder of the modules (interpreter.ptx and others), EQUIPOISE_PTX_ORDER the order of threads:
// forward, reversed or random:SEED; EQUIPOISE_PTX_INTERPRETER the module of the interpreter, "interpreter" unless set.
#pragma once

#include <cstring>
#include <mutex>

#include "tests/ptx/machine.h"

namespace equipoise {
struct Launch;  // kernels/program/launch.h
}

namespace equipoise::ptx {

/// Device 0, made on first use. It does one thing at a time: whoever calls it holds gpu_busy.
Machine& gpu();
std::recursive_mutex& gpu_busy();
/// A module of the folder, read on first use: "interpreter".
Module& gpu_module(const std::string& name);
/// The module that launches of programs run: the environment's, until a test says otherwise.
std::string& interpreter_module();
/// The module of the kernel made for its program that was launched last. It lives as long as the kernel does.
const Module*& made_module();
/// What a test plants into the launches of programs: called before each, with the shape to change.
std::function<void(const Launch&, LaunchShape&)>& planted();
/// Reads a module from a file.
Module read_module_file(const std::string& path);

/// The bytes of a kernel's parameters, each at its own alignment.
template <class... Values>
std::vector<std::byte> parameters_of(const Values&... values) {
  std::vector<std::byte> bytes;
  const auto append = [&](const auto& value) {
    const std::size_t at =
        (bytes.size() + alignof(decltype(value)) - 1) / alignof(decltype(value)) * alignof(decltype(value));
    bytes.resize(at + sizeof value);
    std::memcpy(bytes.data() + at, &value, sizeof value);
  };
  (append(values), ...);
  return bytes;
}

}  // namespace equipoise::ptx

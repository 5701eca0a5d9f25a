// engine/run/device_programs.cpp - uploads programs and finds those that are there.
#include "engine/run/device_programs.h"

#include <algorithm>
#include <span>

#include "engine/lower/program_code.h"

namespace equipoise {

namespace {

constexpr size_t kProgramsKept = 8;

std::vector<std::byte> contents_of(const Program& p) {
  std::vector<std::byte> bytes;
  const auto append = [&](const auto& values) {
    const auto* from = reinterpret_cast<const std::byte*>(values.data());
    bytes.insert(bytes.end(), from, from + values.size() * sizeof values[0]);
  };
  append(p.code->operations);
  append(p.code->phases);
  append(p.code->residents);
  append(std::span(p.chains));
  return bytes;
}

}  // namespace

DeviceProgram& DevicePrograms::load(const Program& program) {
  std::vector<std::byte> contents = contents_of(program);
  const auto known =
      std::find_if(programs_.begin(), programs_.end(), [&](const auto& p) { return p->contents == contents; });
  if (known != programs_.end()) {
    std::rotate(programs_.begin(), known, known + 1);
    return *programs_.front();
  }
  auto loaded = std::make_unique<DeviceProgram>();
  loaded->contents = std::move(contents);
  loaded->operations = uploaded(device_, program.code->operations);
  loaded->phases = uploaded(device_, program.code->phases);
  loaded->residents = uploaded(device_, program.code->residents);
  programs_.insert(programs_.begin(), std::move(loaded));
  if (programs_.size() > kProgramsKept) programs_.pop_back();
  return *programs_.front();
}

size_t DevicePrograms::bytes() const {
  size_t bytes = 0;
  for (const auto& program : programs_) bytes += program->bytes();
  return bytes;
}

}  // namespace equipoise

// tests/ptx/fault.h - what the machine finds wrong with a kernel.
#pragma once

#include <stdexcept>
#include <string>

namespace equipoise::ptx {

enum class Check {
  bounds,         ///< an address outside of every buffer, or past the end of its own
  uninitialised,  ///< a read of memory that nobody has written
  alignment,
  race,        ///< two accesses to a word, one of them a write, that no barrier orders
  deadlock,    ///< nobody can go on
  divergence,  ///< threads of one barrier at different instructions, or one that has ended
  trap,        ///< the kernel gave up, or left the machine's limits
};
const char* name_of(Check check);

/// The first fault of a launch: what, where in the PTX and the source, which thread, in which buffer.
class Fault : public std::runtime_error {
 public:
  Fault(Check check, const std::string& text) : std::runtime_error(text), check_(check) {}
  Check check() const { return check_; }

 private:
  Check check_;
};

}  // namespace equipoise::ptx

// tests/ptx/shipped_faults_test.cpp - faults planted into the interpreter's PTX, or into what it is launched with, are
// found by the check that is meant for them.
#include <fstream>
#include <sstream>

#include "engine/base/error.h"
#include "kernels/program/launch.h"
#include "tests/ptx/access.h"
#include "tests/ptx/shipped_workloads.h"

namespace equipoise::ptx::test {
namespace {

uint64_t address_of(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

/// The fault of a short training run; fails where there is none.
void expect_fault(Check check, const std::vector<std::string>& parts) {
  try {
    train_shortly({"gradnorm"});
    ADD_FAILURE() << "no fault was found, but there is a " << name_of(check);
  } catch (const Fault& fault) {
    EXPECT_EQ(fault.check(), check) << fault.what();
    for (const std::string& part : parts)
      EXPECT_NE(std::string(fault.what()).find(part), std::string::npos) << "'" << part << "' is not in\n"
                                                                         << fault.what();
  }
  planted() = nullptr;
}

/// The first instruction with these words in its text that a short run executes, whose source holds `source`.
Instruction& executed(const std::string& words, const std::string& source) {
  Module& module = gpu_module("interpreter");
  std::map<const Instruction*, uint64_t> before;
  for (Function& f : module.functions)
    for (Instruction& i : f.code) before[&i] = i.runs;
  train_shortly({"gradnorm"});
  for (Function& f : module.functions)
    for (Instruction& i : f.code)
      if (i.runs > before[&i] &&
          module.texts[static_cast<std::size_t>(i.text_number)].find(words) != std::string::npos &&
          module.source_of(i).find(source) != std::string::npos)
        return i;
  throw std::runtime_error("no instruction '" + words + "' of " + source + " was executed");
}

TEST(ShippedFaults, OverrunsOfEachBufferAreFound) {
  planted() = [](const Launch& launch, LaunchShape&) { gpu().memory.truncate(address_of(launch.state), 64); };
  expect_fault(Check::bounds, {"past the end of state", "phase"});
  planted() = [](const Launch& launch, LaunchShape&) {
    gpu().memory.truncate(address_of(launch.programs[0].controls), sizeof(Control) / 2);
  };
  expect_fault(Check::bounds, {"controls"});
  planted() = [](const Launch& launch, LaunchShape&) {
    gpu().memory.truncate(address_of(launch.programs[0].operations), 256);
  };
  expect_fault(Check::bounds, {"operations"});
  planted() = [](const Launch&, LaunchShape& shape) { shape.dynamic_shared /= 2; };
  expect_fault(Check::bounds, {"shared memory"});
}

TEST(ShippedFaults, AnOverrunOfWorkIsFoundWhereAProgramHasSome) {
  planted() = [](const Launch& launch, LaunchShape&) { gpu().memory.truncate(address_of(launch.work), 1024); };
  try {
    equipoise::test::Problem p = equipoise::test::make_problem("paper", 600, 120, 90);  // more than shared memory holds
    const auto device = make_cuda_executor(0);
    equipoise::test::train(*device, p, 1, 300, {1, false});
    ADD_FAILURE() << "no fault was found";
  } catch (const Fault& fault) {
    EXPECT_EQ(fault.check(), Check::bounds) << fault.what();
    EXPECT_NE(std::string(fault.what()).find("work"), std::string::npos) << fault.what();
  }
  planted() = nullptr;
}

TEST(ShippedFaults, AStoreBesideItsPlaceIsFound) {
  Instruction& store = executed("st.", "ops/linear.h");
  store.offset += 4 * 4096;
  try {
    train_shortly({"gradnorm"});
    ADD_FAILURE() << "no fault was found";
  } catch (const Fault& fault) {
    EXPECT_NE(std::string(fault.what()).find("phase"), std::string::npos) << fault.what();
    EXPECT_NE(std::string(fault.what()).find("operation kernels/ops/"), std::string::npos) << fault.what();
  }
  store.offset -= 4 * 4096;
}

TEST(ShippedFaults, AWideLoadBesideItsBoundaryIsFound) {
  Instruction& load = executed("ld.v4.f32", "product/thread_tiles.h");
  load.offset += 4;
  expect_fault(Check::alignment, {"16 bytes", "operation kernels/ops/linear.h", "product/thread_tiles.h"});
  load.offset -= 4;
}

TEST(ShippedFaults, AStoreLeftOutIsFoundByWhoReads) {
  Instruction& store = executed("st.", "ops/linear.h");
  const Handler kept = store.run;
  store.run = nothing();
  expect_fault(Check::uninitialised, {"phase"});
  store.run = kept;
}

TEST(ShippedFaults, AMultiplyAddThatIsNotRoundedOnceIsRefused) {
  std::ifstream file(std::string(std::getenv("EQUIPOISE_PTX")) + "/interpreter.ptx");
  std::ostringstream whole;
  whole << file.rdbuf();
  std::string text = whole.str();
  const std::size_t at = text.find("mul.rn.f32");
  ASSERT_NE(at, std::string::npos);
  text.replace(at, 10, "mul.f32   ");
  EXPECT_THROW(
      try { read_module(text); } catch (const std::runtime_error& e) {
        EXPECT_NE(std::string(e.what()).find("not rounded to nearest"), std::string::npos) << e.what();
        throw;
      },
      std::runtime_error);
}

}  // namespace
}  // namespace equipoise::ptx::test

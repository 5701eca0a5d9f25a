// tests/host/commands/kernel_options_test.cpp - what the program says of a GPU's kernels where there is none.
#include "tests/host/commands/program_run.h"

namespace equipoise {
namespace {

using testing::content_of;
using testing::Finished;

class KernelOptions : public testing::ProgramRun {
 protected:
  KernelOptions() {
    const std::string views = EQUIPOISE_SOURCE_DIR "/tools/demo-data/pbcseq/";
    std::ofstream(at("c.toml")) << "[data]\nviews = [\"" << views << "before.csv\", \"" << views
                                << "after.csv\"]\noutcome = \"" << views << "outcome.csv\"\nlabel = \"label\"\n";
  }
  std::vector<std::string> train(std::vector<std::string> words) const {
    words.insert(words.begin(), {"train", "c.toml", "--device", "cpu", "-q"});
    return words;
  }
};

TEST_F(KernelOptions, WriteTheSourceOfTheKernelThatAGpuWouldRun) {
  const std::string planned = said(train({"--dry-run"}));
  EXPECT_EQ(said(train({"--dry-run", "--kernel", "k.cu"})), planned);
  const std::string source = content_of(at("k.cu"));
  for (const char* part :
       {"#include \"kernels/run/generated.cuh\"", "using Block = FixedBlock<384>;", "namespace program_0 {",
        "namespace program_1 {", "steps of at most 32 rows", "steps of at most 48 rows",  // 47 validate
        "// encoder1.linear1", "// view1", "static constexpr LinearWeightGradient ", "static constexpr Adam ",
        "static constexpr Emit ", ".activation = Activation::relu", "MethodKind(2)", "__global__ void"})
    EXPECT_CONTAINS(source, part);
  std::size_t phases = 0;
  for (std::size_t at = 0; (at = source.find("__device__ __noinline__ void phase_", at)) != std::string::npos; ++at)
    ++phases;
  std::size_t told = 0;
  for (std::size_t at = 0; (at = source.find("<Full>(c);\n  block.sync();", at)) != std::string::npos; ++at) ++told;
  EXPECT_GT(phases, 30u);
  EXPECT_EQ(told, phases) << "a barrier behind each";
  EXPECT_EQ(said(train({"--dry-run", "--kernel", "k.cu"})), planned) << "it replaces the file";
  EXPECT_EQ(content_of(at("k.cu")), source) << "the same model has the same source";
  EXPECT_FALSE(std::filesystem::exists(at("runs")));
}

TEST_F(KernelOptions, AreRefusedWhereTheyWouldBeIgnored) {
  expect_refused(2, train({"--kernel", "k.cu"}), {"--kernel belongs to --dry-run"});
  EXPECT_FALSE(std::filesystem::exists(at("k.cu")));
  expect_refused(2, train({"--kernel-mode", "generated", "--out", "r"}), {"no GPU is used", "--device"});
  EXPECT_FALSE(std::filesystem::exists(at("r")));
  expect_refused(2, train({"--kernel-mode", "generate", "--out", "r"}), {"--kernel-mode 'generate'", "'generated'"});
  expect_refused(5, train({"--dry-run", "--kernel", "nowhere/k.cu"}), {"nowhere/k.cu"});
  const std::string config = content_of(at("c.toml"));
  expect_refused(2, train({"--dry-run", "--kernel", "c.toml"}), {"c.toml: the file is there", "name another"});
  EXPECT_EQ(content_of(at("c.toml")), config);
  expect_refused(2, {"cross-validate", "c.toml", "--device", "cpu", "--kernel-mode", "generated"}, {"no GPU is used"});
}

TEST_F(KernelOptions, SayNothingInARunOfTheCpu) {
  said(train({"--kernel-mode", "auto", "--out", "r", "--set", "train.epochs=1"}));
  EXPECT_FALSE(summary("r").contains("kernel"));
}

TEST_F(KernelOptions, AreShownByDoctor) {
  const std::string cache = at("cache").string();
  const std::string home = "XDG_CACHE_HOME=" + cache;
  Finished f = run({"doctor"}, {home, "EQUIPOISE_NVRTC=/nowhere/libnvrtc.so"});
  EXPECT_CONTAINS(f.out, "kernels made for a model\n  compiler    none: EQUIPOISE_NVRTC names /nowhere/libnvrtc.so");
  EXPECT_CONTAINS(f.out, "  cache       " + cache + "/equipoise: 0 kernels, 0.0 of at most 256 MiB\n");
  EXPECT_FALSE(std::filesystem::exists(at("cache"))) << "looking makes no folder";
  std::filesystem::create_directories(at("cache") / "equipoise");
  std::filesystem::permissions(at("cache") / "equipoise", std::filesystem::perms::all);
  f = run({"doctor"}, {home});
  EXPECT_CONTAINS(f.out, "  cache       not used: others may write to " + cache + "/equipoise\n");
}

}  // namespace
}  // namespace equipoise

// tests/host/commands/balance_command_test.cpp - `equipoise balance` seen from outside: tables, JSON, files, and bad
// input.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/files/safetensors.h"
#include "kernels/run/device.h"
#include "tests/host/commands/run_program.h"
#include "tests/host/temporary_folder.h"

namespace equipoise::testing {
namespace {

using nlohmann::json;
using Arguments = std::vector<std::string>;

/// A folder with two conflicting gradients, (3, 0) and (-1, 1), as g.safetensors; draws and input for GradDrop.
class BalanceCommand : public ::testing::Test {
 protected:
  BalanceCommand() {
    write("g.safetensors", {{"grads", matrix({2, 2}, {3, 0, -1, 1})},
                            {"draws", matrix({2}, {0.9, 0.1})},
                            {"input", matrix({2}, {-1, 1})}});
  }

  static StoredTensor matrix(std::vector<int64_t> shape, const std::vector<double>& values) {
    return StoredTensor::from_doubles(std::move(shape), values);
  }
  void write(const std::string& name, std::map<std::string, StoredTensor> tensors) const {
    write_safetensors(home_.path() / name, {std::move(tensors), {}, {}});
  }
  Finished run(Arguments arguments) const {
    arguments.insert(arguments.begin(), "balance");
    return run_program(EQUIPOISE_PROGRAM, home_.path(), arguments);
  }
  json run_json(Arguments arguments) const {
    arguments.push_back("--json");
    const Finished f = run(arguments);
    EXPECT_EQ(f.code, 0) << f.log;
    return json::parse(f.out, nullptr, false);
  }
  void expect_refused(int code, const Arguments& arguments, const Arguments& parts) const {
    const Finished f = run(arguments);
    EXPECT_EQ(f.code, code) << f.log;
    EXPECT_EQ(f.out, "");
    EXPECT_TRUE(f.log.starts_with("equipoise: ")) << f.log;
    EXPECT_EQ(std::count(f.log.begin(), f.log.end(), '\n'), 1) << f.log;
    for (const std::string& part : parts) EXPECT_CONTAINS(f.log, part);
  }

  TemporaryFolder home_;
};

TEST_F(BalanceCommand, PrintsWhoGainsAndWhoLoses) {
  // The sum (2, 1): 6 with the first, -1 with the second.
  const Finished sum = run({"g.safetensors", "--method", "identity"});
  EXPECT_EQ(sum.code, 0) << sum.log;
  EXPECT_EQ(sum.log, "");
  EXPECT_CONTAINS(sum.out, "identity on gradients of 2 tasks, 2 elements each");
  EXPECT_CONTAINS(sum.out, "   0            3            1            6  gains\n");
  EXPECT_CONTAINS(sum.out, "   1       1.4142            1           -1  loses\n");
  EXPECT_CONTAINS(sum.out, "-0.707  1.000");
  EXPECT_CONTAINS(sum.out, "norm of the step: 2.23607\n");
  EXPECT_EQ(sum.out.find("certificate"), std::string::npos);
}

TEST_F(BalanceCommand, PrintsTheCertificateOfAMinNormSolution) {
  const Finished f = run({"g.safetensors", "--method", "mgda"});
  EXPECT_EQ(f.code, 0) << f.log;
  EXPECT_CONTAINS(f.out, "certificate of the min-norm solution: ");
  EXPECT_EQ(f.out.find("loses"), std::string::npos) << f.out;
}

TEST_F(BalanceCommand, TellsTheShortestConvexCombinationWhateverTheMethod) {
  // G = [9 -3; -3 2]: weights 5/17 and 12/17, squared length 9/17.
  const Finished f = run({"g.safetensors", "--method", "equal"});
  EXPECT_CONTAINS(f.out, "shortest convex combination: norm 0.727607, weights 0.29412 0.70588\n");
  const json shortest = run_json({"g.safetensors", "--method", "equal"})["shortest_convex"];
  EXPECT_NEAR(shortest["norm"].get<double>(), std::sqrt(9.0 / 17), 1e-15);
  EXPECT_NEAR(shortest["weights"][0].get<double>(), 5.0 / 17, 1e-15);
  EXPECT_LE(shortest["certificate"].get<double>(), 1e-12);
}

TEST_F(BalanceCommand, MeasuresOnTheDeviceThatIsNamed) {
  const Finished cpu = run({"g.safetensors", "--method", "mgda"});
  EXPECT_EQ(run({"g.safetensors", "--method", "mgda", "--device", "cpu"}).out, cpu.out);
  const Finished cuda = run({"g.safetensors", "--method", "mgda", "--device", "cuda"});
  if (device_report(false).devices.empty()) {
    EXPECT_EQ(cuda.code, kDevice);
    EXPECT_EQ(cuda.out, "");
    EXPECT_CONTAINS(cuda.log, "cuda:0: " + device_report(false).problem);
    EXPECT_EQ(run({"g.safetensors", "--method", "mgda", "--device", "auto"}).out, cpu.out);
  } else {
    EXPECT_EQ(cuda.code, 0) << cuda.log;
    EXPECT_CONTAINS(cuda.out, "measured on cuda:0\n");
    EXPECT_EQ(cuda.out.substr(cuda.out.find('\n')), cpu.out.substr(cpu.out.find('\n')));
  }
  expect_refused(kUsage, {"g.safetensors", "--method", "mgda", "--device", "gpu"},
                 {"--device 'gpu'", "a GPU is called cuda"});
  expect_refused(kDevice, {"g.safetensors", "--method", "mgda", "--device", "cuda:99"}, {"cuda:99: "});
}

TEST_F(BalanceCommand, CallsATaskThatTheStepDoesNotTouchNeither) {
  write("orthogonal.safetensors", {{"grads", matrix({3, 3}, {1, 0, 0, 0, 1, 0, 0, 0, 0})}});
  const Finished f = run({"orthogonal.safetensors", "--method", "equal"});
  EXPECT_CONTAINS(f.out, "   2            0      0.33333            0  neither\n");
  EXPECT_CONTAINS(f.out, "      -      -      -");  // no cosine with nothing
}

TEST_F(BalanceCommand, PrintsJsonWithTheDocumentedKeys) {
  const json j = run_json({"g.safetensors", "--method", "pcgrad", "--order", "identity"});
  std::vector<std::string> keys;
  for (const auto& [key, value] : j.items()) keys.push_back(key);
  EXPECT_EQ(keys, (Arguments{"certificate", "gains", "gram", "method", "mixing", "norms", "shortest_convex",
                             "step_norm", "weights"}));
  EXPECT_EQ(j["method"], "pcgrad:order=identity");
  EXPECT_EQ(j["gram"], json::parse("[[9.0, -3.0], [-3.0, 2.0]]"));
  EXPECT_EQ(j["norms"], (json{3.0, std::sqrt(2.0)}));
  // g_0 + 3/2 g_1 and g_1 + 1/3 g_0.
  EXPECT_EQ(j["mixing"], (json{{1.0, 1.5}, {3.0 / 9.0, 1.0}}));
  EXPECT_EQ(j["weights"], (json{1.0 + 3.0 / 9.0, 2.5}));
  EXPECT_NEAR(j["gains"][0], 4.5, 1e-12);
  EXPECT_NEAR(j["gains"][1], 1.0, 1e-12);
  EXPECT_NEAR(j["step_norm"], std::hypot(1.5, 2.5), 1e-12);
  EXPECT_TRUE(j["certificate"].is_null());
  EXPECT_TRUE(run_json({"g.safetensors", "--method", "mgda"})["certificate"].is_number());
}

TEST_F(BalanceCommand, ComposesMethodsAndReadsLosses) {
  const json j = run_json({"g.safetensors", "--method", "gradnorm:lr=0.1,alpha=1", "--method", "cagrad:c=0.2",
                           "--losses", "1,2", "--initial-losses=2,2"});
  EXPECT_EQ(j["method"], "gradnorm:alpha=1,lr=0.1 then cagrad:c=0.2");
  const Arguments dwa{"g.safetensors", "--method", "dwa:temperature=1"};
  Arguments with = dwa;
  with.insert(with.end(), {"--losses", "1,2"});
  const double e = std::exp(1.0);
  EXPECT_NEAR(run_json(with)["weights"][0], 2 * e / (e + e * e), 1e-12);
  EXPECT_EQ(run_json(dwa)["weights"], (json{1.0, 1.0}));
}

TEST_F(BalanceCommand, DropsWithGivenDrawsAndInput) {
  // Signs of the first element (3, -1): P = 3/4 < 0.9 keeps the second. With the input's sign: P = 1/4 < 0.9, the
  // first.
  const json own = run_json({"g.safetensors", "--method", "graddrop", "--draws", "draws"});
  EXPECT_EQ(own["gains"], (json{-3.0, 2.0}));
  const json by_input = run_json({"g.safetensors", "--method", "graddrop", "--draws", "draws", "--input", "input"});
  EXPECT_EQ(by_input["gains"], (json{9.0, -2.0}));
}

TEST_F(BalanceCommand, WritesBalancedGradientsAndStep) {
  const Finished f = run({"g.safetensors", "--method", "equal", "--out", "o.safetensors"});
  EXPECT_EQ(f.code, 0) << f.log;
  const TensorFile out = read_safetensors(home_.path() / "o.safetensors");
  EXPECT_EQ(out.at("balanced"), StoredTensor::from_floats({2, 2}, std::vector<float>{1.5f, 0, -0.5f, 0.5f}));
  EXPECT_EQ(out.at("step"), StoredTensor::from_floats({2}, std::vector<float>{1, 0.5f}));
  EXPECT_EQ(out.metadata_at("method"), "equal");
}

TEST_F(BalanceCommand, RescalesToThePlainSum) {
  const json plain = run_json({"g.safetensors", "--method", "identity"});
  const json mgda = run_json({"g.safetensors", "--method", "mgda", "--rescale"});
  EXPECT_NEAR(mgda["step_norm"], plain["step_norm"], 1e-12);
}

TEST_F(BalanceCommand, DrawsBySeed) {
  const Arguments rlw{"g.safetensors", "--method", "rlw"}, again{"g.safetensors", "--method", "rlw", "--seed", "9"};
  EXPECT_EQ(run_json(rlw), run_json(rlw));
  EXPECT_NE(run_json(rlw)["weights"], run_json(again)["weights"]);
}

TEST_F(BalanceCommand, ReadsAnArrayFileWhateverItIsCalled) {
  const std::string dictionary = "{'descr': '>f4', 'fortran_order': True, 'shape': (2, 2), }\n";
  std::string file = "\x93NUMPY";
  file += {1, 0, static_cast<char>(dictionary.size()), 0};
  file += dictionary;
  for (const char* element : {"\x40\x40\0\0", "\xbf\x80\0\0", "\0\0\0\0", "\x3f\x80\0\0"}) file.append(element, 4);
  home_.write("g.bin", file);
  const Arguments pcgrad{"g.safetensors", "--method", "pcgrad"}, array{"g.bin", "--method", "pcgrad"};
  EXPECT_EQ(run_json(array), run_json(pcgrad));
  expect_refused(kUsage, {"g.bin", "--method", "mgda", "--tensor", "grads"}, {"--tensor grads", "one array"});
  home_.write("torn.npy", file.substr(0, file.size() - 1));
  expect_refused(kData, {"torn.npy", "--method", "mgda"}, {"torn.npy", "15 bytes"});
}

TEST_F(BalanceCommand, ExplainsItself) {
  const Finished f = run({"--help"});
  EXPECT_EQ(f.code, 0);
  for (const char* part : {"cagrad", "c: a number in [0, 1); default 0.4", "after one update", "--initial-losses",
                           "alpha defaults to 0.16", "--rescale"})
    EXPECT_CONTAINS(f.out, part);
}

TEST_F(BalanceCommand, RefusesArgumentsThatMakeNoSense) {
  expect_refused(kUsage, {"g.safetensors"}, {"--method is required"});
  expect_refused(kUsage, {"--method", "mgda"}, {"FILE is required"});
  expect_refused(kUsage, {"g.safetensors", "--method", "cagard"}, {"did you mean 'cagrad'?"});
  expect_refused(kUsage, {"g.safetensors", "--method", "cagrad:c=1"}, {"[0, 1)"});
  expect_refused(kUsage, {"g.safetensors", "--method", "dwa:temprature=1"}, {"did you mean 'temperature'?"});
  expect_refused(kUsage, {"g.safetensors", "--method", "mgda", "--order", "identity"}, {"only pcgrad and gradvac"});
  expect_refused(kUsage, {"g.safetensors", "--method", "pcgrad", "--order", "idntity"}, {"did you mean 'identity'?"});
  expect_refused(kUsage, {"g.safetensors", "--method", "mgda", "--draws", "draws"}, {"only graddrop"});
  expect_refused(kUsage, {"g.safetensors", "--method", "mgda", "--input", "input"}, {"--input: only graddrop"});
  expect_refused(kUsage, {"g.safetensors", "--method", "dwa", "--losses", "1,two"}, {"--losses"});
  expect_refused(kUsage, {"g.safetensors", "--method", "graddrop", "--rescale"}, {"--rescale: graddrop drops"});
  expect_refused(kUsage, {"g.safetensors", "--method", "mgda", "--out", "g.safetensors"},
                 {"the file with the gradients"});
  expect_refused(kUsage, {"g.safetensors", "--method", "rlw", "--seed", "-1"}, {"--seed"});
  expect_refused(kUsage, {"g.safetensors", "--method", "mgda", "--out", "o.npy"}, {"--out o.npy", "safetensors"});
  expect_refused(kUsage, {"g.safetensors", "--metod", "mgda"}, {"did you mean '--method'?"});
}

TEST_F(BalanceCommand, RefusesDataThatCannotBeBalanced) {
  const double nan = std::nan("");
  write("b.safetensors", {{"grads", matrix({2, 2}, {1, 2, nan, 4})},
                          {"none", matrix({0, 2}, {})},
                          {"empty", matrix({2, 0}, {})},
                          {"many", matrix({33, 1}, std::vector<double>(33, 1.0))},
                          {"flat", matrix({4}, {1, 2, 3, 4})}});
  const auto refused = [&](const std::string& tensor, const Arguments& parts) {
    expect_refused(kData, {"b.safetensors", "--method", "mgda", "--tensor", tensor}, parts);
  };
  expect_refused(kData, {"b.safetensors", "--method", "mgda"}, {"b.safetensors", "element 0 of row 1 is nan"});
  refused("none", {"[0, 2]"});
  refused("empty", {"[2, 0]"});
  refused("many", {"[33, 1]", "1 to 32"});
  refused("flat", {"[4]", "two dimensions"});
  refused("grad", {"no tensor 'grad'", "did you mean 'grads'?", "--tensor"});
  const auto with_losses = [&](const std::string& losses, const std::string& part) {
    expect_refused(kData, {"g.safetensors", "--method", "dwa", "--losses", losses}, {part});
  };
  with_losses("1,2,3", "3 losses are given for 2 tasks");
  for (const auto& [losses, what] : {std::pair{"1,nan", "'nan'"},
                                     {"1,,2", "''"},
                                     {"1,", "''"},
                                     {"inf,2", "'inf'"},
                                     {"1e999,1", "'1e999'"},
                                     {"0x1,1", "'0x1'"}})
    for (const std::string option : {"--losses", "--initial-losses"})
      expect_refused(kUsage, {"g.safetensors", "--method", "dwa", option, losses},
                     {option, what + std::string(" is not a number")});
  expect_refused(kData, {"g.safetensors", "--method", "graddrop", "--draws", "absent"}, {"no tensor 'absent'"});
  expect_refused(kData, {"g.safetensors", "--method", "graddrop", "--draws", "grads"}, {"draws hold 4 elements"});
}

TEST_F(BalanceCommand, RefusesLossesThatAMethodsFormulaDoesNotKnow) {
  const auto refused = [&](const std::string& method, const std::string& losses, const Arguments& parts) {
    expect_refused(kUsage, {"g.safetensors", "--method", method, losses}, parts);
  };
  refused("famo", "--losses=-1,2",
          {"--losses: that of task 0 is -1, and famo takes logarithms of losses; give losses"});
  refused("famo", "--losses=1,0", {"--losses: that of task 1 is 0"});
  refused("famo", "--initial-losses=1,-2", {"--initial-losses: that of task 1 is -2"});
  refused("uw", "--losses=0,2", {"uw learns the logarithm of a variance"});
  refused("dwa", "--losses=1,-2", {"dwa takes the ratio of two losses"});
  refused("dwa", "--initial-losses=0,2", {"--initial-losses: that of task 0 is 0"});
  for (const std::string word : {"loss", "loss+"})
    refused("mgda:normalise=" + word, "--losses=-1,2", {"mgda:normalise=" + word + " divides a gradient by its loss"});
  expect_refused(kUsage,
                 {"g.safetensors", "--method", "gradnorm", "--method", "cagrad:normalise=loss", "--losses=1,-1"},
                 {"that of task 1 is -1, and cagrad:normalise=loss divides"});
  // Losses that a formula does not read, or reads as they are, may have any sign.
  for (const std::string method : {"mgda", "equal", "mgda:normalise=l2"}) {
    const Finished f = run({"g.safetensors", "--method", method, "--losses=-1,0", "--initial-losses=0,-1"});
    EXPECT_EQ(f.code, 0) << f.log;
  }
  for (const std::string method : {"uw", "mgda:normalise=loss"})
    EXPECT_EQ(run({"g.safetensors", "--method", method, "--initial-losses=-1,0"}).code, 0) << method;
}

TEST_F(BalanceCommand, NeverCallsAResultDoneThatIsNotFinite) {
  // A gradient divided by 1e-300 has a square of 1e600.
  for (const std::string method : {"mgda:normalise=loss", "nash_mtl:normalise=loss"})
    expect_refused(kNumerics, {"g.safetensors", "--method", method, "--losses=1e300,1e-300", "--out", "o"},
                   {method + ": an entry of the mixing matrix is nan", "scale them, or choose another method"});
  expect_refused(kNumerics, {"g.safetensors", "--method", "imtl_g:normalise=loss", "--losses=1e-300,1e-300"},
                 {"the norm of the step is inf"});
  EXPECT_FALSE(std::filesystem::exists(home_.path() / "o"));
}

TEST_F(BalanceCommand, ReadsWholeNumbersThatFloat32Holds) {
  const auto array = [](const std::string& type, const std::string& elements) {
    const std::string dictionary = "{'descr': '" + type + "', 'fortran_order': False, 'shape': (2, 2), }\n";
    std::string file = "\x93NUMPY";
    file += {1, 0, static_cast<char>(dictionary.size()), 0};
    return file + dictionary + elements;
  };
  const auto little = [](std::vector<int64_t> values, int bytes) {
    std::string text;
    for (const int64_t value : values)
      for (int b = 0; b < bytes; ++b) text += static_cast<char>(static_cast<uint64_t>(value) >> 8 * b & 255);
    return text;
  };
  const json floats = run_json({"g.safetensors", "--method", "pcgrad"});
  for (const auto& [type, bytes] : {std::pair{"|i1", 1}, {"<i2", 2}, {"<i4", 4}, {"<i8", 8}}) {
    home_.write("whole.npy", array(type, little({3, 0, -1, 1}, bytes)));
    EXPECT_EQ(run_json({"whole.npy", "--method", "pcgrad"}), floats) << type;
  }
  home_.write("odd.npy", array("<i4", little({3, 0, 16777217, 1}, 4)));
  expect_refused(kData, {"odd.npy", "--method", "mgda"},
                 {"odd.npy: gradients: element 0 of row 1 is 16777217, which float32 rounds to 16777216", "astype"});
}

TEST_F(BalanceCommand, SaysWhatAnArchiveOrATableIsAndWhatItWants) {
  home_.write("g.npz", std::string("PK\x03\x04-\0\0\0", 8) + std::string(100, '\0'));
  expect_refused(
      kData, {"g.npz", "--method", "mgda"},
      {"g.npz: is a zip archive, as numpy.savez and torch.save write them", "numpy.save('grads.npy', array)"});
  const auto wanted = [&](const std::string& name, const std::string& content, const std::string& line) {
    home_.write(name, content);
    expect_refused(kData, {name, "--method", "mgda"}, {name + ": is a text", ".npy or safetensors", line + "\n"});
  };
  wanted("g.csv", "1,2\n3e-1,4\n", "numpy.save('g.npy', numpy.loadtxt('g.csv', delimiter=','))");
  wanted("it's.csv", "a;b\n3;4\n", "numpy.save('it\\'s.npy', numpy.loadtxt('it\\'s.csv', delimiter=';', skiprows=1))");
  wanted("g.txt", "1 2\n", "numpy.save('g.npy', numpy.loadtxt('g.txt'))");
}

TEST_F(BalanceCommand, WorksBeyondFloat32AsWithinIt) {
  // (3, 0) and (-1, 1) times a power of two: every figure is that of g.safetensors times the same or its square.
  const json plain = run_json({"g.safetensors", "--method", "mgda"});
  for (const int power : {-300, -160, 140, 300}) {
    const double unit = std::ldexp(1.0, power);
    write("far.safetensors", {{"grads", matrix({2, 2}, {3 * unit, 0, -unit, unit})}});
    for (const std::string method :
         {"mgda", "pcgrad", "cagrad", "upgrad", "imtl_g", "config", "identity", "graddrop"}) {
      const json near = run_json({"g.safetensors", "--method", method});
      const json far = run_json({"far.safetensors", "--method", method});
      const std::string where = method + " times 2^" + std::to_string(power);
      EXPECT_EQ(far["weights"], near["weights"]) << where;
      EXPECT_EQ(far["mixing"], near["mixing"]) << where;
      EXPECT_EQ(far["step_norm"].get<double>(), unit * near["step_norm"].get<double>()) << where;
      for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(far["norms"][i].get<double>(), unit * near["norms"][i].get<double>()) << where;
        EXPECT_EQ(far["gains"][i].get<double>(), unit * unit * near["gains"][i].get<double>()) << where;
      }
      EXPECT_EQ(far["shortest_convex"]["norm"].get<double>(), unit * near["shortest_convex"]["norm"].get<double>());
    }
    // Nash's weights are inverse to the gradients, so that its step has no unit.
    EXPECT_NEAR(run_json({"far.safetensors", "--method", "nash_mtl"})["step_norm"].get<double>(),
                run_json({"g.safetensors", "--method", "nash_mtl"})["step_norm"].get<double>(), 1e-12);
    const Finished f = run({"far.safetensors", "--method", "equal", "--out", "o", "--force"});
    EXPECT_EQ(f.code, 0) << f.log;
    EXPECT_EQ(read_safetensors(home_.path() / "o").at("step"), matrix({2}, {unit, unit / 2}));
    EXPECT_EQ(read_safetensors(home_.path() / "o").at("balanced"),
              matrix({2, 2}, {1.5 * unit, 0, -unit / 2, unit / 2}));
  }
  write("mixed.safetensors", {{"grads", matrix({2, 2}, {1, 0x1p130, 1, 0})}});
  EXPECT_EQ(run_json({"mixed.safetensors", "--method", "identity"})["norms"], (json{0x1p130, 1.0}));
}

TEST_F(BalanceCommand, RefusesGradientsThatNoCommonScaleHolds) {
  write("apart.safetensors", {{"grads", matrix({2, 1}, {1e60, 1e-60})}});
  expect_refused(kData, {"apart.safetensors", "--method", "mgda"}, {"row 1 reaches to 1e-60", "too far apart"});
  write("out.safetensors", {{"grads", matrix({2, 1}, {1e-200, 1e-200})}});
  expect_refused(kData, {"out.safetensors", "--method", "mgda"}, {"row 0 reaches to 1e-200", "1e-120 to 1e+120"});
}

TEST_F(BalanceCommand, RefusesFilesThatCannotBeRead) {
  home_.write("torn.safetensors", content_of(home_.path() / "g.safetensors").substr(0, 60));
  home_.write("text.csv", "1,2\n");
  home_.write("nothing", "");
  for (const std::string name : {"torn.safetensors", "text.csv", "nothing"})
    expect_refused(kData, {name, "--method", "mgda"}, {name});
  expect_refused(kFileSystem, {"absent", "--method", "mgda"}, {"absent"});
  expect_refused(kFileSystem, {".", "--method", "mgda"}, {"."});
  expect_refused(kFileSystem, {"g.safetensors", "--method", "mgda", "--out", "absent/o.safetensors"}, {"absent"});
}

TEST_F(BalanceCommand, WritesNoInfinities) {
  write("huge.safetensors", {{"grads", matrix({2, 1}, {3e38, 3e38})}});
  expect_refused(kNumerics, {"huge.safetensors", "--method", "identity", "--out", "o.safetensors"},
                 {"float32's range"});
  EXPECT_FALSE(std::filesystem::exists(home_.path() / "o.safetensors"));
}

}  // namespace
}  // namespace equipoise::testing

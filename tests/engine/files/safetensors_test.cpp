// tests/engine/files/safetensors_test.cpp - tensors come back bit for bit, reference records read, hostile files
// refused.
#include "engine/files/safetensors.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <tuple>
#include <vector>

#include "engine/base/error.h"
#include "engine/files/atomic_file.h"
#include "engine/files/safetensors_header.h"
#include "tests/engine/temporary_folder.h"

namespace equipoise {
namespace {

using test::TemporaryFolder;

/// A file with this header text and data.
std::string file_of(const std::string& header, const std::string& data) {
  const uint64_t length = header.size();
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes + header + data;
}

TensorFile parse(const std::string& bytes) {
  return parse_safetensors(std::as_bytes(std::span(bytes)), "hostile.file");
}

template <class Action>
std::string refusal(Action action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::checkpoint);
    return error.what();
  }
  return "(accepted)";
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

StoredTensor raw(ElementType type, std::vector<int64_t> shape, std::initializer_list<int> bytes) {
  StoredTensor tensor{type, std::move(shape), {}};
  for (const int byte : bytes) tensor.bytes.push_back(static_cast<std::byte>(byte));
  return tensor;
}

TensorFile varied_file() {
  TensorFile file;
  file.tensors["z.doubles"] = StoredTensor::from_doubles({2, 3}, std::vector<double>{1, -0.0, 1e-310, 4, 5, INFINITY});
  file.tensors["a.bytes"] = StoredTensor::from_uint8({3}, std::vector<uint8_t>{1, 2, 255});
  file.tensors["floats"] = StoredTensor::from_floats({1, 1, 2}, std::vector<float>{0.1f, -3});
  file.tensors["scalar"] = StoredTensor::from_int64({}, std::vector<int64_t>{INT64_MIN});
  file.tensors["counter"] = StoredTensor::from_uint64({1}, std::vector<uint64_t>{UINT64_MAX});
  file.tensors["labels"] = StoredTensor::from_int32({2}, std::vector<int32_t>{-1, 7});
  file.tensors["empty"] = StoredTensor::from_floats({0, 4}, {});
  file.tensors["gr\xC3\xB6\xC3\x9F\x65 \"quoted\""] = raw(ElementType::boolean, {3}, {0, 1, 1});
  file.tensors["halves"] = raw(ElementType::f16, {1}, {0x00, 0x3C});
  file.metadata = {{"system", "mldrl"}, {"notes", "several\nlines, \"quotes\" and \xE2\x88\x91"}};
  return file;
}

TEST(Safetensors, ReadsBackWhatItWrote) {
  const TemporaryFolder folder;
  const TensorFile written = varied_file();
  write_safetensors(folder / "a.safetensors", written);
  const TensorFile read = read_safetensors(folder / "a.safetensors");
  EXPECT_EQ(read.tensors, written.tensors);
  EXPECT_EQ(read.metadata, written.metadata);
  EXPECT_EQ(read.path, (folder / "a.safetensors").string());
}

TEST(Safetensors, WritesAnEmptyFile) {
  const TemporaryFolder folder;
  write_safetensors(folder / "a", TensorFile{});
  const TensorFile read = read_safetensors(folder / "a");
  EXPECT_TRUE(read.tensors.empty() && read.metadata.empty());
}

TEST(Safetensors, WritesTheCanonicalBytes) {
  TensorFile file;
  file.tensors["b"] = StoredTensor::from_uint8({1}, std::vector<uint8_t>{'B'});
  file.tensors["c"] = raw(ElementType::f32, {1}, {'f', 'o', 'u', 'r'});
  file.tensors["a"] = StoredTensor::from_uint8({1}, std::vector<uint8_t>{'A'});
  file.metadata["k"] = "v";
  const TemporaryFolder folder;
  write_safetensors(folder / "f", file);
  std::string header =
      R"({"__metadata__":{"k":"v"},"a":{"data_offsets":[4,5],"dtype":"U8","shape":[1]},)"
      R"("b":{"data_offsets":[5,6],"dtype":"U8","shape":[1]},"c":{"data_offsets":[0,4],"dtype":"F32","shape":[1]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  EXPECT_EQ(read_text(folder / "f"), file_of(header, "fourAB"));
}

TEST(Safetensors, StartsEveryTensorAtAMultipleOfItsElementSize) {
  const TensorFile file = varied_file();
  const SafetensorsLayout layout = lay_out_safetensors(file, "f");
  size_t offset = layout.head.size();
  EXPECT_EQ(offset % 8, 0u);
  for (const StoredTensor* tensor : layout.body) {
    EXPECT_EQ(offset % element_size(tensor->type), 0u) << element_name(tensor->type) << " at " << offset;
    offset += tensor->bytes.size();
  }
}

TEST(Safetensors, KeepsNanPayloadsBitForBit) {
  const std::vector<uint32_t> bits{0x7FC00001, 0xFFC12345, 0x7F800001, 0x80000000, 1};
  std::vector<float> values(bits.size());
  std::memcpy(values.data(), bits.data(), bits.size() * sizeof(float));
  TensorFile file;
  file.tensors["x"] = StoredTensor::from_floats({5}, values);
  const TemporaryFolder folder;
  write_safetensors(folder / "x", file);
  const std::vector<float> read = read_safetensors(folder / "x").at("x").to_floats();
  ASSERT_EQ(read.size(), bits.size());
  for (size_t i = 0; i < bits.size(); ++i) EXPECT_EQ(std::bit_cast<uint32_t>(read[i]), bits[i]) << "element " << i;
}

TEST(Safetensors, ConvertsEveryElementTypeToDouble) {
  const std::vector<std::pair<StoredTensor, double>> cases{
      {raw(ElementType::f64, {1}, {0, 0, 0, 0, 0, 0, 0xF8, 0xBF}), -1.5},
      {raw(ElementType::f32, {1}, {0, 0, 0xC0, 0xBF}), -1.5},
      {raw(ElementType::bf16, {1}, {0xC0, 0xBF}), -1.5},
      {raw(ElementType::f16, {1}, {0x00, 0xBE}), -1.5},
      {raw(ElementType::f16, {1}, {0x01, 0x00}), 0x1p-24},         // smallest subnormal
      {raw(ElementType::f16, {1}, {0xFF, 0x03}), 1023 * 0x1p-24},  // largest subnormal
      {raw(ElementType::f16, {1}, {0xFF, 0x7B}), 65504},
      {raw(ElementType::f16, {1}, {0x00, 0xFC}), -INFINITY},
      {raw(ElementType::i64, {1}, {0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}), -2},
      {raw(ElementType::i32, {1}, {0xFE, 0xFF, 0xFF, 0xFF}), -2},
      {raw(ElementType::i16, {1}, {0xFE, 0xFF}), -2},
      {raw(ElementType::i8, {1}, {0xFE}), -2},
      {raw(ElementType::u64, {1}, {0, 0, 0, 0, 0, 0, 0, 0x80}), 0x1p63},
      {raw(ElementType::u32, {1}, {0xFE, 0xFF, 0xFF, 0xFF}), 4294967294.0},
      {raw(ElementType::u16, {1}, {0xFE, 0xFF}), 65534},
      {raw(ElementType::u8, {1}, {0xFE}), 254},
      {raw(ElementType::boolean, {1}, {1}), 1},
  };
  for (const auto& [tensor, expected] : cases) {
    ASSERT_EQ(tensor.bytes.size(), element_size(tensor.type)) << element_name(tensor.type);
    EXPECT_EQ(tensor.to_doubles(), std::vector<double>{expected}) << element_name(tensor.type);
    EXPECT_EQ(tensor.to_floats(), std::vector<float>{static_cast<float>(expected)}) << element_name(tensor.type);
  }
  EXPECT_TRUE(std::isnan(raw(ElementType::f16, {1}, {0x01, 0x7C}).to_doubles()[0]));
}

TEST(Safetensors, RoundsAWideIntegerToFloatOnce) {
  // Just above the middle of two floats: by way of double it would become the middle and go to the even one below.
  const int64_t value = (int64_t{1} << 60) + (int64_t{1} << 36) + 1;
  EXPECT_EQ(StoredTensor::from_int64({1}, std::vector<int64_t>{value}).to_floats()[0], 0x1.000002p60f);
}

TEST(Safetensors, GivesIntegersExactlyOrNotAtAll) {
  EXPECT_EQ(StoredTensor::from_int64({2}, std::vector<int64_t>{INT64_MIN, INT64_MAX}).to_int64s(),
            (std::vector<int64_t>{INT64_MIN, INT64_MAX}));
  EXPECT_EQ(raw(ElementType::boolean, {2}, {0, 1}).to_int64s(), (std::vector<int64_t>{0, 1}));
  const auto wide = StoredTensor::from_uint64({1}, std::vector<uint64_t>{UINT64_MAX});
  EXPECT_TRUE(holds(refusal([&] { wide.to_int64s(); }), "18446744073709551615"));
  const auto real = StoredTensor::from_floats({1}, std::vector<float>{1});
  EXPECT_TRUE(holds(refusal([&] { real.to_int64s(); }), "F32"));
}

TEST(Safetensors, RefusesValuesThatDoNotFillTheShape) {
  EXPECT_TRUE(holds(refusal([] { StoredTensor::from_floats({2, 2}, std::vector<float>(3)); }), "[2, 2]"));
  EXPECT_TRUE(holds(refusal([] { StoredTensor::from_floats({-1, -1}, std::vector<float>(1)); }), "[-1, -1]"));
}

TEST(Safetensors, NamesTheFileAndWhatItLacks) {
  TensorFile file;
  file.path = "run/model.safetensors";
  const std::string tensor = refusal([&] { file.at("fc1.weight"); });
  EXPECT_TRUE(holds(tensor, "run/model.safetensors") && holds(tensor, "tensor \"fc1.weight\"")) << tensor;
  const std::string key = refusal([&] { file.metadata_at("alpha"); });
  EXPECT_TRUE(holds(key, "run/model.safetensors") && holds(key, "metadata entry \"alpha\"")) << key;
}

TEST(Safetensors, ReadsTheReferenceRecords) {
  const TensorFile code = read_safetensors(EQUIPOISE_SOURCE_DIR "/tests/data/mldrl_code_small.safetensors");
  EXPECT_EQ(code.metadata_at("variant"), "code");
  EXPECT_EQ(code.metadata_at("initial_task_weights"), "1.4 3 0.3");
  // First elements as Python prints them.
  EXPECT_EQ(code.at("trace.losses").shape, (std::vector<int64_t>{5, 3}));
  EXPECT_EQ(code.at("trace.losses").to_doubles()[0], 1.00331917822508);
  EXPECT_EQ(code.at("init.fc1.weight").to_doubles()[0], 0.18766121566295624);
  EXPECT_EQ(code.at("batch.label").type, ElementType::i64);

  const TensorFile paper = read_safetensors(EQUIPOISE_SOURCE_DIR "/tests/data/mldrl_paper_small.safetensors");
  EXPECT_EQ(paper.metadata_at("renormalise"), "after_step");
  EXPECT_EQ(paper.at("gram.latent_heads").to_doubles()[0], 0.3602513247789863);
  EXPECT_EQ(paper.at("final.task_weights").to_doubles()[0], 0.8938926542711229);
}

TEST(Safetensors, RefusesAReferenceRecordCutAnywhere) {
  const std::string whole = read_text(EQUIPOISE_SOURCE_DIR "/tests/data/mldrl_code_small.safetensors");
  for (size_t size = 0; size < whole.size(); size += 997) {
    EXPECT_NE(refusal([&] { parse(whole.substr(0, size)); }), "(accepted)") << "cut to " << size;
  }
  EXPECT_TRUE(holds(refusal([&] { parse(whole.substr(0, whole.size() - 1)); }), "truncated"));
}

TEST(Safetensors, TellsAnAbsentFileAndAFolderFromADamagedFile) {
  const TemporaryFolder folder;
  const auto code_of = [](const std::filesystem::path& path) {
    try {
      read_safetensors(path);
    } catch (const Error& error) {
      return error.code();
    }
    return ExitCode::done;
  };
  EXPECT_EQ(code_of(folder / "absent"), ExitCode::file_system);
  EXPECT_EQ(code_of(folder.path()), ExitCode::file_system);
  write_file_atomically(folder / "damaged", "not safetensors");
  EXPECT_EQ(code_of(folder / "damaged"), ExitCode::checkpoint);
}

TEST(Safetensors, CallsAZipArchiveOne) {
  // What numpy.savez writes first, and an archive without files.
  for (const std::string& beginning : {std::string("PK\x03\x04-\0\0\0", 8), std::string("PK\x05\x06\0\0\0\0", 8)}) {
    const std::string archive = beginning + std::string(40, '\0');
    const std::string message = refusal([&] { parse_safetensors(std::as_bytes(std::span(archive)), "model.npz"); });
    EXPECT_NE(message.find("model.npz: is a zip archive, as numpy.savez and torch.save write them"), std::string::npos)
        << message;
    EXPECT_NE(message.find("save_file"), std::string::npos) << message;
  }
}

TEST(Safetensors, WritesNothingThatItWouldNotRead) {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& name, const StoredTensor& tensor) {
    TensorFile file;
    file.tensors[name] = tensor;
    return refusal([&] { write_safetensors(folder / "f", file); });
  };
  const StoredTensor one = StoredTensor::from_uint8({1}, std::vector<uint8_t>{1});
  EXPECT_TRUE(holds(refused("__metadata__", one), "keeps that name"));
  EXPECT_TRUE(holds(refused("x\xFF", one), "UTF-8"));
  EXPECT_TRUE(holds(refused("x", raw(ElementType::u8, std::vector<int64_t>(9, 1), {1})), "too many dimensions"));
  EXPECT_TRUE(holds(refused("x", raw(ElementType::f32, {1}, {1, 2, 3})), "do not match"));
  EXPECT_TRUE(holds(refused("x", raw(ElementType::f32, {int64_t{1} << 62}, {})), "do not match"));
  EXPECT_TRUE(holds(refused(std::string(kSafetensorsMaxHeader, 'n'), one), "over the limit"));
  EXPECT_EQ(folder.entries(), 0u);
}

struct Hostile {
  const char* name;  // of the test
  std::string bytes;
  const char* reason;  // part of the message
};

void PrintTo(const Hostile& hostile, std::ostream* out) { *out << hostile.name; }

class HostileSafetensors : public testing::TestWithParam<Hostile> {};

TEST_P(HostileSafetensors, IsRefusedForTheRightReason) {
  const std::string message = refusal([&] { parse(GetParam().bytes); });
  EXPECT_TRUE(holds(message, GetParam().reason)) << message;
  EXPECT_TRUE(holds(message, "hostile.file")) << message;
  EXPECT_LT(message.size(), 400u);
}

/// A header of one U8 tensor "x" with these shape and offsets.
std::string one_tensor(const std::string& shape, const std::string& offsets, const std::string& type = "U8") {
  return "{\"x\":{\"dtype\":\"" + type + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}}";
}

std::string two_tensors(const std::string& first_offsets, const std::string& second_offsets) {
  return R"({"x":{"dtype":"U8","shape":[2],"data_offsets":)" + first_offsets +
         R"(},"y":{"dtype":"U8","shape":[2],"data_offsets":)" + second_offsets + "}}";
}

std::string repeated(const std::string& text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

std::vector<Hostile> hostile_files() {
  const std::string good = one_tensor("[2]", "[0,2]");
  const std::string metadata = R"({"__metadata__":)";
  return {
      {"EmptyFile", "", "only 0 bytes"},
      {"SevenBytes", "1234567", "only 7 bytes"},
      {"HeaderLengthOfAllOnes", std::string(8, '\xFF'), "over the limit"},
      {"HeaderJustOverTheLimit", std::string("\1\0\0\1\0\0\0\0", 8) + "{}", "16777217 bytes, over the limit"},
      {"HeaderBeyondTheFile", std::string("\3\0\0\0\0\0\0\0", 8) + "{}", "truncated: a header of 3 bytes"},
      {"HeaderOfNoBytes", std::string(8, '\0'), "not a JSON object"},
      {"HeaderIsAnArray", file_of("[]", ""), "not a JSON object"},
      {"HeaderBeginsWithABlank", file_of(" " + good, "ab"), "not a JSON object"},
      {"HeaderIsTorn", file_of(good.substr(0, 20), "ab"), "not JSON"},
      {"TextAfterTheHeader", file_of(good + "{}", "ab"), "not JSON"},
      {"NotUtf8", file_of("{\"\xFF\":1}", ""), "not UTF-8"},
      {"OverlongUtf8", file_of("{\"\xC0\x80\":1}", ""), "not UTF-8"},
      {"LoneSurrogate", file_of(R"({"\ud800":1})", ""), "not JSON"},
      {"DepthBombOfArrays", file_of("{\"x\":" + std::string(1 << 20, '['), ""), "an array where none belongs"},
      {"DepthBombOfObjects", file_of("{\"x\":" + repeated("{\"dtype\":", 1 << 17), ""), "an object where none belongs"},
      {"DepthBombInAShape", file_of(one_tensor(std::string(1 << 20, '['), "[0,2]"), "ab"),
       "an array where none belongs"},
      {"EntryIsNull", file_of(R"({"x":null})", ""), "null where none belongs"},
      {"DuplicateTensor", file_of("{" + good.substr(1, good.size() - 2) + "," + good.substr(1), "ab"), "appears twice"},
      {"DuplicateTensorByEscape",
       file_of("{" + good.substr(1, good.size() - 2) + ",\"\\u0078\"" + good.substr(4), "ab"), "appears twice"},
      {"DuplicateField", file_of(R"({"x":{"dtype":"U8","dtype":"I8","shape":[2],"data_offsets":[0,2]}})", "ab"),
       "\"dtype\" twice"},
      {"UnknownField", file_of(R"({"x":{"code":"U8"}})", ""), "unknown field \"code\""},
      {"MissingField", file_of(R"({"x":{"dtype":"U8","shape":[2]}})", "ab"), "lacks"},
      {"UnknownType", file_of(one_tensor("[2]", "[0,2]", "F8_E4M3"), "ab"), "unknown element type \"F8_E4M3\""},
      {"TypeIsANumber", file_of(R"({"x":{"dtype":7}})", ""), "a number where none belongs"},
      {"ShapeIsText", file_of(one_tensor("\"2\"", "[0,2]"), "ab"), "a string where none belongs"},
      {"NegativeDimension", file_of(one_tensor("[-2]", "[0,2]"), "ab"), "a negative number"},
      {"FractionalDimension", file_of(one_tensor("[2.0]", "[0,2]"), "ab"), "no 64-bit integer"},
      {"DimensionBeyond63Bits", file_of(one_tensor("[9223372036854775808]", "[0,2]"), "ab"), "beyond 63 bits"},
      {"DimensionBeyond64Bits", file_of(one_tensor("[18446744073709551616]", "[0,2]"), "ab"), "no 64-bit integer"},
      {"NineDimensions", file_of(one_tensor("[1,1,1,1,1,1,1,1,2]", "[0,2]"), "ab"), "more than 8 dimensions"},
      {"ShapeProductWrapsToTheRightSize", file_of(one_tensor("[4294967296,4294967296]", "[0,0]"), ""),
       "beyond 64 bits"},
      {"ElementSizeWrapsToZero", file_of(one_tensor("[2305843009213693952]", "[0,0]", "F64"), ""), "beyond 64 bits"},
      {"HugeTensorInASmallFile", file_of(one_tensor("[1099511627776]", "[0,1099511627776]"), "ab"), "truncated"},
      {"ShapeSmallerThanItsBytes", file_of(one_tensor("[1]", "[0,2]"), "ab"), "needs 1 bytes for its shape but has 2"},
      {"TypeWiderThanItsBytes", file_of(one_tensor("[2]", "[0,2]", "F32"), "ab"), "needs 8 bytes"},
      {"OffsetsBackwards", file_of(one_tensor("[2]", "[2,0]"), "ab"), "ends before it begins"},
      {"OffsetsBeyondTheData", file_of(one_tensor("[2]", "[1,3]"), "ab"), "truncated"},
      {"OneOffset", file_of(one_tensor("[2]", "[0]"), "ab"), "not a pair"},
      {"ThreeOffsets", file_of(one_tensor("[2]", "[0,2,4]"), "ab"), "a third offset"},
      {"OverlappingTensors", file_of(two_tensors("[0,2]", "[1,3]"), "abc"), "\"y\" overlaps"},
      {"TheSameBytesTwice", file_of(two_tensors("[0,2]", "[0,2]"), "ab"), "overlaps"},
      {"GapBetweenTensors", file_of(two_tensors("[0,2]", "[3,5]"), "abcde"), "1 bytes before tensor \"y\""},
      {"GapAtTheStart", file_of(one_tensor("[2]", "[1,3]"), "abc"), "1 bytes before tensor \"x\""},
      {"BytesAfterTheLastTensor", file_of(good, "abc"), "1 bytes at the end belong to no tensor"},
      {"BytesButNoTensor", file_of("{}", "a"), "1 bytes at the end"},
      {"MetadataIsAString", file_of(metadata + "\"v\"}", ""), "a string where none belongs"},
      {"MetadataHoldsANumber", file_of(metadata + "{\"k\":1}}", ""), "\"k\" is a number, not a string"},
      {"MetadataHoldsAnObject", file_of(metadata + "{\"k\":{}}}", ""), "\"k\" is an object, not a string"},
      {"MetadataHoldsNull", file_of(metadata + "{\"k\":null}}", ""), "\"k\" is null, not a string"},
      {"DuplicateMetadataKey", file_of(metadata + R"({"k":"a","k":"b"}})", ""), "\"k\" appears twice"},
      {"MetadataTwice", file_of(metadata + "{}," + metadata.substr(1) + "{}}", ""), "__metadata__ appears twice"},
      {"NameOfAMegabyteWithControls", file_of("{\"" + repeated("\\u001b", 1 << 17) + "\":1}", ""), "\"????"},
  };
}

INSTANTIATE_TEST_SUITE_P(Files, HostileSafetensors, testing::ValuesIn(hostile_files()),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(Safetensors, TakesWhatTheFormatAllowsAtItsEdges) {
  EXPECT_EQ(parse(file_of(one_tensor("[1,1,1,1,1,1,1,2]", "[0,2]") + "      ", "ab")).at("x").shape.size(), 8u);
  EXPECT_EQ(parse(file_of(one_tensor("[]", "[0,1]"), "a")).at("x").elements(), 1);
  EXPECT_EQ(parse(file_of(one_tensor("[0,9223372036854775807]", "[0,0]"), "")).at("x").elements(), 0);
  const TensorFile swapped = parse(file_of(two_tensors("[2,4]", "[0,2]"), "abcd"));
  EXPECT_EQ(swapped.at("x").to_doubles(), (std::vector<double>{'c', 'd'}));
  EXPECT_EQ(swapped.at("y").to_doubles(), (std::vector<double>{'a', 'b'}));
}

}  // namespace
}  // namespace equipoise

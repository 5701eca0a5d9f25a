// tests/engine/files/npy_test.cpp - array files as NumPy writes them, and as nobody should.
#include "engine/files/npy.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <fstream>

#include "engine/base/error.h"
#include "tests/engine/temporary_folder.h"

namespace equipoise::test {
namespace {

using Doubles = std::vector<double>;
using Shape = std::vector<int64_t>;

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return bytes;
}
std::vector<std::byte> bytes_of(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

/// The parts of a file: magic, version and length; the dictionary, padded with `blanks`; the elements.
std::string joined(const std::string& head, const std::string& dictionary, int blanks, const std::string& elements) {
  return from_hex(head) + dictionary + std::string(static_cast<std::size_t>(blanks), ' ') + "\n" + from_hex(elements);
}

// Written by NumPy 2.4.6 of [[1.5, -2, 3], [4, 0.25, -6]] (the last: of its first row).
const std::string kFloats =
    joined("934e554d505901007600", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 58,
           "0000c03f000000c000004040000080400000803e0000c0c0");
const std::string kFortranBigEndian =
    joined("934e554d505901007600", "{'descr': '>f8', 'fortran_order': True, 'shape': (2, 3), }", 59,
           "3ff80000000000004010000000000000c0000000000000003fd00000000000004008000000000000c018000000000000");
const std::string kHalves =
    joined("934e554d5059020074000000", "{'descr': '<f2', 'fortran_order': False, 'shape': (2, 3), }", 56,
           "003e00c000420044003400c6");
const std::string kRow = joined("934e554d5059030074000000", "{'descr': '>f4', 'fortran_order': False, 'shape': (3,), }",
                                58, "3fc00000c000000040400000");

StoredTensor parse(const std::string& content) { return parse_npy(bytes_of(content), "a.npy"); }

std::string refusal(const std::string& content) {
  try {
    parse(content);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::data);
    return error.what();
  }
  return "nothing was refused";
}

/// A file of version 1 with this dictionary.
std::string with_header(const std::string& dictionary, const std::string& elements = "") {
  std::string file = from_hex("934e554d50590100");
  file.push_back(static_cast<char>(dictionary.size() & 255));
  file.push_back(static_cast<char>(dictionary.size() >> 8));
  return file + dictionary + elements;
}

#define EXPECT_REFUSED(content, part)                                      \
  do {                                                                     \
    const std::string message = refusal(content);                          \
    EXPECT_NE(message.find(part), std::string::npos) << "in: " << message; \
  } while (false)

TEST(Npy, ReadsWhatNumpyWrites) {
  const Doubles all{1.5, -2, 3, 4, 0.25, -6};
  const StoredTensor floats = parse(kFloats), columns = parse(kFortranBigEndian), halves = parse(kHalves),
                     row = parse(kRow);
  EXPECT_EQ(floats.to_doubles(), all);
  EXPECT_EQ(floats.type, ElementType::f32);
  EXPECT_EQ(columns.to_doubles(), all);
  EXPECT_EQ(columns.type, ElementType::f64);
  EXPECT_EQ(halves.to_doubles(), all);
  EXPECT_EQ(halves.type, ElementType::f16);
  for (const StoredTensor* tensor : {&floats, &columns, &halves}) EXPECT_EQ(tensor->shape, (Shape{2, 3}));
  EXPECT_EQ(row.to_doubles(), (Doubles{1.5, -2, 3}));
  EXPECT_EQ(row.shape, (Shape{3}));
}

TEST(Npy, ReadsWholeNumbersAndTruthValues) {
  // Written by NumPy 2.4.6 of [[1, -2, 3]] and [[True, False]], headers cut short.
  const auto array = [](const std::string& type, const std::string& shape, const std::string& hex) {
    return parse(
        with_header("{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + "}", from_hex(hex)));
  };
  for (const auto& [type, hex] : {std::pair{"|i1", "01fe03"},
                                  {"<i2", "0100feff0300"},
                                  {">i2", "0001fffe0003"},
                                  {"<i4", "01000000feffffff03000000"},
                                  {">i4", "00000001fffffffe00000003"},
                                  {"<i8", "0100000000000000feffffffffffffff0300000000000000"}})
    EXPECT_EQ(array(type, "(1, 3)", hex).to_doubles(), (Doubles{1, -2, 3})) << type;
  for (const auto& [type, hex] : {std::pair{"|u1", "01fe"},
                                  {"<u2", "0100fe00"},
                                  {">u4", "00000001000000fe"},
                                  {"<u8", "0100000000000000fe00000000000000"}})
    EXPECT_EQ(array(type, "(2,)", hex).to_doubles(), (Doubles{1, 254})) << type;
  EXPECT_EQ(array("|b1", "(1, 2)", "0100").to_doubles(), (Doubles{1, 0}));
}

TEST(Npy, TurnsFortranOrderOfThreeDimensions) {
  // numpy.arange(24.).reshape(2, 3, 4) in Fortran order: element (i, j, k) lies at i + 2 j + 6 k.
  std::string elements(24 * 4, '\0');
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 3; ++j)
      for (int k = 0; k < 4; ++k) {
        const auto value = static_cast<float>(12 * i + 4 * j + k);
        std::memcpy(elements.data() + 4 * (i + 2 * j + 6 * k), &value, 4);
      }
  const Doubles got =
      parse(with_header("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3, 4)}", elements)).to_doubles();
  ASSERT_EQ(got.size(), 24u);
  for (int e = 0; e < 24; ++e) EXPECT_EQ(got[static_cast<std::size_t>(e)], e);
}

TEST(Npy, ReadsScalarsEmptyArraysAndOtherSpellings) {
  const std::string one = from_hex("0000803f");
  EXPECT_EQ(parse(with_header("{'descr': '<f4', 'fortran_order': False, 'shape': ()}", one)).to_doubles(), Doubles{1});
  EXPECT_EQ(parse(with_header("{'descr': '<f4', 'fortran_order': True, 'shape': (0, 9)}")).shape, (Shape{0, 9}));
  EXPECT_EQ(parse(with_header("{\"shape\":(1L,),\"fortran_order\":False,\"descr\":\"<f4\"}\n", one)).shape, Shape{1});
}

TEST(Npy, RefusesEveryTruncationAndEveryByteTooMany) {
  for (const std::string* file : {&kFloats, &kFortranBigEndian, &kHalves, &kRow}) {
    for (std::size_t size = 0; size < file->size(); ++size)
      EXPECT_NE(refusal(file->substr(0, size)), "nothing was refused") << size << " bytes";
    EXPECT_REFUSED(*file + "x", "bytes of elements where its header says");
  }
}

TEST(Npy, NeverReadsOutsideAFileWithOneByteChanged) {
  // What is changed in the elements or the blanks is read all the same; the rest must be refused, never crash.
  int refused = 0;
  for (std::size_t at = 0; at < kFloats.size(); ++at)
    for (const int flip : {1, 128, 255}) {
      std::string file = kFloats;
      file[at] = static_cast<char>(file[at] ^ flip);
      try {
        EXPECT_EQ(parse(file).bytes.size(), 24u);
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::data);
        ++refused;
      }
    }
  EXPECT_GT(refused, 150);  // the 10 bytes before the dictionary and most of its 59, three times
}

TEST(Npy, RefusesHeadersThatLieOrCannotBeCounted) {
  EXPECT_REFUSED("", "is no .npy file");
  EXPECT_REFUSED(from_hex("934e554d50590400") + kFloats.substr(8), "version 4");
  EXPECT_REFUSED(from_hex("934e554d50590200ffffffff") + kFloats, "4294967295 bytes");
  EXPECT_REFUSED(with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}"), "64 bits");
  EXPECT_REFUSED(with_header("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296)}"), "64 bits");
  EXPECT_REFUSED(with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000,)}"), "says 4000000000");
  std::string many = "(";
  for (int d = 0; d < 40; ++d) many += "1,";
  EXPECT_REFUSED(with_header("{'descr': '<f4', 'fortran_order': False, 'shape': " + many + ")}"), "dimensions");
}

TEST(Npy, EvaluatesNoExpression) {
  const auto header = [](const std::string& shape) {
    return with_header("{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + "}", from_hex("0000803f"));
  };
  EXPECT_REFUSED(header("(1*1,)"), "ends with a comma");
  EXPECT_REFUSED(header("__import__('os')"), "'(' is expected");
  EXPECT_REFUSED(header("(-1,)"), "whole number");
  EXPECT_REFUSED(header("(1)"), "ends with a comma");
  EXPECT_REFUSED(header("(1, 1*1)"), "')' is expected");
  EXPECT_REFUSED(header("(1,"), "whole number");
  EXPECT_REFUSED(header("(1,)} {"), "follows the closing brace");
  EXPECT_REFUSED(header("(1,), 'shape': (1,)"), "comes twice");
  EXPECT_REFUSED(header("(1,), 'extra': 'x'"), "'extra' is no key");
  EXPECT_REFUSED(with_header("{'descr': '<f4', 'shape': (1,)}", from_hex("0000803f")), "is missing");
  EXPECT_REFUSED(with_header("{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}"), "True or False");
  EXPECT_REFUSED(with_header("{'descr': '<f4"), "not closed");
}

TEST(Npy, RefusesElementsThatAreNoFloats) {
  for (const std::string type : {"'|i4'", "'<i1'", "'<b1'", "'<i3'", "'|O'", "'<c8'", "'<f16'", "'f4'", "'<f3'"})
    EXPECT_REFUSED(with_header("{'descr': " + type + ", 'fortran_order': False, 'shape': (0,)}"), "astype");
  EXPECT_REFUSED(with_header("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (0,)}"), "records");
}

TEST(Npy, ReadsFilesAndRefusesFolders) {
  const TemporaryFolder folder;
  std::ofstream(folder / "a", std::ios::binary) << kFortranBigEndian;
  EXPECT_EQ(read_npy(folder / "a").to_doubles(), (Doubles{1.5, -2, 3, 4, 0.25, -6}));
  for (const auto& path : {folder.path(), folder / "absent"}) {
    try {
      read_npy(path);
      ADD_FAILURE() << path << " was read";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::file_system);
    }
  }
}

TEST(Npy, IsKnownByItsFirstBytes) {
  EXPECT_TRUE(is_npy(bytes_of(kRow)));
  EXPECT_FALSE(is_npy(bytes_of(kRow.substr(0, 5))));
  EXPECT_FALSE(is_npy(bytes_of("{}      ")));
}

}  // namespace
}  // namespace equipoise::test

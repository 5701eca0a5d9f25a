// tests/engine/files/sha256_test.cpp - SHA-256 against the published examples, however the bytes are cut.
#include "engine/files/sha256.h"

#include <gtest/gtest.h>

#include <string>

namespace equipoise {
namespace {

std::string hash_of(std::string_view text) {
  Sha256 hash;
  hash.update(text);
  return hash.hex();
}

// FIPS 180-2 appendix B and the examples NIST publishes with FIPS 180-4.
TEST(Sha256, AgreesWithThePublishedExamples) {
  EXPECT_EQ(Sha256().hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hash_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hash_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hash_of(std::string(1000000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, DependsOnTheBytesAndNotOnTheirPieces) {
  const std::string text(1000, 'q');
  for (const size_t piece : {1u, 7u, 64u, 999u}) {
    Sha256 hash;
    for (size_t i = 0; i < text.size(); i += piece) hash.update(std::string_view(text).substr(i, piece));
    EXPECT_EQ(hash.hex(), hash_of(text)) << "pieces of " << piece;
  }
}

TEST(Sha256, GoesOnAfterItWasRead) {
  Sha256 hash;
  hash.update("a");
  const std::string first = hash.hex();
  EXPECT_EQ(first, hash_of("a"));
  EXPECT_EQ(hash.hex(), first);
  hash.update("bc");
  EXPECT_EQ(hash.hex(), hash_of("abc"));
}

TEST(Sha256, TakesRawMemoryAndNulBytes) {
  const unsigned char bytes[3] = {0, 0, 1};
  Sha256 hash;
  hash.update(bytes, sizeof bytes);
  EXPECT_EQ(hash.hex(), hash_of(std::string("\0\0\1", 3)));
  EXPECT_NE(hash.hex(), hash_of(""));
}

}  // namespace
}  // namespace equipoise

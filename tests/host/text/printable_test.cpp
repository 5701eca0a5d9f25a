// tests/host/text/printable_test.cpp - what a terminal would obey is written out, and nothing else is touched.
#include "host/text/printable.h"

#include <gtest/gtest.h>

namespace equipoise {
namespace {

TEST(Printable, LeavesTextAlone) {
  for (const std::string text :
       {"", "id 12: 'a', \t\"b\" \\ ~", "Größe µ \u20ac \u4f60\u597d \U0001F600", "caf\xe9 \xff\xfe"})
    EXPECT_EQ(printable(text), text);
}

TEST(Printable, WritesOutWhatATerminalObeys) {
  EXPECT_EQ(printable("a\x1b[31mb\n\r\a\x7f"), "a\\x1b[31mb\\n\\x0d\\x07\\x7f");
  EXPECT_EQ(printable(std::string_view("\0x", 2)), "\\x00x");
  EXPECT_EQ(printable("\u009b5m\u0085"), "\\u009b5m\\u0085");  // as UTF-8
  EXPECT_EQ(printable("\x9b"
                      "5m"),
            "\\x9b5m");  // as a byte
  EXPECT_EQ(printable("\xe9\x9b"), "\xe9\\x9b");
  EXPECT_EQ(printable("abc\u202egnp.\u2066x\u200e\u061c\u2028"), "abc\\u202egnp.\\u2066x\\u200e\\u061c\\u2028");
}

TEST(Printable, TakesNoBytesForACharacterThatAreNone) {
  EXPECT_EQ(printable("\xc2"), "\xc2");
  EXPECT_EQ(printable("\xe2\x80"), "\xe2\\x80");
  EXPECT_EQ(printable("\xc2\x1b"), "\xc2\\x1b");
  EXPECT_EQ(printable("\xe2\x80\n"), "\xe2\\x80\\n");
}

}  // namespace
}  // namespace equipoise

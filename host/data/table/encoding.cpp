// host/data/table/encoding.cpp - UTF-8 by its definition, others by their first bytes.
#include "host/data/table/encoding.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "engine/base/error.h"
#include "host/text/lower_case.h"

namespace equipoise {
namespace {

/// The length of the well-formed UTF-8 sequence at the start of `bytes`, 0 if there is none.
size_t utf8_length(std::string_view bytes) {
  const auto byte = [&](size_t i) { return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0u; };
  const auto tail = [&](size_t i) { return byte(i) >= 0x80 && byte(i) <= 0xBF; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return tail(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const bool overlong = lead == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = lead == 0xED && byte(1) > 0x9F;
    return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const bool overlong = lead == 0xF0 && byte(1) < 0x90;
    const bool beyond = lead == 0xF4 && byte(1) > 0x8F;
    return tail(1) && tail(2) && tail(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

/// Whether eight bytes are all ASCII and none is NUL.
bool plain(const char* eight) {
  uint64_t word = 0;
  std::memcpy(&word, eight, sizeof word);
  constexpr uint64_t kHigh = 0x8080808080808080, kOnes = 0x0101010101010101;
  return ((word | (word - kOnes)) & kHigh) == 0;
}

/// By the bytes beyond ASCII that are no UTF-8: words of Western Europe have them one at a time, those of Cyrillic in
/// longer runs of 0xC0 to 0xFF, East Asian ones in pairs.
std::string likely_encoding(std::string_view bytes) {
  size_t well_formed = 0, broken = 0, runs = 0, letters = 0;
  bool before = false;
  for (size_t at = 0; at < bytes.size();) {
    const size_t length = utf8_length(bytes.substr(at));
    well_formed += length > 1;
    broken += length == 0;
    runs += length == 0 && !before;
    letters += length == 0 && static_cast<unsigned char>(bytes[at]) >= 0xC0;
    before = length == 0;
    at += std::max<size_t>(length, 1);
  }
  if (well_formed > broken) return "the rest of the file is, so this line was cut or comes from another file";
  if (broken < 3 * runs) return "the file is likely Windows-1252 (Western Europe; Latin-1 is part of it)";
  if (letters * 10 >= broken * 9) return "the file is likely Windows-1251 (Cyrillic)";
  return "the file is likely in an East Asian encoding such as GB18030 or Shift-JIS";
}

struct Format {
  std::string_view magic;
  std::string_view what, advice;
};

constexpr std::string_view kGzip = "\x1F\x8B";
constexpr std::string_view kToCsv = "export the table as CSV";
constexpr Format kFormats[] = {
    {"PAR1", "a Parquet file", "write it as CSV: in Python pandas.read_parquet(f).to_csv(g, index=False)"},
    {"ARROW1", "an Arrow (Feather) file", "write it as CSV: in Python pandas.read_feather(f).to_csv(g, index=False)"},
    {"\xD0\xCF\x11\xE0", "an Excel workbook (.xls)", "save the sheet as CSV UTF-8"},
    {"\x89HDF", "an HDF5 file", kToCsv},
    {"SQLite format 3", "an SQLite database", kToCsv},
    {"$FL2", "an SPSS file (.sav)", kToCsv},
    {"$FL3", "an SPSS file (.zsav)", kToCsv},
    {"<stata_dta>", "a Stata file (.dta)", kToCsv},
    {"\x93NUMPY", "a NumPy array (.npy)", "write it as CSV with a line of names: numpy.savetxt(f, a, delimiter=\",\")"},
    {"RDX2\n", "an R file (.RData)", "write it as CSV: write.csv(x, f, row.names = FALSE)"},
    {"RDX3\n", "an R file (.RData)", "write it as CSV: write.csv(x, f, row.names = FALSE)"},
    {std::string_view("X\n\0\0\0\2", 6), "an R file (.rds)",
     "write it as CSV: write.csv(readRDS(f), g, row.names = FALSE)"},
    {std::string_view("X\n\0\0\0\3", 6), "an R file (.rds)",
     "write it as CSV: write.csv(readRDS(f), g, row.names = FALSE)"},
    {"Obj\1", "an Avro file", kToCsv},
    {"BZh", "packed by bzip2", "unpack it, or pack it by gzip"},
    {"\xFD"
     "7zXZ",
     "packed by xz", "unpack it, or pack it by gzip"},
    {"\x28\xB5\x2F\xFD", "packed by zstd", "unpack it, or pack it by gzip"},
    {"7z\xBC\xAF", "a 7z archive", "unpack it"},
    {"%PDF", "a PDF document", kToCsv},
    {std::string_view("\xFF\xFE\0\0", 4), "UTF-32", "save it as UTF-8"},
    {std::string_view("\0\0\xFE\xFF", 4), "UTF-32", "save it as UTF-8"},
    {kGzip, "packed by gzip twice", "unpack it once"},
    {"\xFF\xFE", "UTF-16", "save it as UTF-8 (in Excel: CSV UTF-8)"},
    {"\xFE\xFF", "UTF-16", "save it as UTF-8 (in Excel: CSV UTF-8)"},
};

[[noreturn]] void refuse(const std::string& file, std::string_view what, std::string_view advice) {
  throw Error(ExitCode::data, fmt::format("{}:1:1: the file is {}; {}", file, what, advice));
}

}  // namespace

size_t find_broken_byte(std::string_view bytes, size_t begin) {
  for (size_t at = begin; at < bytes.size();) {
    while (at + 8 <= bytes.size() && plain(bytes.data() + at)) at += 8;
    if (at >= bytes.size()) break;
    const size_t length = utf8_length(bytes.substr(at));
    if (length == 0 || bytes[at] == '\0') return at;
    at += length;
  }
  return bytes.npos;
}

size_t whole_characters(std::string_view bytes) {
  for (size_t tail = 1; tail < kLongestCharacter && tail <= bytes.size(); ++tail) {
    const size_t at = bytes.size() - tail;
    const bool leads = static_cast<unsigned char>(bytes[at]) >= 0xC0;
    if (leads) return utf8_length(bytes.substr(at)) == 0 ? at : bytes.size();
  }
  return bytes.size();
}

std::string broken_byte_sentence(std::string_view bytes, size_t at) {
  if (bytes[at] == '\0') {
    const auto nuls = static_cast<size_t>(std::count(bytes.begin(), bytes.end(), '\0'));
    if (nuls * 4 > bytes.size()) return "a NUL byte in every second place: the file is UTF-16; save it as UTF-8";
    return "a NUL byte; the file is damaged or not a text table, export it again";
  }
  return fmt::format("the byte 0x{:02X} is not UTF-8; {}; save it as UTF-8", static_cast<unsigned char>(bytes[at]),
                     likely_encoding(bytes));
}

void expect_text_table(std::string_view bytes, const std::string& file) {
  for (const Format& format : kFormats)
    if (bytes.starts_with(format.magic)) refuse(file, format.what, format.advice);
  if (bytes.starts_with("PK\x03\x04")) {
    if (bytes.find("opendocument.spreadsheet") != bytes.npos)
      refuse(file, "an OpenDocument spreadsheet (.ods)", "save the sheet as CSV with UTF-8");
    if (bytes.find("xl/") != bytes.npos || lower_case(file).ends_with(".xlsx"))
      refuse(file, "an Excel workbook (.xlsx)", "save the sheet as CSV UTF-8");
    refuse(file, "a zip archive", "unpack it, or pack the table by gzip");
  }
  const std::string start = lower_case(bytes.substr(0, 64));
  if (start.starts_with("<!doctype html") || start.starts_with("<html") || start.starts_with("<table"))
    refuse(file, "a web page (HTML)", "download the table itself; a page that asks to log in is often saved instead");
  if (start.starts_with("<?xml")) {
    const bool sheet = bytes.substr(0, 4096).find("opendocument") != bytes.npos;
    refuse(file, sheet ? "an OpenDocument spreadsheet (.fods)" : "an XML document", kToCsv);
  }
  if (start.starts_with("---\n") || start.starts_with("---\r"))
    refuse(file, "one that begins with a YAML block", "remove the lines up to the second ---");
  if (start.starts_with("{\"") || start.starts_with("[{") || start.starts_with("{\n"))
    refuse(file, "JSON", "write it as CSV: in Python pandas.read_json(f).to_csv(g, index=False)");
  if (start.starts_with("table\n0,1\n") || start.starts_with("table\r\n0,1\r\n"))
    refuse(file, "a spreadsheet in the Data Interchange Format (DIF)", kToCsv);
}

}  // namespace equipoise

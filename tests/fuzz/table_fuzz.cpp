// tests/fuzz/table_fuzz.cpp - libFuzzer target: any bytes are either a whole table or refused with an Error.
#include <cmath>
#include <cstdint>
#include <string_view>

#include "engine/base/error.h"
#include "host/data/table/table.h"
#include "tests/fuzz/fuzz_target.h"

EQUIPOISE_FUZZ_TARGET(table) {
  using namespace equipoise;
  using fuzz::require;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  // Small limits, so that the fuzzer can reach them.
  const TableLimits limits{.file_bytes = 4096, .line_bytes = 256, .columns = 16, .cells = 256};
  try {
    const Table table = parse_table(text, "fuzz.csv", limits);
    const size_t columns = table.columns.size(), rows = table.lines.size();
    require(columns > 0 && columns <= limits.columns && rows * columns <= limits.cells);
    require(table.values.size() == rows * columns && table.column_places.size() == columns);
    TextPlace last{1, 0};
    for (int row = 0; row < table.rows(); ++row) {
      for (int column = 0; column < static_cast<int>(columns); ++column) {
        const TextPlace place = table.cell(row, column).place;
        require(place.line > last.line || (place.line == last.line && place.column > last.column));
        last = place;
        const Number number = parse_number(table.at(row, column));
        require(std::isfinite(number.value));
        if (number.kind == NumberKind::number) require(table.number(row, column) == number.value);
        require(!std::isinf(table.number(row, column)));
      }
    }
    // Words instead of text, two threads: the same numbers, and every word where it stood.
    const Table words =
        parse_table(text, "fuzz.csv", TableWishes{limits, [](std::string_view) { return false; }, {}, 2});
    require(words.values.size() == table.values.size() && words.lines == table.lines);
    for (size_t i = 0; i < words.values.size(); ++i)
      require(words.values[i] == table.values[i] || (std::isnan(words.values[i]) && std::isnan(table.values[i])));
    for (size_t c = words.row_names ? 1 : 0; c < columns; ++c)
      for (const auto& [row, level] : words.contents[c].words)
        require(words.contents[c].levels[static_cast<size_t>(level)] == table.at(row, static_cast<int>(c)));
  } catch (const Error& error) {
    require(error.code() == ExitCode::data && std::string_view(error.what()).starts_with("fuzz.csv"));
  }
}

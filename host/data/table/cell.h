// host/data/table/cell.h - what the text of one cell is: a number, missing, or a word.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace equipoise {

/// True of the spellings of "no value": empty, NA, NaN, N/A, #N/A, <NA>, NULL (in any case), None (in this case alone),
/// ? and a point alone.
bool is_missing(std::string_view text);

enum class NumberKind { number, missing, out_of_range, text };

struct Number {
  NumberKind kind = NumberKind::missing;
  double value = 0;  ///< of a number; 0 otherwise
};

/// Reads a trimmed cell as a decimal number ("+3" included, hexadecimal not). Infinities and what is beyond all doubles
/// (1e999) are out of range; what is nearer to zero than any (1e-999) is 0.
Number parse_number(std::string_view text);

/// The same of a number whose one comma stands for the decimal point ("0,5", ",5", not "1.234,5"); NumberKind::text of
/// any other text.
Number parse_decimal_comma(std::string_view text);

/// Further words for a missing value.
class MissingWords {
 public:
  MissingWords() = default;
  explicit MissingWords(std::vector<std::string> words);
  /// Whether a cell holds one of the words, or a number equal to one that is a number.
  bool hold(std::string_view text, const Number& number) const;

 private:
  std::vector<std::string> words_;
  std::vector<double> numbers_;  ///< of the words that are numbers; both rise
};

}  // namespace equipoise

// host/data/labels.h - from the cells of one or several tables to class numbers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "host/data/table/table.h"

namespace equipoise {

/// One spelling for equal classes, "" for none; nothing if the cell cannot be a class. Whole numbers in plain decimals
/// or with an exponent are one class where they are equal, without sign or fraction ("1", "1.0", "+1" are "1"; "1e3" is
/// "1000"), however long they are. Digits that begin with a zero are a code and no number: "01" is a class beside "1".
/// Other text is a class as it is written. Fractional and infinite numbers are none.
std::optional<std::string> canonical_label(std::string_view text);

/// Rising by value if all names are whole numbers, otherwise by bytes. "01" follows "1".
void sort_class_names(std::vector<std::string>& names);

/// How cells of classes are read.
struct ClassRules {
  /// Spellings of "unlabelled" besides the missing words. Without a list it is -1 where `minus_one` is set and the
  /// other classes are exactly 0 and 1.
  std::optional<std::vector<std::string>> unlabelled = {};
  bool minus_one = false;
  std::string positive = "";  ///< of two classes the one to put last; "" = as sorted
  bool several = true;        ///< to train on: two classes or more are needed, and the positive one among them
};

/// Gathers labels by patient and numbers the classes.
class LabelReader {
 public:
  /// Reads the label column of a table. `rows` are the table's rows of `ids`, -1 where it has none.
  /// Throws Error(data) on a fractional or infinite label.
  void add(const Table& table, int label_column, const std::vector<std::string>& ids, const std::vector<int>& rows);

  struct Result {
    std::vector<int> label;            ///< [ids], -1 where unlabelled
    std::vector<std::string> names;    ///< of the classes: sort_class_names, the positive one last
    std::vector<std::string> notices;  ///< what counts as unlabelled, and how often
    std::vector<std::string> unfound;  ///< spellings of "unlabelled" that no cell has
  };
  /// Throws Error(data) on labels that differ between tables, and to train on with fewer than two classes, or so many
  /// that the column cannot be one of classes, and where the positive class is none, or one of more than two.
  Result result(const std::string& label_name, const std::vector<std::string>& ids, const ClassRules& rules = {}) const;

 private:
  struct Label {
    std::string name;   // not ""
    std::string where;  // file:line:column
  };
  /// The classes that are none.
  std::vector<std::string> none_of(const std::string& label_name, const ClassRules& rules, Result& to) const;

  std::unordered_map<std::string, std::vector<Label>> by_id_;  // a label of each table that has one
  std::unordered_map<std::string, int> words_;                 // rare words that count as missing, and how many
  std::string file_;
};

/// What data.unlabelled names in vain.
std::string tell_unfound(const std::string& file, const std::vector<std::string>& words);

/// "control (30), case (20, positive), 3 unlabelled": which of two classes is the positive one is left to the reader
/// where they are 0 and 1. `label` holds class numbers, -1 where there is none, which `none` names.
std::string class_counts(const std::vector<int>& label, const std::vector<std::string>& names, const char* none);

}  // namespace equipoise

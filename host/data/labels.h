// host/data/labels.h - from the label cells of one or several tables to class numbers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "host/data/table.h"

namespace equipoise {

/// One spelling for equal labels ("1", "1.0", "+1"), "" for none; nothing if the cell cannot be a label.
std::optional<std::string> canonical_label(std::string_view text);

/// Gathers labels by patient and numbers the classes.
class LabelReader {
 public:
  /// Reads the label column of a table. `rows` are the table's rows of `ids`, -1 where it has none.
  /// Throws Error(data) on a fractional or infinite label and on one that contradicts a table read before.
  void add(const Table& table, int label_column, const std::vector<std::string>& ids, const std::vector<int>& rows);

  struct Result {
    std::vector<int> label;          ///< [ids], -1 where unlabelled
    std::vector<std::string> names;  ///< of the classes, rising
  };
  /// To train on (`several`): throws Error(data) with fewer than two classes, or so many that the column cannot be one
  /// of classes.
  Result result(const std::string& label_name, const std::vector<std::string>& ids, bool several = true) const;

 private:
  struct Label {
    std::string name;   // "" = unlabelled
    std::string where;  // file:line:column
  };
  std::unordered_map<std::string, Label> by_id_;
  std::string file_;
};

}  // namespace equipoise

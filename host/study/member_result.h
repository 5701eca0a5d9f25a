// host/study/member_result.h - what became of one member: how its training ended, what its inner validation rows said,
// and its model.
#pragma once

#include <string>
#include <vector>

#include "engine/files/safetensors.h"
#include "engine/statistics/figures.h"

namespace equipoise {

struct MemberResult {
  int number = 0;                    ///< of the member
  int epochs = 0;                    ///< done
  int64_t steps = 0;                 ///< done
  int best_epoch = 0;                ///< 0: none was chosen, and the model is that of the last
  std::string reason;                ///< why it ended, for people
  std::string failure;               ///< why its model cannot be relied on; "" otherwise
  double inner = kUndefined;         ///< what settings are compared by, of the inner validation rows: larger is better
  std::vector<Figure> validation{};  ///< figures of the same rows
  TensorFile model{};
};

/// One line of JSON, without the model.
std::string to_json(const MemberResult& result);
/// Reads it back; numbers to the same bits. Throws Error(checkpoint) naming `file`.
MemberResult member_result_of_json(const std::string& text, const std::string& file);

}  // namespace equipoise

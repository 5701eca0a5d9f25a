// host/study/comparable_columns.h - the answers of which a mean over several models says something.
#pragma once

#include <algorithm>
#include <vector>

#include "engine/systems/system.h"

namespace equipoise {

/// A system's answers, without its latents: those of two models have no axis in common.
inline std::vector<AnswerColumn> comparable_columns(const System& system, const AnswerNames& names) {
  std::vector<AnswerColumn> columns = system.answer_columns(names);
  const std::vector<std::string> latents = system.latent_names();
  std::erase_if(columns, [&](const AnswerColumn& column) {
    return std::find(latents.begin(), latents.end(), column.name) != latents.end();
  });
  return columns;
}

}  // namespace equipoise

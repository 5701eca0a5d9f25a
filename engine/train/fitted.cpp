// engine/train/fitted.cpp - asks every target's likelihood what it fits.
#include "engine/train/fitted.h"

namespace equipoise {

std::map<std::string, std::vector<double>> fitted_numbers(std::span<const Target> targets, const Dataset& data,
                                                          std::span<const int> rows, std::span<const float> answers) {
  std::map<std::string, std::vector<double>> fitted;
  std::size_t width = 0, first = 0;
  for (const Target& target : targets) width += static_cast<std::size_t>(answers_of(target));
  for (const Target& target : targets) {
    const auto own = static_cast<std::size_t>(answers_of(target)), cols = static_cast<std::size_t>(target.cols);
    std::vector<float> answer, truth;
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const auto said = answers.subspan(r * width + first, own);
      answer.insert(answer.end(), said.begin(), said.end());
      const auto known = std::span(data.targets)
                             .subspan(static_cast<std::size_t>(rows[r]) * static_cast<std::size_t>(data.target_cols) +
                                          static_cast<std::size_t>(target.first_col),
                                      cols);
      truth.insert(truth.end(), known.begin(), known.end());
    }
    for (FittedNumbers& numbers : target.likelihood->fit({target, answer, truth}))
      fitted[target.name + "." + numbers.name] = std::move(numbers.values);
    first += own;
  }
  return fitted;
}

}  // namespace equipoise

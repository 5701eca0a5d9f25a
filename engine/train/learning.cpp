// engine/train/learning.cpp - histories of losses.
#include "engine/train/learning.h"

namespace equipoise {

LossFall fall_of(std::span<const double> total) {
  LossFall losses{};
  for (const double loss : total) note(losses, loss);
  return losses;
}

bool has_fallen(std::span<const double> total) { return is_fallen(fall_of(total)); }

int epoch_of_fall(std::span<const double> total) { return fall_of(total).fell; }

}  // namespace equipoise

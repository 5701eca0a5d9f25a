// engine/train/generate.h - new rows from the prior of a trained VAE-GAN.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/files/safetensors.h"
#include "engine/run/executor.h"

namespace equipoise {

/// [rows, features] decoded draws of the prior, standardised as the training rows were; a pure function of model, seed
/// and row number. Throws Error(checkpoint) for a model that is no VAE-GAN.
std::vector<float> generate_rows(const TensorFile& model, int rows, uint64_t seed, Executor& executor);

}  // namespace equipoise

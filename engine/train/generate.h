// engine/train/generate.h - new rows from the prior of a trained VAE-GAN.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "engine/files/safetensors.h"
#include "engine/run/executor.h"

namespace equipoise {

/// Receives rows that follow one another: [rows, features].
using RowsVisitor = std::function<void(int rows, std::span<const float> values)>;

/// Decodes draws of the prior, standardised as the training rows were; a row is a pure function of model, seed and row
/// number. `visit` receives them some thousands at a time, so that not all of them stand in memory. Throws
/// Error(checkpoint) for a model that is no VAE-GAN, before it is called.
void generate_rows(const TensorFile& model, int rows, uint64_t seed, Executor& executor, const RowsVisitor& visit);

}  // namespace equipoise

// tests/reference/vaegan_record_test.cpp - the reference repeats every tensor of the VAE-GAN record made with PyTorch.
#include "tests/reference/vaegan_record.h"

#include <gtest/gtest.h>

#include <iostream>

#include "engine/files/safetensors.h"
#include "tests/reference/mtl_compare.h"

namespace equipoise::reference {
namespace {

// Both sides are float64 and add in different orders, which costs about 1e-15 a step; RMSProp's division by the root of
// a tiny mean square can enlarge that a million times.
TEST(VaeganRecord, IsRepeatedTensorByTensor) {
  const TensorFile file = read_safetensors(EQUIPOISE_SOURCE_DIR "/tests/data/vaegan_B6.safetensors");
  const Record record = record_of(file);
  const Comparison c = compare_outcomes(record, replay_vaegan(vaegan_settings_from(file.metadata), record), 1e-9);
  EXPECT_EQ(c.differences, "");
  EXPECT_EQ(c.compared, 45) << "12 outputs, 16 gradients, 1 trace, 16 parameters";
  std::cout << "vaegan_B6: " << c.compared << " tensors, worst deviation " << c.worst << "\n";
}

}  // namespace
}  // namespace equipoise::reference

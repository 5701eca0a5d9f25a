// tests/cuda/math_test.cpp - elementary functions and random numbers have the same bits on device and host.
#include <cstring>

#include "tests/cuda/device_test.h"
#include "tests/cuda/math_probe.h"

namespace equipoise::test {

namespace {

constexpr int kArguments = 1 << 22;

/// Random bit patterns (every size, infinities, NaNs), arguments of usual size, and edges; y as x, in another order.
template <class T, class Bits>
std::vector<T> arguments(uint32_t draw_number) {
  std::vector<T> values{T(0), -T(0), T(1), T(-1), T(88.8), T(-104), T(710), T(-746), T(1e4), T(10)};
  for (uint32_t block = 0; values.size() < kArguments; ++block) {
    const PhiloxBlock words = draw({11, 0, draw_number, 98}, block);
    const Bits bits = sizeof(T) == 4 ? words.v[0] : static_cast<Bits>((uint64_t{words.v[0]} << 32) | words.v[1]);
    values.push_back(bits_as<T>(bits));
    values.push_back(T(static_cast<int32_t>(words.v[2])) * T(0x1p-27));  // -16 .. 16
    values.push_back(T(words.v[3]) * T(0x1p-32));                        // 0 .. 1
  }
  values.resize(kArguments);
  return values;
}

template <class T>
bool same(T a, T b) {
  return (a != a && b != b) || std::memcmp(&a, &b, sizeof(T)) == 0;  // a NaN's payload is unspecified
}

template <class T, class Bits, class Function>
void expect_same(Function f, const char* name) {
  const std::vector<T> x = arguments<T, Bits>(0), y = arguments<T, Bits>(1), got = on_device(f, x, y);
  int wrong = 0;
  for (size_t i = 0; i < x.size(); ++i)
    if (const T expected = apply(f, x[i], y[i]); !same(expected, got[i]) && ++wrong <= 3)
      ADD_FAILURE() << name << "(" << x[i] << ", " << y[i] << "): host " << expected << ", device " << got[i];
  EXPECT_EQ(wrong, 0) << name;
}

}  // namespace

class Math : public DeviceTest {};

TEST_F(Math, OfFloatsHasTheSameBitsOnDeviceAndHost) {
#define EQ_EXPECT(name, expression) expect_same<float, uint32_t>(FloatFunction::name, #name);
  EQ_FLOAT_FUNCTIONS(EQ_EXPECT)
#undef EQ_EXPECT
}

TEST_F(Math, OfDoublesHasTheSameBitsOnDeviceAndHost) {
#define EQ_EXPECT(name, expression) expect_same<double, uint64_t>(DoubleFunction::name, #name);
  EQ_DOUBLE_FUNCTIONS(EQ_EXPECT)
#undef EQ_EXPECT
}

TEST_F(Math, RandomWordsAreCurandsOnTheDeviceAsOnTheHost) {
  const DrawKey key{0x123456789abcdefu, 3, 17, static_cast<uint32_t>(Purpose::noise)};
  const RandomWords words = random_words_on_device(key, 5000);
  ASSERT_EQ(words.ours.size(), 20000u);
  EXPECT_EQ(words.ours, words.curands);
  for (uint32_t i = 0; i < 5000; ++i)
    for (uint32_t w = 0; w < 4; ++w) ASSERT_EQ(words.ours[4 * i + w], draw(key, i).v[w]) << i;
}

TEST_F(Math, NormalDrawsHaveTheSameBitsOnDeviceAndHost) {
  const DrawKey key{0x123456789abcdefu, 3, 17, static_cast<uint32_t>(Purpose::noise)};
  const std::vector<float> got = normals_on_device(key, kArguments / 4);
  for (uint32_t block = 0; block < kArguments / 4; ++block) {
    float expected[4];
    normals(draw(key, block), expected);
    ASSERT_EQ(std::memcmp(expected, got.data() + 4 * size_t{block}, sizeof expected), 0) << "block " << block;
  }
}

TEST_F(Math, ShufflesAreTheSameOnDeviceAndHost) {
  const DrawKey key{42, 5, 9, 0};
  for (uint32_t n : {1u, 2u, 17u, 1000u, 100003u}) {
    const std::vector<uint32_t> got = permutation_on_device(key, n);
    const Permutation shuffle = make_permutation(n, key.seed, key.replica, key.step);
    for (uint32_t i = 0; i < n; ++i) ASSERT_EQ(got[i], shuffle(i)) << i << " of " << n;
  }
}

}  // namespace equipoise::test

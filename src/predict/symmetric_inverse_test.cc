#include "predict/symmetric_inverse.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/random.h"

namespace kneepoint::predict {
namespace {

TEST(InvertSymmetric, GivesTheUnitMatrixWithTheOriginal) {
  Random random(1, "matrix");
  for (const std::size_t n : {1UL, 2UL, 95UL, 97UL, 300UL}) {
    std::vector<double> a(n * n);
    for (std::size_t r = 0; r < n; ++r) {
      for (std::size_t c = 0; c <= r; ++c) a[r * n + c] = a[c * n + r] = random.normal() * 0.05;
      a[r * n + r] = 3 + random.uniform();
    }
    std::vector<double> inverse = a;
    ASSERT_TRUE(invert_symmetric(inverse.data(), n));
    double worst = 0;
    for (std::size_t r = 0; r < n; ++r) {
      for (std::size_t c = 0; c < n; ++c) {
        double sum = 0;
        for (std::size_t k = 0; k < n; ++k) sum += a[r * n + k] * inverse[k * n + c];
        worst = std::max(worst, std::abs(sum - (r == c ? 1 : 0)));
      }
    }
    EXPECT_LT(worst, 1e-10) << n;
  }
}

TEST(InvertSymmetric, RefusesWhatIsNotPositive) {
  std::vector<double> a{1, 2, 2, 1};
  EXPECT_FALSE(invert_symmetric(a.data(), 2));
}

}  // namespace
}  // namespace kneepoint::predict

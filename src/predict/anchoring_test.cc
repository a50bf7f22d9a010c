#include "predict/anchoring.h"

#include <gtest/gtest.h>

#include <cmath>

namespace kneepoint::predict {
namespace {

const KernelShape kShape{{"model", "version"}, {"log2 clients"}, {false}, {}};

Covariates at(double clients, const std::string& model = "m", const std::string& version = "1") {
  return {{model, version}, {std::log2(clients)}, {}};
}

TEST(Anchoring, PassesThroughEveryAnchor) {
  const std::vector<Anchor> anchors{{at(4), 0.3, 0.1}, {at(16), -0.1, 0.15}, {at(64), 0.05, 0.2}};
  for (const Anchor& anchor : anchors) {
    const Correction c = correct(anchors, anchor.at, anchor.sd, kShape);
    EXPECT_NEAR(c.log_factor, anchor.log_ratio, 0.003);
    EXPECT_LT(c.sd_share, 0.03);
  }
}

TEST(Anchoring, BetweenAnchorsStandsBetweenThem) {
  const std::vector<Anchor> anchors{{at(4), 0.3, 0.1}, {at(64), 0.1, 0.1}};
  const Correction c = correct(anchors, at(16), 0.1, kShape);
  EXPECT_GT(c.log_factor, 0.15);
  EXPECT_LT(c.log_factor, 0.25);
  EXPECT_GT(c.sd_share, 0.1);
}

TEST(Anchoring, TheFartherTheLessIsSaid) {
  const std::vector<Anchor> anchors{{at(4), 0.3, 0.1}};
  double factor = 1, share = 0;
  for (const double clients : {4.0, 8.0, 64.0, 512.0}) {
    const Correction c = correct(anchors, at(clients), 0.1, kShape);
    EXPECT_LT(c.log_factor, factor);
    EXPECT_GT(c.sd_share, share);
    factor = c.log_factor;
    share = c.sd_share;
  }
}

TEST(Anchoring, ALargerUncertaintyIsCorrectedByMore) {
  const std::vector<Anchor> anchors{{at(4), 0.1, 0.1}};
  EXPECT_NEAR(correct(anchors, at(8), 0.3, kShape).log_factor,
              3 * correct(anchors, at(8), 0.1, kShape).log_factor, 1e-9);
}

TEST(Anchoring, AnotherModelSaysNothing) {
  const std::vector<Anchor> anchors{{at(4, "other"), 0.3, 0.1}};
  const Correction c = correct(anchors, at(4), 0.1, kShape);
  EXPECT_EQ(c.log_factor, 0);
  EXPECT_EQ(c.sd_share, 1);
}

TEST(Anchoring, AnotherVersionSaysLess) {
  const std::vector<Anchor> anchors{{at(4, "m", "2"), 0.3, 0.1}};
  const Correction c = correct(anchors, at(4), 0.1, kShape);
  EXPECT_GT(c.log_factor, 0.1);
  EXPECT_LT(c.log_factor, 0.25);
}

TEST(Anchoring, TwoAtOnePlaceAgreeOnTheirMean) {
  const std::vector<Anchor> anchors{{at(4), 0.3, 0.1}, {at(4), 0.1, 0.1}};
  EXPECT_NEAR(correct(anchors, at(4), 0.1, kShape).log_factor, 0.2, 0.001);
}

}  // namespace
}  // namespace kneepoint::predict

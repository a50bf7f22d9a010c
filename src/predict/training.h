#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "predict/calibrate.h"
#include "predict/covariates.h"
#include "predict/features.h"
#include "predict/measured_point.h"
#include "predict/process_fit.h"

namespace kneepoint::predict {

/// A measured point made into what is fitted.
struct TrainingPoint {
  const MeasuredPoint* point = nullptr;
  Features features;
  Observation observation;  // weights as data_rules.h has them
  double e2e_ms = 0;        // measured; NaN: not
};

struct TrainingSet {
  std::vector<TrainingPoint> points;  // in the order given, without those that cannot be used
  std::size_t weighted_down = 0;
  std::string passed_over;  // why the first point that cannot be used cannot; empty: all can
};

/// Simulates every point. The points outlive the set.
TrainingSet training_set(std::span<const MeasuredPoint> points, const FeatureMaker& maker,
                         int threads, const Progress& progress);

/// What a set says: coefficients, and a process on what they leave of each latency.
struct Fitted {
  Coefficients coefficients;
  std::vector<KernelPoint> tpot_at, ttft_at;
  std::unique_ptr<ProcessFit> tpot, ttft;
};

/// Fits coefficients; makes anew the points whose weights hang on them. Changes the set.
Coefficients fit_coefficients(TrainingSet& set, const FeatureMaker& maker, int threads,
                              const Progress& progress);
/// Where kernels come from. FirstHalf and SecondHalf learn on every other group of each scheme, so
/// that the rest can say what a group is worth that had no say in them.
enum class Learn { Nothing, AllGroups, FirstHalf, SecondHalf };

Fitted fit(const TrainingSet& set, const Coefficients& coefficients, Learn learn,
           const Progress& progress);

/// What is left out at once.
enum class Scheme { Curve, Version, Accelerator, Model };
inline constexpr Scheme kSchemes[] = {Scheme::Curve, Scheme::Version, Scheme::Accelerator,
                                      Scheme::Model};
std::string_view name(Scheme scheme);
/// The points of each group. Curves are left out in five parts, each curve whole.
std::map<std::string, std::vector<std::size_t>> groups(const TrainingSet& set, Scheme scheme);

/// log(measured / explained) of each point.
std::vector<double> residuals(const TrainingSet& set, const Coefficients& coefficients, Latency of);
std::vector<double> weights(const TrainingSet& set, Latency of);

/// Calls work(i) for each i below `count` on `threads` threads; 0: one per processor.
void in_parallel(std::size_t count, int threads, const std::function<void(std::size_t)>& work);

}  // namespace kneepoint::predict

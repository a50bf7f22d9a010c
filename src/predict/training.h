#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "predict/calibrate.h"
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
  KernelPoint place;
};

struct TrainingSet {
  std::vector<TrainingPoint> points;  // in the order given, without those that cannot be used
  std::vector<KernelPoint> places;    // of each
  CategoryNames names{0};
  std::size_t weighted_down = 0;
  std::string passed_over;  // why the first point that cannot be used cannot; empty: all can
};

/// Simulates every point. The points outlive the set.
TrainingSet training_set(std::span<const MeasuredPoint> points, const FeatureMaker& maker,
                         int threads, const Progress& progress);

/// What a set says: coefficients, and a process on what they leave of each latency.
struct Fitted {
  Coefficients coefficients;
  Kernel tpot_kernel, ttft_kernel;
  std::unique_ptr<ProcessFit> tpot, ttft;
};

/// Fits coefficients; makes anew the points whose weights hang on them. Changes the set.
Coefficients fit_coefficients(TrainingSet& set, const FeatureMaker& maker, int threads,
                              const Progress& progress);
/// With these kernels, or with learned ones.
Fitted fit(const TrainingSet& set, const Coefficients& coefficients, const Kernel& tpot,
           const Kernel& ttft, bool learn, const Progress& progress);

/// log(measured / explained) of each point.
std::vector<double> residuals(const TrainingSet& set, const Coefficients& coefficients, Latency of);
std::vector<double> weights(const TrainingSet& set, Latency of);

/// Calls work(i) for each i below `count` on `threads` threads; 0: one per processor.
void in_parallel(std::size_t count, int threads, const std::function<void(std::size_t)>& work);

}  // namespace kneepoint::predict

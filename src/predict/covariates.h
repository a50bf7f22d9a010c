#pragma once

#include <map>
#include <span>
#include <string>

#include "predict/coefficient_fit.h"
#include "predict/features.h"
#include "predict/measured_point.h"
#include "predict/residual_process.h"

/// Where a question lies among the measured points, in the respects of the kernels.
namespace kneepoint::predict {

Place place_of(const Question& question, const Deployment& deployment, double clients,
               double kv_load, bool has_tables, const VersionDates& dates);

enum class Latency { Tpot, Ttft };

/// With the features that say what is expected: how long it takes, and what that is made of.
Covariates covariates(const Features& features, const Coefficients& coefficients, Latency of);

/// The kernel of each latency as it was learned before, on the published points: for those who have
/// too few points to learn one.
Kernel usual_kernel(Latency of);
/// The same form with hyper-parameters set by hand: what learning starts from, so that what is left
/// out while learning has had no say in it.
Kernel start_kernel(Latency of);

/// "server:version" to years since 2025-06-01: the middle of the days on which it was measured.
VersionDates version_dates(std::span<const MeasuredPoint> points);

/// Setups whose neighbours were measured share it: model, server and accelerator.
std::string distance_key(const Place& place);

}  // namespace kneepoint::predict

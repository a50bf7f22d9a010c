#pragma once

#include "predict/deployment.h"
#include "predict/prediction.h"
#include "sim/decompose.h"

namespace kneepoint::predict {

/// What one data-parallel rank of a deployment sees of the question's load: clients and requests
/// shared evenly, lengths as the workload's name says ("random:1024/1024:range0.8" is uniform from
/// 0.8 of it), arrivals evenly spaced where a public client sends them so and Poisson elsewhere.
sim::Load load_of(const Question& question, const Deployment& deployment);

}  // namespace kneepoint::predict

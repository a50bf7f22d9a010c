#pragma once

#include "base/result.h"
#include "perfmodel/compiled_steps.h"
#include "predict/deployment.h"

namespace kneepoint::predict {

/// Tokens that the cache of one data-parallel rank holds, over all its pipeline stages. What the
/// server itself said counts; else usable memory less weights and what servers keep back, fitted on
/// the runs that were at the edge of their cache. `tokens`: of a usual request, for models whose
/// layers look back through a window.
/// Error: not even the weights fit (Question::answer_anyway: a small cache instead).
Result<double> kv_room(const Deployment& deployment, const perfmodel::CompiledSteps& steps,
                       double tokens, bool answer_anyway);

/// The deployment in the words of perfmodel.
perfmodel::MemorySetup memory_setup(const Deployment& deployment);

}  // namespace kneepoint::predict

#pragma once

#include "cli/run.h"
#include "predict/prediction.h"

namespace kneepoint::cli {

/// The setup and lengths of kSetupFlags as a question without a load. Without any parallelism the
/// fewest accelerators that hold the model. Errors: --model or --accelerator is missing or unknown,
/// or the model fits on no sensible number of them.
Result<predict::Question> question_of(Run& run);

/// The numbers of a list flag, rising, each once; the error names the flag.
Result<std::vector<double>> numbers_of(const Parsed& args, std::string_view flag, double least);

}  // namespace kneepoint::cli

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "importers/measured.h"

namespace kneepoint::importers {

/// What the user says of the setup, because the report does not or says it in other words. What is
/// given wins over the report.
struct Given {
  std::string model, model_server, model_server_version, accelerator;
  std::optional<int> accelerator_count, tensor_parallel;
  std::string weight_precision, workload;
};

/// How a caller says what a report does not say: by flags of the command line, or by fields.
struct Words {
  const char* model = "--model=OWNER/NAME";
  const char* model_server = "--model-server=NAME";
  const char* model_server_version = "--model-server-version=VERSION";
  const char* accelerator = "--accelerator=NAME";
};

struct Joined {
  std::vector<profile::Profile> profiles;
  /// What was left out and why, one sentence each.
  std::vector<std::string> notes;
};

/// Load points of one tool, setup, workload and kind of load become one curve: lengths may differ
/// by 10 % from point to point, and the profile has their mean. The evidence is Measured, by the
/// tool named in its source. Ids are made from content (file names left out), so the same reports
/// give the same profiles.
///
/// InvalidArgument when a setup has no model, server, version or accelerator: the message names the
/// words that say them.
Result<Joined> join(std::vector<Measured> points, const Given& given, const Words& words = {});

}  // namespace kneepoint::importers

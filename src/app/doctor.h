#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "app/session.h"
#include "base/json.h"
#include "doctor/finding.h"

namespace kneepoint::app {

struct DoctorQuestion {
  /// Files, folders (every .yaml, .yml and .json in them, and below), or "-" for standard input.
  std::vector<std::string> inputs;
  enum class As { Auto, Log, Manifest } as = As::Auto;  // Auto: by content
  doctor::Severity least = doctor::Severity::Info;      // what is told
  /// Asked while an input is read; when it says so the rest is left unread. May be empty.
  std::function<bool()> interrupted{};
};

struct DoctorAnswer {
  std::vector<doctor::Finding> findings;  // worst first
  std::string looked;                     // at a cluster: "3 pods and 12 events of namespace x"
  std::uint64_t log_bytes = 0, log_lines = 0;
  std::size_t objects = 0;
  std::vector<std::string> unchecked;   // kinds of manifests whose fields are not known here
  bool interrupted = false;             // not all was read
  std::vector<std::string> unreadable;  // files that are no YAML, as they were given
};

/// Looks for known problems in logs and events, and in manifests before they are applied. Nothing
/// is asked of a cluster. Manifests are taken together, logs one by one.
Result<DoctorAnswer> diagnose(Session& session, const DoctorQuestion& question);

/// How many findings there are of a severity.
std::size_t count(const DoctorAnswer& answer, doctor::Severity severity);
/// What `doctor --format=json` prints.
json::Object to_json(const DoctorAnswer& answer);
json::Object to_json(const doctor::Finding& finding);

/// The same of texts that are in memory, named so in what is found; either may be empty.
Result<DoctorAnswer> diagnose_pasted(Session& session, const std::string& log,
                                     const std::string& manifest, doctor::Severity least);

/// The known problems in texts: name and text each. Worst first.
Result<std::vector<doctor::Finding>> diagnose_texts(
    Session& session, const std::vector<std::pair<std::string, std::string>>& texts);

}  // namespace kneepoint::app

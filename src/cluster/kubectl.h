#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/units.h"
#include "cluster/process.h"

namespace kneepoint::cluster {

/// Which cluster, and how it is asked.
struct Access {
  std::string program = "kubectl";
  std::string kubeconfig{}, context{};        // empty: as kubectl finds them
  std::string namespace_name{};               // empty: the context's
  Nanos patience = std::chrono::seconds(60);  // for one answer
  std::function<bool()> interrupted{};        // may be empty
};

/// Where the user's kubectl points.
struct Place {
  std::string context, server, namespace_name;
};

/// The user's kubectl: their kubeconfig, their credentials, their rights. What is sent to the
/// cluster goes over standard input, so that nothing of it shows in a list of processes.
class Kubectl {
 public:
  explicit Kubectl(Access access) : access_(std::move(access)) {}

  const Access& access() const { return access_; }

  /// What it prints. An error holds the first lines it said, what they mean and what to do:
  /// NotFound, Conflict, InvalidArgument (refused by the server), Unavailable (no kubectl, no
  /// cluster, no right, no answer in time).
  Result<std::string> run(std::vector<std::string> words, std::string input = {}) const;
  /// Whatever its exit status is; only not starting, patience and interruption are errors.
  Result<Finished> try_run(std::vector<std::string> words, std::string input = {},
                           Nanos patience = Nanos(0)) const;
  /// Objects as the server has them; of a list its items.
  Result<std::vector<json::Object>> get(std::vector<std::string> words,
                                        std::string input = {}) const;
  /// One that goes on, such as port-forward.
  Result<Background> start(std::vector<std::string> words,
                           Background::Errors errors = Background::Errors::Together) const;

  /// Asks no server.
  Result<Place> place() const;
  /// The words that begin a command line a user may type.
  std::string shown(const std::vector<std::string>& words) const;

 private:
  std::vector<std::string> with_access(std::vector<std::string> words) const;
  Access access_;
};

/// The error of a kubectl that ended with one.
Error explain_failure(const std::string& said);

/// Whole JSON documents one after another, as kubectl prints several objects; lists as their items.
Result<std::vector<json::Object>> read_objects(std::string_view text);

/// As one document that kubectl reads.
std::string list_text(const std::vector<json::Object>& objects);

}  // namespace kneepoint::cluster

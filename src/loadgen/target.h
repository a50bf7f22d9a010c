#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "http/client.h"
#include "workload/generator.h"
#include "workload/prompt_maker.h"

namespace kneepoint::loadgen {

enum class Api { Completions, Chat };

/// Whom to ask, and how. Holds secrets (`token`, the values of `fields`): never printed as it is.
struct Target {
  http::Endpoint endpoint;
  Api api = Api::Completions;
  std::string model;
  std::vector<std::pair<std::string, std::string>> fields;  // further header fields
  std::string token;                                        // bearer; empty: none
  http::Patience patience;

  /// An answer of exactly the length asked for, where the server knows how.
  bool ignore_eos = true;
  bool min_tokens = true;
  double temperature = 0;
  json::Object extra_body;  // further members of every body
};

/// Makes the bytes of a request ahead of time, so that sending it is one write.
class RequestWriter {
 public:
  /// Refuses members of extra_body that the run itself sets, and fields that would break the head.
  static Result<RequestWriter> open(const Target& target,
                                    std::unique_ptr<workload::PromptMaker> prompts);

  Result<std::string> wire(const workload::RequestPlan& plan);
  workload::PromptMaker& prompts() { return *prompts_; }

  /// `text` without the target's secrets: servers repeat what they were sent.
  std::string without_secrets(std::string text) const;

 private:
  RequestWriter() = default;

  http::Url url_;
  http::Request request_;
  std::string before_, after_;  // of the body, around prompt and lengths
  bool min_tokens_ = false;
  std::vector<std::string> secrets_;
  std::unique_ptr<workload::PromptMaker> prompts_;
};

}  // namespace kneepoint::loadgen

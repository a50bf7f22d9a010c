#include "loadgen/target.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

namespace kneepoint::loadgen {
namespace {

/// Members of the body that belong to the run.
constexpr std::array<std::string_view, 7> kOwn{
    "model", "prompt", "messages", "max_tokens", "min_tokens", "stream", "stream_options"};

constexpr std::string_view path_of(Api api) {
  return api == Api::Chat ? "/v1/chat/completions" : "/v1/completions";
}

}  // namespace

Result<RequestWriter> RequestWriter::open(const Target& target,
                                          std::unique_ptr<workload::PromptMaker> prompts) {
  RequestWriter out;
  out.prompts_ = std::move(prompts);
  out.url_ = target.endpoint.url;
  // A base that already ends in /v1, as other tools want it, is not doubled.
  std::string_view below = path_of(target.api);
  if (out.url_.base.ends_with("/v1")) below.remove_prefix(3);
  out.request_.path = out.url_.path(below);
  out.request_.fields = {{"Content-Type", "application/json"}, {"Accept", "text/event-stream"}};
  if (!target.token.empty()) {
    out.request_.fields.emplace_back("Authorization", "Bearer " + target.token);
    out.secrets_.push_back(target.token);
  }
  for (const auto& field : target.fields) {
    out.request_.fields.push_back(field);
    // Short values are no secrets, and would be found everywhere.
    if (field.second.size() >= 8) out.secrets_.push_back(field.second);
  }
  // The longest first: one may be a part of another ("Bearer x" and "x").
  std::ranges::sort(out.secrets_, std::greater<>(), [](const std::string& s) { return s.size(); });

  json::Object rest;
  rest.emplace("stream", true);
  rest.emplace("stream_options", json::Object{{"include_usage", true}});
  rest.emplace("temperature", target.temperature);
  if (target.ignore_eos) rest.emplace("ignore_eos", true);
  for (const auto& member : target.extra_body) {
    if (std::ranges::find(kOwn, std::string_view(member.key())) != kOwn.end()) {
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("extra body: the run itself sets '{}'; leave it out",
                              std::string_view(member.key())));
    }
    rest.insert_or_assign(member.key(), member.value());
  }
  out.min_tokens_ = target.min_tokens;
  out.before_ = fmt::format(R"({{"model":{},"{}":)", json::to_line(json::Value(target.model)),
                            target.api == Api::Chat ? "messages" : "prompt");
  out.after_ = "," + json::to_line(rest).substr(1);

  if (auto tried = http::to_wire(out.url_, out.request_); !tried) return fail(tried.error());
  return out;
}

Result<std::string> RequestWriter::wire(const workload::RequestPlan& plan) {
  std::string& body = request_.body;
  body = before_;
  prompts_->write(plan, body);
  fmt::format_to(std::back_inserter(body), R"(,"max_tokens":{})", plan.output.count());
  if (min_tokens_) {
    fmt::format_to(std::back_inserter(body), R"(,"min_tokens":{})", plan.output.count());
  }
  body += after_;
  return http::to_wire(url_, request_);
}

std::string RequestWriter::without_secrets(std::string text) const {
  for (const std::string& secret : secrets_) {
    for (std::size_t at = 0; (at = text.find(secret, at)) != std::string::npos;) {
      text.replace(at, secret.size(), "***");
      at += 3;
    }
  }
  return text;
}

}  // namespace kneepoint::loadgen

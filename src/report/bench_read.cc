#include "report/bench_read.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace kneepoint::report {
namespace {

using json::Array;
using json::Object;
using json::Value;

constexpr std::string_view kSchemaStem = "kneepoint.bench-report.v";
constexpr std::string_view kSchema = "kneepoint.bench-report.v1";

// The member, or null where there is none.
const Value& at(const Value& value, std::string_view key) {
  static const Value kNone;
  const Object* object = value.if_object();
  const Value* member = object == nullptr ? nullptr : object->if_contains(key);
  return member == nullptr ? kNone : *member;
}

std::string text_of(const Value& value) {
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_number()) return shortest(value.to_number<double>());
  if (value.is_bool()) return value.get_bool() ? "yes" : "no";
  return {};
}

// Members that have a place of their own in RunFacts.
constexpr std::array<std::string_view, 4> kOwnPlace{"url", "model", "server", "accelerator"};

void add_rest(const Value& of, std::string_view prefix, RunFacts& facts) {
  if (!of.is_object()) return;
  for (const auto& member : of.get_object()) {
    const std::string_view key = member.key();
    if (std::ranges::find(kOwnPlace, key) != kOwnPlace.end()) continue;
    std::string words = text_of(member.value());
    if (words.empty()) continue;
    std::string what = std::string(prefix) + std::string(key);
    std::ranges::replace(what, '_', ' ');
    facts.more.emplace_back(std::move(what), std::move(words));
  }
}

}  // namespace

RunFacts facts_from_json(const Value& head) {
  RunFacts facts;
  const Value& target = at(head, "target");
  facts.model = text_of(at(target, "model"));
  facts.target = without_credentials(text_of(at(target, "url")));
  const Value& server = at(target, "server");
  facts.server = server.is_object() ? text_of(at(server, "name")) : text_of(server);
  facts.server_version = text_of(at(server, "version"));
  facts.accelerator = text_of(at(target, "accelerator"));
  const Value& evidence = at(head, "evidence");
  facts.client = text_of(at(evidence, "by"));
  facts.predicted = text_of(at(evidence, "kind")) == "predicted";
  if (facts.client.empty() && at(head, "tool").is_object()) {
    facts.client =
        text_of(at(at(head, "tool"), "name")) + " " + text_of(at(at(head, "tool"), "version"));
  }
  facts.host = text_of(at(at(evidence, "host"), "name"));
  facts.started_at = text_of(at(head, "started_at"));
  add_rest(target, "", facts);
  add_rest(at(evidence, "host"), "client ", facts);
  return facts;
}

Result<BenchReport> bench_report_from_json(const Value& value) {
  const std::string schema = text_of(at(value, "schema"));
  if (!schema.starts_with(kSchemaStem)) {
    return fail(ErrorCode::InvalidArgument, "not a bench report: its \"schema\" is not " +
                                                std::string(kSchema) +
                                                "; write one with `kneepoint bench run --report`");
  }
  if (schema != kSchema) {
    return fail(ErrorCode::Incompatible, "a report of " + schema + ", this kneepoint reads " +
                                             std::string(kSchema) + ": use a newer one");
  }
  const Value& points = at(value, "points");
  if (!points.is_array()) {
    return fail(ErrorCode::InvalidArgument, "bench report: \"points\" must be a list");
  }
  if (points.get_array().size() > kMostPoints) {
    return fail(ErrorCode::InvalidArgument,
                "bench report: more than " + std::to_string(kMostPoints) + " points");
  }
  BenchReport report;
  report.facts = facts_from_json(value);
  for (const Value& one : points.get_array()) {
    auto point = run::point_from_json(one);
    if (!point) {
      return fail(
          std::move(point.error()).during("points[" + std::to_string(report.points.size()) + "]"));
    }
    report.points.push_back(*std::move(point));
  }
  // The server says of itself who it is, where nobody else did.
  for (const run::PointRecord& point : report.points) {
    if (!report.facts.server.empty() || !point.server) continue;
    report.facts.server = point.server->server;
    report.facts.server_version = point.server->version;
  }
  return report;
}

}  // namespace kneepoint::report

#include <array>

#include "base/text.h"
#include "doctor/rules.h"

namespace kneepoint::doctor {
namespace {

bool named_like_a_secret(std::string_view name) {
  if (name.find("TOKENIZER") != std::string_view::npos) return false;
  if (name.find("TOKENS") != std::string_view::npos) return false;  // a number of them
  static constexpr std::array<std::string_view, 6> kWords{"TOKEN",   "PASSWORD", "SECRET",
                                                          "API_KEY", "APIKEY",   "ACCESS_KEY"};
  for (const std::string_view word : kWords) {
    if (name.find(word) != std::string_view::npos) return true;
  }
  return false;
}

/// A place, an address, a file or a reference to another variable is no secret.
bool telling_nothing(std::string_view value) {
  return value.empty() || value.front() == '/' || value.front() == '$' ||
         parse_number(value).has_value() || value == "true" || value == "false" || value.size() < 8;
}

void check_container(const Object& object, const At& container, Report& report) {
  for (const At& variable : container["env"].items()) {
    const At value = variable["value"];
    if (!value.exists()) continue;
    const bool certain = holds_secret(value.text());
    if (!certain &&
        (!named_like_a_secret(variable["name"].text()) || telling_nothing(value.text())))
      continue;
    const std::string name = dns_label(variable["name"].text());
    // Without its node: the value is not shown.
    report.add(certain ? Severity::Error : Severity::Warning, object,
               At(nullptr, value.path(), value.line()), "secret-in-plain-text",
               "The value of " + std::string(variable["name"].text()) +
                   " stands in the manifest for everybody to read.",
               "Keep it in a Secret and refer to it; then make a new one, as this one is known.",
               "valueFrom: {secretKeyRef: {name: " + name + ", key: value}}");
  }
  for (const char* list : {"command", "args"}) {
    for (const At& word : container[list].items()) {
      if (!holds_secret(word.text())) continue;
      report.error(object, At(nullptr, word.path(), word.line()), "secret-in-plain-text",
                   "An argument holds a token; arguments are seen in process lists too.",
                   "Pass it through a variable from a Secret.");
    }
  }
}

}  // namespace

void check_secrets(const Object& object, Report& report) {
  for (const Pod& pod : pods_of(object)) {
    for (const At& container : containers_of(pod.spec)) check_container(object, container, report);
  }
  if (object.is("serving.knative.dev", "Service")) {
    for (const At& container : object["spec"]["template"]["spec"]["containers"].items()) {
      check_container(object, container, report);
    }
  }
  if (!object.is("ConfigMap")) return;
  for (const auto& [key, value] : object["data"].entries()) {
    if (!holds_secret(value.text())) continue;
    report.error(object, At(nullptr, value.path(), value.line()), "secret-in-plain-text",
                 "The entry " + key + " holds a token.", "Keep it in a Secret.");
  }
}

}  // namespace kneepoint::doctor

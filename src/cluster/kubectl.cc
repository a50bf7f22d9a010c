#include "cluster/kubectl.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "base/text.h"
#include "cluster/fields.h"
#include "doctor/finding.h"

namespace kneepoint::cluster {
namespace {

constexpr std::size_t kMostLines = 12;

bool says(std::string_view text, std::initializer_list<std::string_view> any) {
  return std::any_of(any.begin(), any.end(),
                     [&](auto each) { return text.find(each) != std::string_view::npos; });
}

/// A line of Go's log: a letter for its level, then month and day.
bool is_log_line(std::string_view line) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return line.size() > 5 && std::string_view("IWEF").find(line[0]) != std::string_view::npos &&
         digit(line[1]) && digit(line[2]) && digit(line[3]) && digit(line[4]);
}

/// The lines that say something, without secrets and control characters.
std::string sentence_of(std::string_view said) {
  std::vector<std::string> lines;
  for (const std::string_view line : split(said, '\n')) {
    if (line.empty() || line.starts_with("Warning:") || is_log_line(line)) continue;
    // Advice about a flag of kubectl is of no use here.
    const auto advice = line.find("; if you choose to ignore these errors");
    lines.push_back(doctor::evidence_of(line.substr(0, advice), 0, 0, 1000));
    if (lines.size() == kMostLines) break;
  }
  std::string out = join(lines, "; ");
  for (const std::string_view front : {"error: ", "Error: "}) {
    if (out.starts_with(front)) out.erase(0, front.size());
  }
  return out;
}

}  // namespace

Error explain_failure(const std::string& said) {
  std::string sentence = sentence_of(said);
  if (sentence.empty()) sentence = "kubectl failed without a word";
  if (says(said, {"localhost:8080", "no configuration has been provided",
                  "current-context is not set", "current-context must exist"})) {
    return {ErrorCode::Unavailable,
            "kubectl knows no cluster: set KUBECONFIG, or choose one with `kubectl config "
            "use-context NAME` or --context; kubectl said: " +
                sentence};
  }
  if (says(said, {"context \"", "does not exist"}) && says(said, {"context"}) &&
      says(said, {"error: context", "context was not found"})) {
    return {ErrorCode::NotFound,
            sentence + "; `kubectl config get-contexts` lists the contexts there are"};
  }
  if (says(said, {"getting credentials: exec", "gke-gcloud-auth-plugin"})) {
    return {ErrorCode::Unavailable,
            "the program that your kubeconfig gets credentials from failed (on GKE: gcloud "
            "components install gke-gcloud-auth-plugin): " +
                sentence};
  }
  if (says(said, {"Unable to connect to the server", "was refused", "i/o timeout",
                  "TLS handshake timeout", "no such host", "connection reset"})) {
    return {ErrorCode::Unavailable, "the cluster does not answer: " + sentence};
  }
  if (says(said, {"must be logged in", "Unauthorized", "the server has asked for the client"})) {
    return {ErrorCode::Unavailable,
            "the cluster does not accept these credentials; log in again (on GKE: gcloud "
            "container clusters get-credentials): " +
                sentence};
  }
  if (says(said, {"Apply failed with", "(Conflict)", "(AlreadyExists)"})) {
    return {ErrorCode::Conflict, sentence};
  }
  if (says(said, {"namespaces \""}) && says(said, {"not found"})) {
    return {ErrorCode::NotFound,
            sentence +
                "; make it with `kubectl create namespace NAME`, or name another one with "
                "--namespace"};
  }
  if (says(said, {"exceeded quota"})) {
    return {ErrorCode::Unsatisfiable,
            sentence + "; `kubectl describe resourcequota` shows what is left"};
  }
  if (says(said, {"(Forbidden)", "is forbidden"})) {
    return {ErrorCode::Unavailable, "not allowed: " + sentence};
  }
  if (says(said, {"(NotFound)", "not found"})) return {ErrorCode::NotFound, sentence};
  if (says(said, {"is invalid", "(Invalid)", "strict decoding", "(BadRequest)",
                  "denied the request", "no matches for kind", "error validating", "error parsing",
                  "error converting YAML", "must specify", "does not match"})) {
    return {ErrorCode::InvalidArgument, sentence};
  }
  return {ErrorCode::Unavailable, sentence};
}

std::vector<std::string> Kubectl::with_access(std::vector<std::string> words) const {
  std::vector<std::string> out{access_.program};
  if (!access_.kubeconfig.empty()) out.push_back("--kubeconfig=" + access_.kubeconfig);
  if (!access_.context.empty()) out.push_back("--context=" + access_.context);
  out.insert(out.end(), words.begin(), words.end());
  return out;
}

std::string Kubectl::shown(const std::vector<std::string>& words) const {
  std::string out = "kubectl";
  if (!access_.context.empty()) out += " --context=" + access_.context;
  for (const std::string& word : words) out += " " + word;
  return out;
}

Result<Finished> Kubectl::try_run(std::vector<std::string> words, std::string input,
                                  Nanos patience) const {
  if (patience == Nanos(0)) patience = access_.patience;
  auto done = run_process(
      with_access(std::move(words)),
      {.input = std::move(input), .patience = patience, .interrupted = access_.interrupted});
  if (!done) {
    if (done.error().code != ErrorCode::NotFound) return done;
    return fail(ErrorCode::Unavailable,
                access_.program +
                    " is not installed or not on PATH; it is what reaches the cluster. Install it "
                    "(https://kubernetes.io/docs/tasks/tools/; with gcloud: gcloud components "
                    "install kubectl), or name it with --kubectl");
  }
  if (done->how == Finished::How::Interrupted) return fail(ErrorCode::Unavailable, "interrupted");
  if (done->how == Finished::How::TimedOut) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(patience).count();
    const std::string so_far = sentence_of(done->err);
    return fail(ErrorCode::Unavailable,
                fmt::format("the cluster did not answer within {} s{}{}", seconds,
                            so_far.empty() ? "" : "; kubectl said: ", so_far));
  }
  return done;
}

Result<std::string> Kubectl::run(std::vector<std::string> words, std::string input) const {
  auto done = try_run(std::move(words), std::move(input));
  if (!done) return fail(std::move(done).error());
  if (done->status != 0) return fail(explain_failure(done->err));
  return std::move(done->out);
}

Result<std::vector<json::Object>> Kubectl::get(std::vector<std::string> words,
                                               std::string input) const {
  words.insert(words.begin(), "get");
  words.push_back("--output=json");
  const auto text = run(std::move(words), std::move(input));
  if (!text) return fail(text.error());
  return read_objects(*text);
}

Result<Background> Kubectl::start(std::vector<std::string> words, Background::Errors errors) const {
  return Background::start(with_access(std::move(words)), errors);
}

Result<Place> Kubectl::place() const {
  const auto text = run({"config", "view", "--minify", "--output=json"});
  if (!text) return fail(text.error());
  const auto config = json::parse(*text);
  if (!config) return fail(ErrorCode::Unavailable, "kubectl's configuration is no JSON");
  Place out;
  out.context = text_at(*config, "/current-context");
  if (!access_.context.empty()) out.context = access_.context;
  out.server = text_at(*config, "/clusters/0/cluster/server");
  out.namespace_name = text_at(*config, "/contexts/0/context/namespace");
  if (!access_.namespace_name.empty()) out.namespace_name = access_.namespace_name;
  if (out.namespace_name.empty()) out.namespace_name = "default";
  return out;
}

Result<std::vector<json::Object>> read_objects(std::string_view text) {
  std::vector<json::Object> out;
  const auto take = [&out](json::Object& object) {
    json::Value* items = object.if_contains("items");
    const auto kind = text_at(object, "/kind");
    if (items != nullptr && items->is_array() && kind.ends_with("List")) {
      for (json::Value& each : items->get_array()) {
        if (each.is_object()) out.push_back(std::move(each.get_object()));
      }
    } else {
      out.push_back(std::move(object));
    }
  };
  boost::json::stream_parser parser({}, {.max_depth = 64});
  try {
    while (!trim(text).empty()) {
      const std::size_t used = parser.write_some(text.data(), text.size());
      text.remove_prefix(used);
      if (!parser.done()) throw std::runtime_error("cut off");
      json::Value one = parser.release();
      parser.reset();
      if (one.is_object()) take(one.get_object());
      text = trim(text);
    }
  } catch (const std::exception& error) {
    return fail(ErrorCode::Unavailable, std::string("kubectl printed no JSON: ") + error.what());
  }
  return out;
}

std::string list_text(const std::vector<json::Object>& objects) {
  json::Array items;
  for (const json::Object& each : objects) items.emplace_back(each);
  return json::to_line(
      json::Object{{"apiVersion", "v1"}, {"kind", "List"}, {"items", std::move(items)}});
}

}  // namespace kneepoint::cluster

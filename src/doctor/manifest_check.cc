#include "doctor/manifest_check.h"

#include <algorithm>
#include <deque>

#include "base/text.h"

namespace kneepoint::doctor {
namespace {

constexpr std::size_t kMostFindings = 10'000;

bool is_kustomize(const Node& root) {
  const Node* kind = root.find("kind");
  const Node* version = root.find("apiVersion");
  if (version != nullptr && version->text.starts_with("kustomize.config.k8s.io/")) return true;
  return kind == nullptr && version == nullptr &&
         (root.find("resources") != nullptr || root.find("bases") != nullptr);
}

class Reader {
 public:
  Reader(std::vector<Object>& objects, std::vector<Finding>& findings)
      : objects_(objects), findings_(findings) {}

  void read(const ManifestFile& file, const Documents& documents) {
    if (is_template(file.text)) {
      findings_.push_back({.severity = Severity::Error,
                           .id = "template",
                           .file = file.name,
                           .cause = "The file is a template of Helm and no manifest yet.",
                           .fix = "Give what it renders to.",
                           .patch = "helm template CHART | kneepoint doctor --as=manifest -"});
      return;
    }
    for (const Node& root : documents.roots) take(file.name, At(&root, "", root.line));
    if (!documents.mistake) return;
    std::string cause = "Not YAML from here on: " + documents.mistake->sentence + ".";
    findings_.push_back(
        {.severity = Severity::Error,
         .id = "yaml-syntax",
         .file = file.name,
         .line = documents.mistake->line,
         .evidence = evidence_of(line_of(file.text, documents.mistake->line)),
         .cause = evidence_of(cause),
         .fix = "Look at the indentation and quotes of this line and the one above."});
  }

 private:
  static bool is_template(std::string_view text) {
    if (text.find("{{") == std::string_view::npos) return false;
    for (const char* value : {".Values.", ".Release.", ".Chart."}) {
      if (text.find(value) != std::string_view::npos) return true;
    }
    return false;
  }

  static std::string_view line_of(std::string_view text, std::size_t line) {
    while (line > 1 && !text.empty()) {
      const auto end = text.find('\n');
      if (end == std::string_view::npos) return {};
      text.remove_prefix(end + 1);
      --line;
    }
    return text.substr(0, text.find('\n'));
  }

  void take(const std::string& file, const At& root) {
    Object object{file, root, {}, {}, {}, {}};
    Report report(findings_);
    if (!root.is_map()) {
      report.error(object, root, "no-object", "A document of a manifest must be a map of fields.",
                   "Remove it, or write the object.");
      return;
    }
    if (is_kustomize(*root.node())) return;
    object.api_version = std::string(root["apiVersion"].text());
    object.kind = std::string(root["kind"].text());
    object.name = std::string(root["metadata"]["name"].text());
    object.namespace_name = std::string(root["metadata"]["namespace"].text());
    if (object.kind.ends_with("List") && root["items"].is_list()) {
      for (const At& item : root["items"].items()) take(file, item);
      return;
    }
    if (object.api_version.empty() || object.kind.empty()) {
      report.error(object, root, "no-object", "An object must say its apiVersion and kind.",
                   "Add them.", "apiVersion: apps/v1");
      return;
    }
    objects_.push_back(std::move(object));
  }

  std::vector<Object>& objects_;
  std::vector<Finding>& findings_;
};

constexpr void (*kStructure[])(const Object&, Report&) = {
    check_names,     check_workload,   check_containers, check_probes,
    check_resources, check_scheduling, check_job,        check_autoscaler,
    check_storage,   check_service,    check_routing,    check_scraping,
    check_groups,    check_cloud_run,  check_secrets,    check_images};
constexpr void (*kMeaning[])(const Object&, const Facts&, Report&) = {
    check_memory, check_accelerator, check_start, check_server};

}  // namespace

ManifestReport check_manifests(const std::vector<ManifestFile>& files, const Facts& facts) {
  ManifestReport out;
  std::vector<Object> objects;
  std::deque<Documents> documents;  // objects point into them
  Reader reader(objects, out.findings);
  for (const ManifestFile& file : files) {
    documents.push_back(read_documents(file.text));
    reader.read(file, documents.back());
  }
  Report report(out.findings);
  out.objects = objects.size();
  for (const Object& object : objects) {
    if (out.findings.size() > kMostFindings) break;
    if (!check_fields(object, facts.schema, report)) {
      const std::string name = evidence_of(object.kind + " of " + object.api_version);
      if (std::find(out.unchecked.begin(), out.unchecked.end(), name) == out.unchecked.end()) {
        out.unchecked.push_back(name);
      }
    }
    for (const auto rule : kStructure) rule(object, report);
    for (const auto rule : kMeaning) rule(object, facts, report);
  }
  check_references(objects, report);
  check_quota(objects, report);
  check_metrics(objects, facts, report);
  if (out.findings.size() > kMostFindings) out.findings.resize(kMostFindings);
  sort_by_severity(out.findings);
  return out;
}

bool looks_like_manifest(std::string_view text) {
  text = text.substr(0, std::size_t{64} << 10);
  bool version = false, kind = false;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    std::string_view word = trim(line);
    if (word.starts_with("- ")) word = trim(word.substr(2));
    if (word.starts_with('"')) word.remove_prefix(1);
    // `kubectl get events -o yaml`: what happened, and nothing to apply.
    if (word == "kind: Event" || word.starts_with("kind\": \"Event\"")) return false;
    if (word.starts_with('{') && word.find("\"apiVersion\"") != std::string_view::npos &&
        word.find("\"kind\"") != std::string_view::npos) {
      return true;
    }
    version |= word.starts_with("apiVersion:") || word.starts_with("apiVersion\"");
    kind |= word.starts_with("kind:") || word.starts_with("kind\"");
    if (version && kind) return true;
  }
  return false;
}

}  // namespace kneepoint::doctor

#include "doctor/manifest_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"

namespace kneepoint::doctor {
namespace {

const std::string kFolder = KP_SOURCE_DIR "/tests/data/doctor/";

const Facts& facts() {
  static const auto* catalog = new catalog::Catalog(
      std::move(catalog::Catalog::open(KP_BINARY_DIR "/kneepoint.catalog", {}).value()));
  static const auto* schema = new KubernetesSchema(
      std::move(KubernetesSchema::parse(
                    read_file(KP_SOURCE_DIR "/data/catalog/kubernetes/schema.txt").value())
                    .value()));
  static const auto* both = new Facts{*catalog, *schema};
  return *both;
}

ManifestReport check(const std::string& text) {
  return check_manifests({{"a.yaml", text}}, facts());
}

std::string shown(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& each : findings) {
    out += std::string(name(each.severity)) + " " + each.id + " at " + each.path + ": " +
           each.cause + "\n";
  }
  return out;
}

bool has(const std::vector<Finding>& findings, std::string_view id, std::string_view severity) {
  return std::any_of(findings.begin(), findings.end(), [&](const Finding& each) {
    return each.id == id && name(each.severity) == severity;
  });
}

// --- Cases: a good object, changed ---

/// As YAML of one line, so that a changed tree goes through the whole reader again.
std::string in_flow(const Node& node) {
  std::string out;
  switch (node.kind) {
    case Node::Kind::Null:
      return "null";
    case Node::Kind::Scalar:
      if (!node.quoted && node.text.find_first_of(":{}[],\"' #&*!|>%@`") == std::string::npos)
        return node.text;
      for (const char c : node.text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
      }
      return '"' + out + '"';
    case Node::Kind::List:
      for (const Node& item : node.items) out += (out.empty() ? "" : ", ") + in_flow(item);
      return "[" + out + "]";
    case Node::Kind::Map:
      for (const Member& member : node.members) {
        out += (out.empty() ? "\"" : ", \"") + member.key + "\": " + in_flow(member.value);
      }
      return "{" + out + "}";
  }
  return out;
}

/// "spec.a[0].b" and "a["x.y/z"]" as steps.
std::vector<std::string> steps_of(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    if (path.starts_with("[\"")) {
      const auto end = path.find("\"]");
      out.emplace_back(path.substr(2, end - 2));
      path.remove_prefix(end + 2);
    } else if (path.front() == '[') {
      const auto end = path.find(']');
      out.emplace_back(path.substr(0, end + 1));
      path.remove_prefix(end + 1);
    } else {
      if (path.front() == '.') path.remove_prefix(1);
      const auto end = std::min(path.find_first_of(".["), path.size());
      out.emplace_back(path.substr(0, end));
      path.remove_prefix(end);
    }
  }
  return out;
}

/// The change of a case; false when its path leads nowhere.
bool change(Node& root, std::string_view path, const Node* value) {
  Node* at = &root;
  const auto steps = steps_of(path);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const bool last = i + 1 == steps.size();
    if (steps[i].front() == '[') {
      const auto index =
          static_cast<std::size_t>(parse_integer(steps[i].substr(1, steps[i].size() - 2)).value());
      if (index >= at->items.size()) return false;
      if (last && value == nullptr) {
        at->items.erase(at->items.begin() + static_cast<std::ptrdiff_t>(index));
        return true;
      }
      at = &at->items[index];
    } else {
      auto it = std::find_if(at->members.begin(), at->members.end(),
                             [&](const Member& m) { return m.key == steps[i]; });
      if (last && value == nullptr) {
        if (it == at->members.end()) return false;
        at->members.erase(it);
        return true;
      }
      if (it == at->members.end()) {
        if (!last) return false;
        at->members.push_back({steps[i], 0, {}});
        it = at->members.end() - 1;
      }
      at = &it->value;
    }
    if (last) *at = *value;
  }
  return true;
}

const std::vector<Node>& bases() {
  static const auto* all =
      new std::vector<Node>(read_documents(read_file(kFolder + "bases.yaml").value()).roots);
  return *all;
}

const Node* base(std::string_view wanted) {
  for (const Node& each : bases()) {
    const bool run = each.find("apiVersion")->text.starts_with("serving.knative.dev");
    if (wanted == (run ? std::string_view("CloudRun") : std::string_view(each.find("kind")->text)))
      return &each;
  }
  return nullptr;
}

TEST(ManifestCases, NameWhatWasDoneToAGoodObject) {
  std::string text = read_file(kFolder + "cases.txt").value();
  std::size_t cases = 0, number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    const std::string line(trim(text.substr(at, end - at)));
    at = end + 1;
    ++number;
    if (line.empty() || line.front() == '#') continue;
    const auto arrow = line.rfind(" -> "), blank = line.find(' ');
    ASSERT_NE(arrow, std::string::npos) << line;
    const Node* from = base(line.substr(0, blank));
    ASSERT_NE(from, nullptr) << line;
    Node changed = *from;
    const std::string changes = line.substr(blank, arrow - blank);
    for (const std::string_view each : split(changes, ';')) {
      const bool removes = each.starts_with("remove ");
      const auto equals = each.find(" = ");
      const auto path = trim(removes ? each.substr(7) : each.substr(0, equals));
      Node value;
      if (!removes) {
        const auto read = read_documents(std::string(each.substr(equals + 3)));
        if (!read.roots.empty()) value = read.roots.front();
      }
      ASSERT_TRUE(change(changed, path, removes ? nullptr : &value))
          << "cases.txt:" << number << ": " << path;
    }
    const auto report = check(in_flow(changed));
    const std::string expected(trim(line.substr(arrow + 4)));
    if (expected == "nothing") {
      EXPECT_EQ(worst(report.findings) == Severity::Error, false)
          << "cases.txt:" << number << ": " << line << "\n"
          << shown(report.findings);
    } else {
      const auto space = expected.find(' ');
      EXPECT_TRUE(has(report.findings, expected.substr(space + 1), expected.substr(0, space)))
          << "cases.txt:" << number << ": " << line << "\n"
          << shown(report.findings);
    }
    ++cases;
  }
  EXPECT_GE(cases, 150U);
}

TEST(ManifestCheck, FindsNothingWrongWithTheGoodObjects) {
  const auto report = check(read_file(kFolder + "bases.yaml").value());
  EXPECT_EQ(report.objects, bases().size());
  EXPECT_TRUE(report.unchecked.empty());
  for (const Finding& each : report.findings) {
    EXPECT_EQ(each.severity, Severity::Info) << shown({each});
  }
}

TEST(ManifestCheck, FindsNoErrorInWhatManifestsCreateWrites) {
  std::size_t files = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(KP_SOURCE_DIR "/tests/golden/manifest")) {
    if (entry.path().extension() != ".yaml") continue;
    const auto report = check(read_file(entry.path()).value());
    EXPECT_GT(report.objects, 0U) << entry.path();
    EXPECT_NE(worst(report.findings), Severity::Error) << entry.path() << "\n"
                                                       << shown(report.findings);
    ++files;
  }
  EXPECT_GT(files, 0U);
}

TEST(ManifestCheck, SaysFileLineObjectAndPath) {
  const auto report = check(
      "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  ports:\n  - port: 80\n    "
      "targetPort: \"8000\"\n");
  ASSERT_EQ(report.findings.size(), 1U) << shown(report.findings);
  const Finding& one = report.findings.front();
  EXPECT_EQ(one.file, "a.yaml");
  EXPECT_EQ(one.line, 7U);
  EXPECT_EQ(one.object, "Service a");
  EXPECT_EQ(one.path, "spec.ports[0].targetPort");
  EXPECT_EQ(one.patch, "targetPort: 8000");
}

TEST(ManifestCheck, SaysWhereAMisplacedFieldBelongs) {
  const auto report = check(
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  nodeSelector: {a: b}\n"
      "  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {labels: {a: b}}\n"
      "    spec: {containers: [{name: a, image: \"a:1\"}]}\n");
  ASSERT_EQ(report.findings.size(), 1U) << shown(report.findings);
  EXPECT_NE(report.findings[0].fix.find("spec.template.spec.nodeSelector"), std::string::npos);
}

TEST(ManifestCheck, SeesThatAVersionHasRenamedAMetric) {
  const std::string deployment = in_flow(*base("Deployment"));
  std::string scaler = in_flow(*base("HorizontalPodAutoscaler"));
  const std::string series = "vllm:num_requests_running";
  ASSERT_NE(scaler.find(series), std::string::npos);
  scaler.replace(scaler.find(series), series.size(), "vllm:gpu_cache_usage_perc");
  std::string newer = deployment;
  newer.replace(newer.find("v0.11.0"), 7, "v0.12.0");
  EXPECT_FALSE(has(check(deployment + "\n---\n" + scaler).findings, "renamed-metric", "warning"));
  const auto report = check(newer + "\n---\n" + scaler);
  ASSERT_TRUE(has(report.findings, "renamed-metric", "warning")) << shown(report.findings);
  const auto it = std::find_if(report.findings.begin(), report.findings.end(),
                               [](const Finding& f) { return f.id == "renamed-metric"; });
  EXPECT_EQ(it->patch, "vllm:kv_cache_usage_perc");
}

TEST(ManifestCheck, LooksAtObjectsTogether) {
  const std::string deployment = in_flow(*base("Deployment"));
  EXPECT_TRUE(
      has(check(deployment + "\n---\n" + in_flow(*base("HorizontalPodAutoscaler"))).findings,
          "autoscaler-without-scraping", "warning"));
  EXPECT_TRUE(has(check(deployment + "\n---\n" + deployment).findings, "object-twice", "warning"));
  Node service = *base("Service");
  Node wrong;
  wrong.kind = Node::Kind::Scalar;
  wrong.text = "web";
  ASSERT_TRUE(change(service, "spec.ports[0].targetPort", &wrong));
  EXPECT_TRUE(
      has(check(deployment + "\n---\n" + in_flow(service)).findings, "no-such-port", "warning"));
  ASSERT_TRUE(change(service, "spec.selector.app", &wrong));
  EXPECT_TRUE(
      has(check(deployment + "\n---\n" + in_flow(service)).findings, "selects-nothing", "warning"));
}

TEST(ManifestCheck, AddsUpWhatPodsAskForAgainstAQuota) {
  const auto quota = [](const char* gpus) {
    return std::string(
               "\n---\napiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q, namespace: "
               "serving}\nspec: {hard: {requests.nvidia.com/gpu: \"") +
           gpus + "\"}}\n";
  };
  const std::string deployment = in_flow(*base("Deployment"));
  EXPECT_FALSE(has(check(deployment + quota("2")).findings, "over-quota", "warning"));
  EXPECT_TRUE(has(check(deployment + quota("1")).findings, "over-quota", "warning"));
}

TEST(ManifestCheck, NeverShowsASecret) {
  Node deployment = *base("Deployment");
  const std::string path = "spec.template.spec.containers[0].env[0]";
  const auto secret = read_documents("{name: API_KEY, value: correct-horse-battery}").roots.front();
  ASSERT_TRUE(change(deployment, path, &secret));
  const auto report = check(in_flow(deployment));
  EXPECT_TRUE(has(report.findings, "secret-in-plain-text", "warning"));
  for (const Finding& each : report.findings) {
    EXPECT_EQ((each.evidence + each.cause + each.fix + each.patch).find("horse"),
              std::string::npos);
  }
}

TEST(ManifestCheck, TellsWhereAFileIsNoYaml) {
  const auto report = check("apiVersion: v1\nkind: Service\nmetadata: {name: a\nspec: {}\n");
  ASSERT_FALSE(report.findings.empty());
  EXPECT_EQ(report.findings[0].id, "yaml-syntax");
  EXPECT_GT(report.findings[0].line, 2U);
}

TEST(ManifestCheck, TellsThatATemplateIsNoManifest) {
  const auto report = check("apiVersion: v1\nkind: Service\nspec: {{ .Values.spec }}\n");
  ASSERT_EQ(report.findings.size(), 1U) << shown(report.findings);
  EXPECT_EQ(report.findings[0].id, "template");
}

TEST(ManifestCheck, StaysSmallWhateverTheFile) {
  std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c < 'k'; ++c) {
    bomb += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 10; ++i)
      bomb += std::string(i == 0 ? "*" : ", *") + static_cast<char>(c - 1);
    bomb += "]\n";
  }
  EXPECT_TRUE(read_documents(bomb).mistake.has_value());
  EXPECT_TRUE(read_documents(std::string(100'000, '[')).mistake.has_value());
  EXPECT_TRUE(read_documents("a: *b").mistake.has_value());
}

TEST(ManifestCheck, ListsKindsItDoesNotKnow) {
  const auto report = check(
      "apiVersion: cloud.google.com/v1\nkind: ComputeClass\nmetadata: {name: a}\nspec: {x: 1}\n");
  EXPECT_EQ(report.unchecked, std::vector<std::string>{"ComputeClass of cloud.google.com/v1"});
  EXPECT_TRUE(report.findings.empty()) << shown(report.findings);
}

TEST(ManifestCheck, TellsAManifestFromALog) {
  EXPECT_TRUE(looks_like_manifest("# comment\n\napiVersion: v1\nkind: Service\n"));
  EXPECT_TRUE(looks_like_manifest(R"({"apiVersion": "v1", "kind": "Service"})"));
  EXPECT_FALSE(looks_like_manifest("INFO start\nERROR kind: of bad\n"));
  EXPECT_FALSE(looks_like_manifest("apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Event\n"));
  EXPECT_FALSE(looks_like_manifest(""));
}

TEST(Documents, ReadWordsAsKubernetesToolsDo) {
  const auto root =
      read_documents("{a: yes, b: \"yes\", c: 0x1F, d: 1e3, e: 1.2.3, f: ~, g: 12, h: n}")
          .roots.front();
  using S = Node::Scalar;
  EXPECT_EQ(root.find("a")->scalar(), S::Bool);
  EXPECT_EQ(root.find("b")->scalar(), S::Text);
  EXPECT_EQ(root.find("c")->scalar(), S::Integer);
  EXPECT_EQ(root.find("d")->scalar(), S::Float);
  EXPECT_EQ(root.find("e")->scalar(), S::Text);
  EXPECT_EQ(root.find("f")->kind, Node::Kind::Null);
  EXPECT_EQ(root.find("g")->integer(), 12);
  EXPECT_EQ(root.find("h")->scalar(), S::Bool);
  const auto merged = read_documents("x: &x {p: 1, q: 2}\ny: {<<: *x, q: 3}\n").roots.front();
  EXPECT_EQ(merged.find("y")->find("p")->text, "1");
  EXPECT_EQ(merged.find("y")->find("q")->text, "3");
}

TEST(CloudRunCheck, WhatWeEmitHasOnlyAdvice) {
  const std::string text =
      read_file(KP_SOURCE_DIR "/tests/golden/manifest/llama-3.1-8b-cloud-run.yaml").value();
  const auto report = check(text);
  for (const Finding& each : report.findings)
    EXPECT_EQ(name(each.severity), "info") << shown(report.findings);
  for (const char* advice : {"cloud-run-parallel-loading", "cloud-run-prompt-order",
                             "cloud-run-semantic-cache", "cloud-run-kv", "cloud-run-quantised"})
    EXPECT_TRUE(has(report.findings, advice, "info")) << advice;
}

TEST(CloudRunCheck, WarnsOfWhatCloudRunRefuses) {
  const std::string good =
      read_file(KP_SOURCE_DIR "/tests/golden/manifest/llama-3.1-8b-cloud-run.yaml").value();
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    return check(text).findings;
  };
  EXPECT_TRUE(has(with("accelerator: nvidia-l4", "accelerator: nvidia-t4"), "cloud-run-accelerator",
                  "warning"));
  EXPECT_TRUE(has(with("accelerator: nvidia-l4", "accelerator: nvidia-rtx-pro-6000"),
                  "cloud-run-memory", "warning"));
  EXPECT_TRUE(has(with("failureThreshold: 60", "failureThreshold: 600"),
                  "cloud-run-startup-too-long", "warning"));
  EXPECT_TRUE(
      has(with("--model=/models", "--model=$(MODEL_ID)"), "cloud-run-no-variables", "warning"));
  EXPECT_TRUE(has(with("gpu: \"1\"", "gpu: \"2\""), "cloud-run-one-gpu", "warning"));
  EXPECT_TRUE(has(with("run.googleapis.com/cpu-throttling: \"false\"",
                       "run.googleapis.com/cpu-throttling: \"true\""),
                  "cloud-run-throttling", "warning"));
}

}  // namespace
}  // namespace kneepoint::doctor

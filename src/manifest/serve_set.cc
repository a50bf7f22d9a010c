#include "manifest/serve_set.h"

#include <fmt/format.h>

#include "base/text.h"
#include "manifest/object_json.h"
#include "manifest/text.h"

namespace kneepoint::manifest {
namespace {

using json::Array;
// This namespace has an Object of its own.
using Tree = json::Object;
using Emitted = kneepoint::manifest::Object;

constexpr int kHttp = 8080, kGrpc = 8081, kPostgres = 5432;
constexpr int kServerUser = 65532;  // as the image of tools/oci-image has it
constexpr int kPostgresUser = 999;  // as the official image has it
constexpr const char* kTokens = "/etc/kneepoint/tokens";
constexpr const char* kTls = "/etc/kneepoint/tls";

Result<void> check(const ServeSet& set) {
  const auto wrong = [](std::string_view flag, std::string_view value, std::string_view why) {
    return fail(ErrorCode::InvalidArgument, fmt::format("{}={}: {}", flag, value, why));
  };
  if (!is_dns_label(set.name) || set.name.size() > 40)
    return wrong("--name", set.name, "lower-case letters, digits and -, at most 40");
  if (!set.namespace_name.empty() && !is_dns_label(set.namespace_name))
    return wrong("--namespace", set.namespace_name, "lower-case letters, digits and -");
  for (const auto& [flag, name] : {std::pair("--token-secret", &set.token_secret),
                                   std::pair("--database-secret", &set.database_secret)})
    if (!is_dns_subdomain(*name)) return wrong(flag, *name, "no name a Secret can have");
  if (!set.tls_secret.empty() && !is_dns_subdomain(set.tls_secret))
    return wrong("--tls-secret", set.tls_secret, "no name a Secret can have");
  if (!set.storage_class.empty() && !is_dns_subdomain(set.storage_class))
    return wrong("--storage-class", set.storage_class, "no name a StorageClass can have");
  for (const auto& [flag, image] :
       {std::pair("--image", &set.image), std::pair("--postgres-image", &set.postgres_image)})
    if (!is_image_reference(*image)) return wrong(flag, *image, "no image: REGISTRY/NAME:TAG");
  for (const std::string& host : set.hosts)
    if (!is_dns_subdomain(host)) return wrong("--host", host, "no name of a host");
  const auto digits = set.storage.find_first_not_of("0123456789");
  const std::string unit = digits == std::string::npos ? "" : set.storage.substr(digits);
  if (digits == 0 || set.storage.front() == '0' || (unit != "Mi" && unit != "Gi" && unit != "Ti"))
    return wrong("--storage", set.storage, "a size such as 10Gi");
  return {};
}

/// Nothing a server of data needs: no root, no kernel rights, no other program's files.
Tree locked_container() {
  return Tree{{"allowPrivilegeEscalation", false},
              {"readOnlyRootFilesystem", true},
              {"capabilities", Tree{{"drop", Array{"ALL"}}}}};
}

Tree locked_pod(int user) {
  return Tree{{"runAsNonRoot", true},
              {"runAsUser", user},
              {"runAsGroup", user},
              {"fsGroup", user},
              {"seccompProfile", Tree{{"type", "RuntimeDefault"}}}};
}

Tree secret_env(std::string_view variable, std::string_view secret, std::string_view key) {
  return Tree{{"name", variable},
              {"valueFrom", Tree{{"secretKeyRef", Tree{{"name", secret}, {"key", key}}}}}};
}

Tree resources(std::string_view cpu, std::string_view memory) {
  return Tree{{"requests", Tree{{"cpu", cpu}, {"memory", memory}}},
              {"limits", Tree{{"memory", memory}}}};
}

/// Builds the objects of one set; each function is one object.
class Maker {
 public:
  explicit Maker(const ServeSet& set) : set_(set), database_(set.name + "-postgres") {}

  Tree service_account() const {
    auto made = typed("v1", "ServiceAccount", meta(set_.name), {});
    made.erase("spec");
    made["automountServiceAccountToken"] = false;  // it asks the cluster for nothing
    return made;
  }

  Tree database() const {
    Tree container{
        {"name", "postgres"},
        {"image", set_.postgres_image},
        {"env", Array{Tree{{"name", "POSTGRES_USER"}, {"value", "kneepoint"}},
                      Tree{{"name", "POSTGRES_DB"}, {"value", "kneepoint"}},
                      // A folder below the volume: its root may hold lost+found.
                      Tree{{"name", "PGDATA"}, {"value", "/data/pgdata"}},
                      secret_env("POSTGRES_PASSWORD", set_.database_secret, "password")}},
        {"ports", Array{Tree{{"name", "postgres"}, {"containerPort", kPostgres}}}},
        {"resources", resources("250m", "512Mi")}};
    const Tree ask{{"exec", Tree{{"command", Array{"pg_isready", "--username=kneepoint",
                                                   "--dbname=kneepoint", "--host=127.0.0.1"}}}},
                   {"periodSeconds", 10},
                   {"timeoutSeconds", 5}};
    auto slowly = ask;
    slowly["failureThreshold"] = 60;  // after a crash it may read its log for minutes
    container["startupProbe"] = std::move(slowly);
    container["readinessProbe"] = ask;
    container["livenessProbe"] = ask;
    container["volumeMounts"] =
        Array{mount("data", "/data"), mount("run", "/var/run/postgresql"), mount("tmp", "/tmp")};
    container["securityContext"] = locked_container();

    Tree claim{{"accessModes", Array{"ReadWriteOnce"}},
               {"resources", Tree{{"requests", Tree{{"storage", set_.storage}}}}}};
    if (!set_.storage_class.empty()) claim["storageClassName"] = set_.storage_class;
    Tree pod{{"automountServiceAccountToken", false},
             {"terminationGracePeriodSeconds", 60},
             {"securityContext", locked_pod(kPostgresUser)},
             {"containers", Array{std::move(container)}},
             {"volumes", Array{empty("run"), empty("tmp")}}};
    Tree spec{{"serviceName", database_},
              {"replicas", 1},
              {"selector", Tree{{"matchLabels", labels(database_)}}},
              {"template",
               Tree{{"metadata", Tree{{"labels", labels(database_)}}}, {"spec", std::move(pod)}}},
              {"volumeClaimTemplates",
               Array{Tree{{"metadata", Tree{{"name", "data"}}}, {"spec", std::move(claim)}}}}};
    return typed("apps/v1", "StatefulSet", meta(database_), std::move(spec));
  }

  Tree database_service() const {
    return typed(
        "v1", "Service", meta(database_),
        Tree{{"clusterIP", "None"},
             {"selector", labels(database_)},
             {"ports",
              Array{Tree{{"name", "postgres"}, {"port", kPostgres}, {"targetPort", "postgres"}}}}});
  }

  Tree server() const {
    const bool tls = !set_.tls_secret.empty();
    Tree container{{"name", "serve"},
                   {"image", set_.image},
                   {"args", arguments()},
                   {"env", Array{secret_env("PGPASSWORD", set_.database_secret, "password"),
                                 Tree{{"name", "HOME"}, {"value", "/home/kneepoint"}}}},
                   {"ports", Array{Tree{{"name", "http"}, {"containerPort", kHttp}},
                                   Tree{{"name", "grpc"}, {"containerPort", kGrpc}}}},
                   {"resources", resources("500m", "1Gi")}};
    const auto probe = [&](std::string_view path, int failures) {
      Tree ask{{"path", path}, {"port", "http"}};
      if (tls) ask["scheme"] = "HTTPS";
      return Tree{{"httpGet", std::move(ask)},
                  {"periodSeconds", 5},
                  {"timeoutSeconds", 3},
                  {"failureThreshold", failures}};
    };
    // The first start fills the store from the catalog, and waits for the database.
    container["startupProbe"] = probe("/healthz", 60);
    container["readinessProbe"] = probe("/readyz", 2);
    container["livenessProbe"] = probe("/healthz", 6);
    // Whoever balances load looks away before the door closes.
    container["lifecycle"] = Tree{{"preStop", Tree{{"sleep", Tree{{"seconds", 5}}}}}};
    Array mounts{mount("tokens", kTokens, true), mount("home", "/home/kneepoint"),
                 mount("tmp", "/tmp")};
    Array volumes{secret_volume("tokens", set_.token_secret), empty("home"), empty("tmp")};
    if (tls) {
      mounts.emplace_back(mount("tls", kTls, true));
      volumes.emplace_back(secret_volume("tls", set_.tls_secret));
    }
    container["volumeMounts"] = std::move(mounts);
    container["securityContext"] = locked_container();
    const Tree spread{{"maxSkew", 1},
                      {"topologyKey", "kubernetes.io/hostname"},
                      {"whenUnsatisfiable", "ScheduleAnyway"},
                      {"labelSelector", Tree{{"matchLabels", labels(set_.name)}}}};
    Tree pod{{"serviceAccountName", set_.name},
             {"automountServiceAccountToken", false},
             {"terminationGracePeriodSeconds", 30},
             {"securityContext", locked_pod(kServerUser)},
             {"topologySpreadConstraints", Array{spread}},
             {"containers", Array{std::move(container)}},
             {"volumes", std::move(volumes)}};
    Tree spec{{"replicas", set_.replicas},
              {"strategy", Tree{{"rollingUpdate", Tree{{"maxUnavailable", 0}, {"maxSurge", 1}}}}},
              {"selector", Tree{{"matchLabels", labels(set_.name)}}},
              {"template",
               Tree{{"metadata", Tree{{"labels", labels(set_.name)}}}, {"spec", std::move(pod)}}}};
    return typed("apps/v1", "Deployment", meta(set_.name), std::move(spec));
  }

  Tree server_service() const {
    const bool tls = !set_.tls_secret.empty();
    const auto port = [](std::string_view name, int number, const char* protocol) {
      return Tree{
          {"name", name}, {"port", number}, {"targetPort", name}, {"appProtocol", protocol}};
    };
    return typed("v1", "Service", meta(set_.name),
                 Tree{{"selector", labels(set_.name)},
                      {"ports", Array{port("http", kHttp, tls ? "https" : "http"),
                                      port("grpc", kGrpc, tls ? "https" : "kubernetes.io/h2c")}}});
  }

  Tree disruption_budget() const {
    return typed(
        "policy/v1", "PodDisruptionBudget", meta(set_.name),
        Tree{{"maxUnavailable", 1}, {"selector", Tree{{"matchLabels", labels(set_.name)}}}});
  }

  /// Only the server reaches the database, and the database reaches nobody.
  Tree database_policy() const {
    return typed(
        "networking.k8s.io/v1", "NetworkPolicy", meta(database_),
        Tree{{"podSelector", Tree{{"matchLabels", labels(database_)}}},
             {"policyTypes", Array{"Ingress", "Egress"}},
             {"ingress",
              Array{Tree{
                  {"from", Array{Tree{{"podSelector", Tree{{"matchLabels", labels(set_.name)}}}}}},
                  {"ports", ports({kPostgres})}}}}});
  }

  /// Anybody with a token reaches the server; it reaches its database and the name service.
  Tree server_policy() const {
    Array dns;
    for (const char* protocol : {"UDP", "TCP"})
      dns.emplace_back(Tree{{"protocol", protocol}, {"port", 53}});
    return typed(
        "networking.k8s.io/v1", "NetworkPolicy", meta(set_.name),
        Tree{{"podSelector", Tree{{"matchLabels", labels(set_.name)}}},
             {"policyTypes", Array{"Ingress", "Egress"}},
             {"ingress", Array{Tree{{"ports", ports({kHttp, kGrpc})}}}},
             {"egress", Array{Tree{{"to", Array{Tree{{"podSelector",
                                                      Tree{{"matchLabels", labels(database_)}}}}}},
                                   {"ports", ports({kPostgres})}},
                              Tree{{"ports", std::move(dns)}}}}});
  }

  const std::string& database_name() const { return database_; }

 private:
  ObjectMeta meta(const std::string& name) const {
    ObjectMeta made;
    made.name = name;
    made.namespace_name = set_.namespace_name;
    made.labels = {{"app.kubernetes.io/name", name},
                   {"app.kubernetes.io/instance", set_.name},
                   {"app.kubernetes.io/managed-by", "kneepoint"}};
    return made;
  }
  Tree labels(const std::string& name) const {
    return Tree{{"app.kubernetes.io/name", name}, {"app.kubernetes.io/instance", set_.name}};
  }
  static Tree mount(std::string_view name, std::string_view path, bool read_only = false) {
    Tree made{{"name", name}, {"mountPath", path}};
    if (read_only) made["readOnly"] = true;
    return made;
  }
  static Tree empty(std::string_view name) { return Tree{{"name", name}, {"emptyDir", Tree{}}}; }
  /// The server refuses a token file that others can read; the group is the pod's own.
  static Tree secret_volume(std::string_view name, std::string_view secret) {
    return Tree{{"name", name}, {"secret", Tree{{"secretName", secret}, {"defaultMode", 0440}}}};
  }
  static Array ports(std::initializer_list<int> numbers) {
    Array made;
    for (const int number : numbers) made.emplace_back(Tree{{"protocol", "TCP"}, {"port", number}});
    return made;
  }
  Array arguments() const {
    Array made{"serve", fmt::format("--http=0.0.0.0:{}", kHttp),
               fmt::format("--grpc=0.0.0.0:{}", kGrpc),
               fmt::format("--store=postgresql://kneepoint@{}/kneepoint", database_),
               fmt::format("--token-file={}/tokens", kTokens)};
    if (!set_.tls_secret.empty()) {
      made.emplace_back(fmt::format("--tls-cert={}/tls.crt", kTls));
      made.emplace_back(fmt::format("--tls-key={}/tls.key", kTls));
    }
    if (!set_.hosts.empty()) {
      // Inside the cluster it goes by the names of its Service.
      made.emplace_back("--allowed-host=" + set_.name);
      if (!set_.namespace_name.empty()) {
        for (const char* below : {"", ".svc", ".svc.cluster.local"})
          made.emplace_back(
              fmt::format("--allowed-host={}.{}{}", set_.name, set_.namespace_name, below));
      }
    }
    for (const std::string& host : set_.hosts) made.emplace_back("--allowed-host=" + host);
    if (set_.read_only) made.emplace_back("--read-only");
    return made;
  }

  const ServeSet& set_;
  const std::string database_;
};

}  // namespace

Result<Manifest> serve_set(const ServeSet& set) {
  if (auto fine = check(set); !fine) return fail(std::move(fine.error()));
  const Maker maker(set);
  Manifest manifest;
  manifest.platform = Platform::Kubernetes;
  manifest.manifest_version = kManifestVersion;
  const auto add = [&](Tree doc) {
    const auto text = [&](const json::Value& value) { return std::string(value.as_string()); };
    Emitted object{text(doc.at("kind")),
                   text(doc.at("apiVersion")),
                   text(doc.at("metadata").as_object().at("name")),
                   {}};
    object.doc = std::move(doc);
    manifest.objects.push_back(std::move(object));
  };
  add(maker.service_account());
  add(maker.database_policy());
  add(maker.database_service());
  add(maker.database());
  add(maker.server_policy());
  add(maker.server_service());
  add(maker.disruption_budget());
  add(maker.server());

  const std::string where =
      set.namespace_name.empty() ? "" : fmt::format(" --namespace={}", set.namespace_name);
  auto& say = manifest.comments;
  say.emplace_back("The Secrets come first; nothing of them is in these objects:");
  say.push_back(fmt::format("  kubectl create secret generic {}{} --from-file=tokens=TOKEN_FILE",
                            set.token_secret, where));
  say.push_back(
      fmt::format("  openssl rand -hex 32 | tr -d '\\n' | kubectl create secret generic {}{} "
                  "--from-file=password=/dev/stdin",
                  set.database_secret, where));
  if (!set.tls_secret.empty())
    say.push_back(fmt::format("  kubectl create secret tls {}{} --cert=tls.crt --key=tls.key",
                              set.tls_secret, where));
  else
    say.emplace_back(
        "Without --tls-secret tokens travel in clear: put an ingress or a mesh that ends "
        "TLS in front.");
  say.push_back(
      fmt::format("Then: kubectl{} rollout status deployment/{}, and to look at it: "
                  "kubectl{} port-forward service/{} {}",
                  where, set.name, where, set.name, kHttp));
  say.emplace_back(
      "A token file has a line for each caller: NAME RIGHT TOKEN, right being read, write "
      "or deploy.");
  return manifest;
}

}  // namespace kneepoint::manifest

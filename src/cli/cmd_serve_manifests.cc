#include "base/file.h"
#include "cli/commands.h"
#include "manifest/serve_set.h"

namespace kneepoint::cli {

Result<void> serve_manifests(Run& run) {
  const Parsed& args = run.args();
  manifest::ServeSet set;
  set.image = args.text("--image");
  set.namespace_name = args.text("--namespace");
  set.name = args.text("--name");
  set.replicas = static_cast<int>(args.integer("--replicas").value_or(set.replicas));
  set.token_secret = args.text("--token-secret");
  set.database_secret = args.text("--database-secret");
  set.tls_secret = args.text("--tls-secret");
  set.hosts = args.list("--host");
  set.postgres_image = args.text("--postgres-image");
  set.storage = args.text("--storage");
  set.storage_class = args.text("--storage-class");
  set.read_only = args.on("--read-only");
  const auto made = manifest::serve_set(set);
  if (!made) return fail(made.error());
  const std::string text = manifest::to_yaml_text(*made, manifest::Output::All);
  const auto path = args.maybe_text("--output-path");
  if (!path) {
    run.out(text);
    return {};
  }
  if (auto written = write_file(*path, text); !written) return written;
  run.out("Output saved to " + *path + "\n");
  return {};
}

}  // namespace kneepoint::cli

#pragma once

#include <array>

#include "app/serve_flags.h"
#include "cli/command_table.h"

/// The flags of `serve`, which hands them on to kneepoint-serve: app/serve_flags.h declares them.
namespace kneepoint::cli {

constexpr Flag flag_of(const app::ServeFlag& flag) {
  using Kind = app::ServeFlag::Kind;
  const FlagType type = flag.kind == Kind::Path      ? FlagType::Path
                        : flag.kind == Kind::Integer ? FlagType::Integer
                        : flag.kind == Kind::Number  ? FlagType::Number
                        : flag.kind == Kind::Switch  ? FlagType::Switch
                                                     : FlagType::Text;
  return {.name = flag.name,
          .type = type,
          .value = flag.value,
          .unit = flag.unit,
          .group = flag.name == "--log-file" ? FlagGroup::Output : FlagGroup::Query,
          .sentence = flag.sentence,
          .fallback = flag.fallback,
          .min = flag.min,
          .max = flag.max,
          .repeatable = flag.repeatable};
}

inline constexpr auto kServeFlags = [] {
  std::array<Flag, app::kServeFlags.size()> all{};
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = flag_of(app::kServeFlags[i]);
  return all;
}();

/// The flags of `manifests serve`.
inline constexpr std::array kServeManifestFlags{
    Flag{.name = "--image",
         .value = "IMAGE",
         .sentence = "The image of the server, as tools/oci-image makes it.",
         .required = true},
    Flag{.name = "--namespace",
         .value = "NAME",
         .sentence = "The namespace; without it, the one that kubectl is set to."},
    Flag{.name = "--name",
         .value = "NAME",
         .sentence = "What the objects are called, or their names begin with.",
         .fallback = "kneepoint"},
    Flag{.name = "--replicas",
         .type = FlagType::Integer,
         .value = "N",
         .sentence = "How many servers share the database.",
         .fallback = "2",
         .min = 1,
         .max = 100},
    Flag{.name = "--token-secret",
         .value = "NAME",
         .sentence = "The Secret with the token file, under the key tokens.",
         .fallback = "kneepoint-tokens"},
    Flag{.name = "--database-secret",
         .value = "NAME",
         .sentence = "The Secret with the database's password, under the key password.",
         .fallback = "kneepoint-postgres"},
    Flag{.name = "--tls-secret",
         .value = "NAME",
         .sentence = "A Secret of the kind that `kubectl create secret tls` makes; with it the "
                     "server speaks TLS."},
    Flag{.name = "--host",
         .value = "NAME",
         .sentence = "A name that clients use, such as that of an ingress; may be given again. "
                     "Other names than these and the Service's own are then refused.",
         .repeatable = true},
    Flag{.name = "--postgres-image",
         .value = "IMAGE",
         .sentence = "The image of the database.",
         .fallback = "postgres:17"},
    Flag{.name = "--storage",
         .value = "SIZE",
         .sentence = "The database's volume.",
         .fallback = "10Gi"},
    Flag{.name = "--storage-class",
         .value = "NAME",
         .sentence = "Its class; without it, the cluster's default."},
    Flag{.name = "--read-only",
         .type = FlagType::Switch,
         .sentence = "Nobody can write, whatever their token says."},
    Flag{.name = "--output-path",
         .type = FlagType::Path,
         .value = "FILE",
         .group = FlagGroup::Output,
         .sentence = "Write to this file instead of standard output."},
};

}  // namespace kneepoint::cli

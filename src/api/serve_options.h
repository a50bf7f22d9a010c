#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace kneepoint::api {

/// The flags of kneepoint-serve as values; app/serve_flags.h declares them, with their defaults.
struct ServeOptions {
  std::string http, grpc;             // "off": that door stays shut
  std::string store;                  // empty: as every command
  std::vector<std::string> catalogs;  // overlays, lowest first
  std::string token_file, tls_cert, tls_key, client_ca;
  std::vector<std::string> allowed_hosts;
  bool read_only = false, allow_deploy = false;
  std::string web;   // empty: where the program's files lie; "off": none
  std::string runs;  // empty: the user's
  std::optional<double> rate_limit;
  std::string log_file;     // empty: standard error
  std::size_t threads = 0;  // that answer; 0: one per processor
  std::size_t queue = 0;
  std::size_t cache_mib = 0;
  double drain_seconds = 0;
  /// For measuring: the bytes of this file are the answer to POST /bench/canned and to
  /// /kneepoint.bench/Canned.
  std::string canned;
  bool help = false, version = false;
};

/// `--name=value` and `--name value`; defaults where nothing is given. InvalidArgument names the
/// flag.
Result<ServeOptions> parse_serve_options(std::span<const std::string> arguments);
std::string serve_help();

}  // namespace kneepoint::api

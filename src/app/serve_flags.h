#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string_view>

/// The flags of the server, declared once. `kneepoint serve` shows them to people and hands them
/// on; kneepoint-serve reads them: both take names, limits and defaults from here.
namespace kneepoint::app {

struct ServeFlag {
  enum class Kind : std::uint8_t { Text, Path, Integer, Number, Switch };

  std::string_view name;  // "--http"
  Kind kind = Kind::Text;
  std::string_view value = {};  // what stands for the value in help; a Switch has none
  std::string_view unit = {};
  std::string_view sentence = {};
  std::string_view fallback = {};  // the default, as text; empty: none
  double min = 0;                  // of Integer and Number
  double max = std::numeric_limits<double>::max();
  bool repeatable = false;
};

inline constexpr std::array kServeFlags{
    ServeFlag{.name = "--http",
              .value = "ADDR:PORT",
              .sentence = "Where REST, events and the console are; port 0 takes any that is free, "
                          "\"off\" opens none. An address that other machines reach needs "
                          "--token-file or --client-ca.",
              .fallback = "127.0.0.1:8080"},
    ServeFlag{.name = "--grpc",
              .value = "ADDR:PORT",
              .sentence = "Where gRPC is, by the same rules.",
              .fallback = "127.0.0.1:8081"},
    ServeFlag{.name = "--token-file",
              .kind = ServeFlag::Kind::Path,
              .value = "FILE",
              .sentence = "Who may ask: a line for each caller with name, right (read, write or "
                          "deploy) and token, or sha256: and its hash. Closed to others (chmod "
                          "600); read again when it changes."},
    ServeFlag{.name = "--tls-cert",
              .kind = ServeFlag::Kind::Path,
              .value = "FILE",
              .sentence = "Serve over TLS with this certificate and its chain, in PEM; read again "
                          "when it changes. With --tls-key."},
    ServeFlag{.name = "--tls-key",
              .kind = ServeFlag::Kind::Path,
              .value = "FILE",
              .sentence = "The key of --tls-cert, in PEM."},
    ServeFlag{.name = "--client-ca",
              .kind = ServeFlag::Kind::Path,
              .value = "FILE",
              .sentence = "Only clients with a certificate that this authority signed, in PEM; "
                          "with --tls-cert."},
    ServeFlag{.name = "--allowed-host",
              .value = "NAME",
              .sentence = "A name that clients reach this server by, beside localhost and "
                          "addresses; may be given again. Requests for other names are refused, so "
                          "that no page of another site can pass itself off as this one.",
              .repeatable = true},
    ServeFlag{.name = "--read-only",
              .kind = ServeFlag::Kind::Switch,
              .sentence = "Nobody can write or deploy, whatever their token says."},
    ServeFlag{
        .name = "--allow-deploy",
        .kind = ServeFlag::Kind::Switch,
        .sentence = "Callers with the right may deploy, through the kubeconfig of this program."},
    ServeFlag{.name = "--rate-limit",
              .kind = ServeFlag::Kind::Number,
              .value = "REQUESTS",
              .unit = "requests/s",
              .sentence = "Requests per second of one caller, a token or an address; 0 for no "
                          "limit. Without it, no limit on this machine's own addresses and 200 "
                          "elsewhere.",
              .max = 1e6},
    ServeFlag{.name = "--web",
              .value = "DIR",
              .sentence = "The files of the console; \"off\" for none. Without it, those installed "
                          "with the program."},
    ServeFlag{.name = "--runs",
              .kind = ServeFlag::Kind::Path,
              .value = "DIR",
              .sentence = "The load runs to show. Without it, your own."},
    ServeFlag{.name = "--threads",
              .kind = ServeFlag::Kind::Integer,
              .value = "N",
              .sentence = "Requests that are worked on at once. Without it, one per processor.",
              .min = 1,
              .max = 1024},
    ServeFlag{.name = "--queue",
              .kind = ServeFlag::Kind::Integer,
              .value = "N",
              .sentence = "Requests that may wait for a thread; more are answered 503.",
              .fallback = "256",
              .max = 1e6},
    ServeFlag{.name = "--cache-mib",
              .kind = ServeFlag::Kind::Integer,
              .value = "MIB",
              .unit = "MiB",
              .sentence = "Memory for answers that are kept until what they say changes.",
              .fallback = "64",
              .max = 1 << 20},
    ServeFlag{.name = "--drain-seconds",
              .kind = ServeFlag::Kind::Number,
              .value = "SECONDS",
              .unit = "seconds",
              .sentence = "How long requests under way have when the program is told to end.",
              .fallback = "10",
              .max = 3600},
    ServeFlag{
        .name = "--log-file",
        .kind = ServeFlag::Kind::Path,
        .value = "FILE",
        .sentence = "Where the log goes, one JSON object a line; without it, standard error."},
};

}  // namespace kneepoint::app

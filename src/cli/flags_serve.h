#pragma once

#include <array>

#include "cli/command_table.h"

/// The flags of `serve`. kneepoint-serve, which it starts, takes the same ones and checks what only
/// it can know: see docs/serve.md.
namespace kneepoint::cli {

inline constexpr std::array kServeFlags{
    Flag{.name = "--http",
         .value = "ADDR:PORT",
         .sentence = "Where REST, events and the console are; port 0 takes any that is free, "
                     "\"off\" opens none. An address that other machines reach needs --token-file "
                     "or --client-ca.",
         .fallback = "127.0.0.1:8080"},
    Flag{.name = "--grpc",
         .value = "ADDR:PORT",
         .sentence = "Where gRPC is, by the same rules.",
         .fallback = "127.0.0.1:8081"},
    Flag{.name = "--token-file",
         .type = FlagType::Path,
         .value = "FILE",
         .sentence = "Who may ask: a line for each caller with name, right (read, write or deploy) "
                     "and token, or sha256: and its hash. Closed to others (chmod 600); read again "
                     "when it changes."},
    Flag{.name = "--tls-cert",
         .type = FlagType::Path,
         .value = "FILE",
         .sentence = "Serve over TLS with this certificate and its chain, in PEM; read again when "
                     "it changes. With --tls-key."},
    Flag{.name = "--tls-key",
         .type = FlagType::Path,
         .value = "FILE",
         .sentence = "The key of --tls-cert, in PEM."},
    Flag{.name = "--client-ca",
         .type = FlagType::Path,
         .value = "FILE",
         .sentence = "Only clients with a certificate that this authority signed, in PEM; with "
                     "--tls-cert."},
    Flag{.name = "--allowed-host",
         .value = "NAME",
         .sentence = "A name that clients reach this server by, beside localhost and addresses; "
                     "may be given again. Requests for other names are refused, so that no page of "
                     "another site can pass itself off as this one.",
         .repeatable = true},
    Flag{.name = "--read-only",
         .type = FlagType::Switch,
         .sentence = "Nobody can write or deploy, whatever their token says."},
    Flag{.name = "--allow-deploy",
         .type = FlagType::Switch,
         .sentence = "Callers with the right may deploy, through the kubeconfig of this program."},
    Flag{.name = "--rate-limit",
         .type = FlagType::Number,
         .value = "REQUESTS",
         .unit = "requests/s",
         .sentence = "Requests per second of one caller, a token or an address; 0 for no limit. "
                     "Without it, no limit on this machine's own addresses and 200 elsewhere.",
         .min = 0,
         .max = 1e6},
    Flag{.name = "--web",
         .value = "DIR",
         .sentence = "The files of the console; \"off\" for none. Without it, those installed with "
                     "the program."},
    Flag{.name = "--runs",
         .type = FlagType::Path,
         .value = "DIR",
         .sentence = "The load runs to show. Without it, your own."},
    Flag{.name = "--threads",
         .type = FlagType::Integer,
         .value = "N",
         .sentence = "Requests that are worked on at once. Without it, one per processor.",
         .min = 1,
         .max = 1024},
    Flag{.name = "--queue",
         .type = FlagType::Integer,
         .value = "N",
         .sentence = "Requests that may wait for a thread; more are answered 503.",
         .fallback = "256",
         .min = 0,
         .max = 1e6},
    Flag{.name = "--cache-mib",
         .type = FlagType::Integer,
         .value = "MIB",
         .unit = "MiB",
         .sentence = "Memory for answers that are kept until what they say changes.",
         .fallback = "64",
         .min = 0,
         .max = 1 << 20},
    Flag{.name = "--drain-seconds",
         .type = FlagType::Number,
         .value = "SECONDS",
         .unit = "seconds",
         .sentence = "How long requests under way have when the program is told to end.",
         .fallback = "10",
         .min = 0,
         .max = 3600},
    Flag{.name = "--log-file",
         .type = FlagType::Path,
         .value = "FILE",
         .group = FlagGroup::Output,
         .sentence = "Where the log goes, one JSON object a line; without it, standard error."},
};

}  // namespace kneepoint::cli

#include <re2/re2.h>

#include <array>
#include <memory>

#include "doctor/finding.h"

namespace kneepoint::doctor {
namespace {

struct Secret {
  RE2 pattern;
  const char* shown;  // \1 is what may stay
};

/// Made on first use: most runs find nothing to mask.
const std::array<Secret, 9>& secrets() {
  static const auto* all = [] {
    RE2::Options options;
    options.set_encoding(RE2::Options::EncodingLatin1);
    options.set_log_errors(false);
    const auto secret = [&](const char* pattern, const char* shown) {
      return Secret{RE2(pattern, options), shown};
    };
    return new std::array<Secret, 9>{
        secret(R"(\b(hf_|hf_oauth_)[A-Za-z0-9]{6,})", R"(\1***)"),
        secret(R"(\b(gh[pousr]_|github_pat_|sk-|xox[abpr]-|nvapi-|glpat-)[A-Za-z0-9_\-]{8,})",
               R"(\1***)"),
        secret(R"(\b(AKIA|ASIA)[0-9A-Z]{12,})", R"(\1***)"),
        secret(R"(\b(AIza|ya29\.)[A-Za-z0-9_\-.]{10,})", R"(\1***)"),
        secret(R"(\b(eyJ)[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]*)?)", R"(\1***)"),
        secret(R"((?i)\b((?:bearer|basic)\s+)[A-Za-z0-9._~+/=\-]{6,})", R"(\1***)"),
        secret(
            R"((?i)((?:secret|token|passwd|password|api[_-]?key|access[_-]?key|credential)[a-z_\-]*\\?["']?\s*[=:]\s*\\?["']?)[^\s"'\\,;&}]{6,})",
            R"(\1***)"),
        secret(R"(([a-z][a-z0-9+.\-]*://[^\s/:@]*:)[^\s/@]+(@))", R"(\1***\2)"),
        secret(R"((-----BEGIN [A-Z ]*PRIVATE KEY-----).*)", R"(\1***)"),
    };
  }();
  return *all;
}

}  // namespace

std::string mask_secrets(std::string_view text) {
  std::string out(text);
  for (const Secret& each : secrets()) RE2::GlobalReplace(&out, each.pattern, each.shown);
  return out;
}

bool holds_secret(std::string_view text) {
  for (const Secret& each : secrets()) {
    if (RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), each.pattern)) return true;
  }
  return false;
}

}  // namespace kneepoint::doctor

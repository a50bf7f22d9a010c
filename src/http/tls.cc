#include "http/tls.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstring>

namespace kneepoint::http {

Result<std::shared_ptr<TlsContext>> open_tls(const std::string& host, const TlsOptions& options) {
  const std::filesystem::path path = options.module_folder / "kneepoint-http-tls.so";
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    return fail(ErrorCode::Unavailable,
                fmt::format("https needs {}, which is not there: install the whole kneepoint "
                            "package",
                            path.string()));
  }
  // Never closed: contexts and sessions made by it may outlive any scope here.
  void* module = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) {
    const char* why = ::dlerror();
    return fail(ErrorCode::Unavailable,
                fmt::format("https cannot be loaded ({}): install the package libssl3",
                            why != nullptr ? why : "unknown reason"));
  }
  const auto* found = static_cast<const TlsModule*>(::dlsym(module, kTlsModuleSymbol));
  if (found == nullptr || std::strcmp(found->build, kTlsModuleBuild) != 0) {
    return fail(ErrorCode::Incompatible,
                fmt::format("{} comes from another build than this program: install both from one "
                            "package",
                            path.string()));
  }
  return found->open(host, options);
}

}  // namespace kneepoint::http

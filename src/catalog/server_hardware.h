#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.h"

namespace kneepoint::catalog {

/// The format of a checkpoint's weights, in the words of the catalog's table server_hardware:
/// "bf16", "fp16", "fp8", "int8", "int4", "nvfp4", "mxfp4"; empty where the checkpoint does not
/// say.
std::string checkpoint_format(const Model& model);

/// The table server_hardware: which accelerators a model server runs on, with which weights.
class ServerHardware {
 public:
  /// Rows of a higher layer replace those of a lower one by server, vendor and architecture. The
  /// catalog outlives this.
  explicit ServerHardware(const Catalog& catalog);

  /// Whether the table says anything about the server.
  bool knows(std::string_view server) const;
  /// Whether the server runs on the accelerator at all, with some weights.
  bool runs_on(std::string_view server, const Accelerator& accelerator) const;
  /// The newest release that does; empty: every one, or it does not run there at all.
  std::string_view newest(std::string_view server, const Accelerator& accelerator) const;
  /// Whether that release, or one before it, is this one. Versions that cannot be compared are.
  bool runs_release(std::string_view server, const Accelerator& accelerator,
                    std::string_view version) const;
  /// Whether it does with these weights. An unstated format needs a row that has fp8 and
  /// int4, what such checkpoints hold.
  bool runs(std::string_view server, const Accelerator& accelerator, std::string_view format) const;
  /// The server and its builds for hardware of their own ("vllm": vllm-tpu, vllm-ascend ...).
  std::vector<std::string> family(std::string_view server) const;

 private:
  struct Row {
    std::string_view server, vendor, arch, weights, family, newest;
  };
  const Row* row(std::string_view server, const Accelerator& accelerator) const;

  std::vector<Row> rows_;
};

}  // namespace kneepoint::catalog

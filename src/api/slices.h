#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <memory>
#include <string>
#include <vector>

#include "api/answer_cache.h"

namespace kneepoint::api {

/// Shares the bytes instead of copying them: a kept answer is sent as it lies.
inline grpc::ByteBuffer buffer_of(Bytes bytes) {
  const auto* held = new Bytes(std::move(bytes));
  // gRPC only reads what it is given; its C interface has no const.
  const grpc::Slice slice(
      const_cast<char*>((*held)->data()), (*held)->size(),
      [](void* of) { delete static_cast<const Bytes*>(of); }, const_cast<Bytes*>(held));
  return {&slice, 1};
}

inline std::string text_of(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok()) return {};
  std::string out;
  out.reserve(buffer.Length());
  for (const grpc::Slice& slice : slices) {
    out.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return out;
}

}  // namespace kneepoint::api

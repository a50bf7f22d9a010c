#include "api/services.h"

#include <google/cloud/gkerecommender/v1/gkerecommender.pb.h>
#include <kneepoint/v1/kneepoint.pb.h>

#include <array>

namespace kneepoint::api {

std::span<const Service> services() {
  // A generated file nobody names would be left out by the linker, descriptors and all; a name that
  // is not used is dropped by an optimizing compiler.
  google::protobuf::LinkMessageReflection<google::cloud::gkerecommender::v1::Profile>();
  google::protobuf::LinkMessageReflection<::kneepoint::v1::Info>();
  static const std::array kAll{
      Service{"google.cloud.gkerecommender.v1.GkeInferenceQuickstart", verbs::gkerecommender()},
      Service{"kneepoint.v1.Kneepoint", verbs::kneepoint_v1()}};
  return kAll;
}

}  // namespace kneepoint::api

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/cloud/gkerecommender/v1/gkerecommender.pb.h>
#include <google/protobuf/descriptor.h>

#include <set>

#include "base/file.h"
#include "base/text.h"

// The .proto held against the table of the published messages, field by field.
namespace kneepoint::api {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;

constexpr int kFirstPrivateNumber = 1001;
const std::string kPackage = "google.cloud.gkerecommender.v1.";

std::vector<std::vector<std::string>> table() {
  const auto text = read_file(KP_SOURCE_DIR "/tests/data/gkerecommender.csv");
  EXPECT_TRUE(text);
  std::vector<std::vector<std::string>> rows;
  for (const std::string_view line : split(*text, '\n')) {
    std::vector<std::string> row;
    for (const std::string_view cell : split(line, ',')) row.emplace_back(cell);
    if (row.size() == 6) rows.push_back(std::move(row));
  }
  rows.erase(rows.begin());
  return rows;
}
std::string type_of(const FieldDescriptor& field) {
  return field.message_type() != nullptr ? field.message_type()->name() : field.type_name();
}

TEST(TheProto, HasEveryFieldOfTheTable) {
  const auto rows = table();
  ASSERT_EQ(rows.size(), 102u);
  std::size_t published = 0;
  for (const auto& row : rows) {
    const Descriptor* message =
        DescriptorPool::generated_pool()->FindMessageTypeByName(kPackage + row[0]);
    ASSERT_NE(message, nullptr) << row[0];
    const FieldDescriptor* field = message->FindFieldByName(row[2]);
    ASSERT_NE(field, nullptr) << row[0] << "." << row[2];
    EXPECT_EQ(field->json_name(), row[3]);
    EXPECT_EQ(type_of(*field), row[5]) << field->full_name();
    EXPECT_EQ(field->is_repeated(), row[4] == "repeated") << field->full_name();
    if (row[1].empty()) {
      EXPECT_GE(field->number(), kFirstPrivateNumber) << field->full_name();
      continue;
    }
    ++published;
    EXPECT_EQ(std::to_string(field->number()), row[1]) << field->full_name();
    EXPECT_EQ(field->has_optional_keyword(), row[4] == "optional") << field->full_name();
  }
  EXPECT_EQ(published, 73u);
}

TEST(TheProto, HasNothingElseBelowThePrivateNumbers) {
  std::set<std::string> known;
  for (const auto& row : table()) known.insert(row[0] + "." + row[2]);
  const auto* file = google::cloud::gkerecommender::v1::Profile::descriptor()->file();
  for (int m = 0; m < file->message_type_count(); ++m) {
    const Descriptor& message = *file->message_type(m);
    for (int f = 0; f < message.field_count(); ++f) {
      const FieldDescriptor& field = *message.field(f);
      if (message.name() == "KneepointEvidence" || field.number() >= kFirstPrivateNumber) continue;
      EXPECT_TRUE(known.contains(message.name() + "." + field.name())) << field.full_name();
    }
    EXPECT_EQ(message.nested_type_count(), 0);
  }
}

TEST(TheProto, HasThePublishedServiceAndNoMore) {
  const auto* service =
      DescriptorPool::generated_pool()->FindServiceByName(kPackage + "GkeInferenceQuickstart");
  ASSERT_NE(service, nullptr);
  std::vector<std::string> rpcs;
  for (int i = 0; i < service->method_count(); ++i) {
    const auto& rpc = *service->method(i);
    EXPECT_EQ(rpc.input_type()->name(), rpc.name() + "Request");
    EXPECT_EQ(rpc.output_type()->name(), rpc.name() + "Response");
    EXPECT_FALSE(rpc.client_streaming() || rpc.server_streaming());
    rpcs.push_back(rpc.name());
  }
  EXPECT_THAT(rpcs, ::testing::UnorderedElementsAre(
                        "FetchModels", "FetchModelServers", "FetchModelServerVersions",
                        "FetchProfiles", "FetchBenchmarkingData", "GenerateOptimizedManifest"));
}

}  // namespace
}  // namespace kneepoint::api

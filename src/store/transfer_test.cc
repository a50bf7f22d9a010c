#include "store/transfer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "store/testing/random_profiles.h"
#include "store/testing/test_stores.h"

namespace kneepoint::store {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class Transfer : public testing::Test {
 protected:
  Transfer() {
    from_ = must(open(folder_ / "from.db", options()));
    to_ = must(open(folder_ / "to.db", options()));
    RandomProfiles random(1);
    must(replace(*from_, layer("catalog"), random.take(30)));
    must(from_->put_all(random.take(5)));
  }
  std::string exported(Which which) {
    std::ostringstream out;
    moved_ = must(export_lines(*from_, which, out));
    return out.str();
  }
  Result<Moved> import(const std::string& text, Which which) {
    std::istringstream in(text);
    return import_lines(*to_, which, in);
  }
  static std::vector<std::string> content(Store& store) {
    return texts_of(must(store.find({}, Detail::Full)));
  }

  TempFolder folder_;
  std::unique_ptr<Store> from_, to_;
  Moved moved_;
};

TEST_F(Transfer, OwnProfilesAreOneLineEach) {
  const std::string text = exported(Which::Own);
  EXPECT_THAT(text, StartsWith("{\"format\":\"kneepoint.profiles\",\"version\":1}\n{"));
  EXPECT_EQ(std::ranges::count(text, '\n'), 6);
  EXPECT_EQ(moved_.profiles, 5);
  EXPECT_THAT(text, testing::Not(HasSubstr("\"layer\"")));
  EXPECT_EQ(must(import(text, Which::Own)).points, moved_.points);
  EXPECT_EQ(must(to_->counts({})).profiles, 5);
}

TEST_F(Transfer, AllLayersComeBackEqual) {
  must(import(exported(Which::All), Which::All));
  EXPECT_EQ(content(*to_), content(*from_));
  EXPECT_EQ(must(to_->layers())[0].hash, "hash");
  const std::string again = exported(Which::All);
  std::swap(from_, to_);
  EXPECT_EQ(exported(Which::All), again);
}

TEST_F(Transfer, OwnIsTheDefaultAlsoForAFileWithAll) {
  EXPECT_EQ(must(import(exported(Which::All), Which::Own)).profiles, 5);
  EXPECT_EQ(must(to_->layers()).size(), 1u);
}

TEST_F(Transfer, AddsToOwnProfilesThatAreThere) {
  RandomProfiles other(8);
  profile::Profile mine = other.next();
  mine.id = "mine";
  must(to_->put(mine));
  must(import(exported(Which::Own), Which::Own));
  must(import(exported(Which::Own), Which::Own));
  EXPECT_EQ(must(to_->counts({})).profiles, 6);
}

TEST_F(Transfer, OneBadLineAndNothingIsImported) {
  std::string text = exported(Which::All);
  text += "{\"schema\":\"no such thing\"}\n";
  const Error bad = error_of(import(text, Which::All));
  EXPECT_THAT(bad.message, StartsWith("line 39: "));  // header, a layer, 30, own, 5, this
  EXPECT_EQ(must(to_->counts({})).profiles, 0);
  EXPECT_THAT(error_of(import("not json\n", Which::Own)).message, StartsWith("line 1: "));
  EXPECT_THAT(error_of(import("", Which::Own)).message, HasSubstr("the first line must be"));
  EXPECT_EQ(
      error_of(import("{\"format\":\"kneepoint.profiles\",\"version\":2}\n", Which::Own)).code,
      ErrorCode::Incompatible);
  const std::string header = "{\"format\":\"kneepoint.profiles\",\"version\":1}\n";
  EXPECT_THAT(error_of(import(header + "{\"layer\":{\"name\":\"x\"}}\n", Which::All)).message,
              StartsWith("line 2: layer: must have"));
}

TEST_F(Transfer, CopiesBetweenStores) {
  must(replace(*to_, layer("catalog"), RandomProfiles(7).take(3)));
  must(copy_layers(*from_, *to_));
  EXPECT_EQ(content(*to_), content(*from_));
}

}  // namespace
}  // namespace kneepoint::store

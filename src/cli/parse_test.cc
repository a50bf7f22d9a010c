#include "cli/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kneepoint::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using Line = std::vector<std::string>;

Parsed parsed(const Line& line) {
  Result<Parsed> result = parse(line);
  if (!result) {
    ADD_FAILURE() << result.error().message;
    return *parse(Line{"version"});
  }
  return *result;
}

std::string mistake(const Line& line) {
  const Result<Parsed> result = parse(line);
  if (result) return "parsed";
  EXPECT_EQ(result.error().code, ErrorCode::InvalidArgument);
  return result.error().message;
}

TEST(Parse, TakesAFlagWithEqualsOrWithABlank) {
  for (const Line& line : {Line{"profiles", "list", "--model=a/b", "--limit=3"},
                           Line{"profiles", "list", "--model", "a/b", "--limit", "3"}}) {
    const Parsed p = parsed(line);
    EXPECT_EQ(p.command().id, CommandId::ProfilesList);
    EXPECT_EQ(p.text("--model"), "a/b");
    EXPECT_EQ(p.integer("--limit"), 3);
  }
}

TEST(Parse, DefaultsStandInButAreNotGiven) {
  const Parsed p = parsed({"profiles", "list"});
  EXPECT_FALSE(p.given("--pricing-model"));
  EXPECT_EQ(p.text("--pricing-model"), "spot");
  EXPECT_EQ(p.number("--headroom"), 0.20);
  EXPECT_EQ(p.number("--output-input-cost-ratio"), 4);
  EXPECT_EQ(p.text("--statistic"), "closest");
  EXPECT_EQ(p.text("--provider"), "gcp");
  EXPECT_EQ(p.format().name, "profile");
  EXPECT_FALSE(p.maybe_text("--model"));
  EXPECT_FALSE(p.number("--target-ttft-milliseconds"));
  EXPECT_FALSE(p.maybe_text("--no-such-flag"));
}

TEST(Parse, GcloudLinesWorkWordForWord) {
  const Parsed p = parsed({"container", "ai", "profiles", "list", "--model=openai/gpt-oss-20b",
                           "--pricing-model=on-demand", "--target-ttft-milliseconds=300",
                           "--project=my-project", "--quiet", "--verbosity", "debug"});
  EXPECT_EQ(p.command().id, CommandId::ProfilesList);
  EXPECT_EQ(p.number("--target-ttft-milliseconds"), 300);
  EXPECT_EQ(parsed({"alpha", "container", "ai", "profiles", "accelerators", "list", "--model=x",
                    "--max-ntpot-milliseconds=50"})
                .integer("--target-ntpot-milliseconds"),
            50);
}

TEST(Parse, FlagsOfEveryCommandMayStandBetweenItsWords) {
  const Parsed p = parsed({"--catalog", "a", "container", "--project", "models", "ai", "profiles",
                           "--catalog=b", "models", "list"});
  EXPECT_EQ(p.command().id, CommandId::ModelsList);
  EXPECT_THAT(p.list("--catalog"), ElementsAre("a", "b"));
}

TEST(Parse, ListsAreSplitAndAddUp) {
  const Parsed p = parsed({"profiles", "list", "--accelerator-type=nvidia-l4,nvidia-h100-80gb",
                           "--accelerator-type", "amd-mi300x,"});
  EXPECT_THAT(p.list("--accelerator-type"),
              ElementsAre("nvidia-l4", "nvidia-h100-80gb", "amd-mi300x"));
}

TEST(Parse, TheLastOfARepeatedFlagCounts) {
  EXPECT_EQ(parsed({"profiles", "list", "--model=a", "--model=b"}).text("--model"), "b");
}

TEST(Parse, SwitchesCanBeTakenBack) {
  EXPECT_TRUE(parsed({"profiles", "list", "--evidence"}).on("--evidence"));
  EXPECT_FALSE(parsed({"profiles", "list"}).on("--evidence"));
  EXPECT_FALSE(parsed({"profiles", "list", "--evidence", "--no-evidence"}).on("--evidence"));
  EXPECT_THAT(mistake({"profiles", "list", "--show-rejected=maybe"}), HasSubstr("takes no value"));
}

TEST(Parse, ASwitchWithChoicesStandsAloneOrTakesOneOfThem) {
  EXPECT_EQ(parsed({"profiles", "list", "--evidence=measured"}).text("--evidence"), "measured");
  EXPECT_EQ(parsed({"profiles", "list", "--evidence", "measured"}).text("--evidence"), "measured");
  EXPECT_TRUE(parsed({"profiles", "list", "--evidence", "predicted"}).on("--evidence"));
  EXPECT_EQ(parsed({"profiles", "list", "--evidence", "--model=m"}).text("--evidence"), "true");
  EXPECT_THAT(mistake({"profiles", "list", "--evidence=maybe"}), HasSubstr("or alone"));
}

TEST(Parse, ValuesStayAsTyped) {
  for (const char* value : {"[a,b]", "\"quoted\"", "a=b=c", "ümläut", "-x", "a b", "%s"}) {
    EXPECT_EQ(parsed({"profiles", "list", std::string("--model=") + value}).text("--model"), value);
    EXPECT_EQ(parsed({"profiles", "list", "--model", value}).text("--model"), value);
  }
}

TEST(Parse, FormatPicksColumns) {
  const Parsed p =
      parsed({"profiles", "list", "--format=table(modelServerInfo.model, acceleratorType)"});
  EXPECT_EQ(p.format().name, "table");
  EXPECT_THAT(p.format().fields, ElementsAre("modelServerInfo.model", "acceleratorType"));
  EXPECT_THAT(mistake({"profiles", "list", "--format=table(a"}), HasSubstr("parentheses"));
  EXPECT_THAT(mistake({"profiles", "list", "--format=table(,)"}), HasSubstr("names no field"));
  EXPECT_THAT(mistake({"profiles", "list", "--format=jason"}), HasSubstr("did you mean json?"));
}

TEST(Parse, PositionalsAndTheMarker) {
  EXPECT_THAT(parsed({"explain", "p1"}).positionals(), ElementsAre("p1"));
  EXPECT_EQ(parsed({"profiles", "show", "p1"}).command().id, CommandId::Explain);
  EXPECT_THAT(parsed({"explain", "--", "--p1"}).positionals(), ElementsAre("--p1"));
  EXPECT_THAT(parsed({"store", "export", "-"}).positionals(), ElementsAre("-"));
  EXPECT_THAT(mistake({"explain"}), HasSubstr("needs PROFILE, for example: kneepoint explain"));
  EXPECT_THAT(mistake({"explain", "a", "b"}), HasSubstr("does not take the word \"b\""));
  EXPECT_THAT(mistake({"completion", "tcsh"}), HasSubstr("bash, zsh or fish"));
}

TEST(Parse, HelpIsFoundAnywhere) {
  EXPECT_EQ(parsed({}).want(), Parsed::Want::Help);
  EXPECT_EQ(parsed({"--help"}).topic(), "");
  EXPECT_EQ(parsed({"profiles", "--help"}).topic(), "profiles");
  EXPECT_EQ(parsed({"container", "ai", "profiles", "--help"}).topic(), "container ai profiles");
  EXPECT_EQ(parsed({"recommend", "-h"}).topic(), "recommend");
  EXPECT_EQ(parsed({"help", "profiles", "list"}).topic(), "profiles list");
  EXPECT_EQ(parsed({"help"}).topic(), "");
  EXPECT_EQ(parsed({"recommend", "--target-ttft-milliseconds=x", "--help"}).want(),
            Parsed::Want::Help);
  EXPECT_THAT(mistake({"help", "profile", "list"}), HasSubstr("did you mean profiles list"));
}

TEST(Parse, VersionAsFlagOrWord) {
  EXPECT_EQ(parsed({"--version"}).want(), Parsed::Want::Version);
  EXPECT_EQ(parsed({"version"}).want(), Parsed::Want::Version);
}

TEST(ParseMistakes, AnUnknownCommandNamesTheNearest) {
  EXPECT_THAT(mistake({"recomend"}), HasSubstr("did you mean recommend"));
  EXPECT_THAT(mistake({"profiles", "lst"}), HasSubstr("there is no command \"profiles lst\""));
  EXPECT_THAT(mistake({"profiles", "lst"}), HasSubstr("did you mean list"));
  EXPECT_THAT(mistake({"profiles"}), HasSubstr("\"profiles\" needs one more word: show, list"));
}

TEST(ParseMistakes, AnUnknownFlagNamesTheNearest) {
  EXPECT_THAT(mistake({"profiles", "list", "--modle=x"}), HasSubstr("did you mean --model"));
  EXPECT_THAT(mistake({"profiles", "list", "-x"}), HasSubstr("has no flag -x"));
  EXPECT_THAT(mistake({"--model=x", "profiles", "list"}),
              testing::AnyOf(HasSubstr("goes after"), HasSubstr("parsed")));
}

TEST(ParseMistakes, AMissingFlagComesWithAnExample) {
  const std::string message = mistake({"benchmarks", "list", "--model=x"});
  EXPECT_THAT(message, HasSubstr("needs --model-server"));
  EXPECT_THAT(message, HasSubstr("for example: kneepoint benchmarks list --model="));
  EXPECT_THAT(mistake({"benchmarks", "list"}), HasSubstr("--model and --model-server"));
  EXPECT_THAT(mistake({"benchmarks", "plot"}), HasSubstr("needs --model or a PROFILE"));
}

TEST(ParseMistakes, AMissingValueIsNamed) {
  EXPECT_THAT(mistake({"profiles", "list", "--model"}), HasSubstr("--model needs a value"));
  EXPECT_THAT(mistake({"profiles", "list", "--model="}), HasSubstr("--model needs a value"));
  EXPECT_THAT(mistake({"profiles", "list", "--model", ""}), HasSubstr("--model needs a value"));
  EXPECT_THAT(mistake({"profiles", "list", "--model=", "x"}), HasSubstr("--model needs a value"));
  EXPECT_THAT(mistake({"profiles", "list", "--model", "--limit=3"}),
              HasSubstr("--model needs a value before --limit=3"));
  EXPECT_THAT(mistake({"profiles", "list", "--accelerator-type=,"}), HasSubstr("needs a value"));
}

TEST(ParseMistakes, NumbersAreHeldToTheirUnit) {
  const auto ttft = [](const std::string& value) {
    return mistake({"recommend", "--model=x", "--target-ttft-milliseconds=" + value});
  };
  EXPECT_EQ(ttft("300ms"),
            "--target-ttft-milliseconds takes a whole number of milliseconds, without a unit: 300");
  EXPECT_THAT(ttft("0.3s"), HasSubstr("without a unit: 300"));
  EXPECT_THAT(ttft("1,000"), HasSubstr("without a unit: 1000"));
  EXPECT_THAT(ttft("-5"), HasSubstr("must be at least 1, not -5"));
  EXPECT_THAT(ttft("0"), HasSubstr("must be at least 1"));
  EXPECT_THAT(ttft("2.5"), HasSubstr("takes a whole number of milliseconds, not 2.5"));
  EXPECT_THAT(ttft("nan"), HasSubstr("not \"nan\""));
  EXPECT_THAT(ttft("inf"), HasSubstr("not \"inf\""));
  EXPECT_THAT(ttft("0x10"), HasSubstr("takes a whole number"));
  EXPECT_THAT(ttft("99999999999999999999"), HasSubstr("takes a whole number"));
  EXPECT_EQ(ttft("300"), "parsed");
  EXPECT_THAT(mistake({"recommend", "--model=x", "--headroom=20%"}),
              HasSubstr("takes a number that is a share of 1, without a unit: 0.2"));
  EXPECT_THAT(mistake({"recommend", "--model=x", "--expected-load=0"}), HasSubstr("above 0"));
  EXPECT_THAT(mistake({"recommend", "--model=x", "--headroom=1"}), HasSubstr("at most 0.95"));
}

TEST(ParseMistakes, ChoicesAreHeldToTheList) {
  EXPECT_THAT(mistake({"profiles", "list", "--pricing-model=ondemand"}),
              HasSubstr("takes spot, on-demand, 1-year-cud or 3-years-cud, not \"ondemand\"; did "
                        "you mean on-demand?"));
}

TEST(ParseMistakes, LengthsGoTogether) {
  EXPECT_THAT(mistake({"profiles", "list", "--target-input-length=128"}), HasSubstr("give both"));
  EXPECT_EQ(mistake({"profiles", "list", "--input-length=128", "--output-length=64"}), "parsed");
}

TEST(Parse, AWordThatMayStandManyTimesTakesAllThatFollow) {
  EXPECT_EQ(parsed({"import", "a.json", "--dry-run", "b.json", "c.json"}).positionals(),
            (std::vector<std::string>{"a.json", "b.json", "c.json"}));
  EXPECT_THAT(mistake({"import"}), HasSubstr("needs FILE"));
  EXPECT_THAT(mistake({"import", "a.json", ""}), HasSubstr("FILE is empty"));
  EXPECT_THAT(mistake({"store", "import", "a", "b"}), HasSubstr("does not take the word \"b\""));
}

TEST(Parse, ItsArgumentsParseToTheSameValues) {
  for (const Line& line :
       {Line{"container", "ai", "profiles", "list", "--model", "a", "--accelerator-type=x,y",
             "--no-evidence", "--catalog=a", "--catalog=b", "--format=csv(a,b)"},
        Line{"explain", "--", "--odd"}, Line{"profiles", "--help"}, Line{"--version"}}) {
    const Parsed first = parsed(line);
    const Parsed second = parsed(first.arguments());
    EXPECT_EQ(first.arguments(), second.arguments());
    EXPECT_EQ(first.want(), second.want());
    EXPECT_EQ(first.positionals(), second.positionals());
    EXPECT_EQ(first.list("--accelerator-type"), second.list("--accelerator-type"));
  }
}

}  // namespace
}  // namespace kneepoint::cli

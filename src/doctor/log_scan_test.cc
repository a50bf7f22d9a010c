#include "doctor/log_scan.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "doctor/advice.h"

namespace kneepoint::doctor {
namespace {

const catalog::Catalog& shipped() {
  static const auto* opened = new catalog::Catalog(
      std::move(catalog::Catalog::open(KP_BINARY_DIR "/kneepoint.catalog", {}).value()));
  return *opened;
}

const SignatureSet& set() {
  static const auto* all =
      new SignatureSet(std::move(SignatureSet::compile(signatures(shipped())).value()));
  return *all;
}

std::vector<Finding> diagnose(std::string_view log, int threads = 1) {
  const auto report = scan_log(set(), read_from(log), threads);
  EXPECT_TRUE(report.has_value());
  return findings(set(), *report, "log");
}

const Finding* with_id(const std::vector<Finding>& all, std::string_view id) {
  const auto it = std::find_if(all.begin(), all.end(), [&](const auto& f) { return f.id == id; });
  return it == all.end() ? nullptr : &*it;
}

TEST(Signatures, EachIsFoundInItsSample) {
  ASSERT_GE(set().signatures().size(), 74U);
  for (const Signature& each : set().signatures()) {
    const auto found = diagnose("2026-11-21T10:00:00Z start\n" + each.sample + "\nend\n");
    const Finding* finding = with_id(found, each.id);
    ASSERT_NE(finding, nullptr) << each.id << ": " << each.sample;
    EXPECT_EQ(finding->line, 2U) << each.id;
    EXPECT_EQ(finding->count, 1U) << each.id;
    EXPECT_FALSE(finding->cause.empty() || finding->fix.empty()) << each.id;
    EXPECT_EQ(finding->cause.find('{'), std::string::npos) << finding->cause;
    EXPECT_FALSE(finding->source.empty()) << each.id;
  }
}

TEST(Signatures, OrdinaryLinesShowNothing) {
  EXPECT_TRUE(diagnose("INFO: Application startup complete.\nINFO 200 OK POST /v1/completions\n"
                       "Avg prompt throughput: 512.0 tokens/s, Running: 3 reqs, Waiting: 0 reqs\n")
                  .empty());
  EXPECT_TRUE(diagnose("").empty());
}

TEST(Signatures, PutWhatTheLineSaysIntoTheFix) {
  const auto found = diagnose(
      "ValueError: To serve at least one request with the models's max seq len (131072), (16.00 "
      "GiB KV cache is needed, which is larger than the available KV cache memory (9.81 GiB). "
      "Based on the available memory, the estimated maximum model length is 80352.\n");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].patch, "--max-model-len=80352");
  EXPECT_NE(found[0].cause.find("131072 tokens"), std::string::npos);
}

TEST(Signatures, TellUmbrellasOnlyWhenNothingExplainsThem) {
  const std::string wrapper = "RuntimeError: Engine core initialization failed. See root cause\n";
  EXPECT_NE(with_id(diagnose(wrapper), "engine-core"), nullptr);
  const auto both = diagnose("ValueError: No available memory for the cache blocks.\n" + wrapper);
  EXPECT_EQ(with_id(both, "engine-core"), nullptr);
  EXPECT_NE(with_id(both, "kv-none"), nullptr);
}

TEST(Signatures, TellTheSelectorBeforeTheScaleUpItPrevents) {
  const auto found = diagnose(
      "Normal NotTriggerScaleUp pod didn't trigger scale-up: 1 node(s) didn't match Pod's node "
      "affinity/selector\n");
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].id, "selector");
  EXPECT_EQ(found[1].id, "no-scaleup");
}

TEST(Signatures, AreFoundInsideJsonLines) {
  const auto found = diagnose(R"({"message":"Error: secret \"hf-secret\" not found"})"
                              "\n");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NE(found[0].patch.find("generic hf-secret "), std::string::npos) << found[0].patch;
}

TEST(Signatures, RefuseAPatternThatEveryLineWouldHaveToTry) {
  const auto refused =
      SignatureSet::compile({Signature{.id = "all", .where = "log", .pattern = "a.*b"}});
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("plain text"), std::string::npos);
  EXPECT_FALSE(
      SignatureSet::compile({Signature{.id = "bad", .where = "log", .pattern = "long text ("}})
          .has_value());
}

TEST(LogScan, CountsLinesAndNamesTheFirst) {
  std::string log;
  for (int i = 0; i < 1000; ++i) {
    log += i % 10 == 7 ? "x CUDA out of memory. Tried to allocate\n" : "all is well\n";
  }
  const auto found = diagnose(log);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].count, 100U);
  EXPECT_EQ(found[0].line, 8U);
}

TEST(LogScan, SaysTheSameWithAnyNumberOfThreads) {
  std::string log;
  for (int i = 0; i < 60'000; ++i) {
    log += "a line of the usual length with nothing to say, number " + std::to_string(i) + "\n";
    if (i % 997 == 0) log += "Error: secret \"s" + std::to_string(i / 9970) + "\" not found\n";
    if (i == 50'000) log += "OOMKilled";  // joins the next line
  }
  const auto one = scan_log(set(), read_from(log), 1), three = scan_log(set(), read_from(log), 3);
  ASSERT_TRUE(one && three);
  EXPECT_GT(one->bytes, std::uint64_t{3} << 20);
  EXPECT_EQ(one->lines, static_cast<std::uint64_t>(std::count(log.begin(), log.end(), '\n')));
  EXPECT_EQ(one->lines, three->lines);
  ASSERT_EQ(one->sightings.size(), 2U);
  ASSERT_EQ(three->sightings.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    const Sighting &a = one->sightings[i], &b = three->sightings[i];
    EXPECT_EQ(a.lines, b.lines);
    ASSERT_EQ(a.samples.size(), b.samples.size());
    for (std::size_t s = 0; s < a.samples.size(); ++s) {
      EXPECT_EQ(a.samples[s].line, b.samples[s].line);
      EXPECT_EQ(a.samples[s].evidence, b.samples[s].evidence);
    }
  }
}

TEST(LogScan, ReadsLinesOfAnyLengthAndAnyBytes) {
  std::string log(3 << 20, 'x');
  log += "torch.OutOfMemoryError: CUDA out of memory.";
  log += std::string(2 << 20, '\xff');
  log += '\n';
  log += std::string(
      "\0\x01\xfe"
      "OOMKilled\x1b[31m\n",
      17);
  const auto found = diagnose(log, 2);
  const Finding* oom = with_id(found, "cuda-oom");
  ASSERT_NE(oom, nullptr);
  EXPECT_EQ(oom->line, 1U);
  EXPECT_LT(oom->evidence.size(), 2000U);
  const Finding* killed = with_id(found, "oomkilled");
  ASSERT_NE(killed, nullptr);
  EXPECT_EQ(killed->line, 2U);
  EXPECT_NE(killed->evidence.find("\\x1b"), std::string::npos);
  EXPECT_EQ(killed->evidence.find('\x1b'), std::string::npos);
}

TEST(LogScan, HidesSecretsInWhatItShows) {
  const auto found = diagnose(
      "401 Client Error: Unauthorized for url: https://huggingface.co/x with hf_abcDEF0123456789 "
      "Authorization: Bearer eyJhbGciOiJ.eyJzdWIi.sig key AKIAIOSFODNN7EXAMPLE\n");
  ASSERT_EQ(found.size(), 1U);
  for (const char* secret : {"abcDEF0123456789", "eyJzdWIi", "IOSFODNN7EXAMPLE"}) {
    EXPECT_EQ(found[0].evidence.find(secret), std::string::npos) << found[0].evidence;
  }
  EXPECT_NE(found[0].evidence.find("hf_***"), std::string::npos) << found[0].evidence;
}

TEST(Masking, HidesByFormAndByTheWordInFront) {
  EXPECT_EQ(mask_secrets("HF_TOKEN=abcdefghij"), "HF_TOKEN=***");
  EXPECT_EQ(mask_secrets("aws_secret_access_key: wJalrXUtnFEMI"), "aws_secret_access_key: ***");
  EXPECT_EQ(mask_secrets("postgres://me:pass@host/db"), "postgres://me:***@host/db");
  EXPECT_EQ(mask_secrets(R"({"password": "hunter22x"})"), R"({"password": "***"})");
  for (const char* harmless :
       {"max_tokens=131072", "--max-num-batched-tokens=131072 more", "tokenizer=meta-llama/Llama-3",
        "Basic usage", "task-abcdefghijkl", "pip install hf_transfer"}) {
    EXPECT_EQ(mask_secrets(harmless), harmless);
    EXPECT_FALSE(holds_secret(harmless));
  }
}

TEST(LogScan, PassesOnThatReadingFailed) {
  const auto broken = scan_log(
      set(),
      [](char*, std::size_t) -> Result<std::size_t> {
        return fail(ErrorCode::Unavailable, "disk");
      },
      2);
  ASSERT_FALSE(broken.has_value());
  EXPECT_EQ(broken.error().message, "disk");
}

TEST(Advice, FillsGroupsInAllItsForms) {
  EXPECT_EQ(fill("{1} of {2|no} {3|none}", {"a", "b", ""}), "a of b none");
  EXPECT_EQ(fill("{1/2}", {"12.31", "79.10"}), "0.15");
  EXPECT_EQ(fill("{1*0.5}", {"4096"}), "2048");
  EXPECT_EQ(fill("{key: {1:key}}", {"nvidia.com/gpu: present"}), "{key: nvidia.com/gpu}");
  EXPECT_EQ(fill("{9} {x}", {"a"}), "{9} {x}");
}

TEST(Advice, NeverPutsShellSyntaxIntoACommand) {
  for (const char* hostile : {"$(rm -rf /)", "`id`", "a;b", "a b", "a'b", "a\nb", "-rf", ""}) {
    EXPECT_EQ(fill_command("kubectl get {1}", {hostile}), "kubectl get VALUE");
  }
}

TEST(Literals, FindWhatAPlainSearchFinds) {
  const Literals literals({"needle", "edl", "straw"});
  std::string block;
  for (int i = 0; i < 400; ++i) {
    block += std::string(static_cast<std::size_t>(i * 7 % 90), '.');
    if (i % 13 == 0) block += i % 2 == 0 ? "NeeDLE" : "two straws";
    block += i % 50 == 49 ? "" : "\n";
  }
  std::vector<Literals::Span> spans;
  literals.find_lines(block, spans);
  std::vector<std::string> found, expected;
  for (const auto& [begin, end] : spans) found.push_back(block.substr(begin, end - begin));
  for (std::size_t at = 0; at < block.size();) {
    const auto end = std::min(block.find('\n', at), block.size());
    const std::string line = block.substr(at, end - at);
    if (line.find("NeeDLE") != std::string::npos || line.find("straw") != std::string::npos) {
      expected.push_back(line);
    }
    at = end + 1;
  }
  EXPECT_EQ(found, expected);
  std::vector<int> texts;
  literals.find("a NEEDLE", texts);
  std::sort(texts.begin(), texts.end());
  EXPECT_EQ(texts, (std::vector<int>{0, 1}));
}

}  // namespace
}  // namespace kneepoint::doctor

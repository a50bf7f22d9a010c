#pragma once

#include <vector>

#include "importers/measured.h"

/// One pair for each tool, in the file of its name; importers.cc holds the table.
namespace kneepoint::importers {

bool knows_vllm_bench(const Document& document);
void read_vllm_bench(const Document& document, Faults& faults, std::vector<Measured>& out);

bool knows_sglang_bench(const Document& document);
void read_sglang_bench(const Document& document, Faults& faults, std::vector<Measured>& out);

bool knows_guidellm(const Document& document);
void read_guidellm(const Document& document, Faults& faults, std::vector<Measured>& out);

bool knows_inference_perf(const Document& document);
void read_inference_perf(const Document& document, Faults& faults, std::vector<Measured>& out);
bool knows_inference_perf_config(const Document& document);
void read_inference_perf_config(const Document& document, Faults& faults,
                                std::vector<Measured>& out);

bool knows_aiperf(const Document& document);
void read_aiperf(const Document& document, Faults& faults, std::vector<Measured>& out);
bool knows_aiperf_records(const Document& document);
void read_aiperf_records(const Document& document, Faults& faults, std::vector<Measured>& out);

bool knows_genai_perf(const Document& document);
void read_genai_perf(const Document& document, Faults& faults, std::vector<Measured>& out);

bool knows_llmd_report(const Document& document);
void read_llmd_report(const Document& document, Faults& faults, std::vector<Measured>& out);

}  // namespace kneepoint::importers

"""The shipped catalog tables: their columns, their figures, their keys, what they refer to."""

import csv
import io
import pathlib
import re
import unittest

CATALOG = pathlib.Path(__file__).resolve().parents[2] / "data" / "catalog"

COLUMNS = {
    "accelerators": "id,vendor,kind,display_name,arch,compute_capability,mem_gib_nominal,"
                    "mem_gib_usable,mem_bw_gbs,bf16_tflops_dense,fp8_tflops_dense,"
                    "fp4_tflops_dense,int8_tops_dense,interconnect,link_gbs_oneway,max_per_host,"
                    "devices_per_chip,tdp_w,bf16,fp8,gke_label,source,as_of,confidence,note",
    "machines": "provider,machine_type,family,vcpu,mem_gib,accelerator,accelerator_count,"
                "local_ssd_gb,max_net_gbps,gpudirect,arch,tpu_topology,on_demand,source,as_of,"
                "confidence,note",
    "prices": "provider,region,item,unit,covers,on_demand,spot,cud_1y,cud_3y,source,as_of,"
              "confidence,note",
    "models": "model,model_type,layers,hidden,intermediate,heads,kv_heads,head_dim,vocab,"
              "max_position,tie_embeddings,window,windowed_layers,full_attention_layers,"
              "linear_attention_layers,experts,experts_per_token,moe_intermediate,"
              "shared_expert_intermediate,dense_layers,q_lora,kv_lora,qk_nope,qk_rope,v_head,"
              "dtype,quantization,weight_bits,params_b,active_params_b,kv_elements_per_token,"
              "complete,source,as_of,confidence,gated,licence_url",
    "regions": "provider,region,latitude,longitude,place,source,as_of,confidence,note",
    "use_cases": "name,aliases,input_tokens_mean,output_tokens_mean,input_tokens_min,"
                 "input_tokens_p50,input_tokens_p90,input_tokens_p99,input_tokens_max,"
                 "output_tokens_min,output_tokens_p50,output_tokens_p90,output_tokens_p99,"
                 "output_tokens_max,source,as_of,confidence,note",
    "servers": "name,display_name,command,model_flag,port,health_path,readiness_path,"
               "metrics_path,metrics_port,metrics_enable,image_repository,status,source,as_of,"
               "confidence,note",
    "server_versions": "server,version,image,released_on,channel,source,as_of,confidence,note",
    "server_flags": "server,purpose,flag,form,since,until,default,source,as_of,confidence,note",
    "server_metrics": "server,signal,series,type,since,until,labels,scale,source,as_of,"
                      "confidence,note",
    "server_hardware": "server,vendor,arch,weights,family,newest,source,as_of,confidence,note",
    "sources": "name,display_name,repository,commit,licence,how_measured,url,as_of,note",
}
KEYS = {
    "accelerators": ["id"], "machines": ["provider", "machine_type"], "models": ["model"],
    "prices": ["provider", "region", "item", "source"], "regions": ["provider", "region"],
    "use_cases": ["name"], "servers": ["name"], "server_versions": ["server", "version"],
    "server_flags": ["server", "purpose", "flag", "since"],
    "server_metrics": ["server", "signal", "series"], "sources": ["name"],
    "server_hardware": ["server", "vendor", "arch"],
}
TEXT = set("""
    id vendor kind display_name arch interconnect bf16 fp8 gke_label source as_of confidence note
    provider machine_type family accelerator gpudirect tpu_topology region item unit covers model
    model_type tie_embeddings dtype quantization complete gated licence_url place name aliases
    command model_flag health_path readiness_path metrics_path metrics_enable image_repository
    status server version image released_on channel purpose flag form since until default signal
    weights family newest series type labels repository commit licence how_measured url on_demand:machines
    """.split())
WORDS = {
    "confidence": {"sourced", "mixed", "derived", "memory", "estimate"},
    "covers": {"machine", "accelerator_with_host", "accelerator_only", "host_only",
               "accelerators_of_machine"},
    "unit": {"vm_hour", "gpu_hour", "chip_hour"},
    "status": {"active", "maintenance", "archived", "unknown"},
    "channel": {"release", "prerelease", "nightly", "custom"},
    "form": {"value", "switch"},
    "bf16": {"yes", "no"}, "fp8": {"yes", "no"},
    "signal": {"running", "waiting", "kv_cache_usage", "ttft", "itl", "tpot", "e2e", "queue_time",
               "prompt_tokens", "generation_tokens", "finished", "preemptions",
               "prefix_cache_queries", "prefix_cache_hits", "prefix_cache_misses", "cache_config",
               "throughput"},
}
WEIGHTS = {"bf16", "fp16", "fp8", "int8", "int4", "nvfp4", "mxfp4"}
DATE = re.compile(r"(\d{4}(-\d\d(-\d\d)?)?)?$")
NUMBER = re.compile(r"(-?\d+(\.\d+)?)?$")


def read(name):
    data = (CATALOG / f"{name}.csv").read_bytes()
    assert b"\r" not in data and data.endswith(b"\n"), name
    rows = list(csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True))
    assert all(len(row) == len(rows[0]) for row in rows), name
    return ",".join(rows[0]), [dict(zip(rows[0], row)) for row in rows[1:]]


def version(text, empty):
    return tuple(map(int, text.split("."))) if text else empty


class Tables(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.header, cls.rows = {}, {}
        for name in [*COLUMNS, "profiles", "points", "ceilings"]:
            cls.header[name], cls.rows[name] = read(name)

    def ids(self, table, column):
        return {row[column] for row in self.rows[table]}

    def each(self):
        for table in COLUMNS:
            for row in self.rows[table]:
                yield table, row

    def test_columns(self):
        for table, columns in COLUMNS.items():
            self.assertEqual(self.header[table], columns, table)

    def test_keys(self):
        for table, columns in KEYS.items():
            keys = [tuple(row[column] for column in columns) for row in self.rows[table]]
            self.assertEqual(len(keys), len(set(keys)), table)
            self.assertTrue(all(all(key[:2]) for key in keys), table)

    def test_every_row_names_its_source(self):
        for table, row in self.each():
            if table != "sources":
                self.assertTrue(row["source"], (table, row))
                self.assertIn(row["confidence"], WORDS["confidence"], (table, row))

    def test_cells(self):
        for table, row in self.each():
            for column, cell in row.items():
                where = table, column, row
                self.assertEqual(cell, cell.strip(), where)
                if column in ("as_of", "released_on"):
                    self.assertRegex(cell, DATE, where)
                elif column in WORDS:
                    self.assertIn(cell, WORDS[column], where)
                elif column not in TEXT and f"{column}:{table}" not in TEXT:
                    self.assertRegex(cell, NUMBER, where)

    def test_references(self):
        accelerators = self.ids("accelerators", "id")
        machines = {(row["provider"], row["machine_type"]) for row in self.rows["machines"]}
        regions = {(row["provider"], row["region"]) for row in self.rows["regions"]}
        self.assertLessEqual(self.ids("machines", "accelerator"), accelerators)
        for row in self.rows["prices"]:
            self.assertIn((row["provider"], row["region"]), regions)
            if row["covers"] == "machine":
                self.assertIn((row["provider"], row["item"]), machines)
            elif row["covers"].startswith("accelerator_"):
                self.assertIn(row["item"], accelerators)
        servers = self.ids("servers", "name")
        for table in ("server_versions", "server_flags", "server_metrics", "server_hardware"):
            self.assertLessEqual(self.ids(table, "server"), servers, table)
        built = {(row["vendor"], row["arch"]) for row in self.rows["accelerators"]}
        for row in self.rows["server_hardware"]:
            self.assertIn((row["vendor"], row["arch"]), built, row)
            self.assertIn(row["family"], servers | {""}, row)
            self.assertLessEqual(set(row["weights"].split()), WEIGHTS, row)
        versions = {(row["server"], row["version"]) for row in self.rows["server_versions"]}
        for table in ("profiles", "ceilings"):
            self.assertLessEqual(self.ids(table, "accelerator"), accelerators, table)
            self.assertLessEqual(self.ids(table, "model_server"), servers, table)
            self.assertLessEqual(self.ids(table, "source"), self.ids("sources", "name"), table)
            self.assertLessEqual({(row["model_server"], row["model_server_version"])
                                  for row in self.rows[table] if row["model_server_version"]},
                                 versions, table)

    def test_only_licensed_measurements(self):
        licences = {row["name"]: row["licence"] for row in self.rows["sources"]}
        for table in ("profiles", "ceilings"):
            for row in self.rows[table]:
                self.assertEqual(row["licence"], licences[row["source"]])
                self.assertNotIn(row["licence"], ("", "none stated"))

    def test_aliases_name_one_use_case(self):
        names = [row["name"].lower() for row in self.rows["use_cases"]]
        names += [alias for row in self.rows["use_cases"] for alias in row["aliases"].split(";")]
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual(names, [name.lower() for name in names])

    def test_one_option_per_purpose_and_version(self):
        spans = {}
        for row in self.rows["server_flags"]:
            since, until = version(row["since"], (0,)), version(row["until"], (999,))
            self.assertLess(since, until, row)
            spans.setdefault((row["server"], row["purpose"]), []).append((since, until))
        for key, ranges in spans.items():
            ranges.sort()
            for (_, until), (since, _) in zip(ranges, ranges[1:]):
                self.assertLessEqual(until, since, key)

    def test_vllm_cache_gauge_by_version(self):
        def names(text):
            return [row["series"] for row in self.rows["server_metrics"]
                    if (row["server"], row["signal"]) == ("vllm", "kv_cache_usage")
                    and version(row["since"], (0,)) <= version(text, ())
                    < version(row["until"], (999,))]
        old, new = "vllm:gpu_cache_usage_perc", "vllm:kv_cache_usage_perc"
        self.assertEqual(names("0.9.1"), [old])
        self.assertEqual(names("0.9.2"), [old, new])
        self.assertEqual(names("0.11.0"), [old, new])
        self.assertEqual(names("0.12.0"), [new])

    def test_signals_never_vanish_between_vllm_versions(self):
        spans = {}
        for row in self.rows["server_metrics"]:
            if row["server"] == "vllm":
                spans.setdefault(row["signal"], []).append(
                    (version(row["since"], (0,)), version(row["until"], (999,))))
        for signal, ranges in spans.items():
            reached = (0,)
            for since, until in sorted(ranges):
                self.assertLessEqual(since, reached, signal)
                reached = max(reached, until)
            self.assertEqual(reached, (999,), signal)

    def test_percentiles_are_ordered(self):
        for row in self.rows["points"]:
            for metric in ("ttft", "tpot", "itl", "ntpot", "e2e"):
                known = [float(row[f"{metric}_{p}_ms"]) for p in ("p50", "p90", "p99")
                         if row[f"{metric}_{p}_ms"]]
                self.assertEqual(known, sorted(known), row["point_id"])


if __name__ == "__main__":
    unittest.main()

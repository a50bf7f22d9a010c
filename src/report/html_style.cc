#include "report/html_style.h"

namespace kneepoint::report {

const std::string_view kPageStyle = R"css(
:root{color-scheme:light dark;--bg:#f7f8fa;--card:#fff;--ink:#111827;--soft:#5b6472;--edge:#e3e6eb;--grid:#e9ebef;
--axis:#9aa3b0;--ttft:#2563eb;--itl:#0f766e;--tpot:#7c3aed;--e2e:#8a5a00;--rate:#1f4fbf;--flight:#2563eb;--wait:#c2410c;
--kv:#7c3aed;--fail:#b91c1c;--knee:#c2410c;--good:#15803d;--low:#a9c4f5;--high:#173f9e;--past:#b4535f;
--below-bg:#16a34a14;--at-bg:#f59e0b2b;--past-bg:#dc262612;--out-bg:#6b72801c}
@media screen and (prefers-color-scheme:dark){:root{--bg:#0b1120;--card:#111a2c;--ink:#e5e7eb;--soft:#a3adbd;
--edge:#243047;--grid:#222d42;--axis:#64748b;--ttft:#60a5fa;--itl:#2dd4bf;--tpot:#a78bfa;--e2e:#e2b04a;--rate:#7fb0ff;
--flight:#60a5fa;--wait:#fb923c;--kv:#a78bfa;--fail:#f87171;--knee:#fb923c;--good:#4ade80;--low:#37507f;--high:#a9cbff;
--past:#e08a94;--below-bg:#16a34a1a;--at-bg:#f59e0b2b;--past-bg:#dc26261c;--out-bg:#94a3b820}}
@media print{:root{color-scheme:light;--bg:#fff}body{font-size:11px}main{max-width:none;padding:0}.card{border:0;padding:0}
figure,.tiles,tr{break-inside:avoid}h2{break-after:avoid}.legend input,.read,.cross,.skip{display:none!important}
.scroll{overflow:visible!important}table{font-size:8.5px}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","DejaVu Sans",sans-serif}
main{max-width:1160px;margin:0 auto;padding:32px 20px 64px}
h1{font-size:26px;line-height:1.25;margin:2px 0 4px;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:18px;margin:40px 0 6px}h3{font-size:15px;margin:20px 0 6px}
p{margin:4px 0}.soft,.note,.brand{color:var(--soft)}.brand{font-size:13px;letter-spacing:.02em}.note{font-size:13px}
.lead{font-size:19px;line-height:1.4;font-weight:600;margin:0 0 6px;text-wrap:balance}
.card{background:var(--card);border:1px solid var(--edge);border-radius:10px;padding:18px 20px;margin:14px 0}
.verdict{border-left:5px solid var(--good)}.verdict.doubt{border-left-color:var(--knee)}
.verdict.doubt .validity{color:var(--knee);font-weight:600}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:14px 0 0;padding:0}
.tiles div{border-top:1px solid var(--edge);padding-top:8px}
.tiles dt{color:var(--soft);font-size:13px}.tiles dd{margin:0;font-size:21px;font-weight:600;font-variant-numeric:tabular-nums}
.tiles dd small{font-size:13px;font-weight:400;color:var(--soft)}
figure{margin:18px 0 0}figcaption{font-weight:600}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(440px,100%),1fr));gap:4px 24px}
svg.plot,.classic svg{display:block;width:100%;height:auto;font:12px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
svg.plot{touch-action:pan-y}svg.plot:focus-visible{outline:2px solid var(--ttft);outline-offset:2px;border-radius:4px}
.plot .soft{fill:var(--soft)}.grid{stroke:var(--grid)}.axis{stroke:var(--axis)}
.knee{stroke:var(--knee);stroke-width:1.75;stroke-dasharray:5 4}.knee-text{fill:var(--knee);font-weight:600;paint-order:stroke;stroke:var(--card);stroke-width:4px}
.cross{stroke:var(--axis);visibility:hidden}
.zone-below{fill:var(--below-bg);background:var(--below-bg)}.zone-at{fill:var(--at-bg);background:var(--at-bg)}.zone-past{fill:var(--past-bg);background:var(--past-bg)}.outside{fill:var(--out-bg);background:var(--out-bg)}
.ln{color:var(--ink)}.ln path,path.ln{fill:none;stroke:currentColor;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.dashed path,path.dashed{stroke-dasharray:6 5}.thin path,path.thin{stroke-width:1.4}.thick path,path.thick{stroke-width:3}
.dot{fill:currentColor;stroke:var(--card);stroke-width:1.2}.dot.hollow{fill:var(--card);stroke:currentColor;stroke-width:1.8}
.ttft{color:var(--ttft)}.itl{color:var(--itl)}.tpot{color:var(--tpot)}.e2e{color:var(--e2e)}.rate{color:var(--rate)}
.flight{color:var(--flight)}.running{color:var(--itl)}.waiting{color:var(--wait)}.kv{color:var(--kv)}.failed{color:var(--fail)}
.load{color:var(--high);color:color-mix(in oklab,var(--low),var(--high) var(--shade,100%))}.at-knee{color:var(--knee)}.past{color:var(--past)}
.legend{display:flex;flex-wrap:wrap;gap:2px 16px;font-size:13px;margin:4px 0}
.legend label{display:inline-flex;align-items:center;gap:6px;cursor:pointer}.legend input{position:absolute;opacity:0;pointer-events:none}.legend label:hover{text-decoration:underline;text-underline-offset:3px}
.legend label:has(input:not(:checked)){color:var(--soft);opacity:.6}.legend label:has(input:not(:checked)) .key{opacity:.4}
.legend label:has(input:focus-visible){outline:2px solid var(--ttft);outline-offset:2px;border-radius:4px}
.read{min-height:1.5em;font-size:13px;color:var(--soft);font-variant-numeric:tabular-nums}.none{color:var(--soft)}
.zones{display:flex;flex-wrap:wrap;gap:4px 18px;font-size:13px;color:var(--soft);margin:6px 0 0;padding:0;list-style:none}
.zones i{display:inline-block;width:16px;height:12px;border:1px solid var(--axis);border-radius:3px;margin-right:6px;vertical-align:-1px}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums;width:100%}
caption{text-align:left;color:var(--soft);font-size:13px;padding:0 0 6px}
th,td{padding:5px 6px;border-bottom:1px solid var(--edge);text-align:right;white-space:nowrap}
thead th{color:var(--soft);font-weight:600;vertical-align:bottom;white-space:normal;min-width:3.4em}
th:first-child,td.words,th.words{text-align:left}td.words{white-space:normal;overflow-wrap:anywhere;min-width:9em}td.place{text-align:left}
tbody th{font-weight:600}tr.knee-row{background:var(--at-bg)}tr.invalid td,tr.invalid th{color:var(--soft)}td small{color:var(--soft)}
a{color:var(--ttft)}code,pre{font:12.5px/1.5 ui-monospace,"DejaVu Sans Mono",Menlo,monospace;overflow-wrap:anywhere}
pre{white-space:pre-wrap;margin:6px 0 0}
details{border-top:1px solid var(--edge)}details:last-of-type{border-bottom:1px solid var(--edge)}
summary{cursor:pointer;padding:9px 2px;font-variant-numeric:tabular-nums}summary b{margin-right:10px}
summary span{color:var(--soft);margin-right:12px}summary .tag,.tag{border-radius:9px;padding:1px 9px;font-size:12.5px;color:var(--ink)}
.tag.invalid,.tag.outside{background:var(--out-bg)}
details>div{padding:0 2px 18px}dl.facts{display:grid;grid-template-columns:minmax(120px,max-content) 1fr;gap:4px 20px;margin:8px 0}
dl.facts dt{color:var(--soft)}dl.facts dd{margin:0;overflow-wrap:anywhere}ul.remarks{margin:6px 0;padding-left:20px}
@media (max-width:640px){main{padding:20px 12px 48px}h1{font-size:22px}.card{padding:14px}dl.facts{grid-template-columns:1fr}dl.facts dd{margin-bottom:6px}}
)css";

const std::string_view kPageScript = R"js(
"use strict";
for (const svg of document.querySelectorAll("svg.plot")) {
  const box = svg.viewBox.baseVal, cross = svg.querySelector(".cross");
  const read = svg.parentNode.querySelector(".read");
  const names = svg.dataset.x.split("|");
  const lines = [...svg.querySelectorAll("g.ln")].map(g => ({
    g, name: g.dataset.n, values: g.dataset.v.split("|"),
    at: [...g.firstElementChild.getAttribute("d").matchAll(/[ML](\S+) /g)].map(m => +m[1])}));
  const nearest = (all, x) => all.reduce((best, v, i) => Math.abs(v - x) < Math.abs(all[best] - x) ? i : best, 0);
  const first = lines[+svg.dataset.lead];
  let place = 0;
  const show = x => {
    place = nearest(first.at, x);
    const at = first.at[place];
    const words = lines.filter(l => getComputedStyle(l.g).display !== "none")
      .map(l => [l.name, nearest(l.at, at), l]).filter(([, i, l]) => Math.abs(l.at[i] - at) < box.width / 20)
      .map(([name, i, l]) => name + " " + l.values[i]);
    const unit = svg.dataset.unit;
    read.textContent = names[place] + " " + svg.dataset.at + ": " + words.join(" \u00b7 ") + (unit ? " " + unit : "");
    cross.setAttribute("x1", at);
    cross.setAttribute("x2", at);
    cross.style.visibility = "visible";
  };
  const hide = () => { read.textContent = ""; cross.style.visibility = "hidden"; };
  svg.addEventListener("pointermove", e => {
    const r = svg.getBoundingClientRect();
    show((e.clientX - r.left) / r.width * box.width);
  });
  svg.addEventListener("pointerleave", hide);
  svg.addEventListener("blur", hide);
  svg.addEventListener("focus", () => { if (svg.matches(":focus-visible")) show(first.at[place]); });
  svg.addEventListener("keydown", e => {
    const step = {ArrowLeft: -1, ArrowRight: 1}[e.key];
    if (!step) return;
    e.preventDefault();
    show(first.at[Math.min(Math.max(place + step, 0), first.at.length - 1)]);
  });
}
const open = () => {
  const wanted = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (wanted && wanted.tagName === "DETAILS") wanted.open = true;
};
addEventListener("hashchange", open);
open();
)js";

const std::string_view kPageScriptHash = "sha256-48sd2e8efx5PXHJ8tAI/qnBwboIGkZ5hih56umT/32M=";

}  // namespace kneepoint::report

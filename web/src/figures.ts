import type {Choice, Latency, Metric, Point, Statistic} from './api/types';
import {accelerator} from './format';

/** The figure asked for, or the nearest one there is, and which one it is. */
export function latencyOf(latency: Latency | undefined, metric: Metric, wanted: Statistic): {value: number; statistic: Statistic} | undefined {
  const figures = latency?.[metric];
  if (!figures) return undefined;
  const nearest: Record<Statistic, Statistic[]> = {
    mean: ['mean', 'p50', 'p90', 'p99'], p50: ['p50', 'mean', 'p90', 'p99'], p90: ['p90', 'p99', 'p50', 'mean'], p99: ['p99', 'p90', 'p50', 'mean'],
  };
  for (const statistic of nearest[wanted]) {
    const value = figures[statistic];
    if (value !== undefined) return {value, statistic};
  }
  return undefined;
}

/** One word over a column where all its figures are of one statistic; else each says its own. */
export function common(latencies: (Latency | undefined)[], metric: Metric, wanted: Statistic): Statistic | undefined {
  const found = new Set(latencies.map((l) => latencyOf(l, metric, wanted)?.statistic).filter((s) => s !== undefined));
  return found.size === 0 ? wanted : found.size === 1 ? [...found][0] : undefined;
}

export function setupName(choice: Choice): {server: string; hardware: string} {
  const count = choice.resourcesUsed?.acceleratorCount ?? 1;
  const {modelServer, modelServerVersion} = choice.modelServerInfo;
  return {
    server: [modelServer, modelServerVersion].filter(Boolean).join(' '),
    hardware: `${count > 1 ? `${count} × ` : ''}${accelerator(choice.acceleratorType)}`,
  };
}

/** Rows need keys of their own: one profile may stand on two machines. */
export function keyed(choices: Choice[]): {key: string; choice: Choice; rank: number}[] {
  const seen = new Map<string, number>();
  return choices.map((choice, index) => {
    const id = choice.kneepoint.profile;
    const times = (seen.get(id) ?? 0) + 1;
    seen.set(id, times);
    return {key: times === 1 ? id : `${id}#${times}`, choice, rank: index + 1};
  });
}

/** The figure of a point on one of the chart's axes. */
export function along(point: Point, axis: string): number | undefined {
  switch (axis) {
    case 'load': return point.load;
    case 'requestsPerSecond': return point.requestsPerSecond;
    case 'usdPerMillionOutputTokens': return point.usdPerMillionOutputTokens;
    default: return point.outputTokensPerSecond;
  }
}

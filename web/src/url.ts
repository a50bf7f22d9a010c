import type {Metric, Statistic} from './api/types';

/**
 * What a person has chosen, as it stands in the address bar: short words, in a fixed order, what is
 * the default left out. Every view that depends on it can be restored from its address alone.
 */
export interface Ask {
  model: string;
  server: string;
  version: string;
  accelerators: string[];
  useCase: string;
  input?: number;
  output?: number;
  targets: Partial<Record<Metric, number>>;
  statistic: Statistic;
  load?: number;
  headroom: number;
  spare: boolean;
  pricing: string;
  provider: string;
  region: string;
  decoding: string;
  evidence: string;
  maxUsdPerMillionOutput?: number;
  /** Profiles on the chart, at most four. */
  compare: string[];
  x: string;
  y: Metric;
  rows: number;
}

export const metrics: Metric[] = ['ttft', 'tpot', 'itl', 'ntpot', 'e2e'];
const statistics: Statistic[] = ['mean', 'p50', 'p90', 'p99'];
export const comparable = 4;

export const nothingAsked: Ask = {
  model: '', server: '', version: '', accelerators: [], useCase: '', targets: {}, statistic: 'p50', headroom: 0.2,
  spare: false, pricing: 'on-demand', provider: 'gcp', region: '', decoding: 'serving', evidence: 'all', compare: [],
  x: 'outputTokensPerSecond', y: 'ttft', rows: 20,
};

/** A number someone may have typed into the address bar; what is none, or out of range, is as if absent. */
function number(text: string | null, least: number, most: number): number | undefined {
  if (text === null || text.trim() === '') return undefined;
  const value = Number(text);
  return Number.isFinite(value) && value >= least && value <= most ? value : undefined;
}

export function readAsk(search: string): Ask {
  const query = new URLSearchParams(search);
  const word = (name: string, otherwise: string) => query.get(name) ?? otherwise;
  const list = (name: string) => (query.get(name) ?? '').split(',').filter(Boolean);
  const targets: Ask['targets'] = {};
  for (const metric of metrics) {
    const value = number(query.get(metric), 0.001, 1e8);
    if (value !== undefined) targets[metric] = value;
  }
  const y = query.get('y') as Metric;
  const statistic = query.get('stat') as Statistic;
  const input = number(query.get('in'), 1, 1e7);
  const output = number(query.get('out'), 1, 1e7);
  return {
    model: word('model', ''),
    server: word('server', ''),
    version: word('version', ''),
    accelerators: list('accel'),
    useCase: word('use', ''),
    ...(input !== undefined && output !== undefined ? {input, output} : {}),
    targets,
    statistic: statistics.includes(statistic) ? statistic : nothingAsked.statistic,
    load: number(query.get('load'), 1e-6, 1e9),
    headroom: number(query.get('headroom'), 0, 0.95) ?? nothingAsked.headroom,
    spare: query.get('spare') === '1',
    pricing: word('pricing', nothingAsked.pricing),
    provider: word('cloud', nothingAsked.provider),
    region: word('region', ''),
    decoding: word('decoding', nothingAsked.decoding),
    evidence: word('evidence', nothingAsked.evidence),
    maxUsdPerMillionOutput: number(query.get('maxcost'), 0, 1e6),
    compare: [...new Set(list('compare'))].slice(0, comparable),
    x: word('x', nothingAsked.x),
    y: metrics.includes(y) ? y : nothingAsked.y,
    rows: number(query.get('rows'), 1, 1000) ?? nothingAsked.rows,
  };
}

export function writeAsk(ask: Ask): string {
  const query = new URLSearchParams();
  const put = (name: string, value: string | number | undefined, otherwise: string | number = '') => {
    if (value !== undefined && value !== otherwise) query.set(name, String(value));
  };
  put('model', ask.model);
  put('server', ask.server);
  put('version', ask.version);
  put('accel', ask.accelerators.join(','));
  if (ask.input !== undefined && ask.output !== undefined) {
    put('in', ask.input);
    put('out', ask.output);
  } else {
    put('use', ask.useCase);
  }
  for (const metric of metrics) put(metric, ask.targets[metric]);
  put('stat', ask.statistic, nothingAsked.statistic);
  put('load', ask.load);
  put('headroom', ask.headroom, nothingAsked.headroom);
  if (ask.spare) put('spare', '1');
  put('pricing', ask.pricing, nothingAsked.pricing);
  put('cloud', ask.provider, nothingAsked.provider);
  put('region', ask.region);
  put('decoding', ask.decoding, nothingAsked.decoding);
  put('evidence', ask.evidence, nothingAsked.evidence);
  put('maxcost', ask.maxUsdPerMillionOutput);
  put('compare', ask.compare.join(','));
  put('x', ask.x, nothingAsked.x);
  put('y', ask.y, nothingAsked.y);
  put('rows', ask.rows, nothingAsked.rows);
  // A slash and a comma need no escape in a query; addresses stay readable without.
  return query.toString().replaceAll('%2F', '/').replaceAll('%2C', ',');
}

/** The part of recommend, profiles:compare and manifests that says what is wanted. */
export function selection(ask: Ask): Record<string, unknown> {
  return {
    model: ask.model,
    modelServer: ask.server,
    modelServerVersion: ask.version,
    ...(ask.input !== undefined && ask.output !== undefined
      ? {targetInputLength: ask.input, targetOutputLength: ask.output}
      : {useCase: ask.useCase}),
    ...targeted(ask),
    ...capacity(ask),
  };
}

export function targeted(ask: Ask): Record<string, unknown> {
  const targets = metrics.flatMap((metric) =>
    ask.targets[metric] === undefined ? [] : [{metric, statistic: ask.statistic, milliseconds: ask.targets[metric]}]);
  return targets.length > 0 ? {targets} : {};
}

export function priced(ask: Ask): Record<string, unknown> {
  return {pricing: {model: ask.pricing, provider: ask.provider, ...(ask.region ? {region: ask.region} : {})}};
}

function capacity(ask: Ask): Record<string, unknown> {
  return {
    ...priced(ask),
    ...(ask.load !== undefined ? {expectedRequestsPerSecond: ask.load} : {}),
    headroom: ask.headroom,
    ...(ask.spare ? {minAvailable: true} : {}),
  };
}

export function recommendBody(ask: Ask): Record<string, unknown> {
  return {
    ...selection(ask),
    acceleratorTypes: ask.accelerators,
    decoding: ask.decoding,
    evidence: ask.evidence,
    ...(ask.maxUsdPerMillionOutput !== undefined ? {maxUsdPerMillionOutputTokens: ask.maxUsdPerMillionOutput} : {}),
    limit: ask.rows,
    rejectedLimit: 50,
  };
}

export const askNames = [
  'model', 'server', 'version', 'accel', 'in', 'out', 'use', ...metrics, 'stat', 'load', 'headroom', 'spare', 'pricing', 'cloud', 'region', 'decoding',
  'evidence', 'maxcost', 'compare', 'x', 'y', 'rows',
] as const;

/** How the chosen setup is to be deployed; beside the Ask in the address of the configuration. */
export interface Options {
  profile: string;
  machine: string;
  platform: string;
  namespace: string;
  bucket: string;
  storage: string;
  autoscaler: string;
  signal: string;
  min?: number;
  max?: number;
  count?: number;
  hosts: string;
  gateway: string;
  length?: number;
}

const optionWords = ['profile', 'machine', 'platform', 'namespace', 'bucket', 'storage', 'autoscaler', 'signal', 'hosts', 'gateway'] as const;
const optionNumbers = ['min', 'max', 'count', 'length'] as const;
export const optionNames = [...optionWords, ...optionNumbers] as const;

export function readOptions(search: string): Options {
  const query = new URLSearchParams(search);
  const options: Partial<Options> = {};
  for (const name of optionWords) options[name] = query.get(name) ?? '';
  for (const name of optionNumbers) {
    const value = number(query.get(name), 1, 1e7);
    if (value !== undefined) options[name] = Math.round(value);
  }
  return options as Options;
}

export function writeOptions(options: Options): string {
  const query = new URLSearchParams();
  for (const name of optionNames) {
    const value = options[name];
    if (value !== undefined && value !== '') query.set(name, String(value));
  }
  return query.toString().replaceAll('%2F', '/');
}

const foreign = (platform: string) => platform !== '' && platform !== 'gke' && platform !== 'cloud-run';

/** The question for a manifest: what was asked, the setup that was chosen, and the options. */
export function manifestBody(ask: Ask, options: Options, setup: {modelServer: string; modelServerVersion?: string; acceleratorType: string}): Record<string, unknown> {
  const body: Record<string, unknown> = {
    ...selection(ask),
    // Machines of another cloud than the one asked about: the server takes that platform's own.
    pricing: {model: ask.pricing, ...(foreign(options.platform) && ask.provider === 'gcp' ? {} : {provider: ask.provider}), ...(ask.region && !foreign(options.platform) ? {region: ask.region} : {})},
    modelServer: setup.modelServer,
    modelServerVersion: setup.modelServerVersion,
    acceleratorType: setup.acceleratorType,
    decoding: ask.decoding,
    evidence: ask.evidence,
    profile: options.profile,
    machineType: options.machine,
    platform: options.platform,
    namespace: options.namespace,
    modelBucketUri: options.bucket,
    storage: options.storage,
    autoscaler: options.autoscaler,
    hpaSignal: options.signal,
    minReplicas: options.min,
    maxReplicas: options.max,
    acceleratorsPerReplica: options.count,
    multiHostStart: options.hosts,
    servingStack: options.gateway,
    maxModelLen: options.length,
  };
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined && value !== ''));
}

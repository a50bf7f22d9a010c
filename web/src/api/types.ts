// The answers of kneepoint.v1 that the console shows. A member that is not known is left out.

export type EvidenceKind = 'measured' | 'published' | 'predicted';
export type Metric = 'ttft' | 'tpot' | 'itl' | 'ntpot' | 'e2e';
export type Statistic = 'mean' | 'p50' | 'p90' | 'p99';
export type Zone = 'below' | 'at' | 'past' | 'unknown';
export type Statistics = Partial<Record<Statistic, number>>;
export type Latency = Partial<Record<Metric, Statistics>>;

export interface Evidence {
  kind: EvidenceKind;
  source?: string;
  licence?: string;
  measuredOn?: string;
  by?: string;
  nearest?: string;
  extrapolated?: string[];
  bandRatio80?: Partial<Record<'ttft' | 'tpot' | 'e2e', number>>;
  flags?: string[];
  sentence?: string;
  sourceRef?: string;
  derived?: string[];
}

export interface Info {
  version: string;
  today: string;
  catalog: {date: string; hash?: string};
  store: {description: string; layers: {name: string; profiles: number; points: number}[]};
  counts: Record<string, number>;
  allowed: {write: boolean; deploy: boolean; writeWhyNot?: string; deployWhyNot?: string};
  choices: {
    pricingModels: string[];
    providers: string[];
    regions: {provider: string; region: string; place?: string}[];
    machineTypes: {provider: string; machineType: string; accelerator: string; acceleratorCount: number}[];
    decodings: string[];
    evidences: string[];
    metrics: {name: Metric; label: string; sentence?: string}[];
    statistics: Statistic[];
    platforms: {name: string; title: string}[];
    storages: string[];
    autoscalers: string[];
    hpaSignals: string[];
    servingStacks: string[];
    multiHostStarts: string[];
  };
  defaults: Record<string, string | number>;
}

export interface Model {
  id: string;
  parameters?: number;
  activeParameters?: number;
  contextLength?: number;
  dtype?: string;
  quantization?: string;
  mixtureOfExperts?: boolean;
  gated?: boolean;
  sizeKnown?: boolean;
  layer?: string;
  evidence: EvidenceKind | 'none';
  optimized?: boolean;
  profiles?: Partial<Record<EvidenceKind, number>>;
  modelServers?: string[];
  accelerators?: {acceleratorType: string; evidence: EvidenceKind; profiles: number}[];
}
export interface Models {
  models: Model[];
  totalSize: number;
  nextPageToken?: string;
}

export interface UseCase {
  name: string;
  averageInputLength: number;
  averageOutputLength: number;
}

export interface Knee {
  state: 'found' | 'not_reached' | 'too_few_points' | 'not_steady' | string;
  sentence: string;
  load?: number;
  x?: number;
  y?: number;
}

export interface Price {
  provider: string;
  region: string;
  machineType: string;
  machineUsdPerHour: number;
  machinesPerReplica: number;
  replicaUsdPerHour: number;
  source: string;
  asOf: string;
  confidence: string;
  stale?: boolean;
  regionWanted?: string;
  sentence?: string;
}

export interface Choice {
  acceleratorType: string;
  instanceType?: string;
  modelServerInfo: {model: string; modelServer: string; modelServerVersion?: string};
  resourcesUsed?: {acceleratorCount: number};
  workloadSpec?: {averageInputLength: number; averageOutputLength: number; useCase?: string};
  kneepoint: {
    profile: string;
    setup?: string;
    weightPrecision?: string;
    decoding?: string;
    workload?: string;
    operatingPoint: {
      load: number;
      loadUnit: string;
      interpolated?: boolean;
      zone: Zone;
      latencyMilliseconds: Latency;
      outputTokensPerSecond?: number;
      requestsPerSecond?: number;
    };
    knee: Knee;
    statisticsShown?: string;
    evidence: Evidence;
    price?: Price;
    noCost?: string;
    usdPerMillionInputTokens?: number;
    usdPerMillionOutputTokens?: number;
    replicas?: number;
    usableRequestsPerSecond?: number;
    requestScale?: number;
    fleetUsdPerHour?: number;
    fleetUsdPerMonth?: number;
    reasons: string[];
  };
}

export interface Rejected {
  reason: string;
  sentence: string;
  acceleratorType?: string;
  profile?: string;
}

export interface Recommendation {
  assumptions?: string;
  choices: Choice[];
  totalChoices?: number;
  rejected?: Rejected[];
  totalRejected?: number;
  reachable?: Partial<Record<Metric, {minMilliseconds: number; maxMilliseconds: number}>>;
  notes?: string[];
  workload?: {useCase?: string; averageInputLength: number; averageOutputLength: number};
}

export interface Band {
  low: number;
  high: number;
}

export interface Point {
  id?: string;
  load: number;
  loadUnit?: string;
  zone?: Zone;
  requestsPerSecond?: number;
  outputTokensPerSecond?: number;
  inputTokensPerSecond?: number;
  requestCount?: number;
  errorCount?: number;
  latencyMilliseconds: Latency;
  band80Milliseconds?: Partial<Record<Metric, Band>>;
  usdPerMillionInputTokens?: number;
  usdPerMillionOutputTokens?: number;
  evidence?: Evidence;
}

export interface Profile {
  id: string;
  setup: {name?: string; model: string; modelServer: string; modelServerVersion?: string; acceleratorType: string; acceleratorCount?: number} & Record<string, unknown>;
  workload: {name: string; useCase?: string; averageInputLength?: number; averageOutputLength?: number};
  loadKind?: string;
  loadUnit?: string;
  evidence: Evidence;
  source?: {name: string; displayName?: string; repository?: string; commit?: string; howMeasured?: string; url?: string; licence?: string};
  knee: Knee & {lowestLoad?: number; highestLoad?: number; loads?: number};
  zones?: {zone: Zone; fromLoad: number; toLoad: number}[];
  points: Point[];
}
export interface ProfileAnswer {
  profile: Profile;
  choice?: Choice;
  rejected?: Rejected[];
}

export interface Curve {
  profile: string;
  name: string;
  model?: string;
  workload?: string;
  loadUnit?: string;
  evidence: Evidence;
  knee: Knee;
  statistic?: string;
  statisticExact?: boolean;
  points: {load: number; x: number; y: number; yLow?: number; yHigh?: number; zone?: Zone; statistic?: string; usdPerMillionOutputTokens?: number}[];
  choice?: Choice;
}
export interface Comparison {
  x: {name: string; label: string; unit: string};
  y: {name: string; label: string; unit: string; statistic?: string};
  target?: {milliseconds: number};
  curves: Curve[];
  notes?: string[];
}

export interface Promised {
  profile?: string;
  evidence?: string;
  load?: number;
  loadUnit?: string;
  running?: number;
  requestsPerSecond?: number;
  outputTokensPerSecond?: number;
  ttftMilliseconds?: number;
  tpotMilliseconds?: number;
}
export type CommandStep = 'cluster' | 'prepare' | 'apply' | 'reach' | 'try' | 'more';
export interface Manifest {
  objects: {kind: string; apiVersion: string; name: string; content: string}[];
  yaml: string;
  comments?: string[];
  notes?: string[];
  platform?: string;
  promise?: Promised;
  storage?: {storage: string; place?: string; chosen?: boolean; possible?: boolean; whyNot?: string; startSeconds?: number; usdPerMonth?: number; usdPerMonthEvidence?: string; fetchEvidence?: string; needs?: string}[];
  commands?: Partial<Record<CommandStep, string[]>>;
  files?: {path: string; text: string}[];
}

export interface Finding {
  severity: 'info' | 'warning' | 'error';
  id: string;
  file?: string;
  line?: number;
  count?: number;
  object?: string;
  field?: string;
  evidence?: string;
  cause: string;
  fix?: string;
  patch?: string;
  source?: string;
}
export interface Diagnosis {
  errors: number;
  warnings: number;
  infos: number;
  lines?: number;
  objects?: number;
  unchecked?: string[];
  findings: Finding[];
}

export interface Run {
  id: string;
  kind?: string;
  state: string;
  startedAt?: string;
  target?: string;
  model?: string;
  points?: number;
}
export interface RunAnswer {
  run: Run;
  knee?: Knee;
  points?: RunPoint[];
  verdict?: {headline?: string; validity?: string; sound?: boolean; evidence?: string[] | string};
}
/** `counts` false: measured, but no part of the curve (a warm-up, a point that was cut off). */
export type RunPoint = Point & {index: number; requests?: number; errors?: number; end?: string; counts?: boolean; startedAt?: string};

export interface Imported {
  stored: boolean;
  profiles: Profile[];
  notes?: string[];
  differences?: {flag: string; sentence: string}[];
}

export interface PriceRow {
  provider: string;
  region: string;
  item: string;
  unit?: string;
  covers?: string;
  usdPerHour: Record<string, number>;
  source?: string;
  asOf?: string;
  confidence?: string;
  note?: string;
  layer?: string;
  own?: boolean;
}

export interface RunningWorkload {
  kind: string;
  name: string;
  ready: number;
  wanted: number;
}
export interface Deployment {
  name: string;
  namespace: string;
  model?: string;
  workloads?: RunningWorkload[];
  autoscalers?: {name: string; minReplicas: number; maxReplicas: number; currentReplicas: number; desiredReplicas: number; metrics?: {name: string; target?: string; current?: string}[]; conditions?: {type: string; status: string; message?: string}[]}[];
  promised?: Promised;
  notMeasured?: string;
  queries?: string[];
  measured?: {pods?: number; running?: number; waiting?: number; kvUse?: number; outputTokensPerSecond?: number; ttftMilliseconds?: number; tpotMilliseconds?: number; e2eMilliseconds?: number};
  remarks?: string[];
  proposal?: {target: number; why: string};
  missing?: string[];
}
export interface Deployed {
  name: string;
  namespace: string;
  context?: string;
  unchanged?: boolean;
  objects: {action: string; kind: string; name: string; changes?: {path: string; before?: unknown; after?: unknown}[]}[];
  notes?: string[];
  /** Left out of a plan. */
  outcome?: string;
  workloads?: RunningWorkload[];
  waitedSeconds?: number;
  failure?: {kind: string; workload?: string; pod?: string; reason?: string; message?: string; events?: string[]; findings?: Finding[]};
  smoke?: {passed: boolean; milliseconds?: number; said?: string; status?: number};
}

export interface Job<Result = unknown> {
  id: string;
  state?: string;
  verb?: string;
  result?: Result;
  error?: unknown;
}

// Numbers as people read them: three significant digits, units that fit, thousands apart.

const grouped = new Intl.NumberFormat('en-US', {maximumFractionDigits: 0});

/** Three significant digits, never an exponent: 0.0123, 1.23, 123, 12,300. */
export function digits(value: number, significant = 3): string {
  if (!Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  const magnitude = Math.floor(Math.log10(Math.abs(value)));
  if (magnitude >= significant - 1) return grouped.format(value);
  const rounded = Number(value.toPrecision(significant));
  return rounded.toLocaleString('en-US', {maximumFractionDigits: Math.min(12, significant - 1 - magnitude)});
}

/** Counts that may be large: 950, 12.3k, 1.24M, 8.03B. */
/** "64 clients", "1 client", "2.5 requests/s" */
export function load(value: number, unit: string): string {
  return `${digits(value)} ${value === 1 && unit === 'clients' ? 'client' : unit}`.trim();
}

export function short(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const steps: [number, string][] = [[1e12, 'T'], [1e9, 'B'], [1e6, 'M'], [1e4, 'k']];
  for (const [size, unit] of steps) {
    // 999,960,000 is "1B", not "1,000M".
    if (Math.abs(value) >= size * 0.9995) {
      const divisor = unit === 'k' ? 1e3 : size;
      return digits(value / divisor) + unit;
    }
  }
  return digits(value);
}

/** Latency: microseconds to minutes, given in milliseconds. */
export function milliseconds(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size !== 0 && size < 0.9995) return `${digits(value * 1000)} µs`;
  if (size < 9999.5) return `${digits(value)} ms`;
  if (size < 119_950) return `${digits(value / 1000)} s`;
  return `${digits(value / 60_000)} min`;
}

/** Money: cents where it is small, whole dollars where it is not, thousands short. */
export function usd(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const sign = value < 0 ? '-' : '';
  const size = Math.abs(value);
  if (size === 0) return '$0';
  if (size < 0.995) return `${sign}$${digits(size, size < 0.0995 ? 2 : 3)}`;
  if (size < 99.995) return `${sign}$${size.toFixed(2)}`;
  if (size < 999_500) return `${sign}$${grouped.format(size)}`;
  return `${sign}$${short(size)}`;
}

/** Models are spoken of by powers of ten: 8.03B parameters; contexts by powers of two: 128K. */
export function parameters(value: number): string {
  return short(value);
}

export function tokens(value: number): string {
  if (value >= 1024 && value % 1024 === 0) {
    const k = value / 1024;
    return k >= 1024 && k % 1024 === 0 ? `${k / 1024}M` : `${k}K`;
  }
  return grouped.format(value);
}

export function percent(share: number): string {
  return `${digits(share * 100)} %`;
}

export function seconds(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (value < 1) return `${digits(value * 1000)} ms`;
  if (value < 120) return `${digits(value)} s`;
  if (value < 7200) return `${digits(value / 60)} min`;
  return `${digits(value / 3600)} h`;
}

/** "nvidia-h100-80gb" is what Kubernetes calls it; people say H100 80GB. */
export function accelerator(type: string): string {
  const known: Record<string, string> = {nvidia: '', amd: 'AMD ', tpu: 'TPU ', tesla: '', intel: 'Intel ', aws: 'AWS '};
  return type
    .split('-')
    .map((word) => known[word] ?? (/\d/.test(word) || word.length <= 3 ? word.toUpperCase() : word[0]!.toUpperCase() + word.slice(1)) + ' ')
    .join('')
    .trim();
}

/** A moment, as near as it matters. */
export function moment(text: string, now = Date.now()): string {
  const then = Date.parse(text);
  if (Number.isNaN(then)) return text;
  const ago = (now - then) / 1000;
  if (ago >= 0 && ago < 60) return 'just now';
  if (ago >= 0 && ago < 3600) return `${Math.floor(ago / 60)} min ago`;
  if (ago >= 0 && ago < 86_400) return `${Math.floor(ago / 3600)} h ago`;
  return new Date(then).toISOString().slice(0, 16).replace('T', ' ');
}

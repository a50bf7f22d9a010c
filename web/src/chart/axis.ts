import {scaleLinear, scaleLog} from 'd3-scale';

export interface Axis {
  (value: number): number;
  ticks: number[];
  log: boolean;
}

/** Logarithmic where the values span more than a factor of six; else from zero. */
export function axis(values: number[], from: number, to: number, wanted: 'auto' | 'linear' | 'log', room: number): Axis {
  const positive = values.filter((v) => v > 0);
  const least = Math.min(...positive);
  const most = Math.max(...positive);
  const log = wanted === 'log' || (wanted === 'auto' && most / least > 6);
  if (log && positive.length > 0) {
    const scale = scaleLog().domain([least / 1.15, most * 1.15]).range([from, to]);
    const [low, high] = scale.domain() as [number, number];
    const all: number[] = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
      for (const first of [1, 2, 5]) all.push(Number(`${first}e${power}`));
    }
    const inside = all.filter((v) => v >= low && v <= high);
    const decades = inside.filter((v) => Number.isInteger(Math.log10(v)));
    const ticks = inside.length <= room ? inside : decades.length >= 2 ? decades : inside.filter((_, i) => i % 2 === 0);
    return Object.assign((v: number) => scale(v), {ticks, log: true});
  }
  const top = positive.length > 0 ? most * 1.06 : 1;
  const scale = scaleLinear().domain([0, top]).range([from, to]);
  return Object.assign((v: number) => scale(v), {ticks: scale.ticks(room), log: false});
}

export interface Span {
  zone: 'below' | 'at' | 'past' | 'unknown';
  from: number;
  to: number;
}

/** Where along the horizontal axis a curve is below, at and past its knee. */
export function spans(points: {x: number; zone?: Span['zone'] | undefined}[]): Span[] {
  const found: Span[] = [];
  points.forEach((point, i) => {
    const zone = point.zone ?? 'unknown';
    const last = found.at(-1);
    if (last && last.zone === zone) {
      last.from = Math.min(last.from, point.x);
      last.to = Math.max(last.to, point.x);
    } else {
      const before = points[i - 1];
      found.push({zone, from: point.x, to: point.x});
      // A zone begins half way from the point before it.
      if (before && last) {
        const half = (before.x + point.x) / 2;
        last.to = last.to < half ? half : last.to;
        found.at(-1)!.from = Math.min(half, point.x);
      }
    }
  });
  return found;
}

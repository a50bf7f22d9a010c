// Sliders over orders of magnitude: 0 to 1000 along the track, two significant digits in the value.

export interface Scale {
  least: number;
  most: number;
  linear?: boolean;
}

export function toSlider(value: number, {least, most, linear = false}: Scale): number {
  if (most <= least) return 0;
  const share = linear ? (value - least) / (most - least) : Math.log(value / least) / Math.log(most / least);
  return Math.round(1000 * Math.min(1, Math.max(0, share)));
}

export function fromSlider(place: number, {least, most, linear = false}: Scale): number {
  const share = place / 1000;
  const exact = linear ? least + share * (most - least) : least * (most / least) ** share;
  if (linear) return Number(exact.toPrecision(3));
  // 217 ms asked for by hand is 217; by slider, steps of two digits are enough and read better.
  return Number(exact.toPrecision(2));
}

/** Ends of a slider that holds what can be reached, on round numbers. */
export function around(least: number, most: number): Scale {
  const down = 10 ** Math.floor(Math.log10(least));
  const up = 10 ** Math.ceil(Math.log10(most));
  const low = [5, 2, 1].map((f) => f * down).find((v) => v <= least) ?? down;
  const high = [0.2, 0.5, 1].map((f) => f * up).find((v) => v >= most) ?? up;
  return {least: low, most: Math.max(high, low * 10)};
}

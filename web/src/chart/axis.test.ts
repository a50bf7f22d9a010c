import {describe, expect, it} from 'vitest';
import {axis, spans} from './axis';

describe('an axis', () => {
  it('is logarithmic where the values span orders of magnitude', () => {
    const a = axis([54, 12_100], 300, 0, 'auto', 8);
    expect(a.log).toBe(true);
    expect(a.ticks).toEqual([50, 100, 200, 500, 1000, 2000, 5000, 10_000]);
    expect(a(54)).toBeGreaterThan(a(12_100));
  });
  it('begins at zero where they do not', () => {
    const a = axis([100, 300], 0, 500, 'auto', 6);
    expect(a.log).toBe(false);
    expect(a(0)).toBe(0);
    expect(a.ticks[0]).toBe(0);
  });
  it('survives a single value, and none', () => {
    expect(Number.isFinite(axis([7], 0, 100, 'log', 5)(7))).toBe(true);
    expect(Number.isFinite(axis([], 0, 100, 'auto', 5)(1))).toBe(true);
  });
});

describe('zones along the axis', () => {
  it('meet half way between points', () => {
    expect(spans([{x: 10, zone: 'below'}, {x: 20, zone: 'below'}, {x: 40, zone: 'at'}, {x: 42, zone: 'past'}])).toEqual([
      {zone: 'below', from: 10, to: 30}, {zone: 'at', from: 30, to: 41}, {zone: 'past', from: 41, to: 42},
    ]);
  });
  it('are unknown where nothing is said', () => expect(spans([{x: 1}, {x: 2}])).toEqual([{zone: 'unknown', from: 1, to: 2}]));
});

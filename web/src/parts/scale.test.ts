import {describe, expect, it} from 'vitest';
import {around, fromSlider, toSlider} from './scale';

describe('a slider over orders of magnitude', () => {
  const scale = {least: 10, most: 10_000};
  it('has its ends at its ends', () => {
    expect(fromSlider(0, scale)).toBe(10);
    expect(fromSlider(1000, scale)).toBe(10_000);
    expect(toSlider(5, scale)).toBe(0);
    expect(toSlider(1e9, scale)).toBe(1000);
  });
  it('gives two digits and comes back to within them', () => {
    for (let place = 0; place <= 1000; place += 7) {
      const value = fromSlider(place, scale);
      expect(String(Number(value.toPrecision(2)))).toBe(String(value));
      expect(Math.abs(toSlider(value, scale) - place)).toBeLessThan(10);
    }
  });
  it('never goes down while the thumb goes up', () => {
    for (let place = 1; place <= 1000; place++) expect(fromSlider(place, scale)).toBeGreaterThanOrEqual(fromSlider(place - 1, scale));
  });
  it('is linear where asked', () => {
    expect(fromSlider(500, {least: 0, most: 0.9, linear: true})).toBe(0.45);
    expect(toSlider(0.45, {least: 0, most: 0.9, linear: true})).toBe(500);
  });
  it('ends on round numbers around what can be reached', () => {
    expect(around(25.4, 6000)).toEqual({least: 20, most: 10_000});
    expect(around(2.29, 148)).toEqual({least: 2, most: 200});
    expect(around(7, 7)).toEqual({least: 5, most: 50});
  });
});

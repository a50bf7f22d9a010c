import {describe, expect, it} from 'vitest';
import {accelerator, digits, milliseconds, moment, parameters, percent, seconds, short, tokens, usd} from './format';

describe('figures', () => {
  it.each([
    [0, '0'], [0.012345, '0.0123'], [1.2345, '1.23'], [12.345, '12.3'], [99.95, '100'], [123.4, '123'],
    [1234.5, '1,235'], [12_345, '12,345'], [-3.14159, '-3.14'], [NaN, '–'], [Infinity, '–'],
  ])('digits(%d) is %s', (value, text) => expect(digits(value)).toBe(text));

  it.each([[950, '950'], [9_990, '9,990'], [9_999, '10k'], [12_345, '12.3k'], [999_960_000, '1B'], [8_030_000_000, '8.03B'], [1.2e12, '1.2T']])(
    'short(%d) is %s', (value, text) => expect(short(value)).toBe(text));

  it.each([[0, '0 ms'], [0.25, '250 µs'], [11.25, '11.3 ms'], [211.925, '212 ms'], [9_999, '9,999 ms'], [12_100, '12.1 s'], [180_000, '3 min']])(
    'milliseconds(%d) is %s', (value, text) => expect(milliseconds(value)).toBe(text));

  it.each([[0, '$0'], [0.021921299, '$0.022'], [0.748846397, '$0.749'], [0.999, '$1.00'], [10.4365, '$10.44'], [99.999, '$100'], [15_237.29, '$15,237'], [1_234_567, '$1.23M'], [-4, '-$4.00']])(
    'usd(%d) is %s', (value, text) => expect(usd(value)).toBe(text));

  it.each([[131_072, '128K'], [1_048_576, '1M'], [922, '922'], [2_000, '2,000']])(
    'tokens(%d) is %s', (value, text) => expect(tokens(value)).toBe(text));

  it('says shares and times in units that fit', () => {
    expect(percent(0.2)).toBe('20 %');
    expect(seconds(0.5)).toBe('500 ms');
    expect(seconds(190)).toBe('3.17 min');
    expect(parameters(116_800_000_000)).toBe('117B');
  });

  it.each([['nvidia-h100-80gb', 'H100 80GB'], ['nvidia-l4', 'L4'], ['nvidia-rtx-pro-6000', 'RTX PRO 6000'], ['nvidia-tesla-a100', 'A100'], ['amd-mi300x', 'AMD MI300X']])(
    'accelerator(%s) is %s', (type, name) => expect(accelerator(type)).toBe(name));

  it('tells how long ago something was', () => {
    const now = Date.parse('2026-11-22T12:00:00Z');
    expect(moment('2026-11-22T11:59:30Z', now)).toBe('just now');
    expect(moment('2026-11-22T11:15:00Z', now)).toBe('45 min ago');
    expect(moment('2026-11-20T11:15:00Z', now)).toBe('2026-11-20 11:15');
    expect(moment('yesterday', now)).toBe('yesterday');
  });
});

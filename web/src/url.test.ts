import {describe, expect, it} from 'vitest';
import {manifestBody, nothingAsked, readAsk, readOptions, recommendBody, writeAsk, writeOptions, type Ask} from './url';

const full: Ask = {
  model: 'openai/gpt-oss-120b', server: 'vllm', version: '0.19.0', accelerators: ['nvidia-l4', 'nvidia-h100-80gb'], useCase: 'Chatbot (ShareGPT)',
  targets: {ttft: 300, e2e: 4000.5}, statistic: 'p99', load: 12.5, headroom: 0.3, spare: true, pricing: 'spot', provider: 'any', region: 'us-central1',
  decoding: 'any', evidence: 'published', maxUsdPerMillionOutput: 0.5, compare: ['s-1', 'predicted-2'], x: 'load', y: 'e2e', rows: 60,
};

describe('the address', () => {
  it('is empty where nothing is asked', () => {
    expect(writeAsk(nothingAsked)).toBe('');
    expect(readAsk('')).toEqual({...nothingAsked, load: undefined, maxUsdPerMillionOutput: undefined});
  });

  it('gives back all that was asked', () => {
    expect(readAsk(writeAsk(full))).toEqual(full);
    const lengths = {...full, useCase: '', input: 1000, output: 100};
    expect(readAsk('?' + writeAsk(lengths))).toEqual(lengths);
  });

  it('stays readable', () => {
    expect(writeAsk({...nothingAsked, model: 'a/b', targets: {ttft: 300}, accelerators: ['x', 'y']})).toBe('model=a/b&accel=x,y&ttft=300');
  });

  it('takes hostile text for nothing', () => {
    const read = readAsk('ttft=abc&tpot=-5&itl=1e99&stat=p42&y=toString&headroom=7&rows=1e9&in=5&compare=a,b,c,d,e,a&load=');
    expect(read.targets).toEqual({});
    expect(read.statistic).toBe('p50');
    expect(read.y).toBe('ttft');
    expect(read.headroom).toBe(0.2);
    expect(read.rows).toBe(20);
    expect(read.input).toBeUndefined();
    expect(read.compare).toEqual(['a', 'b', 'c', 'd']);
  });
});

describe('the question to the server', () => {
  it('holds targets, prices and load as asked', () => {
    expect(recommendBody(full)).toMatchObject({
      model: 'openai/gpt-oss-120b', useCase: 'Chatbot (ShareGPT)', expectedRequestsPerSecond: 12.5, headroom: 0.3, minAvailable: true,
      targets: [{metric: 'ttft', statistic: 'p99', milliseconds: 300}, {metric: 'e2e', statistic: 'p99', milliseconds: 4000.5}],
      pricing: {model: 'spot', provider: 'any', region: 'us-central1'}, acceleratorTypes: ['nvidia-l4', 'nvidia-h100-80gb'],
    });
  });

  it('names lengths instead of a use case, never both', () => {
    const body = recommendBody({...full, input: 1000, output: 100});
    expect(body).toMatchObject({targetInputLength: 1000, targetOutputLength: 100});
    expect(body).not.toHaveProperty('useCase');
  });
});

describe('the options of a deployment', () => {
  const setup = {modelServer: 'vllm', modelServerVersion: '0.19.0', acceleratorType: 'nvidia-l4'};
  it('come back from the address', () => {
    const options = readOptions('profile=s-1&machine=g2-standard-12&namespace=chat&min=2&max=9&storage=memory&length=8192&count=abc');
    expect(options).toMatchObject({profile: 's-1', machine: 'g2-standard-12', namespace: 'chat', min: 2, max: 9, storage: 'memory', length: 8192});
    expect(options.count).toBeUndefined();
    expect(readOptions(writeOptions(options))).toEqual(options);
  });
  it('become the question, what is not said left out', () => {
    const body = manifestBody(full, readOptions('profile=s-1&namespace=chat'), setup);
    expect(body).toMatchObject({profile: 's-1', namespace: 'chat', acceleratorType: 'nvidia-l4', modelServer: 'vllm'});
    expect(Object.values(body)).not.toContain('');
    expect(body).not.toHaveProperty('storage');
  });
  it('leave the cloud to the platform where it is not Google’s', () => {
    const google = manifestBody(nothingAsked, readOptions('platform=gke'), setup);
    expect(google.pricing).toEqual({model: 'on-demand', provider: 'gcp'});
    const other = manifestBody(nothingAsked, readOptions('platform=eks'), setup);
    expect(other.pricing).toEqual({model: 'on-demand'});
  });
});

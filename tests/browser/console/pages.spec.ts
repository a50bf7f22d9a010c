import {readFileSync} from 'node:fs';
import {answered, artefacts, expect, expectShown, program, slow, started, test} from './serve';

test('a model of one’s own comes from its config.json', async ({page}) => {
  await page.goto('/');
  const config = {
    architectures: ['LlamaForCausalLM'], model_type: 'llama', hidden_size: 2048, intermediate_size: 8192, num_hidden_layers: 16,
    num_attention_heads: 32, num_key_value_heads: 8, vocab_size: 128_256, max_position_embeddings: 131_072, torch_dtype: 'bfloat16', head_dim: 64,
    tie_word_embeddings: true,
  };
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', {name: 'Choose config.json'}).last().click();
  await (await chooser).setFiles({name: 'config.json', mimeType: 'application/json', buffer: Buffer.from('{"broken"')});
  await expect(page.getByRole('alert')).toContainText('not JSON');
  const again = page.waitForEvent('filechooser');
  await page.getByRole('button', {name: 'Choose config.json'}).last().click();
  await (await again).setFiles({name: 'config.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(config))});
  await page.getByRole('textbox', {name: 'Name, as owner/name'}).fill('my-org/own-1b');
  await page.getByRole('button', {name: 'Add the model'}).click();
  await expect(page).toHaveURL(/model=my-org\/own-1b/);
  await page.goto('/?q=own-1b');
  await expect(page.getByRole('option', {name: 'my-org/own-1b'})).toBeVisible();
});

test('prices can be searched, made one’s own, and counted with', async ({page}) => {
  const answer = await answered<{prices: {item: string; region: string; provider: string; usdPerHour: Record<string, number>}[]}>(page, '/prices', () => page.goto('/prices?cloud=gcp&item=a3-highgpu-8g'));
  const row = answer.prices.find((p) => p.item === 'a3-highgpu-8g' && p.usdPerHour['on-demand'] !== undefined)!;
  const line = page.locator('tbody tr', {hasText: row.region}).first();
  expectShown(await line.locator('td').nth(2).textContent(), row.usdPerHour['on-demand']!, 'price');
  await page.screenshot({path: artefacts('8-prices.png'), fullPage: true});
  await line.getByRole('button', {name: /^Your price/}).click();
  const field = page.getByRole('dialog').getByRole('textbox', {name: /On demand/});
  await field.fill('12.5');
  await field.press('Tab');
  await page.getByRole('button', {name: 'Save'}).click();
  await expect(page.getByRole('dialog')).toBeHidden();
  await expect(page.locator('tbody tr', {hasText: 'yours'}).first()).toContainText('$12.50');
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', {name: 'Only yours'}).click()]);
  expect(readFileSync((await file.path())!, 'utf8')).toContain('12.5');
});

test('doctor names what is in a log', async ({page}) => {
  await page.goto('/doctor');
  await page.getByRole('textbox', {name: 'Log, events or manifest'}).fill('torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB');
  const answer = await answered<{findings: {id: string; cause: string}[]}>(page, '/doctor', () => page.getByRole('button', {name: 'Find what is wrong'}).click());
  expect(answer.findings.length).toBeGreaterThan(0);
  await expect(page.locator('.finding')).toHaveCount(answer.findings.length);
  await expect(page.locator('.finding').first()).toContainText(answer.findings[0]!.cause);
  await page.screenshot({path: artefacts('9-doctor.png'), fullPage: true});
  await page.getByRole('textbox', {name: 'Log, events or manifest'}).fill('all is well');
  await page.getByRole('button', {name: 'Find what is wrong'}).click();
  await expect(page.getByText('Nothing known was found.')).toBeVisible();
});

test('deployments say why there are none', async ({page}) => {
  await page.goto('/deployments');
  await expect(page.getByText('This server does not speak to a cluster')).toBeVisible();
  await expect(page.getByText('--allow-deploy').first()).toBeVisible();
});

test('a run is there when it ended, and live while it goes on', async ({page, shipped}) => {
  test.setTimeout(120_000 * slow);
  const emulator = await started(program(), ['emulate', '--port=0', '--model=emulated', '--ttft=20ms', '--itl=1ms'], shipped.home, /(http:\/\/\S+)/);
  const sweep = (points: string, requests: string) =>
    started(program(), ['bench', 'run', `--url=${emulator.url}`, '--model=emulated', `--concurrency=${points}`, `--requests=${requests}`, '--input-tokens=32', '--output-tokens=16'], shipped.home, /(.+)/);
  const finished = await sweep('1,2,4', '20');
  await new Promise((resolve) => finished.process.on('exit', resolve));
  await expect(async () => {
    await page.goto('/runs');
    await expect(page.locator('tbody tr').first()).toContainText('ended');
  }).toPass();
  const answer = await answered<{points: {load: number; outputTokensPerSecond: number; requests: number}[]}>(page, '/runs/', () => page.locator('tbody tr a').first().click());
  expect(answer.points.length).toBe(3);
  const rows = page.getByRole('region', {name: 'Points'}).locator('tbody tr');
  await expect(rows).toHaveCount(3);
  for (const [i, p] of [...answer.points].sort((a, b) => a.load - b.load).entries()) expectShown(await rows.nth(i).locator('td').first().textContent(), p.outputTokensPerSecond, 'tokens/s');
  await page.screenshot({path: artefacts('6-run.png'), fullPage: true});

  const live = await sweep('1,2,3,4,5,6', '150');
  await expect(async () => {
    await page.goto('/runs');
    await expect(page.locator('tbody tr', {hasText: 'running'})).toHaveCount(1, {timeout: 2000});
  }).toPass({timeout: 30_000});
  await page.locator('tbody tr', {hasText: 'running'}).getByRole('link').click();
  await expect(page.getByText('Live: points appear as they are measured.').first()).toBeVisible();
  const before = await page.getByRole('region', {name: 'Points'}).locator('tbody tr').count();
  // Not loaded again: the points come by themselves, until the run is over.
  await expect(async () => expect(await page.getByRole('region', {name: 'Points'}).locator('tbody tr').count()).toBeGreaterThan(before)).toPass({timeout: 40_000});
  await expect(page.locator('.page-head .state')).toHaveText('ended', {timeout: 60_000});
  await expect(page.getByRole('region', {name: 'Points'}).locator('tbody tr')).toHaveCount(6);
  await expect(page.locator('.chart .dot-full')).not.toHaveCount(0);
  await live.stop().catch(() => undefined);
  await emulator.stop();
});

test('a report of another tool is read before it is stored', async ({page}) => {
  await page.goto('/runs');
  const report = {
    date: '20260301-101500', backend: 'vllm', endpoint_type: 'openai', label: null, model_id: 'meta-llama/Llama-3.1-8B-Instruct', tokenizer_id: 'meta-llama/Llama-3.1-8B-Instruct',
    num_prompts: 200, request_rate: 'inf', burstiness: 1.0, max_concurrency: 16, duration: 50.0, completed: 200, failed: 0, total_input_tokens: 102_400, total_output_tokens: 25_600,
    request_throughput: 4.0, output_throughput: 512.0, total_token_throughput: 2560.0, mean_ttft_ms: 82.0, median_ttft_ms: 80.0, std_ttft_ms: 5.0, p99_ttft_ms: 120.0,
    mean_tpot_ms: 24.0, median_tpot_ms: 24.0, std_tpot_ms: 1.0, p99_tpot_ms: 30.0, mean_itl_ms: 24.0, median_itl_ms: 23.0, std_itl_ms: 2.0, p99_itl_ms: 40.0,
  };
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', {name: 'Choose files'}).click();
  await (await chooser).setFiles({name: 'vllm.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(report))});
  await page.getByRole('button', {name: 'What the files may not tell'}).click();
  await page.getByRole('textbox', {name: 'Accelerator', exact: true}).fill('nvidia-l4');
  await page.getByRole('textbox', {name: 'Server'}).fill('vllm');
  await page.getByRole('textbox', {name: 'Version'}).fill('0.19.0');
  const store = page.getByRole('button', {name: 'Store them'});
  await expect(store).toBeDisabled();
  const read = await answered<{stored: boolean; profiles: unknown[]}>(page, '/imports', () => page.getByRole('button', {name: 'Read them'}).click());
  expect(read.stored).toBe(false);
  expect(read.profiles.length).toBe(1);
  await expect(page.getByText('1 profile found')).toBeVisible();
  await page.screenshot({path: artefacts('7-import.png'), fullPage: true});
  const kept = await answered<{stored: boolean}>(page, '/imports', () => store.click());
  expect(kept.stored).toBe(true);
  await page.locator('.found a').first().click();
  await expect(page.locator('.page-head')).toContainText('measured');
});

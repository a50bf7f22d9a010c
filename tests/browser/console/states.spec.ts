import {execFileSync} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import {chmodSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {answered, artefacts, expect, Home, serve, slow, test} from './serve';

const asked = '/choose?model=openai/gpt-oss-120b';

test('what the server refuses is said in its own words', async ({page}) => {
  await page.goto('/choose?model=nobody/has-this-model');
  const answer = await page.request.post('/kneepoint/v1/recommend', {data: {model: 'nobody/has-this-model'}});
  const {error} = await answer.json();
  await expect(page.getByRole('alert')).toContainText(error.message);
  await page.goto('/profile/s-nothing');
  await expect(page.getByRole('alert')).toBeVisible();
});

test('a server that fails is told apart from one that is gone, and both can be tried again', async ({page}) => {
  let broken = true;
  await page.route('**/kneepoint/v1/recommend', (route) =>
    broken
      ? route.fulfill({status: 500, headers: {'x-request-id': 'abc-1'}, json: {error: {code: 500, message: 'the store cannot be read', status: 'INTERNAL', details: []}}})
      : route.continue());
  await page.goto(asked);
  const alert = page.getByRole('alert');
  await expect(alert).toContainText('the store cannot be read');
  await expect(alert).toContainText('Request id abc-1');
  await page.screenshot({path: artefacts('10-error.png')});
  broken = false;
  await alert.getByRole('button', {name: 'Try again'}).click();
  await expect(page.getByRole('grid', {name: 'Ranked setups'})).toBeVisible();
});

test('a server that went away, and came back', async ({page}) => {
  const home = new Home();
  const server = await serve(home);
  await page.goto(`${server.url}${asked}`);
  await expect(page.getByRole('grid', {name: 'Ranked setups'})).toBeVisible();
  await expect(page.getByRole('radio', {name: 'Spot'})).toBeAttached();
  await server.stop();
  await page.getByRole('radio', {name: 'Spot'}).click({force: true});
  const alert = page.getByRole('alert').first();
  await expect(alert).toContainText('The server does not answer');
  await expect(alert).toContainText('Is kneepoint serve still running?');
  const again = await serve(home, `--http=${new URL(server.url).host}`);
  await alert.getByRole('button', {name: 'Try again'}).click();
  await expect(page.getByRole('grid', {name: 'Ranked setups'})).toBeVisible();
  await expect(page).toHaveURL(/pricing=spot/);
  await again.stop();
  home.remove();
});

test('an empty store says what to do on every page', async ({page}) => {
  const home = new Home();
  const server = await serve(home);
  await page.goto(`${server.url}/runs`);
  await expect(page.getByText('No run is here yet.')).toBeVisible();
  await page.goto(`${server.url}/?evidence=measured`);
  await expect(page.getByText('The catalog and the store hold no model yet.')).toBeVisible();
  await page.goto(`${server.url}/?q=zzz-no-such`);
  await expect(page.getByText('No model has “zzz-no-such” in its name.')).toBeVisible();
  await page.goto(`${server.url}/configure`);
  await expect(page.getByText('No setup is chosen yet.')).toBeVisible();
  await page.goto(`${server.url}/choose`);
  await expect(page.getByText('No model is chosen yet.')).toBeVisible();
  await page.goto(`${server.url}/no/such/page`);
  await expect(page.getByText('There is no such page.')).toBeVisible();
  await page.goto(`${server.url}/choose?model=nobody/no-such-model`);
  await expect(page.locator('.empty, .trouble').first()).toBeVisible();
  await server.stop();
  home.remove();
});

test('targets nobody meets say what can be reached', async ({page}) => {
  const answer = await answered<{choices: unknown[]; reachable: {ttft: {minMilliseconds: number}}}>(page, '/recommend', () => page.goto(`${asked}&ttft=1`));
  expect(answer.choices).toEqual([]);
  await expect(page.getByText('Nothing meets these targets.')).toBeVisible();
  await expect(page.getByText('Time to first token: ')).toContainText('at best');
  await page.screenshot({path: artefacts('11-nothing.png'), fullPage: true});
});

test('a token is asked for, kept for the tab, and never in the address', async ({page}) => {
  const home = new Home();
  const token = randomBytes(24).toString('base64url');
  const file = join(home.folder, 'tokens');
  writeFileSync(file, `tester write ${token}\n`);
  chmodSync(file, 0o600);
  const server = await serve(home, `--token-file=${file}`);
  await page.goto(`${server.url}/`);
  await page.getByLabel('Token').fill('one that nobody gave');
  await page.getByRole('button', {name: 'Sign in'}).click();
  await expect(page.getByRole('alert')).toContainText('does not know this token');
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', {name: 'Sign in'}).click();
  await expect(page.getByRole('option').first()).toBeVisible();
  expect(page.url()).not.toContain(token);
  expect(await page.evaluate(() => JSON.stringify({...localStorage}))).not.toContain(token);
  await page.reload();
  await expect(page.getByRole('option').first()).toBeVisible();
  await server.stop();
  home.remove();
});

test('ten thousand profiles are ranked as fast as a slider moves', async ({page}) => {
  test.setTimeout(300_000 * slow);
  const home = new Home();
  const store = join(home.folder, 'big.db');
  const exported = join(home.folder, 'real.jsonl');
  const made = join(home.folder, 'made.jsonl');
  home.kneepoint('store', 'export', `--store=${store}`, exported);
  execFileSync('python3', [join(process.env.KP_SOURCE_DIR!, 'bench/query/make_profiles.py'), exported, '10000', made]);
  home.kneepoint('store', 'import', `--store=${store}`, made);
  expect(readFileSync(made, 'utf8').split('\n').length).toBeGreaterThan(10_000);
  const server = await serve(home, `--store=${store}`);
  const first = await answered<{totalChoices: number; choices: unknown[]}>(page, '/recommend', () => page.goto(`${server.url}${asked}&ttft=500&rows=1000`));
  expect(first.totalChoices).toBeGreaterThan(20);
  const times: number[] = [];
  page.on('requestfinished', (request) => {
    if (request.url().endsWith('/recommend')) {
      const t = request.timing();
      times.push(t.responseEnd - t.requestStart);
    }
  });
  await page.goto(`${server.url}${asked}&ttft=500`);
  await expect(page.getByRole('grid', {name: 'Ranked setups'})).toBeVisible();
  await page.getByRole('slider', {name: 'Time to first token'}).focus();
  for (let i = 0; i < 25; i++) {
    await page.keyboard.press('ArrowRight');
    await page.waitForTimeout(80);
  }
  await expect(page.locator('.page-head').getByText('Updating')).toBeHidden();
  times.sort((a, b) => a - b);
  const median = times[Math.floor(times.length / 2)]!;
  console.log(`10,000 profiles: ${times.length} answers while the slider moved, median ${median.toFixed(0)} ms, largest ${times.at(-1)!.toFixed(0)} ms`);
  // The promise is 100 ms of an optimised build on a quiet machine; here is room for neither.
  expect(median).toBeLessThan(Number(process.env.KP_SLIDER_MS ?? 2500));
  await page.screenshot({path: artefacts('12-many.png')});
  await server.stop();
  home.remove();
});

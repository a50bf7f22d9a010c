import {answered, artefacts, expect, expectShown, test} from './serve';

// From a model to its YAML: every number on the screen is one the server gave.

interface Choice {
  acceleratorType: string;
  modelServerInfo: {modelServer: string; modelServerVersion?: string};
  kneepoint: {
    profile: string; replicas: number; fleetUsdPerMonth?: number; usdPerMillionOutputTokens?: number; reasons: string[];
    evidence: {kind: string; sentence: string};
    operatingPoint: {load: number; outputTokensPerSecond: number; latencyMilliseconds: {ttft?: Record<string, number>; tpot?: Record<string, number>}};
  };
}
interface Ranking {
  choices: Choice[];
  totalChoices: number;
}
const model = 'openai/gpt-oss-120b';
const asked = `/choose?model=${model}&ttft=300&load=12`;
const ttft = (c: Choice) => c.kneepoint.operatingPoint.latencyMilliseconds.ttft!;

test('search finds a model and says what is known of it', async ({page}) => {
  const all = await answered<{totalSize: number}>(page, '/models', () => page.goto('/'));
  await expect(page.getByText(`${all.totalSize} models`)).toBeVisible();
  const found = await answered<{models: {id: string; optimized?: boolean; evidence: string}[]; totalSize: number}>(page, '/models', async () => {
    await page.getByRole('searchbox', {name: 'Search models'}).fill('gpt-oss-120');
  });
  expect(found.models.length).toBeGreaterThan(0);
  const row = page.getByRole('option', {name: model, exact: true});
  await expect(row).toBeVisible();
  await expect(row).toContainText(found.models[0]!.optimized ? 'optimized' : 'predicted');
  await expect(page).toHaveURL(/q=gpt-oss-120/);
  await page.screenshot({path: artefacts('1-models.png')});
  // Arrow down into the list and Enter: the mouse is not needed.
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/choose\?model=openai\/gpt-oss-120b/);
  await expect(page.getByRole('heading', {level: 1})).toHaveText(model);
});

test('the ranking shows what the server answered', async ({page}) => {
  const answer = await answered<Ranking>(page, '/recommend', () => page.goto(asked));
  const best = answer.choices[0]!;
  const head = page.getByRole('region', {name: 'The cheapest that meets every target'});
  await expect(head).toContainText(best.modelServerInfo.modelServer);
  expectShown(await head.locator('.big', {hasText: 'per month'}).locator('.figure').textContent(), best.kneepoint.fleetUsdPerMonth!, 'money of a month');
  expectShown(await head.locator('.big', {hasText: 'TTFT'}).locator('.figure').textContent(), ttft(best).p50 ?? ttft(best).mean!, 'TTFT');
  expectShown(await head.locator('.big', {hasText: 'per replica'}).first().locator('.figure').textContent(), best.kneepoint.operatingPoint.outputTokensPerSecond, 'tokens/s');

  const rows = page.getByRole('grid', {name: 'Ranked setups'}).getByRole('row');
  await expect(rows).toHaveCount(Math.min(20, answer.choices.length) + 1);
  const columns = (await rows.first().getByRole('columnheader').allTextContents()).map((c) => c.trim());
  for (const [i, choice] of answer.choices.slice(0, 8).entries()) {
    // The cells of a row as the grid names them; hidden ones are not there for anybody.
    const cells = rows.nth(i + 1).locator('[role=gridcell], [role=rowheader]');
    const at = async (name: string) => cells.nth(columns.findIndex((c) => c.startsWith(name))).textContent();
    expectShown(await at('TTFT'), ttft(choice).p50 ?? ttft(choice).mean!, `row ${i} TTFT`);
    expectShown(await at('Load'), choice.kneepoint.operatingPoint.load, `row ${i} load`);
    expect(await at('Replicas')).toBe(String(choice.kneepoint.replicas));
    if (choice.kneepoint.fleetUsdPerMonth !== undefined) expectShown(await at('$/month'), choice.kneepoint.fleetUsdPerMonth, `row ${i} month`);
    // Predicted figures are marked as such in words and by shape.
    await expect(rows.nth(i + 1)).toContainText(choice.kneepoint.evidence.kind);
    expect((await at('TTFT'))!.includes('≈')).toBe(choice.kneepoint.evidence.kind === 'predicted');
  }
  await page.screenshot({path: artefacts('2-choose.png'), fullPage: true});
});

test('a slider moves the table, and only the last answer counts', async ({page}) => {
  await answered(page, '/recommend', () => page.goto(asked));
  const thumb = page.getByRole('slider', {name: 'Time to first token'});
  await thumb.focus();
  let requests = 0;
  page.on('request', (r) => { if (r.url().endsWith('/recommend')) requests++; });
  for (let i = 0; i < 40; i++) await page.keyboard.press('ArrowLeft');
  await expect(page).not.toHaveURL(/ttft=300&/);
  const target = Number(new URL(page.url()).searchParams.get('ttft'));
  expect(target).toBeLessThan(300);
  expect(requests).toBeGreaterThan(0);
  // What stands there in the end is what the server says for where the thumb stands.
  await expect(page.locator('.results .trouble')).toHaveCount(0);
  const answer = await (await page.request.post('/kneepoint/v1/recommend', {
    data: {model, useCase: '', targets: [{metric: 'ttft', statistic: 'p50', milliseconds: target}], expectedRequestsPerSecond: 12, headroom: 0.2, limit: 20},
  })).json() as Ranking;
  const figure = page.locator('.best .big', {hasText: 'TTFT'}).locator('.figure');
  await expect(async () => expectShown(await figure.textContent(), ttft(answer.choices[0]!).p50 ?? ttft(answer.choices[0]!).mean!, 'TTFT')).toPass();
});

test('an address restores the whole view', async ({page, context}) => {
  await answered(page, '/recommend', () => page.goto(`${asked}&stat=p99&pricing=spot&headroom=0.4&spare=1&evidence=published&y=tpot&x=load`));
  await expect(page.getByRole('radio', {name: 'p99'})).toBeChecked();
  await expect(page.getByRole('radio', {name: 'Spot'})).toBeChecked();
  await expect(page.getByRole('switch', {name: 'One replica more than needed'})).toBeChecked();
  await expect(page.getByRole('radio', {name: 'TPOT', exact: true})).toBeChecked();
  await expect(page.getByRole('textbox', {name: 'Headroom', exact: true})).toHaveValue('0.4');
  // And one that was clicked together is the same in another tab.
  await page.getByRole('radio', {name: 'E2E'}).click({force: true});
  await expect(page).toHaveURL(/y=e2e/);
  const other = await context.newPage();
  await other.goto(page.url());
  await expect(other.getByRole('radio', {name: 'E2E'})).toBeChecked();
  await expect(other.getByRole('radio', {name: 'Spot'})).toBeChecked();
  await other.close();
});

test('up to four are compared on one chart', async ({page}) => {
  const answer = await answered<Ranking>(page, '/recommend', () => page.goto(asked));
  // One of each evidence, so that the shapes can be told apart.
  const published = answer.choices.find((c) => c.kneepoint.evidence.kind === 'published')!;
  const predicted = answer.choices.find((c) => c.kneepoint.evidence.kind === 'predicted')!;
  const boxes = page.getByRole('grid', {name: 'Ranked setups'}).getByRole('checkbox', {name: /^Compare/});
  // What is seen of a checkbox is its label; the input itself is hidden.
  const tick = (i: number) => boxes.nth(i).locator('xpath=ancestor::label').click();
  const index = (c: Choice) => answer.choices.indexOf(c);
  await tick(index(published));
  const compared = await answered<{curves: {profile: string; evidence: {kind: string}; points: {load: number; x: number; y: number; yLow?: number}[]; knee: {state: string}}[]; target?: {milliseconds: number}}>(
    page, '/profiles:compare', () => tick(index(predicted)));
  await expect(page).toHaveURL(new RegExp(`compare=${published.kneepoint.profile},${predicted.kneepoint.profile}`));
  const chart = page.locator('.chart svg[role=group]');
  await expect(chart.locator('.dot')).toHaveCount(compared.curves.reduce((n, c) => n + c.points.length, 0));
  const counts = Object.fromEntries(compared.curves.map((c) => [c.evidence.kind, c.points.length]));
  await expect(chart.locator('.dot-open')).toHaveCount(counts.predicted!);
  await expect(chart.locator('.dot-full')).toHaveCount(counts.published!);
  await expect(chart.locator('.band')).toHaveCount(compared.curves.filter((c) => c.points.some((p) => p.yLow !== undefined)).length);
  await expect(chart.locator('.knee')).toHaveCount(compared.curves.filter((c) => c.knee.state === 'found').length);
  await expect(chart.locator('.chart-target')).toContainText('target 300 ms');

  // Each point tells its load, its figures and where they come from.
  const first = compared.curves[0]!.points[0]!;
  const dot = chart.locator('[data-point="0-0"]');
  await dot.focus();
  const tip = page.getByRole('tooltip');
  await expect(tip).toContainText(compared.curves[0]!.evidence.kind);
  const label = (await dot.getAttribute('aria-label'))!;
  expectShown(/TTFT \w+ ([^,]*(?:,\d{3})*[^,]*), \w+$/.exec(label)![1]!, first.y, 'label of a point');
  await page.keyboard.press('ArrowRight');
  await expect(chart.locator('[data-point="0-1"]')).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(tip).toBeHidden();

  // The table behind the chart has the same numbers.
  await page.getByRole('button', {name: 'The numbers behind the chart'}).click();
  const rows = page.getByRole('region', {name: 'The numbers behind the chart'}).locator('tbody tr');
  await expect(rows).toHaveCount(compared.curves.reduce((n, c) => n + c.points.length, 0));
  await page.screenshot({path: artefacts('3-compare.png'), fullPage: true});

  for (let i = 0, more = 0; more < 2; i++) {
    if (i === index(published) || i === index(predicted)) continue;
    await tick(i);
    more++;
  }
  await expect(chart.locator('.operating, .curve').first()).toBeVisible();
  await expect(page.locator('.curves li')).toHaveCount(4);
  const fifth = [0, 1, 2, 3, 4, 5].find((i) => i > 3 && i !== index(published) && i !== index(predicted)) ?? 6;
  await tick(fifth);
  await expect(page.getByText('Four are compared already')).toBeVisible();
  await expect(page.locator('.curves li')).toHaveCount(4);
});

test('every figure tells where it comes from', async ({page}) => {
  const answer = await answered<Ranking>(page, '/recommend', () => page.goto(asked));
  const rows = page.getByRole('grid', {name: 'Ranked setups'}).getByRole('row');
  for (const kind of ['published', 'predicted']) {
    const i = answer.choices.findIndex((c) => c.kneepoint.evidence.kind === kind);
    await rows.nth(i + 1).locator('.figure').nth(1).hover();
    await expect(page.getByRole('tooltip')).toContainText(answer.choices[i]!.kneepoint.evidence.sentence);
  }
});

test('a profile shows its whole curve', async ({page}) => {
  const ranking = await answered<Ranking>(page, '/recommend', () => page.goto(asked));
  const id = ranking.choices.find((c) => c.kneepoint.evidence.kind === 'predicted')!.kneepoint.profile;
  const answer = await answered<{profile: {points: {load: number; outputTokensPerSecond: number; latencyMilliseconds: {ttft?: Record<string, number>}}[]; knee: {sentence: string}}}>(
    page, '/profiles/', () => page.goto(`/profile/${id}?ttft=300`));
  const rows = page.getByRole('region', {name: 'Every load point'}).locator('tbody tr');
  await expect(rows).toHaveCount(answer.profile.points.length);
  for (const [i, point] of answer.profile.points.entries()) {
    expectShown(await rows.nth(i).locator('td').nth(1).textContent(), point.outputTokensPerSecond, `point ${i}`);
  }
  await expect(page.locator('.page-head')).toContainText(answer.profile.knee.sentence);
  await page.screenshot({path: artefacts('4-profile.png'), fullPage: true});
});

test('the YAML follows the options and is what the server wrote', async ({page, context}) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await answered(page, '/recommend', () => page.goto(asked));
  const first = await answered<{yaml: string; objects: {kind: string; content: string}[]}>(page, '/manifests', () => page.getByRole('link', {name: 'Configure and deploy'}).click());
  const yaml = page.locator('.yaml');
  await expect(async () => expect((await yaml.innerText()).trim()).toBe(first.yaml.trim())).toPass();

  const second = await answered<{yaml: string; objects: {kind: string; content: string}[]}>(page, '/manifests', () => page.getByRole('textbox', {name: 'Namespace'}).fill('chat'));
  expect(second.yaml).toContain('namespace: chat');
  await expect(yaml).toContainText('namespace: chat');
  await expect(yaml.locator('.line-new').first()).toBeVisible();
  await expect(page).toHaveURL(/namespace=chat/);

  await page.getByRole('button', {name: /^Copy All/}).click();
  await expect(page.getByText('Copied').first()).toBeVisible();
  expect((await page.evaluate(() => navigator.clipboard.readText())).trim()).toBe((await yaml.innerText()).trim());
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', {name: 'Download'}).click()]);
  expect(file.suggestedFilename()).toBe('deploy.yaml');

  await page.getByRole('tab', {name: 'Deployment'}).first().click();
  const deployment = second.objects.find((o) => o.kind === 'Deployment')!;
  await expect(async () => expect((await page.locator('.yaml').innerText()).trim()).toBe(deployment.content.trim())).toPass();

  // Without --allow-deploy there are the commands, and it is said why.
  await expect(page.getByText('This server may not deploy')).toBeVisible();
  await expect(page.locator('.commands')).toContainText('kubectl apply');
  await page.screenshot({path: artefacts('5-configure.png'), fullPage: true});
});

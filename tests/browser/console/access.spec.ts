import AxeBuilder from '@axe-core/playwright';
import {artefacts, expect, slow, test} from './serve';

const model = 'openai/gpt-oss-120b';
const choose = `/choose?model=${model}&ttft=300&load=12`;

async function ready(page: import('@playwright/test').Page) {
  await expect(page.getByRole('heading', {level: 1}).first()).toBeVisible();
  await expect(page.locator('.loading')).toHaveCount(0);
}

async function pages(page: import('@playwright/test').Page): Promise<[string, string][]> {
  const {choices} = await (await page.request.post('/kneepoint/v1/recommend', {data: {model, targets: [{metric: 'ttft', milliseconds: 300}], limit: 10}})).json();
  const ids = choices.map((c: {kneepoint: {profile: string}}) => c.kneepoint.profile);
  return [
    ['models', '/'],
    ['choose', choose],
    ['compare', `${choose}&compare=${[...new Set(ids)].slice(0, 4).join(',')}`],
    ['nothing', `${choose}&ttft=1`.replace('ttft=300&', '')],
    ['profile', `/profile/${ids[0]}`],
    ['configure', `/configure?model=${model}&profile=${ids[0]}&ttft=300`],
    ['deployments', '/deployments'],
    ['runs', '/runs'],
    ['prices', '/prices?cloud=gcp'],
    ['doctor', '/doctor'],
    ['trouble', '/profile/s-nothing'],
  ];
}

for (const theme of ['light', 'dark'] as const) {
  test(`axe finds nothing on any page, ${theme}`, async ({page}) => {
    test.setTimeout(240_000 * slow);
    await page.emulateMedia({colorScheme: theme, reducedMotion: 'reduce'});
    const violations: string[] = [];
    for (const [name, address] of await pages(page)) {
      await page.goto(address);
      if (name !== 'trouble') await ready(page);
      else await expect(page.getByRole('alert')).toBeVisible();
      // What is folded away is looked at too.
      const folded = page.locator('.disclosure-button[aria-expanded=false]');
      for (let left = await folded.count(); left > 0; left--) await folded.first().click();
      const found = await new AxeBuilder({page}).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']).analyze();
      violations.push(...found.violations.map((v) => `${name}: ${v.id}: ${v.help}: ${v.nodes.map((n) => n.target.join(' ')).slice(0, 4).join(' | ')}`));
      await page.screenshot({path: artefacts(`${theme}-${name}.png`), fullPage: true});
    }
    expect(violations).toEqual([]);
  });
}

test('axe finds nothing in what opens', async ({page}) => {
  await page.emulateMedia({reducedMotion: 'reduce'});
  const clean = async (what: string) => {
    const found = await new AxeBuilder({page}).withTags(['wcag2a', 'wcag2aa', 'wcag21aa']).analyze();
    expect(found.violations.map((v) => `${what}: ${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join(' | ')}`)).toEqual([]);
  };
  await page.goto(choose);
  await ready(page);
  await page.keyboard.press('Tab'); // by keyboard from here on
  await page.locator('.best-figures .figure').first().focus();
  await expect(page.getByRole('tooltip')).toBeVisible();
  await clean('evidence');
  await page.keyboard.press('Escape');
  await page.getByRole('button', {name: /Use case/}).click();
  await expect(page.getByRole('listbox')).toBeVisible();
  await clean('use cases');
  await page.keyboard.press('Escape');
  await page.getByRole('button', {name: /^Accelerators/}).click();
  await clean('accelerators');
  await page.keyboard.press('Escape');
  await page.getByRole('button', {name: 'Theme'}).click();
  await clean('theme');
});

test('the theme can be switched and stays', async ({page}) => {
  await page.emulateMedia({colorScheme: 'light'});
  await page.goto('/doctor');
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.getByRole('button', {name: 'Theme'}).click();
  await page.getByRole('menuitemradio', {name: 'Dark'}).click();
  const dark = await ground();
  expect(dark).not.toBe(light);
  await page.reload();
  expect(await ground()).toBe(dark);
});

test('the whole way by keyboard alone', async ({page}) => {
  await page.goto('/');
  await expect(page.getByRole('option').first()).toBeVisible();
  await page.getByRole('searchbox').focus();
  await page.keyboard.type('gpt-oss-120b');
  await expect(page.getByRole('option', {name: model, exact: true})).toBeVisible();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/choose/);
  await expect(page.getByRole('grid', {name: 'Ranked setups'})).toBeVisible();

  const focused = () => page.evaluate(() => {
    const e = document.activeElement as HTMLElement;
    return `${e.tagName} ${e.getAttribute('aria-label') ?? ''} ${e.className} ${e.textContent?.slice(0, 40)}`;
  });
  const tabTo = async (what: RegExp, most = 80) => {
    for (let i = 0; i < most; i++) {
      await page.keyboard.press('Tab');
      if (what.test(await focused())) return;
    }
    throw new Error(`${what} is not reached by Tab; now at ${await focused()}`);
  };
  await tabTo(/Time to first token/);
  await page.keyboard.press('Home');
  for (let i = 0; i < 3; i++) await page.keyboard.press('PageUp');
  await expect(page).toHaveURL(/ttft=\d/);
  await tabTo(/^(TABLE|TR|TH|TD) /);
  // One stop for the table: inside, arrow keys; Space ticks the row.
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Space');
  await expect(page).toHaveURL(/compare=/);
  await page.getByRole('link', {name: 'Configure and deploy'}).focus();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/configure/);
  await expect(page.locator('.yaml')).toBeVisible();
  await tabTo(/Copy All/);
  await page.keyboard.press('Enter');
  await expect(page.getByText('Copied').first()).toBeVisible();
});

for (const [name, width] of [['phone', 360], ['tablet', 820], ['wide', 2200]] as const) {
  test(`fits ${name}`, async ({page}) => {
    test.setTimeout(120_000 * slow);
    await page.setViewportSize({width, height: name === 'phone' ? 740 : 1000});
    for (const [at, address] of await pages(page)) {
      await page.goto(address);
      if (at !== 'trouble') await ready(page);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect(over, `${at} is wider than the screen`).toBeLessThanOrEqual(0);
      await page.screenshot({path: artefacts(`${name}-${at}.png`), fullPage: true});
    }
    if (name !== 'phone') return;
    await page.goto(choose);
    await ready(page);
    await page.getByRole('button', {name: 'Change targets and load'}).click();
    await expect(page.getByRole('dialog')).toBeVisible();
    await page.screenshot({path: artefacts('phone-controls.png')});
    await page.getByRole('dialog').getByText('Spot', {exact: true}).click();
    await page.getByRole('dialog').getByRole('button', {name: /setups?$/}).click();
    await expect(page).toHaveURL(/pricing=spot/);
  });
}

test('the first load is small', async ({page}) => {
  let bytes = 0;
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  const scripts = new Set<string>();
  session.on('Network.responseReceived', (e) => { if (/\/(assets\/|theme|icon|$)/.test(new URL(e.response.url).pathname)) scripts.add(e.requestId); });
  session.on('Network.loadingFinished', (e) => { if (scripts.has(e.requestId)) bytes += e.encodedDataLength; });
  await page.goto('/');
  await expect(page.getByRole('option').first()).toBeVisible();
  await page.waitForLoadState('networkidle');
  console.log(`first load: ${(bytes / 1000).toFixed(1)} kB over the wire`);
  expect(bytes).toBeGreaterThan(50_000);
  expect(bytes).toBeLessThan(300_000);
});

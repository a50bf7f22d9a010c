import {expect, test} from './serve';

// Every test of the console fails when a page breaks the policy (`quiet` hears what the browser
// says). Here: that there is a policy to break, and that the browser says so.

test('the policy admits the console’s own files and nothing else', async ({page}) => {
  const answer = await page.goto('/');
  const directives = answer!.headers()['content-security-policy']!.split('; ');
  expect(directives).toContain("default-src 'none'");
  expect(directives.filter((d) => !/^[a-z-]+ '(self|none|script)'$/.test(d))).toEqual([]);
});

test('what is written into a page does not run, and the browser reports it', async ({context, shipped}) => {
  // Not the page that `quiet` listens to: this one breaks the policy on purpose.
  const page = await context.newPage();
  await page.goto(`${shipped.url}/doctor`);
  await expect(page.getByRole('heading', {level: 1})).toBeVisible();
  const broken = await page.evaluate(async () => {
    const found: string[] = [];
    document.addEventListener('securitypolicyviolation', (event) => found.push(event.effectiveDirective));
    const add = (name: string, fill: (element: HTMLElement) => void) => {
      const element = document.createElement(name);
      fill(element);
      document.body.append(element);
    };
    add('style', (e) => e.append('body { opacity: 0.5 }'));
    add('p', (e) => e.setAttribute('style', 'opacity: 0.5'));
    add('img', (e) => ((e as HTMLImageElement).src = 'data:image/gif;base64,R0lGODlhAQABAAAAACw='));
    add('img', (e) => ((e as HTMLImageElement).src = URL.createObjectURL(new Blob(['x'], {type: 'image/png'}))));
    await import('http://127.0.0.1:1/other.js' as string).catch(() => undefined);
    try {
      document.body.insertAdjacentHTML('beforeend', '<p>text as markup</p>');
      found.push('text became markup');
    } catch {
      // As it should be.
    }
    await fetch('http://127.0.0.1:1/').catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 200));
    return found.sort();
  });
  expect(await page.evaluate(() => getComputedStyle(document.body).opacity)).toBe('1');
  expect([...new Set(broken)]).toEqual(
    ['connect-src', 'img-src', 'require-trusted-types-for', 'script-src-elem', 'style-src-attr', 'style-src-elem']);
  expect(broken.filter((d) => d === 'img-src').length).toBe(2);
  await page.close();
});

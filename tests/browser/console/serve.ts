import {spawn, execFileSync, type ChildProcess} from 'node:child_process';
import {mkdirSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {test as base, expect, type Page} from '@playwright/test';

export const slow = Number(process.env.KP_SLOW ?? 1);

function needed(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run this by ctest -R browser.console, or see docs/console.md`);
  return value;
}

export const program = () => needed('KP_PROGRAM');
export const source = () => needed('KP_SOURCE_DIR');
export const artefacts = (name: string) => join(needed('KP_BINARY_DIR'), 'console-artefacts', name);

/** A place of its own for the store, the runs and everything else that would lie in a home folder. */
export class Home {
  readonly folder = mkdtempSync(join(tmpdir(), 'kneepoint-console-'));
  readonly env = {
    PATH: process.env.PATH ?? '/usr/bin:/bin', HOME: this.folder, LC_ALL: 'C.UTF-8',
    XDG_DATA_HOME: join(this.folder, 'data'), XDG_CONFIG_HOME: join(this.folder, 'config'),
  };
  constructor() {
    for (const name of ['data', 'config']) mkdirSync(join(this.folder, name));
  }
  kneepoint(...words: string[]): string {
    return execFileSync(program(), words, {env: this.env, encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'pipe']});
  }
  remove() {
    rmSync(this.folder, {recursive: true, force: true});
  }
}

/** A program that says where it listens and is stopped with the test. */
export async function started(path: string, words: string[], home: Home, where: RegExp): Promise<{url: string; process: ChildProcess; stop: () => Promise<void>}> {
  const child = spawn(path, words, {env: home.env, stdio: ['ignore', 'pipe', 'pipe']});
  let said = '';
  const url = await new Promise<string>((resolve, reject) => {
    const hear = (bytes: Buffer) => {
      said += bytes.toString();
      const found = where.exec(said);
      if (found) resolve(found[1]!.replace(/[,/]$/, ''));
    };
    child.stdout!.on('data', hear);
    child.stderr!.on('data', hear);
    child.on('exit', (status) => reject(new Error(`${path} ended with ${status}: ${said}`)));
    setTimeout(() => reject(new Error(`${path} says nothing of an address: ${said}`)), 50_000 * slow).unref();
  });
  const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  return {
    url, process: child,
    stop: async () => {
      child.kill('SIGTERM');
      setTimeout(() => child.kill('SIGKILL'), 10_000).unref();
      await ended;
    },
  };
}

export const serve = (home: Home, ...flags: string[]) =>
  started(needed('KP_SERVE'), ['--http=127.0.0.1:0', '--grpc=off', `--web=${needed('KP_WEB')}`, ...flags], home, /REST and console at (http\S+)/);

export interface Shipped {
  url: string;
  home: Home;
}

/** The shipped catalog over an empty store, one server for all tests of a worker. */
export const test = base.extend<{quiet: void}, {shipped: Shipped}>({
  shipped: [
    async ({}, use) => {
      const home = new Home();
      const server = await serve(home);
      await use({url: server.url, home});
      await server.stop();
      home.remove();
    },
    {scope: 'worker', timeout: 90_000 * slow},
  ],
  baseURL: async ({shipped}, use) => use(shipped.url),
  /** Whatever a test looks at: the browser's console stays empty, nobody outside is asked, and the security policy is kept. */
  quiet: [
    async ({page}, use, info) => {
      const said: string[] = [];
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') said.push(message.text());
      });
      page.on('pageerror', (error) => said.push(error.message));
      await page.addInitScript(() =>
        document.addEventListener('securitypolicyviolation', (event) =>
          console.error(`the policy forbids: ${event.effectiveDirective} ${event.blockedURI} ${event.sample} at ${event.sourceFile}:${event.lineNumber}`)));
      page.on('request', (request) => {
        const {hostname, protocol} = new URL(request.url());
        if (protocol.startsWith('http') && hostname !== '127.0.0.1') said.push(`asks ${hostname}`);
      });
      await use();
      // Chromium itself reports each answer of 4xx and 5xx; tests of errors make them on purpose.
      const own = said.filter((text) => !/Failed to load resource/.test(text));
      if (info.status === info.expectedStatus) expect(own).toEqual([]);
    },
    {auto: true},
  ],
});
export {expect};

/** Does something that asks the server, and gives what it answered. */
export async function answered<T>(page: Page, path: string, act: () => Promise<unknown>): Promise<T> {
  const [answer] = await Promise.all([
    page.waitForResponse((r) => new URL(r.url()).pathname.startsWith(`/kneepoint/v1${path}`) && r.ok(), {timeout: 30_000 * slow}),
    act(),
  ]);
  return (await answer.json()) as T;
}

/** The quantity a text shows, in milliseconds, dollars or ones. */
export function shown(text: string): number {
  const match = /(-?)(\$?)([\d,]*\.?\d+)\s*(µs|ms|min|s\b|k|M|B|T)?/.exec(text);
  if (!match) throw new Error(`no number in “${text}”`);
  const unit: Record<string, number> = {'µs': 1e-3, ms: 1, s: 1e3, min: 6e4, k: 1e3, M: 1e6, B: 1e9, T: 1e12};
  return (match[1] ? -1 : 1) * Number(match[3]!.replaceAll(',', '')) * (unit[match[4] ?? ''] ?? 1);
}

/** What is shown is what was answered, to the digits that are shown. */
export function expectShown(text: string | null, exact: number, what: string) {
  expect(text, what).not.toBeNull();
  expect(Math.abs(shown(text!) - exact), `${what}: “${text}” for ${exact}`).toBeLessThanOrEqual(Math.abs(exact) * 0.0051 + 1e-9);
}

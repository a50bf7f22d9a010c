import {defineConfig} from '@playwright/test';

// A machine that builds meanwhile, or a sanitizer: everything may take so many times longer.
const slow = Number(process.env.KP_SLOW ?? 1);
const build = process.env.KP_BINARY_DIR ?? '.';

/** Debian's Chromium, which tools/packages/test.txt installs; Playwright brings none. */
export default defineConfig({
  testDir: '.',
  outputDir: `${build}/console-artefacts/failures`,
  // Two at a time: each has a server of its own.
  workers: Number(process.env.KP_CONSOLE_WORKERS ?? 2),
  fullyParallel: false,
  timeout: 60_000 * slow,
  expect: {timeout: 15_000 * slow},
  reporter: [['list']],
  use: {
    locale: 'en-US',
    viewport: {width: 1360, height: 900},
    actionTimeout: 15_000 * slow,
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: process.env.KP_CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    },
  },
});

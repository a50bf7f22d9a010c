import {defineConfig} from 'vitest/config';

// KP_WEB_OUT: where the finished files go; the project's build gives a folder below build/.
// KP_SERVE: the running `kneepoint serve` that the development server passes API calls to.
const server = process.env.KP_SERVE ?? 'http://127.0.0.1:8090';

export default defineConfig({
  esbuild: {jsx: 'automatic'},
  server: {proxy: {'/kneepoint': server, '/v1': server}},
  build: {
    outDir: process.env.KP_WEB_OUT ?? 'dist',
    emptyOutDir: true,
    target: 'es2022',
    // The server's content security policy allows no data: addresses.
    assetsInlineLimit: 0,
    modulePreload: {polyfill: false},
    reportCompressedSize: false,
    rollupOptions: {
      // Libraries mark files for servers that render; there is none here.
      onwarn: (warning, warn) => warning.code !== 'MODULE_LEVEL_DIRECTIVE' && warn(warning),
      output: {
        manualChunks: (id) =>
          /node_modules\/(react|react-dom|scheduler)\//.test(id) ? 'react' : undefined,
      },
    },
  },
  test: {include: ['src/**/*.test.{ts,tsx}'], environment: 'node'},
});

// Compresses the finished files beside themselves, so that the server sends them as they lie, and
// holds the first load to its promise: what index.html names, and what those files import at once.
import {readdirSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {extname, join} from 'node:path';
import {brotliCompressSync, constants, gzipSync} from 'node:zlib';

const folder = process.env.KP_WEB_OUT ?? 'dist';
const limit = 300_000;
const sizes = new Map();

function* files(at) {
  for (const name of readdirSync(at)) {
    const path = join(at, name);
    if (statSync(path).isDirectory()) yield* files(path);
    else yield path;
  }
}

for (const path of [...files(folder)]) {
  if (!['.html', '.js', '.css', '.svg'].includes(extname(path))) continue;
  const bytes = readFileSync(path);
  const gzip = gzipSync(bytes, {level: 9});
  const brotli = brotliCompressSync(bytes, {params: {[constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length}});
  sizes.set(path.slice(folder.length + 1), gzip.length);
  if (gzip.length < bytes.length) writeFileSync(`${path}.gz`, gzip);
  if (brotli.length < bytes.length) writeFileSync(`${path}.br`, brotli);
}

const first = new Set(['index.html']);
const follow = (text, pattern) => {
  for (const [, name] of text.matchAll(pattern)) {
    const path = name.startsWith('/') ? name.slice(1) : join('assets', name);
    if (!sizes.has(path) || first.has(path)) continue;
    first.add(path);
    if (path.endsWith('.js')) follow(readFileSync(join(folder, path), 'utf8'), /(?:from|import)\s*"\.\/([^"]+)"/g);
  }
};
follow(readFileSync(join(folder, 'index.html'), 'utf8'), /(?:src|href)="([^"]+)"/g);

const sum = (names) => [...names].reduce((total, name) => total + sizes.get(name), 0);
const all = sum(sizes.keys());
console.log(`first load ${(sum(first) / 1000).toFixed(1)} kB, everything ${(all / 1000).toFixed(1)} kB (gzip)`);
writeFileSync(join(folder, 'sizes.json'), JSON.stringify({limit, first: sum(first), all, files: Object.fromEntries(sizes)}, null, 1) + '\n');
if (sum(first) > limit) {
  console.error(`the first load is larger than ${limit / 1000} kB`);
  process.exit(1);
}

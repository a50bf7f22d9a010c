// The notices of the libraries that are bundled into the finished files: their licences ask that they
// go wherever the code goes. Names, versions and licences are those of the lock file, the words those
// of each package.
import {readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')).packages;
const parts = [];
const missing = [];
for (const [path, entry] of Object.entries(lock)) {
  if (!path || entry.dev || entry.devOptional || entry.optional) continue;
  const files = readdirSync(path).filter((name) => /^(licen[cs]e|copying|notice|unlicense)([.-]|$)/i.test(name)).sort();
  const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
  const licence = entry.license ?? JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')).license;
  if (!licence && !files.length) missing.push(name);
  const words = files.map((file) => readFileSync(join(path, file), 'utf8').trim());
  parts.push({title: `${name} ${entry.version} (${licence ?? 'see below'})`, words: words.join('\n\n')});
}
if (missing.length) {
  console.error(`no licence is stated by ${missing.join(', ')}`);
  process.exit(1);
}

// Packages of one author share their words: said once, below all their names.
const byWords = new Map();
for (const {title, words} of parts) byWords.set(words, [...(byWords.get(words) ?? []), title]);
const rule = `\n\n${'-'.repeat(78)}\n\n`;
const text = [...byWords].map(([words, titles]) => `${titles.sort().join('\n')}${words ? `\n\n${words}` : ''}`).sort().join(rule);
writeFileSync(join(process.env.KP_WEB_OUT ?? 'dist', 'licenses.txt'), `The console's libraries.${rule}${text}\n`);

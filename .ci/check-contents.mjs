// The packed files: every target of exports and bin is in, sources and tests are out.

import { readFileSync } from 'node:fs';

const [packed] = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const files = new Set(packed.files.map((file) => file.path));

const targets = [...Object.values(manifest.exports).flatMap(published), ...Object.values(manifest.bin)];
const wanted = [
  ...targets.map((path) => path.replace(/^\.\//, '')),
  ...manifest.files.filter((name) => name !== 'dist'),
];
const missing = wanted.filter((path) => !files.has(path));
const strangers = [...files].filter((path) => /^(src|actors|test|bench|examples|docs|\.ci)\//.test(path));

console.log(`${packed.filename}: ${files.size} files, ${Math.round(packed.size / 1024)} KB packed`);
if (missing.length > 0) console.error(`missing from the package: ${missing.join(', ')}`);
if (strangers.length > 0) console.error(`does not belong into the package: ${strangers.join(', ')}`);
process.exitCode = missing.length + strangers.length > 0 ? 1 : 0;

// `weir-source` points at sources that are not published: it serves this repository alone.
function published(target) {
  if (typeof target === 'string') return [target];
  return Object.entries(target).flatMap(([condition, path]) => (condition === 'weir-source' ? [] : [path]));
}

// Page hits per minute without Weir: `node access-log-truth.mjs <file>` prints one JSON line per page and minute, sorted.
import { readFileSync } from 'node:fs';

const hits = new Map();
for (const line of readFileSync(process.argv[2], 'utf8').split('\n')) {
  const [, time, request] = /\[([^\]]+)\] "([^"]*)/.exec(line) ?? [];
  if (time === undefined) continue;
  const at = Date.parse(time.replace(/^(\d+)\/(\w+)\/(\d+):/, '$1 $2 $3 '));
  const row = JSON.stringify({ path: request.split(' ')[1], minute: at - (at % 60_000), hits: 0 });
  hits.set(row, (hits.get(row) ?? 0) + 1);
}
for (const row of [...hits].map(([text, n]) => text.replace(/0}$/, `${n}}`)).sort()) console.log(row);

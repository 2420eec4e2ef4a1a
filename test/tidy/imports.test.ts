// The rules about imports go red on a small bad example, and stay quiet on the good one beside it.

import { describe, expect, test } from 'vitest';
import { showFinding } from './finding.js';
import { forbiddenArrow } from './layers.js';
import { findings, places } from './try-rule.js';

describe('layers: imports point down', () => {
  test('an import against the layers is found, as are its type-only, dynamic and re-exporting forms', () => {
    const texts = {
      'src/api/stream.ts': 'export type Stream = 1;',
      'src/base/a.ts': "import { x } from '../api/stream.js';",
      'src/base/b.ts': "\nimport type { Stream } from '../api/stream.js';",
      'src/base/c.ts': "const s = await import('../api/stream.js');",
      'src/base/d.ts': "export * from '../api/stream.js';",
      'src/base/e.ts': "type S = import('../api/stream.js').Stream;",
    };
    expect(places('layers', texts)).toEqual(
      ['a', 'b', 'c', 'd', 'e'].map((f) => `src/base/${f}.ts:${f === 'b' ? 2 : 1}`),
    );
  });

  test('down, within a folder, and within the open row is allowed', () => {
    const texts = {
      'src/base/ids.ts': '',
      'src/api/stream.ts': "import { a } from '../connectors/file.js'; import { b } from '../base/ids.js';",
      'src/connectors/file.ts': "import './lines.js';",
      'src/connectors/lines.ts': '',
      'actors/task-actor.ts': "import '../src/task/machine.js'; import './kernel/actor.js';",
      'actors/kernel/actor.ts': "import '../../src/base/ids.js';",
      'src/task/machine.ts': '',
      'test/x.test.ts': "import '../src/task/machine.js'; import './y.js';",
      'bench/b.ts': "import '../actors/kernel/actor.js';",
    };
    expect(findings('layers', texts)).toEqual([]);
  });

  test.each([
    ['src/flow/a.ts', 'src/state/b.ts'],
    ['src/checkpoint/a.ts', 'src/flow/b.ts'],
    ['src/elements/a.ts', 'src/flow/b.ts'],
    ['src/operators/a.ts', 'src/graph/b.ts'],
    ['src/graph/a.ts', 'src/api/b.ts'],
    ['src/task/a.ts', 'actors/job.ts'],
    ['actors/kernel/a.ts', 'src/elements/b.ts'],
    ['actors/kernel/a.ts', 'actors/job.ts'],
    ['actors/index.ts', 'actors/job.ts'],
    ['actors/job.ts', 'actors/index.ts'],
    ['actors/job.ts', 'src/testing/virtual-runtime.ts'],
    ['src/api/a.ts', 'src/index.ts'],
    ['src/api/a.ts', 'src/cli/weir.ts'],
    ['src/index.ts', 'src/testing/index.ts'],
    ['src/testing/a.ts', 'src/cli/weir.ts'],
    ['src/base/a.ts', 'test/b.ts'],
    ['actors/a.ts', 'bench/b.ts'],
    ['examples/a.ts', 'src/api/b.ts'],
  ])('%s may not import %s', (from, to) => {
    expect(forbiddenArrow(from, to)).not.toBeNull();
  });

  test.each([
    ['src/index.ts', 'actors/run-job.ts'],
    ['src/cli/weir.ts', 'src/index.ts'],
    ['src/testing/verify.ts', 'actors/run-job.ts'],
    ['examples/a.ts', 'src/index.ts'],
    ['examples/a.ts', 'examples/orders.ts'],
    ['actors/index.ts', 'actors/kernel/actor.ts'],
  ])('%s may import %s', (from, to) => {
    expect(forbiddenArrow(from, to)).toBeNull();
  });

  test('a folder of src without a layer is found', () => {
    expect(places('layers', { 'src/stuff/a.ts': '' })).toEqual(['src/stuff/a.ts:1']);
  });

  test('a roof that does more than re-export is found', () => {
    expect(places('roofs', { 'src/index.ts': "export * from './api/a.js';\nexport const x = 1;" })).toEqual([
      'src/index.ts:2',
    ]);
    expect(
      places('roofs', {
        'src/index.ts': "export * from './api/a.js';\nexport type { B } from './api/b.js';",
      }),
    ).toEqual([]);
  });
});

describe('cycles: no file is loaded before itself', () => {
  test('a cycle of value imports is found once, with its way round', () => {
    const texts = {
      'src/base/a.ts': "import './b.js';",
      'src/base/b.ts': "\nimport { c } from './c.js';",
      'src/base/c.ts': "import { type A } from './a.js';",
    };
    const found = findings('cycles', texts);
    expect(found).toHaveLength(1);
    expect(found[0]?.message).toContain('src/base/a.ts -> src/base/b.ts -> src/base/c.ts -> src/base/a.ts');
  });

  test('a file that imports itself is found', () => {
    expect(places('cycles', { 'src/base/a.ts': "import './a.js';" })).toEqual(['src/base/a.ts:1']);
  });

  test('type-only and dynamic imports close no cycle', () => {
    const texts = {
      'src/base/a.ts': "import './b.js';",
      'src/base/b.ts': "import type { A } from './a.js'; export const a = () => import('./a.js');",
    };
    expect(findings('cycles', texts)).toEqual([]);
  });
});

describe('packages: one importer each', () => {
  test('nact, lmdb and msgpackr outside their file are found', () => {
    const texts = {
      'actors/kernel/nact-host.ts': "import { start } from 'nact';",
      'actors/kernel/other.ts': "import { start } from 'nact';",
      'src/base/lmdb-key-values.ts': "import { open } from 'lmdb';",
      'src/checkpoint/store.ts': "import type { RootDatabase } from 'lmdb';",
      'src/state/x.ts': "import { pack } from 'msgpackr/pack';",
      'examples/a.ts': "import { open } from 'lmdb';",
      'test/a.test.ts': "import { open } from 'lmdb';",
    };
    expect(places('packages', texts)).toEqual([
      'actors/kernel/other.ts:1',
      'examples/a.ts:1',
      'src/checkpoint/store.ts:1',
      'src/state/x.ts:1',
    ]);
  });
});

describe('orphans: every file has a use', () => {
  const manifest = JSON.stringify({
    exports: { '.': { 'weir-source': './src/index.ts', default: './dist/src/index.js' } },
    bin: { weir: './dist/src/cli/weir.js' },
    scripts: { bench: 'node --import tsx bench/proof/proof.ts' },
  });
  const texts = {
    'package.json': manifest,
    'src/index.ts': "export * from './api/used.js';",
    'src/cli/weir.ts': '',
    'bench/proof/proof.ts': "import './kill.js';",
    'bench/proof/kill.ts': "spawn('bench/proof/child.ts');",
    'bench/proof/child.ts': '',
    'src/api/used.ts': "new URL('./thread.js', import.meta.url);",
    'src/api/thread.ts': '',
    'test/a.test.ts': "import './story.js'; join(here, 'child.ts');",
    'test/story.ts': '',
    'test/child.ts': '',
    'examples/a.ts': '',
  };

  test('imported, named, exported, scripted and run files are no orphans', () => {
    expect(findings('orphans', texts)).toEqual([]);
  });

  test('a file that nothing reaches is found', () => {
    const found = findings('orphans', { ...texts, 'src/api/forgotten.ts': '', 'test/left-over.ts': '' });
    expect(found.map((finding) => finding.file)).toEqual(['src/api/forgotten.ts', 'test/left-over.ts']);
  });

  test('a file of the engine that tests alone reach is found', () => {
    const found = findings('orphans', {
      ...texts,
      'src/api/model.ts': '',
      'test/b.test.ts': "import '../src/api/model.js';",
    });
    expect(found.map(showFinding)).toEqual([
      expect.stringContaining('src/api/model.ts:1  [orphans] Only tests'),
    ]);
  });

  test('two files that reach each other alone are found', () => {
    const found = findings('orphans', {
      ...texts,
      'src/api/x.ts': "import './y.js';",
      'src/api/y.ts': "import './x.js';",
    });
    expect(found.map((finding) => finding.file)).toEqual(['src/api/x.ts', 'src/api/y.ts']);
  });

  test('a file that package.json names and that is not there is found', () => {
    const { 'src/cli/weir.ts': _gone, ...rest } = texts;
    expect(findings('package-files', rest).map((finding) => finding.message)).toEqual([
      'package.json names src/cli/weir.ts, which does not exist.',
    ]);
  });
});

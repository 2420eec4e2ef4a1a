import { defineConfig } from 'vitest/config';

// ssr.resolve: tests import `weirjs` as a user does, but from the sources.
export default defineConfig({
  resolve: { conditions: ['weir-source'] },
  ssr: { resolve: { conditions: ['weir-source', 'node', 'import', 'module', 'default'] } },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'threads',
    // Jobs fail on purpose here; a test that is about the lines passes a logger, or the level.
    env: { WEIR_LOG: 'silent' },
  },
});

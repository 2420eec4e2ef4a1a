// The line that declared an operator, found by paths, and in a bundle by the methods of the API.

import { expect, test } from 'vitest';
import { declaredAt, describesJobs, stackBelowApi } from '../../src/api/declared-at.js';

test('the place of a declaration is this file when called from here', () => {
  expect(declaredAt()).toMatch(/\/test\/api\/declared-at\.test\.ts:\d+:\d+$/);
});

test('where paths cannot tell, the place is below the outermost method of the API', () => {
  class Stream {
    static {
      describesJobs(Stream);
    }

    print(): string | undefined {
      return this.sinkTo();
    }

    sinkTo(): string | undefined {
      return stackBelowApi();
    }
  }
  const userCode = (): string | undefined => new Stream().print();
  const deep = (depth: number): string | undefined => (depth === 0 ? userCode() : deep(depth - 1));
  expect(deep(0)?.split('\n')[0]).toContain('userCode');
  expect(deep(30)?.split('\n')[0]).toContain('userCode');
  expect(stackBelowApi()).toBeUndefined();
});

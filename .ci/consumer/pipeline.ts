// A job file as `weir run` takes it.

import { defineJob } from 'weirjs';

export default defineJob('pipeline', (env) => {
  env
    .from([1, 2, 3], { uid: 'numbers' })
    .keyBy((value) => value % 2)
    .reduce((sum, value) => sum + value)
    .uid('sums')
    .print('sum');
});

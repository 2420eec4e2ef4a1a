// The job of the demo: orders into files, and revenue per minute and category into files and to the screen.
//
// Owns:    the graph.
// Not:     running it, and killing its actors (demo.ts, killer.ts).

import {
  boundedOutOfOrderness,
  type CollectHandle,
  defineJob,
  fileSink,
  generator,
  type JobDefinition,
  minutes,
  sum,
  tumbling,
  withTimestamps,
} from 'weirjs';
import { DISORDER_MS, type MinuteRevenue, type Order, orderOf } from './orders.js';

export interface OrderJobOptions {
  readonly orders: number;
  readonly ratePerSecond: number;
  readonly ordersDirectory: string;
  readonly revenueDirectory: string;
  /** Gets the stream of closed windows, each exactly once. */
  readonly watch: (revenue: CollectHandle<MinuteRevenue>) => void;
}

export function orderJob(options: OrderJobOptions): JobDefinition {
  const { ratePerSecond } = options;
  const source = generator({
    count: options.orders,
    ratePerSecond,
    seed: 'orders',
    make: (id) => orderOf(id, ratePerSecond),
  });
  const inTime = withTimestamps((order: Order) => order.at, boundedOutOfOrderness(DISORDER_MS));
  return defineJob('orders', (env) => {
    const orders = env.from(source, { uid: 'orders', name: 'source', watermarks: inTime });
    const revenue = orders
      .keyBy((order) => order.category)
      .window(tumbling(minutes(1)))
      .aggregate(
        sum((order) => order.cents),
        (category, window, cents): MinuteRevenue => ({ minute: window.start, category, cents }),
      )
      .uid('revenue')
      .name('window');
    orders.sinkTo(fileSink(options.ordersDirectory), { uid: 'order-files', name: 'order-files' });
    revenue.sinkTo(fileSink(options.revenueDirectory), { uid: 'revenue-files', name: 'revenue-files' });
    options.watch(revenue.collect({ uid: 'screen', name: 'screen' }));
  });
}

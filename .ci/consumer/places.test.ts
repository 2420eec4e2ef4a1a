// Runs under vitest with its globals.

declare function test(name: string, run: () => Promise<void>): void;

test('places', async () => {
  const { places } = await import('./places.js');
  console.log(await places());
});

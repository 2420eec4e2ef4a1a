// Is a data file fit to be opened by LMDB, which maps it into memory and trusts what it finds?
//
// Owns:    refusing files that are empty, foreign or shorter than their own header claims.
// Not:     the values (the checkpoint store keeps checksums of them).

import { open } from 'node:fs/promises';
import { StoreError } from './errors.js';

const HEADER_BYTES = 160;
const MAGIC_OFFSET = 24;
const MAGIC = 0xbeefc0de;

/** Throws StoreError when LMDB could crash on the file. A file that does not exist is fine unless `readOnly`. */
export async function checkStoreFile(path: string, readOnly: boolean): Promise<void> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' && !readOnly) return null;
    throw error;
  });
  if (file === null) return;
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    const { bytesRead } = await file.read(header, 0, HEADER_BYTES, 0);
    if (bytesRead === HEADER_BYTES && header.readUInt32LE(MAGIC_OFFSET) === MAGIC) return;
    throw new StoreError('WEIR_STORE', `${path} is not the data file of a store.`, {
      remedy: 'Restore it from a copy, or choose another directory.',
      unrecoverable: true,
    });
  } finally {
    await file.close();
  }
}

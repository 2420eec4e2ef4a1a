// Files of the operating system, through node:fs.
//
// Owns:    whole appends over short writes, directory fsync, stable identities.
// Not:     retries. A failed fsync may have dropped the dirty pages, so the caller must treat the file as suspect.
//
// A1. Every error carries the code that Node gave it.
// A2. `append` has handed over all bytes or rejects; it never leaves a gap in between.

import type { BigIntStats } from 'node:fs';
import type { FileHandle as NodeHandle } from 'node:fs/promises';
import { open, readdir, rename, rmdir, stat, unlink } from 'node:fs/promises';
import { makeDirectories } from './node-directories.js';
import type { FileHandle, FileStat, FileSystem } from './runtime.js';

// 'append' and 'createNew' can be read too: a sink that resumes a file inspects its tail through the same handle.
const NODE_FLAGS = { read: 'r', append: 'a+', createNew: 'ax+' } as const;

export const nodeFiles: FileSystem = {
  async open(path, mode) {
    return fileHandle(await open(path, NODE_FLAGS[mode]));
  },
  async stat(path) {
    try {
      return fileStat(await stat(path, { bigint: true }));
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  },
  async list(path) {
    return (await readdir(path)).sort();
  },
  async makeDirectory(path) {
    await makeDirectories(path);
  },
  rename,
  async remove(path) {
    await ignoreMissing(unlink(path));
  },
  async removeDirectory(path) {
    await ignoreMissing(rmdir(path));
  },
  async syncDirectory(path) {
    // Windows has no fsync of directories and refuses to open one; NTFS journals the entries itself.
    if (process.platform === 'win32') return;
    const handle = await open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};

function fileHandle(handle: NodeHandle): FileHandle {
  return {
    async read(position, length) {
      const bytes = new Uint8Array(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await handle.read(bytes, filled, length - filled, position + filled);
        if (bytesRead === 0) return bytes.slice(0, filled);
        filled += bytesRead;
      }
      return bytes;
    },
    async append(bytes) {
      let written = 0;
      while (written < bytes.byteLength) {
        const { bytesWritten } = await handle.write(bytes, written, bytes.byteLength - written, null);
        written += bytesWritten;
      }
    },
    sync: () => handle.sync(),
    truncate: (sizeBytes) => handle.truncate(sizeBytes),
    stat: async () => fileStat(await handle.stat({ bigint: true })),
    close: () => handle.close(),
  };
}

function fileStat(stats: BigIntStats): FileStat {
  return {
    kind: stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other',
    sizeBytes: Number(stats.size),
    modifiedMs: Number(stats.mtimeNs / 1000n) / 1000,
    identity: `${stats.dev}:${stats.ino}`,
  };
}

async function ignoreMissing(removal: Promise<void>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === 'ENOENT';
}

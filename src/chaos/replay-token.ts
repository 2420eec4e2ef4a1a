// A run as one word that fits into a command line: `c1.` and base64url.
//
// Owns:    the bytes of a token, and refusing one that is damaged.
// Not:     what a run consists of (recorded-run.ts), making it again (replay belongs to whoever has the subject).
//
// T1. A token is read as it was written, or refused: a checksum covers every byte, and there is one spelling of each token.
// T2. Bytes: varint length of the head, head (JSON as UTF-8), 1 when choices follow or else 0, choices, checksum (4 bytes, low first).

import { checksum } from '../base/checksum.js';
import { ConfigError, messageOf } from '../base/errors.js';
import { choiceBytes, choicesFromBytes, pushVarint, readVarint } from './choice-codes.js';
import { type RecordedRun, readRunFields, runFields } from './recorded-run.js';

const FORMAT = 'c1';
const CHECKSUM_BYTES = 4;
/** Longer texts are no tokens; a run of a million choices without any pattern is about so long. */
const TOKEN_CHARACTERS_MAX = 4_194_304;

/** The token that replays the run. Throws ConfigError for a run that is too long for one. */
export function replayToken(run: RecordedRun): string {
  const { choices } = run.spec;
  const head = new TextEncoder().encode(JSON.stringify(runFields(run)));
  const length: number[] = [];
  pushVarint(length, head.length);
  const body = Buffer.concat([
    Uint8Array.from(length),
    head,
    Uint8Array.of(choices === null ? 0 : 1),
    choices === null ? new Uint8Array() : choiceBytes(choices),
  ]);
  const token = `${FORMAT}.${sealed(body).toString('base64url')}`;
  if (token.length <= TOKEN_CHARACTERS_MAX) return token;
  throw new ConfigError(`A token of ${token.length} characters is longer than ${TOKEN_CHARACTERS_MAX}.`, {
    remedy: 'Shrink the run first, or replay it by its seed, without choices.',
  });
}

/** The run behind a token; blanks around it do not matter. Throws ConfigError when it is damaged, or of another format. */
export function parseReplayToken(text: string): RecordedRun {
  const token = text.trim();
  const match = token.length <= TOKEN_CHARACTERS_MAX ? /^(c\d+)\.([\w-]*)$/.exec(token) : null;
  const [, format, payload = ''] = match ?? [];
  if (format === undefined) throw noToken(`expected "${FORMAT}." and letters, digits, "-" and "_"`);
  if (format !== FORMAT) {
    throw new ConfigError(`This replay token has the format ${format}, expected ${FORMAT}.`, {
      remedy: 'Replay it with the version of Weir that made it.',
    });
  }
  const body = unsealed(payload);
  try {
    return readBody(body);
  } catch (cause) {
    // The checksum was right: it was written so, by somebody who knows more or less than this version.
    throw new ConfigError(`This replay token is intact, but cannot be used: ${messageOf(cause)}`, { cause });
  }
}

function readBody(body: Uint8Array): RecordedRun {
  const { value: length, next } = readVarint(body, 0);
  const end = next + length;
  const flag = body[end];
  if (flag !== 0 && flag !== 1) throw new ConfigError(`Expected 0 or 1 at byte ${end}, got ${flag}.`);
  const head: unknown = JSON.parse(new TextDecoder().decode(body.subarray(next, end)));
  return readRunFields(head, flag === 0 ? null : choicesFromBytes(body.subarray(end + 1)));
}

function sealed(body: Uint8Array): Buffer {
  const seal = Buffer.alloc(CHECKSUM_BYTES);
  seal.writeUInt32LE(checksum(body));
  return Buffer.concat([body, seal]);
}

function unsealed(payload: string): Uint8Array {
  const bytes = Buffer.from(payload, 'base64url');
  const end = bytes.length - CHECKSUM_BYTES;
  // Several texts decode to the same bytes; only one of them was written.
  const isWhole = end >= 0 && bytes.toString('base64url') === payload;
  if (!isWhole || bytes.readUInt32LE(end) !== checksum(bytes.subarray(0, end))) {
    throw noToken('it does not match its checksum');
  }
  return bytes.subarray(0, end);
}

function noToken(reason: string): ConfigError {
  return new ConfigError(`This is no replay token, or a damaged one: ${reason}.`, {
    remedy: 'Copy the token whole, from "c1." to its last character.',
  });
}

// The version that goes into tokens and corpora, so that a replay can say which version made them.
//
// Owns:    one word. A constant, because a simulation reads no files; a test holds it equal to package.json.

export const ENGINE_VERSION = '0.1.0';

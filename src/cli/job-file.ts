// From the path of a job file to the job that it exports.
//
// Owns:    finding the job among the exports, and saying what is wrong with them.
// Not:     importing the file (module-file.ts), what the job describes.

import { isJobDefinition, type JobDefinition } from '../api/define-job.js';
import { ConfigError } from '../base/errors.js';
import { loadModuleFile } from './module-file.js';

/** Throws ConfigError. */
export async function loadJobFile(file: string, directory: string): Promise<JobDefinition> {
  const { module, shown } = await loadModuleFile(file, directory, { what: 'job file', exports: 'the job' });
  return jobOf(module, shown);
}

function jobOf(module: Readonly<Record<string, unknown>>, shown: string): JobDefinition {
  const exported = module['default'];
  if (isJobDefinition(exported)) return exported;
  // A CommonJS module that was compiled from `export default` arrives one level deeper.
  if (typeof exported === 'object' && exported !== null && 'default' in exported) {
    if (isJobDefinition(exported.default)) return exported.default;
  }
  const named = Object.keys(module).filter((name) => name !== 'default' && isJobDefinition(module[name]));
  const found = exported === undefined ? 'it has no default export' : 'its default export is something else';
  throw new ConfigError(`${shown} does not export a job as its default: ${found}.`, {
    remedy:
      named.length > 0
        ? `Add \`export default ${named[0]};\`.`
        : 'Add `export default defineJob(name, (env) => { ... });`.',
  });
}
